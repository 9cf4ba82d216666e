from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from faceir.errors import InputError, StreamError
from faceir.flow import Frame
from faceir.runtime.sources import LiveOptions, LiveSource, live, open_live, open_source
from tests.runtime.sources.media import Camera, MakeVideo

QUICK = LiveOptions(reconnect_interval_s=0.1, silent_s=1.0)
Told = list[tuple[str, str]]


def until(condition: Callable[[], bool], within_s: float = 15.0) -> None:
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.02)


class Watched:
    """A source that is read in a thread, with what it told and gave."""

    def __init__(self, where: str, options: LiveOptions = QUICK) -> None:
        self.told: Told = []
        self.frames: list[Frame] = []
        self.error: BaseException | None = None
        self.source = open_live(where, options, lambda condition, why: self.told.append((condition, why)))
        self.thread = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        try:
            for frame in self.source:
                _ = frame.gray
                self.frames.append(frame)
        except StreamError as error:
            self.error = error

    def conditions(self) -> list[str]:
        """Those told, without repeats."""
        return [condition for condition, _ in itertools.groupby(condition for condition, _ in self.told)]

    def __enter__(self) -> Watched:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()
        self.thread.join(2)
        assert not self.thread.is_alive()


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Whoever connects to this address is handed to `answer`, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=talk, args=(connection,), daemon=True))
            threads[-1].start()

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the other side may leave
            answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for each in (thread, *threads):
        each.join(10)
        assert not each.is_alive()


def silence(connection: socket.socket) -> None:
    """Takes what comes, and never answers."""
    while connection.recv(4096):
        pass


