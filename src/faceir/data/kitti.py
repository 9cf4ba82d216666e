"""KITTI labels: a folder with `images/NAME.*` and `labels/NAME.txt`, 15 fields a line, 16 with a score.

KITTI's own folder names, `image_2` and `label_2`, are read as well.

A folder of such folders is one data set too; a `manifest.csv` at its top (columns `picture`, `set`,
`terms`, `split`) says which pictures belong to it and to which split.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError, need_file
from faceir.flow import Frame, Image

__all__ = [
    "Filter",
    "Item",
    "Writer",
    "decode",
    "find",
    "format_lines",
    "label_of",
    "parse_lines",
    "read",
    "read_frame",
    "read_image",
    "read_labels",
    "read_truth",
    "walk",
]

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".pgm", ".webp")
_FIELDS = 15
_LAYOUTS = {"images": "labels", "image_2": "label_2"}  # pictures' folder, labels' folder


@dataclass(frozen=True)
class Item:
    """One labelled picture on disk. `source` names the set that it belongs to.

    Where its bytes come from is for its methods to know: a picture in a shard has no file of its own.
    """

    picture: Path
    label: Path
    source: str = ""
    about: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The picture's row of `manifest.csv`: modality, sequence, identity, whatever columns there are."""

    def picture_data(self) -> bytes:
        """The picture's file as stored; raises `InputError` when it cannot be read."""
        return _picture_data(self.picture)

    def picture_ends(self, first: int, last: int) -> tuple[bytes, bytes]:
        """So many of the first and last bytes of the picture's file; raises as `picture_data`."""
        return _picture_ends(self.picture, first, last)

    def label_data(self) -> bytes | None:
        """The label file as stored, None when there is none; raises `InputError` when it cannot be read."""
        return _label_data(self.label)

    def named(self, root: Path) -> tuple[str, str]:
        """Picture and label as they lie below the data set's folder, with slashes."""
        return _below(self.picture, root), _below(self.label, root)

    def check(self) -> None:
        """Raise `InputError` unless there are a picture and a label file; neither is decoded."""
        try:
            need_file(self.picture, "a picture")
            labelled = self.label.exists()
        except OSError as error:  # a name that is too long, say
            raise InputError(self.picture, error.strerror or "cannot be opened", "a picture") from None
        if not labelled:
            raise InputError(self.label, "does not exist", "a label file, empty when there is no face")


@dataclass(frozen=True)
class Filter:
    """Which rows of a `manifest.csv` are wanted; empty fields want all."""

    split: str = ""
    terms: Sequence[str] = ()
    exclude_set: Sequence[str] = ()

    def wants(self, row: Mapping[str, str]) -> bool:
        """Whether this manifest row is one of them."""
        return (
            (not self.split or row["split"] == self.split)
            and (not self.terms or row["terms"] in self.terms)
            and row["set"] not in self.exclude_set
        )

    def __bool__(self) -> bool:
        return bool(self.split or self.terms or self.exclude_set)


def find(folder: str | Path, want: Filter | None = None) -> list[Item]:
    """All labelled pictures of a data set folder, sorted by path; see `walk`."""
    return list(walk(folder, want))


def walk(folder: str | Path, want: Filter | None = None) -> Iterator[Item]:
    """The labelled pictures of a data set folder one by one, sorted by path; labels need not exist.

    Raises `InputError` when there is no folder, no picture, or a filter but no manifest.
    """
    folder, want, empty = Path(folder), want or Filter(), True
    if not folder.is_dir():
        raise InputError(folder, "is not a folder", "a folder with images/ and labels/, or a folder of such folders")
    manifest = folder / "manifest.csv"
    if want and not manifest.exists():
        raise InputError(manifest, "does not exist", f"it, to choose {want}", "leave the filter out, or write it")
    for item in _listed(manifest, want) if manifest.exists() else _lying(folder):
        empty = False
        yield item
    if empty:
        raise InputError(
            folder, "holds no labelled picture", f"images/NAME.jpg and labels/NAME.txt {want if want else ''}"
        )


def _listed(manifest: Path, want: Filter) -> Iterator[Item]:
    for row in _rows(manifest):
        if want.wants(row):
            yield _item(manifest.parent / row["picture"], row["set"], row)


