"""What a complete spec must satisfy, beyond what the schema says; every refusal names the field and the remedy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from faceir import gridbox
from faceir.errors import SpecError
from faceir.spec.experiment_pb2 import DatasetConfig, EvaluationConfig, Experiment, Inference, ModelConfig
from faceir.spec.schema import describe, is_map, is_repeated, listed, nearest
from faceir.spec.values import class_names, cluster_params, inference_cluster_params, raster_params

__all__ = ["IDLE", "REFUSED", "check", "check_inference", "unread"]

_PARTS = (
    "dataset_config",
    "augmentation_config",
    "postprocessing_config",
    "model_config",
    "evaluation_config",
    "cost_function_config",
    "training_config",
    "bbox_rasterizer_config",
)
"""Blocks that TAO's spec loader demands as well."""

_OBJECTIVES = ("cov", "bbox")
_NUM_LAYERS = (0, 18)  # 0 is TAO's way to write 18
_UNITS = tuple(f"block_{block}{unit}" for block in (1, 2, 3, 4) for unit in "ab")
_LAST_FOLD = 6

_SHARES = {
    "augmentation_config.spatial_augmentation": (
        "hflip_probability",
        "vflip_probability",
        "rotate_probability",
        "mosaic_probability",
    ),
    "augmentation_config.color_augmentation": ("saturation_shift_max", "contrast_scale_max", "contrast_center"),
    "augmentation_config.face_crops": ("probability", "until_progress", "clutter_probability"),
    "augmentation_config.infrared": (
        "probability",
        "red_weight_min",
        "red_weight_max",
        "illumination_probability",
        "darkness_probability",
        "light_min",
        "noise_probability",
        "blur_probability",
        "over_exposure_probability",
        "jpeg_probability",
        "occluder_probability",
        "aspect_jitter_max",
        "distance_falloff_probability",
        "vignette_probability",
        "vignette_light_min",
        "pupil_probability",
        "glint_probability",
        "strobe_probability",
        "dark_gain_probability",
        "stripe_probability",
        "video_probability",
    ),
    "augmentation_config.occluders": ("distractor_probability", "passenger_probability"),
    "cost_function_config": ("min_objective_weight", "max_objective_weight"),
    "bbox_rasterizer_config": ("deadzone_radius",),
    "training_config": ("ignore_visible_below", "ema_decay"),
    "training_config.learning_rate.soft_start_annealing_schedule": ("soft_start", "annealing"),
    "training_config.learning_rate.soft_start_cosine_annealing_schedule": ("soft_start",),
}
"""Fields from 0 to 1, both included."""

_AT_LEAST_0 = {
    "augmentation_config.preprocessing": ("min_bbox_width", "min_bbox_height", "scale_width", "scale_height"),
    "augmentation_config.spatial_augmentation": ("translate_max_x", "translate_max_y", "rotate_rad_max"),
    "augmentation_config.color_augmentation": ("color_shift_stddev", "hue_rotation_max"),
    "augmentation_config.infrared": ("noise_sigma_max", "blur_sigma_max", "stripe_sigma_max", "ignore_snr_below"),
    "augmentation_config.occluders": (
        "patch_weight",
        "cap_weight",
        "hand_weight",
        "seat_weight",
        "back_of_head_weight",
        "head_weight",
    ),
    "cost_function_config": ("giou_weight", "focal_gamma"),
    "model_config": ("widen_noise",),
    "training_config": ("ignore_face_height_below", "clip_gradient_norm"),
    "training_config.distillation": ("cov_weight", "bbox_weight", "feature_weight"),
    "training_config.regularizer": ("weight",),
    "training_config.cost_scaling": ("increment", "decrement"),
    "loss_mask_label_filter": ("mask_multiplier",),
}

_ABOVE_0 = {
    "augmentation_config.preprocessing": ("output_image_width", "output_image_height"),
    "augmentation_config.spatial_augmentation": ("zoom_min",),
    "augmentation_config.face_crops": ("width", "height", "min_face_height"),
    "augmentation_config.face_zoom": ("min_face_height",),
    "augmentation_config.infrared": ("gamma_min", "jpeg_quality_min"),
    "evaluation_config": ("validation_period_during_training",),
    "model_config": ("width_multiplier",),
    "training_config": ("batch_size_per_gpu", "num_epochs", "keep_checkpoints", "accumulate_batches"),
    "training_config.learning_rate.soft_start_annealing_schedule": ("min_learning_rate", "max_learning_rate"),
    "training_config.learning_rate.soft_start_cosine_annealing_schedule": ("min_learning_rate", "max_learning_rate"),
    "training_config.learning_rate.early_stopping_annealing_schedule": ("min_learning_rate", "max_learning_rate"),
    "training_config.optimizer.adam": ("epsilon",),
}

