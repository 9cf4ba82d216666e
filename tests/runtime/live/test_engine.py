from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from faceir.detections import Detections
from faceir.errors import InputError, StreamError
from faceir.flow import DARK, FAILED, UNSEEN, Drop, Frame, Image, Source
from faceir.runtime.detector import Detector
from faceir.runtime.live.debug import debug_lines, debug_table, look
from faceir.runtime.live.engine import Engine, Stream
from faceir.runtime.live.mux import FILE_DEPTH
from faceir.runtime.live.outlet import BACKLOG
from faceir.runtime.live.state import StreamState
from faceir.runtime.live.watch import PerfLines, table
from faceir.testing import ListSink, ListSource
from tests.runtime.live.doubles import (
    PATIENCE_S,
    Background,
    Failing,
    Film,
    Gated,
    by_picture,
    faces,
    picture,
    wait_until,
)

MAKES = pytest.mark.parametrize("make", [lambda: by_picture, Background])


def stream(name: str, source: Film, sink: ListSink, **rest: object) -> Stream:
    return Stream(name, lambda: source, sinks=(sink,), **rest)  # type: ignore[arg-type]


def balanced(state: StreamState) -> bool:
    """Every frame has its place."""
    return state.frames_in == state.frames_out + state.dropped + state.filtered + state.lost


def indices(sink: ListSink) -> list[int]:
    return [frame.index for frame in sink.frames]


@MAKES
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("count", [0, 1, 3, 60])
def test_many_files_give_what_each_gives_alone(make: Callable[[], Background], batch_size: int, count: int) -> None:
    sinks = [ListSink() for _ in range(5)]
    engine = Engine(make(), batch_size=batch_size, push_timeout_s=0.001)
    for n, sink in enumerate(sinks):
        engine.add(stream(f"s{n}", Film(count, n), sink))
    engine.run()
    for n, sink in enumerate(sinks):
        assert indices(sink) == list(range(count))
        assert [f.detections for f in sink.frames] == [faces(picture(i, n)) for i in range(count)]
        assert all(f.events == () for f in sink.frames)
        assert sink.closed
    for state in engine.states():
        assert (state.condition, state.frames_in, state.frames_out, state.faces) == ("ended", count, count, count)


def test_the_real_detector_finds_in_many_streams_what_it_finds_in_pictures(
    square_model: Path, square_picture: Callable[..., Image]
) -> None:
    detector = Detector(square_model, threads=1)
    pictures = [np.roll(square_picture(), 8 * n, axis=1) for n in range(12)]
    sinks = [ListSink() for _ in range(3)]
    engine = Engine(detector)
    for n, sink in enumerate(sinks):
        engine.add(Stream(str(n), lambda n=n: ListSource(pictures[n:]), sinks=(sink,)))  # type: ignore[misc]
    engine.run()
    wanted = detector.detect(pictures)
    assert sum(len(found) for found in wanted) > 0
    for n, sink in enumerate(sinks):
        assert [f.detections for f in sink.frames] == wanted[n:]


def test_what_is_in_flight_is_bounded_and_files_wait() -> None:
    detector, sink, film = Background(), Gated(), Film(500)
    engine = Engine(detector)
    engine.add(stream("film", film, sink))
    with engine:
        assert sink.inside.wait(5)
        wait_until(lambda: len(engine._outlets[id(sink)]._queue) > BACKLOG)
        time.sleep(0.05)  # enough for many more frames, if something let them through
        way = detector.concurrency + 2
        assert film.given <= 1 + BACKLOG + way + FILE_DEPTH + 2
        sink.gate.set()
        wait_until(lambda: len(sink.frames) == 500)
    assert indices(sink) == list(range(500))
    assert detector.most <= detector.concurrency
    assert detector.in_flight == 0


