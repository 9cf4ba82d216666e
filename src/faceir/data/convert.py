"""From any label format to any other: picture by picture, with an account of what the target cannot say."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal, TypeAlias

import numpy as np

from faceir import boxes
from faceir.data.entry import Came, Classes, Entry
from faceir.data.folder import PICTURE_SUFFIXES
from faceir.data.formats import FORMATS
from faceir.data.picture_size import picture_size
from faceir.data.sources import copy_beside
from faceir.data.targets import TARGETS, Target
from faceir.detections import DONT_CARE, Detections
from faceir.errors import FaceirError, InputError
from faceir.flow import Frame, Image

__all__ = ["REPORT", "Plan", "Result", "convert", "parse_mapping"]

REPORT = "conversion.jsonl"
Pictures: TypeAlias = Literal["copy", "link", "none"]


@dataclass(frozen=True)
class Plan:
    """What is to be converted to what."""

    source: Path
    form: str
    """A name of `FORMATS`."""
    out: Path
    target: str
    """A name of `TARGETS`."""
    images: Path | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    """New name of each class that is wanted, DontCare included; empty = all classes as they are."""
    pictures: Pictures = "copy"
    splits: Callable[[int, Entry], str] = lambda _, entry: entry.split
    """The split of the picture that came as number n."""
    notes: Sequence[Mapping[str, Any]] = ()
    """Lines that the report begins with."""

    def entries(self, classes: Classes) -> Iterator[Came]:
        """What the source holds."""
        return FORMATS[self.form].read(self.source, classes, self.images)


@dataclass
class Result:
    """What came of it. `lost`: what the target cannot say, `unsaid`: what was dropped in reading, each with a count."""

    pictures: int = 0
    faces: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    unsaid: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    """The first of them; all are in the report."""
    skips: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    classes: list[str] = field(default_factory=list)


def convert(plan: Plan, on_item: Callable[[], None] = lambda: None) -> Result:
    """Write `plan.out`, whole or not at all; `on_item` is called after each picture.

    Memory does not grow with the pictures, but for COCO, which is one document.

    What cannot be read or written is left out, counted, and named in `REPORT`. Raises `InputError` when `out` exists,
    nothing could be converted, or a source cannot be used at all.
    """
    _check_out(plan)
    with _replacing(plan.out) as folder, (folder / REPORT).open("w", encoding="utf-8") as file:
        work = _Work(plan, folder, file)
        for note in plan.notes:
            work.report(note)
        with work.writer:
            for came in plan.entries(work.came):
                work.take(came)
                on_item()
        result = work.result
        if not result.pictures:
            first = f", first: {result.skipped[0]}" if result.skipped else ""
            raise InputError(plan.source, f"nothing could be converted, {result.skips} skipped{first}", "pictures")
        copy_beside(plan.source, folder)
    return result


def _check_out(plan: Plan) -> None:
    if plan.out.exists() and (not plan.out.is_dir() or any(plan.out.iterdir())):
        raise InputError(plan.out, "exists", "a folder that does not, or an empty one", "name another with -o")
    if plan.source.is_dir() and plan.out.resolve().is_relative_to(plan.source.resolve()):
        raise InputError(plan.out, "lies within what is to be converted", "a folder outside of it")


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A folder that takes its name when it is finished, and is removed after an error."""
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.absolute().parent))
    try:
        yield folder
        folder.chmod(0o755)
        os.replace(folder, out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


class _Work:
    """One conversion under way."""

    def __init__(self, plan: Plan, folder: Path, report: IO[str]) -> None:
        self.plan, self.folder, self._report = plan, folder, report
        self.came, self.gives, self.result = Classes(), Classes(), Result()
        self.target: Target = TARGETS[plan.target]
        self.writer = self.target.writer(folder, self.gives)
        self.result.classes = self.gives.names
        self._mapping = {name.lower(): wanted for name, wanted in plan.mapping.items()}
        self._number = 0

    def report(self, line: Mapping[str, Any]) -> None:
        self._report.write(json.dumps(line, ensure_ascii=False) + "\n")

    def take(self, came: Came) -> None:
        """Write one picture, or say why not."""
        number, self._number = self._number, self._number + isinstance(came, Entry)
        try:
            if not isinstance(came, Entry):
                raise came
            self._write(came, self.plan.splits(number, came))
        except OSError as problem:
            if problem.errno != errno.ENAMETOOLONG:
                raise
            self._skip(InputError(problem.filename, "is too long a name", "a shorter one"))
        except FaceirError as error:
            self._skip(error)

    def _skip(self, error: FaceirError) -> None:
        self.result.skips += 1
        if len(self.result.skipped) < 10:
            self.result.skipped.append(str(error))
        self.report({"kind": "skipped", "where": error.where, "came": error.came, "wanted": error.wanted})

    def _write(self, entry: Entry, split: str) -> None:
        item, target = entry.item, self.target
        if item.picture.suffix.lower() not in PICTURE_SUFFIXES:
            raise InputError(item.picture, "is named like no picture", f"one of {', '.join(PICTURE_SUFFIXES)}")
        data = item.picture_data() if self.plan.pictures == "copy" else None
        if data == b"":
            raise InputError(item.picture, "is empty (0 bytes)", "a picture")
        if self.plan.pictures == "link" and not item.picture.is_file():
            raise InputError(item.picture, "is no file that a link can point to", "a picture", "use --copy")
        entry, lost = self._fitting(entry, data)
        place = self._place(entry, split)
        inside = self.plan.pictures != "none" or target.label(place) is not None
        path = self.folder / place if inside else item.picture.absolute()
        self.writer.write(_frame(entry, path, data), item.source, split, item.about)
        if self.plan.pictures != "none":
            path.parent.mkdir(parents=True, exist_ok=True)
            if data is not None:
                path.write_bytes(data)
            else:
                path.symlink_to(item.picture.absolute())
        self.result.pictures += 1
        self.result.faces += int((entry.faces.labels != DONT_CARE).sum())
        self.result.splits[split] += 1
        for kind, counts in (("lost", lost), ("unsaid", entry.unsaid)):
            for what, faces in counts.items():
                getattr(self.result, kind)[what] += faces
                self.report({"kind": kind, "where": str(item.picture), "what": what, "faces": faces})

    def _fitting(self, entry: Entry, data: bytes | None) -> tuple[Entry, Counter[str]]:
        """The picture with those faces, under those classes, that the target can say, and what it cannot."""
        faces, lost = self._renamed(entry.faces)
        smallest = (faces.xyxy[:, 2:] - faces.xyxy[:, :2]).min(axis=1, initial=np.inf)
        faces = _without(faces, smallest < self.target.smallest_px, "face too small to write", lost)
        if self.target.only_class:
            other = [n for n, name in enumerate(self.gives.names) if name.lower() != self.target.only_class]
            why = f'face of a class other than "{self.target.only_class}"'
            faces = _without(faces, np.isin(faces.labels, other), why, lost)
        if self.target.inside_only and len(faces):
            entry = replace(entry, stated_wh=_size(entry, data))
            cut = boxes.clip(faces.xyxy, entry.size_wh)
            sure = faces.labels != DONT_CARE
            gone = sure & ((cut[:, 2:] - cut[:, :2]).min(axis=1) < self.target.smallest_px)
            lost["part of a face outside the picture"] += int(((cut != faces.xyxy).any(axis=1) & sure & ~gone).sum())
            faces = _without(faces, gone, "face outside the picture", lost)
        lost.update(self.target.loses(faces, self.gives, entry.item))
        return replace(entry, faces=faces), +lost

    def _renamed(self, faces: Detections) -> tuple[Detections, Counter[str]]:
        lost: Counter[str] = Counter()
        labels, kept = faces.labels.copy(), np.ones(len(faces), np.bool_)
        for label in np.unique(labels).tolist():
            name = self.came.named(label)
            wanted = name if label == DONT_CARE or not self._mapping else self._mapping.get(name.lower())
            mine = faces.labels == label
            if wanted is None:
                kept &= ~mine
                lost[f"class {name}, which --map does not name"] += int(mine.sum())
            else:
                labels[mine] = self.gives.label(wanted)
        return replace(faces, labels=labels)[kept], lost

    def _place(self, entry: Entry, split: str) -> str:
        """Where the picture lies below the folder; the name has a number where it is taken."""
        name = _plain(entry.item.picture.name)
        parts = (part for part in PurePosixPath(entry.item.source).parts if part not in ("/", "..", "."))
        set_name = "/".join(map(_plain, parts))
        stem, suffix = os.path.splitext(name)
        for number in range(1, 1 << 31):
            place = self.target.place(set_name, _plain(split), f"{stem}-{number}{suffix}" if number > 1 else name)
            label = self.target.label(place)
            if not any(os.path.lexists(self.folder / p) for p in (place, label) if p is not None):
                break
        return place


def _plain(name: str) -> str:
    """A name that every format can hold on a line."""
    return "".join(c if c.isprintable() else "_" for c in name).strip().strip("\\/")


def _without(faces: Detections, gone: Any, why: str, lost: Counter[str]) -> Detections:
    lost[why] += int(gone.sum())
    return faces[~gone]


def _size(entry: Entry, data: bytes | None) -> tuple[int, int]:
    """Width and height, of bytes that were read already where they are needed."""
    if entry.stated_wh is None and data is not None:
        return picture_size(data, entry.item.picture)
    return entry.size_wh


def _frame(entry: Entry, path: Path, data: bytes | None) -> Frame:
    """What a writer needs of a picture: its faces, place and size. The picture is not decoded: its pixels are blank."""

    def blank() -> Image:
        width, height = _size(entry, data)
        return np.broadcast_to(np.zeros((), np.uint8), (height, width))

    return Frame(blank, blank, entry.faces, source=str(path))


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """`person_face=face` ...; raises `InputError` for anything else."""
    found = {}
    for pair in pairs:
        match = re.fullmatch(r"([^=]+)=([^=]+)", pair)
        if not match:
            raise InputError("--map", f"is {pair!r}", "OLD=NEW, like person_face=face")
        found[match[1].strip()] = match[2].strip()
    return found
