"""Frames as messages to somebody over a network who may be away for a while."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from faceir.errors import InputError
from faceir.flow import Frame
from faceir.runtime.sinks.labels import unsigned_id
from faceir.runtime.sinks.lines import record
from faceir.runtime.sinks.spool import Spool
from faceir.runtime.sources import public_text

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Carrier", "Form", "MessageState", "Messages", "deepstream_minimal"]

_log = logging.getLogger(__name__)
_BATCH = 32
_RETRY_S = (0.5, 30.0)  # after a failure; doubles up to the second
_WALL_TIME_S = 1e8  # times above are seconds since 1970, below seconds of a film

Form: TypeAlias = Callable[[Frame, Sequence[str]], dict[str, Any]]
"""What a message says of a frame, given the names of the classes: `record` or `deepstream_minimal`."""


def deepstream_minimal(frame: Frame, classes: Sequence[str] = ("face",)) -> dict[str, Any]:
    """DeepStream's minimal schema (`msg-conv-payload-type=1`): `id|left|top|right|bottom|label` for each face.

    The sensor is the frame's source; pixels have six significant digits, as there. The time is the camera's, or now.
    """
    when_s = frame.time_s if frame.time_s > _WALL_TIME_S else time.time()
    when = datetime.fromtimestamp(when_s, timezone.utc)
    found = frame.detections
    objects = []
    for xyxy, label, track in zip(found.xyxy.tolist(), found.labels.tolist(), found.track_ids.tolist(), strict=True):
        name = classes[label] if 0 <= label < len(classes) else "DontCare"
        objects.append("|".join([str(unsigned_id(track)), *(f"{v:g}" for v in xyxy), name]))
    return {
        "version": "4.0",
        "id": str(frame.index),
        "@timestamp": f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z",
        "sensorId": frame.source,
        "objects": objects,
    }


class Carrier(Protocol):
    """Brings messages to where they should be."""

    refused: int
    """Messages that the other side will never take; they count as delivered."""

    def deliver(self, messages: Sequence[bytes], timeout_s: float) -> int:
        """How many of the first are certain to be there; more may be on their way and are given again the next time.

        Raises `OSError` when nobody is there to take them.
        """

    def close(self) -> None:
        """Let go of the connection."""


@dataclass(frozen=True)
class MessageState:
    """How a `Messages` sink stands."""

    waiting: int
    """On disk."""
    delivered: int
    refused: int
    lost: int
    """Not taken since the spool was at its limit."""
    last_error: str


class Messages:
    """A message for every frame, by way of a file: `write` never waits for the network, and nothing is sent twice.

    While the other side is away messages wait in the file `spool`, at most `limit_bytes` of them (the oldest are
    kept, those beyond counted as lost and told once), and go out in order when it is back, in the next run too.
    A message whose receipt was lost on the way goes out again. `every` N-th frame of each source is told, and with
    `faces_only` only those with faces. Leaving waits up to `linger_s` for what can be delivered at once.
    """

    reopens = True

    def __init__(
        self,
        carrier: Carrier,
        spool: str | Path,
        classes: Sequence[str] = ("face",),
        form: Form = record,
        *,
        every: int = 1,
        faces_only: bool = False,
        limit_bytes: int = 64 << 20,
        linger_s: float = 2.0,
    ) -> None:
        if every < 1:
            raise InputError("every", f"is {every}", "1 or more")
        self._carrier, self._path, self._limit, self._linger_s = carrier, Path(spool), limit_bytes, linger_s
        self._form, self._classes, self._every, self._faces_only = form, classes, every, faces_only
        self._seen: Counter[str] = Counter()
        self._spool: Spool | None = None
        self._changed = Condition()
        self._leave_at_s: float | None = None
        self._delivered = self._lost = 0
        self._last_error = ""

    @property
    def state(self) -> MessageState:
        """How it stands now."""
        waiting = 0 if self._spool is None else len(self._spool)
        return MessageState(waiting, self._delivered, self._carrier.refused, self._lost, self._last_error)

    def write(self, frame: Frame) -> None:
        """Put the frame's message on disk; only inside `with`. Raises `InputError` when the disk is full."""
        assert self._spool is not None, "Messages is used in `with`"
        seen, self._seen[frame.source] = self._seen[frame.source], self._seen[frame.source] + 1
        if seen % self._every or (self._faces_only and not len(frame.detections)):
            return
        if self._spool.append(json.dumps(self._form(frame, self._classes), separators=(",", ":")).encode()):
            with self._changed:
                self._changed.notify()
            return
        if not self._lost:
            _log.warning("%s: %d bytes wait, which is its limit; new messages are lost", self._path, self._limit)
        self._lost += 1

    def _send(self, spool: Spool) -> None:
        """The sender's thread."""
        pause_s = _RETRY_S[0]
        while True:
            batch = spool.first(_BATCH)
            left_s = self._left_s()
            if left_s <= 0 or (self._leave_at_s is not None and not batch):
                return
            if not batch:
                with self._changed:
                    self._changed.wait_for(lambda: len(spool) or self._leave_at_s is not None)
                continue
            try:
                done = self._carrier.deliver(batch, min(5.0, left_s))
            except Exception as error:  # whatever a library raises, messages are to wait, not to pile up unseen
                done = 0
                self._told(public_text(str(error)) or type(error).__name__)
            spool.taken(batch[:done])
            self._delivered += done
            if done:
                pause_s = _RETRY_S[0]
                continue
            self._pause(pause_s)
            pause_s = min(2 * pause_s, _RETRY_S[1])

    def _pause(self, pause_s: float) -> None:
        """Wait; when somebody begins to leave meanwhile, for a short time only, as there is one more try."""
        with self._changed:
            leaving = self._leave_at_s is not None
            self._changed.wait_for(lambda: not leaving and self._leave_at_s is not None, min(pause_s, self._left_s()))

    def _left_s(self) -> float:
        return float("inf") if self._leave_at_s is None else self._leave_at_s - time.monotonic()

    def _told(self, error: str) -> None:
        if error != self._last_error:
            _log.warning("%s: %s; messages wait on disk", self._path, error)
        self._last_error = error

    def __enter__(self) -> Self:
        self._spool = Spool(self._path, self._limit)
        self._leave_at_s = None
        self._thread = Thread(target=self._send, args=(self._spool,), name=f"messages {self._path.name}", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._leave_at_s = time.monotonic() + self._linger_s
            self._changed.notify()
        self._thread.join()
        self._carrier.close()
        if self._spool is not None:
            self._spool.close()
