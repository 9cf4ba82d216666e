"""The pictures that a spec names: found, parted, checked."""

import pytest

from faceir import spec as specs
from faceir.errors import InputError, SpecError
from faceir.train import sources
from tests.train.test_setup import load


def test_fold_0_holds_out_a_fixed_share(tmp_path, disc_set):
    spec = load(tmp_path, disc_set, "dataset_config.validation_fold=0")
    data, again = sources.find_data(spec), sources.find_data(spec)
    assert (len(data.training), len(data.validation)) == (5, 1)
    assert data == again
    assert not {i.picture for i in data.training} & {i.picture for i in data.validation}
    held = [sources.find_data(specs.override(spec, f"dataset_config.validation_fold={k}")).validation for k in range(6)]
    assert sorted(item.picture for fold in held for item in fold) == sorted((disc_set / "images").iterdir())


def test_every_faulty_label_is_found_and_can_be_left_out(tmp_path, disc_set):
    (disc_set / "labels" / "0.txt").write_text("face 1 2 3\n")
    (disc_set / "labels" / "1.txt").unlink()
    (disc_set / "images" / "2.png").write_bytes(b"")
    spec = load(tmp_path, disc_set)
    data = sources.find_data(spec)
    problems = sources.check_labels(data.training, spec)
    assert sorted(p.name for p in problems) == ["0.png", "1.png", "2.png"]
    assert "0.txt:1: has 4 fields" in str(problems[disc_set / "images" / "0.png"])
    assert len(sources.without(data, problems).training) == 3


def test_a_class_that_no_label_names_stops_before_epoch_1(tmp_path, disc_set):
    spec = load(tmp_path, disc_set)
    spec.dataset_config.target_class_mapping.clear()
    spec.dataset_config.target_class_mapping["visage"] = "face"
    with pytest.raises(InputError, match=r"speaks of class face; they hold face \(6\)"):
        sources.check_labels(sources.find_data(spec).training, spec)


def test_a_source_without_folder_says_so(tmp_path, disc_set):
    spec = load(tmp_path, disc_set)
    spec.dataset_config.data_sources[0].ClearField("image_directory_path")
    with pytest.raises(SpecError, match="TFRecords are not needed"):
        sources.find_data(spec)


def test_several_classes_of_which_labels_may_hold_more(tmp_path, disc_set):
    """A mapping may name classes that are not trained; their labels are left out."""
    spec = load(tmp_path, disc_set)
    spec.dataset_config.target_class_mapping["van"] = "car"
    (disc_set / "labels" / "0.txt").write_text("van 0 0 0 1 1 30 30 0 0 0 0 0 0 0\n")
    assert sources.check_labels(sources.find_data(spec).training, spec) == {}
    spec.dataset_config.target_class_mapping.clear()
    assert sources.check_labels(sources.find_data(spec).training, spec) == {}  # names stand for themselves
