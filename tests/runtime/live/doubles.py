"""Cameras, films, detectors and sinks that do what a test tells them, when it tells them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import numpy as np

from faceir.detections import Detections
from faceir.flow import Frame, Image
from faceir.testing import ListSink

PATIENCE_S = 5.0
"""After this long a test has failed; none waits so long when all is well."""


def wait_until(true: Callable[[], bool]) -> None:
    """Until `true`, or fail."""
    end_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end_s, "it never came true"
        time.sleep(0.002)


def picture(number: int, stream: int = 0) -> Image:
    """One that tells its number (0..65535) and its stream's (0..255)."""
    image = np.zeros((8, 8), np.uint8)
    image[0, :3] = number % 256, number // 256, stream
    return image


def faces(image: Image) -> Detections:
    """One face whose place is the number and the stream of `picture`."""
    low, high, stream = (float(v) for v in image[0, :3])
    return Detections([[low, high, 256 + low + stream, 256 + high + stream]])


def by_picture(images: Sequence[Image]) -> list[Detections]:
    """A plain detector."""
    return [faces(image) for image in images]


class Film:
    """A file of `count` frames; or a camera, with `live`, of one every `every_s`, or whenever `go` is released."""

    rate: Fraction | None = None
    frames: int | None = None

    def __init__(
        self,
        count: int,
        stream: int = 0,
        live: bool = False,
        every_s: float = 0.0,
        go: threading.Semaphore | None = None,
        name: str = "",
    ) -> None:
        self.count, self.stream, self.live, self.every_s, self.go = count, stream, live, every_s, go
        self.name = name or f"film {stream}"
        self.given = 0
        self.left = False

    def __iter__(self) -> Iterator[Frame]:
        start_s = time.monotonic()
        for n in range(self.count):
            if self.go is not None and not self.go.acquire(timeout=PATIENCE_S):
                return
            if self.every_s:
                time.sleep(max(start_s + n * self.every_s - time.monotonic(), 0))
            self.given += 1
            yield Frame.of(picture(n, self.stream), source=self.name, index=n, arrived_s=time.monotonic())

    def __enter__(self) -> Film:
        return self

    def __exit__(self, *_: object) -> None:
        self.left = True


class Gated(ListSink):
    """A sink that blocks in `write` until `gate` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.inside = threading.Event(), threading.Event()

    def write(self, frame: Frame) -> None:
        self.inside.set()
        self.gate.wait(PATIENCE_S)
        super().write(frame)


class Failing(ListSink):
    """A sink that raises at the frames with an index in `at`; counts how often it was entered."""

    def __init__(self, at: Sequence[int], reopens: bool = False) -> None:
        super().__init__()
        self.at, self.reopens, self.entered = at, reopens, 0
        self.told: list[type[BaseException] | None] = []

    def write(self, frame: Frame) -> None:
        if frame.index in self.at:
            raise OSError("no space left")
        super().write(frame)

    def __enter__(self) -> Failing:
        self.entered += 1
        return self

    def __exit__(self, *said: object) -> None:
        self.told.append(said[0])  # type: ignore[arg-type]


class Background:
    """A detector that works in the background on `concurrency` pictures; each answer waits for `gate` when closed."""

    concurrency = 3

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.in_flight = self.most = self.asked = 0

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        raise AssertionError("it is submitted to")

    def submit(self, image: Image) -> Answer:
        self.asked += 1
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        return Answer(self, image)


class Answer:
    """What `Background` is at work on."""

    def __init__(self, detector: Background, image: Image) -> None:
        self._detector, self._image = detector, image

    def done(self) -> bool:
        return self._detector.gate.is_set() and int(self._image[0, 0]) % 3 > 0

    def result(self) -> Detections:
        assert self._detector.gate.wait(2 * PATIENCE_S)
        self._detector.in_flight -= 1
        return faces(self._image)
