from __future__ import annotations

import pytest
from typer.testing import CliRunner

from faceir.data import kitti
from faceir.data.pack import Limit, pack
from faceir.data.sources import NAME, read_sources
from faceir.errors import InputError
from faceir.verbs.dataset import dataset


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "scenes"
    result = CliRunner().invoke(dataset, ["make", "-o", str(folder), "-n", "23", "--val-share", "0.4", "--seed", "5"])
    assert result.exit_code == 0, result.output
    return folder


def test_a_made_set_is_a_data_set(made):
    frames = list(kitti.read(kitti.find(made), {"face": "face"}, ("face",)))
    assert len(frames) == 23
    stated = read_sources(made / NAME).sets["made"]
    assert (stated.pictures, stated.faces) == (23, sum(len(frame.detections) for frame in frames))
    for frame in frames:
        height, width = frame.gray.shape
        assert (frame.detections.xyxy >= 0).all()
        assert (frame.detections.xyxy <= [width, height, width, height]).all()


def test_no_scene_crosses_the_splits(made):
    scenes = {
        split: {item.about["sequence"] for item in kitti.find(made, kitti.Filter(split))} for split in ("train", "val")
    }
    assert len(scenes["train"]) == 3
    assert len(scenes["val"]) == 2
    assert not scenes["train"] & scenes["val"]


def test_what_is_there_is_not_overwritten(made):
    result = CliRunner().invoke(dataset, ["make", "-o", str(made)])
    assert isinstance(result.exception, InputError)
    assert "exists" in str(result.exception)


def test_the_sources_go_into_shards(made, tmp_path):
    pack(kitti.walk(made), made, tmp_path / "packed", Limit(10))
    assert read_sources(tmp_path / "packed" / NAME) == read_sources(made / NAME)
    (made / NAME).rename(made / "elsewhere.toml")
    try:
        pack(kitti.walk(made), made, tmp_path / "packed", Limit(10))
        assert not (tmp_path / "packed" / NAME).exists()
    finally:
        (made / "elsewhere.toml").rename(made / NAME)
