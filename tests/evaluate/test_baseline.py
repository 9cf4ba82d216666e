from __future__ import annotations

from dataclasses import replace

import pytest

from faceir.errors import InputError
from faceir.evaluate.assess import assess
from faceir.evaluate.baseline import hold_against
from faceir.evaluate.document import Evaluation, Settings
from tests.evaluate.scenes import row

SETTINGS = Settings("the model's own", rounds=0)


def judged(found: str, dataset: str = "night", **settings: object) -> Evaluation:
    pictures = [row(letters) for letters in found.split()]
    return assess(pictures, 0.5, replace(SETTINGS, **settings), dataset=dataset)


@pytest.mark.parametrize(
    ("now", "max_drop", "holds"),
    [
        ("hhhh hhhh", 0.0, True),
        ("hhhh hhhm", 12.5, True),
        ("hhhh hhhm", 12.4, False),
        ("hhhhf hhhh", 5.0, False),  # a false alarm costs accuracy too
    ],
)
def test_accuracy_may_drop_by_so_many_points(now: str, max_drop: float, holds: bool) -> None:
    gate = hold_against(judged("hhhh hhhh"), judged(now), max_drop)
    assert gate.holds == holds
    assert [c.measure for c in gate.changes] == ["accuracy", "precision", "recall", "ap"]


def test_a_gain_holds() -> None:
    gate = hold_against(judged("hmmm hmmm"), judged("hhhh hhhh"), 0)
    assert gate.holds
    assert gate.changes[0].points == pytest.approx(75)


def test_what_was_made_otherwise_is_named() -> None:
    with pytest.raises(InputError, match=r"scores\.json: was made otherwise: min_height 16\.0 there, 8\.0 here; split"):
        hold_against(judged("hh"), judged("hh", min_height=8.0, split="val"), 1, "scores.json")
    with pytest.raises(InputError, match="threshold_rule \"the model's own\" there, 'given' here; threshold None"):
        hold_against(judged("hh"), judged("hh", threshold_rule="given", threshold=0.4), 1)
    with pytest.raises(InputError, match="name 'night' there, 'day' here"):
        hold_against(judged("hh"), judged("hh", "day"), 1)
    with pytest.raises(InputError, match="pictures 1 there, 2 here; faces 2 there, 4 here; fingerprint"):
        hold_against(judged("hh"), judged("hh hh"), 1)
    assert hold_against(judged("hh"), judged("hh", seed=1, group="set"), 1).holds


def test_accuracy_that_cannot_be_given_is_no_pass() -> None:
    with pytest.raises(InputError, match="accuracy cannot be given"):
        hold_against(judged("-"), judged("-"), 1)
