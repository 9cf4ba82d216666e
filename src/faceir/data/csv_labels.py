"""CSV: a row a face, `picture,set,split,width,height,class,x1,y1,x2,y2,occlusion,truncation,track_id,score`.

A picture without face has a row with an empty class. Rows of one picture stand together. Numbers are written so that
they come back to the bit. Other headers in use (`filename`, `xmin` ...) are known, and files without one that hold
`picture,x1,y1,x2,y2,class`.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import IO, Any

from faceir.data.entry import Came, Classes, Entry, Faces, number
from faceir.data.folder import Item
from faceir.errors import InputError, need_file
from faceir.flow import Frame

__all__ = ["COLUMNS", "Writer", "read"]

COLUMNS = (
    "picture", "set", "split", "width", "height", "class", "x1", "y1", "x2", "y2",
    "occlusion", "truncation", "track_id", "score",
)  # fmt: skip
_BOX = ("x1", "y1", "x2", "y2")
_BARE = ("picture", *_BOX, "class")
_ALSO = {
    "filename": "picture", "file_name": "picture", "image": "picture", "path": "picture", "image_path": "picture",
    "label": "class", "class_name": "class", "name": "class",
    "xmin": "x1", "ymin": "y1", "xmax": "x2", "ymax": "y2", "left": "x1", "top": "y1", "right": "x2", "bottom": "y2",
}  # fmt: skip
_Row = dict[str, str]


def read(path: str | Path, classes: Classes, images: Path | None = None) -> Iterator[Came]:
    """The labelled pictures; new names are added to `classes`. `images`: where their names start, else beside the file.

    A broken row costs its picture. Raises `InputError` when columns are missing, or rows of one picture are apart: the
    first part was taken for the whole.
    """
    path = need_file(path, "a CSV file of faces")
    top = images or path.parent
    seen: set[int] = set()  # hashes: 10^6 pictures in 60 MB
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            for name, rows in groupby(_rows(file, path), key=lambda numbered: numbered[1]["picture"]):
                numbered = list(rows)
                if hash(name) in seen:
                    raise InputError(
                        f"{path}:{numbered[0][0]}", f"{name[:60]!r} had rows above", "rows of a picture together",
                        "sort the file by its first column",
                    )  # fmt: skip
                seen.add(hash(name))
                try:
                    yield _entry(path, top / name, numbered, classes)
                except InputError as error:
                    yield error
    except csv.Error as error:
        raise InputError(path, f"cannot be read ({error})", "a CSV file of faces") from None


def _rows(file: IO[str], path: Path) -> Iterator[tuple[int, _Row]]:
    """Number of the line and columns by name."""
    rows = csv.reader(file)
    head = next(rows, [])
    known = [_ALSO.get(name.strip().lower(), name.strip().lower()) for name in head]
    first = None
    if not {"picture", *_BOX} <= set(known):
        if len(head) != len(_BARE):
            lacks = sorted({"picture", *_BOX} - set(known))
            raise InputError(f"{path}:1", f"lacks the columns {', '.join(lacks)}", ", ".join(COLUMNS))
        known, first = list(_BARE), head
    if len(set(known)) < len(known):
        raise InputError(f"{path}:1", "names a column twice", ", ".join(COLUMNS))
    for row in (first, *()) if first else ():
        yield 1, dict(zip(known, row, strict=True))
    for row in rows:
        if row:
            row = [value.strip() for value in row]
            columns = dict(zip(known, row, strict=False)) | ({} if len(row) == len(known) else {"": str(len(row))})
            yield rows.line_num, dict.fromkeys(known, "") | columns


def _entry(path: Path, picture: Path, rows: Sequence[tuple[int, _Row]], classes: Classes) -> Entry:
    faces, about = Faces(), rows[0][1]
    for n, row in rows:
        where = f"{path}:{n}"
        if "" in row:
            raise InputError(where, f"has {row['']} columns", f"{len(row) - 1}, as the header")
        if not row["picture"] or "\0" in row["picture"]:
            raise InputError(where, "names no picture", "the name of a picture")
        if not any(row[edge] for edge in _BOX) and not row.get("class"):
            continue  # a picture without face
        try:
            score, truncation = _or(row, "score", 1.0, where), _or(row, "truncation", -1.0, where)
            box = [number(row[edge], where, edge) for edge in _BOX]
            label = classes.label(row.get("class") or "face")
            occlusion, track = _whole(row, "occlusion", where), _whole(row, "track_id", where)
            faces.add(box, label, occlusion=occlusion, truncation=truncation, score=score, track_id=track)
        except InputError as error:
            raise InputError(where, error.came, error.wanted) from None
    width, height = (_whole(about, side, f"{path}:{rows[0][0]}") for side in ("width", "height"))
    split = about.get("split", "")
    item = Item(picture, path, about.get("set", ""), {"split": split} if split else {})
    return Entry(item, faces.detections(), (width, height) if width > 0 and height > 0 else None)


def _or(row: Mapping[str, str], name: str, unknown: float, where: str) -> float:
    return number(row[name], where, name) if row.get(name) else unknown


def _whole(row: Mapping[str, str], name: str, where: str) -> int:
    """A whole number, -1 for none; not by way of a float, which has 53 bits."""
    try:
        return int(row.get(name) or -1)
    except ValueError:
        raise InputError(where, f"{name} is {row[name][:40]!r}", "a whole number") from None


@dataclass
class Writer:
    """Writes one file, which has its name when all is written. Pictures are named relative to its folder."""

    path: Path
    classes: Classes
    written: int = field(default=0, init=False)
    _file: IO[str] | None = field(default=None, init=False)
    _rows: Any = field(default=None, init=False)

    def write(self, frame: Frame, group: str = "", split: str = "") -> None:
        """The rows of one picture; `group` is the set that it belongs to."""
        source = Path(frame.source)
        inside = source.is_relative_to(self.path.parent)
        name = (source.relative_to(self.path.parent) if inside else source).as_posix()
        height, width = frame.gray.shape
        head = [name, group, split, width, height]
        faces = frame.detections
        for n in range(len(faces)):
            box = faces.xyxy[n].tolist()
            known = [column[n].item() for column in (faces.occlusion, faces.truncation, faces.track_ids, faces.scores)]
            self._rows.writerow([*head, self.classes.named(int(faces.labels[n])), *box, *known])
        if not len(faces):
            self._rows.writerow([*head, *[""] * 9])
        self.written += 1

    def __enter__(self) -> Writer:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(COLUMNS)
        return self

    @property
    def _part(self) -> Path:
        return self.path.with_name(f"{self.path.name}.part")

    def __exit__(self, kind: object, *_: object) -> None:
        assert self._file is not None
        self._file.close()
        if kind is None:
            os.replace(self._part, self.path)
        else:
            self._part.unlink()
