"""What is shown of an engine's state."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from faceir.detections import Detections
from faceir.flow import DARK, FAILED, UNSEEN, Frame
from faceir.runtime.live.state import Hang, StreamState
from faceir.runtime.live.watch import PerfLines, debug_picture, debug_rows, table

STATE = StreamState("door", "playing", 3.0, frames_in=50, frames_out=48, dropped=2, latency_p50_ms=12.4)
FACES = Detections(
    np.array([[10, 20, 40, 60], [50, 20, 70, 44]], np.float32),
    np.array([0.9, 0.5], np.float32),
    track_ids=np.array([3, -1]),
)
FRAME = Frame.of(np.full((120, 160), 90, np.uint8), detections=FACES, source="door", index=47, time_s=1.88)


def _counted(*frames: int) -> list[StreamState]:
    return [replace(STATE, name=f"s{n}", frames_out=f) for n, f in enumerate(frames)]


def test_perf_lines_are_deepstreams() -> None:
    perf = PerfLines()
    assert perf.lines(_counted(0, 10), 0.0, "Thu Jan  1 00:00:00 1970") == [
        "",
        "**PERF:  FPS 0 (Avg)\tFPS 1 (Avg)\t",
        "Thu Jan  1 00:00:00 1970",
        "**PERF:  0.00 (0.00)\t0.00 (0.00)\t",
    ]
    assert perf.lines(_counted(30, 60), 1.0, "")[-1] == "**PERF:  30.00 (30.00)\t50.00 (50.00)\t"
    assert perf.lines(_counted(40, 60), 2.0, "")[-1] == "**PERF:  10.00 (20.00)\t0.00 (25.00)\t"


def test_the_header_comes_each_twenty_times() -> None:
    perf = PerfLines()
    with_header = [n for n in range(45) if any("FPS" in line for line in perf.lines(_counted(n), float(n)))]
    assert with_header == [0, 20, 40]


def test_a_stream_that_comes_later_has_its_own_average() -> None:
    perf = PerfLines()
    perf.lines(_counted(0), 0.0)
    perf.lines(_counted(100, 500), 10.0)
    assert perf.lines(_counted(200, 505), 11.0)[-1] == "**PERF:  100.00 (18.18)\t5.00 (5.00)\t"


def test_no_streams() -> None:
    assert PerfLines().lines([], 0.0, "")[-1] == "**PERF:  "


@pytest.mark.parametrize("condition", ["connecting", "playing", "reconnecting", "ended", "failed", "removed"])
def test_the_table_shows_every_condition(condition: str) -> None:
    state = replace(STATE, condition=condition, last_error="[red]no route", sink_errors=("mqtt: away",))  # type: ignore[arg-type]
    console = Console(file=io.StringIO(), width=200)
    console.print(table([state]))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert condition in text
    assert "[red]no route; mqtt: away" in text  # names and errors are text, not markup


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((), "asked"),
        ((UNSEEN,), "not asked, as the interval"),
        ((UNSEEN, DARK), "not asked, as the frame is dark"),
        ((FAILED,), "asked, but failed"),
    ],
)
def test_debug_rows_say_what_happened(events: tuple[str, ...], words: str) -> None:
    rows = dict(debug_rows(STATE, replace(FRAME, events=events)))
    assert rows["detector"].startswith(words)
    assert rows["decoded"].startswith("frame 47, 160 x 120")
    assert rows["dark"].startswith("yes" if DARK in events else "no")
    assert rows["faces"] == "2: 0.90 (30 x 40 px), 0.50 (20 x 24 px)"
    assert rows["tracked"] == "#3"
    assert rows["sent"].startswith("48 of 50 frames, 2 dropped")
    assert "hangs" not in rows


def test_debug_rows_tell_of_every_frame_and_of_each_sink() -> None:
    state = replace(STATE, age_s=0.24, fps_in=24.9, frames_in=60, filtered=3, lost=2, sink_dropped=7)
    state = replace(state, sink_errors=("Hls: no space left", "Mqtt: away"))
    rows = debug_rows(state, FRAME)
    assert dict(rows)["source"] == "playing for 3 s; the newest came 0.2 s ago, 24.9 a second"
    assert dict(rows)["waiting"] == "5 between source and sinks"  # 60 = 48 + 2 + 3 + 2 + 5
    assert dict(rows)["sinks"] == "2 failed or hang, 7 frames not taken in all"
    for frame in (None, FRAME):  # a sink may fail before the first frame
        assert [words for name, words in debug_rows(state, frame) if name == "sink"] == list(state.sink_errors)


def test_debug_of_a_stream_without_a_frame() -> None:
    state = replace(STATE, condition="reconnecting", last_error="no answer")
    assert dict(debug_rows(state, None))["source"] == "reconnecting for 3 s: no answer"
    assert "hangs" not in dict(debug_rows(state, None))
    state = replace(state, hanging=(Hang("sink Hls", 12.34),))
    for frame in (None, FRAME):
        assert dict(debug_rows(state, frame))["hangs"] == "sink Hls has not returned for 12.3 s"
    assert debug_picture(state, None).shape[1] == 640


def test_the_debug_picture_shows_the_frame_and_words() -> None:
    picture = debug_picture(STATE, FRAME, (320, 240))
    assert picture.shape[1] == 320
    assert picture.shape[0] > 240
    assert np.any(picture[:240] != 90)
    assert len(np.unique(picture[240:])) > 2
