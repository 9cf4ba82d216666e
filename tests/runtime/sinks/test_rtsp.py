from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Literal

import av
import numpy as np
import pytest

from faceir.errors import MissingExtra, StreamError
from faceir.flow import Frame
from faceir.runtime.sinks import Coding, RtspServer
from faceir.runtime.sinks import rtsp as rtsp_module
from tests.runtime.sinks.test_messages import wait_for

try:
    RtspServer._check()
    why = ""
except MissingExtra as error:
    why = str(error)
pytestmark = pytest.mark.skipif(bool(why), reason=why or "-")


def frame(n: int, source: str) -> Frame:
    image = np.full((96, 128), 60 + 100 * (source == "b"), np.uint8)
    image[:, n % 128] = 255
    return Frame.of(image, source=source, index=n, time_s=1.7e9 + n / 25, arrived_s=time.monotonic())


def feed(sink: RtspServer, *sources: str) -> Callable[[], None]:
    """Write frames of `sources` until the answer is called."""
    stop = threading.Event()

    def run() -> None:
        n = 0
        while not stop.wait(0.04):
            for source in sources:
                sink.write(frame(n, source))
            n += 1

    thread = threading.Thread(target=run)
    thread.start()

    def end() -> None:
        stop.set()
        thread.join()

    return end


@pytest.fixture
def server() -> Iterator[RtspServer]:
    with RtspServer(0) as sink:
        yield sink


def watch(url: str, frames: int) -> list[float]:
    """Mean brightness of the first pictures, as soon as there is a stream."""

    def is_there() -> bool:
        nonlocal container
        with suppress(av.error.HTTPNotFoundError):
            container = av.open(url, options={"rtsp_transport": "tcp"}, timeout=20)
        return container is not None

    container: Any = None
    wait_for(is_there)
    with container:
        seen = []
        for picture in container.decode(video=0):
            seen.append(float(picture.to_ndarray(format="gray").mean()))
            if len(seen) == frames:
                break
    return seen


@pytest.mark.slow
def test_streams_are_served_to_those_who_look_and_only_then_encoded(server: RtspServer) -> None:
    end = feed(server, "a", "b")
    try:
        assert not server.watched("a")
        assert np.mean(watch(server.url("b"), 30)) == pytest.approx(160, abs=12)
        assert np.mean(watch(server.url("a"), 10)) == pytest.approx(60, abs=12)
        wait_for(lambda: not server.watched("a") and not server.watched("b"), 30)
        assert np.mean(watch(server.url("a"), 10)) == pytest.approx(60, abs=12)
    finally:
        end()


@pytest.mark.parametrize("codec", ["h265"])
def test_codecs(codec: Literal["h264", "h265"]) -> None:
    with RtspServer(0, coding=Coding(codec)) as sink:
        end = feed(sink, "a")
        try:
            assert len(watch(sink.url("a"), 5)) == 5
        finally:
            end()


def test_a_server_that_died_is_told_and_started_again() -> None:
    with RtspServer(0) as sink:
        sink.write(frame(0, "a"))
        port = sink.port
        assert sink._process is not None
        os.kill(sink._process.pid, signal.SIGKILL)
        sink._process.wait()
        with pytest.raises(StreamError, match="its process has ended"):  # noqa: PT012  # the pipe holds a few
            for n in range(100):
                sink.write(frame(n, f"s{n}"))
        end = feed(sink, "a")
        try:
            wait_for(lambda: sink._process is not None)
            assert sink.port == port
            assert len(watch(sink.url("a"), 5)) == 5
        finally:
            end()


def test_a_port_that_is_taken(server: RtspServer) -> None:
    with pytest.raises(StreamError, match="cannot be used; wanted a free port"), RtspServer(server.port):
        pass


def test_a_system_without_gstreamer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtsp_module, "_PYTHON", "/no/such/python")
    with pytest.raises(MissingExtra, match="type: apt-get install"), RtspServer():
        pass
