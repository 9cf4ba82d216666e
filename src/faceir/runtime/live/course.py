"""One stream of many: what its user wants of it, and how far it has come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from faceir.flow import Frame, Image, Sink, Source, Stage
from faceir.runtime.live.mux import Lane
from faceir.runtime.live.outlet import Outlet
from faceir.runtime.live.state import Condition, Ledger, StreamState

__all__ = ["Course", "Stream"]


@dataclass(frozen=True)
class Stream:
    """What becomes of one source.

    `open` is called in the stream's own thread; a source with `live` true drops frames that are too old, any other is
    read as fast as the rest can follow. One that may be lost and come back tells of it by `Engine.report`; one that
    has `stop` is told by it when it is wanted no more; one that has `dropped` counts there what it dropped itself.

    `stages` run in order and serve this stream alone; `sinks` may be shared with others. After each frame that is
    looked at, `interval` frames are not. `dark` says of the luminance whether it is of no use to the detector.
    """

    name: str
    open: Callable[[], Source]
    stages: Sequence[Stage] = ()
    sinks: Sequence[Sink] = ()
    interval: int = 0
    dark: Callable[[Image], bool] | None = None


class Course(Lane):
    """A stream under way."""

    def __init__(self, stream: Stream, outlets: list[Outlet], lock: threading.RLock) -> None:
        super().__init__(lock)
        self.stream, self.outlets, self.ledger = stream, outlets, Ledger()
        self.passed = stream.interval
        """Frames since the last that was looked at; the first one is."""
        self.on_the_way = 0
        """Its tickets in the line."""
        self.last: Frame | None = None
        self.source: Source | None = None
        self.reader: threading.Thread | None = None
        self.read = False
        """Its source is at its end."""

    def ready(self) -> bool:
        """Live frames never wait for sinks."""
        return self.live or all(outlet.has_room() for outlet in self.outlets)

    def over(self) -> bool:
        """Nothing of it is on its way any more, and nothing will come."""
        return self.read and not self.waiting and not self.on_the_way

    def report(self, condition: Condition, reason: str = "") -> None:
        """Be in `condition`, unless it was removed. The caller holds the lock."""
        if self.ledger.condition != "removed":
            self.ledger.become(condition, reason)

    def hang_up(self) -> None:
        """Tell the source that it is wanted no more, so that its reader need not wait for a camera that is silent."""
        stop = getattr(self.source, "stop", None)
        if stop is not None:
            stop()

    def state(self) -> StreamState:
        """How it stands. The caller holds the lock."""
        dropped = sum(outlet.dropped for outlet in self.outlets)
        errors = tuple(line for outlet in self.outlets if (line := outlet.error()))
        state = self.ledger.state(self.stream.name, dropped, errors)
        missed = getattr(self.source, "dropped", 0)
        return replace(state, frames_in=state.frames_in + missed, dropped=state.dropped + missed)
