"""Many streams through one detector: readers, a mux, the detector, each stream's stages, sinks.

One thread reads each stream, one asks the detector, one serves each sink, and one, the dispatcher, leads frames from
one to the next and runs the stages. All queues are bounded and one lock guards them all: nothing is done under it
that takes more than microseconds. Whoever blocks or fails, the others go on, and the state tells.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from faceir import flow
from faceir.errors import FaceirError, InputError
from faceir.flow import Frame, Sink
from faceir.runtime.live.course import Course, Stream
from faceir.runtime.live.dispatcher import Dispatcher, line_length
from faceir.runtime.live.inference import Inference
from faceir.runtime.live.mux import Mux
from faceir.runtime.live.outlet import Outlet
from faceir.runtime.live.state import Condition, Hang, StreamState
from faceir.runtime.live.watchdog import Watchdog
from faceir.runtime.sources.public import PublicTrace, public_text

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Engine", "Stream"]

_log = logging.getLogger(__name__)

_HANGING_S = 0.3
"""How long a thread that hangs in a source or the detector is waited for; it leaves when that lets it."""
_DRAIN_S = 0.5
"""How long stopping waits for the detector."""


class Engine:
    """Runs streams through `detector` until they end or are removed; use it in `with`, or call `run`.

    Any callable serves as detector; one with `submit` and `concurrency` works on as many pictures at once, others are
    given lists of up to `batch_size`, after waiting up to `push_timeout_s` for them to fill. A frame whose faces
    are not there after `stall_s` is given out with the event FAILED and none. A stage that has not returned for
    `stall_s` holds up its own stream alone. A sink that has not returned for `patience_s`, in which files wait for it,
    is cut off until it does; when all ends, sinks have `leave_s` to finish. Such hangs are in `states` and the log.

    All methods may be called from any thread.
    """

    def __init__(
        self,
        detector: flow.Detector,
        *,
        batch_size: int = 1,
        push_timeout_s: float = 0.04,
        stall_s: float = 2.0,
        patience_s: float = 10.0,
        leave_s: float = 10.0,
    ) -> None:
        if batch_size < 1:
            raise InputError("batch_size", f"is {batch_size}", "1 or more")
        self._stall_s, self._patience_s, self._leave_s = stall_s, patience_s, leave_s
        self._lock = threading.RLock()
        self._bell = threading.Condition(self._lock)  # only the dispatcher waits for it
        self._mux: Mux[Course] = Mux(self._lock, self._bell)
        self._inference = Inference(detector, self._lock, self._bell, batch_size, push_timeout_s)
        self._dispatcher = Dispatcher(self._mux, self._inference, self._lock, self._bell, stall_s)
        self._courses: dict[str, Course] = {}
        self._outlets: dict[int, Outlet] = {}
        self._started = self._stopping = False
        self._stopped = threading.Event()
        self._stopped_by: threading.Thread | None = None
        self._watchdog = Watchdog(self._look, self._stopped)

    # Streams come and go

    def add(self, stream: Stream) -> None:
        """Take in a stream, at once when running. Raises `InputError` for a name that is taken, or after `stop`."""
        if stream.interval < 0:
            raise InputError(stream.name, f"interval is {stream.interval}", "0 or more")
        with self._lock:
            if stream.name in self._courses:
                raise InputError(stream.name, "is the name of a stream already", "another name")
            if self._stopping:
                raise InputError(stream.name, "comes too late, the engine was stopped", "an engine that runs")
            course = Course(stream, [self._outlet(sink) for sink in stream.sinks], self._lock)
            self._courses[stream.name] = course
            self._mux.add(course)
            if self._started:
                self._start_reader(course)

    def _outlet(self, sink: Sink) -> Outlet:
        outlet = self._outlets.get(id(sink))
        if outlet is None:
            outlet = Outlet(sink, self._lock, self._ring, line_length(self._inference), self._patience_s)
            self._outlets[id(sink)] = outlet
            if self._started:
                outlet.start()
        outlet.users += 1
        return outlet

    def _ring(self) -> None:
        with self._lock:
            self._bell.notify()

    def _start_reader(self, course: Course) -> None:
        name = f"faceir read {course.stream.name}"
        course.reader = threading.Thread(target=self._read, args=(course,), name=name, daemon=True)
        course.reader.start()

    def remove(self, name: str) -> None:
        """Let go of a stream: what is on its way still goes out, and sinks that no other stream uses are left.

        Raises `InputError` for a name that there is not.
        """
        name = public_text(name)
        with self._lock:
            course = self._courses.get(name)
            if course is None:
                known = ", ".join(self._courses) or "none"
                raise InputError(name, "is not the name of a stream", f"one of: {known}")
            course.ledger.become("removed")
            course.ledger.dropped += self._mux.close(course)
        course.hang_up()
        deadline_s = time.monotonic() + self._stall_s + _DRAIN_S
        while course.on_the_way and time.monotonic() < deadline_s and self._dispatcher.thread.is_alive():
            time.sleep(0.002)
        with self._lock:
            if self._courses.pop(name, None) is None:
                return  # somebody else was quicker
            for outlet in course.outlets:
                outlet.users -= 1
                forget = getattr(outlet.sink, "forget", None)
                if outlet.users and forget is not None:  # as of tiles, of which one is free now
                    forget(name)
            unused = [outlet for outlet in dict.fromkeys(course.outlets) if not outlet.users]
            for outlet in unused:
                del self._outlets[id(outlet.sink)]
        self._leave(unused)
        if course.reader is not None:
            course.reader.join(_HANGING_S)

    def _leave(self, outlets: Sequence[Outlet]) -> None:
        """Leave sinks, all at once."""
        leave_by_s = time.monotonic() + self._leave_s
        for outlet in outlets:
            outlet.close(leave_by_s)
        for outlet in outlets:
            outlet.join()

    # Start and end

    def start(self) -> None:
        """Begin; a second call does nothing."""
        with self._lock:
            if self._started:
                return
            self._started = True
            self._inference.start()
            self._dispatcher.thread.start()
            self._watchdog.start()
            for outlet in self._outlets.values():
                outlet.start()
            for course in self._courses.values():
                self._start_reader(course)

    def run(self, until: threading.Event | None = None, stay: bool = False) -> None:
        """Start, wait until all streams are at their end, or `until` is set, or `stop` was called, then stop.

        With `stay`, go on when no stream is left, for those that are yet to be added. What went wrong with a stream
        or a sink is not raised; `states` tells it, also afterwards.
        """
        with self:
            # Neither lock nor event is waited for here, so that a signal's handler may call `stop`.
            while not (self._stopping or self._dispatcher.bug or (until is not None and until.is_set())):
                if not stay and self._all_over():
                    break
                time.sleep(0.02)
        if self._dispatcher.bug is not None:
            raise self._dispatcher.bug

    def _all_over(self) -> bool:
        with self._lock:
            return all(
                course.over() or (course.aside and course.within_s() > self._patience_s)
                for course in self._courses.values()
            )

    def stop(self) -> None:
        """End it: readers end, what is on its way goes out, sinks are left, so that files are whole. May be repeated.

        Takes about a second, and up to `leave_s` for sinks that are slow to finish.
        """
        me = threading.current_thread()
        with self._lock:
            first, self._stopping = not self._stopping, True
            self._stopped_by = me if first else self._stopped_by
        if not first:
            if self._stopped_by is not me:  # as when a signal's handler interrupts stopping
                self._stopped.wait()
            return
        with self._lock:
            self._dispatcher.stop_by_s = time.monotonic() + _DRAIN_S
            for course in self._courses.values():
                course.ledger.dropped += self._mux.close(course)
            self._bell.notify()
        for course in list(self._courses.values()):
            course.hang_up()
        if self._started:
            self._drain()
            self._leave(list(self._outlets.values()))
            self._inference.close()
            threads = [self._inference.thread, *(c.reader for c in list(self._courses.values()) if c.reader)]
            deadline_s = time.monotonic() + _HANGING_S
            for thread in threads:
                if thread is not me:
                    thread.join(max(deadline_s - time.monotonic(), 0))
        self._stopped.set()

    def _drain(self) -> None:
        """Wait until what is on its way is out, but for the streams whose stages hang."""
        deadline_s = time.monotonic() + 3 * _DRAIN_S
        while (thread := self._dispatcher.thread).is_alive() and time.monotonic() < deadline_s:
            if thread is threading.current_thread():
                return
            thread.join(_DRAIN_S / 5)
            self._dispatcher.overtake(_DRAIN_S)
        with self._lock:
            for course in self._courses.values():
                if course.aside and (within := course.within):
                    course.report("failed", f"{within[0]} has not returned for {course.within_s():.1f} s")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # To watch

    def report(self, name: str, condition: Condition, reason: str = "") -> None:
        """For sources to tell how they are, and why, or for `playing` what they play; kept for `states`."""
        with self._lock:
            course = self._courses.get(public_text(name))
            if course is not None:
                course.report(condition, reason)

    def states(self) -> list[StreamState]:
        """Each stream as it is now, in the order in which they were added."""
        with self._lock:
            detector_s = self._inference.stuck_s
            return [course.state(detector_s) for course in self._courses.values()]

    def last(self, name: str) -> Frame | None:
        """The last frame of a stream that its sinks got, after its stages; None when there is none."""
        with self._lock:
            course = self._courses.get(public_text(name))
            return course.last if course else None

    def _look(self) -> list[tuple[str, Hang]]:
        """What hangs, after seeing to it that it holds up no other stream."""
        self._dispatcher.overtake(self._stall_s)
        with self._lock:
            detector_s = self._inference.stuck_s
            return [(name, hang) for name, course in self._courses.items() for hang in course.hanging(detector_s)]

    # Readers

    def _read(self, course: Course) -> None:
        condition: Condition = "ended"
        reason = ""
        try:
            source = course.source = course.stream.open()
            entered: Any = source if hasattr(source, "__enter__") else nullcontext()
            with entered:
                if course.closed:  # meanwhile; nobody could tell the source to stop
                    course.hang_up()
                for frame in source:
                    # Asked anew each time: some sources know only when they play that it is a recording.
                    course.live = bool(getattr(source, "live", False))
                    if not self._arrive(course, frame):
                        break
        except FaceirError as error:
            condition, reason = "failed", str(error)
        except Exception as error:
            _log.error("the source of stream %s failed: %s", course.stream.name, PublicTrace(error))
            condition, reason = "failed", f"{type(error).__name__}: {error}"
        with self._lock:
            course.read = True
            if condition == "failed" or course.ledger.condition != "failed":  # as of a stage that hung when all ended
                course.report(condition, reason)

    def _arrive(self, course: Course, frame: Frame) -> bool:
        if not frame.arrived_s:
            frame = replace(frame, arrived_s=time.monotonic())
        with self._lock:
            if course.closed:
                return False
            course.ledger.arrived()
            taken, dropped = self._mux.put(course, frame)
            course.ledger.dropped += dropped + (not taken)
        return taken
