"""Box algebra: pure functions on float32 `[N,4]` arrays of x1, y1, x2, y2 in pixels.

Edges are continuous: a box over pixel columns 3, 4, 5 runs from 3.0 to 6.0.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "area", "clip", "from_xywh", "intersection", "iou", "scale", "to_xywh"]

FloatArray = npt.NDArray[np.float32]


def area(xyxy: FloatArray) -> FloatArray:
    """Area of each box: `[N,4]` to `[N]`, square pixels; inverted boxes count as 0.

    >>> area(np.array([[0, 0, 2, 3]], np.float32))
    array([6.], dtype=float32)
    """
    size: FloatArray = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 0)
    return size[:, 0] * size[:, 1]


def intersection(a: FloatArray, b: FloatArray) -> FloatArray:
    """Shared area of every pair: `[N,4]` and `[M,4]` to `[N,M]`, square pixels."""
    shared: FloatArray = np.minimum(a[:, None, 2], b[:, 2]) - np.maximum(a[:, None, 0], b[:, 0])
    height: FloatArray = np.minimum(a[:, None, 3], b[:, 3]) - np.maximum(a[:, None, 1], b[:, 1])
    np.maximum(shared, 0, out=shared)
    shared *= np.maximum(height, 0, out=height)
    return shared


def iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Intersection over union of every pair: `[N,4]` and `[M,4]` to `[N,M]`, 0..1; 0 where both are empty.

    >>> iou(np.array([[0, 0, 2, 2]], np.float32), np.array([[1, 0, 3, 2]], np.float32))
    array([[0.33333334]], dtype=float32)
    """
    shared = intersection(a, b)
    union: FloatArray = area(a)[:, None] + area(b) - shared
    shared /= np.maximum(union, np.finfo(np.float32).tiny, out=union)  # faster than np.divide(where=)
    return shared


def clip(xyxy: FloatArray, size_wh: tuple[float, float]) -> FloatArray:
    """Boxes cut at the edges of a picture of `size_wh` pixels; a box outside it becomes empty on its edge."""
    width, height = size_wh
    return np.minimum(np.maximum(xyxy, 0), np.array([width, height, width, height], np.float32))  # half of np.clip


def scale(xyxy: FloatArray, factor_xy: tuple[float, float], shift_xy: tuple[float, float] = (0, 0)) -> FloatArray:
    """Boxes multiplied by `factor_xy`, then moved by `shift_xy` pixels."""
    factor = np.array([*factor_xy, *factor_xy], np.float32)
    shift = np.array([*shift_xy, *shift_xy], np.float32)
    return xyxy * factor + shift


def to_xywh(xyxy: FloatArray) -> FloatArray:
    """Left, top, width, height from x1, y1, x2, y2: `[N,4]` both."""
    return np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)


def from_xywh(xywh: FloatArray) -> FloatArray:
    """x1, y1, x2, y2 from left, top, width, height: `[N,4]` both."""
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
