"""The one thread that talks to the detector, so that nobody else waits when it does not answer."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from faceir import flow
from faceir.detections import Detections
from faceir.flow import Frame
from faceir.runtime.live.state import Passage
from faceir.runtime.pipeline import Pending, Submitter
from faceir.runtime.sources.public import PublicTrace

__all__ = ["Inference", "Ticket"]

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Ticket:
    """One frame on its way, and what is known of its faces."""

    frame: Frame
    due_s: float = math.inf
    """When waiting for its faces ends, on `time.monotonic()`'s clock."""
    settled: bool = False
    """Nothing more will come: the faces are found, or it failed, or it was never asked about."""
    found: Detections | None = None
    """None once it is settled: it failed, see `error`."""
    error: str = ""
    begun_s: float = 0.0
    """When the detector began with it, on `time.monotonic()`'s clock; 0 = it did not."""
    settled_s: float = 0.0
    together: int = 0
    """Frames that the detector was at work on when it began with this one, itself among them."""

    def begin(self, together: int) -> None:
        """The detector has it. The caller holds the lock."""
        self.begun_s, self.together = time.monotonic(), together

    def settle(self, found: Detections | None = None, error: str = "") -> None:
        """Have the outcome."""
        self.found, self.error, self.settled, self.settled_s = found, error, True, time.monotonic()

    def passage(self) -> Passage:
        """What became of it until it was settled."""
        begun_s = self.begun_s or self.settled_s
        waited_s = begun_s - (self.frame.arrived_s or begun_s)
        return Passage(waited_s * 1e3, (self.settled_s - begun_s) * 1e3, self.together)


class Inference:
    """Asks `detector` about tickets in a thread of its own; `bell` rings when one is settled.

    A detector with `submit` and `concurrency` gets as many pictures as keep it busy, each as soon as it is there. Any
    other callable gets lists of up to `batch_size`, which are waited for up to `push_timeout_s` after the first.
    """

    def __init__(
        self,
        detector: flow.Detector,
        lock: threading.RLock,
        bell: threading.Condition,
        batch_size: int,
        push_timeout_s: float,
    ) -> None:
        self._detector, self._lock, self._bell = detector, lock, bell
        self._batch_size, self._push_timeout_s = batch_size, push_timeout_s
        self._asked: deque[Ticket] = deque()
        self._wake = threading.Condition(lock)
        self._closed = False
        self._stuck_since_s = 0.0
        submits = hasattr(detector, "submit")
        self.depth: int = cast(Submitter, detector).concurrency if submits else batch_size
        """Tickets that keep it busy."""
        work: Callable[[], None] = self._submit_each if submits else self._ask_batches
        self.thread = threading.Thread(target=work, name="faceir inference", daemon=True)

    @property
    def stuck_s(self) -> float:
        """How long it has worked at something that was given up, so that a new question would wait in vain; else 0."""
        return time.monotonic() - self._stuck_since_s if self._stuck_since_s else 0.0

    def start(self) -> None:
        """Begin."""
        self.thread.start()

    def close(self) -> None:
        """End when what was asked is answered; see `thread`."""
        with self._lock:
            self._closed = True
            self._wake.notify()

    def ask(self, ticket: Ticket) -> None:
        """Find the faces on the ticket's frame. The caller holds the lock."""
        self._asked.append(ticket)
        self._wake.notify()

    def give_up(self, ticket: Ticket, error: str) -> None:
        """Wait for it no more; an answer that comes later is thrown away. The caller holds the lock."""
        ticket.settle(error=error)
        if ticket in self._asked:
            self._asked.remove(ticket)
        else:
            self._stuck_since_s = self._stuck_since_s or time.monotonic()

    def _answer(self, ticket: Ticket, found: Detections | None, error: Exception | None = None) -> None:
        if error is None and not isinstance(found, Detections):
            found, error = None, TypeError(f"it answered with {type(found).__name__}, wanted Detections")
        if error is not None:
            _log.debug("the detector failed: %s", PublicTrace(error))
        with self._lock:
            self._stuck_since_s = 0.0
            if not ticket.settled:
                ticket.settle(found, f"detector: {error}" if error else "")
                self._bell.notify()

    def _submit_each(self) -> None:
        submitter = cast(Submitter, self._detector)
        flying: deque[tuple[Ticket, Pending]] = deque()
        while True:
            ticket = None
            with self._lock:
                while not (self._asked or flying or self._closed):
                    self._wake.wait()
                if self._asked and len(flying) < self.depth:
                    ticket = self._asked.popleft()
                    ticket.begin(len(flying) + 1)
                elif not flying:
                    return
            if ticket is not None:
                try:
                    flying.append((ticket, submitter.submit(ticket.frame.gray)))
                except Exception as error:
                    self._answer(ticket, None, error)
            # With nothing to submit there is time to wait for the first; else it is taken when it is there.
            if flying and (ticket is None or _done(flying[0][1])):
                self._collect(*flying.popleft())

    def _collect(self, ticket: Ticket, pending: Pending) -> None:
        try:
            found = pending.result()
        except Exception as error:
            self._answer(ticket, None, error)
        else:
            self._answer(ticket, found)

    def _ask_batches(self) -> None:
        while True:
            with self._lock:
                while not (self._asked or self._closed):
                    self._wake.wait()
                if not self._asked:
                    return
                self._wake.wait_for(self._enough, self._push_timeout_s)
                batch = [self._asked.popleft() for _ in range(min(self._batch_size, len(self._asked)))]
                for ticket in batch:
                    ticket.begin(len(batch))
            if batch:  # else all were given up meanwhile
                self._ask_together(batch)

    def _enough(self) -> bool:
        return len(self._asked) >= self._batch_size or self._closed

    def _ask_together(self, batch: list[Ticket]) -> None:
        try:
            found = self._detector([ticket.frame.gray for ticket in batch])
            pairs = list(zip(batch, found, strict=True))
        except Exception as error:
            if len(batch) == 1:
                self._answer(batch[0], None, error)
                return
            for ticket in batch:  # one bad picture must not spoil the others
                self._ask_together([ticket])
            return
        for ticket, faces in pairs:
            self._answer(ticket, faces)


def _done(pending: Pending) -> bool:
    try:
        return pending.done()
    except Exception:
        return True  # and `result` will say why
