"""YOLO: `images/**/NAME.jpg` and `labels/**/NAME.txt`, a line a face: class, middle and size as shares of the picture.

Names of the classes stand in `data.yaml` (or `classes.txt`, `obj.names`); without, a class is named by its number.
A polygon, as for segmentation, is read as the box around it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faceir import boxes
from faceir.data.entry import Came, Classes, Entry, Faces, number
from faceir.data.folder import PICTURE_SUFFIXES, Item
from faceir.detections import DONT_CARE
from faceir.errors import InputError, need_file
from faceir.flow import Frame

__all__ = ["Writer", "read", "read_names"]

_NAMES = ("classes.txt", "obj.names", "names.txt")
_SPLITS = ("train", "val", "valid", "test")
_SLACK = 1e-3
"""Shares of the picture by which an edge may lie outside of it: other programs round."""
_KEYED = re.compile(r"""\s*['"]?(\d+)['"]?\s*:\s*(.+)""")


def read(folder: str | Path, classes: Classes, images: Path | None = None) -> Iterator[Came]:
    """The labelled pictures; new names are added to `classes`. A picture without label file has no face.

    Label files without a picture are told. Raises `InputError` when there is no folder of pictures.
    """
    folder = Path(folder)
    names = read_names(folder)
    for name in names:
        classes.label(name)
    tops = [images] if images else _picture_folders(folder)
    if not tops:
        raise InputError(folder, "holds no folder images", "images/NAME.jpg and labels/NAME.txt")
    for top in tops:
        for place in sorted((top, *(p for p in top.rglob("*") if p.is_dir()))):
            yield from _read_folder(place, top, folder, names, classes)


def _picture_folders(folder: Path) -> list[Path]:
    """`images`, or the `SPLIT/images` of Roboflow's layout."""
    return [p for p in (folder / "images", *(folder / split / "images" for split in _SPLITS)) if p.is_dir()]


def _read_folder(
    place: Path, top: Path, folder: Path, names: Sequence[str], classes: Classes
) -> Iterator[Came]:  # fmt: skip
    inner = place.relative_to(top)
    labels = top.parent / "labels" / inner
    split = next((one for one in (*inner.parts[:1], top.parent.name) if one in _SPLITS), "")
    set_name = "/".join(part for n, part in enumerate(inner.parts) if n or part != split)
    about = {"split": "val" if split == "valid" else split} if split else {}
    stems = set()
    for picture in sorted(p for p in place.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES):
        stems.add(picture.stem)
        item = Item(picture, labels / f"{picture.stem}.txt", set_name, about)
        try:
            yield _read_one(item, names, classes)
        except InputError as error:
            yield error
    for path in sorted(labels.glob("*.txt")) if labels.is_dir() else ():
        if path.stem not in stems and path.name not in _NAMES:
            yield InputError(path, "has no picture", f"a picture {place / path.stem}.*")


def _read_one(item: Item, names: Sequence[str], classes: Classes) -> Entry:
    data = item.label_data()
    try:
        lines = (data or b"").decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(item.label, f"is no text ({error})", "a YOLO label file") from None
    bare = Entry(item, Faces().detections(), unsaid={} if data is not None else {"no label file": 1})
    if not any(line.strip() for line in lines):
        return bare
    width, height = bare.size_wh
    faces = Faces()
    for n, line in enumerate(lines, 1):
        fields = line.split()
        if not fields:
            continue
        where = f"{item.label}:{n}"
        label = _label(fields[0], names, classes, where)
        x1, y1, x2, y2, score = _shares([number(field, where, "a field") for field in fields[1:]], where)
        try:
            faces.add((x1 * width, y1 * height, x2 * width, y2 * height), label, score=score)
        except InputError as error:
            raise InputError(where, error.came, error.wanted) from None
    return Entry(item, faces.detections(), (width, height))