def _lying(folder: Path) -> Iterator[Item]:
    for top in (folder, *sorted(p for p in folder.iterdir() if p.is_dir())):
        for images in _LAYOUTS:
            if (top / images).is_dir():
                for picture in sorted((top / images).iterdir()):
                    if picture.suffix.lower() in PICTURE_SUFFIXES:
                        yield _item(picture, top.name)


_MANIFEST = ("picture", "set", "terms", "split")


def _rows(manifest: Path) -> Iterator[dict[str, str]]:
    wanted = f"a CSV file in UTF-8 with columns {', '.join(_MANIFEST)}"
    try:
        file = manifest.open(newline="", encoding="utf-8-sig")  # as Excel writes it, too
    except OSError as error:
        raise InputError(manifest, error.strerror or "cannot be opened", wanted) from None
    with file:
        rows = csv.DictReader(file)
        try:
            columns = list(rows.fieldnames or ())
            lacks = set(_MANIFEST) - set(columns)
            if lacks:
                raise InputError(manifest, f"lacks the column {', '.join(sorted(lacks))}", wanted)
            if len(set(columns)) < len(columns):
                raise InputError(manifest, "names a column twice", wanted)
            for row in rows:
                if None in row or None in row.values():  # what csv makes of a row of another length
                    raise InputError(manifest, f"line {rows.line_num} has other columns than the first line", wanted)
                if not row["picture"] or "\0" in row["picture"]:
                    raise InputError(manifest, f"line {rows.line_num} names no picture", wanted)
                yield row
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(manifest, f"cannot be read after line {rows.line_num} ({error})", wanted) from None


def _item(picture: Path, source: str, about: Mapping[str, str] | None = None) -> Item:
    return Item(picture, label_of(picture), source, about or {})


def label_of(picture: Path) -> Path:
    """Where the label file of a picture lies."""
    return picture.parent.parent / _LAYOUTS.get(picture.parent.name, "labels") / f"{picture.stem}.txt"


def read(items: Iterable[Item], class_mapping: Mapping[str, str], classes: Sequence[str]) -> Iterator[Frame]:
    """Frames with their true faces; pictures load when looked at. A missing label file means no face."""
    for index, item in enumerate(items):
        yield read_frame(item, class_mapping, classes, index)


def read_frame(item: Item, class_mapping: Mapping[str, str], classes: Sequence[str], index: int = 0) -> Frame:
    """One labelled picture as a frame, loaded when looked at."""
    return Frame(
        lambda: decode(item.picture_data(), item.picture, colour=False),
        lambda: decode(item.picture_data(), item.picture),
        read_truth(item, class_mapping, classes),
        source=str(item.picture),
        index=index,
    )


def read_image(path: Path, colour: bool = True) -> Image:
    """The picture as uint8 RGB `[H,W,3]`, or gray `[H,W]`; raises `InputError` when it cannot be read."""
    return decode(_picture_data(path), path, colour)


def decode(data: bytes, where: object, colour: bool = True) -> Image:
    """A picture file's bytes as uint8 RGB `[H,W,3]`, or gray `[H,W]`; raises `InputError` when they are none."""
    flag = cv2.IMREAD_COLOR_RGB if colour else cv2.IMREAD_GRAYSCALE
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flag) if data else None
    if image is None:
        raise InputError(where, "cannot be decoded as a picture" if data else "is empty (0 bytes)", "a picture")
    return np.asarray(image, np.uint8)