_ORDERED = (
    ("augmentation_config.spatial_augmentation", "zoom_min", "zoom_max"),
    ("augmentation_config.face_crops", "min_face_height", "max_face_height"),
    ("augmentation_config.face_zoom", "min_face_height", "max_face_height"),
    ("augmentation_config.infrared", "red_weight_min", "red_weight_max"),
    ("augmentation_config.infrared", "gamma_min", "gamma_max"),
    ("cost_function_config", "min_objective_weight", "max_objective_weight"),
    ("training_config.learning_rate.soft_start_annealing_schedule", "min_learning_rate", "max_learning_rate"),
    ("training_config.learning_rate.soft_start_annealing_schedule", "soft_start", "annealing"),
    ("training_config.learning_rate.soft_start_cosine_annealing_schedule", "min_learning_rate", "max_learning_rate"),
    ("training_config.learning_rate.early_stopping_annealing_schedule", "min_learning_rate", "max_learning_rate"),
)
"""Path, and two fields of which the first is no larger than the second."""

_MULTIPLES = (
    ("augmentation_config.preprocessing", "output_image_width"),
    ("augmentation_config.preprocessing", "output_image_height"),
    ("augmentation_config.face_crops", "width"),
    ("augmentation_config.face_crops", "height"),
)

# Settings that would change the result if they were obeyed, and are not: refused, so that nobody believes in them.
# Path -> the values that ask for nothing, and why the others are refused.
REFUSED: dict[str, tuple[tuple[object, ...], str]] = {
    "augmentation_config.preprocessing.output_image_min": (
        (0,), "TAO's resize by the shorter side is FasterRCNN's; a GridBox net has one input size",
    ),
    "augmentation_config.preprocessing.output_image_max": (
        (0,), "TAO's resize by the shorter side is FasterRCNN's; a GridBox net has one input size",
    ),
    "dataset_config.validation_data_source.source_weight": (
        (0, 1), "validation counts every face once",
    ),
    "dataset_config.validation_data_source.sampling_ratio": (
        (1,), "validation counts every face once",
    ),
    "dataset_export_config": (
        ([],), "training reads folders as they are, so that nothing here would be left out or repeated",
    ),
    "model_config.dropout_rate": (
        (0,), "a ResNet has no dropout here, nor in TAO",
    ),
    "model_config.training_precision.backend_floatx": (
        (0,), "weights are always FLOAT32; training_config.precision: BF16 is what makes a training faster",
    ),
}  # fmt: skip

# Settings of TAO that nothing reads, because they could not change what is learned or found. Path or its beginning ->
# why. (Experiment spec; lists by index 0, maps by the key `face`.)
IDLE: dict[str, str] = {
    "augmentation_config.preprocessing.enable_auto_resize": "pictures are always resized",
    "dataset_config.data_sources.0.tfrecords_path": "labels are read from the folder",
    "dataset_config.dataloader_mode": "there is one loader",
    "dataset_config.image_extension": "pictures are found whatever their ending",
    "dataset_config.validation_data_source.tfrecords_path": "labels are read from the folder",
    "model_config.activation.": "a ResNet has ReLU, in TAO as well",
    "postprocessing_config.target_class_config.face.clustering_config.neighborhood_size": "TAO never reads it either",
    "postprocessing_config.target_class_config.face.confidence_config.confidence_threshold": "a legacy of TAO",
    "postprocessing_config.target_class_config.face.confidence_config.normalization_mode": "a legacy of TAO",
    "training_config.cost_scaling.enabled": "FP16 always scales its loss, and FP32 and BF16 never need to",
    "training_config.visualizer.clearml_config.": "nothing is ever sent anywhere",
    "training_config.visualizer.wandb_config.": "nothing is ever sent anywhere",
}

_EARLY = "training_config.learning_rate.early_stopping_annealing_schedule"


