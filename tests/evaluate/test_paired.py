from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceir.errors import InputError
from faceir.evaluate import Judged
from faceir.evaluate.matching import look
from faceir.evaluate.paired import Paired, compare
from tests.evaluate.scenes import row, scene


def versus(this: list[str], other: list[str]) -> Paired:
    pictures = ([row(letters) for letters in some] for some in (this, other))
    seen, second = map(look, pictures)
    return compare(seen, second, 0.5, 0.5, "other", 500, 0)


def luck(share: float, pictures: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(["h", "m"], p=[share, 1 - share]) for _ in range(3)) for _ in range(pictures)]


def test_better_and_worse_are_two_sides() -> None:
    good, bad = luck(0.9, 200, 0), luck(0.7, 200, 1)
    one, back = versus(good, bad), versus(bad, good)
    assert (one.verdict, back.verdict) == ("better", "worse")
    by_measure = {d.measure: d for d in one.differences}
    assert set(by_measure) == {"accuracy", "precision", "recall", "ap"}
    recall = by_measure["recall"]
    assert recall.value == pytest.approx((recall.this or 0) - (recall.other or 0))
    assert 0.1 < (recall.low or 0) < (recall.value or 0) < (recall.high or 0) < 0.3
    mirrored = next(d for d in back.differences if d.measure == "recall")
    assert (mirrored.low, mirrored.high) == pytest.approx((-(recall.high or 0), -(recall.low or 0)))
    assert recall.pictures_needed is None
    assert by_measure["precision"].verdict == "cannot tell at this size"  # both make no false alarm


def test_pairing_sees_what_two_separate_intervals_do_not() -> None:
    """Both fail on the same hard pictures; one of them on 8 easy ones more."""
    hard = luck(0.5, 100, 0)
    this, other = ["h" * 3] * 40 + hard, ["m" + "hh"] * 8 + ["h" * 3] * 32 + hard
    assert versus(this, other).verdict == "better"


def test_the_same_detector_cannot_be_told_apart() -> None:
    same = versus(luck(0.8, 50, 0), luck(0.8, 50, 0))
    assert same.verdict == "cannot tell at this size"
    assert [(d.value, d.pictures_needed) for d in same.differences] == [(0, None)] * 4


@pytest.mark.slow
def test_so_many_pictures_settle_it() -> None:
    """At the size that is told, four in five tests see the difference."""
    small = next(d for seed in range(20) if (d := recall_of(0.85, 0.80, 60, seed)).pictures_needed)
    assert small.pictures_needed is not None
    assert small.pictures_needed > 60
    truly = 3 * ((1.96 + 0.84) / 0.05) ** 2 * (0.85 * 0.15 + 0.8 * 0.2) / 9  # of independent faces, 3 a picture
    settled = [recall_of(0.85, 0.80, round(truly), 100 + seed).verdict == "better" for seed in range(15)]
    assert np.mean(settled) >= 0.5
    needed = [d.pictures_needed for seed in range(20) if (d := recall_of(0.85, 0.80, 60, seed)).pictures_needed]
    assert 0.1 < np.median([n for n in needed if n]) / truly < 10  # a guess from 60 pictures, of the right size


def recall_of(this: float, other: float, pictures: int, seed: int):
    paired = versus(luck(this, pictures, seed), luck(other, pictures, 1000 + seed))
    return next(d for d in paired.differences if d.measure == "recall")


def test_one_picture_settles_nothing() -> None:
    one = versus(["hhh"], ["hmm"])
    assert one.verdict == "cannot tell at this size"
    assert (one.differences[0].low, one.differences[0].pictures_needed) == (None, None)


def test_other_pictures_or_labels_are_told() -> None:
    def named(some: list[Judged]) -> list[Judged]:
        return [replace(p, name=f"{n}.jpg") for n, p in enumerate(some)]

    a = named([scene(n) for n in range(5)])
    with pytest.raises(InputError, match=r"--vs: the pictures differ at 3\.jpg"):
        compare(look(a), look([*a[:3], replace(a[3], name="x.jpg"), a[4]]), 0.5, 0.5, "b", 10, 0)
    with pytest.raises(InputError, match="--vs: the true faces differ"):
        compare(look(a), look(named([scene(n + 1) for n in range(5)])), 0.5, 0.5, "b", 10, 0)
