from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format

from faceir import spec
from faceir.errors import SpecError

SPECS = Path(__file__).with_name("specs")
REPO = Path(__file__).parents[2]


def face_spec() -> spec.Experiment:
    """A complete spec of the one class `face`, made from the older one of two classes."""
    text = (SPECS / "older_train.txt").read_text(encoding="utf-8").replace('"mask"', '"face"')
    made = text_format.Parse(text, spec.Experiment())
    del made.cost_function_config.target_classes[1]
    return made


@pytest.mark.parametrize("name", ["kitti_train.txt", "older_train.txt"])
def test_complete_tao_specs_pass(name: str) -> None:
    spec.check(spec.load(SPECS / name))


@pytest.mark.parametrize("path", sorted((REPO / "specs").glob("*.txt")), ids=lambda path: path.name)
def test_shipped_specs_pass(path: Path) -> None:
    spec.check(spec.load(path))


@pytest.mark.parametrize("name", ["inference.txt", "older_inference.txt"])
def test_tao_inference_specs_pass(name: str) -> None:
    spec.check_inference(spec.load_inference(SPECS / name))


def test_a_model_cards_snippet_is_told_what_is_missing() -> None:
    with pytest.raises(SpecError, match="dataset_config: is missing"):
        spec.check(spec.load(SPECS / "model_card.txt"))


def test_an_empty_spec_is_told_what_is_missing() -> None:
    with pytest.raises(SpecError, match="is missing"):
        spec.check(spec.Experiment())


TARGET = "cost_function_config.target_classes.0"
RASTER = "bbox_rasterizer_config.target_class_config.face"
CLUSTERING = "postprocessing_config.target_class_config.face.clustering_config"
PRE = "augmentation_config.preprocessing"
RATE = "training_config.learning_rate.soft_start_annealing_schedule"