def check(spec: Experiment) -> None:
    """Raise `SpecError`, where = the field's dotted path, for the first rule that `spec` breaks.

    It asks for what training needs; a part of a spec that `load` reads, such as a model card's snippet,
    is told what is missing.
    """
    for part in _PARTS:
        if not spec.HasField(part):
            raise SpecError(part, "is missing", "this block, which training needs", f"add `{part} {{ ... }}`")
    _check_finite(spec)
    _check_ranges(spec)
    _check_network(spec)
    _check_classes(spec)
    _check_training(spec)
    _check_qat(spec)
    for path, (idle, why) in REFUSED.items():
        value = _at(spec, path)
        if value not in idle:
            came = "is given" if isinstance(value, list) else f"is {value}"
            raise SpecError(path, f"{came}, and cannot be obeyed: {why}", do="take it out of the spec")


def unread(spec: Experiment) -> dict[str, str]:
    """What is written in `spec` and not read, by name, each with the reason (`IDLE`)."""
    written = set(_written(spec))
    told = {}
    for path, why in IDLE.items():
        if any(one.startswith(path) for one in written):
            told[path.rstrip(".").rpartition(".")[2]] = why
    return told


def check_inference(spec: Inference) -> None:
    """Raise `SpecError` for the first rule that an inference spec breaks."""
    config = spec.inferencer_config
    if not config.target_classes:
        raise SpecError(
            "inferencer_config.target_classes",
            "is missing",
            "the classes in the order of the network's channels",
            'add `target_classes: "face"`',
        )
    _check_finite(spec)
    for name in ("image_width", "image_height"):
        _check_multiple(f"inferencer_config.{name}", getattr(config, name))
    _one_of("inferencer_config.stride", config.stride, (gridbox.STRIDE,))
    _one_of("inferencer_config.image_channels", config.image_channels, (1, 3))
    _at_least("inferencer_config.batch_size", config.batch_size, 1)
    inference_cluster_params(spec)
    for key, one in spec.bbox_handler_config.classwise_bbox_handler_config.items():
        where = f"bbox_handler_config.classwise_bbox_handler_config.{key}"
        _check_clustering(f"{where}.clustering_config", one.clustering_config)
        _one_of(f"{where}.confidence_model", one.confidence_model, ("aggregate_cov",))


# -------------------------------------------------------------------------------------------- parts


def _check_ranges(spec: Experiment) -> None:
    for path, names in _SHARES.items():
        for name in names:
            _within(f"{path}.{name}", getattr(_at(spec, path), name), 0, 1)
    for path, names in _AT_LEAST_0.items():
        for name in names:
            _at_least(f"{path}.{name}", getattr(_at(spec, path), name), 0)
    for path, names in _ABOVE_0.items():
        for name in names:
            value = getattr(_at(spec, path), name)
            if not value > 0:
                raise SpecError(f"{path}.{name}", f"is {value}", "more than 0", _suggest(spec, path, name))
    for path, low, high in _ORDERED:
        part = _at(spec, path)
        if getattr(part, low) > getattr(part, high):
            came = f"is {getattr(part, low)}, more than `{high}`, {getattr(part, high)}"
            raise SpecError(f"{path}.{low}", came, f"at most `{high}`", "swap the two or correct one")
    for path, name in _MULTIPLES:
        _check_multiple(f"{path}.{name}", getattr(_at(spec, path), name))
    infrared = spec.augmentation_config.infrared
    _within("augmentation_config.infrared.jpeg_quality_min", infrared.jpeg_quality_min, 1, 94)
    _within("augmentation_config.infrared.video_quality_min", infrared.video_quality_min, 1, 44)
    _at_least("augmentation_config.infrared.gain_max", infrared.gain_max, 1)
    _within("augmentation_config.infrared.sensor_scale_min", infrared.sensor_scale_min, 0.1, 1)
    _within("training_config.ignore_occlusion_above", spec.training_config.ignore_occlusion_above, 0, 9)


