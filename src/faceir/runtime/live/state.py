"""What an engine tells of each of its streams: one frozen snapshot, for tables, metrics, pages and tests."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

__all__ = ["Condition", "Hang", "Ledger", "Passage", "StreamState", "Window"]

Condition = Literal["connecting", "playing", "reconnecting", "ended", "failed", "removed"]
"""`reconnecting`: it was lost and is tried again; `ended`: a file at its end; `failed`: given up, see `last_error`."""

WINDOW_S = 5.0
"""Rates and latencies are of this many last seconds."""
WINDOW_FRAMES = 1024
"""And of this many frames at most, so that a fast stream takes no more memory than a slow one."""


@dataclass(frozen=True)
class Hang:
    """A part of a pipeline that was given a frame and has not returned."""

    part: str
    """Such as "detector", "stage Tracker", "dark gate", "sink Hls"."""
    for_s: float


@dataclass(frozen=True)
class Passage:
    """What one frame took from its arrival to the detector's answer, or to when it was clear that there is none."""

    waited_ms: float
    """Until the detector began with it, or it was settled without."""
    detector_ms: float
    """0 where it was not asked."""
    together: int
    """Frames that the detector was at work on when it began with this one, itself among them; 0 = it did not."""


@dataclass(frozen=True)
class StreamState:
    """One stream at one moment. Counters run since it was added; rates and latencies are of the last seconds.

    Every frame has its place: `frames_in` = `frames_out` + `dropped` + `filtered` + `lost` + those on their way.
    Its texts are as by `public_text` from birth, so that nothing that shows a state need think of passwords.
    """

    name: str
    condition: Condition
    since_s: float
    """How long it has been in this condition, seconds."""
    shows: str = ""
    """What is played, in the words of its source, such as "1280x720 h264 yuv420p"."""
    frames_in: int = 0
    """Decoded."""
    frames_out: int = 0
    """Given to the sinks."""
    dropped: int = 0
    """Decoded, but too old when their turn came, or still waiting when the stream was ended."""
    filtered: int = 0
    """Held back by a stage, which raised `Drop`."""
    lost: int = 0
    """Held back because a stage failed: what was not processed is shown to nobody."""
    unseen: int = 0
    """Given out without asking the detector: between two that are looked at, or dark."""
    dark: int = 0
    """Held from the detector by the gate for dark frames."""
    failed: int = 0
    """Given out without faces because the detector failed or took too long."""
    faces: int = 0
    """On all frames together."""
    sink_dropped: int = 0
    """Frames that its sinks were too slow or too broken to take, of all its sinks together."""
    reconnects: int = 0
    """Times that it was lost."""
    fps_in: float = 0.0
    fps_out: float = 0.0
    latency_p50_ms: float = 0.0
    """From the decoded picture to the sinks' queues."""
    latency_p99_ms: float = 0.0
    age_s: float = 0.0
    """Since the last frame arrived, seconds; 0 before the first."""
    last_error: str = ""
    sink_errors: tuple[str, ...] = ()
    """One line for each sink that failed and is left out or tried again."""
    hanging: tuple[Hang, ...] = ()
    """What of it does not return now, as the watchdog sees it."""
    passage: Passage | None = None
    """Of the last frame that was given to the sinks."""
    queues: tuple[tuple[str, int], ...] = ()
    """Each sink, and how many frames wait for it, those of other streams too."""

    def __post_init__(self) -> None:
        from faceir.runtime.sources.public import public_text  # not above: sources import `Condition`

        for field in ("name", "shows", "last_error"):
            object.__setattr__(self, field, public_text(getattr(self, field)))
        object.__setattr__(self, "sink_errors", tuple(map(public_text, self.sink_errors)))


class Window:
    """The last events with a value each: how often they come, and how the values spread. Its size is bounded."""

    def __init__(self) -> None:
        self._events: deque[tuple[float, float]] = deque(maxlen=WINDOW_FRAMES)

    def add(self, now_s: float, value: float = 0.0) -> None:
        """One more event."""
        self._events.append((now_s, value))

    def _recent(self, now_s: float) -> list[tuple[float, float]]:
        return [event for event in self._events if event[0] >= now_s - WINDOW_S]

    def rate(self, now_s: float) -> float:
        """Events per second; sinks to 0 when they stop coming."""
        recent = self._recent(now_s)
        return (len(recent) - 1) / max(now_s - recent[0][0], 1e-6) if len(recent) > 1 else 0.0

    def quantiles(self, now_s: float, *shares: float) -> list[float]:
        """The least value that is not below `share` (0..1) of all, for each; 0 when there are none."""
        values = sorted(value for _, value in self._recent(now_s))
        return [values[max(math.ceil(share * len(values)) - 1, 0)] if values else 0.0 for share in shares]


class Ledger:
    """The running account of one stream, from which a `StreamState` is drawn; used under the engine's lock."""

    def __init__(self) -> None:
        self.condition: Condition = "connecting"
        self.frames_in = self.frames_out = self.dropped = self.filtered = self.lost = 0
        self.unseen = self.dark = self.failed = self.faces = self.reconnects = 0
        self.last_error = self.shows = ""
        self._since_s = time.monotonic()
        self._arrived_s = 0.0
        self._in, self._out = Window(), Window()

    def become(self, condition: Condition, reason: str = "") -> None:
        """Be in `condition` from now on; `reason` says why, or for `playing` what is played, or nothing new."""
        if reason and condition == "playing":
            self.shows = reason
        elif reason:
            self.last_error = reason
        if condition == self.condition:
            return
        self.reconnects += condition == "reconnecting"
        self.condition, self._since_s = condition, time.monotonic()

    def arrived(self) -> None:
        """A frame was decoded."""
        self._arrived_s = time.monotonic()
        self.frames_in += 1
        self._in.add(self._arrived_s)
        if self.condition == "connecting":  # a source that was lost says itself when it is back
            self.become("playing")

    def left(self, arrived_s: float, faces: int) -> None:
        """A frame that arrived at `arrived_s` was given to the sinks."""
        now_s = time.monotonic()
        self.frames_out += 1
        self.faces += faces
        self._out.add(now_s, now_s - arrived_s)

    def state(self, name: str, sink_dropped: int, sink_errors: tuple[str, ...]) -> StreamState:
        """The account as it stands."""
        now_s = time.monotonic()
        p50_s, p99_s = self._out.quantiles(now_s, 0.5, 0.99)
        return StreamState(
            name=name,
            condition=self.condition,
            since_s=now_s - self._since_s,
            shows=self.shows,
            frames_in=self.frames_in,
            frames_out=self.frames_out,
            dropped=self.dropped,
            filtered=self.filtered,
            lost=self.lost,
            unseen=self.unseen,
            dark=self.dark,
            failed=self.failed,
            faces=self.faces,
            sink_dropped=sink_dropped,
            reconnects=self.reconnects,
            fps_in=self._in.rate(now_s),
            fps_out=self._out.rate(now_s),
            latency_p50_ms=p50_s * 1e3,
            latency_p99_ms=p99_s * 1e3,
            age_s=now_s - self._arrived_s if self._arrived_s else 0.0,
            last_error=self.last_error,
            sink_errors=sink_errors,
        )