@pytest.mark.parametrize(
    ("change", "where", "part"),
    [
        (f"{PRE}.output_image_width=410", f"{PRE}.output_image_width", "a multiple of 16 px; write"),
        (f"{PRE}.output_image_width=380", f"{PRE}.output_image_width", "write `output_image_width: 384`"),
        (f"{PRE}.output_image_height=0", f"{PRE}.output_image_height", "more than 0"),
        (f"{PRE}.output_image_channel=1", f"{PRE}.output_image_channel", "0 or 3"),
        (f"{PRE}.crop_bottom=0", f"{PRE}.crop_top", "take the four crop_* out"),
        (f"{PRE}.scale_width=100", f"{PRE}.scale_height", "both sides or none"),
        (f"{PRE}.output_image_min=600", f"{PRE}.output_image_min", "a GridBox net has one input size"),
        ("model_config.arch=vgg", "model_config.arch", 'write `arch: "resnet"`'),
        ("model_config.num_layers=34", "model_config.num_layers", "write `num_layers: 18`"),
        ("model_config.use_pooling=true", "model_config.use_pooling", "write `use_pooling: false`"),
        ("model_config.use_batch_norm=false", "model_config.use_batch_norm", "write `use_batch_norm: true`"),
        ("model_config.width_multiplier=0", "model_config.width_multiplier", "write `width_multiplier: 1.0`"),
        ("model_config.width_multiplier=2", "model_config.width_multiplier", "at most 1"),
        ("model_config.objective_set.bbox.scale=30", "model_config.objective_set.bbox.scale", "write `scale: 35.0`"),
        ("model_config.objective_set.cov.input=x", "model_config.objective_set.cov.input", "take it out"),
        ("model_config.load_graph=true", "model_config.load_graph", "pretrained_model_file"),
        ("model_config.freeze_bn=true", "model_config.freeze_bn", "pretrained_model_file too"),
        ("model_config.freeze_blocks=[1]", "model_config.freeze_blocks", "pretrained_model_file too"),
        ("model_config.widen_pretrained=true", "model_config.widen_pretrained", "pretrained_model_file too"),
        ("model_config.dropout_rate=0.5", "model_config.dropout_rate", "a ResNet has no dropout"),
        (
            "model_config.training_precision.backend_floatx=FLOAT16",
            "model_config.training_precision.backend_floatx",
            "",
        ),
        ("training_config.ema_decay=1", "training_config.ema_decay", "below 1"),
        ("training_config.clip_gradient_norm=-1", "training_config.clip_gradient_norm", "at least 0"),
        ("training_config.accumulate_batches=0", "training_config.accumulate_batches", "more than 0"),
        ("cost_function_config.focal_gamma=-1", "cost_function_config.focal_gamma", "at least 0"),
        (
            "training_config.distillation={ teacher_model_file: 'a' feature_layer: 'conv1' }",
            "training_config.distillation.feature_layer",
            "block_4b",
        ),
        (
            "training_config.distillation={ teacher_model_file: 'a' cov_weight: 0 bbox_weight: 0 }",
            "training_config.distillation.cov_weight",
            "at least one weight",
        ),
        (
            "training_config.learning_rate.soft_start_cosine_annealing_schedule.soft_start=1",
            "training_config.learning_rate.soft_start_cosine_annealing_schedule.soft_start",
            "leaves no fall",
        ),
        ("training_config.visualizer={ enabled: true num_images: 0 }", "training_config.visualizer.num_images", ""),
        (
            "loss_mask_label_filter.objective_label_filter_configs.0.target_class_names=[visage]",
            "loss_mask_label_filter.objective_label_filter_configs.0.target_class_names",
            "face",
        ),
        (
            "loss_mask_label_filter.objective_label_filter_configs.0.objective_names=[cov]",
            "loss_mask_label_filter.objective_label_filter_configs.0.label_filter",
            "is missing",
        ),
        ("dataset_export_config.0.image_directory_path=a", "dataset_export_config", "training reads folders"),
        ("training_config.enable_qat=true", "training_config.enable_qat", "no model is named"),
        (
            "training_config.learning_rate.early_stopping_annealing_schedule.patience_steps=3",
            "training_config.learning_rate.early_stopping_annealing_schedule",
            "nothing is validated",
        ),
        (
            "training_config.learning_rate.early_stopping_annealing_schedule.patience_steps=0",
            "training_config.learning_rate.early_stopping_annealing_schedule.patience_steps",
            "at least 1 epoch",
        ),
        (
            "evaluation_config.early_stopping_patience_steps=3",
            "evaluation_config.early_stopping_patience_steps",
            "nothing is validated",
        ),
        ("training_config.num_epochs=0", "training_config.num_epochs", "write `num_epochs: 120`"),
        ("training_config.batch_size_per_gpu=0", "training_config.batch_size_per_gpu", "more than 0"),
        ("training_config.optimizer.adam.beta1=1", "training_config.optimizer.adam.beta1", "below 1"),
        ("training_config.ignore_visible_below=nan", "training_config.ignore_visible_below", "a finite number"),
        (f"{RATE}.min_learning_rate=1", f"{RATE}.min_learning_rate", "more than `max_learning_rate`"),
        (f"{RATE}.max_learning_rate=0", f"{RATE}.max_learning_rate", "more than 0"),
        (f"{RATE}.annealing=1.5", f"{RATE}.annealing", "0 to 1"),
        (f"{TARGET}.class_weight=0", f"{TARGET}.class_weight", "more than 0"),
        (f"{TARGET}.coverage_foreground_weight=1", f"{TARGET}.coverage_foreground_weight", "between 0 and 1"),
        (f"{TARGET}.coverage_foreground_weight=0", f"{TARGET}.coverage_foreground_weight", "between 0 and 1"),
        (f"{TARGET}.objectives.0.name=box", f"{TARGET}.objectives", "has `cov` 0 times"),
        (f"{TARGET}.objectives.1.name=cov", f"{TARGET}.objectives", "has `cov` 2 times"),
        (f"{TARGET}.objectives.0.initial_weight=-1", f"{TARGET}.objectives.0.initial_weight", "at least 0"),
        (f"{TARGET}.name=", f"{TARGET}.name", "is missing"),
        (f"{TARGET}.name=Face", "dataset_config.target_class_mapping", "upper and lower case count"),
        (f"{TARGET}.name=person", "dataset_config.target_class_mapping", "maps nothing to the class `person`"),
        ("cost_function_config.target_classes.1.name=face", f"{TARGET[:-1]}1.name", "a second time"),
        ("cost_function_config.target_classes=[]", TARGET[:-2], "is missing"),
        (f"{RASTER}.cov_radius_x=0", f"{RASTER}.cov_radius_x", "more than 0"),
        (f"{RASTER}.cov_center_y=1.2", f"{RASTER}.cov_center_y", "0 to 1"),
        ("bbox_rasterizer_config.deadzone_radius=2", "bbox_rasterizer_config.deadzone_radius", "0 to 1"),
        (f"{CLUSTERING}.dbscan_eps=2", f"{CLUSTERING}.dbscan_eps", "0 to 1"),
        (f"{CLUSTERING}.top_k=0", f"{CLUSTERING}.top_k", "write `top_k: -1`"),
        (
            "postprocessing_config.target_class_config.face.confidence_config.confidence_model_filename=a",
            "postprocessing_config.target_class_config.face.confidence_config.confidence_model_filename",
            "TAO refuses too",
        ),
        (
            "evaluation_config.minimum_detection_ground_truth_overlap.Face=0.5",
            "evaluation_config.minimum_detection_ground_truth_overlap",
            "write `face`",
        ),
        (
            "evaluation_config.evaluation_box_config.face.maximum_height=1",
            "evaluation_config.evaluation_box_config.face.minimum_height",
            "nothing is judged",
        ),
        ("augmentation_config.face_crops.width=200", "augmentation_config.face_crops.width", "write `width: 192`"),
        ("augmentation_config.infrared.gamma_min=3", "augmentation_config.infrared.gamma_min", "more than `gamma_max`"),
        ("augmentation_config.infrared.gain_max=0.5", "augmentation_config.infrared.gain_max", "at least 1"),
        (
            "augmentation_config.spatial_augmentation.zoom_min=0",
            "augmentation_config.spatial_augmentation.zoom_min",
            "",
        ),
        ("dataset_config.validation_fold=7", "dataset_config.validation_fold", "0 to 6"),
        (
            "dataset_config.data_sources.0.sampling_ratio=0",
            "dataset_config.data_sources.0.sampling_ratio",
            "more than 0",
        ),
    ],
)
def test_a_broken_rule_names_the_field_and_the_remedy(change: str, where: str, part: str) -> None:
    good = face_spec()
    spec.check(good)
    if "nothing is validated" in part:
        for split in ("validation_fold", "validation_data_source"):
            good.dataset_config.ClearField(split)
    bad = spec.override(good, change)
    with pytest.raises(SpecError) as caught:
        spec.check(bad)
    assert caught.value.where == where
    assert part in str(caught.value)


