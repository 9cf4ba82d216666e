"""Pascal VOC: `Annotations/NAME.xml` a picture, pictures in `JPEGImages`, splits in `ImageSets/Main/SPLIT.txt`.

Edges are numbers in pixels as labelling programs write them today. Files that call themselves a PASCAL VOC of a year
count pixels from 1, last one included; their left and top edges lose that 1. `difficult` boxes are to be ignored in
scoring, so they are DontCare here. What VOC has no element for (occlusion levels, shares, tracks) stands in elements
of ours, which other readers pass over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from faceir.data.entry import Came, Classes, Entry, Faces, number
from faceir.data.folder import Item
from faceir.detections import DONT_CARE
from faceir.errors import InputError
from faceir.flow import Frame

__all__ = ["Writer", "label_files", "read"]

_WANTED = "a Pascal VOC annotation"
_SPLITS = "ImageSets/Main"


def label_files(folder: Path) -> Iterator[Path]:
    """The label files of a folder, or of its `Annotations`, sorted, folders within included."""
    top = folder / "Annotations" if (folder / "Annotations").is_dir() else folder
    return iter(sorted(top.rglob("*.xml")))


def read(folder: str | Path, classes: Classes, images: Path | None = None) -> Iterator[Came]:
    """The labelled pictures; new names are added to `classes`. `images`: where pictures lie, else `JPEGImages`."""
    folder = Path(folder)
    splits = _read_splits(folder)
    for path in label_files(folder):
        try:
            yield _read_one(path, folder, classes, images, splits)
        except InputError as error:
            yield error


def _read_splits(folder: Path) -> dict[str, str]:
    """Split of each name; trainval joins others and says nothing."""
    found: dict[str, str] = {}
    for name in ("train", "val", "test"):
        path = folder / _SPLITS / f"{name}.txt"
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            # Lists of one class have a 1, 0 or -1 behind each name.
            found |= {re.sub(r"\s+-?[01]$", "", line.strip()): name for line in text.splitlines()}
    return found


def _read_one(path: Path, folder: Path, classes: Classes, images: Path | None, splits: dict[str, str]) -> Entry:
    try:
        data = path.read_bytes()
        if b"<!ENTITY" in data:  # a few bytes of them grow to gigabytes
            raise InputError(path, "defines entities", _WANTED)
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError, OSError, RecursionError) as error:
        raise InputError(path, f"is no XML ({error})", _WANTED) from None
    if root.tag != "annotation":
        raise InputError(path, f"is <{root.tag[:40]}>", "<annotation>")
    shift = 1.0 if "PASCAL VOC" in root.findtext("source/annotation", "").upper() else 0.0
    faces = Faces()
    for n, thing in enumerate(root.findall("object"), 1):
        where = f"{path}: object {n}"
        try:
            _add(faces, thing, classes, where, shift)
        except InputError as error:
            raise InputError(where, error.came, error.wanted) if error.where in ("box", "face") else error from None
    item = _item(path, folder, images, root, splits)
    return Entry(item, faces.detections(), _size(root, path))


def _size(root: ElementTree.Element, path: Path) -> tuple[int, int] | None:
    texts = [root.findtext(f"size/{side}") for side in ("width", "height")]
    if not all(text and text.strip() for text in texts):
        return None
    width, height = (number(text, path, "size") for text in texts)
    return (int(width), int(height)) if width >= 1 and height >= 1 else None  # some programs write 0 for unknown


def _add(faces: Faces, thing: ElementTree.Element, classes: Classes, where: str, shift: float) -> None:
    name = (thing.findtext("name") or "").strip()
    if not name:
        raise InputError(where, "has no name", "the name of a class")
    edges = [
        number(thing.findtext(f"bndbox/{edge}"), where, edge) - (shift if edge[1:] == "min" else 0.0)
        for edge in ("xmin", "ymin", "xmax", "ymax")
    ]
    label = DONT_CARE if _flag(thing, "difficult") == 1 else classes.label(name)
    faces.add(
        edges,
        label,
        occlusion=int(_level(thing, "occlusion", "occluded", where)),
        truncation=_level(thing, "truncation", "truncated", where),
        track_id=_track(thing, where),
    )


def _flag(thing: ElementTree.Element, name: str) -> int:
    """0, 1, or -1 when it is not stated."""
    text = (thing.findtext(name) or "").strip()
    return int(text) if text in ("0", "1") else -1


def _level(thing: ElementTree.Element, ours: str, flag: str, where: str) -> float:
    """Our element's value; else 0 where VOC's flag is 0; else -1, as a flag of 1 names no level."""
    text = thing.findtext(ours)
    if text is not None:
        return number(text, where, ours)
    return 0.0 if flag and _flag(thing, flag) == 0 else -1.0


def _track(thing: ElementTree.Element, where: str) -> int:
    text = thing.findtext("track_id") or "-1"
    try:
        return int(text)  # not by way of a float, which has 53 bits
    except ValueError:
        raise InputError(where, f"track_id is {text[:40]!r}", "a whole number") from None


def _item(path: Path, folder: Path, images: Path | None, root: ElementTree.Element, splits: dict[str, str]) -> Item:
    """The picture that the file names; what stands in `path` counts only where such a file is."""
    name = Path((root.findtext("filename") or "").strip() or f"{path.stem}.jpg")
    stated = Path((root.findtext("path") or "").strip() or name)
    places = [images] if images else [folder / "JPEGImages", folder / "images", folder, path.parent]
    candidates = [place / name.name for place in places] + ([] if images else [stated])
    try:
        picture = next((one for one in candidates if one.is_file()), candidates[0])
    except (ValueError, OSError) as error:
        raise InputError(path, f"names a file that cannot be ({error})", "the name of a picture") from None
    set_name = (root.findtext("folder") or "").strip()
    split = splits.get(path.stem, "")
    return Item(picture, path, "" if set_name == "JPEGImages" else set_name, {"split": split} if split else {})


@dataclass
class Writer:
    """Writes `Annotations/NAME.xml` for each frame. Edges have 3 decimals at most, none where they are whole."""

    folder: Path
    classes: Classes
    written: int = field(default=0, init=False)

    def write(self, frame: Frame) -> None:
        """One file, named after the frame's source; written whole or not at all."""
        source = Path(frame.source)
        path = self.folder / "Annotations" / f"{source.stem}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width = frame.gray.shape
        text = "".join(_object(frame, n, self.classes) for n in range(len(frame.detections)))
        inside = source.is_relative_to(self.folder)
        elsewhere = "" if inside else f"  <path>{_text(str(source))}</path>\n"
        part = path.with_name(f"{path.name}.part")
        part.write_text(
            f"<annotation>\n  <folder>{_text(source.parent.name)}</folder>\n"
            f"  <filename>{_text(source.name)}</filename>\n"
            f"{elsewhere}  <source><database>Unknown</database></source>\n"
            f"  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>\n"
            f"  <segmented>0</segmented>\n{text}</annotation>\n",
            encoding="utf-8",
        )
        os.replace(part, path)
        self.written += 1

    def add_to_split(self, split: str, name: str) -> None:
        """Add the picture `name`, without suffix, to a split."""
        path = self.folder / _SPLITS / f"{split}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def _text(value: str) -> str:
    """XML text; characters that XML cannot hold become "_"."""
    return escape("".join(c if c.isprintable() else "_" for c in value))


def _object(frame: Frame, n: int, classes: Classes) -> str:
    faces = frame.detections
    label, occlusion, truncation = int(faces.labels[n]), int(faces.occlusion[n]), float(faces.truncation[n])
    edges = zip(("xmin", "ymin", "xmax", "ymax"), faces.xyxy[n].tolist(), strict=True)
    box = "".join(f"<{name}>{round(value, 3):.9g}</{name}>" for name, value in edges)
    ours = {"occlusion": occlusion, "truncation": truncation, "track_id": int(faces.track_ids[n])}
    # -1 is stated, too: VOC's flags know no unknown.
    extra = "".join(f"<{name}>{value}</{name}>" for name, value in ours.items() if name != "track_id" or value >= 0)
    return (
        f"  <object>\n    <name>{_text(classes.named(label))}</name>\n    <pose>Unspecified</pose>\n"
        f"    <truncated>{int(truncation > 0)}</truncated><occluded>{int(occlusion > 0)}</occluded>"
        f"<difficult>{int(label == DONT_CARE)}</difficult>\n    <bndbox>{box}</bndbox>{extra}\n  </object>\n"
    )