def _check_network(spec: Experiment) -> None:
    model, pre = spec.model_config, spec.augmentation_config.preprocessing
    _one_of("model_config.arch", model.arch, ("resnet",), "the GridBox detector here is a ResNet18")
    _one_of("model_config.num_layers", model.num_layers, _NUM_LAYERS, "the GridBox detector here is a ResNet18")
    if model.use_pooling:
        came = "is true: its poolings change the stride, so that a grid cell is no longer 16 px"
        raise SpecError("model_config.use_pooling", came, "false", "write `use_pooling: false`")
    if not model.use_batch_norm:
        came = "is false, a net that is not built here"
        raise SpecError("model_config.use_batch_norm", came, "true", "write `use_batch_norm: true`")
    if model.width_multiplier > 1:
        raise SpecError("model_config.width_multiplier", f"is {model.width_multiplier}", "at most 1")
    bbox, cov = model.objective_set.bbox, model.objective_set.cov
    built_in = "it is built into DeepStream's and our decoders"
    _one_of("model_config.objective_set.bbox.scale", bbox.scale, (gridbox.SCALE,), built_in)
    _one_of("model_config.objective_set.bbox.offset", bbox.offset, (gridbox.OFFSET,), built_in)
    for name, given in (("bbox", bbox.input), ("cov", cov.input)):
        if given:
            where = f"model_config.objective_set.{name}.input"
            raise SpecError(where, f'is "{given}"', "the last layer", "take it out")
    where = "augmentation_config.preprocessing"
    _one_of(f"{where}.output_image_channel", pre.output_image_channel, (0, 3), "gray pictures fill all three alike")
    crop = (pre.crop_left, pre.crop_top, pre.crop_right, pre.crop_bottom)
    for low, high in ((0, 2), (1, 3)):
        if any(crop) and crop[low] >= crop[high]:
            came = f"is {crop[low]}, and its other side {crop[high]}, so that nothing is left of the picture"
            name = ("crop_left", "crop_top")[low]
            raise SpecError(f"{where}.{name}", came, "less than that", "take the four crop_* out, or correct one")
    if bool(pre.scale_width) != bool(pre.scale_height):
        name = "scale_height" if pre.scale_width else "scale_width"
        raise SpecError(f"{where}.{name}", "is 0, but the other side is given", "both sides or none")


def _check_classes(spec: Experiment) -> None:
    names = class_names(spec)
    where = "cost_function_config.target_classes"
    if not names:
        raise SpecError(
            where, "is missing", "at least one class", f'add `{where.split(".")[1]} {{ name: "face" ... }}`'
        )
    for n, one in enumerate(spec.cost_function_config.target_classes):
        here = f"{where}.{n}"
        if not one.name:
            raise SpecError(f"{here}.name", "is missing", "the class's name", 'add `name: "face"`')
        if names.index(one.name) != n:
            raise SpecError(f"{here}.name", f'is "{one.name}" a second time', "every class once", "take one out")
        if not one.class_weight > 0:
            do = "write `class_weight: 1.0`, or take the class out"
            raise SpecError(f"{here}.class_weight", f"is {one.class_weight}", "more than 0", do)
        weight = one.coverage_foreground_weight
        if not 0 < weight < 1:
            do = "write `coverage_foreground_weight: 0.05`"
            raise SpecError(f"{here}.coverage_foreground_weight", f"is {weight}", "between 0 and 1", do)
        _check_objectives(here, one.objectives)
    _check_mapping(spec, names)
    for raster, name in zip(raster_params(spec), names, strict=True):
        here = f"bbox_rasterizer_config.target_class_config.{name}"
        for field in ("cov_center_x", "cov_center_y", "cov_radius_x", "cov_radius_y", "bbox_min_radius"):
            _within(f"{here}.{field}", getattr(raster, field), 0, 1)
        for field in ("cov_radius_x", "cov_radius_y"):
            if not getattr(raster, field) > 0:
                raise SpecError(f"{here}.{field}", "is 0, so that nothing is covered", "more than 0", "write 0.4")
    cluster_params(spec)
    for name in names:
        here = f"postprocessing_config.target_class_config.{name}"
        one_class = spec.postprocessing_config.target_class_config[name]
        _check_clustering(f"{here}.clustering_config", one_class.clustering_config)
        if one_class.confidence_config.confidence_model_filename:
            there = f"{here}.confidence_config.confidence_model_filename"
            raise SpecError(there, "names a confidence model, which TAO refuses too", "none", "take it out")
    _check_evaluation(spec.evaluation_config, names)


