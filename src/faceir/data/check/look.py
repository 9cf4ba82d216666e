"""A detector's careful look: the picture, its mirror image, and four enlarged parts, where small faces show better.

What several views agree on is surer and tighter than what one of them says (weighted boxes fusion, R. Solovyev, 2019).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from faceir import boxes
from faceir.boxes import FloatArray
from faceir.detections import Detections
from faceir.flow import Detector, Image

__all__ = ["look"]

_PART = 0.6  # of each side, so that a face up to a fifth of the picture lies whole in one of them
_LARGE = 0.3  # of a part's height; higher faces show as well in the whole picture, and their parts look like faces
_SAME, _INSIDE = 0.45, 0.7  # IoU of one face in two views; share of a box inside a surer one that makes it a part of it
_EDGE = 2.0  # px; a box that ends there is cut by the part


@dataclass(frozen=True)
class _View:
    """A part of a picture, as the detector is shown it."""

    image: Image
    xyxy: FloatArray
    """`[4]`, where it lies in the picture."""
    mirrored: bool = False
    part: bool = False

    def sees(self, xyxy: FloatArray) -> npt.NDArray[np.bool_]:
        """Which boxes `[N,4]` of the picture this view should find."""
        if not self.part:
            return np.ones(len(xyxy), bool)
        within = (xyxy[:, :2] >= self.xyxy[:2] + _EDGE).all(axis=1) & (xyxy[:, 2:] <= self.xyxy[2:] - _EDGE).all(axis=1)
        return within & (xyxy[:, 3] - xyxy[:, 1] <= _LARGE * len(self.image))

    def placed(self, found: Detections) -> Detections:
        """Faces of the view in the picture's pixels; those that are for another view to see are left out."""
        xyxy = found.xyxy
        if self.mirrored:
            xyxy = np.stack(
                [self.image.shape[1] - xyxy[:, 2], xyxy[:, 1], self.image.shape[1] - xyxy[:, 0], xyxy[:, 3]], 1
            )
        xyxy = boxes.scale(xyxy, (1, 1), (float(self.xyxy[0]), float(self.xyxy[1])))
        return found.with_boxes(xyxy)[self.sees(xyxy)]


def look(images: Sequence[Image], detector: Detector) -> list[Detections]:
    """Faces of each gray picture, of all scores that `detector` gives; a score is the mean of the views' scores."""
    views = [list(_views(image)) for image in images]
    found = iter(detector([view.image for of_one in views for view in of_one]))
    return [_fused([(view, view.placed(next(found))) for view in of_one]) for of_one in views]


def _views(image: Image) -> Iterator[_View]:
    height, width = image.shape[:2]
    whole = np.array([0, 0, width, height], np.float32)
    yield _View(image, whole)
    yield _View(np.asarray(cv2.flip(image, 1), np.uint8), whole, mirrored=True)
    part_h, part_w = max(round(height * _PART), 1), max(round(width * _PART), 1)
    for y in (0, height - part_h):
        for x in (0, width - part_w):
            part = np.ascontiguousarray(image[y : y + part_h, x : x + part_w])
            yield _View(part, np.array([x, y, x + part_w, y + part_h], np.float32), part=True)


def _fused(seen: Sequence[tuple[_View, Detections]]) -> Detections:
    """One face of all boxes of it: their mean by score; views that should see it and do not count as 0."""
    every = Detections.concat([found for _, found in seen])
    order = np.argsort(-every.scores, kind="stable")
    every, free = every[order], np.ones(len(order), bool)
    of_view = np.concatenate([np.full(len(found), n) for n, (_, found) in enumerate(seen)])[order]
    overlap, shared = boxes.iou(every.xyxy, every.xyxy), boxes.intersection(every.xyxy, every.xyxy)
    share = shared / np.maximum(boxes.area(every.xyxy), 1e-6)  # [n, m]: of m that lies in n
    xyxy, scores = [], []
    for n in range(len(every)):
        if not free[n]:
            continue
        same = free & (overlap[n] >= _SAME)
        free &= ~same & (share[n] < _INSIDE)
        weights = every.scores[same]
        xyxy.append((every.xyxy[same] * weights[:, None]).sum(axis=0) / weights.sum())
        best = np.zeros(len(seen))
        np.maximum.at(best, of_view[same], weights)
        expecting = np.array([bool(view.sees(every.xyxy[n : n + 1])[0]) for view, _ in seen]) | (best > 0)
        scores.append(best.sum() / expecting.sum())
    return Detections(np.array(xyxy, np.float32), np.clip(np.array(scores, np.float32), 0, 1)) if xyxy else Detections()
