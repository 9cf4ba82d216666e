from __future__ import annotations

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.evaluate import Judged
from faceir.evaluate.matching import look
from faceir.evaluate.reliability import Reliability, reliability
from tests.evaluate.scenes import boxes_at, row


def with_scores(scores: np.ndarray, right: np.ndarray) -> Judged:
    at = [(n * 50.0, 0.0) for n in range(len(scores))]
    truth = [corner for corner, hit in zip(at, right, strict=True) if hit]
    return Judged(Detections(boxes_at(*truth)), Detections(boxes_at(*at), scores))


def test_scores_that_mean_what_they_say() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 1, 4000)

    def judged(chance: np.ndarray) -> Reliability:
        right = rng.random(4000) < chance
        return reliability(look([with_scores(scores[n::100], right[n::100]) for n in range(100)]), 0.5)

    honest, boasting = judged(scores), judged(scores**3)
    assert (honest.error or 0) < 0.03
    assert (boasting.error or 0) == pytest.approx(0.25, abs=0.02)  # integral of s - s^3
    assert sum(b.faces for b in honest.bins) == 4000
    middle = honest.bins[5]
    assert (middle.low, middle.high) == (0.5, 0.6)
    assert middle.right.low is not None
    assert middle.right.low < (middle.score or 0) < (middle.right.high or 0)


def test_by_hand() -> None:
    got = reliability(look([with_scores(np.array([0.95, 0.95, 0.25, 1.0]), np.array([True, False, False, True]))]), 0.9)
    # last bin: mean score 2.9 / 3, two of three right; third bin: 0.25, none right
    assert got.error == pytest.approx((2.9 - 2 + 0.25) / 4, abs=1e-6)
    assert got.error_kept == pytest.approx(0.9 / 3, abs=1e-6)
    assert got.bins[9].right.value == pytest.approx(2 / 3)
    assert (got.bins[0].score, got.bins[0].right.value) == (None, None)


def test_nothing_found() -> None:
    got = reliability(look([row("mm")]), 0.5)
    assert (got.error, got.error_kept) == (None, None)
