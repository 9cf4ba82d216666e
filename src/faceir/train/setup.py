"""From an experiment spec to a `Training`: the only place that reads spec fields for the trainer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from faceir import spec as specs
from faceir.contract import Contract
from faceir.data import kitti
from faceir.data.augment import Augmentation, ViewKind
from faceir.data.guidelines import Rules
from faceir.data.infrared import InfraredParams
from faceir.detections import DONT_CARE
from faceir.errors import InputError, SpecError, need_file
from faceir.fit import Fit
from faceir.spec.experiment_pb2 import Experiment
from faceir.train import checkpoint
from faceir.train.loader import Phase, Samples
from faceir.train.loop import Schedule, Training, choose_precision
from faceir.train.loss import OBJECTIVES, AutoWeights, TargetClass
from faceir.train.model import Architecture, GridBoxNet

__all__ = ["Data", "check_labels", "contract", "find_data", "make_training", "rules", "without"]

FOLD_SHARE = 0.14
"""Share of the pictures that `validation_fold: 0` keeps for validation, the val_split of TAO's example specs."""


@dataclass(frozen=True)
class Data:
    """The labelled pictures that a spec names."""

    training: list[kitti.Item]
    weights: list[float]
    """Loss weight of each training picture, its source's."""
    validation: list[kitti.Item]
    """Empty when the spec names none."""


def find_data(spec: Experiment) -> Data:
    """Find all pictures of a spec.

    `validation_fold: 0` keeps a fixed seventh of them for validation, as TAO's converter does by its
    random partition; `validation_data_source` names others.
    """
    config = spec.dataset_config
    items: list[kitti.Item] = []
    weights: list[float] = []
    for n, source in enumerate(config.data_sources):
        found = _find(source, f"dataset_config.data_sources.{n}")
        items += found
        weights += [source.source_weight or 1.0] * len(found)
    if not items:
        raise SpecError("dataset_config.data_sources", "is missing", "at least one", "name an image_directory_path")
    if config.HasField("validation_data_source"):
        return Data(items, weights, _find(config.validation_data_source, "dataset_config.validation_data_source"))
    if not config.HasField("validation_fold"):
        return Data(items, weights, [])
    if config.validation_fold:
        raise SpecError(
            "dataset_config.validation_fold", f"is {config.validation_fold}", "0: folders have no other folds",
            "name a validation_data_source instead",
        )  # fmt: skip
    order = np.random.default_rng(42).permutation(len(items))
    held_out = set(order[: round(FOLD_SHARE * len(items))].tolist())
    kept = [n for n in range(len(items)) if n not in held_out]
    return Data([items[n] for n in kept], [weights[n] for n in kept], [items[n] for n in sorted(held_out)])


def _find(source: Any, where: str) -> list[kitti.Item]:
    if not source.image_directory_path:
        raise SpecError(
            f"{where}.image_directory_path", "is missing", "the folder that holds images/ and labels/ in KITTI format",
            "TFRecords are not needed: name the folder that they were made from",
        )  # fmt: skip
    want = kitti.Filter(source.split, tuple(source.terms), tuple(source.exclude_set))
    return kitti.find(source.image_directory_path, want)


def contract(spec: Experiment, name: str = "") -> Contract:
    """What a net trained by `spec` promises."""
    pre = spec.augmentation_config.preprocessing
    fit = Fit((pre.output_image_width, pre.output_image_height), pre.maintain_aspect_ratio)
    return Contract(specs.class_names(spec), fit, specs.cluster_params(spec), name)


def without(data: Data, problems: Mapping[Path, InputError]) -> Data:
    """The same data but for the pictures that `check_labels` found faulty."""
    kept = [n for n, item in enumerate(data.training) if item.picture not in problems]
    return Data(
        [data.training[n] for n in kept],
        [data.weights[n] for n in kept],
        [item for item in data.validation if item.picture not in problems],
    )


