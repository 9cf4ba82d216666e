"""A head with its face, cut out of one picture to stand in another."""

from __future__ import annotations

import cv2
import numpy as np

from faceir import boxes
from faceir.boxes import FloatArray
from faceir.data.augment.framing import cut, transform_boxes, warp
from faceir.data.augment.scene import Layer
from faceir.data.augment.shapes import Points, Stencil, superellipse
from faceir.detections import DONT_CARE, Detections
from faceir.flow import Image

__all__ = ["HEAD", "SHOULDERS", "grown", "head_layer"]

# Shares of a face's width and height by which its sides move out, to the right and downwards.
HEAD = np.array([-0.22, -0.38, 0.22, 0.14])
SHOULDERS = np.array([-0.9, 1.05, 0.9, 1.6])
_MAX_ENLARGEMENT = 2.2
_MIN_HEIGHT = 16  # px in its own picture


def head_layer(
    donor: Image,
    faces: Detections,
    centre: Points,
    height: float,
    size_wh: tuple[int, int],
    brightness: float,
    rng: np.random.Generator,
) -> tuple[Layer, Detections] | None:
    """A face of `donor`, gray `[H,W]`, with its hair, `height` px high about `centre` `[2]` of a view of `size_wh`.

    It is lower where the donor's face has no detail for so many pixels. `brightness` is that of its skin, 0..255.
    Gives the layer and the face in the view's pixels, cut at its border; None when no face of the donor is
    clear, whole and alone enough.
    """
    index = _choose(faces, donor.shape, rng)
    if index is None:
        return None
    box = faces.xyxy[index].astype(np.float64)
    scale = min(height / (box[3] - box[1]), _MAX_ENLARGEMENT)
    linear = np.diag([scale if rng.random() < 0.5 else -scale, scale])
    matrix = np.concatenate([linear, (centre - linear @ (box[:2] + box[2:]) / 2)[:, None]], axis=1)
    seen = cut(faces[index], transform_boxes(faces.xyxy[[index]], matrix), size_wh)
    if not len(seen):
        return None
    outlines = _outlines(faces, index, donor.shape, matrix, rng)
    corners = np.concatenate(outlines)
    stencil = Stencil((*corners.min(axis=0), *corners.max(axis=0)), size_wh)
    for outline in outlines:
        stencil.polygon(outline)
    shifted = np.concatenate([linear, matrix[:, 2:] - np.array(stencil.xy)[:, None]], axis=1)
    light = warp(donor, shifted, (stencil.alpha.shape[1], stencil.alpha.shape[0]), None)
    x1, y1, x2, y2 = box.astype(int).tolist()
    skin = float(donor[(y1 + y2) // 2 : y2 + 1, x1 : x2 + 1].mean())
    gain = float(np.clip(brightness / max(skin, 1), 0.4, 2.5))
    return stencil.filled(cv2.convertScaleAbs(light, alpha=gain), rng.uniform(0.8, 1.6)), seen


def _choose(faces: Detections, shape: tuple[int, ...], rng: np.random.Generator) -> int | None:
    """A face that may be cut out of a picture of `shape`: clear, whole with its hair, with no other in its cut."""
    heights = faces.xyxy[:, 3] - faces.xyxy[:, 1]
    good = (
        (faces.labels != DONT_CARE)
        & (faces.occlusion <= 2)
        & (faces.truncation <= 0.05)
        & (heights >= _MIN_HEIGHT)
        & (faces.xyxy[:, 1] >= 0.2 * heights)
        & (faces.xyxy[:, 0] >= 0.05 * heights)
        & (faces.xyxy[:, 2] <= shape[1] - 0.05 * heights)
        & (faces.xyxy[:, 3] <= shape[0])
    )
    for index in rng.permutation(np.flatnonzero(good)).tolist():
        if not _others_in(grown(faces.xyxy[index], HEAD), faces, index):
            return int(index)
    return None


def grown(box: FloatArray, by: Points) -> FloatArray:
    """`box` `[4]`, its sides moved by shares of its width and height."""
    w, h = box[2:] - box[:2]
    return np.asarray(box + by * np.array([w, h, w, h]), np.float32)


def _others_in(region: FloatArray, faces: Detections, index: int) -> bool:
    """Whether more than a tenth of another face, or of a region to ignore, lies in `region` `[4]`."""
    others = np.delete(faces.xyxy, index, axis=0)
    low, high = np.maximum(others[:, :2], region[:2]), np.minimum(others[:, 2:], region[2:])
    shared = np.maximum(high - low, 0).prod(axis=1)
    return bool((shared > 0.1 * boxes.area(others)).any())


def _outlines(
    faces: Detections, index: int, shape: tuple[int, ...], matrix: Points, rng: np.random.Generator
) -> list[Points]:
    """What is cut, in the view's pixels: the head, and often the shoulders where they are seen and no face is."""
    box = faces.xyxy[index]
    parts = [grown(box, HEAD)]
    shoulders = grown(box, SHOULDERS)
    if rng.random() < 0.7 and shoulders[3] <= shape[0] and not _others_in(shoulders, faces, index):
        parts.append(shoulders)
    moved = transform_boxes(np.array(parts), matrix).astype(np.float64)
    return [superellipse((b[:2] + b[2:]) / 2, (b[2:] - b[:2]) / 2, power=2.3) for b in moved]
