"""Hand-over of frames from the thread that reads a camera to the one that uses them: the newest win."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from faceir.flow import Frame

__all__ = ["Newest"]


class Newest:
    """A place for a few frames between two threads; iterate it in one, `put` in the other.

    When it is full, the oldest makes room and is counted in `dropped`, or with `wait` the writer waits.
    """

    def __init__(self, places: int = 2) -> None:
        self.dropped = 0
        self._places = places
        self._frames: deque[Frame] = deque()
        self._error: BaseException | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, frame: Frame, wait: bool = False) -> None:
        """Hand one over; nothing happens after `close`."""
        with self._changed:
            while wait and len(self._frames) >= self._places and not self._closed:
                self._changed.wait()
            if self._closed:
                return
            if len(self._frames) >= self._places:
                self._frames.popleft()
                self.dropped += 1
            self._frames.append(frame)
            self._changed.notify_all()

    def close(self, error: BaseException | None = None) -> None:
        """No more will come; those that wait are still handed out, then `error` is raised. The first call counts."""
        with self._changed:
            if not self._closed:
                self._closed, self._error = True, error
                self._changed.notify_all()

    def clear(self) -> None:
        """Forget the frames that wait."""
        with self._changed:
            self._frames.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Frame]:
        while True:
            with self._changed:
                while not self._frames and not self._closed:
                    self._changed.wait()
                if not self._frames:
                    if self._error is not None:
                        raise self._error
                    return
                frame = self._frames.popleft()
                self._changed.notify_all()
            yield frame