def check_labels(items: Sequence[kitti.Item], spec: Experiment) -> dict[Path, InputError]:
    """What is wrong with each faulty picture's labels; before the first epoch, so that no run learns from nothing.

    Raises `InputError` at once when no label at all speaks of a class to be trained (a class name written
    otherwise, say), with the names that the labels hold.
    """
    mapping, classes = dict(spec.dataset_config.target_class_mapping), specs.class_names(spec)
    problems: dict[Path, InputError] = {}
    faces = Counter(dict.fromkeys(classes, 0))
    for item in items:
        try:
            need_file(item.picture, "a picture")
            if not item.label.exists():
                raise InputError(item.label, "does not exist", "a label file, empty when there is no face")
            truth = kitti.read_labels(item.label, mapping, classes)
        except InputError as error:
            problems[item.picture] = error
            continue
        faces.update(classes[label] for label in truth.labels.tolist() if label != DONT_CARE)
    empty = [name for name, count in faces.items() if not count]
    if empty:
        held = Counter(
            line.split()[0] for item in items[:2000] if item.label.exists()
            for line in item.label.read_text(errors="replace").splitlines() if line.strip()
        )  # fmt: skip
        names = ", ".join(f"{name} ({count})" for name, count in held.most_common(8)) or "no line at all"
        raise InputError(
            "labels", f"none of {len(items)} files speaks of class {', '.join(empty)}; they hold {names}",
            f"names that dataset_config.target_class_mapping maps to {', '.join(empty)}",
            "add a target_class_mapping entry",
        )  # fmt: skip
    return problems


def make_training(spec: Experiment, data: Data, device: torch.device) -> Training:
    """A training by `spec` on `data`, ready to run."""
    items = data.training
    config, cost = spec.training_config, spec.cost_function_config
    batch = config.batch_size_per_gpu
    per_epoch = len(items) if not config.max_samples_per_epoch else min(len(items), config.max_samples_per_epoch)
    steps_per_epoch = math.ceil(per_epoch / batch)
    classes = tuple(_target_class(c) for c in cost.target_classes)
    promised = contract(spec)
    samples = Samples(
        items=items,
        item_weights=data.weights,
        class_mapping=dict(spec.dataset_config.target_class_mapping),
        classes=promised.classes,
        raster=specs.raster_params(spec),
        augmentation=_augmentation(spec),
        phases=_phases(spec),
        rules=rules(spec),
        batch_size=batch,
        total_steps=config.num_epochs * steps_per_epoch,
        seed=spec.random_seed,
    )
    rate = config.learning_rate.soft_start_annealing_schedule
    adam = config.optimizer.adam
    period, first = (
        max(spec.evaluation_config.validation_period_during_training, 1),
        spec.evaluation_config.first_validation_epoch,
    )
    precision, reason = choose_precision(type(config).Precision.Name(config.precision), device)
    torch.manual_seed(spec.random_seed)
    net, origin = _net(spec)
    return Training(
        net=net,
        samples=samples,
        classes=classes,
        weights=AutoWeights(classes, cost.enable_autoweighting, cost.min_objective_weight, cost.max_objective_weight),
        schedule=Schedule(rate.min_learning_rate, rate.max_learning_rate, rate.soft_start, rate.annealing),
        contract=promised,
        steps_per_epoch=steps_per_epoch,
        spec=specs.to_text(spec),
        data=_sources(items) | origin,
        giou_weight=cost.giou_weight,
        regulariser=(
            type(config.regularizer).RegularizationType.Name(config.regularizer.type),
            config.regularizer.weight,
        ),
        adam=(adam.beta1, adam.beta2, adam.epsilon),
        precision=precision,
        precision_reason=reason,
        checkpoint_interval=max(config.checkpoint_interval, 1),
        keep_checkpoints=max(config.keep_checkpoints, 1),
        num_workers=config.num_workers,
        validation_epochs=frozenset(e for e in range(config.num_epochs) if e >= first and (e + 1) % period == 0),
        device=device,
    )


def rules(spec: Experiment) -> Rules:
    """Which labelled faces the spec ignores."""
    config = spec.training_config
    return Rules(config.ignore_face_height_below, config.ignore_occlusion_above, config.ignore_visible_below)


