"""To watch an engine from a terminal: DeepStream's PERF lines, a table of its streams, and what became of a frame."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from faceir.flow import DARK, FAILED, UNSEEN, Frame, Image
from faceir.runtime.draw import draw
from faceir.runtime.live.state import StreamState

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["PerfLines", "debug_picture", "debug_rows", "table"]

_HEADER_EVERY = 20
_STYLES = {
    "connecting": "cyan",
    "playing": "green",
    "reconnecting": "yellow",
    "ended": "dim",
    "failed": "bold red",
    "removed": "dim",
}
_MOST_FACES = 8


class PerfLines:
    """Frames per second as deepstream-app prints them, so that programs which read its output read this too.

    A rate is that since the call before, the average that since the first call; both of frames given to the sinks.
    """

    def __init__(self) -> None:
        self._calls = 0
        self._first: dict[str, tuple[float, int]] = {}
        self._before: dict[str, tuple[float, int]] = {}

    def lines(self, states: Sequence[StreamState], now_s: float | None = None, clock: str | None = None) -> list[str]:
        """What to print now, line by line; `now_s` is monotonic, `clock` the time of day as asctime writes it."""
        now_s = time.monotonic() if now_s is None else now_s
        out = []
        if self._calls % _HEADER_EVERY == 0:
            out += ["", "**PERF:  " + "".join(f"FPS {n} (Avg)\t" for n in range(len(states)))]
        self._calls += 1
        out.append(time.asctime() if clock is None else clock)
        out.append("**PERF:  " + "".join(self._rates(state, now_s) for state in states))
        self._before = {state.name: (now_s, state.frames_out) for state in states}
        return out

    def _rates(self, state: StreamState, now_s: float) -> str:
        first = self._first.setdefault(state.name, (now_s, state.frames_out))
        before = self._before.get(state.name, first)
        current, average = (
            (state.frames_out - frames) / (now_s - at_s) if now_s > at_s else 0.0 for at_s, frames in (before, first)
        )
        return f"{current:.2f} ({average:.2f})\t"


def table(states: Sequence[StreamState]) -> Table:
    """A row for each stream, for rich's `Live`."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, padding=(0, 2, 0, 0))
    shown.add_column("stream")
    shown.add_column("state")
    for heading in ("fps in", "fps out", "dropped", "dark", "failed", "faces", "p50 ms", "p99 ms", "age s"):
        shown.add_column(heading, justify="right")
    shown.add_column("last error", overflow="ellipsis", no_wrap=True)
    for state in states:
        numbers = (state.dropped + state.sink_dropped, state.dark, state.failed, state.faces)
        error = "; ".join(e for e in (state.last_error, *state.sink_errors) if e)
        shown.add_row(
            Text(state.name),
            Text(state.condition, _STYLES[state.condition]),
            f"{state.fps_in:.1f}",
            f"{state.fps_out:.1f}",
            *(str(n) for n in numbers),
            f"{state.latency_p50_ms:.0f}",
            f"{state.latency_p99_ms:.0f}",
            f"{state.age_s:.1f}",
            Text(error, "red"),
        )
    return shown


