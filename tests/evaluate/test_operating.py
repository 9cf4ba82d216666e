from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.evaluate import Judged, evaluate
from faceir.evaluate.curve import Curve
from faceir.evaluate.matching import look
from faceir.evaluate.operating import RULES, choose, halves, operating_points, restrict
from tests.evaluate.scenes import boxes_at, row, scene


def ranked(letters: str) -> Judged:
    """Found faces in descending score 0.99, 0.98 .., r = right, w = wrong."""
    at = [(n * 50.0, 0.0) for n in range(len(letters))]
    truth = [corner for corner, letter in zip(at, letters, strict=True) if letter == "r"]
    return Judged(Detections(boxes_at(*truth)), Detections(boxes_at(*at), 0.99 - 0.01 * np.arange(len(letters))))


def named(some: list[Judged]) -> list[Judged]:
    return [replace(p, name=f"set/images/{n}.jpg") for n, p in enumerate(some)]


@pytest.mark.parametrize(
    ("letters", "pictures", "rule", "found"),
    [
        ("rrwrw", 1, "best accuracy", 4),
        ("r" * 99 + "w" + "r", 1, "recall at 99 % precision", 101),
        ("r" * 99 + "w" + "r", 1, "recall at 99.8 % precision", 99),
        ("rrwrwwr", 10, "FPPI 0.1", 4),
        ("rrwrwwr", 100, "FPPI 0.1", 7),
        ("rrwrwwr", 10, "FPPI 0.01", 2),
        ("wr", 1, "FPPI 0.1", None),
        ("wr", 1, "recall at 99 % precision", None),
        ("", 1, "best accuracy", None),
    ],
)
def test_the_least_threshold_that_keeps_the_rule(letters: str, pictures: int, rule: str, found: int | None) -> None:
    p = ranked(letters) if len(letters) < 90 else ranked_long(letters)
    threshold = choose(Curve(look([p])), pictures, rule)
    if found is None:
        assert threshold is None
    else:
        assert (p.found.scores >= np.float32(threshold)).sum() == found


def ranked_long(letters: str) -> Judged:
    p = ranked(letters[:1])
    at = [(n * 50.0, 0.0) for n in range(len(letters))]
    truth = [corner for corner, letter in zip(at, letters, strict=True) if letter == "r"]
    found = Detections(boxes_at(*at), 0.99 - 0.001 * np.arange(len(letters)))
    return replace(p, truth=Detections(boxes_at(*truth)), found=found)


def test_halves_depend_on_names_or_groups_alone() -> None:
    pictures = named([scene(n) for n in range(200)])
    second = halves(look(pictures))
    assert 70 < second.sum() < 130
    assert halves(look(pictures[::-1])).tolist() == second[::-1].tolist()
    elsewhere = [replace(p, name=f"/elsewhere/{p.name}") for p in pictures]
    assert halves(look(elsewhere)).tolist() == second.tolist()
    grouped = halves(look([replace(p, group=f"person {n % 5}") for n, p in enumerate(pictures)]))
    assert all(len(set(grouped[n::5])) == 1 for n in range(5))


def test_reported_is_the_other_half() -> None:
    pictures = named([scene(n) for n in range(120)])
    seen = look(pictures)
    second = halves(seen)
    first_half = [p for p, there in zip(pictures, second, strict=True) if not there]
    second_half = [p for p, there in zip(pictures, second, strict=True) if there]
    point = operating_points(seen, rounds=100, seed=0)[0]
    assert point.rule == "best accuracy"
    chosen = evaluate(first_half, rounds=0).threshold
    told = evaluate(second_half, chosen, rounds=0)
    assert point.halves[1].threshold == pytest.approx(chosen)
    assert (point.halves[1].tp, point.halves[1].fp, point.halves[1].fn) == (told.tp, told.fp, told.fn)
    assert point.halves[0].pictures + point.halves[1].pictures == 120
    both = [sum(getattr(half, count) for half in point.halves) for count in ("tp", "fp", "fn")]
    assert point.accuracy.value == pytest.approx(both[0] / sum(both))
    assert point.fppi.value == pytest.approx(both[1] / 120)
    assert (point.accuracy.low or 1) < (point.accuracy.value or 0) < (point.accuracy.high or 0)
    flattered = evaluate(pictures, rounds=0)
    assert point.threshold == pytest.approx(flattered.threshold)
    assert (point.accuracy.value or 0) <= (flattered.accuracy.value or 0)


def test_a_half_is_as_if_alone() -> None:
    pictures = named([scene(n) for n in range(40)])
    seen = look(pictures)
    chosen = np.arange(40) < 15
    alone = Curve(look(pictures[:15]))
    assert Curve(restrict(seen, chosen)).area_and_kpi() == pytest.approx(alone.area_and_kpi(), nan_ok=True)


@pytest.mark.parametrize("pictures", [[], [row("h")], [row("mm")] * 9, [row("ff")] * 9])
def test_what_no_threshold_gives_is_none(pictures: list[Judged]) -> None:
    points = operating_points(look(named(pictures)), rounds=20, seed=0)
    assert [p.rule for p in points] == list(RULES)
    for point in points:
        assert (point.recall.value, point.accuracy.value, point.fppi.value) == (None, None, None)
        assert {half.tp for half in point.halves if half.threshold is None} <= {None}
