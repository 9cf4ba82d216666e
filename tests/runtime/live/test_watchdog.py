"""Stages, gates, sinks and detectors that do not return: the rest goes on, and it is told."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceir.flow import Frame, Image
from faceir.runtime.live.engine import Engine, Stream
from faceir.runtime.live.outlet import BACKLOG
from faceir.testing import ListSink
from tests.runtime.live.doubles import PATIENCE_S, Background, Film, Gated, by_picture, wait_until
from tests.runtime.live.hanging import CALM, PARTS


class Hanging:
    """A stage that waits at the frames with an index in `at`, the first time, until `gate` is set."""

    def __init__(self, *at: int) -> None:
        self.at, self.gate, self.inside, self.calls = list(at), threading.Event(), threading.Event(), 0

    def __call__(self, frame: Frame) -> Frame:
        self.calls += 1
        assert self.calls == 1, "a stage serves one frame at a time"
        if frame.index in self.at:
            self.inside.set()
            assert self.gate.wait(2 * PATIENCE_S)
        self.calls -= 1
        return frame


def indices(sink: ListSink) -> list[int]:
    return [frame.index for frame in sink.frames]


@pytest.mark.parametrize("make", [lambda: by_picture, Background])
def test_a_stage_that_hangs_holds_up_its_own_stream_alone(
    make: Callable[[], Background], caplog: pytest.LogCaptureFixture
) -> None:
    """And of a film nothing is lost, nor out of its order, when it goes on."""
    stage, held, other, camera = Hanging(30, 31), ListSink(), ListSink(), ListSink()
    engine = Engine(make(), stall_s=0.1)
    engine.add(Stream("held", lambda: Film(60), stages=[stage], sinks=[held]))
    engine.add(Stream("other", lambda: Film(300, 1), sinks=[other]))
    engine.add(Stream("camera", lambda: Film(100_000, 2, live=True, every_s=0.005), sinks=[camera]))
    with engine:
        wait_until(lambda: len(other.frames) == 300 and stage.inside.is_set())
        before = len(camera.frames)
        wait_until(lambda: len(camera.frames) > before + 50)
        state = engine.states()[0]
        assert [hang.part for hang in state.hanging] == ["stage Hanging"]
        assert state.hanging[0].for_s > 0.1
        assert "stage Hanging has not returned" in state.last_error
        assert [s.hanging for s in engine.states()[1:]] == [(), ()]
        assert indices(held) == list(range(30)), "what a stage has not done goes nowhere"
        stage.gate.set()
        wait_until(lambda: len(held.frames) == 60)
        wait_until(lambda: engine.states()[0].hanging == ())
        wait_until(lambda: "hangs no more" in caplog.text)
    assert indices(held) == list(range(60))
    state = engine.states()[0]
    assert (state.condition, state.frames_in, state.frames_out, state.lost) == ("ended", 60, 60, 0)
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert sum("stage Hanging of held has not returned" in words for words in warnings) == 1


def test_a_camera_whose_stage_hangs_drops_frames_and_goes_on() -> None:
    stage, held, other = Hanging(10), ListSink(), ListSink()
    engine = Engine(Background(), stall_s=0.1)
    engine.add(Stream("held", lambda: Film(100_000, live=True, every_s=0.005), stages=[stage], sinks=[held]))
    engine.add(Stream("other", lambda: Film(100_000, 1, live=True, every_s=0.005), sinks=[other]))
    with engine:
        wait_until(lambda: bool(engine.states()[0].hanging))
        before = engine.states()[0].dropped
        wait_until(lambda: engine.states()[0].dropped > before + 20)
        assert len(engine._courses["held"].parked) <= Background.concurrency + 2, "what waits is bounded"
        count = len(other.frames)
        stage.gate.set()
        wait_until(lambda: len(held.frames) > 50 and len(other.frames) > count + 50)
    assert indices(held) == sorted(set(indices(held)))
    state = engine.states()[0]
    assert state.frames_in == state.frames_out + state.dropped
    assert state.lost == 0


def test_a_gate_that_hangs_holds_up_its_own_stream_alone() -> None:
    gate, inside, held, other = threading.Event(), threading.Event(), ListSink(), ListSink()

    def dark(gray: Image) -> bool:
        if gray[0, 0] == 5:
            inside.set()
            assert gate.wait(2 * PATIENCE_S)
        return False

    engine = Engine(Background(), stall_s=0.1)
    engine.add(Stream("held", lambda: Film(40), sinks=[held], dark=dark))
    engine.add(Stream("other", lambda: Film(300, 1), sinks=[other]))
    with engine:
        wait_until(lambda: len(other.frames) == 300 and inside.is_set())
        wait_until(lambda: [hang.part for hang in engine.states()[0].hanging] == ["dark gate"])
        gate.set()
        wait_until(lambda: len(held.frames) == 40)
    assert indices(held) == list(range(40))


def test_two_stages_that_hang_do_not_keep_the_rest_from_ending() -> None:
    """Nor `run`, when the films that are left hang for longer than they may."""
    stages, other = (Hanging(3), Hanging(4)), ListSink()
    engine = Engine(Background(), stall_s=0.1, patience_s=0.3)
    sinks = ListSink(), ListSink()
    for n, stage in enumerate(stages):
        engine.add(Stream(f"held{n}", lambda n=n: Film(20, n), stages=[stage], sinks=[sinks[n]]))  # type: ignore[misc]
    engine.add(Stream("other", lambda: Film(200, 2), sinks=[other]))
    engine.run()
    assert [len(sink.frames) for sink in (*sinks, other)] == [3, 4, 200]
    assert all(sink.closed for sink in (*sinks, other))
    states = engine.states()
    assert [state.condition for state in states] == ["failed", "failed", "ended"]
    assert "stage Hanging has not returned" in states[0].last_error
    for stage in stages:
        stage.gate.set()
    wait_until(lambda: not any(stage.calls for stage in stages))


def test_stopping_waits_for_no_stage() -> None:
    stage, held, other = Hanging(3), ListSink(), ListSink()
    engine = Engine(Background(), stall_s=60)
    engine.add(Stream("held", lambda: Film(20), stages=[stage], sinks=[held]))
    engine.add(Stream("other", lambda: Film(100_000, 1), sinks=[other]))
    with engine:
        assert stage.inside.wait(PATIENCE_S)
        start_s = time.monotonic()
        engine.stop()
        assert time.monotonic() - start_s < 3
    assert held.closed
    assert other.closed
    state = engine.states()[1]
    assert state.frames_in == state.frames_out + state.dropped, "what was on its way went out"
    stage.gate.set()


def test_a_sink_that_hangs_is_cut_off_and_left_soon() -> None:
    blocked, beside = Gated(), ListSink()
    engine = Engine(Background(), patience_s=0.1, leave_s=30)
    engine.add(Stream("camera", lambda: Film(100_000, live=True, every_s=0.005), sinks=[blocked, beside]))
    with engine:
        wait_until(lambda: [hang.part for hang in engine.states()[0].hanging] == ["sink Gated"])
        assert len(engine._outlets[id(blocked)]._queue) == 0, "nothing waits for it"
        before = engine.states()[0].sink_dropped
        wait_until(lambda: engine.states()[0].sink_dropped > before + 3 * BACKLOG)
        blocked.gate.set()
        wait_until(lambda: engine.states()[0].hanging == () and len(blocked.frames) > 3)
        blocked.gate.clear()
        wait_until(lambda: bool(engine.states()[0].hanging))
        start_s = time.monotonic()
        engine.stop()
        assert time.monotonic() - start_s < 3
        blocked.gate.set()
    assert beside.closed
    assert len(beside.frames) == engine.states()[0].frames_out


@pytest.mark.slow
@pytest.mark.parametrize("what", PARTS)
def test_sigterm_finishes_the_files_whatever_hangs(what: str, tmp_path: Path) -> None:
    """With a detector that hangs, the film of a redacted stream shows nothing from then on."""
    import av

    film = tmp_path / "good.mp4"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.runtime.live.hanging", what, str(film)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "hangs\n"
        start_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, log = process.communicate(timeout=20)
        assert time.monotonic() - start_s < 5
    finally:
        process.kill()
    bad, good = json.loads(out)
    assert process.returncode == 0, log
    part = {"detector": "detector", "stage": "stage stage", "sink": "sink Hanging"}[what]
    assert bad["hung"] == [part]
    assert good["hung"] == ([] if what == "stage" else [part])
    assert f"{part} of bad" in log
    with av.open(str(film)) as container:
        sharp = [picture.to_ndarray(format="gray").std() for picture in container.decode(video=0)]
    assert len(sharp) == good["frames_out"]
    assert len(sharp) >= 2 * CALM
    if what == "detector":
        assert good["failed"] >= CALM
        shown = len(sharp) - good["failed"]
        assert min(sharp[: CALM // 2]) > 40, "the noise is seen"
        assert np.max(sharp[shown:]) < 20, "after that, nothing"
    else:
        assert good["failed"] == 0
