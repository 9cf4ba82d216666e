"""Whatever finds faces, by one word: each kind gives what the same net gives live."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir import Detector, sealed
from faceir.contract import Contract
from faceir.data import coco, kitti
from faceir.data.guidelines import Rules
from faceir.detections import Detections
from faceir.errors import FaceirError, InputError, ModelError
from faceir.evaluate import LEAST_SCORE, evaluate, judge
from faceir.flow import Frame, Image
from faceir.verbs.open import Opened, open_detector
from tests.verbs import detectors

HERE = "tests.verbs.detectors"


@pytest.fixture
def squares(tmp_path: Path, square_picture: Callable[..., Image]) -> list[kitti.Item]:
    """Three labelled pictures, one of them of twice the size and one without face."""
    for kind in ("images", "labels"):
        (tmp_path / "data" / kind).mkdir(parents=True)
    pictures = [square_picture(1), square_picture(2, (2, 1), high=200), np.full((240, 384), 20, np.uint8)]
    for n, picture in enumerate(pictures):
        cv2.imwrite(str(tmp_path / "data" / "images" / f"s{n}.png"), picture)
        (tmp_path / "data" / "labels" / f"s{n}.txt").write_text("")
    return kitti.find(tmp_path / "data")


def seen(opened: Opened, items: list[kitti.Item]) -> list[Detections]:
    opened.check(items)
    return [one.found for one in judge(items, opened.detector, opened.contract.fit, Rules())]


def same(some: list[Detections], others: list[Detections], atol: float = 1e-3) -> None:
    assert [len(found) for found in some] == [len(found) for found in others]
    for one, other in zip(some, others, strict=True):
        np.testing.assert_allclose(one.xyxy, other.xyxy, atol=atol)
        np.testing.assert_allclose(one.scores, other.scores, atol=atol)


def test_an_onnx_file_gives_every_score_and_states_its_own_threshold(
    square_model: Path, square_picture: Callable[..., Image]
) -> None:
    opened = open_detector(square_model)
    stated = Detector(square_model).contract
    assert opened.contract == stated
    assert opened.threshold == stated.cluster[0].confidence_threshold
    assert (opened.name, len(opened.sha256 or ""), opened.size) == ("square.onnx", 64, square_model.stat().st_size)
    dim = square_picture(1, high=135)
    assert len(opened.detector([dim])[0]) == len(Detector(square_model, threshold=LEAST_SCORE)([dim])[0]) > 0


@pytest.mark.parametrize("word", ["", "default"])
def test_the_packaged_model(word: str) -> None:
    opened = open_detector(word)
    assert opened.contract == Detector().contract
    assert opened.name == Detector().path.name


@pytest.mark.parametrize("beside", [False, True])
def test_an_openvino_model(
    square_model: Path, make_model: Callable[..., Path], squares: list[kitti.Item], tmp_path: Path, beside: bool
) -> None:
    from faceir.inference import core, openvino

    net = core().read_model(make_model(tmp_path / "bare.onnx", metadata="") if beside else square_model)
    if beside:
        (tmp_path / "net.json").write_text(Detector(square_model).contract.to_json())
    openvino().save_model(net, tmp_path / "net.xml", compress_to_fp16=False)
    opened = open_detector(tmp_path / "net.xml")
    assert opened.contract == Detector(square_model).contract
    same(seen(opened, squares), seen(open_detector(square_model), squares))
    (tmp_path / "net.bin").unlink()
    with pytest.raises(ModelError, match=r"lacks its weights, net\.bin"):
        open_detector(tmp_path / "net.xml")


def test_a_broken_openvino_model_is_told(tmp_path: Path) -> None:
    for name in ("net.xml", "net.bin"):
        (tmp_path / name).write_text("<net")
    with pytest.raises(ModelError, match="cannot be read as an OpenVINO model"):
        open_detector(tmp_path / "net.xml")


def test_a_sealed_model_opens_with_its_key(square_model: Path, squares: list[kitti.Item], tmp_path: Path) -> None:
    sealed.seal_file(square_model, tmp_path / "secret.onnx", "k")
    same(seen(open_detector(tmp_path / "secret.onnx", "k"), squares), seen(open_detector(square_model), squares))
    with pytest.raises(ModelError, match="key does not open it"):
        open_detector(tmp_path / "secret.onnx", "wrong")


def test_a_checkpoint_plain_and_sealed(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from faceir.train import checkpoint
    from faceir.train.model import Architecture, GridBoxNet

    net = GridBoxNet(Architecture.resnet18(width_multiplier=0.125))
    for name, key in (("net.safetensors", None), ("sealed.safetensors", "k")):
        checkpoint.save(tmp_path / name, checkpoint.Checkpoint(net.eval(), Contract(name="net")), key=key)
        opened = open_detector(tmp_path / name, key)
        assert (opened.name, opened.contract.name) == (name, "net")
        assert len(opened.detector([np.zeros((240, 384), np.uint8)])) == 1


def test_stored_detections_equal_live_ones(square_model: Path, squares: list[kitti.Item], tmp_path: Path) -> None:
    live = open_detector(square_model)
    found = seen(live, squares)
    assert sum(len(one) for one in found) >= 2
    frames = [
        Frame.of(kitti.read_image(item.picture), detections=one, source=str(item.picture))
        for item, one in zip(squares, found, strict=True)
    ]
    with (
        kitti.Writer(tmp_path / "kitti", with_scores=True) as files,
        coco.Writer(tmp_path / "results.json", with_scores=True) as results,
        coco.Writer(tmp_path / "labels.json") as labels,
    ):
        for frame in frames:
            for sink in (files, results, labels):
                sink.write(frame)
    bare = [
        {k: v for k, v in row.items() if k != "file_name"}
        for row in json.loads((tmp_path / "results.json").read_text())
    ]
    (tmp_path / "bare.json").write_text(json.dumps(bare))
    for word in ("kitti", "results.json", f"bare.json@{tmp_path}/labels.json"):
        stored = open_detector(f"{tmp_path}/{word}")
        assert stored.threshold is None
        same(seen(stored, squares), found)
        again = judge(squares, stored.detector, stored.contract.fit, Rules())
        straight = judge(squares, live.detector, live.contract.fit, Rules())
        assert evaluate(again, 0.5, rounds=0).fp == evaluate(straight, 0.5, rounds=0).fp
    (tmp_path / "kitti" / "labels" / "s1.txt").unlink()
    with pytest.raises(InputError, match="lacks 1 of 3 pictures, such as 's1'"):
        open_detector(tmp_path / "kitti").check(squares)
    with pytest.raises(InputError, match="names none of the 3 pictures"):
        open_detector(tmp_path / "bare.json").check(squares)


@pytest.mark.parametrize(("attribute", "threshold"), [("nothing", None), ("Threshold", 0.25), ("factory", 0.25)])
def test_a_python_detector(attribute: str, threshold: float | None, squares: list[kitti.Item]) -> None:
    opened = open_detector(f"{HERE}:{attribute}")
    assert (opened.threshold, opened.sha256, opened.size) == (threshold, None, 0)
    assert opened.name == opened.contract.name == f"{HERE}:{attribute}"
    assert seen(opened, squares) == [Detections()] * 3


def test_a_python_detector_with_a_contract(
    square_model: Path, squares: list[kitti.Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detectors.square, "__defaults__", ([square_model],))
    opened = open_detector(f"{HERE}:square")
    assert opened.contract == Detector(square_model).contract
    same(seen(opened, squares), seen(open_detector(square_model), squares))


def test_a_module_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(detectors.__file__, tmp_path / "my_own_detectors.py")
    monkeypatch.chdir(tmp_path)
    assert open_detector("my_own_detectors:nothing").detector([]) == []


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("no.such.module:x", "cannot be imported .ModuleNotFoundError"),
        (f"{HERE}:absent", "has no 'absent'"),
        (f"{HERE}:NUMBER", "is a int, which cannot be called"),
        (f"{HERE}:broken", "cannot be made .RuntimeError: no camera"),
        (f"{HERE}:too_high", "its threshold is 7; wanted a number 0..1"),
        ("no_such_file.onnx", "does not exist"),
        ("no_such_file.json", "does not exist"),
        ("no_such_name", "no_such_name"),
    ],
)
def test_what_cannot_be_opened_is_told(word: str, says: str) -> None:
    with pytest.raises(FaceirError, match=says):
        open_detector(word)


@pytest.mark.parametrize(
    ("attribute", "says"),
    [
        ("one_too_few", "gives 1 answers for 2 pictures"),
        ("bare_boxes", "gives a list of list; wanted a list with one Detections a picture"),
    ],
)
def test_wrong_answers_are_told_as_theirs(attribute: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        open_detector(f"{HERE}:{attribute}").detector([np.zeros((4, 4), np.uint8)] * 2)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no detections"):
        open_detector(tmp_path)