def _net(spec: Experiment) -> tuple[GridBoxNet, dict[str, Any]]:
    """A fresh net, or the pretrained one that the spec names, and what to remember of where it came from."""
    config = spec.model_config
    classes = len(spec.cost_function_config.target_classes)
    net = GridBoxNet(Architecture.resnet18(classes, config.width_multiplier, config.all_projections))
    if not config.pretrained_model_file:
        return net, {}
    source = checkpoint.load(config.pretrained_model_file)
    loaded = source.net
    if config.load_graph:
        if loaded.architecture.num_classes != classes:
            raise SpecError(
                "model_config.load_graph", f"the file's net has {loaded.architecture.num_classes} classes",
                f"{classes}, as cost_function_config.target_classes", "set load_graph: false to take what fits",
            )  # fmt: skip
        return loaded, {key: source.data[key] for key in ("pruned",) if key in source.data}
    ours, theirs = net.state_dict(), loaded.state_dict()
    fits = {name: t for name, t in theirs.items() if name in ours and t.shape == ours[name].shape}
    if not fits:
        raise SpecError(
            "model_config.pretrained_model_file", "no tensor fits this net by name and shape",
            "a net of the same widths",
            "set load_graph: true to take its widths too",
        )  # fmt: skip
    net.load_state_dict({**ours, **fits})
    return net, {}


def _target_class(stated: Any) -> TargetClass:
    by_name = {o.name: o for o in stated.objectives}
    first, second = (by_name[name] for name in OBJECTIVES)
    return TargetClass(
        stated.name,
        stated.class_weight,
        stated.coverage_foreground_weight,
        (first.initial_weight, second.initial_weight),
        (first.weight_target, second.weight_target),
    )


def _augmentation(spec: Experiment) -> Augmentation:
    a = spec.augmentation_config
    s, c, i = a.spatial_augmentation, a.color_augmentation, a.infrared
    return Augmentation(
        keep_aspect=a.preprocessing.maintain_aspect_ratio,
        hflip_probability=s.hflip_probability,
        vflip_probability=s.vflip_probability,
        zoom=(s.zoom_min, s.zoom_max),
        translate_max_xy=(s.translate_max_x, s.translate_max_y),
        rotate_max_rad=s.rotate_rad_max,
        rotate_probability=s.rotate_probability,
        aspect_jitter_max=i.aspect_jitter_max if i.probability else 0.0,
        brightness_stddev=c.color_shift_stddev,
        hue_max_deg=c.hue_rotation_max,
        saturation_max=c.saturation_shift_max,
        contrast_max=c.contrast_scale_max,
        contrast_center=c.contrast_center,
        occluder_probability=i.occluder_probability if i.probability else 0.0,
        infrared_probability=i.probability,
        infrared=InfraredParams(
            red_weight=(i.red_weight_min, i.red_weight_max),
            illumination_probability=i.illumination_probability,
            darkness_probability=i.darkness_probability,
            light_min=i.light_min,
            noise_probability=i.noise_probability,
            noise_sigma_max=i.noise_sigma_max,
            blur_probability=i.blur_probability,
            blur_sigma_max=i.blur_sigma_max,
            over_exposure_probability=i.over_exposure_probability,
            gain_max=i.gain_max,
            gamma=(i.gamma_min, i.gamma_max),
            jpeg_probability=i.jpeg_probability,
            jpeg_quality_min=i.jpeg_quality_min,
        ),
    )


def _phases(spec: Experiment) -> tuple[Phase, ...]:
    """Crops and frames first, whole frames last."""
    a = spec.augmentation_config
    size_wh = (a.preprocessing.output_image_width, a.preprocessing.output_image_height)
    whole = ViewKind(size_wh)
    frames: tuple[tuple[ViewKind, float], ...] = ((whole, 1.0),)
    if a.face_zoom.enabled:
        zoomed = ViewKind(
            size_wh, (a.face_zoom.min_face_height, a.face_zoom.max_face_height), a.face_crops.clutter_probability
        )
        frames = ((whole, 0.5), (zoomed, 0.5))
    last = Phase(0.0, tuple(k for k, _ in frames), tuple(w for _, w in frames))
    crops = a.face_crops
    if not crops.probability:
        return (last,)
    crop = ViewKind(
        (crops.width, crops.height), (crops.min_face_height, crops.max_face_height), crops.clutter_probability
    )
    mixed = Phase(0.0, (crop, *last.kinds), (crops.probability, *((1 - crops.probability) * w for _, w in frames)))
    return (mixed, Phase(crops.until_progress, last.kinds, last.weights))


def _sources(items: Sequence[kitti.Item]) -> dict[str, Any]:
    """What a checkpoint says of its data."""
    return {"pictures": len(items), "sets": dict(Counter(item.source for item in items))}
