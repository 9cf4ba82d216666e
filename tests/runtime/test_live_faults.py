"""What befalls live video, with real parts: the others go on, the state tells, nothing that was taken is lost."""

from __future__ import annotations

import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest

from faceir.detections import Detections
from faceir.flow import Frame, Image, Sink
from faceir.runtime.live.engine import Engine, Stream
from faceir.runtime.live.state import StreamState
from faceir.runtime.sinks import AnnotatedVideo, Coding, JsonLines, Messages, Mqtt
from faceir.runtime.sources import LiveOptions, LiveSource, open_live
from faceir.testing import ListSink
from tests.runtime.deepstream import samples
from tests.runtime.deepstream.test_launch import APP, PRIMARY, folder
from tests.runtime.sinks.test_messages import wait_for
from tests.runtime.sinks.test_mqtt import MOSQUITTO, Broker, Listener

__all__ = ["folder"]

pytestmark = pytest.mark.slow

Camera = Callable[..., tuple[str, "subprocess.Popen[str]"]]
QUICK = LiveOptions(reconnect_interval_s=0.3, silent_s=2.0)


def nobody(images: Sequence[Image]) -> list[Detections]:
    """A detector that finds nothing."""
    return [Detections() for _ in images]


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(nobody, patience_s=1.0, leave_s=2.0) as engine:
        yield engine


def watch(engine: Engine, name: str, where: str, *sinks: Sink) -> None:
    """Add a camera that tells the engine how it is."""

    def opened() -> LiveSource:
        return open_live(where, QUICK, lambda condition, why: engine.report(name, condition, why))

    engine.add(Stream(name, opened, sinks=sinks))


def state(engine: Engine, name: str) -> StreamState:
    return next(s for s in engine.states() if s.name == name)


def plays(engine: Engine, name: str, beyond: int = 0) -> None:
    """Wait until it plays and has given out ten frames more than `beyond`."""
    wait_for(lambda: state(engine, name).frames_out >= beyond + 10, 15)
    assert state(engine, name).condition == "playing"


