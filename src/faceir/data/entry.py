"""What travels between label formats: an `Entry` a labelled picture, and `Classes`, which grow as names come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np

from faceir.data.folder import PICTURE_SUFFIXES, Item
from faceir.data.kitti import decode
from faceir.data.picture_size import picture_size
from faceir.detections import DONT_CARE, Detections
from faceir.errors import FaceirError, InputError
from faceir.flow import Frame

__all__ = ["Came", "Classes", "Entry", "Faces", "find_picture", "head", "is_text", "number", "shown"]


class Classes:
    """Class names in the order in which they came, compared in lower case as TAO does. Label n is `names[n]`."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names: list[str] = []
        self._labels = {"dontcare": DONT_CARE}
        for name in names:
            self.label(name)

    def label(self, name: str) -> int:
        """The label of a class, a new one for a new name; `DONT_CARE` for KITTI's DontCare."""
        key = name.lower()
        if key not in self._labels:
            self._labels[key] = len(self.names)
            self.names.append(name)
        return self._labels[key]

    def named(self, label: int) -> str:
        """The name of a label."""
        return "DontCare" if label == DONT_CARE else self.names[label]

    @property
    def mapping(self) -> dict[str, str]:
        """Each class as itself, as the readers that know their classes take it."""
        return {name: name for name in self.names}


@dataclass(frozen=True)
class Entry:
    """One labelled picture; labels are numbers of the reader's `Classes`. `InputError` when no file can be named so."""

    item: Item
    faces: Detections
    stated_wh: tuple[int, int] | None = None
    """Width and height in pixels as the labels state them; None = they do not."""
    unsaid: Mapping[str, int] = field(default_factory=dict)
    """What the labels say that `Detections` has no place for, and of how many faces."""

    def __post_init__(self) -> None:
        if "\0" in str(self.item.picture):
            raise InputError(self.item.label, "names a picture with a zero byte", "the name of a picture")

    @property
    def split(self) -> str:
        """train, val or whatever the data set calls it; empty = none."""
        return self.item.about.get("split") or ""

    @cached_property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels; of the picture's header unless stated. Raises `InputError` without either."""
        return self.stated_wh or picture_size(self.item.picture_data(), self.item.picture)

    def frame(self, index: int = 0) -> Frame:
        """A frame with the true faces; the picture loads when looked at."""
        item = self.item
        return Frame(
            lambda: decode(item.picture_data(), item.picture, colour=False),
            lambda: decode(item.picture_data(), item.picture),
            self.faces,
            source=str(item.picture),
            index=index,
        )


Came: TypeAlias = Entry | FaceirError
"""What a reader yields: a picture, or why there is none or a box less. Nothing is left out in silence."""


class Faces:
    """Collects the boxes of one picture; `detections` makes them one value."""

    def __init__(self) -> None:
        self._boxes: list[Sequence[float]] = []
        self._columns: dict[str, list[float]] = {
            "scores": [], "labels": [], "track_ids": [], "occlusion": [], "truncation": []
        }  # fmt: skip

    def add(
        self, box: Sequence[float], label: int, *, occlusion: int = -1, truncation: float = -1.0, score: float = 1.0,
        track_id: int = -1,
    ) -> None:  # fmt: skip
        """One box, x1, y1, x2, y2 in pixels; raises `InputError` unless it has an area and values are in range."""
        with np.errstate(over="ignore"):
            x1, y1, x2, y2 = (float(v) for v in np.asarray(box, np.float32))
        if not all(np.isfinite((x1, y1, x2, y2))):
            raise InputError("box", f"holds NaN, infinity or numbers beyond float32: {list(box)}", "numbers in pixels")
        if not (x1 < x2 and y1 < y2):
            raise InputError("box", f"is inverted or empty {list(box)}", "x1 < x2 and y1 < y2")
        if not (-1 <= occlusion <= 9 and -1 <= truncation <= 1 and 0 <= score <= 1 and -1 <= track_id < 2**63):
            came = f"occlusion {occlusion}, truncation {truncation}, score {score}, track {track_id}"
            raise InputError("face", came, "0..9 or -1, 0..1 or -1, 0..1, a whole number")
        self._boxes.append((x1, y1, x2, y2))
        for name, value in (
            ("scores", score), ("labels", label), ("track_ids", track_id), ("occlusion", occlusion),
            ("truncation", truncation),
        ):  # fmt: skip
            self._columns[name].append(value)

    def detections(self) -> Detections:
        """All boxes so far."""
        if not self._boxes:
            return Detections()
        return Detections(np.array(self._boxes, np.float32), **{k: np.array(v) for k, v in self._columns.items()})


def number(text: object, where: object, what: str) -> float:
    """A finite number; raises `InputError` naming `what`."""
    try:
        value = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise InputError(where, f"{what} is {shown(text, 40)}", "a number") from None
    if not np.isfinite(value):
        raise InputError(where, f"{what} is {value}", "a finite number")
    return value


def shown(value: object, most: int = 80) -> str:
    """What came, for a message."""
    try:
        return repr(value)[:most]
    except RecursionError:
        return "nested too deeply"


def find_picture(folder: Path, name: str) -> Path | None:
    """The picture `name` without suffix in a folder, None when there is none."""
    for suffix in PICTURE_SUFFIXES:
        for one in (suffix, suffix.upper()):
            path = folder / f"{name}{one}"
            if path.is_file():
                return path
    return None


def head(path: Path, size: int = 4096) -> str:
    """The first bytes of a file as text; empty when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size).decode("utf-8", errors="replace")
    except OSError:
        return ""


def is_text(text: str) -> bool:
    """False for what no file's name can hold: zero bytes, and halves of UTF-16 pairs, which JSON can."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
