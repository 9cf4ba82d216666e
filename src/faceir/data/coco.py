"""COCO detections, and a writer of labels and detections: one JSON file for all pictures.

Detections of another program are either a document with `images`, `annotations`, `categories` whose annotations have
a `score`, or COCO's list of results, `[{"image_id", "category_id", "bbox", "score"}]`. Labels are read by
`data/coco_labels.py`.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias

from faceir import boxes
from faceir.data.entry import Faces, number, shown
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError, need_file
from faceir.flow import Frame

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Key", "Writer", "add_face", "key_of", "load", "read_detections"]

_Row = dict[str, Any]
Key: TypeAlias = int | float | str
"""An id. COCO's are whole numbers; other programs write text, too."""


def load(path: Path) -> Any:
    """The document; raises `InputError` for what is no JSON. A number of more digits than Python reads is infinity."""
    try:
        data = need_file(path, "a COCO JSON file").read_bytes()
        try:
            return json.loads(data)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise
        except ValueError:
            return json.loads(data, parse_int=_int)
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(path, f"is not JSON ({error})", "a COCO JSON file") from None


def _int(digits: str) -> float:
    try:
        return int(digits)
    except ValueError:
        return math.inf


def key_of(value: object) -> Key | None:
    """An id as a key, None for what is none: lists, NaN, true, nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value != value:
        return None
    return value


def add_face(faces: Faces, row: Mapping[str, Any], label: int, where: str) -> None:
    """Add one annotation; raises `InputError` for a box without area or a number that is none."""
    wanted, box = "bbox [x, y, width, height] in pixels, width and height above 0", row.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise InputError(where, f"has the bbox {shown(box)}", wanted)
    x, y, width, height = (number(v, where, "bbox") for v in box)
    if width <= 0 or height <= 0:
        raise InputError(where, f"has an inverted or empty bbox {shown(box)}", wanted)
    stated = {**_UNKNOWN, **{name: row[name] for name in _UNKNOWN if row.get(name) is not None}}
    track = stated.pop("track_id")
    if not isinstance(track, int):  # not by way of a float, which has 53 bits
        raise InputError(where, f"has the track_id {shown(track)}", "a whole number")
    known = {name: number(value, where, name) for name, value in stated.items()}
    try:
        faces.add(
            (x, y, x + width, y + height), label, occlusion=int(known["occlusion"]), truncation=known["truncation"],
            score=known["score"], track_id=track,
        )  # fmt: skip
    except InputError as error:
        raise InputError(where, error.came, error.wanted) from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_UNKNOWN = {"score": 1.0, "occlusion": -1, "truncation": -1.0, "track_id": -1}


def read_detections(
    path: str | Path,
    class_mapping: Mapping[str, str],
    classes: Sequence[str],
    images: str | Path | None = None,
) -> tuple[dict[str, Detections], bool]:
    """Detections by name of their picture, and whether all pictures that were looked at have an entry.

    Pictures are named by the `file_name` of a document's `images`, else by those of the COCO file `images`
    (which may hold the true boxes, too), else by a `file_name` in each row, else by the `image_id` itself, as
    COCO's own pictures are. Raises `InputError` with counts for scores outside 0..1, boxes without area, and
    images or categories that nothing names.
    """
    path = Path(path)
    document = load(path)
    listing = load(Path(images)) if images is not None else document
    rows = _rows(document, "annotations", path) if isinstance(document, dict) else document
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(path, "is not a list of results", 'a list of {"image_id", "category_id", "bbox", "score"}')
    _check_scores(rows, path)
    listing = listing if isinstance(listing, dict) else {}
    faces = _by_picture(rows, listing, class_mapping, classes, path)
    if "images" in listing:
        names = _picture_names(listing, Path(images) if images is not None else path)
        strangers = [key for key in faces if key not in names]
        if strangers:
            raise InputError(
                path,
                f"{len(strangers)} of its {len(faces)} images are not listed in {images or 'it'}, "
                f"such as {strangers[0]!r}",
            )
        return {name: faces.get(key, Detections()) for key, name in names.items()}, True
    named = {row["image_id"]: str(row["file_name"]) for row in rows if "file_name" in row}
    return {named.get(key, str(key)): found for key, found in faces.items()}, False


def _rows(document: Mapping[str, Any], name: str, path: Path) -> list[_Row]:
    rows = document.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(path, f"{name!r} is not a list of objects", "a COCO document")
    return rows


def _picture_names(document: Mapping[str, Any], path: Path) -> dict[Key, str]:
    """File name of each image id."""
    names, rows = dict[Key, str](), _rows(document, "images", path)
    for n, row in enumerate(rows):
        key = key_of(row.get("id"))
        if key is None or not isinstance(row.get("file_name"), str):
            raise InputError(f"{path}: images[{n}]", f"is {shown(row)}", "id and file_name")
        names[key] = row["file_name"]
    if len(names) < len(rows):
        raise InputError(path, f"{len(rows) - len(names)} of {len(rows)} images have an id that another one has")
    return names


def _labels(
    rows: Sequence[_Row], document: Mapping[str, Any], class_mapping: Mapping[str, str], classes: Sequence[str],
    path: Path,
) -> dict[Key | None, int]:  # fmt: skip
    """Index into `classes` of each category id that has one."""
    wanted = {name.lower(): classes.index(target) for name, target in class_mapping.items()}
    used = Counter(key_of(row.get("category_id")) for row in rows)
    if "categories" in document:
        names = {key_of(row.get("id")): str(row.get("name", "")) for row in _rows(document, "categories", path)}
        names.pop(None, None)
        labels = {key: wanted[name.lower()] for key, name in names.items() if name.lower() in wanted}
        unnamed = sum(count for key, count in used.items() if key not in names)
        if unnamed:
            raise InputError(path, f"{unnamed} of {len(rows)} boxes have a category_id that it does not name")
        if rows and not used.keys() & labels.keys():
            came = ", ".join(f"{names[key]} ({count})" for key, count in used.most_common(5))
            raise InputError(path, f"no box is of a wanted class, but of {came}", ", ".join(wanted))
        return labels
    if len(used) > 1:
        raise InputError(
            path, f"has {len(used)} category ids and nothing that names them", "categories, in it or in a COCO file",
            "name that file behind an @: detections.json@labels.json",
        )  # fmt: skip
    return dict.fromkeys(used, 0)


def _check_scores(rows: Sequence[_Row], path: Path) -> None:
    """Raise `InputError` unless each row has a score, 0..1."""
    lacks = sum("score" not in row for row in rows)
    if lacks:
        raise InputError(path, f"{lacks} of {len(rows)} boxes have no score", "detections with a score, 0..1")
    scores = [row["score"] for row in rows]
    bad = [s for s in scores if not (isinstance(s, int | float) and 0 <= s <= 1)]
    if bad:
        raise InputError(
            path, f"{len(bad)} of {len(scores)} scores lie outside 0..1, such as {bad[0]!r}", "0..1",
            "map them, for logits by 1 / (1 + exp(-score))",
        )  # fmt: skip


def _by_picture(
    rows: Sequence[_Row], document: Mapping[str, Any], class_mapping: Mapping[str, str], classes: Sequence[str],
    path: Path,
) -> dict[Key, Detections]:  # fmt: skip
    """Detections of each image id that has a row; pictures whose boxes are of no wanted class have none."""
    labels = _labels(rows, document, class_mapping, classes, path)
    found: dict[Key, Faces] = {}
    for n, row in enumerate(rows):
        where, key = f"{path}: detection {n}", key_of(row.get("image_id"))
        if key is None:
            raise InputError(where, "has no image_id", "the id of an image")
        category, crowd = key_of(row.get("category_id")), bool(row.get("iscrowd", 0))
        mine = found.setdefault(key, Faces())
        if category not in labels and not crowd:
            mine = Faces()  # that nobody wants; a broken one is told all the same
        add_face(mine, row, DONT_CARE if crowd else labels.get(category, 0), where)
    return {key: faces.detections() for key, faces in found.items()}


@dataclass
class Writer:
    """Writes one JSON file when all frames were taken; none after an error.

    Without scores it is a COCO document, pictures named relative to the file's folder where they lie below it.
    `with_scores` it is COCO's list of results with a `file_name` in each row; `image_ids` (by file name, as in
    the labels that they will be held against) then take the place of a count from 1.
    """

    path: Path
    classes: Sequence[str] = ("face",)
    with_scores: bool = False
    image_ids: Mapping[str, int] = field(default_factory=dict)
    _images: list[_Row] = field(default_factory=list, init=False)
    _rows: list[_Row] = field(default_factory=list, init=False)

    def write(self, frame: Frame) -> None:
        """Take one frame; without scores its picture is opened for its size."""
        name = self._name(frame.source)
        if self.image_ids and name not in self.image_ids:
            raise InputError(frame.source, "has no image id", "a picture of the labels")
        image_id = self.image_ids.get(name, len(self._images) + 1)
        image: _Row = {"id": image_id, "file_name": name}
        if not self.with_scores:
            image["height"], image["width"] = frame.gray.shape
        self._images.append(image)
        faces = frame.detections
        if self.with_scores:  # results know no regions to ignore
            faces = faces[faces.labels != DONT_CARE]
        self._rows += [self._row(faces, n, image) for n in range(len(faces))]

    def _name(self, source: str) -> str:
        picture, folder = Path(source).absolute(), self.path.absolute().parent
        inside = picture.is_relative_to(folder)
        return str(PurePosixPath(picture.relative_to(folder) if inside else Path(source)))

    def _row(self, faces: Detections, n: int, image: _Row) -> _Row:
        ignored = int(faces.labels[n]) == DONT_CARE
        box = [round(v, 3) for v in boxes.to_xywh(faces.xyxy[n : n + 1])[0].tolist()]
        row: _Row = {"image_id": image["id"], "category_id": 1 if ignored else int(faces.labels[n]) + 1, "bbox": box}
        if self.with_scores:
            row |= {"score": round(float(faces.scores[n]), 6), "file_name": image["file_name"]}
        else:
            row |= {"id": 0, "area": round(box[2] * box[3], 3), "iscrowd": int(ignored)}
        known = (("track_id", faces.track_ids), ("occlusion", faces.occlusion), ("truncation", faces.truncation))
        return row | {name: column[n].item() for name, column in known if column[n] >= 0}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            return
        document: Any = self._rows
        if not self.with_scores:
            for n, row in enumerate(self._rows, 1):
                row["id"] = n  # pycocotools takes 0 for "no match"
            categories = [{"id": n, "name": name} for n, name in enumerate(self.classes, 1)]
            document = {"images": self._images, "annotations": self._rows, "categories": categories}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(self.path.name + ".part")
        part.write_text(json.dumps(document), encoding="utf-8")
        os.replace(part, self.path)