def test_live_streams_keep_their_newest_frame_and_drop_alike() -> None:
    class Slow(Background):
        concurrency = 1

        def submit(self, image: Image):  # type: ignore[no-untyped-def]
            time.sleep(0.004)
            return super().submit(image)

    sinks = [ListSink() for _ in range(4)]
    engine = Engine(Slow())
    for n, sink in enumerate(sinks):
        # One camera is much faster than the others, which must not cost them anything.
        engine.add(stream(f"cam{n}", Film(10_000, n, live=True, every_s=0.001 if n == 0 else 0.004), sink))
    with engine:
        wait_until(lambda: min(len(sink.frames) for sink in sinks) >= 25)
        engine.stop()
    out = [state.frames_out for state in engine.states()]
    # First come, first served would give the fast one four times as much; a busy machine starves a thread now and then.
    assert max(out) <= 2 * min(out)
    for state, sink in zip(engine.states(), sinks, strict=True):
        assert state.dropped > 0
        assert balanced(state)
        assert indices(sink) == sorted(set(indices(sink)))


def test_a_camera_that_is_alone_waits_for_nobody() -> None:
    """Frame n is out before frame n + 1 comes."""
    go, sink = threading.Semaphore(0), ListSink()
    engine = Engine(Background())
    engine.add(stream("cam", Film(10, live=True, go=go), sink))
    with engine:
        for n in range(10):
            go.release()
            wait_until(lambda n=n: len(sink.frames) == n + 1)  # type: ignore[misc]
        assert engine.last("cam") is sink.frames[-1]
    (state,) = engine.states()
    assert (state.dropped, state.frames_out) == (0, 10)


@pytest.mark.parametrize("interval", [0, 1, 4])
def test_between_two_frames_that_are_looked_at_are_some_that_are_not(interval: int) -> None:
    detector, sink = Background(), ListSink()
    engine = Engine(detector)
    engine.add(stream("film", Film(20), sink, interval=interval))
    engine.run()
    looked = list(range(0, 20, interval + 1))
    assert [f.index for f in sink.frames if f.events == ()] == looked
    assert [f.index for f in sink.frames if f.events == (UNSEEN,)] == [n for n in range(20) if n not in looked]
    assert all(len(f.detections) == (f.index in looked) for f in sink.frames)
    assert detector.asked == len(looked)
    assert engine.states()[0].unseen == 20 - len(looked)


def test_dark_frames_are_not_looked_at() -> None:
    detector, sink = Background(), ListSink()
    engine = Engine(detector)
    engine.add(stream("film", Film(20), sink, dark=lambda gray: bool(gray[0, 0] % 2)))
    engine.run()
    assert indices(sink) == list(range(20))
    assert [f.events for f in sink.frames] == [(), (DARK, UNSEEN)] * 10
    assert (engine.states()[0].dark, detector.asked) == (10, 10)


def test_a_broken_gate_does_not_keep_the_detector_from_looking() -> None:
    def broken(gray: Image) -> bool:
        raise ValueError("no lamp")

    sink = ListSink()
    engine = Engine(by_picture)
    engine.add(stream("film", Film(3), sink, dark=broken))
    engine.run()
    assert [len(f.detections) for f in sink.frames] == [1, 1, 1]
    assert "no lamp" in engine.states()[0].last_error


@pytest.mark.parametrize("live", [False, True])
def test_a_blocked_sink_stops_nobody(live: bool) -> None:
    """Neither the other sink of a camera, nor the other streams, whatever it is that the blocked sink is fed with."""
    blocked, beside, other = Gated(), ListSink(), ListSink()
    engine = Engine(Background(), leave_s=0.2)
    first = Film(100_000 if live else 400, live=live, every_s=0.001 if live else 0)
    engine.add(Stream("first", lambda: first, sinks=(blocked, beside)))
    engine.add(stream("other", Film(400, 1), other))
    with engine:
        wait_until(lambda: len(other.frames) == 400)
        if live:
            wait_until(lambda: len(beside.frames) > 3 * BACKLOG)
            assert engine.states()[0].sink_dropped > 0
        else:
            assert engine.states()[0].sink_dropped == 0
        start_s = time.monotonic()
        engine.stop()
        assert time.monotonic() - start_s < 2
        assert "could not be left in time" in engine.states()[0].sink_errors[0]
        blocked.gate.set()
    assert other.closed
    assert beside.closed


