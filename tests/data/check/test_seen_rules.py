"""Labels against what a detector sees: each slip has its rule, and a good label has none."""

import numpy as np
import pytest

from faceir.data.check.habit import Habit
from faceir.data.check.seen_rules import SEEN_RULES, Limits, Seen, score_for
from faceir.detections import Detections
from tests.data.check.samples import codes, labelled, line

FACE = (100, 100, 140, 150)


def seen(lines, found, scores=None, habit=None, scale=1.0):
    given = Detections(found, scores if scores is not None else np.full(len(found), 0.9))
    return Seen.of(labelled(*lines), given, scale, habit or Habit(), Limits())


@pytest.mark.parametrize(
    ("lines", "found", "wanted"),
    [
        ([line(FACE)], [FACE], set()),
        ([], [], set()),
        ([line(FACE), line((200, 100, 240, 150))], [(201, 99, 241, 151), FACE], set()),
        ([line((125, 110, 165, 160))], [FACE], {"box-not-tight"}),
        ([line((80, 75, 160, 175))], [FACE], {"box-not-tight"}),
        ([line((110, 112, 130, 137))], [FACE], {"box-not-tight"}),
        ([line((300, 200, 340, 250))], [FACE], {"face-unseen", "face-unlabelled"}),
        ([line(FACE)], [], {"face-unseen"}),
        ([line(FACE, occlusion=7)], [], set()),
        ([], [FACE], {"face-unlabelled"}),
        ([line((90, 90, 200, 200), name="DontCare")], [FACE], set()),
        ([line(FACE, name="person")], [FACE], {"class-wrong"}),
        ([line(FACE, name="person"), line(FACE)], [FACE], set()),
        ([line(FACE)], [FACE, (105, 105, 120, 125)], set()),
    ],
)
def test_slips(lines, found, wanted):
    assert codes(SEEN_RULES, seen(lines, found)) == wanted


def test_low_scores_and_small_faces_are_not_judged():
    assert codes(SEEN_RULES, seen([], [FACE], [0.2])) == set()
    assert codes(SEEN_RULES, seen([line((125, 110, 165, 160))], [FACE], [0.2])) == set()
    assert codes(SEEN_RULES, seen([line(FACE)], [(300, 200, 340, 250)], scale=0.2)) == set()


def test_a_habit_is_taken_off():
    habit = Habit(wider=1.6, higher=1.6)
    loose = line((88, 85, 152, 165))
    assert codes(SEEN_RULES, seen([loose], [FACE])) == {"box-not-tight"}
    assert codes(SEEN_RULES, seen([loose], [FACE], habit=habit)) == set()
    (finding,) = SEEN_RULES["box-not-tight"](seen([line(FACE)], [FACE], habit=habit))
    np.testing.assert_allclose(finding.suggested, (88, 85, 152, 165))


def test_a_small_face_whose_box_shrank_is_judged_and_one_that_the_detector_grows_is_not():
    shrunk = line((110, 114, 128, 136))
    assert codes(SEEN_RULES, seen([shrunk], [FACE], scale=0.44)) == {"box-not-tight"}
    assert codes(SEEN_RULES, seen([shrunk], [FACE], scale=0.38)) == set()


def test_a_set_that_is_drawn_closely_is_held_to_more_within_reason():
    """An IoU of 0.6 is a slip there and none elsewhere; one of 0.75, as of a profile, is none anywhere."""
    close = Habit(least_overlap=0.9)
    for bottom, wanted in ((130, {"box-not-tight"}), (138, set())):
        off = line((*FACE[:3], bottom))
        assert codes(SEEN_RULES, seen([off], [FACE])) == set()
        assert codes(SEEN_RULES, seen([off], [FACE], habit=close)) == wanted


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line((125, 110, 165, 160))], "box-not-tight"),
        ([], "face-unlabelled"),
        ([line(FACE, name="person")], "class-wrong"),
    ],
)
def test_what_a_change_writes_breaks_no_rule(lines, code):
    (finding,) = SEEN_RULES[code](seen(lines, [FACE]))
    assert finding.change is not None
    assert codes(SEEN_RULES, seen([finding.change.text], [FACE])) == set()


def test_a_slip_is_said_in_words():
    (finding,) = SEEN_RULES["box-not-tight"](seen([line((125, 110, 165, 160))], [FACE]))
    assert "25 px too far right" in finding.words
    assert "10 px too low" in finding.words


@pytest.mark.parametrize("threshold", [0.0, 0.05, 1.0])  # 0.05: of a checkpoint fresh from training
def test_a_threshold_that_tells_nothing_moves_nothing(threshold: float):
    assert Limits.of(threshold) == Limits()
    assert score_for(threshold, 0.45) == 0.45


def test_limits_follow_the_threshold_of_the_detector():
    assert Limits.of(None) == Limits()
    chosen = Limits.of(0.65)
    assert (chosen.likely, chosen.trusted, chosen.unseen) == pytest.approx((0.1, 0.3, 0.02))
    low, high = Limits.of(0.3), Limits.of(0.8)
    for name in ("unseen", "likely", "trusted", "sure"):
        assert getattr(low, name) < getattr(high, name)
    assert high.unseen < high.likely < high.trusted < high.sure == 0.8
    assert score_for(0.8, 0.65) == pytest.approx(0.8)
    found = Detections([FACE], [0.6])
    for limits, wanted in ((low, {"face-unlabelled"}), (high, set())):
        assert codes(SEEN_RULES, Seen.of(labelled(), found, 1.0, Habit(), limits)) == wanted
