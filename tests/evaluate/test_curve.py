from __future__ import annotations

import numpy as np
import pytest

from faceir.evaluate.curve import Curve
from faceir.evaluate.matching import look
from tests.evaluate.scenes import row, scene


@pytest.mark.parametrize("decimals", [1, 6])
def test_weights_are_copies_of_pictures(decimals: int) -> None:
    """Weighing a picture three times is judging it three times; also where many scores are equal."""
    pictures = [scene(n, decimals=decimals) for n in range(30)]
    weight = np.random.default_rng(0).integers(0, 4, 30)
    copies = [p for p, times in zip(pictures, weight, strict=True) for _ in range(times)]
    weighed = Curve(look(pictures)).area_and_kpi(weight.astype(float))
    assert weighed == pytest.approx(Curve(look(copies)).area_and_kpi(), nan_ok=True)


def test_points_are_few_and_run_from_the_surest_to_the_last() -> None:
    seen = look([scene(n) for n in range(300)])
    curve = Curve(seen)
    points = curve.points(50)
    assert len(points.threshold) == len(points.recall) == len(points.precision) == 50
    assert list(points.threshold) == sorted(points.threshold, reverse=True)
    assert list(points.recall) == sorted(points.recall)
    assert points.recall[-1] == pytest.approx(seen.right.sum() / len(seen.face_score))
    at = points.threshold[20]
    kept = seen.found.scores >= np.float32(at)
    assert points.precision[20] == pytest.approx(seen.right[kept].mean())


def test_nothing() -> None:
    assert Curve(look([])).points().recall == Curve(look([row("mf")])).points().recall == ()
    assert np.isnan(Curve(look([])).area_and_kpi()).all()
    assert Curve(look([row("f")])).best_threshold() == pytest.approx(0.9)
