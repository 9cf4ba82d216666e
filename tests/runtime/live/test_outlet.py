from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from faceir.flow import Frame, Sink
from faceir.runtime.live import outlet as outlets
from faceir.runtime.live.outlet import BACKLOG, Outlet
from faceir.testing import ListSink
from tests.runtime.live.doubles import Failing, Gated, picture, wait_until

WAY = 4


def frame(number: int) -> Frame:
    return Frame.of(picture(number), index=number)


def an_outlet(sink: Sink, patience_s: float = 10.0) -> tuple[Outlet, list[int]]:
    """One that runs, and a list that grows whenever it says that there is room again."""
    rung: list[int] = []
    outlet = Outlet(sink, threading.RLock(), lambda: rung.append(1), WAY, patience_s)
    outlet.start()
    return outlet, rung


def close(outlet: Outlet, within_s: float = 2.0) -> None:
    outlet.close(time.monotonic() + within_s)
    outlet.join()


def give(outlet: Outlet, numbers: range, live: bool) -> None:
    for n in numbers:
        with outlet._lock:
            outlet.give(frame(n), live)


def indices(sink: ListSink) -> list[int]:
    return [frame.index for frame in sink.frames]


def test_what_waits_is_written_before_the_sink_is_left() -> None:
    sink = Gated()
    outlet, _ = an_outlet(sink)
    give(outlet, range(BACKLOG), live=True)
    outlet.close(time.monotonic() + 2)
    sink.gate.set()
    outlet.join()
    assert indices(sink) == list(range(BACKLOG))
    assert sink.closed
    assert (outlet.dropped, outlet.error()) == (0, "")
    give(outlet, range(3), live=True)
    assert outlet.dropped == 3


def test_the_oldest_live_frames_make_room() -> None:
    sink = Gated()
    outlet, _ = an_outlet(sink)
    give(outlet, range(1), live=True)
    assert sink.inside.wait(2)
    give(outlet, range(1, 101), live=True)
    assert outlet.dropped == 100 - BACKLOG - WAY
    sink.gate.set()
    close(outlet)
    assert indices(sink) == [0, *range(101 - BACKLOG - WAY, 101)]


def test_a_file_shares_a_sink_with_a_camera_and_loses_nothing() -> None:
    sink = Gated()
    outlet, rung = an_outlet(sink)
    give(outlet, range(1), live=False)
    assert sink.inside.wait(2)
    number = 1
    while outlet.has_room():
        give(outlet, range(number, number + 1), live=False)
        give(outlet, range(1000, 1010), live=True)
        number += 1
    give(outlet, range(number, number + WAY), live=False)  # those that were on their way
    assert not rung
    sink.gate.set()
    close(outlet)
    assert [n for n in indices(sink) if n < 1000] == list(range(number + WAY))
    assert rung


def test_files_are_let_in_again_after_patience_and_the_sink_is_told_of() -> None:
    sink = Gated()
    outlet, _ = an_outlet(sink, patience_s=0.05)
    give(outlet, range(1), live=False)
    assert sink.inside.wait(2)
    give(outlet, range(1, BACKLOG + 2), live=False)
    assert not outlet.has_room()
    wait_until(outlet.has_room)
    give(outlet, range(100), live=False)
    assert "has not moved" in outlet.error()
    sink.gate.set()
    wait_until(lambda: outlet.error() == "")
    close(outlet)
    assert len(sink.frames) + outlet.dropped == BACKLOG + 102


@pytest.mark.parametrize("reopens", [False, True])
def test_a_sink_that_failed_is_entered_again_if_it_says_so(reopens: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets, "FIRST_RETRY_S", 0.02)
    sink = Failing(at=[2], reopens=reopens)
    outlet, _ = an_outlet(sink)
    give(outlet, range(5), live=True)
    wait_until(lambda: outlet.error() == "Failing: no space left")
    assert outlet.has_room(), "a file must not wait for it"
    if reopens:
        wait_until(lambda: sink.entered == 2)
        wait_until(lambda: not outlet._down)
    give(outlet, range(5, 8), live=True)
    close(outlet)
    assert indices(sink) == ([0, 1, 5, 6, 7] if reopens else [0, 1])
    assert sink.told == ([OSError, None] if reopens else [OSError])
    assert outlet.dropped == (3 if reopens else 6)
    assert (outlet.error() == "") == reopens


def test_the_time_between_tries_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets, "FIRST_RETRY_S", 0.02)
    monkeypatch.setattr(outlets, "MOST_RETRY_S", 0.08)

    class Away(ListSink):
        reopens = True

        def __enter__(self) -> Away:
            tried_s.append(time.monotonic())
            raise ConnectionError("refused")

    tried_s: list[float] = []
    outlet, _ = an_outlet(Away())
    wait_until(lambda: len(tried_s) == 5)
    close(outlet)
    between = [b - a for a, b in pairwise(tried_s)]
    assert all(gap >= least for gap, least in zip(between, (0.02, 0.04, 0.08, 0.08), strict=True))
    assert outlet.error() == "Away: refused"
    assert outlet.dropped == 0


def test_a_sink_that_hangs_is_left_behind() -> None:
    sink = Gated()
    outlet, _ = an_outlet(sink)
    give(outlet, range(3), live=False)
    assert sink.inside.wait(2)
    start_s = time.monotonic()
    close(outlet, within_s=0.1)
    assert time.monotonic() - start_s < 1
    assert "could not be left in time" in outlet.error()
    sink.gate.set()
    wait_until(lambda: sink.closed)
    assert len(sink.frames) + outlet.dropped == 3


def test_an_error_in_leaving_is_told() -> None:
    class Unfinished(ListSink):
        def __exit__(self, *_: object) -> None:
            raise OSError("disk full")

    outlet, _ = an_outlet(Unfinished())
    close(outlet)
    assert outlet.error() == "Unfinished: disk full"
