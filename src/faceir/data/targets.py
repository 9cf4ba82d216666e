"""Every label format that can be written: where its files lie, and what of a face it cannot say."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

import numpy as np

from faceir.data import coco, csv_labels, kitti, voc, wider, yolo
from faceir.data.entry import Classes
from faceir.data.folder import Item
from faceir.detections import DONT_CARE, Detections
from faceir.flow import Frame

__all__ = ["TARGETS", "SetWriter", "Target"]


class SetWriter(Protocol):
    """Writes a data set, picture by picture."""

    def write(self, frame: Frame, source: str, split: str, about: Mapping[str, str]) -> None:
        """One picture of the set `source`."""

    def __enter__(self) -> Any: ...
    def __exit__(self, kind: Any, error: Any, trace: Any) -> Any: ...


@dataclass(frozen=True)
class Target:
    """A format to write: `place(set, split, name)` is a picture's path, `label(place)` its label file's, if any."""

    writer: Callable[[Path, Classes], SetWriter]
    place: Callable[[str, str, str], str]
    label: Callable[[str], str | None]
    loses: Callable[[Detections, Classes, Item], Mapping[str, int]]
    precision: str
    """How exact it is."""
    smallest_px: float = 0.002
    """Boxes with a shorter side could not be read back."""
    only_class: str = ""
    """The one class that it has; empty = any."""
    inside_only: bool = False
    """Whether boxes have to lie within the picture."""


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def _beside(place: str, folder: str, suffix: str) -> str:
    """`a/images/b/x.jpg` to `a/FOLDER/b/x.SUFFIX`, the last such folder."""
    path = PurePosixPath(place)
    parts = list(path.parts[:-1])
    parts[len(parts) - 1 - parts[::-1].index("images")] = folder
    return _join(*parts, f"{path.stem}{suffix}")


class _Each:
    """A sink that knows no sets and splits."""

    def __init__(self, sink: Any) -> None:
        self._sink = sink

    def write(self, frame: Frame, source: str, split: str, about: Mapping[str, str]) -> None:
        self._sink.write(frame)

    def __enter__(self) -> _Each:
        self._sink.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._sink.__exit__(*error)


class _Kitti:
    """A folder a set, and `manifest.csv` over them as soon as there is something to state of a picture."""

    def __init__(self, folder: Path, classes: Classes) -> None:
        self.folder, self._classes = folder, classes
        self._file: IO[str] | None = None
        self._rows: csv.DictWriter[str] | None = None
        self._columns: list[str] = []

    def write(self, frame: Frame, source: str, split: str, about: Mapping[str, str]) -> None:
        path = Path(frame.source)
        kitti.Writer(path.parent.parent, self._classes.names).write(frame)
        if self._rows is None:
            self._columns = ["picture", "set", "terms", "split"]
            self._columns += [key for key in about if key not in self._columns and key]
            self._file = (self.folder / "manifest.csv").open("w", newline="", encoding="utf-8")
            self._rows = csv.DictWriter(self._file, self._columns, restval="", extrasaction="ignore")
            self._rows.writeheader()
        stated = {"picture": path.relative_to(self.folder).as_posix(), "set": source, "split": split}
        self._rows.writerow({"terms": "", **about, **stated})

    def __enter__(self) -> _Kitti:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._file is not None:
            self._file.close()


class _Coco:
    """A file a split."""

    def __init__(self, folder: Path, classes: Classes) -> None:
        self.folder, self._classes = folder, classes
        self._sinks: dict[str, coco.Writer] = {}

    def write(self, frame: Frame, source: str, split: str, about: Mapping[str, str]) -> None:
        if split not in self._sinks:
            self._sinks[split] = coco.Writer(self.folder / f"{split or 'labels'}.json", self._classes.names)
        self._sinks[split].write(frame)

    def __enter__(self) -> _Coco:
        return self

    def __exit__(self, *error: Any) -> None:
        for sink in self._sinks.values():
            sink.__exit__(*error)


class _Voc(_Each):
    """Its splits are lists of names."""

    def write(self, frame: Frame, source: str, split: str, about: Mapping[str, str]) -> None:
        self._sink.write(frame)
        if split:
            self._sink.add_to_split(split, Path(frame.source).stem)


class _Csv(_Each):
    """Its rows name set and split."""

    def write(self, frame: Frame, source: str, split: str, about: Mapping[str, str]) -> None:
        self._sink.write(frame, source, split)


_STATED = frozenset(("picture", "set", "split", "faces", "width", "height"))


def _unstated(item: Item) -> Counter[str]:
    """Columns of `manifest.csv` that only KITTI folders keep."""
    more = any(value for key, value in item.about.items() if key not in _STATED)
    return Counter({"other columns of manifest.csv (pictures)": int(more)})


def _levels(faces: Detections, item: Item) -> tuple[Counter[str], Detections]:
    """What few formats say, and the faces among `faces`, without regions to ignore."""
    return _unstated(item) + _scores(faces), faces[faces.labels != DONT_CARE]


def _scores(faces: Detections) -> Counter[str]:
    return Counter({"score": int((faces.scores != 1).sum())})


def _lost_kitti(faces: Detections, classes: Classes, item: Item) -> Mapping[str, int]:
    lost, sure = _scores(faces), faces[faces.labels != DONT_CARE]
    lost["track"] = int((faces.track_ids >= 0).sum())
    lost["truncation unknown, written as 0"] = int((sure.truncation < 0).sum())
    blank = [label for label, name in enumerate(classes.names) if len(name.split()) != 1 or " " in name]
    lost["blanks in a class name, written as _"] = int(np.isin(sure.labels, blank).sum())
    return lost


def _lost_coco(faces: Detections, classes: Classes, item: Item) -> Mapping[str, int]:
    return _levels(faces, item)[0]


def _lost_voc(faces: Detections, classes: Classes, item: Item) -> Mapping[str, int]:
    lost = _levels(faces, item)[0]
    lost["set (pictures)"] = int(bool(item.source))
    return lost


def _lost_yolo(faces: Detections, classes: Classes, item: Item) -> Mapping[str, int]:
    lost, sure = _levels(faces, item)
    lost["DontCare region"] = len(faces) - len(sure)
    lost["occlusion"] = int((sure.occlusion >= 0).sum())
    lost["truncation"] = int((sure.truncation > 0).sum())  # KITTI says 0 for unknown
    lost["track"] = int((sure.track_ids >= 0).sum())
    return lost


def _lost_wider(faces: Detections, classes: Classes, item: Item) -> Mapping[str, int]:
    lost, sure = _levels(faces, item)
    lost["occlusion unknown, written as none"] = int((sure.occlusion < 0).sum())
    rounded = np.isin(sure.occlusion, (1, 3, 4, 5, 7, 8, 9))
    lost["occlusion but for none, partial, heavy"] = int(rounded.sum())
    lost["truncation"] = int((sure.truncation > 0).sum())
    lost["track"] = int((sure.track_ids >= 0).sum())
    return lost


def _lost_csv(faces: Detections, classes: Classes, item: Item) -> Mapping[str, int]:
    return _unstated(item)


def _nothing(place: str) -> None:
    return None


_THOUSANDTH = "edges 0.001 px"

TARGETS = {
    "kitti": Target(
        _Kitti,
        lambda group, split, name: _join(group, "images", name),
        lambda place: _beside(place, "labels", ".txt"),
        _lost_kitti,
        f"{_THOUSANDTH}, truncation 0.01",
    ),
    "coco": Target(
        _Coco, lambda group, split, name: _join("images", group, name), _nothing, _lost_coco, _THOUSANDTH
    ),
    "voc": Target(
        lambda folder, classes: _Voc(voc.Writer(folder, classes)),
        lambda group, split, name: f"JPEGImages/{name}",
        lambda place: f"Annotations/{PurePosixPath(place).stem}.xml",
        _lost_voc,
        _THOUSANDTH,
    ),
    "yolo": Target(
        lambda folder, classes: _Each(yolo.Writer(folder, classes)),
        lambda group, split, name: _join("images", split, group, name),
        lambda place: f"labels/{PurePosixPath(place).with_suffix('.txt').relative_to('images')}",
        _lost_yolo,
        "edges 1e-9 of the picture's side",
        inside_only=True,
    ),
    "wider": Target(
        lambda folder, classes: _Each(wider.Writer(folder, classes)),
        lambda group, split, name: f"WIDER_{split or 'train'}/images/{group or 'faces'}/{name}",
        _nothing,
        _lost_wider,
        "whole pixels",
        smallest_px=0.0,
        only_class=wider.FACE,
    ),
    "csv": Target(
        lambda folder, classes: _Csv(csv_labels.Writer(folder / "labels.csv", classes)),
        lambda group, split, name: _join("images", group, name),
        _nothing,
        _lost_csv,
        "exact",
        smallest_px=0.0,
    ),
}  # fmt: skip
"""By the name that `--to` takes."""