def test_files_wait_for_a_blocked_sink_for_some_time_only() -> None:
    blocked, beside = Gated(), ListSink()
    engine = Engine(Background(), patience_s=0.1, leave_s=0.1)
    engine.add(Stream("film", lambda: Film(200), sinks=(blocked, beside)))
    with engine:
        wait_until(lambda: len(beside.frames) == 200)
        (state,) = engine.states()
        assert "has not moved" in state.sink_errors[0]
        assert state.sink_dropped > 100
        blocked.gate.set()
        wait_until(lambda: engine.states()[0].sink_errors == ())
    assert len(blocked.frames) + engine.states()[0].sink_dropped == 200


def test_a_failing_sink_is_told_and_left_out() -> None:
    broken, beside = Failing(at=[5]), ListSink()
    engine = Engine(by_picture)
    engine.add(Stream("film", lambda: Film(50), sinks=(broken, beside)))
    engine.run()
    (state,) = engine.states()
    assert indices(beside) == list(range(50))
    assert indices(broken) == list(range(5))
    assert broken.told == [OSError]
    assert state.sink_errors == ("Failing: no space left",)
    assert state.sink_dropped == 45


@pytest.mark.parametrize("answers", [None, [Detections(), Detections()], "raise"])
def test_a_frame_of_a_failing_detector_is_marked(answers: object) -> None:
    """It raises, or answers with something else than one `Detections` for a picture."""

    def detector(images: Sequence[Image]) -> list[Detections]:
        if images[0][0, 0] != 3:
            return by_picture(images)
        if answers == "raise":
            raise RuntimeError("broken")
        return answers or [None]  # type: ignore[return-value,list-item]

    sink = ListSink()
    engine = Engine(detector)
    engine.add(stream("film", Film(6), sink))
    engine.run()
    assert [f.events for f in sink.frames] == [(), (), (), (FAILED,), (), ()]
    assert [len(f.detections) for f in sink.frames] == [1, 1, 1, 0, 1, 1]
    (state,) = engine.states()
    assert (state.failed, state.frames_out) == (1, 6)
    assert "detector" in state.last_error


def test_one_bad_picture_of_a_batch_does_not_spoil_the_others() -> None:
    def detector(images: Sequence[Image]) -> list[Detections]:
        if any(image[0, 0] == 3 for image in images):
            raise RuntimeError("broken")
        return by_picture(images)

    sink = ListSink()
    engine = Engine(detector, batch_size=8, push_timeout_s=0.01)
    engine.add(stream("film", Film(8), sink))
    engine.run()
    assert [f.index for f in sink.frames if FAILED in f.events] == [3]


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("plain", [False, True])
def test_no_frame_of_a_stalled_detector_goes_out_as_if_seen(live: bool, plain: bool) -> None:
    """It stalls for ever from one frame on: frames go on, each is marked; when it answers again, all is as before."""
    background = Background()

    def waiting(images: Sequence[Image]) -> list[Detections]:
        return [background.submit(image).result() for image in images]

    sink, shown = ListSink(), []

    def stage(frame: Frame) -> Frame:
        shown.append(frame)
        return frame

    engine = Engine(waiting if plain else background, stall_s=0.05)
    source = Film(100_000 if live else 65_000, live=live, every_s=0.002)
    engine.add(Stream("s", lambda: source, stages=(stage,), sinks=(sink,)))
    with engine:
        wait_until(lambda: len(sink.frames) >= 5)
        background.gate.clear()
        time.sleep(0.01)  # what was answered before has left
        before = len(sink.frames)
        wait_until(lambda: len(sink.frames) >= before + 8)
        stalled = sink.frames[before : before + 8]
        assert all(f.events == (FAILED,) and len(f.detections) == 0 for f in stalled)
        assert "detector" in engine.states()[0].last_error
        background.gate.set()
        wait_until(lambda: sink.frames[-1].events == ())
        engine.stop()
    assert all((f.events == (FAILED,)) == (len(f.detections) == 0) for f in sink.frames)
    assert all(f.detections == faces(f.gray) for f in sink.frames if not f.events), "a late answer went astray"
    assert shown == sink.frames
    assert indices(sink) == sorted(set(indices(sink)))
    if not live:
        assert indices(sink) == list(range(len(sink.frames))), "a file's frame is never lost"
    assert balanced(engine.states()[0])