def debug_rows(state: StreamState, frame: Frame | None) -> list[tuple[str, str]]:
    """What each stage did to the last frame of a stream: name of the stage, and words.

    What a clustering step threw away is not told, as a frame carries only what is left.
    """
    waiting = f"{state.condition} for {state.since_s:.0f} s" + (f": {state.last_error}" if state.last_error else "")
    broken = [("sink", error) for error in state.sink_errors]
    broken += [("hangs", f"{hang.part} has not returned for {hang.for_s:.1f} s") for hang in state.hanging]
    if frame is None:
        return [("source", waiting), ("sent", "no frame so far"), *broken]
    height, width = frame.gray.shape
    on_the_way = state.frames_in - state.frames_out - state.dropped - state.filtered - state.lost
    rows = [
        ("source", f"{waiting}; the newest came {state.age_s:.1f} s ago, {state.fps_in:.1f} a second"),
        ("decoded", f"frame {frame.index}, {width} x {height}, at {frame.time_s:.3f} s; {state.frames_in} in all"),
        ("waiting", f"{on_the_way} between source and sinks{_waited(state)}"),
        ("dark", f"{'yes' if DARK in frame.events else 'no'}; {state.dark} in all"),
        ("detector", f"{_asked(frame)}; {state.unseen} not asked, {state.failed} failed in all{_took(state)}"),
        ("faces", _faces(frame)),
        ("tracked", _tracked(frame)),
    ]
    others = [e for e in frame.events if e not in (DARK, FAILED, UNSEEN)]
    if others:
        rows.append(("events", ", ".join(others)))
    sent = f"{state.frames_out} of {state.frames_in} frames, {state.dropped} dropped, {state.filtered} filtered"
    rows.append(("sent", f"{sent}, {state.lost} lost in a stage; p50 {state.latency_p50_ms:.0f} ms"))
    queues = ", ".join(f"{sink} {waiting}" for sink, waiting in state.queues)
    sinks = f"{len(state.sink_errors)} failed or hang, {state.sink_dropped} frames not taken in all"
    rows.append(("sinks", f"{sinks}; waiting: {queues}" if queues else sinks))
    return rows + broken


def _asked(frame: Frame) -> str:
    if FAILED in frame.events:
        return "asked, but failed or took too long"
    if DARK in frame.events:
        return "not asked, as the frame is dark"
    return "not asked, as the interval skips it" if UNSEEN in frame.events else "asked"


def _waited(state: StreamState) -> str:
    return f"; this frame waited {state.passage.waited_ms:.1f} ms" if state.passage else ""


def _took(state: StreamState) -> str:
    """How long the detector took for the frame, if it was asked."""
    passage = state.passage
    if passage is None or not passage.together:
        return ""
    return f"; this frame took {passage.detector_ms:.1f} ms, {passage.together} at once"


def _faces(frame: Frame) -> str:
    found = frame.detections
    shown = [
        f"{score:.2f} ({x2 - x1:.0f} x {y2 - y1:.0f} px)"
        for score, (x1, y1, x2, y2) in zip(found.scores[:_MOST_FACES], found.xyxy[:_MOST_FACES], strict=True)
    ]
    more = ["..."] if len(found) > _MOST_FACES else []
    return f"{len(found)}" + (f": {', '.join([*shown, *more])}" if shown else "")


def _tracked(frame: Frame) -> str:
    ids = frame.detections.track_ids
    known = sorted(int(n) for n in ids[ids >= 0])
    return ", ".join(f"#{n}" for n in known) if known else "none"


def debug_picture(state: StreamState, frame: Frame | None, size_wh: tuple[int, int] = (640, 480)) -> Image:
    """The last frame with its faces, and `debug_rows` below it; RGB `[H,W,3]`, of which the picture has `size_wh`."""
    width, height = size_wh
    rows = debug_rows(state, frame)
    page = np.full((height + 18 * len(rows) + 10, width, 3), 24, np.uint8)
    if frame is not None:
        drawn = draw(frame.rgb, frame.detections)
        scale = min(width / drawn.shape[1], height / drawn.shape[0])
        to_wh = (max(1, round(drawn.shape[1] * scale)), max(1, round(drawn.shape[0] * scale)))
        page[: to_wh[1], : to_wh[0]] = cv2.resize(drawn, to_wh, interpolation=cv2.INTER_AREA)
    for n, (name, words) in enumerate(rows):
        for x, text, colour in ((8, name, (140, 146, 156)), (90, words, (232, 234, 237))):
            plain = text.encode("ascii", "replace").decode()  # OpenCV has no other letters
            at = (x, height + 18 * (n + 1))
            cv2.putText(page, plain, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
    return page
