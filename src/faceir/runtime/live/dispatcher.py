"""The thread that leads frames: from the mux to the detector, and with its answer through the stages to the sinks."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque

from faceir.detections import Detections
from faceir.flow import DARK, FAILED, UNSEEN, Drop, Frame
from faceir.runtime.live.course import Course
from faceir.runtime.live.inference import Inference, Ticket
from faceir.runtime.live.mux import Mux
from faceir.runtime.live.state import Passage
from faceir.runtime.sources.public import PublicTrace

__all__ = ["Dispatcher", "line_length"]

_log = logging.getLogger(__name__)

_HEARTBEAT_S = 0.25
"""It looks around at least this often, as nobody rings when a sink has been blocked for long enough."""


def line_length(inference: Inference) -> int:
    """Frames that are on their way at most: those that keep the detector busy, one to follow, one to leave."""
    return inference.depth + 2


class Dispatcher:
    """Frames leave in the order in which they were taken. `bell` rings when there may be something to do."""

    def __init__(
        self, mux: Mux[Course], inference: Inference, lock: threading.RLock, bell: threading.Condition, stall_s: float
    ) -> None:
        self._mux, self._inference, self._lock, self._bell = mux, inference, lock, bell
        self._stall_s = stall_s
        self._line: deque[tuple[Course, Ticket]] = deque()
        self._line_length = line_length(inference)
        self.stop_by_s = math.inf
        """Once this is set nothing more is taken, and waiting for the detector ends at that time."""
        self.bug: Exception | None = None
        """What ended it before its time."""
        self._at: Course | None = None
        """Whose step it is in, if any."""
        self.thread = self._new_thread()
        """The one that leads; another takes its place when it hangs."""

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._dispatch, name="faceir dispatcher", daemon=True)

    def overtake(self, after_s: float) -> None:
        """Have another thread lead on if this one has been in one stream's step for longer than `after_s`.

        The step keeps its thread and that stream for itself until it has caught up, so that no stage is ever called
        twice at once and no frame passes one. Only that stream's frames wait.
        """
        with self._lock:
            course = self._at
            if course is None or not (within := course.within) or course.within_s() <= after_s:
                return
            course.aside, self._at = True, None
            course.ledger.last_error = f"{within[0]} has not returned for {course.within_s():.1f} s"
            self.thread = self._new_thread()
            self.thread.start()

    def _dispatch(self) -> None:
        me = threading.current_thread()
        try:
            while (due := self._next()) is not None:
                course, thing = due
                if isinstance(thing, Frame):
                    self._begin(course, thing)
                else:
                    self._finish(course, thing)
                if self.thread is not me:
                    self._catch_up(course)
                    return
        except Exception as error:  # of ours: stages and the detector have their own places
            _log.error("the dispatcher failed: %s", PublicTrace(error))
            self.bug = error

    def _next(self) -> tuple[Course, Frame | Ticket] | None:
        """A ticket that leaves the line or a frame that joins it, waited for; None when all is led to its end."""
        with self._lock:
            while True:
                if self._leaving():
                    return self._line.popleft()
                if taken := self._take():
                    return taken
                if self.stop_by_s < math.inf and not self._line:
                    return None
                due_s = min(self._line[0][1].due_s, self.stop_by_s) if self._line else math.inf
                self._bell.wait(min(max(due_s - time.monotonic(), 0), _HEARTBEAT_S))

    def _catch_up(self, course: Course) -> None:
        """Lead the frames of a stream whose step hung, until none waits, and give the stream back."""
        while True:
            with self._lock:
                if not course.parked:
                    course.aside = False
                    self._bell.notify()
                    return
                frame, passage = course.parked.popleft()
            self._through(course, frame, passage)

    def _take(self) -> tuple[Course, Frame] | None:
        """The next frame to begin with, while the line has room for it."""
        if self.stop_by_s < math.inf or len(self._line) >= self._line_length or not (taken := self._mux.take()):
            return None
        taken[0].on_the_way += 1
        return taken

    def _leaving(self) -> bool:
        """Whether the first in the line is ready, or was waited for long enough."""
        if not self._line:
            return False
        ticket = self._line[0][1]
        return ticket.settled or time.monotonic() >= min(ticket.due_s, self.stop_by_s)

    def _begin(self, course: Course, frame: Frame) -> None:
        """Join the line: ask the detector, unless there is a reason not to."""
        stream, ticket = course.stream, Ticket(frame)
        dark, error = False, ""
        if stream.dark is not None:
            with self._lock:
                self._at, course.within = course, ("dark gate", time.monotonic())
            try:
                dark = stream.dark(frame.gray)
            except Exception as raised:  # a gate that is broken is no reason not to look
                error = f"dark gate: {raised}"
        with self._lock:
            self._step_over(course)
            course.ledger.last_error = error or course.ledger.last_error
            if dark:
                ticket.frame = frame.with_event(DARK).with_event(UNSEEN)
                ticket.settle(Detections())
                course.ledger.dark += 1
            elif course.passed < stream.interval:
                course.passed += 1
                ticket.frame = frame.with_event(UNSEEN)
                ticket.settle(Detections())
            elif course.live and self._inference.stuck_s:
                ticket.settle(error="detector: still does not answer")
            else:
                course.passed = 0
                ticket.due_s = time.monotonic() + self._stall_s
                self._inference.ask(ticket)
            course.ledger.unseen += UNSEEN in ticket.frame.events
            self._line.append((course, ticket))

    def _finish(self, course: Course, ticket: Ticket) -> None:
        """Leave the line, with what is known of the faces."""
        ledger, frame = course.ledger, ticket.frame
        with self._lock:
            if not ticket.settled:
                self._inference.give_up(ticket, f"detector: no answer within {self._stall_s:g} s")
            if ticket.found is None:
                ledger.failed += 1
                ledger.last_error = ticket.error
                frame = frame.with_event(FAILED)
            frame = frame.with_detections(ticket.found or Detections())
            passage = ticket.passage()
            if course.aside:
                course.parked.append((frame, passage))
                return
            self._at = course
        self._through(course, frame, passage)

    def _through(self, course: Course, frame: Frame, passage: Passage) -> None:
        """Through the stages to the sinks."""
        ledger = course.ledger
        try:
            for name, stage in course.steps:
                course.within = (name, time.monotonic())
                frame = stage(frame)
        except Drop:
            with self._lock:
                ledger.filtered += 1
        except Exception as error:  # what is not processed to the end, such as redacted, is shown to nobody
            _log.debug("a stage of stream %s failed: %s", course.stream.name, PublicTrace(error))
            with self._lock:
                ledger.lost += 1
                ledger.last_error = f"{type(error).__name__} in a stage: {error}"
        else:
            with self._lock:
                for outlet in course.outlets:
                    outlet.give(frame, course.live)
                ledger.left(frame.arrived_s, len(frame.detections))
                course.last, course.passage = frame, passage
        with self._lock:
            self._step_over(course)
            course.on_the_way -= 1

    def _step_over(self, course: Course) -> None:
        """It is in no step of `course` any more. The caller holds the lock."""
        course.within = None
        if self.thread is threading.current_thread():
            self._at = None
