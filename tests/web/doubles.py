"""An engine whose streams are what the test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import Frame
from faceir.runtime.live.state import StreamState

FACE = Detections(np.array([[40, 30, 90, 100]], np.float32), np.array([0.8], np.float32))


def frame(index: int = 0, level: int = 90) -> Frame:
    return Frame.of(np.full((120, 160), level, np.uint8), detections=FACE, source="door", index=index)


@dataclass
class FakeEngine:
    """One stream that plays and has a frame, one that has none."""

    known: dict[str, StreamState] = field(
        default_factory=lambda: {
            "door": StreamState("door", "playing", 9.0, frames_in=20, frames_out=18, dropped=2, faces=7, fps_in=25.0),
            "yard cam": StreamState(
                "yard cam",
                "reconnecting",
                2.0,
                last_error="rtsp://bob:hunter2@cam/1: no answer",
                reconnects=3,
                sink_errors=("Messages: http://hook/?token=hunter2 is away",),
            ),
        }
    )
    frames: dict[str, Frame] = field(default_factory=lambda: {"door": frame()})

    def states(self) -> list[StreamState]:
        return list(self.known.values())

    def last(self, name: str) -> Frame | None:
        return self.frames.get(name)

    def add(self, stream: Any) -> None:
        self.known[stream] = StreamState(stream, "connecting", 0.0)

    def remove(self, name: str) -> None:
        del self.known[name]


def make_stream(name: str, uri: str) -> str:
    """What the double's `add` takes."""
    if not uri.startswith("rtsp://"):
        raise InputError(uri, "is no camera", "rtsp://")
    return name