def _check_objectives(where: str, objectives: Any) -> None:
    given = [one.name for one in objectives]
    for name in _OBJECTIVES:
        if given.count(name) != 1:
            came = f"has `{name}` {given.count(name)} times"
            do = f'write `objectives {{ name: "{name}" initial_weight: 1.0 weight_target: 1.0 }}` once'
            raise SpecError(f"{where}.objectives", came, f"each of {listed(_OBJECTIVES)} once", do)
    for n, one in enumerate(objectives):
        if one.name not in _OBJECTIVES:
            raise SpecError(f"{where}.objectives.{n}.name", f'is "{one.name}"', f"one of {listed(_OBJECTIVES)}")
        _at_least(f"{where}.objectives.{n}.initial_weight", one.initial_weight, 0)
        _at_least(f"{where}.objectives.{n}.weight_target", one.weight_target, 0)
    if not sum(one.initial_weight for one in objectives) > 0:
        raise SpecError(f"{where}.objectives", "have initial weights that are all 0", "at least one above 0")


def _check_mapping(spec: Experiment, names: tuple[str, ...]) -> None:
    """Every class is the target of a mapping, spelled alike; without a mapping labels are used as they are."""
    mapping = dict(spec.dataset_config.target_class_mapping)
    targets = sorted(set(mapping.values()))
    where = "dataset_config.target_class_mapping"
    for name in names if mapping else ():
        if name in targets:
            continue
        if alike := [one for one in targets if one.lower() == name.lower()]:
            came = f"maps to `{alike[0]}`, but cost_function_config names the class `{name}`"
            do = f"write `{name}` in both places: upper and lower case count, and a mismatch trains on nothing"
            raise SpecError(where, came, "the same spelling", do)
        do = f'add `target_class_mapping {{ key: "{name}" value: "{name}" }}`'
        raise SpecError(where, f"maps nothing to the class `{name}`", "a source for every class", do)


def _check_evaluation(config: EvaluationConfig, names: tuple[str, ...]) -> None:
    for key, overlap in config.minimum_detection_ground_truth_overlap.items():
        _known_class("evaluation_config.minimum_detection_ground_truth_overlap", key, names)
        _within(f"evaluation_config.minimum_detection_ground_truth_overlap.{key}", overlap, 0, 1)
    for key, box in config.evaluation_box_config.items():
        where = f"evaluation_config.evaluation_box_config.{key}"
        _known_class("evaluation_config.evaluation_box_config", key, names)
        for side in ("height", "width"):
            low, high = getattr(box, f"minimum_{side}"), getattr(box, f"maximum_{side}")
            if low > high:
                came = f"is {low}, more than `maximum_{side}`, {high}, so that nothing is judged"
                raise SpecError(f"{where}.minimum_{side}", came, f"at most `maximum_{side}`")


def _known_class(where: str, key: str, names: tuple[str, ...]) -> None:
    """Raise when `key` is most likely a class misspelt; other keys are classes of another model and harmless."""
    near = nearest(key, names)
    if key not in names and near and near.lower() == key.lower():
        do = f"write `{near}`: upper and lower case count"
        raise SpecError(where, f"has `{key}`, but cost_function_config names the class `{near}`", listed(names), do)


def _check_clustering(where: str, config: Any) -> None:
    for name in (
        "coverage_threshold", "dbscan_eps", "nms_iou_threshold", "nms_confidence_threshold", "nms_vote_share",
        "nms_nested_factor",
    ):  # fmt: skip
        _within(f"{where}.{name}", getattr(config, name), 0, 1)
    for name in ("dbscan_min_samples", "dbscan_confidence_threshold", "minimum_bounding_box_height", "group_threshold"):
        _at_least(f"{where}.{name}", getattr(config, name), 0)
    if config.nms_vote_weight <= 0:
        raise SpecError(f"{where}.nms_vote_weight", f"is {config.nms_vote_weight}", "above 0, 1 as a rule")
    if config.top_k == 0 or config.top_k < -1:
        raise SpecError(f"{where}.top_k", f"is {config.top_k}", "-1 for all, or at least 1", "write `top_k: -1`")


