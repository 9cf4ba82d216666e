"""Four pictures in one view, so that few faces fill it and their surroundings change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from faceir.data.augment.settings import ViewKind
from faceir.detections import Detections
from faceir.flow import Image

__all__ = ["mosaic"]


def mosaic(
    tile: Callable[[ViewKind], tuple[Image, Detections]], kind: ViewKind, rng: np.random.Generator
) -> tuple[Image, Detections]:
    """A view of `kind` that is cut at a random point into four tiles; `tile` makes each, in order from top left.

    A tile's faces are as high as the kind wants them, but for what would not fit into it.
    """
    width, height = kind.size_wh
    x, y = (round(n * rng.uniform(0.35, 0.65)) for n in (width, height))
    canvas = np.empty((height, width), np.uint8)
    parts = []
    for left, top, right, bottom in ((0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)):
        wanted = replace(kind, size_wh=(right - left, bottom - top))
        if kind.face_height is not None:
            low, high = kind.face_height
            wanted = replace(wanted, face_height=(min(low, bottom - top), min(high, bottom - top)))
        picture, faces = tile(wanted)
        canvas[top:bottom, left:right] = picture
        parts.append(faces.with_boxes(faces.xyxy + np.array([left, top, left, top], np.float32)))
    return canvas, Detections.concat(parts)
