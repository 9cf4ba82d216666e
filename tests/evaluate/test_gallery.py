from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.evaluate import Judged
from faceir.evaluate.gallery import MOST_EXAMPLES, MOST_OF_A_PICTURE, false_alarms, misses
from faceir.evaluate.matching import look
from tests.evaluate.scenes import row


def test_high_faces_and_high_scores_first() -> None:
    truth = Detections([[0, 0, 10, 20], [100, 0, 140, 50], [200, 0, 220, 30]], occlusion=[1, 4, -1])
    found = [[100, 0, 140, 50], [300, 0, 320, 20], [400, 0, 420, 20], [200, 0, 220, 30]]
    p = Judged(truth, Detections(found, [0.2, 0.6, 0.9, 0.8]), scale=0.5, name="/d/set/images/a.jpg", source="set")
    seen = look([p])
    missed = misses(seen, 0.5, "/d")
    assert [(m.xyxy[0], m.occlusion, m.height) for m in missed] == [(100, 4, 25), (0, 1, 10)]
    assert [m.score for m in missed] == [pytest.approx(0.2), None]
    assert {(m.picture, m.source) for m in missed} == {("set/images/a.jpg", "set")}
    alarms = false_alarms(seen, 0.5, "/d")
    assert [(a.xyxy[0], a.score, a.occlusion) for a in alarms] == [
        (400, pytest.approx(0.9), -1), (300, pytest.approx(0.6), -1),
    ]  # fmt: skip
    assert false_alarms(seen, 0.95) == ()


def test_a_few_of_a_picture_and_not_too_many() -> None:
    crowd = [replace(row("m" * 30), name=f"{n}.jpg") for n in range(100)]
    missed = misses(look(crowd), 0.5)
    names = [m.picture for m in missed]
    assert len(names) == MOST_EXAMPLES
    assert max(map(names.count, names)) == MOST_OF_A_PICTURE


def test_nothing() -> None:
    assert misses(look([]), 0.5) == false_alarms(look([]), np.inf) == ()
