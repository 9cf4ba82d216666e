from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.errors import InputError, StreamError
from faceir.flow import Drop, Frame, Image
from faceir.runtime.detector import Detector
from faceir.runtime.pipeline import run
from faceir.runtime.sinks import AnnotatedVideo
from faceir.runtime.sources import open_source


class Kept:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def write(self, frame: Frame) -> None:
        self.frames.append(frame)

    def __enter__(self) -> Kept:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def pictures(count: int) -> Iterator[Frame]:
    for n in range(count):
        yield Frame.of(np.full((4, 6), n % 256, np.uint8), index=n)


def by_level(images: Sequence[Image]) -> list[Detections]:
    """One face whose left edge is the picture's gray level."""
    return [Detections([[float(i[0, 0]), 0, 300, 4]]) for i in images]


class Erratic:
    """A detector in the background whose answers are ready in any order; watches how many are in flight."""

    concurrency = 3

    def __init__(self) -> None:
        self.in_flight = self.most = 0
        self._random = random.Random(0)

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        raise AssertionError("the pipeline submits")

    def submit(self, image: Image) -> _Answer:
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        return _Answer(self, by_level([image])[0], self._random.random() < 0.3)


class _Answer:
    def __init__(self, detector: Erratic, found: Detections, soon: bool) -> None:
        self._detector, self._found, self._soon = detector, found, soon

    def done(self) -> bool:
        return self._soon

    def result(self) -> Detections:
        self._detector.in_flight -= 1
        return self._found


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 200])
@pytest.mark.parametrize("make", [lambda: by_level, Erratic])
def test_order_is_kept_and_every_frame_has_its_own_faces(make: Callable[[], Erratic], count: int) -> None:
    sink, seen = Kept(), []
    tally = run(pictures(count), make(), (), [sink], seen.append)
    assert [f.index for f in sink.frames] == list(range(count))
    assert [float(f.detections.xyxy[0, 0]) for f in sink.frames] == [n % 256 for n in range(count)]
    assert (tally.frames, tally.faces, tally.dropped) == (count, count, 0)
    assert seen == sink.frames


def test_what_is_in_flight_is_bounded() -> None:
    detector = Erratic()
    run(pictures(500), detector)
    assert detector.most <= Erratic.concurrency + 1
    assert detector.in_flight == 0


def test_stages_change_and_drop_frames() -> None:
    def odd_only(frame: Frame) -> Frame:
        if frame.index % 2 == 0:
            raise Drop
        return frame

    def forget(frame: Frame) -> Frame:
        return frame.with_detections(Detections())

    sink = Kept()
    tally = run(pictures(9), by_level, [odd_only, forget], [sink])
    assert [f.index for f in sink.frames] == [1, 3, 5, 7]
    assert (tally.frames, tally.dropped, tally.faces) == (4, 5, 0)


@pytest.mark.parametrize("error", [StreamError("cam", "stopped"), InputError("a", "is cut short"), ValueError("bug")])
@pytest.mark.parametrize("make", [lambda: by_level, Erratic])
def test_frames_before_a_failing_source_go_all_the_way(make: Callable[[], Erratic], error: Exception) -> None:
    def failing() -> Iterator[Frame]:
        yield from pictures(5)
        raise error

    sink = Kept()
    with pytest.raises(type(error)) as caught:
        run(failing(), make(), (), [sink])
    assert caught.value is error
    assert [f.index for f in sink.frames] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("place", ["stage", "sink", "on_frame"])
def test_exceptions_of_the_others_end_it_at_once(place: str) -> None:
    asked = 0

    def counted() -> Iterator[Frame]:
        nonlocal asked
        for frame in pictures(100):
            asked += 1
            yield frame

    def fail(frame: Frame) -> Frame:
        if frame.index == 2:
            raise RuntimeError("full")
        return frame

    sink = Kept()
    if place == "sink":
        sink.write = fail  # type: ignore[assignment,method-assign]
    with pytest.raises(RuntimeError, match="full"):
        run(
            counted(),
            Erratic(),
            [fail] if place == "stage" else [],
            [sink],
            (lambda frame: (fail(frame), None)[1]) if place == "on_frame" else None,
        )
    assert asked < 10


def test_a_live_frame_does_not_wait_for_the_next_ones() -> None:
    """What is ready when the next frame comes is handed on before the one after it is asked for."""

    class ReadyWhenAskedTwice(_Answer):
        def done(self) -> bool:
            self._soon, before = True, self._soon
            return before

    class Quick(Erratic):
        def submit(self, image: Image) -> _Answer:
            self.in_flight += 1
            return ReadyWhenAskedTwice(self, by_level([image])[0], soon=False)

    sink, behind = Kept(), []

    def camera() -> Iterator[Frame]:
        for frame in pictures(20):
            behind.append(frame.index - len(sink.frames))
            yield frame

    run(camera(), Quick(), (), [sink])
    assert behind == [0, *[1] * 19]


def test_video_to_video(
    square_model: Path, square_picture: Callable[..., Image], tmp_path: Path, make_video: Callable[..., Path]
) -> None:
    """Every frame of a film through the real detector equals the picture alone, and the film written is as long."""
    detector = Detector(square_model, favour="throughput")
    path = make_video(tmp_path / "a.mp4", frames=50, size_wh=(384, 240))
    sink = Kept()
    with open_source(path) as source, AnnotatedVideo(tmp_path / "out.mp4", source.rate) as film:
        tally = run(source, detector, (), [sink, film])
    assert tally.frames == 50
    assert [f.index for f in sink.frames] == list(range(50))
    assert [f.detections for f in sink.frames] == detector.detect([f.gray for f in sink.frames])
    with open_source(tmp_path / "out.mp4") as source:
        written = list(source)
    np.testing.assert_allclose([f.time_s for f in written], [f.time_s for f in sink.frames], atol=1e-4)