def test_a_frame_whose_stage_fails_is_shown_to_nobody() -> None:
    def first(frame: Frame) -> Frame:
        return frame.with_event("first")

    def redact(frame: Frame) -> Frame:
        if frame.index % 3 == 1:
            raise ZeroDivisionError("no strength")
        if frame.index % 3 == 2:
            raise Drop
        return frame.with_event("redacted")

    sinks = ListSink(), ListSink()
    engine = Engine(by_picture)
    engine.add(Stream("film", lambda: Film(30), stages=(first, redact), sinks=sinks))
    engine.run()
    for sink in sinks:
        assert indices(sink) == list(range(0, 30, 3))
        assert all(f.events == ("first", "redacted") for f in sink.frames)
    (state,) = engine.states()
    assert (state.lost, state.filtered, state.frames_out) == (10, 10, 10)
    assert "ZeroDivisionError" in state.last_error
    last = engine.last("film")
    assert last is not None
    assert last.index == 27


def test_streams_come_and_go_while_others_run() -> None:
    shared, own = ListSink(), ListSink()
    engine = Engine(Background())
    steady, guest = Film(100_000, 0, live=True, every_s=0.002), Film(100_000, 1, live=True, every_s=0.002)
    engine.add(stream("steady", steady, shared))
    with engine:
        wait_until(lambda: len(shared.frames) > 5)
        engine.add(Stream("guest", lambda: guest, sinks=(shared, own)))
        wait_until(lambda: len(own.frames) > 5)
        engine.remove("guest")
        assert [state.name for state in engine.states()] == ["steady"]
        assert own.closed
        assert guest.left
        assert not shared.closed
        count = len(shared.frames)
        wait_until(lambda: len(shared.frames) > count + 5)
        assert {f.source for f in shared.frames[count + 2 :]} == {"film 0"}
        again = ListSink()
        engine.add(stream("guest", Film(3, 2), again))
        wait_until(lambda: len(again.frames) == 3)
        engine.remove("guest")
        assert again.closed
        with pytest.raises(InputError, match=r"guest.*steady"):
            engine.remove("guest")
        with pytest.raises(InputError, match="steady"):
            engine.add(stream("steady", steady, shared))
    assert shared.closed
    assert engine.last("guest") is None
    with pytest.raises(InputError, match="too late"):
        engine.add(stream("late", steady, shared))


@pytest.mark.parametrize(
    ("error", "told"),
    [(StreamError("cam", "does not answer"), "cam: does not answer"), (ValueError("odd"), "ValueError: odd")],
)
@pytest.mark.parametrize("when", ["open", "read"])
def test_a_failing_source_is_told_and_the_others_go_on(error: Exception, told: str, when: str) -> None:
    def failing() -> Iterator[Frame]:
        yield from Film(5)
        raise error

    def opened() -> Iterator[Frame]:
        if when == "open":
            raise error
        return failing()

    bad, good = ListSink(), ListSink()
    engine = Engine(by_picture)
    engine.add(Stream("bad", opened, sinks=(bad,)))
    engine.add(stream("good", Film(50, 1), good))
    engine.run()
    states = engine.states()
    assert [state.condition for state in states] == ["failed", "ended"]
    assert states[0].last_error == told
    assert len(bad.frames) == (5 if when == "read" else 0)
    assert len(good.frames) == 50


