"""Messages to an MQTT broker."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from threading import Condition
from typing import Any

from faceir.errors import InputError, need

__all__ = ["Mqtt"]


class Mqtt:
    """A `Carrier` to `topic` of an MQTT 3.1.1 broker with QoS 1: the broker confirms each message.

    It connects in the background and again after a loss. `ca_file` turns on TLS, "" with the system's authorities.
    Raises `MissingExtra` without paho-mqtt.
    """

    def __init__(
        self,
        host: str,
        topic: str,
        port: int = 1883,
        *,
        user: str = "",
        password: str = "",
        ca_file: str | Path | None = None,
        client_id: str = "",
        keepalive_s: int = 30,
    ) -> None:
        need("mqtt")
        if not topic or set(topic) & set("+#\0"):
            raise InputError("topic", f"is {topic!r}", "a topic to publish to, such as cabin/faces, without + and #")
        self.refused = 0
        self._where, self._topic, self._keepalive_s = (host, port), topic, keepalive_s
        self._login, self._ca_file, self._client_id = (user, password), ca_file, client_id
        self._client: Any = None
        self._connected = False
        self._why = "not connected yet"
        self._changed = Condition()
        self._flying: deque[int] = deque()  # paho's numbers of messages that it sends until the broker confirms them
        self._confirmed: set[int] = set()

    def _connect(self) -> Any:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(CallbackAPIVersion.VERSION2, client_id=self._client_id)
        if self._login[0]:
            client.username_pw_set(*self._login)
        if self._ca_file is not None:
            client.tls_set(str(self._ca_file) or None)
        client.reconnect_delay_set(1, 15)
        client.on_connect = self._on_connect
        client.on_connect_fail = lambda *_: self._on_loss("cannot be reached")
        client.on_disconnect = lambda *given: self._on_loss(f"connection lost ({given[3]})")
        client.on_publish = self._on_publish
        client.connect_async(*self._where, keepalive=self._keepalive_s)
        client.loop_start()
        return client

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        with self._changed:
            self._connected = not reason.is_failure
            self._why = f"does not let us in ({reason})" if reason.is_failure else ""
            self._changed.notify()

    def _on_loss(self, why: str) -> None:
        with self._changed:
            # A refusal is told before the loss that follows from it.
            self._why = self._why if self._why.startswith("does not let") else why
            self._connected = False
            self._changed.notify()

    def _on_publish(self, _client: Any, _data: Any, number: int, _reason: Any, _properties: Any) -> None:
        with self._changed:
            self._confirmed.add(number)
            self._changed.notify()

    def deliver(self, messages: Sequence[bytes], timeout_s: float) -> int:
        """Publish those that are not on their way yet; how many of the first the broker has confirmed."""
        if self._client is None:
            self._client = self._connect()
        until_s = time.monotonic() + timeout_s
        with self._changed:
            self._changed.wait_for(lambda: self._connected, timeout_s)
            if not self._connected:
                raise ConnectionError(f"MQTT broker {self._where[0]}:{self._where[1]} {self._why}")
        for message in messages[len(self._flying) :]:
            self._flying.append(self._client.publish(self._topic, message, qos=1).mid)
        with self._changed:
            self._changed.wait_for(lambda: self._confirmed.issuperset(self._flying), until_s - time.monotonic())
            done = 0
            while self._flying and self._flying[0] in self._confirmed:
                self._confirmed.discard(self._flying.popleft())
                done += 1
        return done

    def close(self) -> None:
        """Take leave of the broker."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None
        self._connected = False
        self._flying.clear()
        self._confirmed.clear()
