from __future__ import annotations

import random
import threading
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from faceir.flow import Frame
from faceir.runtime.live.mux import FILE_DEPTH, Lane, Mux
from tests.runtime.live.doubles import picture, wait_until


def a_mux(*lives: bool) -> tuple[threading.RLock, Mux[Lane], list[Lane]]:
    lock = threading.RLock()
    mux: Mux[Lane] = Mux(lock, threading.Condition(lock))
    lanes = [Lane(lock) for _ in lives]
    for lane, live in zip(lanes, lives, strict=True):
        lane.live = live
        mux.add(lane)
    return lock, mux, lanes


def frame(number: int) -> Frame:
    return Frame.of(picture(number), index=number)


def put(lock: threading.RLock, mux: Mux[Lane], lane: Lane, number: int) -> tuple[bool, int]:
    with lock:
        return mux.put(lane, frame(number))


def take(lock: threading.RLock, mux: Mux[Lane]) -> tuple[Lane, int] | None:
    with lock:
        taken = mux.take()
    return taken and (taken[0], taken[1].index)


def test_lanes_take_turns() -> None:
    lock, mux, lanes = a_mux(False, False, False)
    for lane, count in zip(lanes, (5, 1, 2), strict=True):
        for n in range(count):
            put(lock, mux, lane, n)
    order = [(lanes.index(lane), n) for lane, n in iter(lambda: take(lock, mux), None)]
    assert order == [(0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (0, 3), (0, 4)]


def test_a_camera_keeps_its_newest_frame() -> None:
    lock, mux, (lane,) = a_mux(True)
    assert [put(lock, mux, lane, n) for n in range(4)] == [(True, 0), (True, 1), (True, 1), (True, 1)]
    assert take(lock, mux) == (lane, 3)
    assert take(lock, mux) is None
    assert put(lock, mux, lane, 4) == (True, 0)


def test_a_reader_of_a_file_waits_for_room() -> None:
    lock, mux, (lane,) = a_mux(False)
    count = 5 * FILE_DEPTH
    reader = threading.Thread(target=lambda: [put(lock, mux, lane, n) for n in range(count)])
    reader.start()
    wait_until(lambda: len(lane.waiting) == FILE_DEPTH)
    seen = []
    while len(seen) < count:
        assert len(lane.waiting) <= FILE_DEPTH
        if taken := take(lock, mux):
            seen.append(taken[1])
    reader.join()
    assert seen == list(range(count))


def test_closing_frees_a_reader_that_waits() -> None:
    lock, mux, (lane,) = a_mux(False)
    told: list[tuple[bool, int]] = []
    reader = threading.Thread(target=lambda: told.extend(put(lock, mux, lane, n) for n in range(FILE_DEPTH + 1)))
    reader.start()
    wait_until(lambda: len(lane.waiting) == FILE_DEPTH)
    assert mux.close(lane) == FILE_DEPTH
    reader.join(2)
    assert told == [(True, 0)] * FILE_DEPTH + [(False, 0)]
    assert take(lock, mux) is None
    assert mux.close(lane) == 0


def test_a_lane_that_is_not_ready_misses_its_turn() -> None:
    lock, mux, (first, second) = a_mux(False, False)
    for n in range(2):
        put(lock, mux, first, n)
        put(lock, mux, second, n)
    first.ready = lambda: False  # type: ignore[method-assign]
    assert [take(lock, mux) for _ in range(3)] == [(second, 0), (second, 1), None]
    first.ready = lambda: True  # type: ignore[method-assign]
    assert take(lock, mux) == (first, 0)


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(0, 2**16))
def test_all_that_comes_is_taken_in_order_or_told_as_dropped(arrivals: list[int], seed: int) -> None:
    chance = random.Random(seed)
    lock, mux, lanes = a_mux(True, True, True, True)
    came, dropped = Counter[int](), Counter[int]()
    out: dict[int, list[int]] = {n: [] for n in range(4)}

    def take_one() -> bool:
        if taken := take(lock, mux):
            out[lanes.index(taken[0])].append(taken[1])
        return bool(taken)

    for which in arrivals:
        _, lost = put(lock, mux, lanes[which], came[which])
        came[which] += 1
        dropped[which] += lost
        if chance.random() < 0.4:
            take_one()
    while take_one():
        pass
    for n in range(4):
        assert out[n] == sorted(set(out[n]))
        assert len(out[n]) + dropped[n] == came[n]
        assert not came[n] or out[n][-1] == came[n] - 1
