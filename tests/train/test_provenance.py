"""What a checkpoint says of its pictures, and what it has from the weights before it."""

import json
import shutil

import pytest
import torch

from faceir.contract import Contract
from faceir.data import kitti
from faceir.data.sources import Source, Sources, Terms, parse_sources
from faceir.errors import InputError
from faceir.train import checkpoint, provenance, sources
from faceir.train.checkpoint import Checkpoint
from faceir.train.model import GridBoxNet
from faceir.train.setup import make_training
from tests.train.conftest import TINY
from tests.train.test_setup import load
from tests.train.test_sources import STATED

DISCS = Sources({"discs": Source("drawn", "free")}, {"free": Terms("any use", True), "x": Terms("x")}, {"bias": "none"})


def saved(path, **data):
    checkpoint.save(path, Checkpoint(GridBoxNet(TINY), Contract(), data=data))
    return str(path)


def test_only_sets_that_are_there_are_stated(disc_set):
    stated = Sources({"other": Source("?", "x")}, {"x": Terms("x")}).over(DISCS)
    told = provenance.learnt_from(kitti.find(disc_set), {"discs": 6}, stated)
    assert (told["pictures"], told["sets"], told["faces"]) == (6, {"discs": 6}, {"discs": 6})
    back = parse_sources(json.loads(json.dumps(told["sources"])), "header")
    assert back == Sources(DISCS.sets, {"free": DISCS.terms["free"]}, DISCS.notes)


def test_validation_is_told_apart(tmp_path, disc_set):
    """Of a source of its own by its own sources.toml, of a fold by that of the training; none says nothing."""
    other = tmp_path / "other"
    shutil.copytree(disc_set, other)
    (disc_set / "sources.toml").write_text(STATED)
    (other / "sources.toml").write_text(STATED.replace("sets.discs", "sets.other").replace("drawn", "redrawn"))
    spec = load(tmp_path, disc_set)
    spec.dataset_config.validation_data_source.image_directory_path = str(other)
    data = make_training(spec, sources.find_data(spec), torch.device("cpu")).data
    assert (data["sets"], list(data["sources"]["sets"])) == ({"discs": 6}, ["discs"])
    told = data["validation"]
    assert (told["pictures"], told["sets"]) == (6, {"other": 6})
    assert parse_sources(json.loads(json.dumps(told["sources"])), "header").sets["other"].origin == "redrawn"
    for change, wanted in (("dataset_config.validation_fold=0", {"discs": 1}), ("random_seed=3", {})):
        spec = load(tmp_path, disc_set, change)
        data = make_training(spec, sources.find_data(spec), torch.device("cpu")).data
        assert data.get("validation", {}).get("sets", {}) == wanted
    (other / "sources.toml").write_text("[sets")
    spec.dataset_config.validation_data_source.image_directory_path = str(other)
    with pytest.raises(InputError, match=r"other/sources\.toml: cannot be read"):
        sources.find_data(spec)


def test_weights_hand_down_what_they_learnt_from(tmp_path):
    """Through two generations; the nearer statement wins; weights that say nothing are told as such."""
    assert provenance.inherited(["", ""]) == {}
    first = saved(tmp_path / "first.safetensors", sets={"discs": 6}, sources=DISCS.to_dict())
    got = provenance.inherited([first, ""])
    assert got["inherited"]["sets"] == {"discs": 6}
    nearer = Sources({"discs": Source("redrawn", "free")}, {"free": Terms("any use", True)})
    second = saved(tmp_path / "second.safetensors", sets={"discs": 4, "own": 2}, sources=nearer.to_dict(), **got)
    unknown = saved(tmp_path / "unknown.safetensors")
    told = provenance.inherited([second, unknown, "there/some.onnx"])["inherited"]
    assert told["sets"] == {"discs": 4, "own": 2, "weights of unknown.safetensors": 0, "weights of some.onnx": 0}
    assert told["sources"]["sets"]["discs"]["origin"] == "redrawn"
    assert told["sources"]["notes"] == {"bias": "none"}


def test_a_training_writes_it_into_its_checkpoint(tmp_path, disc_set):
    (disc_set / "sources.toml").write_text(STATED)
    start = saved(tmp_path / "start.safetensors", sets={"older": 3})
    changes = (f"model_config.pretrained_model_file={start}", "model_config.load_graph=true")
    spec = load(tmp_path, disc_set, *changes)
    training = make_training(spec, sources.check_labels(sources.find_data(spec), spec)[0], torch.device("cpu"))
    checkpoint.save(tmp_path / "end.safetensors", Checkpoint(training.net, Contract(), data=training.data))
    data = checkpoint.load(tmp_path / "end.safetensors").data
    assert (data["pictures"], data["sets"], data["faces"]) == (6, {"discs": 6}, {"discs": 6})
    assert list(data["sources"]["sets"]) == ["discs"]
    assert data["inherited"]["sets"] == {"older": 3}