def _check_training(spec: Experiment) -> None:
    for name in ("beta1", "beta2"):
        value = getattr(spec.training_config.optimizer.adam, name)
        if not 0 <= value < 1:
            raise SpecError(f"training_config.optimizer.adam.{name}", f"is {value}", "from 0 to below 1")
    _check_start(spec.model_config)
    _check_data(spec)
    _check_schedule(spec)
    _check_filter(spec)
    config = spec.training_config
    if config.ema_decay >= 1:
        raise SpecError("training_config.ema_decay", f"is {config.ema_decay}", "from 0 to below 1", "write 0.999")
    if config.distillation.teacher_model_file:
        where = "training_config.distillation"
        _one_of(f"{where}.feature_layer", config.distillation.feature_layer, _UNITS, "a residual unit")
        if not any(
            (config.distillation.cov_weight, config.distillation.bbox_weight, config.distillation.feature_weight)
        ):
            raise SpecError(f"{where}.cov_weight", "is 0, and so are the other two", "at least one weight above 0")
    if config.visualizer.enabled:
        for name in ("num_images", "scalar_logging_frequency", "infrequent_logging_frequency"):
            _at_least(f"training_config.visualizer.{name}", getattr(config.visualizer, name), 1)


def _check_qat(spec: Experiment) -> None:
    config, where = spec.training_config, "training_config.enable_qat"
    if not config.enable_qat:
        return
    if not spec.model_config.pretrained_model_file:
        do = "name the checkpoint in model_config.pretrained_model_file, or take enable_qat out"
        raise SpecError(where, "is true, but no model is named", "a finished net to start from", do)
    if config.precision not in (config.AUTO, config.FP32):
        came = f"is true, but training_config.precision is {type(config).Precision.Name(config.precision)}"
        raise SpecError(where, came, "FP32: coarser numbers blur INT8's levels", "write `precision: FP32`")


def _check_start(model: ModelConfig) -> None:
    """What asks for a model to start from, and what cannot go together."""
    for name in ("load_graph", "freeze_pretrained_layers", "freeze_bn", "freeze_blocks", "widen_pretrained"):
        if getattr(model, name) and not model.pretrained_model_file:
            do = f"name the checkpoint to start from, or take `{name}` out"
            raise SpecError(f"model_config.{name}", "is given, but no model is named", "pretrained_model_file too", do)
    for n, block in enumerate(model.freeze_blocks):
        _one_of(f"model_config.freeze_blocks.{n}", block, (0, 1, 2, 3, 4), "0 is the stem")
    if model.widen_pretrained and model.load_graph:
        came = "is true, but load_graph takes the loaded model's widths as they are"
        raise SpecError("model_config.widen_pretrained", came, "one of the two", "write `load_graph: false`")


def _check_data(spec: Experiment) -> None:
    config = spec.dataset_config
    for n, source in enumerate(config.data_sources):
        where = f"dataset_config.data_sources.{n}"
        _at_least(f"{where}.source_weight", source.source_weight, 0)
        if not source.sampling_ratio > 0:
            do = "take the source out to leave its pictures out"
            raise SpecError(f"{where}.sampling_ratio", f"is {source.sampling_ratio}", "more than 0", do)
        if source.sampling_ratio != 1 and config.sampling_mode != DatasetConfig.USER_DEFINED:
            came = f"is {source.sampling_ratio}, but sampling_mode is not USER_DEFINED and ignores it"
            raise SpecError(f"{where}.sampling_ratio", came, "1", "write `sampling_mode: USER_DEFINED`")
    if config.validation_fold > _LAST_FOLD:
        do = "name a validation_data_source instead"
        where = "dataset_config.validation_fold"
        raise SpecError(where, f"is {config.validation_fold}", f"0 to {_LAST_FOLD}: folders are dealt into 7", do)


def _check_schedule(spec: Experiment) -> None:
    rate = spec.training_config.learning_rate
    cosine = rate.soft_start_cosine_annealing_schedule
    if rate.HasField("soft_start_cosine_annealing_schedule") and cosine.soft_start >= 1:
        where = "training_config.learning_rate.soft_start_cosine_annealing_schedule.soft_start"
        raise SpecError(where, f"is {cosine.soft_start}, which leaves no fall", "below 1")
    early = rate.early_stopping_annealing_schedule
    waits = rate.HasField("early_stopping_annealing_schedule")
    if waits and not early.patience_steps:
        raise SpecError(f"{_EARLY}.patience_steps", "is 0", "at least 1 epoch", "write `patience_steps: 10`")
    for asked, where in (
        (waits, _EARLY),
        (bool(spec.evaluation_config.early_stopping_patience_steps), "evaluation_config.early_stopping_patience_steps"),
    ):
        if asked and spec.dataset_config.WhichOneof("dataset_split_type") is None:
            do = "add `validation_fold: 0` or a validation_data_source to dataset_config"
            raise SpecError(where, "waits for validations, but nothing is validated", "validation pictures", do)


