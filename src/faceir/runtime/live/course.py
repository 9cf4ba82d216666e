"""One stream of many: what its user wants of it, and how far it has come."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from faceir.flow import Frame, Image, Sink, Source, Stage
from faceir.runtime.live.mux import Lane
from faceir.runtime.live.outlet import Outlet
from faceir.runtime.live.state import Condition, Hang, Ledger, Passage, StreamState
from faceir.runtime.sources.public import public_text

__all__ = ["Course", "Stream"]


@dataclass(frozen=True)
class Stream:
    """What becomes of one source.

    `open` is called in the stream's own thread; a source with `live` true drops frames that are too old, any other is
    read as fast as the rest can follow. One that may be lost and come back tells of it by `Engine.report`; one that
    has `stop` is told by it when it is wanted no more; one that has `dropped` counts there what it dropped itself.

    `stages` run in order and serve this stream alone; `sinks` may be shared with others. After each frame that is
    looked at, `interval` frames are not. `dark` says of the luminance whether it is of no use to the detector.

    `name` is seen by everybody, so that an address in it is kept as by `public_text`; the engine knows it by both.
    """

    name: str
    open: Callable[[], Source]
    stages: Sequence[Stage] = ()
    sinks: Sequence[Sink] = ()
    interval: int = 0
    dark: Callable[[Image], bool] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", public_text(self.name))


class Course(Lane):
    """A stream under way."""

    def __init__(self, stream: Stream, outlets: list[Outlet], lock: threading.RLock) -> None:
        super().__init__(lock)
        self.stream, self.outlets, self.ledger = stream, outlets, Ledger()
        self.passed = stream.interval
        """Frames since the last that was looked at; the first one is."""
        self.on_the_way = 0
        """Its tickets in the line."""
        self.steps = [(f"stage {getattr(s, '__name__', type(s).__name__)}", s) for s in stream.stages]
        """Its stages with their names."""
        self.within: tuple[str, float] | None = None
        """The step that a frame is in, and since when."""
        self.aside = False
        """A step held up the others and has this stream for itself, in a thread that leads nothing else."""
        self.parked: deque[tuple[Frame, Passage]] = deque()
        """Frames that wait for that step; no more than were on their way."""
        self.last: Frame | None = None
        self.passage: Passage | None = None
        """That of the last."""
        self.source: Source | None = None
        self.reader: threading.Thread | None = None
        self.read = False
        """Its source is at its end."""

    def ready(self) -> bool:
        """Live frames never wait for sinks; all wait for a step that hangs."""
        return not self.aside and (self.live or all(outlet.has_room() for outlet in self.outlets))

    def over(self) -> bool:
        """Nothing of it is on its way any more, and nothing will come."""
        return self.read and not self.waiting and not self.on_the_way

    def within_s(self) -> float:
        """How long the step that a frame is in has not returned; 0 when in none."""
        within = self.within
        return time.monotonic() - within[1] if within else 0.0

    def hanging(self, detector_s: float) -> tuple[Hang, ...]:
        """What of it hangs; `detector_s`: how long the detector does, or 0. The caller holds the lock."""
        within = self.within
        found = [Hang(within[0], time.monotonic() - within[1])] if self.aside and within else []
        found += [Hang("detector", detector_s)] if detector_s else []
        for outlet in self.outlets:
            if hangs_s := outlet.hangs_s():
                found.append(Hang(f"sink {type(outlet.sink).__name__}", hangs_s))
        return tuple(found)

    def report(self, condition: Condition, reason: str = "") -> None:
        """Be in `condition`, unless it was removed. The caller holds the lock."""
        if self.ledger.condition != "removed":
            self.ledger.become(condition, reason)

    def hang_up(self) -> None:
        """Tell the source that it is wanted no more, so that its reader need not wait for a camera that is silent."""
        stop = getattr(self.source, "stop", None)
        if stop is not None:
            stop()

    def state(self, detector_s: float = 0.0) -> StreamState:
        """How it stands; `detector_s`: how long the detector has hung, or 0. The caller holds the lock."""
        dropped = sum(outlet.dropped for outlet in self.outlets)
        errors = tuple(line for outlet in self.outlets if (line := outlet.error()))
        state = self.ledger.state(self.stream.name, dropped, errors)
        missed = getattr(self.source, "dropped", 0)
        hanging = self.hanging(detector_s)
        return replace(
            state,
            frames_in=state.frames_in + missed,
            dropped=state.dropped + missed,
            hanging=hanging,
            passage=self.passage,
            queues=tuple((type(outlet.sink).__name__, outlet.waiting()) for outlet in self.outlets),
        )
