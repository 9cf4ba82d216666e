"""The gate: both detectors see every picture once, and exactly the allowed drop passes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from faceir.cluster import ClusterParams
from faceir.contract import Contract
from faceir.detections import Detections
from faceir.errors import GateError, InputError
from faceir.flow import Image
from faceir.verbs.gate import Gate

PICTURES = 20
CONTRACT = Contract(cluster=(ClusterParams(confidence_threshold=0.5),))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Twenty pictures with one face each; the number of a picture is its gray level."""
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for n in range(PICTURES):
        cv2.imwrite(str(tmp_path / "images" / f"{n:02}.png"), np.full((240, 384), n, np.uint8))
        (tmp_path / "labels" / f"{n:02}.txt").write_text("face 0 0 0 100 100 150 160 0 0 0 0 0 0 0\n")
    return tmp_path


class Told:
    """Finds the face in all pictures but the first `missed`; also a false one scoring 0.4, below the threshold."""

    def __init__(self, missed: int) -> None:
        self.missed, self.contract = missed, CONTRACT
        self.seen: list[int] = []

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        self.seen += [int(image[0, 0]) for image in images]
        return [self._look(int(image[0, 0])) for image in images]

    def _look(self, n: int) -> Detections:
        boxes, scores = [[10, 10, 40, 50], [100, 100, 150, 160]], [0.4, 0.9 if n >= self.missed else 0.1]
        found = Detections(np.array(boxes, np.float32), np.array(scores, np.float32))
        return found[found.scores >= self.contract.cluster[0].confidence_threshold]


def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def test_no_change_holds_and_each_picture_is_read_once(dataset: Path) -> None:
    before, after, shown = Told(0), Told(0), console()
    verdict = Gate(dataset, max_drop=0).check(before, after, CONTRACT, "nothing", shown)
    assert verdict.drop == 0
    assert verdict.before.faces == PICTURES
    assert before.seen == after.seen == list(range(PICTURES))
    assert "AP" in shown.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("missed", "max_drop", "holds"), [(1, 5.0, True), (1, 4.99, False), (3, 15.0, True)])
def test_exactly_the_allowed_drop_passes(dataset: Path, missed: int, max_drop: float, holds: bool) -> None:
    gate = Gate(dataset, max_drop=max_drop)
    if holds:
        verdict = gate.check(Told(0), Told(missed), CONTRACT, "step", console())
        assert verdict.drop == pytest.approx(5 * missed)
        return
    with pytest.raises(GateError, match=r"fell from 100.00 to 95.00 %, by 5.00 points") as caught:
        gate.check(Told(0), Told(missed), CONTRACT, "step", console())
    assert "--max-drop 5" in str(caught.value)
    assert "--float-layers" in str(caught.value)


def test_a_gain_is_a_negative_drop(dataset: Path) -> None:
    assert Gate(dataset, max_drop=0).check(Told(2), Told(0), CONTRACT, "gain", console()).drop == pytest.approx(-10)


def test_average_precision_is_over_all_scores(dataset: Path) -> None:
    """The wrong box scoring 0.4 is below the threshold: precision does not see it, average precision does."""
    verdict = Gate(dataset).judge(Told(2), Told(2), CONTRACT, "same", console())
    assert verdict.before.precision.value == 1.0
    assert verdict.before.ap.value == pytest.approx((18 + 2 * 20 / 40) / 20)
    assert verdict.before.threshold == 0.5


def test_the_difference_is_paired(dataset: Path) -> None:
    verdict = Gate(dataset).judge(Told(1), Told(4), CONTRACT, "step", console())
    changes = {change.measure: change for change in verdict.paired.differences}
    assert changes["recall"].value == pytest.approx(-0.15)
    # Three of 20 pictures differ; a binomial of 3 in 20 has a standard deviation of 1.6 pictures, 8 points.
    assert changes["recall"].low == pytest.approx(-0.31, abs=0.05)
    same = Gate(dataset).judge(Told(4), Told(4), CONTRACT, "step", console())
    assert (same.paired.differences[0].low, same.paired.differences[0].high) == (0, 0)


def test_accuracy_of_one(dataset: Path) -> None:
    assert Gate(dataset).accuracy(Told(5), CONTRACT) == pytest.approx(0.75)


def test_pictures_without_counted_faces_are_no_pass(dataset: Path) -> None:
    with pytest.raises(InputError, match="hold no face"):
        Gate(dataset, min_height=100).check(Told(0), Told(0), CONTRACT, "step", console())
    with pytest.raises(InputError, match="no picture is of moon"):
        Gate(dataset, sources=("moon",)).check(Told(0), Told(0), CONTRACT, "step", console())


def test_a_broken_picture_is_said_and_left_out(dataset: Path) -> None:
    (dataset / "images" / "03.png").write_bytes(b"no picture")
    shown = console()
    verdict = Gate(dataset).check(Told(0), Told(0), CONTRACT, "step", shown)
    assert verdict.before.pictures == PICTURES - 1
    assert "03.png" in shown.file.getvalue()  # type: ignore[attr-defined]