def _check_filter(spec: Experiment) -> None:
    names = class_names(spec)
    for n, one in enumerate(spec.loss_mask_label_filter.objective_label_filter_configs):
        where = f"loss_mask_label_filter.objective_label_filter_configs.{n}"
        for name in one.target_class_names:
            _one_of(f"{where}.target_class_names", name, names)
        for name in one.objective_names:
            _one_of(f"{where}.objective_names", name, _OBJECTIVES)
        if one.label_filter.WhichOneof("label_filter_params") is None:
            raise SpecError(
                f"{where}.label_filter", "is missing", "one way to choose labels", "add one, or take it out"
            )


# -------------------------------------------------------------------------------------------- rules


def _at(spec: Message, path: str) -> Any:
    """The value at dotted `path`, its default where it is absent."""
    here: Any = spec
    *outer, last = path.split(".")
    for name in outer:
        here = getattr(here, name)
    field = describe(here).fields_by_name[last]
    if is_repeated(field):
        return list(getattr(here, last))
    return getattr(here, last)


def _within(where: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SpecError(where, f"is {value}", f"{low} to {high}")


def _at_least(where: str, value: float, low: float) -> None:
    if not value >= low:
        raise SpecError(where, f"is {value}", f"at least {low}")


def _one_of(where: str, value: object, valid: tuple[object, ...], why: str = "") -> None:
    if value not in valid:
        name, came = where.rpartition(".")[2], f'"{value}"' if isinstance(value, str) else value
        best = valid[-1]
        do = f'write `{name}: "{best}"`' if isinstance(best, str) else f"write `{name}: {best}`"
        wanted = " or ".join(str(one) for one in valid) + (f", {why}" if why else "")
        raise SpecError(where, f"is {came}", wanted, do)


def _check_multiple(where: str, value: int) -> None:
    if value <= 0 or value % gridbox.STRIDE:
        near = max(round(value / gridbox.STRIDE), 1) * gridbox.STRIDE
        name = where.rpartition(".")[2]
        raise SpecError(where, f"is {value}", f"a multiple of {gridbox.STRIDE} px", f"write `{name}: {near}`")


def _suggest(spec: Message, path: str, name: str) -> str:
    default = describe(_at(spec, path)).fields_by_name[name].default_value
    return f"write `{name}: {default}`" if default else ""


def _check_finite(spec: Message) -> None:
    for where, value in _numbers(spec):
        if not math.isfinite(value):
            raise SpecError(where, f"is {value}", "a finite number")


def _written(message: Message, path: str = "") -> Iterator[str]:
    """Dotted paths of all single values written below `message`, as `IDLE` has them: lists by 0, maps by `face`."""
    for field, value in message.ListFields():
        here, kind, values = f"{path}.{field.name}" if path else field.name, field.message_type, [value]
        if is_map(field) and kind is not None:
            here, kind, values = f"{here}.face", kind.fields_by_name["value"].message_type, list(value.values())
        elif is_repeated(field):
            here, values = f"{here}.0", list(value)
        if kind is None:
            yield here
            continue
        for one in values:
            yield from _written(one, here)


def _numbers(message: Message, path: str = "") -> Iterator[tuple[str, float]]:
    """Every written floating point number below `message`, with its dotted path."""
    for field, value in message.ListFields():
        here = f"{path}.{field.name}" if path else field.name
        if is_map(field) and field.message_type is not None:
            pairs = [(f"{here}.{key}", one) for key, one in value.items()]
            kind = field.message_type.fields_by_name["value"]
        else:
            kind = field
            pairs = [(f"{here}.{n}", one) for n, one in enumerate(value)] if is_repeated(field) else [(here, value)]
        for where, one in pairs:
            if kind.message_type is not None:
                yield from _numbers(one, where)
            elif kind.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
                yield where, one
