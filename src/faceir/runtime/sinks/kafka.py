"""Messages to a Kafka topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from faceir.errors import need

__all__ = ["Kafka"]

_DECIDED_S = 4.0


class Kafka:
    """A `Carrier` to `topic` of the Kafka cluster at `servers`, "host:9092,host:9092", acknowledged by all replicas.

    `settings` are librdkafka's own. Raises `MissingExtra` without confluent-kafka.
    """

    def __init__(self, servers: str, topic: str, settings: Mapping[str, str] | None = None) -> None:
        need("kafka")
        self.refused = 0
        self._topic = topic
        self._settings = {
            "bootstrap.servers": servers,
            "enable.idempotence": "true",  # in order and, within a run, once
            "message.timeout.ms": str(round(_DECIDED_S * 1000)),
            **(settings or {}),
        }
        self._producer: Any = None

    def deliver(self, messages: Sequence[bytes], timeout_s: float) -> int:
        """How many of the first were acknowledged; the fate of each is known when this returns."""
        import confluent_kafka

        if self._producer is None:
            self._producer = confluent_kafka.Producer(self._settings)
        fates: dict[int, str] = {}

        def told(number: int) -> Any:
            return lambda error, _message: fates.__setitem__(number, str(error) if error is not None else "")

        for number, message in enumerate(messages):
            self._producer.produce(self._topic, message, on_delivery=told(number))
        self._producer.flush(max(timeout_s, _DECIDED_S + 1))
        done = next((n for n in range(len(messages)) if fates.get(n, "no answer")), len(messages))
        if done == 0:
            raise ConnectionError(f"Kafka: {fates.get(0, 'no answer')}")
        return done

    def close(self) -> None:
        """Let go of the cluster."""
        self._producer = None
