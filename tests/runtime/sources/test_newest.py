from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from faceir.flow import Frame
from faceir.runtime.sources.newest import Newest


def frame(index: int) -> Frame:
    def never() -> None:
        raise AssertionError("nobody looks")

    return Frame(never, never, index=index)  # type: ignore[arg-type]


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("places", [1, 2, 5])
def test_the_newest_win_in_order(places: int) -> None:
    newest = Newest(places)
    for n in range(20):
        newest.put(frame(n))
    newest.close()
    assert [f.index for f in newest] == list(range(20 - places, 20))
    assert newest.dropped == 20 - places


def test_a_writer_that_waits_loses_nothing() -> None:
    newest = Newest()

    def write() -> None:
        for n in range(200):
            newest.put(frame(n), wait=True)
        newest.close()

    thread = in_thread(write)
    assert [f.index for f in newest] == list(range(200))
    thread.join(1)
    assert newest.dropped == 0


def test_the_error_comes_after_the_frames() -> None:
    newest = Newest()
    newest.put(frame(0))
    newest.close(KeyError("first"))
    newest.close(KeyError("second"))
    newest.put(frame(1))
    frames = iter(newest)
    assert next(frames).index == 0
    with pytest.raises(KeyError, match="first"):
        next(frames)


def test_closing_wakes_both_sides() -> None:
    full, empty = Newest(1), Newest(1)
    full.put(frame(0))
    waiting = [in_thread(lambda: full.put(frame(1), wait=True)), in_thread(lambda: list(empty) and None)]
    time.sleep(0.05)
    assert all(thread.is_alive() for thread in waiting)
    full.close()
    empty.close()
    for thread in waiting:
        thread.join(1)
        assert not thread.is_alive()
