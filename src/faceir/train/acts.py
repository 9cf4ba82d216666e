"""Where each field of the spec acts, found by changing it: `python -m faceir.train.acts` writes `spec/acts.json`.

Every field of a whole spec is given other values, one after the other. Either `check` refuses them by name, or what
the trainer works with is no longer the same: then the field acts at the places that changed. A field that does
neither is idle, and must say why in `rules.IDLE`.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from torch import nn

from faceir import spec as specs
from faceir.errors import SpecError
from faceir.spec.experiment_pb2 import Experiment
from faceir.spec.schema import describe, is_map, is_repeated
from faceir.train import checkpoint, setup
from faceir.train.checkpoint import Checkpoint
from faceir.train.model import Architecture, GridBoxNet

__all__ = ["REFUSED", "TARGET", "find", "paths", "render"]

REFUSED = "refused"
TARGET = Path(specs.__file__).with_name("acts.json")
_INDEX, _KEY = "0", "face"
_MAX_PLACES = 3

# Fields that act only beside others; the longest prefix of a path that is here counts. FOLDER holds the data and nets.
_CONTEXT: dict[str, tuple[str, ...]] = {
    "dataset_config.data_sources.0.sampling_ratio": ("dataset_config.data_sources.1.image_directory_path=FOLDER/more",),
    "dataset_config.sampling_mode": ("dataset_config.data_sources.1.image_directory_path=FOLDER/more",),
    "augmentation_config.preprocessing.scale": (
        "augmentation_config.preprocessing.scale_height=100", "augmentation_config.preprocessing.scale_width=100",
    ),
    "augmentation_config.preprocessing.crop": (
        "augmentation_config.preprocessing.crop_right=90", "augmentation_config.preprocessing.crop_bottom=60",
    ),
    "augmentation_config.occluders": ("augmentation_config.infrared.probability=0.5",),
    "augmentation_config.infrared": ("augmentation_config.infrared.probability=0.5",),
    "augmentation_config.face_crops": ("augmentation_config.face_crops.probability=0.5",),
    "augmentation_config.face_zoom": ("augmentation_config.face_zoom.enabled=true",),
    "model_config.freeze": ("model_config.pretrained_model_file=FOLDER/same.safetensors",),
    "model_config.load_graph": ("model_config.pretrained_model_file=FOLDER/narrow.safetensors",),
    "model_config.allow_loaded": (
        "model_config.pretrained_model_file=FOLDER/two_classes.safetensors", "model_config.load_graph=true",
    ),
    "model_config.widen_noise": (
        "model_config.pretrained_model_file=FOLDER/narrow.safetensors", "model_config.widen_pretrained=true",
    ),
    "model_config.widen_pretrained": ("model_config.pretrained_model_file=FOLDER/narrow.safetensors",),
    "postprocessing_config.target_class_config.face.clustering_config.nms": (
        "postprocessing_config.target_class_config.face.clustering_config.clustering_algorithm=NMS",
    ),
    "training_config.distillation": (
        "training_config.distillation.teacher_model_file=FOLDER/same.safetensors",
        "training_config.distillation.feature_weight=0.5",
    ),
    "training_config.enable_qat": ("model_config.pretrained_model_file=FOLDER/same.safetensors",),
    "training_config.visualizer": ("training_config.visualizer.enabled=true",),
    "training_config.learning_rate.early": (
        "training_config.learning_rate.early_stopping_annealing_schedule.patience_steps=3",
    ),
    "training_config.learning_rate.soft_start_cosine": (
        "training_config.learning_rate.soft_start_cosine_annealing_schedule.soft_start=0.1",
    ),
    "loss_mask_label_filter.objective_label_filter_configs.0.label_filter.bbox_crop": (
        "loss_mask_label_filter.objective_label_filter_configs.0.label_filter.bbox_crop_label_filter.crop_right=9",
    ),
}  # fmt: skip

# Values of fields whose kind alone does not tell what may be written.
_VALUES: dict[str, tuple[str, ...]] = {
    "dataset_config.data_sources.0.image_directory_path": ("FOLDER/more",),
    "dataset_config.data_sources.0.split": ("val",),
    "dataset_config.data_sources.0.terms": ("[a]",),
    "dataset_config.data_sources.0.exclude_set": ("[one]",),
    "dataset_config.validation_data_source.image_directory_path": ("FOLDER/more",),
    "dataset_config.validation_data_source.split": ("val",),
    "dataset_config.validation_data_source.terms": ("[a]",),
    "dataset_config.validation_data_source.exclude_set": ("[one]",),
    "dataset_config.validation_fold": ("1",),
    "dataset_config.target_class_mapping.face": ("hand",),
    "model_config.pretrained_model_file": ("FOLDER/same.safetensors",),
    "model_config.load_graph": ("true",),
    "training_config.distillation.teacher_model_file": ("FOLDER/narrow.safetensors",),
    "training_config.distillation.feature_layer": ("block_4a",),
    "cost_function_config.target_classes.0.name": ("hand",),
    "loss_mask_label_filter.objective_label_filter_configs.0.target_class_names": ("[face]",),
    "loss_mask_label_filter.objective_label_filter_configs.0.objective_names": ("[cov]",),
}


def paths(kind: Descriptor, prefix: str = "") -> Iterator[tuple[str, FieldDescriptor]]:
    """Every field below `kind` that holds a value, as a path to type: first item of a list, key `face` of a map."""
    for field in kind.fields:
        here, value = f"{prefix}{field.name}", field
        if is_map(field) and field.message_type is not None:
            here, value = f"{here}.{_KEY}", field.message_type.fields_by_name["value"]
        elif is_repeated(field) and field.message_type is not None:
            here = f"{here}.{_INDEX}"
        if value.message_type is not None:
            yield from paths(value.message_type, f"{here}.")
        else:
            yield here, field if not is_map(field) else value


def find(folder: Path) -> dict[str, str]:
    """Path of each field of an experiment spec -> where it acts, `refused`, or "" when it is idle.

    `folder` is for the data and nets that it makes.
    """
    base = _prepare(folder)
    before: dict[tuple[str, ...], Mapping[str, Any]] = {(): _plain(base)}
    acts = {}
    for path, field in paths(describe(Experiment)):
        context = tuple(part.replace("FOLDER", str(folder)) for part in _longest(_CONTEXT, path))
        start = base
        for change in context:
            start = specs.override(start, change)
        if context not in before:
            try:
                before[context] = _plain(start)
            except SpecError:  # the field is what makes the others acceptable
                before[context] = before[()]
        acts[path] = _outcome(path, field, start, before[context], folder)
    return acts


def _longest(table: Mapping[str, tuple[str, ...]], path: str) -> tuple[str, ...]:
    fits = [prefix for prefix in table if path.startswith(prefix)]
    return table[max(fits, key=len)] if fits else ()


def _outcome(path: str, field: FieldDescriptor, start: Experiment, before: Mapping[str, Any], folder: Path) -> str:
    """What comes of other values of one field."""
    places: dict[str, None] = {}
    refused = False
    last = path.removesuffix(f".{_KEY}").rpartition(".")[2]
    for value in _values(path, field, start):
        try:
            changed = specs.override(start, f"{path}={value.replace('FOLDER', str(folder))}")
            specs.check(changed)
            after = _plain(changed)
        except SpecError as error:
            refused |= last in error.where or path.startswith(error.where)
            continue
        places |= {key: None for key in {**before, **after} if before.get(key) != after.get(key)}
        if places:
            break
    if not places:
        return REFUSED if refused else ""
    return ", ".join(f"`{place}`" for place in list(places)[:_MAX_PLACES])


def _values(path: str, field: FieldDescriptor, start: Experiment) -> Sequence[str]:
    """Other values to write."""
    if path in _VALUES:
        return _VALUES[path]
    if field.enum_type is not None:
        return [value.name for value in field.enum_type.values]
    kinds = FieldDescriptor
    values: list[str]
    match field.cpp_type:
        case kinds.CPPTYPE_BOOL:
            values = ["true", "false"]
        case kinds.CPPTYPE_DOUBLE:
            values = ["0.33", "3", "40", "0.001", "1e-7"]
        case kinds.CPPTYPE_STRING:
            values = ["other"]
        case _:
            values = ["1", "2", "5", "32", "64"]
    return [f"[{value}]" for value in values] if is_repeated(field) else values


# ------------------------------------------------------------------------------------------------ what the trainer has


def _plain(spec: Experiment) -> dict[str, Any]:
    """Everything that the trainer works with, as values by the place that holds them."""
    specs.check(spec)
    training = setup.make_training(spec, setup.find_data(spec), torch.device("cpu"))
    found: dict[str, list[Any]] = {}
    _walk(training, "", found)
    return {place: repr(values) for place, values in found.items()}


def _walk(value: Any, place: str, found: dict[str, list[Any]]) -> None:
    """Collect the values below `value`; a place is the module, class and attribute that holds them."""
    if isinstance(value, nn.Module):
        stated = {name: _digest(t) for name, t in value.state_dict().items()}
        found.setdefault(place, []).append(stated)
    elif isinstance(value, torch.Tensor):
        found.setdefault(place, []).append(value.tolist())
    elif isinstance(value, Mapping):
        found.setdefault(place, []).append(sorted(map(repr, value.items())))
    elif isinstance(value, list | tuple) and any(_is_object(one) for one in value):
        for one in value:
            _walk(one, place, found)
    elif _is_object(value):
        owner = f"{type(value).__module__.removeprefix('faceir.')}.{type(value).__qualname__}"
        for name, one in vars(value).items():
            if (type(value).__name__, name) not in (("Training", "spec"), ("Training", "data")):
                _walk(one, f"{owner}.{name.lstrip('_')}", found)
    else:
        found.setdefault(place, []).append(sorted(value) if isinstance(value, frozenset) else value)


def _is_object(value: Any) -> bool:
    return type(value).__module__.startswith("faceir.") and hasattr(value, "__dict__")


def _digest(tensor: torch.Tensor) -> str:
    return hashlib.sha256(np.ascontiguousarray(tensor.detach().cpu().numpy()).tobytes()).hexdigest()[:8]


# --------------------------------------------------------------------------------------------- a spec to start from


def _prepare(folder: Path) -> Experiment:
    """A whole spec, with data and nets in `folder`."""
    import cv2

    rows = ["picture,set,terms,split"]
    for n, (top, terms, split) in enumerate((("one", "a", "train"), ("one", "b", "val"), ("two", "a", "train"))):
        for part in ("data", "more"):
            for sub, text in (("images", ""), ("labels", f"face 0 0 0 {n} 0 30 30 0 0 0 0 0 0 0\n")):
                path = folder / part / top / sub / f"{n}{'.txt' if text else '.png'}"
                path.parent.mkdir(parents=True, exist_ok=True)
                if text:
                    path.write_text(text)
                else:
                    cv2.imwrite(str(path), np.full((60, 90), 40 * n, np.uint8))
        rows.append(f"{top}/images/{n}.png,{top},{terms},{split}")
    for part in ("data", "more"):
        (folder / part / "manifest.csv").write_text("\n".join(rows) + "\n")
    for name, width, classes in (("same", 0.125, 1), ("narrow", 0.0625, 1), ("two_classes", 0.125, 2)):
        torch.manual_seed(classes)
        net = GridBoxNet(Architecture.resnet18(classes, width, True))
        spec = Experiment()
        checkpoint.save(folder / f"{name}.safetensors", Checkpoint(net, setup.contract(spec)))
    (folder / "spec.txt").write_text(_BASE.replace("FOLDER", str(folder)))
    return specs.load(folder / "spec.txt")


_BASE = """
dataset_config {
  data_sources { image_directory_path: "FOLDER/data" }
  validation_data_source { image_directory_path: "FOLDER/data" }
  target_class_mapping { key: "face" value: "face" }
  target_class_mapping { key: "palm" value: "hand" }
  target_class_mapping { key: "visage" value: "face" }
}
augmentation_config { preprocessing { output_image_width: 96 output_image_height: 64 } }
postprocessing_config {
  target_class_config { key: "face" value { clustering_config { } } }
  target_class_config { key: "hand" value { clustering_config { } } }
}
model_config { all_projections: true width_multiplier: 0.125 }
evaluation_config { minimum_detection_ground_truth_overlap { key: "face" value: 0.5 } }
cost_function_config {
  target_classes { name: "face" objectives { name: "cov" } objectives { name: "bbox" } }
}
training_config {
  num_epochs: 10 batch_size_per_gpu: 1 precision: FP32
  learning_rate { soft_start_annealing_schedule { } } optimizer { adam { } }
}
bbox_rasterizer_config {
  target_class_config { key: "face" value { } }
  target_class_config { key: "hand" value { } }
}
loss_mask_label_filter {
  objective_label_filter_configs { label_filter { bbox_dimensions_label_filter { min_width: 4 } } }
}
"""


def render() -> str:
    """The text of `spec/acts.json`."""
    with tempfile.TemporaryDirectory() as folder:
        return json.dumps(find(Path(folder)), indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
