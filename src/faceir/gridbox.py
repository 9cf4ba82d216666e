"""The DetectNet_v2 (GridBox) contract: truth to coverage and box grids, grids back to boxes.

Sole home of stride 16, scale 35 and offset 0.5. Formulas after NVIDIA TAO's bbox rasteriser and
DeepStream's GridBox parser (docs/gridbox.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from faceir.boxes import FloatArray

__all__ = ["OFFSET", "SCALE", "STRIDE", "Candidates", "Grids", "RasterParams", "decode", "grid_shape", "rasterise"]

STRIDE = 16
"""Network pixels per grid cell."""
SCALE = 35.0
"""Network pixels per unit of the box grid (`objective_set.bbox.scale`)."""
OFFSET = 0.5
"""Network pixels from a cell's top-left corner to the point its box distances start at."""

_SUB = 4  # each cell is sampled at 4 x 4 points
_MIN_AXIS = 0.1  # grid cells; keeps an ellipse from vanishing


@dataclass(frozen=True)
class RasterParams:
    """`bbox_rasterizer_config` of one class; all but `deadzone_radius` have TAO's names and usual values."""

    cov_center_x: float = 0.5
    """Centre of the coverage ellipse, share of the box width (0..1)."""
    cov_center_y: float = 0.5
    cov_radius_x: float = 0.4
    """Half axis of the ellipse, share of the half box width (0..1, 1 touches the edge)."""
    cov_radius_y: float = 0.4
    bbox_min_radius: float = 1.0
    """Smallest half axis in grid cells (0..1)."""
    deadzone_radius: float = 0.67
    """Share of the way from the ellipse to the box edge in which other boxes are erased (0..1)."""


class Grids(NamedTuple):
    """Training targets of one picture with K classes on a grid of h x w cells, float32."""

    cov: FloatArray
    """`[K,h,w]`, share of the cell inside a face's coverage ellipse, 0..1 in steps of 1/16."""
    bbox: FloatArray
    """`[4K,h,w]`, left, top, right, bottom distances / 35, in channels 4c..4c+3 of class c."""
    cov_norm: FloatArray
    """`[K,h,w]`, coverage divided by the area of the face's ellipse: the weight of the box loss."""