def test_a_source_tells_its_own_condition() -> None:
    class Camera(Film):
        def __iter__(self) -> Iterator[Frame]:
            for frame in super().__iter__():
                if frame.index == 2:
                    engine.report("cam", "reconnecting", "cam: stopped")
                yield frame
                seen.append(engine.states()[0])
                if frame.index == 2:
                    engine.report("cam", "playing", "8x8 gray")
                    seen.append(engine.states()[0])

    seen: list[StreamState] = []
    engine = Engine(by_picture)
    engine.report("cam", "failed", "there is none")
    engine.add(stream("cam", Camera(4, live=True), ListSink()))
    engine.run()
    # A frame that was still on its way when the camera was lost does not mean that it is back.
    assert [s.condition for s in seen] == ["playing", "playing", "reconnecting", "playing", "playing"]
    (state,) = engine.states()
    assert (state.condition, state.reconnects) == ("ended", 1)
    assert (state.last_error, state.shows) == ("cam: stopped", "8x8 gray")


def test_a_source_that_is_silent_is_told_to_stop() -> None:
    class Silent(Film):
        def __init__(self) -> None:
            super().__init__(0, live=True)
            self.wanted = threading.Event()

        def __iter__(self) -> Iterator[Frame]:
            assert self.wanted.wait(PATIENCE_S)
            yield from ()

        def stop(self) -> None:
            self.wanted.set()

    removed, stopped = Silent(), Silent()
    engine = Engine(by_picture)
    engine.add(stream("removed", removed, ListSink()))
    engine.add(stream("stopped", stopped, ListSink()))
    with engine:
        wait_until(lambda: all(c.source is not None for c in engine._courses.values()))
        engine.remove("removed")
        assert removed.left
        assert not stopped.wanted.is_set()
    assert stopped.left


def test_it_stops_within_two_seconds_whoever_hangs() -> None:
    """Source, detector and sink hang; the engine is stopped from another thread, twice."""
    detector, blocked, calm = Background(), Gated(), ListSink()
    engine = Engine(detector, stall_s=60, leave_s=0.3)
    hanging = Film(5, go=threading.Semaphore(1))
    engine.add(stream("hanging", hanging, blocked))
    engine.add(stream("calm", Film(100_000, 1), calm))
    wait = threading.Thread(target=engine.run)
    wait.start()
    wait_until(lambda: blocked.inside.is_set() and len(calm.frames) > 20)
    detector.gate.clear()
    start_s = time.monotonic()
    engine.stop()
    engine.stop()
    wait.join()
    assert time.monotonic() - start_s < 2
    assert calm.closed
    assert all(FAILED in f.events or len(f.detections) == 1 for f in calm.frames)
    detector.gate.set()
    blocked.gate.set()


def test_a_signals_handler_may_stop_it() -> None:
    sink = ListSink()
    engine = Engine(by_picture)
    engine.add(stream("cam", Film(100_000, live=True, every_s=0.005), sink))
    main = threading.get_ident()

    def raise_signal() -> None:
        wait_until(lambda: len(sink.frames) > 3)
        signal.pthread_kill(main, signal.SIGUSR1)
        signal.pthread_kill(main, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: engine.stop())
    try:
        threading.Thread(target=raise_signal).start()
        engine.run()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert sink.closed
    assert balanced(engine.states()[0])


def test_run_ends_when_told_and_stays_when_told() -> None:
    until, sink = threading.Event(), ListSink()
    engine = Engine(by_picture)
    wait = threading.Thread(target=engine.run, args=(until, True))
    wait.start()
    engine.add(stream("a", Film(3), sink))
    wait_until(lambda: len(sink.frames) == 3)
    time.sleep(0.05)
    assert wait.is_alive()
    until.set()
    wait.join(2)
    assert not wait.is_alive()
    assert sink.closed


def test_nothing_runs_without_streams_and_stopping_unstarted_is_fine() -> None:
    Engine(by_picture).run()
    engine = Engine(by_picture)
    sink = ListSink()
    engine.add(stream("a", Film(3), sink))
    engine.remove("a")
    engine.add(stream("a", Film(3), sink))
    engine.stop()
    assert sink.frames == []


