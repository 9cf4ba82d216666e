"""The straight line from a source to its sinks: decode, fit, infer, read the grids, stages, sinks.

One Python thread walks it. Decoding, inference and encoding run side by side all the same, each on
threads of its own library: FFmpeg decodes ahead, a few inference requests are in flight, x264
encodes behind. What is in flight is bounded, so nothing grows with time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from faceir import flow
from faceir.detections import Detections
from faceir.flow import Drop, Frame, Image, Sink, Source, Stage

__all__ = ["Pending", "Submitter", "Tally", "as_submitter", "run", "stream"]


class Pending(Protocol):
    """Detection under way on one picture."""

    def done(self) -> bool:
        """Whether `result` would return at once."""

    def result(self) -> Detections:
        """The faces; waits until they are there."""


class Submitter(Protocol):
    """A detector that works in the background, such as `faceir.runtime.detector.Detector`."""

    concurrency: int
    """Pictures in flight that keep it busy."""

    def submit(self, image: Image) -> Pending:
        """Start on one picture."""


def as_submitter(detector: flow.Detector) -> Submitter:
    """`detector` itself where it works in the background, else one that works when asked."""
    return cast(Submitter, detector) if hasattr(detector, "submit") else _Plain(detector)


def stream(detector: Submitter, images: Iterable[Image]) -> Iterator[Detections]:
    """Faces of each picture in order, with as many in flight as keep `detector` busy."""
    waiting: deque[Pending] = deque()
    for image in images:
        waiting.append(detector.submit(image))
        if len(waiting) > detector.concurrency:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@dataclass(frozen=True)
class Tally:
    """What a run did."""

    frames: int
    """That reached the sinks."""
    dropped: int
    """By stages."""
    faces: int
    duration_s: float
    """Wall time."""


def run(
    source: Source,
    detector: flow.Detector,
    stages: Sequence[Stage] = (),
    sinks: Sequence[Sink] = (),
    on_frame: Callable[[Frame], None] | None = None,
) -> Tally:
    """Carry every frame of `source` through `detector` and `stages` to `sinks`, in order.

    Sinks are already entered, and left by whoever entered them. `on_frame` sees each frame after
    them. `detector` may be any callable; one with `submit` and `concurrency` works in the background.
    When the source fails, the frames before it still go all the way, then its exception is raised.
    """
    start_s = time.perf_counter()
    submitter = as_submitter(detector)
    waiting: deque[tuple[Frame, Pending]] = deque()
    frames = dropped = faces = 0

    def finish_first() -> None:
        nonlocal frames, dropped, faces
        frame, pending = waiting.popleft()
        frame = frame.with_detections(pending.result())
        try:
            for stage in stages:
                frame = stage(frame)
        except Drop:
            dropped += 1
            return
        for sink in sinks:
            sink.write(frame)
        frames, faces = frames + 1, faces + len(frame.detections)
        if on_frame is not None:
            on_frame(frame)

    problem: Exception | None = None
    coming = iter(source)
    while True:
        try:
            frame = next(coming)
        except StopIteration:
            break
        except Exception as error:  # raised again below, after the frames that came before it
            problem = error
            break
        waiting.append((frame, submitter.submit(frame.gray)))
        # Handing on what is ready keeps a camera's delay below one frame; the bound keeps memory level.
        while waiting and (len(waiting) > submitter.concurrency or waiting[0][1].done()):
            finish_first()
    while waiting:
        finish_first()
    if problem is not None:
        raise problem
    return Tally(frames, dropped, faces, time.perf_counter() - start_s)


class _Done:
    def __init__(self, found: Detections) -> None:
        self._found = found

    def done(self) -> bool:
        return True

    def result(self) -> Detections:
        return self._found


class _Plain:
    """A plain detector as a submitter."""

    concurrency = 1

    def __init__(self, detector: flow.Detector) -> None:
        self._detector = detector

    def submit(self, image: Image) -> _Done:
        return _Done(self._detector([image])[0])
