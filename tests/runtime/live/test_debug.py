"""What became of the last frame, at a terminal and in a file."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from faceir.detections import Detections
from faceir.flow import DARK, UNSEEN, Image
from faceir.runtime.live.debug import Seen, debug_lines, debug_table, look, telling
from faceir.runtime.live.engine import Engine, Stream
from faceir.runtime.live.outlet import BACKLOG
from faceir.runtime.live.state import Hang, Passage
from faceir.runtime.live.watch import debug_rows
from faceir.runtime.sources import Video
from faceir.testing import ListSink
from tests.runtime.live.doubles import Background, Failing, Film, Gated, by_picture, wait_until
from tests.runtime.live.test_watch import FRAME, STATE
from tests.runtime.sources.media import MakeVideo

DARK_FRAME = replace(FRAME, events=(UNSEEN, DARK))
SEEN = [(STATE, FRAME), (replace(STATE, name="yard", hanging=(Hang("sink Hls", 12.34),)), DARK_FRAME)]


def printed(seen: Seen, width: int = 200) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(debug_table(seen))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined,no-any-return]


def test_no_streams() -> None:
    assert debug_lines([]) == []
    assert "".join(printed([])).strip() == ""


def test_table_and_lines_are_the_rows_of_the_page() -> None:
    wanted = [(state.name, *row) for state, frame in SEEN for row in debug_rows(state, frame)]
    assert debug_lines(SEEN) == [": ".join(row) for row in wanted]
    shown = printed(SEEN)
    assert len(shown) == len(wanted)
    for line, (_, stage, words) in zip(shown, wanted, strict=True):
        assert line.rstrip().endswith(f"{stage}{line.partition(stage)[2].partition(words)[0]}{words}")
    assert [line.split()[0] for line in shown if not line.startswith(" ")] == ["door", "yard"]


def test_what_others_wrote_is_neither_markup_nor_a_line_of_its_own() -> None:
    state = replace(STATE, last_error="[red]no\nroute", sink_errors=("[/]mqtt\r\naway",))
    for seen in ([(state, FRAME)], [(state, None)]):
        lines = debug_lines(seen)
        assert any("[red]no route" in line for line in lines)
        assert "door: sink: [/]mqtt away" in lines
        assert all(len(line.splitlines()) == 1 for line in lines)
        assert "[/]mqtt" in "".join(printed(seen))


def test_a_narrow_terminal_loses_no_words() -> None:
    shown = printed(SEEN, 60)
    squeezed = "".join(line[shown[0].index("playing") :] for line in shown).replace(" ", "")
    for _, words in debug_rows(*SEEN[1]):
        assert words.replace(" ", "") in squeezed


def test_the_last_frame_of_each_stream_of_an_engine() -> None:
    engine = Engine(by_picture)
    engine.add(Stream("door", lambda: Film(5, 1), sinks=[ListSink()]))
    engine.add(Stream("yard", lambda: Film(3, 2), sinks=[Failing([1])], dark=lambda gray: bool(gray[0, 0] == 2)))
    assert [frame for _, frame in look(engine)] == [None, None]
    engine.run()
    lines = debug_lines(look(engine))
    for line in (
        "door: decoded: frame 4, 8 x 8, at 0.000 s; 5 in all",
        "door: dark: no; 0 in all",
        "door: sinks: 0 failed or hang, 0 frames not taken in all; waiting: ListSink 0",
        "yard: detector: not asked, as the frame is dark; 1 not asked, 0 failed in all",
        "yard: sink: Failing: no space left",
    ):
        assert line in lines


def test_lines_come_meanwhile_and_once_more_at_the_end() -> None:
    engine, said = Engine(by_picture), list[str]()
    engine.add(Stream("door", lambda: Film(4), sinks=[ListSink()]))
    with telling(engine, said.append, every_s=0.01):
        wait_until(lambda: "door: sent: no frame so far" in said)
        engine.run()
    assert said[-1] == "door: sinks: 0 failed or hang, 0 frames not taken in all; waiting: ListSink 0"
    assert any(line.startswith("door: source: ended") for line in said)
    count = len(said)
    with pytest.raises(KeyError), telling(engine, said.append, every_s=60):
        raise KeyError
    assert len(said) > count, "what was before an error is told too"


def test_a_film_tells_how_long_a_frame_waited_and_for_whom(tmp_path: Path, make_video: MakeVideo) -> None:
    took_s, batches, sink = 0.02, list[int](), Gated()

    def slow(images: Sequence[Image]) -> list[Detections]:
        batches.append(len(images))
        time.sleep(took_s)
        return [Detections() for _ in images]

    film, begun_s = make_video(tmp_path / "film.mp4", frames=40), time.monotonic()
    engine = Engine(slow, batch_size=3)
    engine.add(Stream("door", lambda: Video(film), sinks=[sink, ListSink()]))
    assert engine.states()[0].passage is None
    with engine:
        # The film waits for the sink that holds its first frame; what it was sent stands before it.
        wait_until(lambda: engine.states()[0].frames_out > BACKLOG + 1 and not engine._courses["door"].on_the_way)
        wait_until(lambda: engine.states()[0].queues[1] == ("ListSink", 0))
        ((state, _),) = look(engine)
        assert state.queues == (("Gated", state.frames_out - 1), ("ListSink", 0))
        assert state.passage is not None
        assert state.passage.together == batches[-1]
        assert state.passage.detector_ms >= 1e3 * took_s
        assert state.passage.waited_ms >= 0
        assert state.passage.waited_ms + state.passage.detector_ms <= 1e3 * (time.monotonic() - begun_s)
        (row,) = (words for stage, words in debug_rows(state, engine.last("door")) if stage == "sinks")
        assert row.endswith(f"; waiting: Gated {state.frames_out - 1}, ListSink 0")
        sink.gate.set()
        wait_until(lambda: engine.states()[0].condition == "ended" and len(sink.frames) == 40)
    assert engine.states()[0].queues == (("Gated", 0), ("ListSink", 0))


def test_what_was_not_asked_about_took_the_detector_no_time() -> None:
    engine = Engine(by_picture)
    engine.add(Stream("door", lambda: Film(5), sinks=[ListSink()], interval=4))
    engine.add(Stream("yard", lambda: Film(5), sinks=[ListSink()], dark=lambda gray: True))
    engine.run()
    for state, frame in look(engine):
        assert state.passage is not None
        assert (state.passage.together, state.passage.detector_ms) == (0, 0.0)
        rows = dict(debug_rows(state, frame))
        assert rows["detector"].startswith("not asked, as the ")
        assert rows["waiting"] == f"0 between source and sinks; this frame waited {state.passage.waited_ms:.1f} ms"


def test_a_frame_that_was_given_up_tells_how_long_it_was_waited_for() -> None:
    detector = Background()
    detector.gate.clear()
    engine = Engine(detector, stall_s=0.05)
    engine.add(Stream("door", lambda: Film(1), sinks=[ListSink()]))
    with engine:
        wait_until(lambda: engine.states()[0].frames_out == 1)
        passage = engine.states()[0].passage
        detector.gate.set()
    assert passage is not None
    assert passage.detector_ms + passage.waited_ms >= 50
    assert passage.together == 1


def test_the_passage_in_words() -> None:
    state = replace(STATE, passage=Passage(3.04, 5.26, 2), queues=(("Hls", 3), ("Mqtt", 0)))
    rows = dict(debug_rows(state, FRAME))
    assert rows["waiting"] == "0 between source and sinks; this frame waited 3.0 ms"
    assert rows["detector"] == "asked; 0 not asked, 0 failed in all; this frame took 5.3 ms, 2 at once"
    assert rows["sinks"] == "0 failed or hang, 0 frames not taken in all; waiting: Hls 3, Mqtt 0"
