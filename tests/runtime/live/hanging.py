"""A run of which something hangs for ever, ended by SIGTERM: `hanging.py WHAT FILM`, WHAT as in `PARTS`.

Says "hangs" when something of it has hung for longer than it may, and at its end the states as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from faceir.detections import Detections
from faceir.flow import Frame, Image
from faceir.runtime.live.engine import Engine, Stream
from faceir.runtime.redact import Redactor
from faceir.runtime.sinks import AnnotatedVideo
from faceir.testing import ListSink
from faceir.verbs.terminal import interruptible

PARTS = ("detector", "stage", "sink")
CALM = 20
"""Frames before it hangs."""


class Camera:
    """25 pictures a second of noise, which nothing but a cover makes smooth."""

    live = True

    def __init__(self, name: str) -> None:
        self.name = name

    def __iter__(self) -> Iterator[Frame]:
        noise = np.random.default_rng(0).integers(0, 256, (120, 160), dtype=np.uint8)
        for number in range(100_000):
            time.sleep(0.04)
            yield Frame.of(noise, source=self.name, index=number, time_s=time.time(), arrived_s=time.monotonic())


class Hanging(ListSink):
    def write(self, frame: Frame) -> None:
        super().write(frame)
        if len(self.frames) > CALM:
            threading.Event().wait()


def run(what: str, film: Path) -> None:
    counted = 0

    def detector(images: Sequence[Image]) -> list[Detections]:
        nonlocal counted
        counted += len(images)
        if what == "detector" and counted > 2 * CALM:
            threading.Event().wait()
        return [Detections([[60, 40, 80, 60]])] * len(images)

    def stage(frame: Frame) -> Frame:
        if what == "stage" and frame.index > CALM:
            threading.Event().wait()
        return frame

    engine = Engine(detector, stall_s=0.5, patience_s=0.5)
    sinks = [Hanging()] if what == "sink" else []
    engine.add(Stream("bad", lambda: Camera("bad"), stages=[stage], sinks=sinks))
    video = AnnotatedVideo(film, live=True)
    engine.add(Stream("good", lambda: Camera("good"), stages=[Redactor()], sinks=[video, *sinks]))
    with interruptible() as interrupt, engine:
        while not any(state.hanging for state in engine.states()):
            time.sleep(0.05)
        before = engine.states()[1].frames_out
        while engine.states()[1].frames_out < before + 2 * CALM:
            time.sleep(0.05)
        hanging = [state.hanging for state in engine.states()]
        print("hangs", flush=True)
        interrupt.wait()
    print(json.dumps([asdict(state) | {"hung": [h.part for h in hung]}
                      for state, hung in zip(engine.states(), hanging, strict=True)]))  # fmt: skip


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