@pytest.mark.parametrize("table", ["bbox_rasterizer_config", "postprocessing_config"])
@pytest.mark.parametrize(("key", "part"), [("Face", "upper and lower case count"), ("person", "add an entry")])
def test_every_class_has_its_settings(table: str, key: str, part: str) -> None:
    bad = face_spec()
    config = getattr(bad, table).target_class_config
    config[key].CopyFrom(config["face"])
    del config["face"]
    with pytest.raises(SpecError, match=f"{table}.target_class_config") as caught:
        spec.check(bad)
    assert part in str(caught.value)


def test_without_a_mapping_labels_are_used_as_they_are() -> None:
    good = face_spec()
    good.dataset_config.ClearField("target_class_mapping")
    spec.check(good)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("inferencer_config.image_width=500", "inferencer_config.image_width"),
        ("inferencer_config.stride=8", "inferencer_config.stride"),
        ("inferencer_config.target_classes=[]", "inferencer_config.target_classes"),
        (
            "bbox_handler_config.classwise_bbox_handler_config.car.confidence_model=mlp",
            "bbox_handler_config.classwise_bbox_handler_config.car.confidence_model",
        ),
    ],
)
def test_a_broken_rule_of_an_inference_spec(change: str, where: str) -> None:
    with pytest.raises(SpecError) as caught:
        spec.check_inference(spec.override(spec.load_inference(SPECS / "inference.txt"), change))
    assert caught.value.where == where


def test_what_is_written_and_not_read() -> None:
    assert spec.unread(spec.override(spec.Experiment(), "random_seed=1")) == {}
    told = spec.unread(spec.load(SPECS / "kitti_train.txt"))
    assert told["tfrecords_path"] == "labels are read from the folder"
    assert "image_directory_path" not in told
    sent = spec.override(spec.Experiment(), "training_config.visualizer.wandb_config.project=x")
    assert spec.unread(sent) == {"wandb_config": "nothing is ever sent anywhere"}
