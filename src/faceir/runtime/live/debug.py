"""What each stage did to the last frame of each stream, for a terminal: a table that lives, or lines for a file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from faceir.flow import Frame
from faceir.runtime.live.state import StreamState
from faceir.runtime.live.watch import debug_rows

if TYPE_CHECKING:
    from rich.table import Table

    from faceir.runtime.live.engine import Engine

__all__ = ["Seen", "debug_lines", "debug_table", "look", "telling"]

LINES_EVERY_S = 1.0
"""Less often than a table, as lines stay."""

Seen: TypeAlias = Sequence[tuple[StreamState, Frame | None]]
"""Each stream's state, and the last frame that its sinks got."""


def look(engine: Engine) -> Seen:
    """All streams as they are now; nothing is recorded for it, so that it costs nothing while nobody looks."""
    return [(state, engine.last(state.name)) for state in engine.states()]


def debug_table(seen: Seen) -> Table:
    """A row for each stage of each stream, for rich's `Live`."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    shown.add_column(no_wrap=True)
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for state, frame in seen:
        for n, (stage, words) in enumerate(debug_rows(state, frame)):
            name = Text("" if n else state.name, "bold")
            shown.add_row(name, Text(stage, "cyan"), Text(words, "red" if stage in ("sink", "hangs") else ""))
    return shown


def debug_lines(seen: Seen) -> list[str]:
    """The same, a line for each stage: stream, stage and words, each line whole in itself for `grep`."""
    return [
        f"{state.name}: {stage}: {' '.join(words.split())}"
        for state, frame in seen
        for stage, words in debug_rows(state, frame)
    ]


@contextmanager
def telling(engine: Engine, say: Callable[[str], object], every_s: float = LINES_EVERY_S) -> Iterator[None]:
    """Meanwhile give `say` the lines every so often, and once more at the end, when all is as it came out."""
    ended = threading.Event()

    def tell() -> None:
        last = False
        while not last:
            last = ended.wait(every_s)
            for line in debug_lines(look(engine)):
                say(line)

    teller = threading.Thread(target=tell, name="faceir debug", daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
