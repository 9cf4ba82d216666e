"""KITTI labels: text files of a line a face, 15 fields, 16 with a score; read as frames of a `folder`, and written."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from faceir.data.folder import PICTURE_SUFFIXES, Filter, Item, find, label_bytes, label_of, picture_bytes, walk
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from faceir.flow import Frame, Image

__all__ = [
    "PICTURE_SUFFIXES",
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

_FIELDS = 15


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
    return decode(picture_bytes(path), path, colour)


def decode(data: bytes, where: object, colour: bool = True) -> Image:
    """A picture file's bytes as uint8 RGB `[H,W,3]`, or gray `[H,W]`; raises `InputError` when they are none."""
    flag = cv2.IMREAD_COLOR_RGB if colour else cv2.IMREAD_GRAYSCALE
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flag) if data else None
    if image is None:
        raise InputError(where, "cannot be decoded as a picture" if data else "is empty (0 bytes)", "a picture")
    return np.asarray(image, np.uint8)


def read_labels(path: str | Path, class_mapping: Mapping[str, str], classes: Sequence[str]) -> Detections:
    """True faces of one label file; see `parse_lines`."""
    data = label_bytes(Path(path))
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
            raise InputError(at, f"has {len(fields)} fields", "15, or 16 with a score", _instead(fields))
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


def _instead(fields: Sequence[str]) -> str:
    """What to do about a line with another number of fields."""
    if len(fields) == 5 and fields[0].isdigit():
        return "this is how YOLO writes them: type faceir dataset convert FOLDER -o NEW --to kitti"
    return "write the line as KITTI does"


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
