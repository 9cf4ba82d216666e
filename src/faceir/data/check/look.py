"""A detector's second look: the picture whole, then in four enlarged parts, where small faces are seen better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from faceir import boxes
from faceir.detections import Detections
from faceir.flow import Detector, Image

__all__ = ["look"]

_PART = 0.6  # of each side, so that a face up to a fifth of the picture lies whole in one of them
_SAME = 0.45  # IoU
_EDGE = 2.0  # px; a box that ends there is cut by the part


def look(images: Sequence[Image], detector: Detector) -> list[Detections]:
    """Faces of each gray picture, of all scores that `detector` gives; of two boxes on one face the surer one."""
    views = [list(_views(image)) for image in images]
    found = iter(detector([view for of_one in views for view, _ in of_one]))
    return [
        _merged([_placed(next(found), at, view, image) for view, at in of_one])
        for image, of_one in zip(images, views, strict=True)
    ]


def _views(image: Image) -> Iterator[tuple[Image, tuple[int, int]]]:
    """The picture and its parts, with the pixel x, y at which each begins."""
    height, width = image.shape[:2]
    yield image, (0, 0)
    part_h, part_w = round(height * _PART), round(width * _PART)
    if min(part_h, part_w) > 0:
        for y in (0, height - part_h):
            for x in (0, width - part_w):
                yield np.ascontiguousarray(image[y : y + part_h, x : x + part_w]), (x, y)


def _placed(found: Detections, at: tuple[int, int], view: Image, image: Image) -> Detections:
    """Faces of a view in the picture's pixels, without those that the view cuts."""
    whole = np.ones(len(found), bool)
    for axis in (0, 1):
        length, full = view.shape[1 - axis], image.shape[1 - axis]
        if at[axis] > 0:
            whole &= found.xyxy[:, axis] > _EDGE
        if at[axis] + length < full:
            whole &= found.xyxy[:, axis + 2] < length - _EDGE
    kept = found[whole]
    return kept.with_boxes(boxes.scale(kept.xyxy, (1, 1), at))


def _merged(parts: Sequence[Detections]) -> Detections:
    every = Detections.concat(parts)
    every = every[np.argsort(-every.scores, kind="stable")]
    overlap = boxes.iou(every.xyxy, every.xyxy)
    kept = np.ones(len(every), bool)
    for n in range(len(every)):
        if kept[n]:
            kept[n + 1 :] &= overlap[n, n + 1 :] < _SAME
    return every[kept]
