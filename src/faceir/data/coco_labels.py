"""COCO labels: documents with `images`, `annotations`, `categories`, as `data/coco.py` writes them or others do.

A crowd (`iscrowd`) is a region to ignore, and so is a category DontCare. What is broken in a document costs the
pictures that it concerns, not the document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from faceir.data.coco import Key, add_face, key_of, load
from faceir.data.entry import Came, Classes, Entry, Faces, head, is_text, shown
from faceir.data.folder import Item
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError

__all__ = ["count", "files", "read"]

_WANTED = "a COCO document with images, annotations, categories"
_SIDES = ("width", "height")


def files(where: Path) -> list[Path]:
    """The COCO files of a folder; a file itself."""
    if where.is_file():
        return [where]
    places = (where, where / "annotations", where / "labels")
    found = [p for place in places for p in sorted(place.glob("*.json")) if '"images"' in head(p, 1 << 20)]
    return found or [p for place in places for p in sorted(place.glob("*.json"))]


def count(where: Path) -> int:
    """Pictures of all files, by a glance."""
    total = 0
    for path in files(where):
        with path.open("rb") as file:
            total += sum(chunk.count(b'"file_name"') for chunk in iter(lambda: file.read(1 << 22), b""))
    return total


def read(where: str | Path, classes: Classes, images: Path | None = None) -> Iterator[Came]:
    """The labelled pictures of a file, or of all files below a folder, whose names say their split.

    New names are added to `classes`. `images`: where names of pictures start, else beside the file. A broken annotation
    is told and costs its picture. Raises `InputError` for what is no such document, or where none of the annotations
    is of an image that it lists: then the ids are of two kinds, and every picture would be without faces.
    """
    where = Path(where)
    found = files(where)
    if not found:
        raise InputError(where, "holds no COCO file", "labels.json or annotations/*.json")
    for path in found:
        yield from _read(path, classes, images or (where / "images" if _split_of(path) else None))


def _read(path: Path, classes: Classes, images: Path | None) -> Iterator[Came]:
    document = load(path)
    if not isinstance(document, dict) or "images" not in document:
        raise InputError(path, "has no list of images", _WANTED)
    pictures, rows = _rows(document, "images", path), _rows(document, "annotations", path)
    listed = Counter(_id(row, "id") for row in pictures)
    of_picture: dict[Key, list[int]] = {key: [] for key, times in listed.items() if key is not None and times == 1}
    labels = yield from _labels(document, rows, classes, path)
    yield from _share_out(rows, listed, of_picture, path)
    for n, row in enumerate(pictures):
        key = _id(row, "id")
        try:
            if key is None or listed[key] > 1:
                came = f"has the id {_shown(row, 'id')}, {'which is none' if key is None else 'which another one has'}"
                raise InputError(f"{path}: images[{n}]", came, "an id of its own")
            faces, broken = _faces(rows, of_picture[key], labels, path)
            yield from broken
            entry = _entry(path, row, faces, images, f"{path}: images[{n}]")
            if not broken:
                yield entry
        except InputError as error:
            yield error


def _rows(document: Mapping[str, Any], name: str, path: Path) -> list[Any]:
    rows = document.get(name, [])
    if not isinstance(rows, list):
        raise InputError(path, f"{name!r} is not a list", _WANTED)
    return rows


def _id(row: Any, name: str) -> Key | None:
    return key_of(row.get(name)) if isinstance(row, dict) else None


def _shown(row: Any, name: str) -> str:
    return shown(row.get(name) if isinstance(row, dict) else row)


def _labels(
    document: Mapping[str, Any], rows: Sequence[Any], classes: Classes, path: Path
) -> Generator[InputError, None, dict[Key | None, int]]:
    """The label of each category id; tells categories that cannot be used."""
    if "categories" not in document:
        used = {_id(row, "category_id") for row in rows} - {None} or {None}
        if len(used) > 1:
            raise InputError(path, f"has {len(used)} category ids and nothing that names them", "categories")
        return dict.fromkeys(used, classes.label("face"))
    labels: dict[Key | None, int] = {}
    for n, row in enumerate(_rows(document, "categories", path)):
        key, name = _id(row, "id"), row.get("name") if isinstance(row, dict) else None
        if key is None or key in labels or not isinstance(name, str) or not name.strip() or not is_text(name):
            yield InputError(f"{path}: categories[{n}]", f"is {shown(row)}", "an id of its own and a name")
        else:
            labels[key] = classes.label(name)
    return labels


def _share_out(
    rows: Sequence[Any], listed: Mapping[Key | None, int], of_picture: Mapping[Key, list[int]], path: Path
) -> Iterator[InputError]:
    """Put the number of each annotation to its picture; tells those of pictures that are not listed."""
    keys = [_id(row, "image_id") for row in rows]
    asked = {key for key in keys if key is not None}
    if asked and not any(key in listed for key in asked):
        raise InputError(
            path, f"has annotations of {len(asked)} images that it does not list, such as {min(asked, key=str)!a}",
            "image_id to be the id of an image",
        )  # fmt: skip
    for n, (key, row) in enumerate(zip(keys, rows, strict=True)):
        if key is None or key not in listed:
            came = f"is of image {_shown(row, 'image_id')}, which is not listed"
            yield InputError(f"{path}: annotations[{n}]", came, "the id of an image")
        elif key in of_picture:
            of_picture[key].append(n)


def _faces(
    rows: Sequence[Any], numbers: Sequence[int], labels: Mapping[Key | None, int], path: Path
) -> tuple[Detections, list[InputError]]:
    """The faces of one picture, and what is wrong with its annotations."""
    faces, broken = Faces(), []
    for n in numbers:
        row, at = rows[n], f"{path}: annotations[{n}]"
        crowd, category = bool(row.get("iscrowd", 0)), _id(row, "category_id")
        try:
            if category not in labels and not crowd:
                raise InputError(at, f"has the category_id {_shown(row, 'category_id')}", "one that is named")
            add_face(faces, row, DONT_CARE if crowd else labels[category], at)
        except InputError as error:
            came = f"{error.came}; its image {_shown(row, 'image_id')} is left out"
            broken.append(InputError(error.where, came, error.wanted))
    return faces.detections(), broken


def _entry(path: Path, row: Mapping[str, Any], faces: Detections, images: Path | None, where: str) -> Entry:
    name = row.get("file_name")
    if not isinstance(name, str) or not name.strip() or not is_text(name):
        raise InputError(where, f"has the file_name {_shown(row, 'file_name')}", "the name of a picture")
    place, split = PurePosixPath(name), _split_of(path)
    picture = _picture(path, place, images, where)
    inner = [part for n, part in enumerate(place.parts[:-1]) if n or part not in ("images", "/")]
    width, height = (side if isinstance(side, int) and 0 < side < 1 << 31 else 0 for side in map(row.get, _SIDES))
    stated = (width, height) if width and height else None
    return Entry(Item(picture, path, "/".join(inner), {"split": split} if split else {}), faces, stated)


def _picture(path: Path, name: PurePosixPath, images: Path | None, where: str) -> Path:
    """Below the document's folder, as `faceir` writes; else where COCO's own pictures lie, by split."""
    stem = path.stem.removeprefix("instances_")
    top = path.parent.parent if path.parent.name == "annotations" else path.parent
    places = [path.parent, *([images] if images else []), top / stem, top / "images" / stem, top / "images", top]
    try:
        return next((p / name for p in places if (p / name).is_file()), (images or path.parent) / name)
    except (ValueError, OSError) as error:
        raise InputError(where, f"names a file that cannot be ({error})", "the name of a picture") from None


def _split_of(path: Path) -> str:
    words = path.stem.lower().replace("2017", "").replace("-", "_").split("_")
    return next((split for split in ("train", "val", "test") if split in words), "")