@pytest.mark.parametrize("bad", [{"batch_size": 0}])
def test_mistakes_are_told(bad: dict[str, int]) -> None:
    with pytest.raises(InputError):
        Engine(by_picture, **bad)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="interval"):
        Engine(by_picture).add(stream("a", Film(1), ListSink(), interval=-1))


def test_no_thread_is_left() -> None:
    before = set(threading.enumerate())
    engine = Engine(Background())
    for n in range(16):
        engine.add(stream(str(n), Film(1000, n, live=True, every_s=0.01), ListSink()))
    with engine:
        wait_until(lambda: all(state.frames_out for state in engine.states()))
        assert len(set(threading.enumerate()) - before) <= 2 * 16 + 3
    wait_until(lambda: set(threading.enumerate()) <= before)


def test_no_state_and_no_log_tells_a_password(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever says it: a source that raises what a library said, one that reports it, a stage, a sink."""
    caplog.set_level(logging.DEBUG)
    where = "rtsp://me:hidden@cam/a?token=hidden"

    class Away(ListSink):
        def __enter__(self) -> Away:
            raise OSError(f"cannot reach {where}")

    def broken(frame: Frame) -> Frame:
        raise ValueError(f"no {where}")

    def raising() -> Source:
        raise RuntimeError(f"[Errno 5] I/O error: '{where}'")

    engine = Engine(by_picture)
    engine.add(Stream("raises", raising))
    engine.add(Stream("breaks", lambda: Film(3), stages=[broken], sinks=[Away()]))
    engine.add(Stream("reports", lambda: Film(1)))
    engine.report("reports", "reconnecting", f"{where}: 401")
    engine.run()
    raises, breaks, reports = engine.states()
    assert raises.last_error == "RuntimeError: [Errno 5] I/O error: 'rtsp://cam/a?token=***'"
    assert breaks.last_error == "ValueError in a stage: no rtsp://cam/a?token=***"
    assert breaks.sink_errors == ("Away: cannot reach rtsp://cam/a?token=***",)
    assert reports.last_error == "rtsp://cam/a?token=***: 401"
    assert "the source of stream raises failed" in caplog.text
    assert "hidden" not in caplog.text


def test_a_stream_s_name_is_told_without_the_password_in_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    where, shown = "rtsp://me:hidden@cam/a?token=hidden", "rtsp://cam/a?token=***"
    held, said = threading.Event(), list[str]()

    def hanging(frame: Frame) -> Frame:
        held.wait(PATIENCE_S)
        raise ValueError("broken")

    engine = Engine(by_picture, stall_s=0.1)
    engine.add(Stream(where, lambda: Film(2), stages=[hanging], sinks=[ListSink()]))
    with pytest.raises(InputError, match="is the name of a stream already") as refused:
        engine.add(Stream(where.replace("me:", "you:"), lambda: Film(2)))
    said.append(str(refused.value))
    with pytest.raises(InputError, match="is not the name of a stream") as refused:
        engine.remove(f"{where}&n=1")
    said.append(str(refused.value))
    with engine:
        wait_until(lambda: "has not returned for" in caplog.text)
        said += [thread.name for thread in threading.enumerate()]
        engine.report(where, "playing", where)
        held.set()
        wait_until(lambda: engine.states()[0].lost == 2)
        seen = look(engine)
        said += [*debug_lines(seen), *PerfLines().lines([state for state, _ in seen])]
        for grid in (debug_table(seen), table([state for state, _ in seen])):
            with (console := Console(width=400)).capture() as shot:
                console.print(grid)
            said.append(shot.get())
        assert [(state.name, state.shows) for state, _ in seen] == [(shown, shown)]
        engine.remove(where)
    assert engine.states() == []
    assert shown in caplog.text
    assert all(shown in text for text in (*said[:2], *said[-2:]))
    assert not [text for text in (*said, caplog.text) if "hidden" in text]
