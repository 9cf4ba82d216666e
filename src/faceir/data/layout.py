"""Where pictures and labels lie in a data set folder, and what lies in one where they do not, with what to type."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

__all__ = ["LAYOUTS", "PICTURE_SUFFIXES", "WANTED", "what_lies_in"]

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".pgm", ".webp")
LAYOUTS = {"images": "labels", "image_2": "label_2"}
"""Folder of the pictures, folder of their labels."""
WANTED = "images/NAME.jpg and labels/NAME.txt (or image_2, label_2), here or one folder deeper"
_DEEPEST = 4
_MOST_FILES = 50_000
"""An error message is not worth a walk through millions of files."""


@dataclass
class _Place:
    """A folder that holds something: how many pictures, and the names of the other files."""

    path: Path
    pictures: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @cached_property
    def texts(self) -> list[str]:
        return [name for name in self.others if name.endswith(".txt")]

    @cached_property
    def beside(self) -> list[str]:
        """Label files that have a picture's name."""
        stems = {Path(name).stem for name in self.pictures}
        return [name for name in self.texts if Path(name).stem in stems]


def what_lies_in(folder: Path) -> tuple[str, str]:
    """Of a folder that holds no labelled picture where it is looked for: what lies there instead, and what to type.

    Looks at names, and at the beginning of a few files; both texts may be empty.
    """
    places = _places(folder)
    for explain in (_itself, _deeper, _other_format, _pictures):
        if told := explain(folder, places):
            return told
    if not places:
        return f"no file lies in its first {_DEEPEST} folders down" if any(folder.iterdir()) else "it is empty", ""
    files = sum(len(place.others) for place in places)
    if files == 1:
        return "the one file in it is no picture", ""
    return f"{'the first ' if files > _MOST_FILES else ''}{files} files in it are no pictures", ""


def _itself(folder: Path, places: Sequence[_Place]) -> tuple[str, str] | None:
    """The folder of the pictures was named instead of the one that holds it."""
    if folder.name in LAYOUTS and places and places[0].path == folder and places[0].pictures:
        return f"it is itself the folder {folder.name} of the pictures", f"name {folder.parent}"
    return None


def _deeper(folder: Path, places: Sequence[_Place]) -> tuple[str, str] | None:
    """There are such folders, but further down."""
    found = [place for place in places if place.path.name in LAYOUTS and place.pictures]
    if not found:
        return None
    sets = [place.path.parent for place in found]
    over = {one.parent for one in sets}
    came = f"{found[0].path.relative_to(folder)} with {_count(found[0].pictures)} lies deeper"
    if len(sets) == 1:
        return came, f"name {sets[0]}"
    if len(over) == 1:
        return f"{came}, and {len(sets) - 1} more", f"name {over.pop()}"
    return f"{came}, and {len(sets) - 1} more in several folders", f"name each of {', '.join(map(str, sorted(over)))}"


def _other_format(folder: Path, places: Sequence[_Place]) -> tuple[str, str] | None:
    """Labels of another format that can be converted; looked for in the folder and in those one deeper."""
    for place in places:
        at = place.path
        for format_name, where, found in _signs(place):
            if len(where.relative_to(folder).parts) > 1:
                continue
            came = f"it holds {format_name} ({Path(at, found).relative_to(folder)})"
            images = " --images PICTURES" if format_name.startswith("TFRecords") else ""
            source, out = shlex.quote(str(where)), shlex.quote(f"{folder.resolve().name}-kitti")
            return came, f"type: faceir dataset convert {source} -o {out} --to kitti{images}"
    return None


def _signs(place: _Place) -> Iterator[tuple[str, Path, str]]:
    """Name of a format, the folder to convert, and the file that shows it."""
    at, inner = place.path, ("annotations", "labels")
    for name in place.others:
        if name.endswith(".json") and (b'"annotations"' in _head(at / name) or b'"images"' in _head(at / name)):
            yield "COCO labels", at.parent if at.name in inner else at, name
        elif name.endswith(".xml") and b"<annotation" in _head(at / name):
            yield "VOC labels", at.parent if at.name == "Annotations" else at, name
        elif name.startswith("wider_face_") and "_bbx_gt" in name:
            yield "WIDER labels", at, name
        elif "-fold-" in name or ".tfrecord" in name:
            yield "TFRecords", at, name
        elif name == "labels.csv":
            yield "CSV labels", at, name
    top = next((p for p in (at, *at.parents) if p.name == "labels"), None)
    if top is not None and place.texts and _is_yolo(_head(at / place.texts[0])):
        yield "YOLO labels", top.parent, place.texts[0]


def _pictures(folder: Path, places: Sequence[_Place]) -> tuple[str, str] | None:
    """Pictures, but in folders of another name."""
    held = [place for place in places if place.pictures]
    if not held:
        return None
    first = max(held, key=lambda place: len(place.pictures))
    at = first.path.relative_to(folder)
    where = "directly in it" if first.path == folder else f"in {at}"
    came = f"{_count(first.pictures)} {'lies' if len(first.pictures) == 1 else 'lie'} {where}" + (
        f", and others in {len(held) - 1} more" if held[1:] else ""
    )
    if first.beside:
        if _is_yolo(_head(first.path / first.beside[0])):
            came += f" with YOLO labels beside them ({first.beside[0]})"
            return (
                came,
                "move the pictures into images/ and the .txt files into labels/, then type: faceir dataset "
                + (f"convert {shlex.quote(str(folder))} -o {shlex.quote(folder.resolve().name + '-kitti')} --to kitti"),
            )
        return f"{came} with {len(first.beside)} label files beside them", _MOVE
    if any(part in LAYOUTS for part in at.parts):
        return came, f"give each folder of pictures its own images/ and labels/, such as {at.name}/images"
    return f"{came}, without a label file beside them", f"{_MOVE}; where there are none, {_draft(folder)}"


_MOVE = "move the pictures into images/ and their labels, in KITTI's format, into labels/"


def _draft(folder: Path) -> str:
    there = shlex.quote(str(folder))
    images = shlex.quote(str(folder / "images"))
    return f"`faceir detect {images} -o {there} --kitti --no-draw` drafts them, to be corrected by hand"


def _places(folder: Path) -> list[_Place]:
    """The folder and those below it that hold files, from the top; not all of a large tree."""
    found, files = [], 0
    for top, inner, names in os.walk(folder):
        at = Path(top)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        if len(at.relative_to(folder).parts) >= _DEEPEST:
            inner.clear()
        files += len(names)
        place = _Place(at)
        for name in sorted(names):
            (place.pictures if _is_picture(name) else place.others).append(name)
        if names:
            found.append(place)
        if files > _MOST_FILES:
            break
    return found


def _is_picture(name: str) -> bool:
    return name.lower().endswith(PICTURE_SUFFIXES)


def _is_yolo(head: bytes) -> bool:
    words = head.splitlines()[0].split() if head.strip() else []
    return len(words) >= 5 and words[0].isdigit()


def _head(path: Path, size: int = 1 << 16) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""


def _count(pictures: Sequence[str]) -> str:
    return "1 picture" if len(pictures) == 1 else f"{len(pictures)} pictures"