def _label(text: str, names: Sequence[str], classes: Classes, where: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InputError(where, f"has the class {text[:40]!r}", "a whole number from 0 on")
    if names and int(text) >= len(names):
        raise InputError(where, f"has class {text} of {len(names)}", f"0..{len(names) - 1}", "complete the names")
    return classes.label(names[int(text)] if names else str(int(text)))


def _shares(values: Sequence[float], where: str) -> tuple[float, float, float, float, float]:
    """Edges as shares of the picture, and the score, of what follows the class."""
    if len(values) in (4, 5):
        x, y, w, h, score = (*values, 1.0)[:5]
        edges = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        inverted = w <= 0 or h <= 0
    elif len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = values[::2], values[1::2]
        edges, score = (min(xs), min(ys), max(xs), max(ys)), 1.0
        inverted = edges[0] >= edges[2] or edges[1] >= edges[3]
    else:
        raise InputError(where, f"has {len(values) + 1} fields", "5, 6 with a score, or a polygon's 7, 9, 11 ...")
    if inverted:
        raise InputError(where, f"has an inverted or empty box {list(values[:4])}", "width and height above 0")
    if min(edges) < -_SLACK or max(edges) > 1 + _SLACK:
        raise InputError(where, f"reaches outside the picture {[round(e, 4) for e in edges]}", "shares, 0..1")
    return *edges, score


def read_names(folder: Path) -> list[str]:
    """Names of the classes in order; empty when nothing names them. Raises `InputError` for names it cannot read."""
    for name in ("data.yaml", "dataset.yaml", "data.yml"):
        if (folder / name).is_file():
            return _yaml_names(folder / name)
    for place in (folder, folder / "labels"):
        for name in _NAMES:
            if (place / name).is_file():
                return [line.strip() for line in _lines(place / name) if line.strip()]
    return []


def _lines(path: Path) -> list[str]:
    try:
        return need_file(path, "names of classes").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read ({error})", "names of classes") from None


def _yaml_names(path: Path) -> list[str]:
    """The `names` of a data.yaml: an inline list or mapping, or a block of `- name` or `0: name`; no other YAML."""
    lines = [line for line in _lines(path) if line.split("#")[0].strip()]
    wanted = "names: [face] or a line a name"
    start = next((n for n, line in enumerate(lines) if re.match(r"names\s*:", line)), None)
    if start is None:
        raise InputError(path, "has no names", wanted)
    rest = lines[start].split(":", 1)[1].strip()
    if rest and not rest.startswith("#"):
        while rest[0] in "[{" and not re.search(r"[\]}]\s*(#.*)?$", rest) and start + 1 < len(lines):
            start += 1
            rest += " " + lines[start].strip()
        inside = re.fullmatch(r"[\[{](.*)[\]}]\s*(#.*)?", rest)
        if inside is None:
            raise InputError(path, f"has the names {rest[:80]!r}", wanted)
        quoted_or_plain = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^,"'])+"""
        entries = [part.strip() for part in re.findall(quoted_or_plain, inside[1]) if part.strip()]
    else:
        entries = []
        for line in lines[start + 1 :]:
            if not line.startswith((" ", "\t", "-")):
                break
            entries.append(line.strip().removeprefix("-").strip())
    return _in_order(entries, path)


def _in_order(entries: Sequence[str], path: Path) -> list[str]:
    keyed = [_KEYED.fullmatch(entry) for entry in entries]
    if entries and all(keyed):
        pairs = {int(found[1][:9]): found[2] for found in keyed if found}
        if sorted(pairs) != list(range(len(entries))):
            raise InputError(path, f"numbers the names {sorted(pairs)[:8]}", "0, 1, 2 ...")
        return [_plain(pairs[n]) for n in range(len(pairs))]
    return [_plain(entry) for entry in entries]


def _plain(text: str) -> str:
    text = text.strip()
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text.strip('"')
    return text.strip("'") if text.startswith("'") else text.split(" #")[0].strip()


@dataclass
class Writer:
    """Writes a `labels/**/NAME.txt` for each frame whose source is `images/**/NAME.*`, and `data.yaml` at the end.

    Regions to ignore are left out and boxes cut at the edge of the picture: the format knows neither.
    """

    folder: Path
    classes: Classes
    written: int = field(default=0, init=False)
    _tops: set[str] = field(default_factory=set, init=False)

    def write(self, frame: Frame) -> None:
        """One label file, written whole or not at all."""
        inner = self._inner(Path(frame.source))
        path = self.folder / "labels" / inner.parent / f"{inner.stem}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width = frame.gray.shape
        faces = frame.detections[frame.detections.labels != DONT_CARE]
        cut = boxes.clip(faces.xyxy, (width, height)).astype(np.float64) / (width, height, width, height)
        lines = []
        for label, (x1, y1, x2, y2) in zip(faces.labels.tolist(), cut.tolist(), strict=True):
            if x1 < x2 and y1 < y2:
                shares = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
                lines.append(f"{label} {' '.join(f'{share:.9f}' for share in shares)}\n")
        part = path.with_name(f"{path.name}.part")
        part.write_text("".join(lines), encoding="utf-8")
        os.replace(part, path)
        self._tops.add(inner.parts[0] if len(inner.parts) > 1 and inner.parts[0] in _SPLITS else "")
        self.written += 1

    def _inner(self, source: Path) -> Path:
        top = self.folder / "images"
        return source.relative_to(top) if source.is_relative_to(top) else Path(source.name)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            return
        where = {split: f"images/{split}".rstrip("/") for split in sorted(self._tops)}
        train = where.get("train") or where.get("") or "images"
        lines = [f"train: {train}", f"val: {where.get('val', train)}"]
        lines += [f"test: {where['test']}"] if "test" in where else []
        names = [f"  {n}: {json.dumps(name)}" for n, name in enumerate(self.classes.names)]
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / "data.yaml.part"
        part.write_text("\n".join([*lines, "names:", *names]) + "\n", encoding="utf-8")
        os.replace(part, self.folder / "data.yaml")
