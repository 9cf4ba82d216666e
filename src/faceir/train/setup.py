"""From an experiment spec to a `Training`; beside `sources`, the only place that reads spec fields for the trainer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from faceir import spec as specs
from faceir.contract import Contract
from faceir.data import kitti
from faceir.data.augment import Augmentation, Occluders, ViewKind
from faceir.data.guidelines import Rules
from faceir.data.infrared import InfraredParams
from faceir.errors import SpecError
from faceir.fit import Fit
from faceir.spec.experiment_pb2 import Experiment
from faceir.train import checkpoint, distributed, freeze, pretrained
from faceir.train.distil import Distillation, Teacher
from faceir.train.freeze import Frozen
from faceir.train.loader import Phase, Samples
from faceir.train.loop import Training, choose_precision
from faceir.train.loss import OBJECTIVES, AutoWeights, TargetClass
from faceir.train.mask import LabelFilter, LossMask
from faceir.train.model import Architecture, GridBoxNet
from faceir.train.prepare import Preparation
from faceir.train.provenance import inherited, learnt_from, validated_on
from faceir.train.qat import RANGES_KEY, QuantisedNet
from faceir.train.records import Visualiser
from faceir.train.schedule import Patience, Schedule, SoftStart, UntilPlateau
from faceir.train.sources import Data, check_labels, class_mapping, find_data, mixture
from faceir.train.validate import Bounds, Judge
from faceir.train.widen import widen

__all__ = [
    "Data",
    "augmentation",
    "check_labels",
    "contract",
    "find_data",
    "judge_of",
    "make_training",
    "phases",
    "rules",
]


def contract(spec: Experiment, name: str = "") -> Contract:
    """What a net trained by `spec` promises."""
    pre = spec.augmentation_config.preprocessing
    fit = Fit((pre.output_image_width, pre.output_image_height), pre.maintain_aspect_ratio)
    return Contract(specs.class_names(spec), fit, specs.cluster_params(spec), name)


def make_training(spec: Experiment, data: Data, device: torch.device) -> Training:
    """A training by `spec` on `data`, ready to run."""
    config, cost = spec.training_config, spec.cost_function_config
    batch = config.batch_size_per_gpu * config.accumulate_batches * distributed.processes()
    size = len(data.training)
    per_epoch = size if not config.max_samples_per_epoch else min(size, config.max_samples_per_epoch)
    steps_per_epoch = math.ceil(per_epoch / batch)
    classes = tuple(_target_class(c) for c in cost.target_classes)
    adam, scaling = config.optimizer.adam, config.cost_scaling
    precision, reason = choose_precision(type(config).Precision.Name(config.precision), device)
    if config.enable_qat:  # check lets AUTO and FP32 pass
        precision, reason = "FP32", "quantisation-aware training tells INT8's levels apart in it alone"
    torch.manual_seed(spec.random_seed)
    start = _quantised(spec, _start(spec)) if config.enable_qat else _start(spec)
    schedule = _schedule(spec)
    patience = Patience(spec.evaluation_config.early_stopping_patience_steps)
    return Training(
        net=start.net,
        samples=_samples(spec, data, config.num_epochs * steps_per_epoch * config.accumulate_batches),
        classes=classes,
        weights=AutoWeights(classes, cost.enable_autoweighting, cost.min_objective_weight, cost.max_objective_weight),
        schedule=schedule,
        contract=contract(spec),
        steps_per_epoch=steps_per_epoch,
        spec=specs.to_text(spec),
        data=learnt_from(data.training, data.faces, data.stated)
        | validated_on(data.validation, data.validated)
        | start.origin
        | inherited([spec.model_config.pretrained_model_file, config.distillation.teacher_model_file]),
        giou_weight=cost.giou_weight,
        focal_gamma=cost.focal_gamma,
        regulariser=(
            type(config.regularizer).RegularizationType.Name(config.regularizer.type),
            config.regularizer.weight,
        ),
        adam=(adam.beta1, adam.beta2, adam.epsilon),
        accumulate=config.accumulate_batches,
        clip_norm=config.clip_gradient_norm,
        ema_decay=config.ema_decay,
        frozen=_frozen(spec, start),
        teacher=_teacher(spec, start.net),
        watchers=(patience, schedule) if isinstance(schedule, UntilPlateau) else (patience,),
        visualiser=_visualiser(spec),
        precision=precision,
        precision_reason=reason,
        cost_scaling=(scaling.initial_exponent, scaling.increment, scaling.decrement),
        checkpoint_interval=config.checkpoint_interval or 10,
        keep_checkpoints=max(config.keep_checkpoints, 1),
        num_workers=config.num_workers,
        validate=judge_of(spec, data.validation, precision) if data.validation else None,
        validation_epochs=_validation_epochs(spec),
        device=device,
    )


def _samples(spec: Experiment, data: Data, total_batches: int) -> Samples:
    pre = spec.augmentation_config.preprocessing
    return Samples(
        items=data.training,
        item_weights=data.weights,
        class_mapping=class_mapping(spec),
        classes=specs.class_names(spec),
        raster=specs.raster_params(spec),
        augmentation=augmentation(spec),
        phases=phases(spec),
        rules=rules(spec),
        batch_size=spec.training_config.batch_size_per_gpu,
        total_steps=total_batches,
        seed=spec.random_seed,
        mixture=mixture(spec, data.source_of),
        preparation=_preparation(spec),
        least_wh=(pre.min_bbox_width, pre.min_bbox_height),
        loss_mask=_loss_mask(spec),
        part=(distributed.rank(), distributed.processes()),
    )


def _schedule(spec: Experiment) -> Schedule:
    config = spec.training_config.learning_rate
    match config.WhichOneof("learning_rate"):
        case "early_stopping_annealing_schedule":
            e = config.early_stopping_annealing_schedule
            return UntilPlateau(
                e.min_learning_rate, e.max_learning_rate, e.soft_start_epochs, e.annealing_epochs, e.patience_steps,
                spec.training_config.num_epochs,
            )  # fmt: skip
        case "soft_start_cosine_annealing_schedule":
            c = config.soft_start_cosine_annealing_schedule
            return SoftStart(c.min_learning_rate, c.max_learning_rate, c.soft_start, c.soft_start, cosine=True)
        case _:
            r = config.soft_start_annealing_schedule
            return SoftStart(r.min_learning_rate, r.max_learning_rate, r.soft_start, r.annealing)


def _validation_epochs(spec: Experiment) -> frozenset[int]:
    period = max(spec.evaluation_config.validation_period_during_training, 1)
    first = spec.evaluation_config.first_validation_epoch
    return frozenset(e for e in range(first, spec.training_config.num_epochs) if (e + 1) % period == 0)


def judge_of(spec: Experiment, items: Sequence[kitti.Item], precision: str = "FP32") -> Judge:
    """Who judges a net on `items` as the spec wants it."""
    config, names = spec.evaluation_config, specs.class_names(spec)
    overlaps, boxes = config.minimum_detection_ground_truth_overlap, config.evaluation_box_config
    return Judge(
        items=items,
        contract=contract(spec),
        rules=rules(spec),
        class_mapping=class_mapping(spec),
        overlaps=tuple(overlaps.get(name, 0.5) for name in names),
        bounds=tuple(_bounds(boxes[name]) if name in boxes else Bounds() for name in names),
        eleven_point=config.average_precision_mode == config.SAMPLE,
        preparation=_preparation(spec),
        precision=precision,
    )


def _bounds(config: Any) -> Bounds:
    least, largest = (config.minimum_width, config.minimum_height), (config.maximum_width, config.maximum_height)
    return Bounds(least, largest)


def _visualiser(spec: Experiment) -> Visualiser:
    config = spec.training_config.visualizer
    if not config.enabled:
        return Visualiser()
    shown = config.target_class_config
    return Visualiser(
        scalars_per_epoch=config.scalar_logging_frequency,
        picture_epochs=config.infrequent_logging_frequency,
        num_images=config.num_images,
        thresholds=tuple(
            shown[name].coverage_threshold if name in shown else 0.005 for name in specs.class_names(spec)
        ),
    )


def rules(spec: Experiment) -> Rules:
    """Which labelled faces the spec ignores."""
    config = spec.training_config
    return Rules(config.ignore_face_height_below, config.ignore_occlusion_above, config.ignore_visible_below)


def _preparation(spec: Experiment) -> Preparation:
    pre = spec.augmentation_config.preprocessing
    crop = (pre.crop_left, pre.crop_top, pre.crop_right, pre.crop_bottom)
    # Older specs of TAO write the network's own size for the whole picture.
    whole = crop == (0, 0, pre.output_image_width, pre.output_image_height)
    return Preparation((pre.scale_width, pre.scale_height), (0, 0, 0, 0) if whole else crop)


def _loss_mask(spec: Experiment) -> LossMask:
    config, names = spec.loss_mask_label_filter, specs.class_names(spec)
    filters = []
    for one in config.objective_label_filter_configs:
        label = one.label_filter
        size, crop = label.bbox_dimensions_label_filter, label.bbox_crop_label_filter
        by_place = label.WhichOneof("label_filter_params") == "bbox_crop_label_filter"
        filters.append(
            LabelFilter(
                classes=tuple(names.index(name) for name in one.target_class_names),
                objectives=tuple(one.objective_names),
                min_wh=(size.min_width, size.min_height),
                max_wh=(size.max_width, size.max_height),
                region=(crop.crop_left, crop.crop_top, crop.crop_right, crop.crop_bottom) if by_place else None,
                source_classes=tuple(n.lower() for n in label.source_class_label_filter.source_class_names),
            )
        )
    return LossMask(tuple(filters), config.mask_multiplier, config.preserve_ground_truth)


@dataclass(frozen=True)
class _Start:
    """The net that a training starts from."""

    net: GridBoxNet
    origin: dict[str, Any]
    """What the checkpoints say of where it came from."""
    loaded: frozenset[str] = frozenset()
    """Its layers that came from a file."""


def _start(spec: Experiment) -> _Start:
    """A fresh net, or one from the file that the spec names."""
    config = spec.model_config
    classes = len(spec.cost_function_config.target_classes)
    wanted = Architecture.resnet18(classes, config.width_multiplier, config.all_projections)
    if not config.pretrained_model_file:
        return _Start(GridBoxNet(wanted), {})
    path = Path(config.pretrained_model_file)
    if config.load_graph or config.widen_pretrained:
        source = pretrained.open_net(path, to_learn=True)
        net, told_of = source.net, "caution" if config.widen_pretrained else "pruned caution"
        kept = {key: source.data[key] for key in told_of.split() if key in source.data}
        tensors = net.state_dict()
        if config.widen_pretrained:
            net = widen(net, wanted, config.widen_noise, spec.random_seed)
            tensors, kept["widened_from"] = net.state_dict(), source.net.architecture.to_dict()
        elif net.architecture.num_classes != classes:
            if not config.allow_loaded_model_modification:
                raise SpecError(
                    "model_config.load_graph", f"the file's net has {net.architecture.num_classes} classes",
                    f"{classes}, as cost_function_config.target_classes",
                    "set allow_loaded_model_modification: true to give it fresh outputs",
                )  # fmt: skip
            net = pretrained.with_heads(net, classes)
    else:
        tensors = pretrained.read_weights(path)
        net, kept = GridBoxNet(wanted), {}
    rows = pretrained.fit_in(net, tensors)
    if not any(row.loaded for row in rows):
        raise SpecError(
            "model_config.pretrained_model_file", "no layer fits this net by name and shape",
            "a net of the same widths",
            "set load_graph: true to take its widths too",
        )  # fmt: skip
    table = [[row.layer, row.parameters, "loaded" if row.loaded else row.reason] for row in rows]
    told = {"pretrained": {"file": path.name, "layers": table}}
    return _Start(net, kept | told, frozenset(row.layer for row in rows if row.loaded))


def _quantised(spec: Experiment, start: _Start) -> _Start:
    """The same with INT8 rounding; raises `SpecError` for a net that is not finished, or was trained so before."""
    path = Path(spec.model_config.pretrained_model_file)
    if not pretrained.is_foreign(path) and RANGES_KEY in checkpoint.load(path).data:
        raise SpecError(
            "training_config.enable_qat", f"{path.name} comes from quantisation-aware training already",
            "a net trained without", "take enable_qat out, or name the checkpoint that it came from",
        )  # fmt: skip
    if fresh := [layer for layer, _, reason in start.origin["pretrained"]["layers"] if reason != "loaded"]:
        raise SpecError(
            "training_config.enable_qat", f"{path.name} lacks {', '.join(fresh[:3])}",
            "a finished net, as BN's statistics stay as they are", "train it without enable_qat first",
        )  # fmt: skip
    return replace(start, net=QuantisedNet(start.net))


def _frozen(spec: Experiment, start: _Start) -> Frozen:
    config = spec.model_config
    blocks = [int(block) for block in config.freeze_blocks]
    return freeze.choose(start.net, blocks, config.freeze_bn, start.loaded if config.freeze_pretrained_layers else None)


def _teacher(spec: Experiment, student: GridBoxNet) -> Teacher | None:
    config = spec.training_config.distillation
    if not config.teacher_model_file:
        return None
    taught = pretrained.open_net(config.teacher_model_file)
    if (count := taught.net.architecture.num_classes) != student.architecture.num_classes:
        raise SpecError(
            "training_config.distillation.teacher_model_file", f"the teacher has {count} classes",
            f"{student.architecture.num_classes}, as cost_function_config.target_classes",
        )  # fmt: skip
    how = Distillation(config.cov_weight, config.bbox_weight, config.feature_weight, config.feature_layer)
    return Teacher(taught.net, student, how)


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


def augmentation(spec: Experiment) -> Augmentation:
    """What the spec does to pictures; occluders belong to the infrared camera and are off with it."""
    a = spec.augmentation_config
    s, c, i, o = a.spatial_augmentation, a.color_augmentation, a.infrared, a.occluders
    return Augmentation(
        keep_aspect=a.preprocessing.maintain_aspect_ratio,
        hflip_probability=s.hflip_probability,
        vflip_probability=s.vflip_probability,
        zoom=(s.zoom_min, s.zoom_max),
        translate_max_xy=(s.translate_max_x, s.translate_max_y),
        rotate_max_rad=s.rotate_rad_max,
        rotate_probability=s.rotate_probability,
        mosaic_probability=s.mosaic_probability,
        aspect_jitter_max=i.aspect_jitter_max if i.probability else 0.0,
        brightness_stddev=c.color_shift_stddev,
        hue_max_deg=c.hue_rotation_max,
        saturation_max=c.saturation_shift_max,
        contrast_max=c.contrast_scale_max,
        contrast_center=c.contrast_center,
        occluders=Occluders(
            probability=i.occluder_probability if i.probability else 0.0,
            patch=o.patch_weight,
            cap=o.cap_weight,
            hand=o.hand_weight,
            seat=o.seat_weight,
            back_of_head=o.back_of_head_weight,
            head=o.head_weight,
            distractor_probability=o.distractor_probability if i.probability else 0.0,
            passenger_probability=o.passenger_probability if i.probability else 0.0,
        ),
        infrared_probability=i.probability,
        infrared=InfraredParams(
            sensor_scale_min=i.sensor_scale_min,
            red_weight=(i.red_weight_min, i.red_weight_max),
            gamma=(i.gamma_min, i.gamma_max),
            distance_falloff_probability=i.distance_falloff_probability,
            illumination_probability=i.illumination_probability,
            vignette_probability=i.vignette_probability,
            vignette_light_min=i.vignette_light_min,
            pupil_probability=i.pupil_probability,
            glint_probability=i.glint_probability,
            blur_probability=i.blur_probability,
            blur_sigma_max=i.blur_sigma_max,
            darkness_probability=i.darkness_probability,
            light_min=i.light_min,
            strobe_probability=i.strobe_probability,
            dark_gain_probability=i.dark_gain_probability,
            over_exposure_probability=i.over_exposure_probability,
            gain_max=i.gain_max,
            noise_probability=i.noise_probability,
            noise_sigma_max=i.noise_sigma_max,
            stripe_probability=i.stripe_probability,
            stripe_sigma_max=i.stripe_sigma_max,
            jpeg_probability=i.jpeg_probability,
            jpeg_quality_min=i.jpeg_quality_min,
            video_probability=i.video_probability,
            video_quality_min=i.video_quality_min,
            ignore_snr_below=i.ignore_snr_below,
        ),
    )


def phases(spec: Experiment) -> tuple[Phase, ...]:
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
