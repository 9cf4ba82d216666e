"""A habit that is put in is found again, and a third of wrong boxes does not bend it."""

import numpy as np
import pytest

from faceir import boxes
from faceir.data.check.habit import Habit, habit_of, pairs_of


def faces(count, rng):
    at = rng.uniform(0, 4000, (count, 2))
    size = rng.uniform(20, 60, (count, 1)) * np.array([[0.8, 1.0]])
    return np.concatenate([at, at + size], axis=1).astype(np.float32)


@pytest.mark.parametrize("wrong", [0, 60])
def test_there_and_back(wrong):
    rng = np.random.default_rng(1)
    found, habit = faces(200, rng), Habit(0.05, -0.1, 1.2, 1.1)
    labels = habit.expected(found)
    labels[:wrong, :] += rng.uniform(-15, 15, (wrong, 1)).astype(np.float32)
    learnt = habit_of([pairs_of(labels[n : n + 10], found[n : n + 10], np.ones(10)) for n in range(0, 200, 10)])
    np.testing.assert_allclose(
        [learnt.right, learnt.down, learnt.wider, learnt.higher], [0.05, -0.1, 1.2, 1.1], atol=0.02
    )
    overlap = np.diag(boxes.iou(learnt.expected(found), labels))
    assert (overlap[wrong:] > 0.95).all()
    assert learnt.least_overlap > 0.8
    assert learnt.overlap == pytest.approx(boxes.iou(found, habit.expected(found)).diagonal().mean(), abs=0.03)


def test_too_few_tell_nothing():
    rng = np.random.default_rng(1)
    assert habit_of([]) == Habit()
    assert habit_of([pairs_of(faces(5, rng), faces(5, rng), np.ones(5))]) == Habit()
    nothing = np.zeros((0, 4), np.float32)
    assert pairs_of(nothing, faces(3, rng), np.ones(3)).shape == (0, 4)
    assert pairs_of(faces(3, rng), nothing, np.ones(0)).shape == (0, 4)
    np.testing.assert_array_equal(Habit().expected(nothing), nothing)