def garbage(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
    rng = np.random.default_rng(0)
    while True:
        connection.sendall(rng.bytes(65536))
        time.sleep(0.01)


# What can be wrong at once


@pytest.mark.parametrize(
    "given",
    [
        {"transport": "sctp"},
        {"latency_ms": -1},
        {"reconnect_interval_s": 0},
        {"reconnect_attempts": -2},
        {"silent_s": 0},
        {"every": 0},
        {"bits": 7},
        {"pixel_format": "RGB9"},
        {"size_wh": (0, 4)},
        {"fps": 0},
    ],
)
def test_options_that_make_no_sense(given: dict[str, object]) -> None:
    (name,) = given
    with pytest.raises(InputError, match=f"^{name}: is .*wanted"):
        LiveOptions(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("where", ["a.mp4", "ftp://host/a", "/dev/null"])
def test_what_is_no_camera(where: str) -> None:
    with pytest.raises(InputError, match="is not a camera"):
        open_live(where)


def test_passwords_are_not_told() -> None:
    with Watched("rtsp://admin:secret@127.0.0.1:9/cam?token=secret", LiveOptions(reconnect_attempts=0)) as watched:
        watched.thread.join(10)
    assert "secret" not in f"{watched.error} {watched.told} {watched.source.name} {watched.source._thread.name}"


# Away, silent, rubbish


def test_attempts_are_used_up_with_growing_pauses() -> None:
    begun_s = time.monotonic()
    with Watched("rtsp://127.0.0.1:9/cam", LiveOptions(reconnect_interval_s=0.1, reconnect_attempts=3)) as watched:
        watched.thread.join(10)
    assert time.monotonic() - begun_s > 0.1 + 0.2 + 0.4
    assert [condition for condition, _ in watched.told] == ["connecting", *["reconnecting"] * 3, "failed"]
    assert watched.told[-1][1] == "no stream (Connection refused)"
    assert "given up after 4 attempts" in str(watched.error)


def test_a_camera_that_is_away_is_no_error() -> None:
    with Watched("http://127.0.0.1:9/cam") as watched:
        until(lambda: len(watched.told) >= 4)
        assert watched.thread.is_alive()
    assert watched.error is None
    assert watched.conditions() == ["connecting", "reconnecting"]


def test_pauses_do_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LONGEST_PAUSE_S", 0.1)
    options = LiveOptions(reconnect_interval_s=0.05, reconnect_attempts=2000)
    with Watched("http://127.0.0.1:9/cam", options) as watched:
        until(lambda: len(watched.told) > 15)


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_black_hole_is_told_and_can_be_left_at_once(scheme: str) -> None:
    with server(silence) as address:
        with Watched(f"{scheme}://{address}/cam") as watched:
            until(lambda: "reconnecting" in watched.conditions())
            until(lambda: len(watched.told) >= 3)
            begun_s = time.monotonic()
            watched.source.stop()
            watched.thread.join(5)
            assert time.monotonic() - begun_s < 0.3
        assert watched.error is None
        assert watched.told[1] == ("reconnecting", "no stream (nothing within 1 s)")
        watched.source._thread.join(5)  # the connection is let go when its time is up
        assert not watched.source._thread.is_alive()


def test_a_program_can_end_while_the_network_is_silent() -> None:
    code = """if True:
        import sys, threading, time
        from faceir.runtime.sources import open_live
        source = open_live(sys.argv[1])
        threading.Timer(0.5, source.stop).start()
        print(list(source))
    """
    with server(silence) as address:
        begun_s = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", code, f"rtsp://{address}/cam"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
        assert time.monotonic() - begun_s < 5 + 0.5  # less than the stream's timeout and its own start


def test_garbage_is_told_and_survived() -> None:
    with server(garbage) as address, Watched(f"http://{address}/cam.ts") as watched:
        until(lambda: [c for c, _ in watched.told].count("reconnecting") >= 2, 30)
        assert watched.thread.is_alive()
    assert watched.frames == []
    assert "playing" not in watched.conditions()


def test_a_source_that_was_stopped_before_gives_nothing() -> None:
    source = open_live("rtsp://127.0.0.1:9/cam")
    source.stop()
    with source:
        assert list(source) == []


def test_an_error_of_the_listener_does_not_hang() -> None:
    def listen(condition: str, why: str) -> None:
        raise KeyError(condition)

    with pytest.raises(KeyError, match="connecting"):
        list(LiveSource("rtsp://127.0.0.1:9/cam", QUICK, listen))


# Over http


def test_mjpeg_goes_on_after_garbage_and_a_change_of_size() -> None:
    def pages(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n--frame\r\n"
        )
        for n in range(60):
            image = np.full((48, 64) if n < 20 else (96, 128), 40 + 3 * n, np.uint8)
            data = bytes(cv2.imencode(".jpg", image)[1].tobytes()) if n % 5 != 4 else os.urandom(500)
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            connection.sendall(head + data + b"\r\n--frame\r\n")
            time.sleep(0.05)

    with server(pages) as address, Watched(f"http://{address}/cam") as watched:
        until(lambda: "reconnecting" in watched.conditions(), 20)
        until(lambda: watched.conditions().count("playing") == 2, 20)
    shapes = [frame.gray.shape for frame in watched.frames]
    assert shapes.index((96, 128)) > 5
    assert len(set(shapes)) == 2
    assert [why.split()[0] for condition, why in watched.told if condition == "playing"][:2] == ["64x48", "128x96"]
    times = np.array([frame.time_s for frame in watched.frames])
    assert (np.diff(times) >= 0).all()
    # Its stamps are made up for 25 frames a second; it sends fewer than 20, and time is that of their arrival.
    arrivals = np.array([frame.arrived_s for frame in watched.frames])
    assert np.ptp((times - arrivals)[10:]) < 0.1


def test_a_recording_over_http_ends_and_loses_nothing(tmp_path: Path, make_video: MakeVideo, web: str) -> None:
    make_video(tmp_path / "a.mp4", frames=50, options={"movflags": "faststart"})
    told: Told = []
    with open_live(f"{web}/a.mp4", QUICK, lambda *state: told.append(state)) as source:
        count = 0
        for _ in source:
            time.sleep(0.005)
            count += 1
        assert not source.live
    assert (count, source.dropped) == (50, 0)
    assert told == [("connecting", ""), ("playing", "96x64 h264 yuv420p"), ("ended", "")]


def test_the_choice_for_deep_gray_is_told(tmp_path: Path, make_video: MakeVideo, web: str) -> None:
    make_video(tmp_path / "a.mkv", frames=3, codec="ffv1", pixel_format="gray16le")
    for bits, said in ((None, "16-bit gray of unknown depth"), (12, "12-bit gray shifted down")):
        with Watched(f"{web}/a.mkv", LiveOptions(bits=bits)) as watched:
            watched.thread.join(10)
        assert watched.told[1][0] == "playing"
        assert watched.told[1][1].startswith(f"96x64 ffv1 gray16le, {said}")
        assert len(watched.frames) == 3


def test_a_change_of_codec_within_one_stream(tmp_path: Path, make_video: MakeVideo) -> None:
    parts = [
        make_video(tmp_path / "a.ts", frames=100).read_bytes(),
        make_video(tmp_path / "b.ts", frames=200, codec="mpeg2video", size_wh=(128, 96)).read_bytes(),
    ]

    def send(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
        if len(parts) > 1:  # who comes again gets the second kind only
            connection.sendall(parts.pop(0))
        while True:
            for at in range(0, len(parts[0]), 1880):
                connection.sendall(parts[0][at : at + 1880])
                time.sleep(0.01)

    with server(send) as address, Watched(f"http://{address}/cam.ts") as watched:
        until(lambda: any(frame.gray.shape == (96, 128) for frame in watched.frames), 30)
        assert watched.frames[0].gray.shape == (64, 96)


@pytest.mark.slow
def test_hls_is_played_at_its_own_pace(tmp_path: Path, make_video: MakeVideo, web: str) -> None:
    options = {"hls_time": "1", "hls_list_size": "0", "hls_flags": "omit_endlist"}
    with av.open(str(tmp_path / "a.m3u8"), "w", format="hls", options=options) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.options = {"g": "25", "sc_threshold": "0"}
        for n in range(125):
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.full((64, 96), n, np.uint8), format="gray")):
                container.mux(packet)
        container.mux(stream.encode())
    with Watched(f"{web}/a.m3u8", LiveOptions(reconnect_interval_s=5)) as watched:
        until(lambda: len(watched.frames) > 42)  # of the last three segments
    arrivals = [frame.arrived_s for frame in watched.frames]
    assert arrivals[40] - arrivals[0] == pytest.approx(40 / 25, abs=0.3)
    assert watched.source.dropped <= 3


# A real camera


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_camera_that_is_killed_and_comes_back(camera: Camera, transport: str) -> None:
    address, process = camera()
    port = address.rpartition(":")[2]
    options = LiveOptions(transport=transport, reconnect_interval_s=0.2, silent_s=2.0)  # type: ignore[arg-type]
    with Watched(f"{address}/cam", options) as watched:
        until(lambda: len(watched.frames) > 20)
        process.kill()
        process.wait()
        until(lambda: watched.conditions()[-1] == "reconnecting")
        camera("-1", port, "640x480")
        until(lambda: sum(frame.gray.shape == (480, 640) for frame in watched.frames) > 20)
    assert watched.conditions() == ["connecting", "playing", "reconnecting", "playing"]
    assert watched.error is None
    # The reader may still hold the dead camera's last frame when the loss is told.
    assert [shape for shape, _ in itertools.groupby(frame.gray.shape for frame in watched.frames)] == [
        (240, 320),
        (480, 640),
    ]
    times = [frame.time_s for frame in watched.frames]
    indices = [frame.index for frame in watched.frames]
    assert times == sorted(times)
    assert indices == sorted(set(indices))
    assert abs(times[-1] - time.time()) < 3


@pytest.mark.slow
def test_a_camera_that_comes_back_with_another_codec(camera: Camera) -> None:
    address, process = camera()
    with Watched(f"{address}/cam", LiveOptions(reconnect_interval_s=0.2, silent_s=2.0)) as watched:
        until(lambda: len(watched.frames) > 5)
        process.kill()
        process.wait()
        camera("-1", address.rpartition(":")[2], "320x240", "jpeg")
        until(lambda: watched.conditions().count("playing") == 2)
    assert [why.split()[1] for condition, why in watched.told if condition == "playing"] == ["h264", "mjpeg"]


@pytest.mark.slow
def test_a_camera_that_freezes_is_tried_again_when_it_thaws(camera: Camera) -> None:
    address, process = camera()
    with Watched(f"{address}/cam") as watched:
        until(lambda: len(watched.frames) > 5)
        process.send_signal(signal.SIGSTOP)
        until(lambda: watched.conditions()[-1] == "reconnecting", 5)
        process.send_signal(signal.SIGCONT)
        until(lambda: watched.conditions()[-1] == "playing")


@pytest.mark.slow
def test_who_is_slow_gets_the_newest_frames(camera: Camera) -> None:
    address, _ = camera()
    ages, indices = [], []
    with open_live(f"{address}/cam") as source:
        for frame in itertools.islice(source, 15):
            ages.append(time.monotonic() - frame.arrived_s)
            indices.append(frame.index)
            time.sleep(0.2)
        assert source.dropped > 30
    assert np.median(ages) < 0.3
    assert np.median(np.diff(indices)) >= 3


@pytest.mark.slow
def test_every_third_frame_of_a_camera(camera: Camera) -> None:
    address, _ = camera()
    with Watched(f"{address}/cam", LiveOptions(every=3)) as watched:
        until(lambda: len(watched.frames) > 10)
    assert {frame.index % 3 for frame in watched.frames} == {0}


# At this machine


def test_a_device_that_is_not_there_is_waited_for_or_is_an_error() -> None:
    with Watched("/dev/video99") as watched:
        until(lambda: len(watched.told) >= 3)
    assert watched.conditions() == ["connecting", "reconnecting"]
    with open_source("/dev/video99") as source, pytest.raises(StreamError, match=r"/dev/video99.*ls /dev/video"):
        list(source)
