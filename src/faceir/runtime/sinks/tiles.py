"""Several streams side by side in one picture."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

import cv2
import numpy as np

from faceir.errors import InputError
from faceir.flow import Frame, Image, Sink
from faceir.runtime.draw import Osd, draw, write_text

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Tiles"]

_EMPTY_RGB, _OFFLINE_RGB = (24, 24, 24), (220, 60, 60)


class Tiles:
    """Gives `sink` one picture of `size_wh` at a steady `rate`, with the newest frame of each stream in a tile.

    Streams lie row by row in the order of `streams`, those not named there behind them as they come; more than
    there are tiles are not shown. A stream of which nothing came for `offline_s` is told to be offline. Entering
    and leaving it enters and leaves `sink`; what that raises, the next `write` raises, once, and the rate goes on.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        size_wh: tuple[int, int],
        sink: Sink,
        classes: Sequence[str] = ("face",),
        *,
        streams: Sequence[str] = (),
        rate: float = 25.0,
        offline_s: float = 2.0,
        osd: Osd | None = None,
    ) -> None:
        if rows < 1 or columns < 1 or size_wh[0] < 16 * columns or size_wh[1] < 16 * rows:
            raise InputError(
                "tiles", f"{rows} rows and {columns} columns in {size_wh}", "at least one, each of 16 pixels or more"
            )
        if rate <= 0:
            raise InputError("tiles", f"rate is {rate}", "pictures a second")
        self._rows, self._columns, self.size_wh, self._sink = rows, columns, size_wh, sink
        self._classes, self._osd, self._period_s, self._offline_s = classes, osd or Osd(), 1 / rate, offline_s
        # A dict keeps the order in which names came.
        self._newest: dict[str, tuple[Frame, float] | None] = dict.fromkeys(streams)
        self._lock = Lock()
        self._stop = Event()
        self._problem: Exception | None = None
        self.reopens = getattr(sink, "reopens", False)

    def write(self, frame: Frame) -> None:
        """Show `frame` from the next picture on; only inside `with`."""
        with self._lock:
            self._newest[frame.source] = (frame, time.monotonic())
            problem, self._problem = self._problem, None
        if problem is not None:
            raise problem

    def forget(self, source: str) -> None:
        """Give the tile of a stream that was removed to the next."""
        with self._lock:
            self._newest.pop(source, None)

    def compose(self) -> Image:
        """The picture as it is now, RGB `[H,W,3]`."""
        width, height = self.size_wh
        canvas = np.full((height, width, 3), _EMPTY_RGB, np.uint8)
        with self._lock:
            shown = list(self._newest.items())[: self._rows * self._columns]
        for n, (name, newest) in enumerate(shown):
            row, column = divmod(n, self._columns)
            y1, y2 = row * height // self._rows, (row + 1) * height // self._rows
            x1, x2 = column * width // self._columns, (column + 1) * width // self._columns
            self._fill(canvas[y1:y2, x1:x2], name, newest)
        return canvas

    def _fill(self, tile: Image, name: str, newest: tuple[Frame, float] | None) -> None:
        """One stream into its part of the picture (in place)."""
        height, width = tile.shape[:2]
        scale = max(0.35, min(height, width) / 600)
        offline = newest is None or time.monotonic() - newest[1] > self._offline_s
        if newest is not None:
            frame = newest[0]
            image = draw(frame.rgb, frame.detections, self._classes, replace(self._osd, clock=False))
            share = min(width / image.shape[1], height / image.shape[0])
            w, h = max(1, round(image.shape[1] * share)), max(1, round(image.shape[0] * share))
            small = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR)
            y, x = (height - h) // 2, (width - w) // 2
            tile[y : y + h, x : x + w] = small // 3 if offline else small
        label = f"{name} offline" if offline else name
        # Text is drawn on a copy, as OpenCV does not draw into a part of a picture that lies apart in memory.
        drawn = np.ascontiguousarray(tile)
        write_text(drawn, label, (0, 0), scale, _OFFLINE_RGB if offline else (255, 255, 255), (0, 0, 0))
        tile[:] = drawn

    def _run(self) -> None:
        start_s, count = time.monotonic(), 0
        while not self._stop.wait(max(0.0, start_s + count * self._period_s - time.monotonic())):
            now_s, wall_s = time.monotonic(), time.time()
            picture = self.compose()
            if self._osd.clock:
                picture = draw(picture, Frame.of(picture).detections, (), self._osd, wall_s)
            try:
                self._sink.write(Frame.of(picture, source="tiles", index=count, time_s=wall_s, arrived_s=now_s))
            except Exception as error:  # told by the next write; the sink is given the next picture all the same
                with self._lock:
                    self._problem = error
            # When composing takes longer than a period, pictures are left out, not sent late.
            count = max(count + 1, int((time.monotonic() - start_s) / self._period_s))

    def __enter__(self) -> Self:
        self._sink.__enter__()
        self._stop.clear()
        self._thread = Thread(target=self._run, name="tiles", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._sink.__exit__(kind, error, trace)
