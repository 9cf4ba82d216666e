"""One picture with its label file, read so that a broken line hides none of the others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from faceir.boxes import FloatArray
from faceir.data import kitti
from faceir.data.check.finding import Change, Finding, Xyxy
from faceir.data.check.header import read_header
from faceir.errors import InputError

__all__ = ["BadLine", "Labelled", "Row", "array", "read", "removed", "rows_of"]


_FARTHEST = 1e6  # px; areas of such boxes still are exact enough in float32


@dataclass(frozen=True)
class Row:
    """One line of a label file. Unlike `Detections` it may hold any occlusion level and any class."""

    line: int
    fields: tuple[str, ...]
    truncation: float
    occlusion: float
    xyxy: Xyxy

    @property
    def name(self) -> str:
        """The class as written."""
        return self.fields[0]

    @property
    def ignored(self) -> bool:
        """Whether it is a DontCare region."""
        return self.name.lower() == "dontcare"

    def written(self, name: str | None = None, xyxy: Sequence[float] | None = None) -> str:
        """The line with another class or box."""
        box = self.fields[4:8] if xyxy is None else tuple(f"{edge:.3f}" for edge in xyxy)
        return " ".join((name or self.name, *self.fields[1:4], *box, *self.fields[8:]))


@dataclass(frozen=True)
class BadLine:
    """A line that is no label."""

    line: int
    words: str


@dataclass(frozen=True)
class Labelled:
    """What is known of one picture without decoding it."""

    picture: str
    """Path below the data set's folder."""
    label: str
    classes: tuple[str, ...]
    """That are trained, as they are named; labels may write them in other letters."""
    sha256: str | None = None
    """Of the label file; None = there is none."""
    rows: tuple[Row, ...] = ()
    bad: tuple[BadLine, ...] = ()
    label_error: str = ""
    size_wh: tuple[int, int] | None = None
    """None = the picture cannot be read."""
    orientation: int = 1
    whole: bool = True
    picture_error: str = ""
    source: str = ""
    split: str = ""

    @cached_property
    def spelling(self) -> Mapping[str, str]:
        """Of each class that is trained, in lower case, its name."""
        return {name.lower(): name for name in self.classes}

    @cached_property
    def faces(self) -> tuple[Row, ...]:
        """Rows of classes that are trained."""
        return tuple(row for row in self.rows if row.name.lower() in self.spelling)

    def finding(self, code: str, words: str, row: Row | None = None, **rest: Any) -> Finding:
        """One of this picture, of a `row` or of the whole."""
        if row is not None:
            rest = {"line": row.line, "xyxy": row.xyxy, **rest}
        return Finding(code, self.picture, self.label, words, **rest)


def removed(row: Row) -> Change:
    """The change that removes the row."""
    return Change(row.line, None)


def array(rows: Sequence[Row]) -> FloatArray:
    """Boxes `[N,4]` of rows."""
    return np.array([row.xyxy for row in rows], np.float32).reshape(-1, 4)


def rows_of(text: str) -> tuple[tuple[Row, ...], tuple[BadLine, ...]]:
    """Rows and bad lines of a label file's text, numbered from 1. Blank lines are neither."""
    rows, bad = [], []
    for number, line in enumerate(text.splitlines(), 1):
        fields = tuple(line.split())
        if not fields:
            continue
        try:
            # The level has a rule of its own; all else is for the reader of training to judge.
            kitti.parse_lines(" ".join((*fields[:2], "-1", *fields[3:])), {}, ())
            truncation, occlusion, *box = (float(value) for value in (*fields[1:3], *fields[4:8]))
        except InputError as error:
            bad.append(BadLine(number, f"{error.came}; wanted {error.wanted}" if error.wanted else error.came))
        except ValueError:
            bad.append(BadLine(number, f"occlusion {fields[2]!r} is not a number"))
        else:
            if max(map(abs, box)) > _FARTHEST:
                bad.append(BadLine(number, f"has a box {box} far from any picture"))
                continue
            rows.append(Row(number, fields, truncation, occlusion, (box[0], box[1], box[2], box[3])))
    return tuple(rows), tuple(bad)


def read(item: kitti.Item, root: Path, classes: Sequence[str]) -> Labelled:
    """The picture's header and its label file; what cannot be read is stated in the value."""
    known: dict[str, Any] = {"source": item.source, "split": item.about.get("split") or ""}
    try:
        data = item.label_data()
        if data is not None:
            known["sha256"] = hashlib.sha256(data).hexdigest()
            known["rows"], known["bad"] = rows_of(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        known["label_error"] = f"is no text ({error.reason} at byte {error.start})"
    except InputError as error:
        known["label_error"] = error.came
    try:
        header = read_header(item)
        known |= {"size_wh": header.size_wh, "orientation": header.orientation, "whole": header.whole}
    except InputError as error:
        known["picture_error"] = error.came
    return Labelled(*item.named(root), tuple(classes), **known)
