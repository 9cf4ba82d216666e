"""Faces as text: JSON lines and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceir.flow import Frame
from faceir.runtime.sinks.places import TextFile

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Csv", "JsonLines", "record"]

_COLUMNS = ("source", "index", "time_s", "x1", "y1", "x2", "y2", "score", "label", "track_id")


def record(frame: Frame, classes: Sequence[str] = ("face",)) -> dict[str, Any]:
    """What is known of a frame, ready for JSON: pixels with 2 decimals, scores with 4; `track_id` -1 = not tracked."""
    height, width = frame.gray.shape
    found = frame.detections
    faces = [
        {
            "xyxy": [round(v, 2) for v in xyxy],
            "score": round(score, 4),
            "label": classes[label] if 0 <= label < len(classes) else "ignore",
            "track_id": track,
        }
        for xyxy, score, label, track in zip(
            found.xyxy.tolist(), found.scores.tolist(), found.labels.tolist(), found.track_ids.tolist(), strict=True
        )
    ]
    stated: dict[str, Any] = {
        "source": frame.source,
        "index": frame.index,
        "time_s": round(frame.time_s, 6),
        "width": width,
        "height": height,
        "faces": faces,
    }
    if frame.events:
        stated["events"] = list(frame.events)
    return stated


class JsonLines:
    """One text file, a line of JSON a frame (see `record`); what `live` means is told at `TextFile`."""

    def __init__(self, path: str | Path, classes: Sequence[str] = ("face",), live: bool = False) -> None:
        self.path, self._classes = Path(path), classes
        self._file = TextFile(self.path, live)
        self.reopens = live

    def write(self, frame: Frame) -> None:
        """Add one line; only inside `with`."""
        self._file.add(json.dumps(record(frame, self._classes)))

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)


class Csv:
    """One table, a row a face, with the numbers of `record`; a frame without faces adds no row."""

    def __init__(self, path: str | Path, classes: Sequence[str] = ("face",), live: bool = False) -> None:
        self.path, self._classes = Path(path), classes
        self._file = TextFile(self.path, live, head=",".join(_COLUMNS))
        self.reopens = live

    def write(self, frame: Frame) -> None:
        """Add the rows of one frame; only inside `with`."""
        stated = record(frame, self._classes)
        for face in stated["faces"]:
            line = io.StringIO()
            start = (stated["source"], stated["index"], stated["time_s"])
            csv.writer(line, lineterminator="").writerow(
                (*start, *face["xyxy"], face["score"], face["label"], face["track_id"])
            )
            self._file.add(line.getvalue())

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)
