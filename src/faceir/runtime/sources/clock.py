"""Wall time for frames of cameras: steady, and never going back, whatever the clocks around do."""

from __future__ import annotations

import time

__all__ = ["CameraClock", "WallClock"]

_STEP_S = 10.0
"""A jump by more than this is somebody setting a clock, not the network."""


class WallClock:
    """This machine's wall time, but one that never goes back.

    Set forward, it follows at once; set back, it runs slower until the others have caught up.
    """

    _SLOWER = 0.1  # of the time passed

    def __init__(self) -> None:
        self._running_s = time.monotonic()
        self._ahead_s = time.time() - self._running_s

    def now_s(self) -> float:
        """Seconds since 1970."""
        running_s = time.monotonic()
        slowed_s = self._ahead_s - self._SLOWER * (running_s - self._running_s)
        self._ahead_s, self._running_s = max(time.time() - running_s, slowed_s), running_s
        return running_s + self._ahead_s


class CameraClock:
    """Wall time for a camera's frames: spaced by the camera's own clock, held to ours by the quickest arrivals.

    Arrival alone jitters with the network, and the frames that were buffered while the stream was
    opened arrive all at once.
    """

    _LEAK = 0.001  # of the time passed; more than two clocks drift apart, so that the camera's may be the slower one

    def __init__(self) -> None:
        self._offset_s = self._media_s = self._time_s = 0.0
        self._running = False

    def time_s(self, media_s: float | None, now_s: float) -> float:
        """Wall time of the frame that has the camera's time `media_s` and arrived at `now_s`; never goes back.

        None is a frame without a time of its own, or with one that is made up: its arrival counts.
        """
        if media_s is None:
            wall_s = now_s
        else:
            passed_s, offset_s = media_s - self._media_s, now_s - media_s
            # else the camera's clock was set, or ours
            steady = self._running and 0 <= passed_s < _STEP_S and abs(offset_s - self._offset_s) < _STEP_S
            self._offset_s = min(offset_s, self._offset_s + self._LEAK * passed_s) if steady else offset_s
            self._media_s, self._running = media_s, True
            wall_s = media_s + self._offset_s
        self._time_s = max(wall_s, self._time_s)
        return self._time_s
