"""A sink in a thread of its own behind a bounded queue: one that blocks or fails stops nobody."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from faceir.flow import Frame, Sink
from faceir.runtime.sources.public import PublicTrace

__all__ = ["Outlet"]

_log = logging.getLogger(__name__)

_HANGING_LEAVE_S = 1.0
"""How long leaving waits for a sink that hangs already."""
BACKLOG = 8
"""Frames that may wait for a sink, besides those that are on their way when it becomes full."""
FIRST_RETRY_S, MOST_RETRY_S = 1.0, 60.0
"""A sink that failed and has `reopens = True` is entered again after this time, doubled up to the most."""


class Outlet:
    """Gives frames to `sink`, which it enters and leaves itself. `lock` is that of the whole engine.

    A live frame that finds the queue full pushes out the oldest live one. A file looks at `has_room` first, for
    `on_the_way` frames that may be under way to it, and waits; `on_room` is called when it need not any more. A sink
    that has not returned for `patience_s` hangs: what waits for it and what comes is dropped until it returns.
    """

    def __init__(
        self, sink: Sink, lock: threading.RLock, on_room: Callable[[], None], on_the_way: int, patience_s: float
    ) -> None:
        self.sink, self.users = sink, 0
        self.dropped = 0
        """Frames that the sink did not get."""
        self._queue: deque[tuple[Frame, bool]] = deque()  # with whether it is live
        self._lock, self._wake = lock, threading.Condition(lock)
        self._on_room, self._on_the_way, self._patience_s = on_room, on_the_way, patience_s
        self._error = ""  # told until a frame is written again
        self._down = False  # takes nothing
        self._busy_since_s = 0.0  # 0 = it waits for frames
        self._refused = False
        self._leave_by_s: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"faceir {type(sink).__name__}", daemon=True)

    def start(self) -> None:
        """Enter the sink and begin."""
        self._thread.start()

    @property
    def _blocked_s(self) -> float:
        return time.monotonic() - self._busy_since_s if self._busy_since_s else 0.0

    def has_room(self) -> bool:
        """Whether a file's next frame may be sent on its way. The caller holds the lock."""
        room = len(self._queue) <= BACKLOG or self._down or self.hangs_s() > 0
        self._refused = self._refused or not room
        return room

    def waiting(self) -> int:
        """Frames that wait for the sink. The caller holds the lock."""
        return len(self._queue)

    def hangs_s(self) -> float:
        """How long the sink has not returned, 0 = it does not hang; else it is cut off. The caller holds the lock."""
        blocked_s = self._blocked_s
        if blocked_s <= self._patience_s:
            return 0.0
        self.dropped += len(self._queue)
        self._queue.clear()
        return blocked_s

    def give(self, frame: Frame, live: bool) -> None:
        """Let the sink have `frame` when its turn comes, never waiting. The caller holds the lock."""
        if self._down or self._closing() or self.hangs_s():
            self.dropped += 1
            return
        if len(self._queue) >= BACKLOG + self._on_the_way:
            self.dropped += 1
            oldest = next((n for n, (_, was_live) in enumerate(self._queue) if was_live), None)
            if oldest is None:
                return
            del self._queue[oldest]
        self._queue.append((frame, live))
        self._wake.notify()

    def error(self) -> str:
        """One line when it failed or hangs, else nothing. The caller holds the lock."""
        name = type(self.sink).__name__
        if self._error:
            return f"{name}: {self._error}"
        if hangs_s := self.hangs_s():
            return f"{name}: has not moved for {hangs_s:.0f} s; {self.dropped} frames left out"
        return ""

    def close(self, leave_by_s: float) -> None:
        """Have the sink take what waits, and leave it, until `leave_by_s` on the monotonic clock; see `join`."""
        with self._lock:
            self._leave_by_s = min(leave_by_s, time.monotonic() + _HANGING_LEAVE_S) if self.hangs_s() else leave_by_s
            self._wake.notify()

    def join(self) -> None:
        """Wait until the sink is left or the time of `close` is over."""
        if not self._thread.is_alive() or self._thread is threading.current_thread():
            return
        assert self._leave_by_s is not None, "close it first"
        self._thread.join(max(self._leave_by_s - time.monotonic(), 0))
        if self._thread.is_alive():
            with self._lock:
                self._error = self._error or "could not be left in time; what it wrote may not be whole"

    def _run(self) -> None:
        retry_s = FIRST_RETRY_S
        while True:
            taken = written = 0
            try:
                self._busy_since_s = time.monotonic()
                with self.sink:
                    for frame in iter(self._next, None):
                        taken += 1
                        self.sink.write(frame)
                        written += 1
                        if self._error:
                            self._error = ""
                return
            except Exception as error:
                _log.debug("a sink failed: %s", PublicTrace(error))
                self._go_down(str(error) or type(error).__name__, taken - written)
            retry_s = FIRST_RETRY_S if written else retry_s
            with self._lock:
                if not getattr(self.sink, "reopens", False) or self._wake.wait_for(self._closing, retry_s):
                    return
                self._down = False
            retry_s = min(2 * retry_s, MOST_RETRY_S)

    def _closing(self) -> bool:
        return self._leave_by_s is not None

    def _go_down(self, error: str, in_hand: int) -> None:
        with self._lock:
            self._error, self._down, self._busy_since_s = error, True, 0.0
            self.dropped += in_hand + len(self._queue)
            self._queue.clear()
            self._on_room()

    def _next(self) -> Frame | None:
        """The frame whose turn it is, waited for; None when it is time to leave."""
        with self._lock:
            self._busy_since_s = 0.0
            while not self._queue and not self._closing():
                self._wake.wait()
            if self._leave_by_s is not None and time.monotonic() > self._leave_by_s:
                self.dropped += len(self._queue)
                self._queue.clear()
            if not self._queue:
                self._busy_since_s = time.monotonic()  # leaving may hang as well
                return None
            frame, _ = self._queue.popleft()
            self._busy_since_s = time.monotonic()
            if self._refused and len(self._queue) <= BACKLOG // 2:
                self._refused = False
                self._on_room()
        return frame
