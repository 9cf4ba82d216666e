"""The worst misses and false alarms as pictures that lie inside the page."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from faceir.data import kitti
from faceir.detections import DONT_CARE, Detections
from faceir.errors import FaceirError, InputError
from faceir.evaluate.document import Evaluation
from faceir.evaluate.gallery import Example
from faceir.evaluate.judged import Judged, counted_of
from faceir.evaluate.scores import reach
from faceir.flow import Image

__all__ = ["Box", "Gallery", "Large", "Thumb", "gallery"]

MOST_SHOWN = 24
"""Of misses, and of false alarms."""
LARGE_SIDE, THUMB_SIDE = 640, 160
"""Longest side, pixels."""
BUDGET_BYTES = 2_200_000
"""Of all pictures as text, so that the page can still be sent by mail."""

_Xyxy = tuple[float, float, float, float]


@dataclass(frozen=True)
class Box:
    """A box to draw, in pixels of its picture."""

    xyxy: _Xyxy
    kind: str
    """truth, found, ignored, missed or false."""
    label: str


@dataclass(frozen=True)
class Large:
    """A whole picture with everything known of it."""

    number: int
    picture: str
    uri: str
    size_wh: tuple[int, int]
    """Pixels of the file; those of `uri` may be fewer."""
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Thumb:
    """The part of a picture around one example."""

    example: Example
    large: Large
    uri: str
    window: _Xyxy
    """x, y, width, height in the picture."""
    box: Box


@dataclass(frozen=True)
class Gallery:
    """What the page shows."""

    misses: tuple[Thumb, ...]
    false_alarms: tuple[Thumb, ...]
    with_found: bool
    """Whether all found faces are drawn, or false alarms alone."""
    notes: tuple[str, ...]

    @property
    def large(self) -> tuple[Large, ...]:
        """Each picture once."""
        return tuple({t.large.number: t.large for t in (*self.misses, *self.false_alarms)}.values())


def gallery(evaluation: Evaluation, folder: str | Path, judged: Iterable[Judged] = ()) -> Gallery:
    """Pictures below `folder` for the first misses and false alarms of `evaluation`.

    `judged`, where it is at hand, tells all faces that were found; without it true faces come from the label files.
    A picture that cannot be read is left out, and a note says so. Raises `InputError` when `folder` is none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(folder, "is not a folder", "the folder with the pictures", "or --no-pictures")
    shelf = _Shelf(evaluation, folder, {_below(p.name, folder): p for p in judged})
    missed = shelf.thumbs(evaluation.misses, True, BUDGET_BYTES // 2)
    false = shelf.thumbs(evaluation.false_alarms, False, BUDGET_BYTES)
    return Gallery(missed, false, bool(shelf.judged), tuple(shelf.notes))


class _Shelf:
    """Pictures that were read already, and how many bytes they take."""

    def __init__(self, evaluation: Evaluation, folder: Path, judged: dict[str, Judged]) -> None:
        self.evaluation, self.folder, self.judged = evaluation, folder, judged
        self.notes: list[str] = []
        self._large: dict[str, Large] = {}
        self._used = 0

    def thumbs(self, examples: Sequence[Example], missed: bool, budget: int) -> tuple[Thumb, ...]:
        """The first of `examples`, as long as all pictures together stay below `budget` bytes."""
        made: list[Thumb] = []
        for example in examples[:MOST_SHOWN]:
            if self._used > budget:
                self.notes.append(f"{len(examples) - len(made)} more would make the page too large.")
                break
            try:
                made.append(self._thumb(example, missed))
            except FaceirError as error:
                self.notes.append(f"{example.picture} cannot be shown: {error.came}.")
        return tuple(made)

    def _thumb(self, example: Example, missed: bool) -> Thumb:
        image = kitti.read_image(_inside(self.folder, example.picture), colour=False)
        large = self._large.get(example.picture) or self._shown(example.picture, image)
        x1, y1, x2, y2 = example.xyxy
        margin = max(x2 - x1, y2 - y1, 16) * 0.6
        left, top = max(0, int(x1 - margin)), max(0, int(y1 - margin))
        right, bottom = min(image.shape[1], int(x2 + margin) + 1), min(image.shape[0], int(y2 + margin) + 1)
        if right <= left or bottom <= top:
            raise InputError(example.picture, "the face lies beside the picture")
        uri = self._packed(image[top:bottom, left:right], THUMB_SIDE)
        return Thumb(example, large, uri, (left, top, right - left, bottom - top), _marked(example, missed))

    def _shown(self, picture: str, image: Image) -> Large:
        size_wh = (image.shape[1], image.shape[0])
        large = Large(len(self._large), picture, self._packed(image, LARGE_SIDE), size_wh, tuple(self._boxes(picture)))
        self._large[picture] = large
        return large

    def _boxes(self, picture: str) -> Iterable[Box]:
        """True faces below, then what was found, then what this page is about."""
        known = self.judged.get(picture)
        if known:
            counted = counted_of(known)
            for xyxy, counts in zip(known.truth.xyxy, counted, strict=True):
                yield Box(_xyxy(xyxy), "truth" if counts else "ignored", "true face" if counts else "not counted")
            found = known.found[known.found.scores >= reach(self.evaluation.scores.threshold)]
            for xyxy, score in zip(found.xyxy, found.scores, strict=True):
                yield Box(_xyxy(xyxy), "found", f"found, score {score:.2f}")
        else:
            truth = self._labels(picture)
            for xyxy, label in zip(truth.xyxy, truth.labels, strict=True):
                ignored = label == DONT_CARE
                yield Box(_xyxy(xyxy), "ignored" if ignored else "truth", "not counted" if ignored else "labelled face")
        for examples, missed in ((self.evaluation.misses, True), (self.evaluation.false_alarms, False)):
            yield from (_marked(example, missed) for example in examples if example.picture == picture)

    def _labels(self, picture: str) -> Detections:
        classes = tuple((self.evaluation.model.contract or {}).get("classes", ("face",)))
        path = _inside(self.folder, picture)
        label = path.parent.parent / ("label_2" if path.parent.name == "image_2" else "labels") / f"{path.stem}.txt"
        return kitti.read_labels(label, {c.lower(): c for c in classes}, classes) if label.exists() else Detections()

    def _packed(self, image: Image, side: int) -> str:
        """A JPEG of at most `side` pixels as a data URI; counted."""
        shrink = side / max(image.shape)
        if shrink < 1:
            size_wh = (max(1, round(image.shape[1] * shrink)), max(1, round(image.shape[0] * shrink)))
            image = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
        uri = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
        self._used += len(uri)
        return uri


def _marked(example: Example, missed: bool) -> Box:
    if not missed:
        return Box(example.xyxy, "false", f"false alarm, score {example.score or 0:.2f}")
    low = "found at no score" if example.score is None else f"found only at score {example.score:.2f}"
    return Box(example.xyxy, "missed", f"missed, {example.height:.0f} px high, {low}")


def _xyxy(edges: Iterable[float]) -> _Xyxy:
    x1, y1, x2, y2 = (round(float(edge), 1) for edge in edges)
    return x1, y1, x2, y2


def _below(name: str, folder: Path) -> str:
    """The picture's name as `Example.picture` states it."""
    return name.removeprefix(str(folder)).lstrip("/\\").replace("\\", "/")


def _inside(folder: Path, picture: str) -> Path:
    """A document may come from anybody: a name that leads out of the folder is none."""
    name = PurePosixPath(picture)
    if name.is_absolute() or ".." in name.parts or "\\" in picture or ":" in picture:
        raise InputError(picture, "leads out of the folder", "a picture below it")
    return folder / name
