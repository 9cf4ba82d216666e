from __future__ import annotations

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.evaluate import Judged
from faceir.evaluate.assess import assess
from faceir.evaluate.document import Settings
from faceir.evaluate.sizes import SizeCurve


def curves(found_from: float, heights: np.ndarray, size_wh: tuple[int, int] | None = (900, 400)) -> list[SizeCurve]:
    pictures = []
    for height in heights:
        box = [[0, 0, height, height]]
        found = Detections(box) if height >= found_from else Detections()
        pictures.append(Judged(Detections(box), found, scale=0.5, size_wh=size_wh))
    return list(assess(pictures, 0.5, Settings(rounds=20)).sizes)


def test_usable_from() -> None:
    px, share = curves(64, np.geomspace(10, 380, 400))
    assert (px.unit, share.unit) == ("px", "share")
    assert px.usable_from == 32  # network pixels, half of the picture's
    assert share.usable_from == 0.16
    assert sum(point.faces for point in px.points) == sum(point.faces for point in share.points) == 400
    assert px.points[0].low is None
    assert px.points[-1].high is None
    recalls = [point.recall.value for point in px.points if point.recall.value is not None]
    assert recalls == sorted(recalls)
    assert {0, 1} <= set(recalls)


def test_not_usable_where_the_largest_are_missed() -> None:
    assert curves(1e9, np.geomspace(10, 380, 400))[0].usable_from is None


def test_a_few_faces_prove_nothing() -> None:
    assert curves(0, np.full(9, 100.0))[0].usable_from is None
    assert curves(0, np.full(10, 100.0))[0].usable_from == pytest.approx(45.3)


def test_shares_need_the_picture_size() -> None:
    assert sum(point.faces for point in curves(0, np.full(10, 100.0), None)[1].points) == 0
