"""The peers' decoders on grids made by hand, and the table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from rich.console import Console

from benchmarks import peers
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.evaluate import Judged, evaluate
from faceir.evaluate.stress import CONDITIONS


def empty_grids(width: int, height: int) -> dict[str, np.ndarray]:
    grids = {}
    for stride in (8, 16, 32):
        cells = (width // stride) * (height // stride)
        for name, depth in (("cls", 1), ("obj", 1), ("bbox", 4)):
            grids[f"{name}_{stride}"] = np.zeros((1, cells, depth), np.float32)
    return grids


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_yunet_decodes_what_was_encoded(stride: int) -> None:
    width, height, box = 384, 256, np.array([100.0, 60, 148, 124])
    grids = empty_grids(width, height)
    centre, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    column, row = (int(v) // stride for v in centre)
    cell = row * (width // stride) + column
    grids[f"cls_{stride}"][0, cell], grids[f"obj_{stride}"][0, cell] = 0.81, 1.0
    grids[f"bbox_{stride}"][0, cell] = [*(centre / stride - (column, row)), *np.log(size / stride)]
    xyxy, scores = peers.YuNet.decode(grids, width, 0.02)
    np.testing.assert_allclose(xyxy, [box], atol=1e-3)
    np.testing.assert_allclose(scores, [0.9], atol=1e-6)


def test_yunet_of_nothing() -> None:
    xyxy, scores = peers.YuNet.decode(empty_grids(384, 256), 384, 0.02)
    assert (xyxy.shape, scores.shape) == ((0, 4), (0,))
    assert len(peers.suppress(xyxy, scores, 0.3)) == 0


def test_ultraface_decodes_shares() -> None:
    scores = np.array([[[0.1, 0.9], [0.99, 0.01], [0.5, 0.5]]], np.float32)
    shares = np.array([[[0.25, 0.5, 0.5, 1.1], [0, 0, 1, 1], [-0.1, 0, 0.5, 0.5]]], np.float32)
    xyxy, kept = peers.UltraFace.decode(scores, shares, (320, 240), 0.02)
    np.testing.assert_allclose(xyxy, [[80, 120, 160, 240], [0, 0, 160, 120]])
    np.testing.assert_allclose(kept, [0.9, 0.5])


def test_suppress_keeps_the_best_of_those_that_overlap() -> None:
    xyxy = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 10], [2, 0, 12, 10]], np.float32)
    found = peers.suppress(xyxy, np.array([0.5, 0.9, 0.3, 0.2], np.float32), 0.3)
    assert found.xyxy[:, 0].tolist() == [1, 50]
    np.testing.assert_allclose(found.scores, [0.9, 0.3])


def test_haar_makes_scores_of_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cascade:
        def __init__(self, path: str) -> None:
            pass

        def detectMultiScale3(self, image, *_, **__):  # noqa: N802  # OpenCV's name
            return (np.array([[5, 6, 20, 20]]), [1], np.array([2.0])) if image.any() else ((), (), ())

    monkeypatch.setattr(cv2, "CascadeClassifier", Cascade, raising=False)
    one, none = peers.Haar(Path("x.xml"))([np.ones((60, 80), np.uint8), np.zeros((60, 80), np.uint8)])
    assert one.xyxy.tolist() == [[5, 6, 25, 26]]
    assert one.scores[0] == pytest.approx(1 / (1 + np.exp(-2)))
    assert len(none) == 0


def test_mediapipes_relative_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    box = SimpleNamespace(xmin=0.5, ymin=-0.1, width=0.25, height=0.6)
    face = SimpleNamespace(location_data=SimpleNamespace(relative_bounding_box=box), score=[0.7])
    answers = iter([[face], None])
    detector = SimpleNamespace(process=lambda _: SimpleNamespace(detections=next(answers)))
    made = SimpleNamespace(FaceDetection=lambda **_: detector)
    module = SimpleNamespace(solutions=SimpleNamespace(face_detection=made))
    monkeypatch.setitem(sys.modules, "mediapipe", module)  # type: ignore[arg-type]
    one, none = peers.MediaPipe()([np.zeros((60, 80), np.uint8)] * 2)
    np.testing.assert_allclose(one.xyxy, [[40, 0, 60, 30]], atol=1e-4)
    assert len(none) == 0


def test_a_sample_is_spread_evenly() -> None:
    items = list(range(10))
    assert peers._some(items, 0) == peers._some(items, 10) == peers._some(items, 99) == items  # type: ignore[arg-type]
    assert peers._some(items, 3) == [0, 3, 6]  # type: ignore[arg-type]


def test_the_best_is_bold_unless_all_are() -> None:
    assert peers._cells([1, 2], ["1", "2"], best=max) == ["1", "**2**"]
    assert peers._cells([2, 2], ["2", "2"], best=max) == ["2", "2"]


def test_the_table_has_a_row_for_each_part_condition_and_measure() -> None:
    face = Detections([[0, 0, 10, 10]], [0.9])
    good = evaluate([Judged(face, face)] * 3, rounds=0)
    bad = evaluate([Judged(face, Detections())] * 3, rounds=0)
    text = peers.table(["A", "B"], [3, 4], {"set": [dict.fromkeys(CONDITIONS, good), dict.fromkeys(CONDITIONS, bad)]})
    rows = text.splitlines()
    assert len(rows) == 3 + len(CONDITIONS) * len(peers.MEASURES)
    assert len({row.count("|") for row in rows}) == 1
    assert rows[2].endswith("| **3.0** | 4.0 |")
    assert rows[3] == "| set | clear | 3 | AP | **100.0** | 0.0 |"
    assert rows[4].endswith("| **100.0** | - |")


def test_who_is_not_here_is_told_and_who_is_named_takes_part(tmp_path: Path) -> None:
    told: list[str] = []
    named = list(peers.peers(tmp_path, ["Mine=tests.verbs.detectors:nothing"], told.append))
    assert [peer.name for peer in named][-1] == "Mine"
    assert sum("left out" in line for line in told) >= 3
    with pytest.raises(InputError, match="names no detector"):
        list(peers.peers(tmp_path, ["Mine"], told.append))


@pytest.mark.slow
def test_real_peers_find_the_face(tmp_path: Path) -> None:
    """Both sides of the seam: real files and real pictures, few of them."""
    if not (peers.SHARED / "peers").is_dir() or not (peers.SHARED / "data").is_dir():
        pytest.skip(f"there are no peers or pictures in {peers.SHARED}")
    given = argparse.Namespace(
        dataset=peers.SHARED / "data", peers=peers.SHARED / "peers", pictures=2, rounds=0, named=[]
    )
    text = peers.run(given, Console(stderr=True))
    row = next(line for line in text.splitlines() if "ir_val_room" in line and "| clear |" in line and "| AP |" in line)
    assert [float(cell.strip(" *")) for cell in row.split("|")[5:-1]] == [100.0] * 4
