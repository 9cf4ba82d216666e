from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir import spec
from faceir.errors import SpecError
from tests.spec.strategies import messages, scalar_paths, scalars

SPECS = Path(__file__).with_name("specs")
PATHS = scalar_paths(spec.Experiment)


def at(message: Any, path: str) -> Any:
    for step in path.split("."):
        if step.isdigit():
            message = message[int(step)]
        elif hasattr(message, "keys"):
            message = message[step]
        else:
            message = getattr(message, step)
    return message


def written(value: object, field: FieldDescriptor) -> str:
    """`value` as one types it in a shell."""
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("training_config.num_epochs=5", "training_config.num_epochs", 5),
        (" training_config.num_epochs = 5 ", "training_config.num_epochs", 5),
        (
            "cost_function_config.target_classes.0.class_weight=2",
            "cost_function_config.target_classes.0.class_weight",
            2,
        ),
        ("cost_function_config.target_classes.3.name=bus", "cost_function_config.target_classes.3.name", "bus"),
        (
            "postprocessing_config.target_class_config.car.clustering_config.dbscan_eps=0.2",
            "postprocessing_config.target_class_config.car.clustering_config.dbscan_eps",
            0.2,
        ),
        (
            "postprocessing_config.target_class_config.car.clustering_config.clustering_algorithm=NMS",
            "postprocessing_config.target_class_config.car.clustering_config.clustering_algorithm",
            1,
        ),
        ("training_config.enable_qat=true", "training_config.enable_qat", True),
        ("model_config.arch=vgg", "model_config.arch", "vgg"),
        ("model_config.arch='vgg'", "model_config.arch", "vgg"),
        ('model_config.arch=v"g\\n', "model_config.arch", 'v"g\\n'),
        ("model_config.pretrained_model_file=", "model_config.pretrained_model_file", ""),
        ("model_config.pretrained_model_file=a=b#c", "model_config.pretrained_model_file", "a=b#c"),
        ("dataset_config.target_class_mapping.bus=car", "dataset_config.target_class_mapping.bus", "car"),
        ("model_config.freeze_blocks=[0, 1]", "model_config.freeze_blocks", [0, 1]),
        ("model_config.freeze_blocks=2", "model_config.freeze_blocks", [2]),
        ("dataset_config.data_sources.0.terms=[a, b]", "dataset_config.data_sources.0.terms", ["a", "b"]),
        ('dataset_config.data_sources.0.terms=["a,b"]', "dataset_config.data_sources.0.terms", ["a,b"]),
        ("dataset_config.data_sources=[]", "dataset_config.data_sources", []),
        ("training_config.optimizer={adam {}}", "training_config.optimizer.adam.epsilon", 1e-8),
        ("augmentation_config.face_zoom.enabled=true", "augmentation_config.face_zoom.enabled", True),
    ],
)
def test_override(assignment: str, path: str, value: object) -> None:
    before = spec.load(SPECS / "kitti_train.txt")
    kept = spec.to_text(before)
    changed = spec.override(before, assignment)
    found = at(changed, path)
    assert (list(found) if isinstance(value, list) else found) == value
    assert spec.to_text(before) == kept


def test_a_key_with_dots() -> None:
    changed = spec.override(spec.Experiment(), "dataset_config.target_class_mapping.a.b=face")
    assert dict(changed.dataset_config.target_class_mapping) == {"a.b": "face"}


def test_the_other_member_of_a_choice_goes() -> None:
    changed = spec.override(spec.load(SPECS / "kitti_train.txt"), "dataset_config.validation_data_source.split=val")
    assert changed.dataset_config.WhichOneof("dataset_split_type") == "validation_data_source"


def test_a_new_class_can_be_added_step_by_step() -> None:
    changed = spec.load(SPECS / "kitti_train.txt")
    for assignment in (
        "cost_function_config.target_classes.3.name=cars",
        "bbox_rasterizer_config.target_class_config.cars.cov_center_x=0.4",
    ):
        changed = spec.override(changed, assignment)
    assert changed.bbox_rasterizer_config.target_class_config["cars"].cov_center_x == 0.4


@pytest.mark.parametrize(
    ("assignment", "parts"),
    [
        ("training_config.num_epoch=5", ["`num_epoch`", "did you mean `num_epochs`?"]),
        ("num_epochs=5", ["did you mean `training_config.num_epochs`?"]),
        ("trainingconfig.num_epochs=5", ["did you mean `training_config`?"]),
        ("zzz=5", ["one of `random_seed`"]),
        ("training_config..num_epochs=5", ["`` is no key"]),
        ("training_config.num_epochs", ["is not PATH=VALUE"]),
        ("=5", ["is not PATH=VALUE"]),
        ("training_config.num_epochs=", ["is nothing", "a whole number"]),
        ("training_config.num_epochs=1.5", ["is 1.5", "a whole number"]),
        ("training_config.num_epochs=5 batch_size_per_gpu: 3", ["a whole number"]),
        ("training_config.num_epochs.x=5", ["is a single value"]),
        ("training_config.enable_qat=yes", ["is yes", "true or false"]),
        ("training_config=5", ["a block", "`training_config.batch_size_per_gpu=VALUE`"]),
        ("training_config.optimizer={adm {}}", ['no field named "adm"']),
        ("training_config.optimizer={adam {", ["a block"]),
        ("training_config.precision=BF17", ["AUTO, FP32, BF16", "did you mean BF16?"]),
        ("cost_function_config.target_classes.9.name=a", ["a list of 3", "0 to 3"]),
        ("cost_function_config.target_classes.name=a", ["a list of 3", "has no `name`"]),
        ("cost_function_config.target_classes.0=5", ["a block"]),
        ("bbox_rasterizer_config.target_class_config.Car.cov_center_x=1", ["no class `Car`", "did you mean `car`?"]),
        ("bbox_rasterizer_config.target_class_config.cra.cov_center_x=1", ["did you mean `car`?"]),
        ("evaluation_config.minimum_detection_ground_truth_overlap.car=x", ["overlap.car` is x", "a number"]),
        ("dataset_config.target_class_mapping=3", ["name a key"]),
    ],
)
def test_a_wrong_override_says_what_to_type(assignment: str, parts: list[str]) -> None:
    before = spec.load(SPECS / "kitti_train.txt")
    kept = spec.to_text(before)
    with pytest.raises(SpecError) as caught:
        spec.override(before, assignment)
    assert assignment in caught.value.where
    for part in parts:
        assert part in str(caught.value)
    assert spec.to_text(before) == kept


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_scalar_can_be_set_and_reads_back(data: st.DataObject) -> None:
    path, field = data.draw(st.sampled_from(PATHS))
    value = data.draw(scalars(field))
    if isinstance(value, str):
        value = value.strip()
        if value[:1] in ("'", '"', "["):  # quotes and lists have a meaning of their own
            value = f"x{value}"
    changed = spec.override(spec.Experiment(), f"{path}={written(value, field)}")
    assert at(changed, path) == value


@settings(deadline=None, max_examples=60)
@given(before=messages(spec.Experiment), assignment=st.text(max_size=12), path=st.sampled_from(PATHS))
def test_any_override_works_or_is_refused_and_leaves_the_spec_alone(
    before: spec.Experiment, assignment: str, path: tuple[str, FieldDescriptor]
) -> None:
    kept = spec.to_text(before)
    for typed in (assignment, f"{path[0]}={assignment}"):
        try:
            spec.override(before, typed)
        except SpecError as error:
            assert error.where.startswith("override")  # noqa: PT017
    assert spec.to_text(before) == kept
