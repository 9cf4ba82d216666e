from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import FAILED, UNSEEN, Frame
from faceir.runtime.count import Crossings, Line, LineCounter, Zone, ZoneCounter

PICTURE = np.zeros((100, 200), np.uint8)
DOWN = Line("door", (0.5, 0.2), (0.5, 0.8))  # pixels: x 100, y 20..80; drawn from the top down
BAY = Zone("bay", ((0.25, 0.2), (0.75, 0.2), (0.75, 0.8), (0.25, 0.8)))  # x 50..150, y 20..80


def frame(
    time_s: float, at: Sequence[tuple[float, float]] = (), ids: Sequence[int] | None = None, *events: str
) -> Frame:
    """Faces of 10 x 10 pixels, so that the band is 1 pixel, at these centres."""
    xyxy = np.array([[x - 5, y - 5, x + 5, y + 5] for x, y in at], np.float32).reshape(-1, 4)
    numbers = range(1, len(at) + 1) if ids is None else ids
    return Frame.of(
        PICTURE, detections=Detections(xyxy, track_ids=np.array(numbers, np.int64)), time_s=time_s, events=events
    )


def walk(stage: Callable[[Frame], Frame], at: Sequence[tuple[float, float]], number: int = 1) -> list[str]:
    """Events of one face that is at these places, a second apart."""
    return [event for n, xy in enumerate(at) for event in stage(frame(n, [xy], [number])).events]


def test_both_ways_over_a_line() -> None:
    counter = LineCounter([DOWN])
    assert walk(counter, [(120, 50), (110, 50), (90, 50)], 1) == ["crossed door in #1"]
    assert walk(counter, [(80, 50), (130, 50)], 2) == ["crossed door out #2"]
    assert walk(counter, [(80, 50), (130, 50), (60, 50)], 7) == ["crossed door out #7", "crossed door in #7"]
    assert counter.totals == {"door": Crossings(2, 2)}


def test_around_the_end_is_no_crossing() -> None:
    counter = LineCounter([DOWN])
    assert walk(counter, [(120, 50), (120, 10), (80, 10), (80, 50)]) == []
    assert walk(counter, [(80, 50), (120, 50)]) == ["crossed door out #1"]  # it knows that sides have changed


@given(st.lists(st.floats(99.05, 100.95), min_size=1, max_size=30), st.booleans())
def test_trembling_on_the_line_counts_once_at_most(xs: list[float], through: bool) -> None:
    counter = LineCounter([DOWN])
    walk(counter, [(120, 50), *((x, 50) for x in xs), (80 if through else 120, 50)])
    assert counter.totals["door"] == Crossings(int(through), 0)


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(0, 100)), max_size=30))
def test_a_line_turned_round_swaps_in_and_out(at: list[tuple[float, float]]) -> None:
    one, other = LineCounter([DOWN]), LineCounter([Line("door", DOWN.end_xy, DOWN.start_xy)])
    walk(one, at)
    walk(other, at)
    assert one.totals["door"] == Crossings(*other.totals["door"][::-1])
    pixels = LineCounter([Line("door", (100, 20), (100, 80))], "pixel")
    walk(pixels, at)
    assert pixels.totals == one.totals


def test_missing_frames_and_forgetting() -> None:
    counter = LineCounter([DOWN], forget_s=2)
    counter(frame(0, [(120, 50)]))
    counter(frame(1))
    assert counter(frame(2, [(80, 50)])).events == ("crossed door in #1",)
    for n in range(3, 7):
        counter(frame(n))
    assert counter(frame(7, [(120, 50)])).events == ()  # forgotten
    assert len(counter._clear) == 1
    for n in range(8, 12):
        counter(frame(n))
    assert len(counter._clear) == len(counter._present._unseen_s) == 0


def test_untracked_faces_do_not_count() -> None:
    for counter in (LineCounter([DOWN]), ZoneCounter([BAY])):
        assert walk(counter, [(120, 50), (80, 50)], -1) == []


def test_a_stay_in_a_zone() -> None:
    counter = ZoneCounter([BAY])
    assert walk(counter, [(20, 50), (60, 50), (100, 50), (120, 50), (180, 50), (190, 50)]) == [
        "entered bay #1",
        "left bay #1 after 3.0 s",
    ]
    assert counter.totals["bay"] == (1, 1, (), 3.0)


