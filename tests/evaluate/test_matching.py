from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir import boxes
from faceir.detections import DONT_CARE, Detections
from faceir.evaluate import Judged, match
from faceir.evaluate.matching import greedy, look
from tests.evaluate.scenes import boxes_at, row, scene

NONE = Detections()
seeds = st.integers(0, 2**31)


def pairs(truth: list[list[float]], found: list[list[float]], scores: list[float], **rest: object) -> list[int]:
    return match(Detections(truth), Detections(found, scores), **rest).truth_of.tolist()  # type: ignore[arg-type]


def test_match_of_nothing() -> None:
    some = Detections(boxes_at((0, 0)))
    assert [len(column) for column in match(NONE, NONE)] == [0, 0]
    assert [len(column) for column in match(some, NONE)] == [0, 0]
    assert match(NONE, some).truth_of.tolist() == [-1]


def test_an_iou_of_exactly_a_half_is_not_enough() -> None:
    assert pairs([[0, 0, 10, 10]], [[0, 0, 10, 5]], [0.9]) == [-1]
    assert pairs([[0, 0, 10, 10]], [[0, 0, 10, 5.01]], [0.9]) == [0]


def test_the_better_score_takes_the_face_and_a_second_is_wrong() -> None:
    assert pairs([[0, 0, 10, 10]], [[0, 0, 10, 10], [0, 0, 10, 8]], [0.3, 0.9]) == [-1, 0]


def test_a_found_face_takes_the_best_that_is_left() -> None:
    truth = [[0, 0, 10, 10], [0, 2, 10, 12]]
    assert pairs(truth, [[0, 1.2, 10, 11.2], [0, 2, 10, 12]], [0.9, 0.8]) == [1, 0]


def test_classes_are_matched_apart() -> None:
    box = boxes_at((0, 0))
    assert match(Detections(box, labels=[0]), Detections(box, labels=[1])).truth_of.tolist() == [-1]


def test_regions_to_ignore_take_any_number_of_any_class() -> None:
    truth = Detections([[0, 0, 100, 100], [10, 10, 30, 30]], labels=[DONT_CARE, 0])
    found = Detections(boxes_at((10, 10), (60, 60), (62, 62), (95, 95)), labels=[0, 0, 1, 0])
    result = match(truth, found)
    assert result.truth_of.tolist() == [1, -1, -1, -1]  # the true face first
    assert result.ignored.tolist() == [False, True, True, False]  # the last lies mostly outside


@settings(deadline=None)
@given(seeds, st.floats(0, 1))
def test_leaving_out_low_scores_changes_nothing_for_the_others(seed: int, least: float) -> None:
    p = scene(seed)
    high = p.found.scores >= least
    whole, part = match(p.truth, p.found, p.counted), match(p.truth, p.found[high], p.counted)
    np.testing.assert_array_equal(whole.truth_of[high], part.truth_of)
    np.testing.assert_array_equal(whole.ignored[high], part.ignored)


@settings(deadline=None)
@given(seeds)
def test_each_face_is_taken_once(seed: int) -> None:
    p = scene(seed)
    result = match(p.truth, p.found, p.counted)
    taken = result.truth_of[result.truth_of >= 0]
    assert len(set(taken)) == len(taken)
    assert p.counted is not None
    assert p.counted[taken].all()
    assert not (result.ignored & (result.truth_of >= 0)).any()


def one_at_a_time(p: Judged) -> tuple[list[int], list[bool]]:
    """The rules of `match` once more, a found face after the other."""
    counted = p.counted & (p.truth.labels != DONT_CARE)
    overlap = boxes.iou(p.found.xyxy, p.truth.xyxy)
    taken, truth_of = set(), [-1] * len(p.found)
    for m in np.argsort(-p.found.scores, kind="stable"):
        best = 0.5
        for n in range(len(p.truth)):
            fits = counted[n] and n not in taken and p.truth.labels[n] == p.found.labels[m]
            if fits and overlap[m, n] > best:
                best, truth_of[m] = overlap[m, n], n
        taken.add(truth_of[m])
    share = boxes.intersection(p.found.xyxy, p.truth.xyxy[~counted]) / boxes.area(p.found.xyxy)[:, None]
    return truth_of, [t < 0 and bool((s > 0.5).any()) for t, s in zip(truth_of, share, strict=True)]


@pytest.mark.parametrize("classes", [1, 2])
def test_all_at_once_is_one_at_a_time(classes: int) -> None:
    """Dense pictures: many found faces want the same true one."""
    pictures = [scene(n, classes=classes, most=25, span=120) for n in range(60)]
    seen = look(pictures)
    start = 0
    for n, p in enumerate(pictures):
        truth_of, ignored = one_at_a_time(p)
        alone = match(p.truth, p.found, p.counted)
        assert (alone.truth_of.tolist(), alone.ignored.tolist()) == (truth_of, ignored)
        right = (np.array(truth_of) >= 0)[~np.array(ignored, bool)]
        np.testing.assert_array_equal(seen.right[start : start + len(right)], right)
        assert (seen.found.picture[start : start + len(right)] == n).all()
        start += len(right)
    assert start == len(seen.right)


def test_a_queue_is_served_in_turn() -> None:
    turn, truth = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 1])
    assert greedy(turn, truth, np.zeros(2, bool)).tolist() == [True, False, False, True, False, False]
    assert greedy(turn, truth, np.array([True, False])).tolist() == [True, False, True, False, True, False]
    assert greedy(turn[:0], truth[:0], np.zeros(2, bool)).tolist() == []


def test_groups_are_units() -> None:
    seen = look([row("h", group="a"), row("h"), row("m", group="a"), row("m", group="b")])
    assert (seen.unit.tolist(), seen.units) == ([0, 1, 0, 2], 3)
    assert seen.independent == 3
    assert look([row("h")] * 4).independent == np.inf
