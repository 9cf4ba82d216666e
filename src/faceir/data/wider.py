"""WIDER FACE: one list of all pictures of a split, `wider_face_SPLIT_bbx_gt.txt` or, to read, the `.mat` file.

The text has for each picture its path, the number of faces and a line a face: left, top, width, height in whole pixels,
then blur, expression, illumination, invalid, occlusion, pose. A picture without face has one line of zeros. Invalid
faces are regions to ignore. Occlusion is none, partial (1 to 30 %) or heavy: levels 0, 2 and 6 of the guidelines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from faceir.data import wider_mat
from faceir.data.entry import Came, Classes, Entry, Faces, number
from faceir.data.folder import PICTURE_SUFFIXES, Item
from faceir.detections import DONT_CARE
from faceir.errors import InputError, need_file
from faceir.flow import Frame

__all__ = ["FACE", "Writer", "level", "lists", "read"]

FACE = "face"
_UNSAID = ("blur", "expression", "illumination", "pose")  # `Detections` has no place for these
_LEVELS = {0: 0, 1: 2, 2: 6}
_MOST_FACES = 100_000  # in one picture; the data set's own maximum is 1,968
_Row = tuple[Sequence[float], Mapping[str, int]]


def level(occlusion: int) -> int:
    """WIDER's occlusion 0..2 of a level 0..9: partial up to 30 %; unknown counts as none."""
    return 0 if occlusion <= 0 else 1 if occlusion <= 3 else 2


def lists(folder: Path) -> list[Path]:
    """The lists below a folder; of a split that has both, the text."""
    found = sorted(p for place in (folder, folder / "wider_face_split") for p in place.glob("wider_face_*.txt"))
    found = [p for p in found if p.stem.endswith("_bbx_gt")]
    splits = {_split(p) for p in found}
    mats = sorted(p for place in (folder, folder / "wider_face_split") for p in place.glob("wider_face_*.mat"))
    return found + [p for p in mats if _split(p) not in splits and _split(p) != "test"]


def read(path: str | Path, classes: Classes, images: Path | None = None) -> Iterator[Came]:
    """The labelled pictures of a list; `classes` gets "face". `images`: where pictures lie, else `WIDER_SPLIT/images`.

    A broken line costs its picture. Where it is not to be told how many lines belong to a picture, the next path of a
    picture is looked for.
    """
    path = need_file(path, "a list of WIDER FACE")
    label = classes.label(FACE)
    if path.suffix.lower() == ".mat":
        yield from _read_mat(path, label, images)
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = _Lines(file, path)
        while lines.now is not None:
            try:
                entry = _read_picture(lines, label, images)
            except InputError as error:
                yield error
                lines.seek_picture()
            else:
                if entry is not None:
                    yield entry


class _Lines:
    """Lines with their numbers, the current one in `now`, None at the end."""

    def __init__(self, file: IO[str], path: Path) -> None:
        self._file, self.path, self.at = file, path, 0
        self.now: str | None = ""
        self.advance()

    def advance(self) -> None:
        line = self._file.readline(1 << 16)
        self.at += 1
        self.now = line.strip() if line else None

    @property
    def where(self) -> str:
        return f"{self.path}:{self.at}"

    def seek_picture(self) -> None:
        while self.now is not None and not _is_picture(self.now):
            self.advance()


def _is_picture(line: str) -> bool:
    return line.lower().endswith(PICTURE_SUFFIXES)


def _read_picture(lines: _Lines, label: int, images: Path | None) -> Entry | None:
    name, at = lines.now or "", lines.where
    lines.advance()
    if not name:
        return None
    if not _is_picture(name):
        raise InputError(at, f"is {name[:60]!r}", "the path of a picture")
    count = lines.now or ""
    if not count.isascii() or not count.isdigit() or int(count[:9]) > _MOST_FACES:
        raise InputError(lines.where, f"is {count[:60]!r}", f"the number of faces of {name}")
    rows: list[tuple[str, _Row]] = []
    lines.advance()
    for _ in range(max(int(count), 1)):
        if lines.now is None or _is_picture(lines.now):
            if count.strip("0") == "":
                break  # some lists leave out the line of zeros
            raise InputError(lines.where, f"{name} has {len(rows)} of {count} faces", "a line a face")
        values = [number(text, lines.where, "a field") for text in lines.now.split()]
        if len(values) not in (4, 10):
            raise InputError(lines.where, f"has {len(values)} fields", "10: left top width height and 6 attributes")
        attributes = dict(zip(wider_mat.ATTRIBUTES, map(int, values[4:]), strict=False))
        if not int(count) and not any(values):
            lines.advance()
            break
        if not int(count):
            raise InputError(lines.where, f"{name} has no faces and a line of one", "a line of zeros")
        rows.append((lines.where, (values[:4], attributes)))
        lines.advance()
    return _entry(lines.path, name, rows, label, images)