def _picture_data(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be opened", "a picture", "check the path") from None


def _picture_ends(path: Path, first: int, last: int) -> tuple[bytes, bytes]:
    try:
        with path.open("rb") as file:
            head = file.read(first)
            file.seek(max(os.fstat(file.fileno()).st_size - last, 0))
            return head, file.read(last)
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be opened", "a picture") from None


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _label_data(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(path, f"cannot be read ({error})", "a KITTI label file") from None


def read_labels(path: str | Path, class_mapping: Mapping[str, str], classes: Sequence[str]) -> Detections:
    """True faces of one label file; see `parse_lines`."""
    data = _label_data(Path(path))
    if data is None:
        raise InputError(path, "does not exist", "a KITTI label file")
    return _parse(data, class_mapping, classes, path)


def read_truth(item: Item, class_mapping: Mapping[str, str], classes: Sequence[str]) -> Detections:
    """True faces of one labelled picture; no label file means no face."""
    data = item.label_data()
    return Detections() if data is None else _parse(data, class_mapping, classes, item.label)


def _parse(data: bytes, class_mapping: Mapping[str, str], classes: Sequence[str], where: object) -> Detections:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(where, f"cannot be read ({error})", "a KITTI label file") from None
    return parse_lines(text, class_mapping, classes, where)


def parse_lines(
    text: str, class_mapping: Mapping[str, str], classes: Sequence[str], where: object = "labels"
) -> Detections:
    """Faces in KITTI label text.

    `class_mapping` turns a name in the file, compared in lower case as TAO does, into one of `classes`;
    names without mapping are left out; `DontCare` becomes label `DONT_CARE`. Raises `InputError` naming
    the line for a wrong number of fields, a NaN, an inverted or empty box, or a score outside 0..1.
    """
    mapping = {name.lower(): classes.index(target) for name, target in class_mapping.items()}
    mapping["dontcare"] = DONT_CARE
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        at = f"{where}:{number}"
        if len(fields) not in (_FIELDS, _FIELDS + 1):
            raise InputError(at, f"has {len(fields)} fields", "15, or 16 with a score", "write the line as KITTI does")
        label = mapping.get(fields[0].lower())
        try:
            truncation, occlusion, *box = (float(value) for value in (*fields[1:3], *fields[4:8]))
            score = float(fields[15]) if len(fields) > _FIELDS else 1.0
        except ValueError as error:
            raise InputError(
                at, f"{error}".replace("could not convert string to float: ", "is not a number: ")
            ) from None
        if not all(map(math.isfinite, (*box, truncation, occlusion, score))):
            raise InputError(at, "holds NaN or infinity", "numbers in pixels")
        if box[0] >= box[2] or box[1] >= box[3]:
            raise InputError(at, f"has an inverted or empty box {box}", "x1 < x2 and y1 < y2")
        if not 0 <= score <= 1 or not -1 <= truncation <= 1 or not -1 <= occlusion <= 9:
            raise InputError(
                at, f"score {score}, truncation {truncation}, occlusion {occlusion}", "0..1, 0..1, 0..9 or -1"
            )
        if label is not None:
            rows.append((box, score, label, int(occlusion), truncation))
    if not rows:
        return Detections()
    xyxy, scores, labels, occlusions, truncations = zip(*rows, strict=True)
    return Detections(
        np.array(xyxy, np.float32),
        np.array(scores, np.float32),
        np.array(labels, np.int64),
        occlusion=np.array(occlusions, np.int8),
        truncation=np.array(truncations, np.float32),
    )


def format_lines(detections: Detections, classes: Sequence[str], with_scores: bool) -> str:
    """KITTI text, a line a face: TAO's 15 fields, coordinates with 3 decimals, and the score as the 16th."""
    lines = []
    for n in range(len(detections)):
        label = int(detections.labels[n])
        name = "DontCare" if label == DONT_CARE else classes[label].replace(" ", "_")
        x1, y1, x2, y2 = detections.xyxy[n].tolist()
        truncation, occlusion = max(float(detections.truncation[n]), 0.0), int(detections.occlusion[n])
        line = f"{name} {truncation:.2f} {0 if with_scores else occlusion} 0.00 {x1:.3f} {y1:.3f} {x2:.3f} {y2:.3f}"
        line += " 0.00" * 7
        lines.append(f"{line} {detections.scores[n]:.6f}\n" if with_scores else f"{line}\n")
    return "".join(lines)


@dataclass
class Writer:
    """Writes `labels/NAME.txt` for each frame; `with_scores` adds the 16th field."""

    folder: Path
    classes: Sequence[str] = ("face",)
    with_scores: bool = False
    written: int = field(default=0, init=False)

    def write(self, frame: Frame) -> None:
        """One label file, named after the frame's source; written whole or not at all."""
        path = self.folder / "labels" / f"{Path(frame.source).stem}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".txt.part")
        part.write_text(format_lines(frame.detections, self.classes, self.with_scores), encoding="utf-8")
        os.replace(part, path)
        self.written += 1

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        return None