class GoesOn:
    """A stream that loses nothing of its pace while something happens to others."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name

    def __enter__(self) -> None:
        self._begin_s, self._frames = time.monotonic(), state(self._engine, self._name).frames_out

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        now = state(self._engine, self._name)
        if kind is None:
            rate = (now.frames_out - self._frames) / (time.monotonic() - self._begin_s)
            assert rate > 15, "of 25 or 30 a second"
            assert (now.condition, now.reconnects, now.last_error) == ("playing", 0, "")


class Noise:
    """A camera in memory of 25 pictures a second that no encoder makes small; it ends when told."""

    live = True

    def __init__(self, count: int = 10**6, size_wh: tuple[int, int] = (320, 240)) -> None:
        self._stopped, self._count = threading.Event(), count
        shape = (size_wh[1], size_wh[0], 3)
        self._pictures = [np.random.default_rng(n).integers(0, 255, shape, np.uint8) for n in range(4)]

    def stop(self) -> None:
        self._stopped.set()

    def __iter__(self) -> Iterator[Frame]:
        for n in range(self._count):
            if self._stopped.wait(0.04):
                return
            yield Frame.of(self._pictures[n % 4], source="noise", index=n, time_s=time.time())


class Network:
    """A way to 127.0.0.1:`port` that can be a `hole`, where connections live and nothing passes, or `spoil` bytes."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.hole = self.spoil = False
        self._ends: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._ends += [near, far]
                threading.Thread(target=self._forward, args=(near, far), daemon=True).start()

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        dice = random.Random(0)
        with suppress(OSError, ValueError):
            while True:
                if self.hole:
                    time.sleep(0.02)
                    continue
                for end in select.select([near, far], [], [], 0.05)[0]:
                    data = bytearray(end.recv(65536))
                    if not data:
                        near.shutdown(socket.SHUT_RDWR)
                        far.shutdown(socket.SHUT_RDWR)
                        return
                    if self.spoil and end is far:
                        for _ in range(1 + len(data) // 50):
                            data[dice.randrange(len(data))] = dice.randrange(256)
                    (far if end is near else near).sendall(data)

    def close(self) -> None:
        for end in (self._server, *self._ends):
            end.close()


Ways = Callable[[str], tuple[Network, str]]


@pytest.fixture
def network() -> Iterator[Ways]:
    """Puts a network before an address; gives it and the address by way of it."""
    made = []

    def way_to(url: str) -> tuple[Network, str]:
        port = int(url.rpartition(":")[2])
        made.append(Network(port))
        return made[-1], url.replace(f":{port}", f":{made[-1].port}")

    yield way_to
    for network in made:
        network.close()


def test_a_server_killed_and_back(engine: Engine, camera: Camera) -> None:
    url, server = camera()
    watch(engine, "door", f"{url}/cam")
    watch(engine, "yard", f"{camera()[0]}/cam")
    plays(engine, "door")
    plays(engine, "yard")
    with GoesOn(engine, "yard"):
        server.kill()
        server.wait()
        wait_for(lambda: state(engine, "door").condition == "reconnecting")
        assert state(engine, "door").last_error
        time.sleep(1)
        before = state(engine, "door").frames_out
        camera("-1", url.rpartition(":")[2])
        plays(engine, "door", before)
    assert state(engine, "door").reconnects >= 1


def test_a_network_that_swallows_everything(engine: Engine, camera: Camera, network: Ways) -> None:
    way, url = network(camera()[0])
    watch(engine, "door", f"{url}/cam")
    watch(engine, "yard", f"{camera()[0]}/cam")
    plays(engine, "door")
    plays(engine, "yard")
    with GoesOn(engine, "yard"):
        way.hole = True
        wait_for(lambda: state(engine, "door").condition == "reconnecting")
        assert state(engine, "door").last_error
        time.sleep(1)
        way.hole = False
        plays(engine, "door", state(engine, "door").frames_out)


def test_a_stream_that_turns_to_garbage(engine: Engine, camera: Camera, network: Ways) -> None:
    way, url = network(camera()[0])
    watch(engine, "door", f"{url}/cam")
    watch(engine, "yard", f"{camera()[0]}/cam")
    plays(engine, "door")
    plays(engine, "yard")
    with GoesOn(engine, "yard"):
        way.spoil = True
        time.sleep(3)
        way.spoil = False
        plays(engine, "door", state(engine, "door").frames_out)


def test_a_server_that_sends_nothing_but_garbage(engine: Engine, camera: Camera) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    caller, _ = server.accept()
                    with caller, suppress(OSError):
                        caller.recv(4096)
                        caller.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
                        for _ in range(50):
                            caller.sendall(os.urandom(20_000))

        threading.Thread(target=answer, daemon=True).start()
        watch(engine, "yard", f"{camera()[0]}/cam")
        plays(engine, "yard")
        with GoesOn(engine, "yard"):
            watch(engine, "door", f"http://127.0.0.1:{server.getsockname()[1]}/live.ts")
            wait_for(lambda: bool(state(engine, "door").last_error), 15)
            assert state(engine, "door").condition == "reconnecting"
            assert state(engine, "door").frames_out == 0
            engine.remove("door")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_disk_that_is_full_and_has_room_again(engine: Engine, small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(1_500_000))
    film = AnnotatedVideo(small_disk / "film.mp4", live=True, coding=Coding(low_delay=True))
    engine.add(Stream("noise", Noise, sinks=[film, JsonLines(tmp_path / "faces.jsonl", live=True)]))
    wait_for(lambda: state(engine, "noise").sink_errors != ())
    assert state(engine, "noise").sink_errors[0].startswith("AnnotatedVideo: ")
    assert "the disk is full" in state(engine, "noise").sink_errors[0]
    (small_disk / "filler").unlink()
    wait_for(lambda: state(engine, "noise").sink_errors == (), 10)
    assert state(engine, "noise").sink_dropped > 0
    engine.stop()
    first, second = small_disk / "film.mp4", small_disk / "film-2.mp4"
    assert len(decoded(first)) > 3
    assert len(decoded(second)) > 0
    lines = (tmp_path / "faces.jsonl").read_text().splitlines()
    assert len(lines) == state(engine, "noise").frames_out, "the other sink had all"


def decoded(path: Path) -> list[float]:
    """Times of its pictures, seconds."""
    with av.open(str(path)) as film:
        return [float(picture.time or 0) for picture in film.decode(video=0)]


@pytest.mark.skipif(MOSQUITTO is None, reason="no mosquitto here; apt-get install -y mosquitto")
def test_a_broker_that_is_down_for_a_while_gets_everything_once(tmp_path: Path) -> None:
    pytest.importorskip("paho.mqtt.client", reason="pip install paho-mqtt")
    broker = Broker(tmp_path)
    broker.start()
    listener = Listener(broker.port)
    engine, count = Engine(nobody, leave_s=15), 150
    try:
        messages = Messages(Mqtt("127.0.0.1", "faces", broker.port), tmp_path / "spool", linger_s=10)
        film = ListSink()
        engine.add(Stream("noise", lambda: Noise(count, (32, 24)), sinks=[messages, film]))
        engine.start()
        wait_for(lambda: len(listener.heard) >= 20)
        broker.stop()
        before = state(engine, "noise").frames_out
        wait_for(lambda: state(engine, "noise").frames_out - before > 45, 15)  # nobody waits for the broker
        assert messages.state.waiting > 40
        broker.start()
        engine.run()
        wait_for(lambda: len(listener.heard) >= count, 15)
        time.sleep(0.3)  # in which nothing more may come
        assert listener.indices() == [frame.index for frame in film.frames] == list(range(count))
        assert messages.state.lost == messages.state.waiting == 0
    finally:
        engine.stop()
        listener.close()
        broker.stop()


def test_a_sink_that_blocks(engine: Engine, camera: Camera, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)  # opening it waits for somebody to read
    good = JsonLines(tmp_path / "good.jsonl", live=True)
    watch(engine, "door", f"{camera()[0]}/cam", JsonLines(pipe, live=True), good)
    plays(engine, "door")
    with GoesOn(engine, "door"):
        wait_for(lambda: state(engine, "door").sink_errors != ())
        time.sleep(1)
    assert re.match(r"JsonLines: has not moved for \d s; \d+ frames left out", state(engine, "door").sink_errors[0])
    begin_s = time.monotonic()
    engine.stop()
    assert time.monotonic() - begin_s < 4
    assert "could not be left in time" in state(engine, "door").sink_errors[0]
    lines = (tmp_path / "good.jsonl").read_text().splitlines()
    assert len(lines) == state(engine, "door").frames_out
    assert all(json.loads(line)["source"].endswith("/cam") for line in lines)
    os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))  # let its thread go


