from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest

from faceir.errors import InputError
from faceir.flow import Frame, Image
from faceir.runtime.sinks import MJPEG_TYPE, NewestJpeg


def frame(brightness: int, source: str = "a") -> Frame:
    return Frame.of(np.full((40, 60), brightness, np.uint8), source=source)


def decode(data: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def test_the_newest_of_each_source() -> None:
    with NewestJpeg() as sink:
        assert sink.newest("a") is None
        for brightness in (10, 90, 200):
            sink.write(frame(brightness))
        sink.write(frame(120, "b"))
        newest = sink.newest("a")
        assert newest is not None
        assert newest.number == 3
        assert decode(newest.data).mean() == pytest.approx(200, abs=2)
        assert decode(newest.data).shape == (40, 60, 3)
        assert sink.sources() == ["a", "b"]
        assert sink.newest("a", after=3) is None
        sink.forget("a")
        assert sink.sources() == ["b"]


def test_encoded_once_for_all_and_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    count, encode = 0, cv2.imencode

    def counted(*given: object) -> object:
        nonlocal count
        count += 1
        return encode(*given)  # type: ignore[call-overload]

    monkeypatch.setattr(cv2, "imencode", counted)
    with NewestJpeg() as sink:
        for n in range(20):
            sink.write(frame(n))
        assert count == 0
        assert sink.newest("a") is sink.newest("a")
        assert count == 1


def test_who_waits_is_woken() -> None:
    with NewestJpeg() as sink:
        threading.Timer(0.05, lambda: sink.write(frame(50))).start()
        start_s = time.monotonic()
        assert sink.newest("a", timeout_s=10) is not None
        assert time.monotonic() - start_s < 5


def test_a_stream_is_parts_that_end_with_the_sink() -> None:
    sink = NewestJpeg()
    parts: list[bytes] = []
    with sink:
        sink.write(frame(0))
        reader = threading.Thread(target=lambda: parts.extend(sink.stream("a")))
        reader.start()
        while len(parts) < 3:
            sink.write(frame(100))
            time.sleep(0.01)
    reader.join(5)
    assert not reader.is_alive()
    boundary = MJPEG_TYPE.partition("boundary=")[2]
    for part in parts:
        head, _, body = part.partition(b"\r\n\r\n")
        assert head.startswith(f"--{boundary}\r\nContent-Type: image/jpeg".encode())
        assert f"Content-Length: {len(body) - 2}".encode() in head
        assert decode(body).shape == (40, 60, 3)


def test_quality() -> None:
    with pytest.raises(InputError, match=r"1\.\.100"):
        NewestJpeg(quality=0)
