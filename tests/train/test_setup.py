"""From spec to training: data found, labels checked, TAO's spec run on folders."""

import numpy as np
import pytest
import torch

from faceir import spec as specs
from faceir.errors import InputError, SpecError
from faceir.train import checkpoint, setup
from faceir.train.checkpoint import Checkpoint
from faceir.train.model import Architecture, GridBoxNet
from tests.train.specs import disc_spec

CPU = torch.device("cpu")


def load(tmp_path, disc_set, *overrides):
    path = tmp_path / "spec.txt"
    path.write_text(disc_spec(disc_set))
    spec = specs.load(path, overrides)
    specs.check(spec)
    return spec


def test_a_spec_becomes_a_training(tmp_path, disc_set):
    spec = load(tmp_path, disc_set)
    training = setup.make_training(spec, setup.find_data(spec), CPU)
    assert training.net.architecture == Architecture.resnet18(width_multiplier=0.125)
    assert training.contract.fit.size_wh == (96, 64)
    assert training.steps_per_epoch == 2
    assert training.samples.total_steps == 6
    assert training.classes[0].initial_weight == (2.0, 1.0)
    assert training.data == {"pictures": 6, "sets": {"discs": 6}}
    assert specs.load(_written(tmp_path, training.spec)) == spec  # the checkpoint's copy says the same


def _written(tmp_path, text):
    path = tmp_path / "again.txt"
    path.write_text(text)
    return path


def test_fold_0_holds_out_a_fixed_share(tmp_path, disc_set):
    spec = load(tmp_path, disc_set, "dataset_config.validation_fold=0")
    data, again = setup.find_data(spec), setup.find_data(spec)
    assert (len(data.training), len(data.validation)) == (5, 1)
    assert data == again
    assert not {i.picture for i in data.training} & {i.picture for i in data.validation}
    with pytest.raises(SpecError, match="validation_fold: is 3"):
        setup.find_data(specs.override(spec, "dataset_config.validation_fold=3"))


def test_every_faulty_label_is_found_and_can_be_left_out(tmp_path, disc_set):
    (disc_set / "labels" / "0.txt").write_text("face 1 2 3\n")
    (disc_set / "labels" / "1.txt").unlink()
    (disc_set / "images" / "2.png").write_bytes(b"")
    spec = load(tmp_path, disc_set)
    data = setup.find_data(spec)
    problems = setup.check_labels(data.training, spec)
    assert sorted(p.name for p in problems) == ["0.png", "1.png", "2.png"]
    assert "0.txt:1: has 4 fields" in str(problems[disc_set / "images" / "0.png"])
    assert len(setup.without(data, problems).training) == 3


def test_a_class_that_no_label_names_stops_before_epoch_1(tmp_path, disc_set):
    spec = load(tmp_path, disc_set)
    spec.dataset_config.target_class_mapping.clear()
    spec.dataset_config.target_class_mapping["visage"] = "face"
    with pytest.raises(InputError, match=r"speaks of class face; they hold face \(6\)"):
        setup.check_labels(setup.find_data(spec).training, spec)


def test_a_source_without_folder_says_so(tmp_path, disc_set):
    spec = load(tmp_path, disc_set)
    spec.dataset_config.data_sources[0].ClearField("image_directory_path")
    with pytest.raises(SpecError, match="TFRecords are not needed"):
        setup.find_data(spec)


def test_pretrained_weights_load_by_name_and_shape(tmp_path, disc_set):
    torch.manual_seed(5)
    old = GridBoxNet(Architecture.resnet18(num_classes=2, width_multiplier=0.125))
    spec = load(tmp_path, disc_set)
    checkpoint.save(tmp_path / "old.safetensors", Checkpoint(old, setup.contract(spec)))
    spec.model_config.pretrained_model_file = str(tmp_path / "old.safetensors")
    net = setup.make_training(spec, setup.find_data(spec), CPU).net
    assert torch.equal(net.conv1.weight, old.conv1.weight)
    assert net.output_cov.weight.shape[0] == 1  # two classes do not fit one
    spec.model_config.load_graph = True
    with pytest.raises(SpecError, match="net has 2 classes"):
        setup.make_training(spec, setup.find_data(spec), CPU)


def test_phases_of_crops_and_frames(tmp_path, disc_set):
    crops = [f"augmentation_config.face_crops.{f}" for f in ("probability=0.9", "width=48", "height=48")]
    spec = load(tmp_path, disc_set, *crops, "augmentation_config.face_zoom.enabled=true")
    mixed, last = setup.make_training(spec, setup.find_data(spec), CPU).samples.phases
    assert mixed.kinds[0].size_wh == (48, 48)
    assert np.isclose(sum(mixed.weights), 1)
    assert {k.size_wh for k in last.kinds} == {(96, 64)}
    assert last.from_progress == pytest.approx(0.67)