def _entry(path: Path, name: str, rows: Sequence[tuple[str, _Row]], label: int, images: Path | None) -> Entry:
    faces, unsaid = Faces(), Counter[str]()
    for where, ((x, y, w, h), attributes) in rows:
        try:
            occlusion = attributes.get("occlusion", -1)
            if occlusion not in (*_LEVELS, -1):
                raise InputError(where, f"occlusion {occlusion}", "0, 1 or 2")
            if w == 0 or h == 0:  # the data set itself has some
                unsaid["face without area"] += 1
                continue
            mark = DONT_CARE if attributes.get("invalid") == 1 else label
            faces.add((x, y, x + w, y + h), mark, occlusion=_LEVELS.get(occlusion, -1))
        except InputError as error:
            raise InputError(where, error.came, error.wanted) from None
        unsaid.update(key for key in _UNSAID if attributes.get(key))
    split = _split(path)
    pictures = images or _pictures(path, split)
    item = Item(pictures / name, path, str(Path(name).parent) if Path(name).parent.parts else "", {"split": split})
    return Entry(item, faces.detections(), None, unsaid)


def _split(path: Path) -> str:
    found = re.match(r"wider_face_(\w+?)(_bbx_gt)?$", path.stem)
    return found[1] if found else ""


def _pictures(path: Path, split: str) -> Path:
    """The folder of the pictures of a list, `WIDER_SPLIT/images` beside it or a level higher, else its own."""
    for top in (path.parent, path.parent.parent):
        if (top / f"WIDER_{split}" / "images").is_dir():
            return top / f"WIDER_{split}" / "images"
    return path.parent / "images" if (path.parent / "images").is_dir() else path.parent


def _read_mat(path: Path, label: int, images: Path | None) -> Iterator[Came]:
    for event, name, boxes, columns in wider_mat.pictures(path):
        rows: list[_Row] = [(box, {key: column[n] for key, column in columns.items()}) for n, box in enumerate(boxes)]
        if len(rows) == 1 and not any(boxes[0]):
            rows = []  # no face
        picture = f"{event}/{name}.jpg"
        try:
            yield _entry(path, picture, [(f"{path}: {picture}", row) for row in rows], label, images)
        except InputError as error:
            yield error


@dataclass
class Writer:
    """Writes `wider_face_split/wider_face_SPLIT_bbx_gt.txt`; pictures are named from `WIDER_SPLIT/images` on.

    Only faces of the class "face" and regions to ignore are written, edges rounded to whole pixels.
    """

    folder: Path
    classes: Classes
    written: int = field(default=0, init=False)
    _files: dict[str, IO[str]] = field(default_factory=dict, init=False)

    def write(self, frame: Frame) -> None:
        """One picture, added to the list of the split that its source lies in, `train` when in none."""
        source = Path(frame.source)
        split, name = "train", str(source)
        if source.is_relative_to(self.folder):
            inner = source.relative_to(self.folder)
            split, name = inner.parts[0].removeprefix("WIDER_"), str(Path(*inner.parts[2:]))
        faces, lines = frame.detections, []
        for n, label in enumerate(faces.labels.tolist()):
            if label != DONT_CARE and self.classes.named(label).lower() != FACE:
                continue
            x1, y1, x2, y2 = (round(v) for v in faces.xyxy[n].tolist())
            size = f"{max(x2 - x1, 1)} {max(y2 - y1, 1)}"
            lines.append(f"{x1} {y1} {size} 0 0 0 {int(label == DONT_CARE)} {level(int(faces.occlusion[n]))} 0\n")
        text = "".join(lines) if lines else "0 0 0 0 0 0 0 0 0 0\n"
        self._file(split).write(f"{name}\n{len(lines)}\n{text}")
        self.written += 1

    def _file(self, split: str) -> IO[str]:
        if split not in self._files:
            path = self.folder / "wider_face_split" / f"wider_face_{split}_bbx_gt.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files[split] = path.with_name(f"{path.name}.part").open("w", encoding="utf-8")
        return self._files[split]

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        for file in self._files.values():
            file.close()
            part = Path(file.name)
            if kind is None:
                part.replace(part.with_suffix(""))
            else:
                part.unlink()