def test_who_appears_or_vanishes_inside() -> None:
    counter = ZoneCounter([BAY], forget_s=2)
    assert counter(frame(0, [(100, 50), (20, 50)])).events == ("entered bay #1",)
    counter(frame(1, [(100, 50), (20, 50)]))
    assert counter.dwell_s("bay") == {1: 1.0}
    assert [counter(frame(n, [(20, 50)], [2])).events for n in (2, 3, 4)] == [(), (), ("left bay #1 after 1.0 s",)]
    assert counter.totals["bay"] == (1, 1, (), 1.0)


def test_a_face_that_was_missed_has_been_inside() -> None:
    counter = ZoneCounter([BAY], forget_s=2)
    counter(frame(0, [(100, 50)]))
    counter(frame(1))
    assert counter(frame(2, [(100, 50)])).events == ()
    assert counter.dwell_s("bay") == {1: 2.0}


@pytest.mark.parametrize("event", [UNSEEN, FAILED])
def test_frames_that_were_not_looked_at_do_not_end_a_stay(event: str) -> None:
    counter = ZoneCounter([BAY], forget_s=2)
    counter(frame(0, [(100, 50)]))
    assert [e for n in range(1, 9) for e in counter(frame(n, (), None, event)).events if e != event] == []
    counter(frame(9, [(100, 50)]))
    assert counter.totals["bay"] == (1, 0, (1,), 9.0)


@given(st.lists(st.lists(st.tuples(st.floats(0, 200), st.floats(0, 100)), max_size=4), max_size=30))
def test_entries_less_exits_are_inside(films: list[list[tuple[float, float]]]) -> None:
    counter = ZoneCounter([BAY, Zone("corner", ((0, 0), (0.5, 0), (0, 0.5)))], forget_s=1)
    events: list[str] = []
    for n, at in enumerate(films):
        events += counter(frame(n, at)).events
        for name, stays in counter.totals.items():
            assert stays.entries - stays.exits == len(stays.inside)
            assert stays.entries == sum(e.startswith(f"entered {name} ") for e in events)
            assert stays.exits == sum(e.startswith(f"left {name} ") for e in events)
            assert 0 <= stays.dwell_s <= 4 * len(films)


@given(st.lists(st.floats(49.05, 50.95), min_size=1, max_size=30))
def test_trembling_at_the_border_counts_once(xs: list[float]) -> None:
    counter = ZoneCounter([BAY])
    walk(counter, [(20, 50), *((x, 50) for x in xs), (100, 50), *((x, 50) for x in xs)])
    assert counter.totals["bay"][:2] == (1, 0)


def test_empty_frames_and_a_clock_that_runs_back() -> None:
    counter = ZoneCounter([BAY])
    assert counter(frame(5)).events == ()
    counter(frame(6, [(100, 50)]))
    counter(frame(1, [(100, 50)]))
    counter(frame(2, [(100, 50)]))
    assert counter.dwell_s("bay") == {1: 1.0}


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: LineCounter([Line("a", (0, 0), (100, 0))]), "pixels are unit"),
        (lambda: LineCounter([Line("a", (0, 0), (0, 0))]), "two different points"),
        (lambda: LineCounter([Line("a", (0, 0), (1, 0)), Line("a", (0, 0), (0, 1))]), "all different"),
        (lambda: LineCounter([Line("a", (0, 0), (float("nan"), 0))], "pixel"), "finite"),
        (lambda: LineCounter([DOWN], "metre"), "share or pixel"),  # type: ignore[arg-type]
        (lambda: ZoneCounter([Zone("z", ((0, 0), (1, 1)))]), "three corners"),
        (lambda: ZoneCounter([Zone("z", ((0, 0), (0.5, 0.5), (1, 1)))]), "three corners"),
        (lambda: ZoneCounter([Zone("", BAY.corners_xy)]), "a name for each"),
        (lambda: ZoneCounter([BAY], band=-1), "band"),
        (lambda: ZoneCounter([BAY], forget_s=-1), "forget_s"),
    ],
)
def test_what_is_no_line_or_zone_is_named(make: Callable[[], object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        make()