def grid_shape(size_wh: tuple[int, int]) -> tuple[int, int]:
    """Grid (h, w) in cells of a network input of `size_wh` pixels."""
    return -(-size_wh[1] // STRIDE), -(-size_wh[0] // STRIDE)


def rasterise(
    xyxy: FloatArray,
    labels: npt.NDArray[np.int64],
    size_wh: tuple[int, int],
    params: tuple[RasterParams, ...] = (RasterParams(),),
) -> Grids:
    """Targets for boxes `xyxy` `[N,4]` in network pixels of classes `labels` `[N]`; one `RasterParams` a class.

    Boxes of a class are drawn in ascending order of their bottom edge, so that the nearer face wins.
    Box distances are taken at the cell's corner, not weighted by coverage; cells without a face are 0.
    Boxes without a class (label below 0, `DONT_CARE`) are not drawn.
    """
    h, w = grid_shape(size_wh)
    cov = np.zeros((len(params), h, w), np.float32)
    norm = np.zeros_like(cov)
    bbox = np.zeros((len(params), 4, h, w), np.float32)
    order = np.argsort(xyxy[:, 3], kind="stable") if len(xyxy) else np.zeros(0, np.int64)
    for n in order:
        c = int(labels[n])
        if c < 0:  # would otherwise wrap round to the last class
            continue
        _draw(np.asarray(xyxy[n], np.float64), params[c], cov[c], norm[c], bbox[c])
    return Grids(cov, bbox.reshape(4 * len(params), h, w), norm)


def _draw(box: npt.NDArray[np.float64], p: RasterParams, cov: FloatArray, norm: FloatArray, bbox: FloatArray) -> None:
    """Draw one box into the planes of its class (changed in place)."""
    x1, y1, x2, y2 = box / STRIDE
    cx, cy = x1 + p.cov_center_x * (x2 - x1), y1 + p.cov_center_y * (y2 - y1)
    half_x = cx - x1 if p.cov_center_x < 0.5 else x2 - cx
    half_y = cy - y1 if p.cov_center_y < 0.5 else y2 - cy
    ax, ay = max(p.cov_radius_x * half_x, _MIN_AXIS), max(p.cov_radius_y * half_y, _MIN_AXIS)
    r = p.bbox_min_radius
    if ax < r:
        ax, ay = r, r * ay / ax
    if ay < r:
        ax, ay = r * ax / ay, r
    dz = p.deadzone_radius
    dx, dy = max((1 - dz) * ax + dz * half_x, ax), max((1 - dz) * ay + dz * half_y, ay)

    h, w = cov.shape
    i0, i1 = max(int(np.floor(cx - dx)), 0), min(int(np.ceil(cx + dx)), w)
    j0, j1 = max(int(np.floor(cy - dy)), 0), min(int(np.ceil(cy + dy)), h)
    if i0 >= i1 or j0 >= j1:
        return
    # Squared distance of every sample point, 4 x 4 a cell, in units of each ellipse's half axes.
    px = (np.arange(i0 * _SUB, i1 * _SUB) + 0.5) / _SUB - cx
    py = (np.arange(j0 * _SUB, j1 * _SUB) + 0.5) / _SUB - cy
    covered = _cell_share((px / ax) ** 2, (py / ay) ** 2)
    dead = _cell_share((px / dx) ** 2, (py / dy) ** 2)

    here = (slice(j0, j1), slice(i0, i1))
    best = cov[here]
    erase = (dead > 0) & (dead >= best)
    best[erase] = 0
    norm[here][erase] = 0
    bbox[:, j0:j1, i0:i1][:, erase] = 0
    write = (covered > 0) & (covered >= best)
    best[write] = covered[write]
    norm[here][write] = covered[write] / max(4 * ax * ay, 1)

    # Each edge distance is a linear function over the box; for boxes thinner than 0.1 cell TAO
    # divides by a clamped width, which is the same as clamping nothing for real faces.
    gx, gy = np.arange(i0, i1) * STRIDE + OFFSET, np.arange(j0, j1) * STRIDE + OFFSET
    shape = covered.shape
    left, right = np.broadcast_to((gx - box[0]) / SCALE, shape), np.broadcast_to((box[2] - gx) / SCALE, shape)
    top, bottom = ((gy - box[1]) / SCALE)[:, None], ((box[3] - gy) / SCALE)[:, None]
    window = bbox[:, j0:j1, i0:i1]
    for plane, value in zip(window, (left, top, right, bottom), strict=True):
        plane[write] = np.broadcast_to(value, shape)[write]


def _cell_share(x2: npt.NDArray[np.float64], y2: npt.NDArray[np.float64]) -> FloatArray:
    """Share of each cell's 4 x 4 samples with x2 + y2 < 1: `[4w]`, `[4h]` to `[h,w]`."""
    inside = x2[None, :] + y2[:, None] < 1
    share: FloatArray = inside.reshape(len(y2) // _SUB, _SUB, len(x2) // _SUB, _SUB).mean(axis=(1, 3), dtype=np.float32)
    return share


class Candidates(NamedTuple):
    """Cells that speak of a face, before clustering."""

    xyxy: FloatArray
    """`[M,4]`, network pixels."""
    cov: FloatArray
    """`[M]`, coverage 0..1."""
    labels: npt.NDArray[np.int64]
    """`[M]`, class."""


def decode(cov: FloatArray, bbox: FloatArray, size_wh: tuple[int, int], thresholds: FloatArray) -> Candidates:
    """Boxes of all cells of `cov` `[K,h,w]` above their class's threshold `[K]`, read from `bbox` `[4K,h,w]`.

    `size_wh` is the network input in pixels, at whose edges boxes are cut.
    """
    classes, h, w = cov.shape
    flat = cov.reshape(classes, h * w)
    if classes == 1:  # the common case, at half the cost
        cell = np.flatnonzero(flat[0] > thresholds[0])
        label = np.zeros(len(cell), np.int64)
        distance = bbox.reshape(4, h * w)[:, cell].T
    else:
        label, cell = np.nonzero(flat > np.asarray(thresholds, np.float32)[:, None])
        distance = bbox.reshape(classes, 4, h * w)[label, :, cell]
    xyxy = distance * _SIGNED_SCALE + _corners(h, w)[cell]
    np.maximum(xyxy, 0, out=xyxy)
    np.minimum(xyxy, np.array([*size_wh, *size_wh], np.float32), out=xyxy)
    np.maximum(xyxy[:, 2:], xyxy[:, :2], out=xyxy[:, 2:])
    return Candidates(xyxy, flat[label, cell], label)


_SIGNED_SCALE = np.array([-SCALE, -SCALE, SCALE, SCALE], np.float32)


@lru_cache(maxsize=8)
def _corners(h: int, w: int) -> FloatArray:
    """`[h*w,4]`, network pixels: the point that each cell's distances start at, as x, y, x, y."""
    j, i = np.divmod(np.arange(h * w), w)
    x, y = i * STRIDE + OFFSET, j * STRIDE + OFFSET
    corners = np.stack([x, y, x, y], axis=1).astype(np.float32)
    corners.setflags(write=False)
    return corners
