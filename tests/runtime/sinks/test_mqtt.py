"""With a real broker: mosquitto, started, stopped, killed."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faceir.errors import InputError
from faceir.runtime.sinks import Messages, Mqtt, deepstream_minimal
from tests.runtime.sinks.test_messages import frame, wait_for

pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed")
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="no mosquitto here; apt-get install -y mosquitto")

PROGRAM = """
import sys
from pathlib import Path
from faceir.runtime.sinks import Messages, Mqtt
from tests.runtime.sinks.test_messages import frame
import os, signal
with Messages(Mqtt("127.0.0.1", "faces", int(sys.argv[1])), sys.argv[2]) as sink:
    for n in range(40):
        sink.write(frame(n))
    os.kill(os.getpid(), signal.SIGKILL)
"""


class Broker:
    """mosquitto on a port of its own, which remembers what is meant for a listener who is away."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {folder}/\nuser root\nmax_queued_messages 0\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [str(MOSQUITTO), "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

        def is_up() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_for(is_up)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()  # it saves what it remembers
            self._process.wait()
            self._process = None


class Listener:
    """Hears each message once, also those that came while it or the broker was away."""

    def __init__(self, port: int) -> None:
        from paho.mqtt import client as paho

        self.heard: list[bytes] = []
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False)
        self.subscribed = False
        self.client.on_connect = lambda client, *_: client.subscribe("faces", qos=1)
        self.client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        self.client.on_message = self._hear
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        wait_for(lambda: self.subscribed)

    def _hear(self, _client: Any, _data: Any, message: Any) -> None:
        # A broker that was stopped says again what it does not know to have been heard; what a sender says twice
        # comes without this mark.
        if not (message.dup and message.payload in self.heard):
            self.heard.append(message.payload)

    def indices(self) -> list[int]:
        return [json.loads(m)["index"] for m in self.heard]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Broker(folder)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    listener = Listener(broker.port)
    yield listener
    listener.close()


def test_messages_arrive_in_order(tmp_path: Path, broker: Broker, listener: Listener) -> None:
    with Messages(Mqtt("127.0.0.1", "faces", broker.port), tmp_path / "s", linger_s=10) as sink:
        for n in range(200):
            sink.write(frame(n))
    assert (sink.state.delivered, sink.state.waiting) == (200, 0)
    wait_for(lambda: len(listener.heard) >= 200)
    assert listener.indices() == list(range(200))


def test_deepstreams_schema_arrives(tmp_path: Path, broker: Broker, listener: Listener) -> None:
    sink = Messages(Mqtt("127.0.0.1", "faces", broker.port), tmp_path / "s", form=deepstream_minimal, linger_s=10)
    with sink:
        sink.write(frame(7))
    wait_for(lambda: listener.heard)
    assert json.loads(listener.heard[0])["sensorId"] == "cam"


@pytest.mark.slow
def test_a_broker_that_is_away_for_a_while_gets_all_once(tmp_path: Path, broker: Broker, listener: Listener) -> None:
    with Messages(Mqtt("127.0.0.1", "faces", broker.port), tmp_path / "s", linger_s=20) as sink:
        for n in range(20):
            sink.write(frame(n))
        wait_for(lambda: sink.state.delivered == 20)
        broker.stop()
        slowest_s = 0.0
        for n in range(20, 60):
            start_s = time.perf_counter()
            sink.write(frame(n))
            slowest_s = max(slowest_s, time.perf_counter() - start_s)
            time.sleep(0.03)
        assert slowest_s < 1
        assert (sink.state.delivered, sink.state.waiting) == (20, 40)
        wait_for(lambda: "MQTT broker" in sink.state.last_error)
        broker.start()
        wait_for(lambda: sink.state.delivered == 60, 30)
        sink.write(frame(60))
    wait_for(lambda: len(listener.heard) >= 61, 20)
    time.sleep(0.3)  # in which nothing more may come
    assert listener.indices() == list(range(61))


@pytest.mark.slow
def test_what_a_killed_process_left_goes_out_in_the_next(tmp_path: Path, broker: Broker, listener: Listener) -> None:
    broker.stop()
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(broker.port), str(tmp_path / "s")], check=False)
    assert done.returncode == -9
    broker.start()
    with Messages(Mqtt("127.0.0.1", "faces", broker.port), tmp_path / "s", linger_s=20) as sink:
        sink.write(frame(40))
    wait_for(lambda: len(listener.heard) >= 41, 20)
    assert listener.indices() == list(range(41))


def test_wrong_topics() -> None:
    for topic in ("", "a/+", "#"):
        with pytest.raises(InputError, match="a topic to publish to"):
            Mqtt("a", topic)