@pytest.fixture
def recording(folder: Path, camera: Camera) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """`faceir app` on a camera as a process of its own, three seconds after its film began, and the film."""
    app = APP.replace("type=3\nuri=file://film.mp4", f"type=4\nuri={camera()[0]}/cam")
    path = samples.write(folder, app=app, primary_text=PRIMARY)
    command = [sys.executable, "-m", "faceir", "app", "-c", str(path), "--threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    film = folder / "out.mp4"
    try:
        wait_for(lambda: film.exists() and film.stat().st_size > 10_000, 30)
        time.sleep(3)
        yield process, film
    finally:
        process.kill()
        process.communicate()


def test_sigterm_finishes_the_files(recording: tuple[subprocess.Popen[str], Path]) -> None:
    process, film = recording
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=15)
    assert process.returncode == 0, err
    told = re.search(r"source0: ended, (\d+) frames, .* (\d+) not taken by a sink", out)
    assert told
    times = decoded(film)
    assert len(times) == int(told[1]) - int(told[2])
    assert np.diff(times).min() > 0
    with av.open(str(film)) as container:
        assert container.duration == pytest.approx(1e6 * times[-1], rel=0.1)


def test_what_a_killed_process_wrote_plays(recording: tuple[subprocess.Popen[str], Path]) -> None:
    process, film = recording
    process.kill()
    process.wait()
    assert decoded(film)[-1] > 1
