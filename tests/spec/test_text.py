from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceir import spec
from faceir.errors import SpecError
from tests.spec.strategies import messages

SPECS = Path(__file__).with_name("specs")


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "spec.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# ------------------------------------------------------------------------------- TAO's files as they are


@pytest.mark.parametrize("name", ["kitti_train.txt", "older_train.txt", "model_card.txt", "early_stopping.txt"])
def test_tao_training_specs_load_unchanged_and_come_back_equal(name: str, tmp_path: Path) -> None:
    loaded = spec.load(SPECS / name)
    assert spec.load(write(tmp_path, spec.to_text(loaded))) == loaded


@pytest.mark.parametrize("name", ["inference.txt", "older_inference.txt"])
def test_tao_inference_specs_load_unchanged_and_come_back_equal(name: str, tmp_path: Path) -> None:
    loaded = spec.load_inference(SPECS / name)
    assert spec.load_inference(write(tmp_path, spec.to_text(loaded))) == loaded


def test_tao_conversion_spec_loads() -> None:
    loaded = spec.load_dataset_export(SPECS / "convert_kitti.txt")
    assert loaded.kitti_config.val_split == 14
    assert loaded.image_directory_path == "/workspace/tao-experiments/data/training"


def test_values_of_a_tao_spec() -> None:
    loaded = spec.load(SPECS / "kitti_train.txt")
    assert loaded.augmentation_config.preprocessing.output_image_width == 1248
    assert dict(loaded.dataset_config.target_class_mapping)["van"] == "car"
    assert loaded.dataset_config.WhichOneof("dataset_split_type") == "validation_fold"
    assert loaded.training_config.regularizer.type == type(loaded.training_config.regularizer).L1
    assert loaded.evaluation_config.evaluation_box_config["car"].minimum_height == 20
    assert loaded.training_config.visualizer.wandb_config.mode == 1


def test_fractions_where_newer_tao_has_integers() -> None:
    loaded = spec.load(SPECS / "older_train.txt")
    clustering = loaded.postprocessing_config.target_class_config["mask"].clustering_config
    assert clustering.dbscan_min_samples == 0.05
    assert clustering.minimum_bounding_box_height == 4.5
    assert list(spec.load(SPECS / "model_card.txt").model_config.freeze_blocks) == [0, 1]


def test_absent_is_the_default_and_can_be_told_from_present() -> None:
    empty = spec.Experiment()
    assert empty.training_config.num_epochs == 120
    assert empty.augmentation_config.preprocessing.output_image_height == 240
    assert empty.model_config.width_multiplier == 1.0
    assert not empty.HasField("training_config")
    assert not empty.training_config.HasField("num_epochs")


def test_overrides_apply_in_order(tmp_path: Path) -> None:
    path = write(tmp_path, "training_config { num_epochs: 3 }")
    loaded = spec.load(path, ["training_config.num_epochs=4", "training_config.num_epochs=5", "random_seed=7"])
    assert (loaded.training_config.num_epochs, loaded.random_seed) == (5, 7)


@pytest.mark.parametrize(
    "text",
    ["\ufeffrandom_seed: 5", "random_seed: 5\r\n", "# c\nrandom_seed: 5 # d", "random_seed: 5,", "random_seed: 5;"],
    ids=["bom", "crlf", "comments", "comma", "semicolon"],
)
def test_other_ways_to_write_the_same(text: str, tmp_path: Path) -> None:
    assert spec.load(write(tmp_path, text)).random_seed == 5


def test_a_file_of_comments_is_an_empty_spec(tmp_path: Path) -> None:
    assert spec.load(write(tmp_path, "# nothing yet\n")) == spec.Experiment()


# ------------------------------------------------------------------------------------------- mistakes

TWO_KEYS = """evaluation_config {
  minimum_detection_ground_truth_overlap { key: "face" value: 0.5 }
  minimum_detection_ground_truth_overlap { key: "face" value: 0.7 }
}"""

