"""What became of the last frame, at a terminal and in a file."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from faceir.flow import DARK, UNSEEN
from faceir.runtime.live.debug import Seen, debug_lines, debug_table, look, telling
from faceir.runtime.live.engine import Engine, Stream
from faceir.runtime.live.state import Hang
from faceir.runtime.live.watch import debug_rows
from faceir.testing import ListSink
from tests.runtime.live.doubles import Failing, Film, by_picture, wait_until
from tests.runtime.live.test_watch import FRAME, STATE

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
        "door: waiting: 0 between source and sinks",
        "door: dark: no; 0 in all",
        "door: sinks: 0 failed or hang, 0 frames not taken in all",
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
    assert said[-1] == "door: sinks: 0 failed or hang, 0 frames not taken in all"
    assert any(line.startswith("door: source: ended") for line in said)
    count = len(said)
    with pytest.raises(KeyError), telling(engine, said.append, every_s=60):
        raise KeyError
    assert len(said) > count, "what was before an error is told too"
