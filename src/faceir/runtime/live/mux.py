"""Many streams into one line: who may go next, who has to wait, and whose frames have grown too old."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

from faceir.flow import Frame

__all__ = ["FILE_DEPTH", "Lane", "Mux"]

FILE_DEPTH = 8
"""Frames of a file that are decoded ahead; enough that its reader need not be woken for each."""


class Lane:
    """Frames of one stream that wait for their turn. All of it is touched under the engine's lock only."""

    def __init__(self, lock: threading.RLock) -> None:
        self.live = False
        """Keeps only its newest frame; otherwise its reader waits until there is room."""
        self.closed = False
        """Takes and gives no more."""
        self.waiting: deque[Frame] = deque()
        self.room = threading.Condition(lock)

    def ready(self) -> bool:
        """Whether its next frame may go; to be refined by those whose way on can be full."""
        return True


L = TypeVar("L", bound=Lane)


class Mux(Generic[L]):
    """Takes the frames of many lanes in turn. `bell` rings when one was put; `lock` is that of the whole engine."""

    def __init__(self, lock: threading.RLock, bell: threading.Condition) -> None:
        self._lock, self._bell = lock, bell
        self._lanes: deque[L] = deque()  # the one whose turn it is stands first

    def add(self, lane: L) -> None:
        """From now on `lane` takes its turn."""
        with self._lock:
            self._lanes.append(lane)

    def close(self, lane: L) -> int:
        """End `lane`: its reader waits no more; gives how many of its frames were still waiting, which are gone."""
        with self._lock:
            lane.closed = True
            left = len(lane.waiting)
            lane.waiting.clear()
            lane.room.notify_all()
            if lane in self._lanes:
                self._lanes.remove(lane)
            return left

    def put(self, lane: L, frame: Frame) -> tuple[bool, int]:
        """Let `frame` wait for its turn: whether the lane still takes any, and how many older ones were dropped for it.

        The caller holds the lock, and for a file waits here, without it, until there is room.
        """
        dropped = 0
        if lane.live:
            dropped = len(lane.waiting)
            lane.waiting.clear()
        else:
            while len(lane.waiting) >= FILE_DEPTH and not lane.closed:
                lane.room.wait()
        if lane.closed:
            return False, dropped
        lane.waiting.append(frame)
        self._bell.notify()
        return True, dropped

    def take(self) -> tuple[L, Frame] | None:
        """The frame whose turn it is; lanes take turns, and one that is empty or not ready misses its own.

        The caller holds the lock.
        """
        for _ in range(len(self._lanes)):
            lane = self._lanes[0]
            self._lanes.rotate(-1)
            if lane.waiting and lane.ready():
                frame = lane.waiting.popleft()
                if len(lane.waiting) <= FILE_DEPTH // 2:
                    lane.room.notify()
                return lane, frame
        return None