MISTAKES = [
    # text, line, what the message must hold
    ("training_config {\n  num_epoch: 5\n}", 2, ["`num_epoch`", "`training_config`", "did you mean `num_epochs`?"]),
    ("random_sed: 5", 1, ["`random_sed`", "did you mean `random_seed`?"]),
    ("\n\nzzz: 1", 3, ["`zzz`", "one of `random_seed`, `dataset_config`"]),
    ("num_epochs: 3", 1, ["it belongs in `training_config`"]),
    ("dbscan_eps: 3", 1, ["it belongs in `postprocessing_config.target_class_config.<key>.clustering_config`"]),
    ("training_config {}}\nnum_epochs: 5", 1, ["a `}` that closes nothing"]),
    (
        "training_config { optimizer { adam {}}}\nlearning_rate {}\n}",
        2,
        ["take out the `}` before it that is one too many", "it belongs in `training_config`"],
    ),
    ("random_seed: 1\nrandom_seed: 2", 2, ["`random_seed` is written a second time"]),
    ("model_config {}\nmodel_config {}", 2, ["`model_config` is written a second time"]),
    ("random_seed: -1", 1, ["`random_seed` is -1", "a whole number from 0"]),
    ("random_seed: 1.5", 1, ["is 1.5", "a whole number"]),
    ("random_seed: 99999999999", 1, ["is 99999999999", "to 4294967295"]),
    ("random_seed: abc", 1, ["is abc", "a whole number"]),
    ("random_seed:", 1, ["`random_seed` has no value"]),
    ("random_seed 5", 1, ["has no colon", "write `random_seed: 5`"]),
    ("random_seed = 5", 1, ["has no colon", "write `random_seed: 5`"]),
    ("random_seed: {}", 1, ["is a block here", "a whole number"]),
    ("training_config: 5", 1, ["`training_config` is 5", "a block, `training_config { ... }`"]),
    ("training_config {\n enable_qat: 2\n}", 2, ["`training_config.enable_qat` is 2", "true or false"]),
    (
        "dataset_config { sampling_mode: PROPORTONAL }",
        1,
        ["PROPORTONAL", "USER_DEFINED, PROPORTIONAL, UNIFORM", "did you mean PROPORTIONAL?"],
    ),
    ('dataset_config { sampling_mode: "UNIFORM" }', 1, ['is "UNIFORM"', "without quotes"]),
    ("training_config { precision: FP8 }", 1, ["is FP8", "one of AUTO, FP32, BF16, FP16"]),
    ("model_config { arch: resnet }", 1, ["is resnet", 'write `arch: "resnet"`']),
    ('model_config { arch: "resnet\n}', 1, ["does not end on its line", 'add the closing "']),
    ("training_config {\n  num_epochs: 5\n", 2, ["`training_config {` of line 1 is still open", "add the missing `}`"]),
    ("training_config { num_epochs: 5 }\n}", 2, ["a `}` that closes nothing"]),
    (
        'training_config {\n  num_epochs: 5\nmodel_config { arch: "resnet" }',
        3,
        ["`model_config` is no key", "close `training_config {` of line 1 with a `}` before it"],
    ),
    (
        "dataset_config { validation_fold: 0 validation_data_source {} }",
        1,
        ["`validation_data_source` and `validation_fold` are both written"],
    ),
    (TWO_KEYS, 3, ['has the key "face" a second time', "line 2"]),
    ('{"random_seed": 5}', 1, ["where a key was expected"]),
    ("", 0, ["is empty (0 bytes)"]),
    (" \n\t\n", 0, ["is empty (only blank lines)"]),
    (b"\x89HDF\r\n\x1a\n\x00\x00", 3, ["is a binary file", "not a model"]),
    (b"random_seed: 5\n# caf\xe9", 2, ["byte 0xe9 is not UTF-8", "save the file as UTF-8"]),
]


@pytest.mark.parametrize(("text", "line", "parts"), MISTAKES, ids=[str(n) for n in range(len(MISTAKES))])
def test_a_mistake_says_where_what_and_what_to_type(
    text: str | bytes, line: int, parts: list[str], tmp_path: Path
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SpecError) as caught:
        spec.load(path)
    assert caught.value.where == (f"{path}:{line}" if line else str(path))
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(("name", "came"), [("none.txt", "does not exist"), ("", "is a folder")])
def test_no_file(name: str, came: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=came):
        spec.load(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "read", "said"),
    [
        ("inferencer_config {}", spec.load, ["begins an inference spec", "wanted an experiment spec", "detect -e"]),
        ("kitti_config {}", spec.load, ["begins a conversion spec", "dataset_config.data_sources"]),
        ("random_seed: 1", spec.load_inference, ["begins an experiment spec", "wanted an inference spec", "train -e"]),
    ],
)  # fmt: skip
def test_a_spec_of_another_kind(text: str, read: Callable[[Path], object], said: list[str], tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read(write(tmp_path, text))
    for words in said:
        assert words in str(caught.value)


def test_mistake_in_an_inference_spec(tmp_path: Path) -> None:
    path = write(tmp_path, "inferencer_config {\n image_wide: 3\n}")
    with pytest.raises(SpecError, match="did you mean `image_width`") as caught:
        spec.load_inference(path)
    assert caught.value.where == f"{path}:2"


# ----------------------------------------------------------------------------------------- properties

PIECES = [
    *("random_seed", "training_config", "num_epochs", "model_config", "arch", "key", "value", "target_class_config"),
    *("{", "}", "<", ">", "[", "]", ":", ",", ";", "5", "-1", "1e9", '"a"', "'", '"', "#", "\n", "true", "\\"),
]

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@in_one_folder
@given(message=messages(spec.Experiment))
def test_to_text_is_read_back_equal(message: spec.Experiment, tmp_path: Path) -> None:
    text = spec.to_text(message)
    back = spec.load(write(tmp_path, text))
    assert back == message
    assert spec.to_text(back) == text


@in_one_folder
@given(text=st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map(" ".join))
def test_any_text_is_read_or_refused_by_a_spec_error(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    try:
        spec.load(path)
    except SpecError as error:
        assert error.where.startswith(str(path))  # noqa: PT017


@in_one_folder
@given(data=st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_by_a_spec_error(data: bytes, tmp_path: Path) -> None:
    try:
        spec.load(write(tmp_path, data))
    except SpecError as error:
        assert error.came  # noqa: PT017


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        spec.load(write(tmp_path, "training_config {" * 5000))


def test_faceir_does_not_import_protobuf() -> None:
    code = "import sys, faceir; sys.exit(any(name.startswith('google') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
