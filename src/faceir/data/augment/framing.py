"""Where a picture lies in the view, and its boxes with it: one affine matrix."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceir import boxes
from faceir.boxes import FloatArray
from faceir.data.augment.settings import Augmentation, ViewKind
from faceir.detections import DONT_CARE, Detections
from faceir.fit import Fit
from faceir.flow import Image

__all__ = ["Matrix", "cut", "frame_matrix", "sampled", "transform_boxes", "warp"]

Matrix = npt.NDArray[np.float64]

_MAX_ENLARGEMENT = 3.5  # a picture enlarged more holds no detail for the net
_MIN_FILL = 0.6  # share of the canvas that the picture spans at least, along its tighter side
_WHOLE_SHARE = 0.7  # of the faces looked at lie wholly inside the view
_MAX_BORDER = 0.12  # share of the canvas that may stay empty beside a picture large enough to fill it


def transform_boxes(xyxy: FloatArray, matrix: Matrix) -> FloatArray:
    """Boxes `[N,4]` under an affine `matrix` `[2,3]`, tight around the turned ellipse, as faces are round.

    Without rotation it is the turned box itself.
    """
    centre, half = (xyxy[:, :2] + xyxy[:, 2:]) / 2, (xyxy[:, 2:] - xyxy[:, :2]) / 2
    moved = centre @ matrix[:, :2].T + matrix[:, 2]
    extent = np.sqrt((half**2) @ (matrix[:, :2] ** 2).T)
    return np.concatenate([moved - extent, moved + extent], axis=1).astype(np.float32)


def frame_matrix(
    shape: tuple[int, ...], truth: Detections, kind: ViewKind, how: Augmentation, rng: np.random.Generator
) -> Matrix:
    """The affine matrix `[2,3]` from a picture of `shape` to the view."""
    angle = rng.uniform(-1, 1) * how.rotate_max_rad if rng.random() < how.rotate_probability else 0.0
    across = -1.0 if rng.random() < how.hflip_probability else 1.0
    down = -1.0 if rng.random() < how.vflip_probability else 1.0
    across *= np.exp(rng.uniform(-how.aspect_jitter_max, how.aspect_jitter_max))
    c, s = np.cos(angle), np.sin(angle)
    turned = np.array([[c * across, -s * down], [s * across, c * down]])
    image_wh = np.array([shape[1], shape[0]])
    if kind.face_height is None:
        matrix = _whole(image_wh, turned, np.exp(rng.uniform(*np.log(how.zoom))), kind, how.keep_aspect)
    else:
        matrix = _zoomed(image_wh, turned, truth, kind.face_height, kind, rng)
    matrix[:, 2] += [rng.uniform(-m, m) for m in how.translate_max_xy]
    return matrix


def _whole(image_wh: Matrix, turned: Matrix, zoom: float, kind: ViewKind, keep_aspect: bool) -> Matrix:
    """The whole picture, laid as at run time, then zoomed about the middle.

    The top-left corner of a flipped picture stays where the run time puts that of the picture.
    """
    scale = np.diag(Fit(kind.size_wh, keep_aspect).placement((int(image_wh[0]), int(image_wh[1]))).scale_xy)
    linear = turned @ scale * zoom
    laid = image_wh @ scale
    offset = laid / 2 + (laid / 2 - np.array(kind.size_wh) / 2) * (zoom - 1) - linear @ (image_wh / 2)
    return np.concatenate([linear, offset[:, None]], axis=1)


def _zoomed(
    image_wh: Matrix, turned: Matrix, truth: Detections, heights: tuple[float, float], kind: ViewKind,
    rng: np.random.Generator,
) -> Matrix:  # fmt: skip
    """A place of the picture, so large that a face there has a height drawn log-uniformly between two."""
    out_wh = np.array(kind.size_wh, np.float64)
    fit = float((out_wh / image_wh).min())
    least, most = min(_MIN_FILL * fit, 1.0), max(_MAX_ENLARGEMENT, fit)
    faces = truth.xyxy[truth.labels != DONT_CARE]
    if len(faces) and rng.random() >= kind.clutter_probability:
        box = faces[rng.integers(len(faces))]
        height = max(float(box[3] - box[1]), 1.0)
        # Of the sizes that this picture can give, not the nearest to one that it cannot: those would pile up.
        low, high = np.clip(np.array(heights), least * height, most * height)
        scale = low * (high / low) ** rng.beta(0.6, 0.5) / height
        focus, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    else:
        scale = fit * np.exp(rng.uniform(np.log(0.8), np.log(3.0)))
        focus, size = rng.uniform(0, 1, 2) * image_wh, np.zeros(2)
    scale = float(np.clip(scale, least, most))
    linear = turned * scale
    # The face lands anywhere in the view, now and then across its border.
    inside = 0.5 if rng.random() < _WHOLE_SHARE else rng.uniform(0.2, 0.5)
    margin = np.minimum(size * scale * inside, out_wh / 2)
    offset = rng.uniform(margin, out_wh - margin) - linear @ focus
    offset += _fill(offset + linear @ (image_wh / 2), linear, image_wh, out_wh)
    return np.concatenate([linear, offset[:, None]], axis=1)


def _fill(middle: Matrix, linear: Matrix, image_wh: Matrix, out: Matrix) -> Matrix:
    """The move that keeps a picture, its `middle` in the view given, from leaving most of the view empty."""
    half = np.abs(linear) @ image_wh / 2
    slack = _MAX_BORDER * out
    low, high = np.minimum(half, out - half) - slack, np.maximum(half, out - half) + slack
    return np.asarray(np.clip(middle, low, high) - middle)


def warp(gray: Image, matrix: Matrix, size_wh: tuple[int, int], around: int | Image | None) -> Image:
    """`gray` under `matrix`, bilinear; shrunk by area first where bilinear sampling would alias.

    Outside of it lies one gray value, another picture of the view's size (which is painted over), or with None
    the value of its nearest edge.
    """
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 0.6:
        height, width = gray.shape
        small_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
        gray = np.asarray(cv2.resize(gray, small_wh, interpolation=cv2.INTER_AREA), np.uint8)
        back = np.array([[width / small_wh[0], 0], [0, height / small_wh[1]]])
        matrix = np.concatenate([matrix[:, :2] @ back, matrix[:, 2:]], axis=1)
    # OpenCV counts from pixel centres, boxes from pixel corners: half a pixel between them.
    half = np.array([0.5, 0.5])
    offset = matrix[:, 2] + matrix[:, :2] @ half - half
    centred = np.concatenate([matrix[:, :2], offset[:, None]], axis=1)
    if isinstance(around, np.ndarray):
        border: dict[str, Any] = {"borderMode": cv2.BORDER_TRANSPARENT, "dst": around}
    elif around is None:
        border = {"borderMode": cv2.BORDER_REPLICATE}
    else:
        border = {"borderValue": around}
    return np.asarray(cv2.warpAffine(gray, centred, size_wh, flags=cv2.INTER_LINEAR, **border), np.uint8)


def cut(truth: Detections, xyxy: FloatArray, size_wh: tuple[int, int]) -> Detections:
    """The faces of `truth` at `xyxy` `[N,4]`, cut at the view's edges; truncation grows by the share cut off."""
    seen = boxes.clip(xyxy, size_wh)
    inside = boxes.area(seen) / np.maximum(boxes.area(xyxy), 1e-6)
    visible = inside * (1 - np.maximum(truth.truncation, 0))
    truncation = np.where((inside < 0.999) | (truth.truncation >= 0), 1 - visible, -1)
    kept = inside > 0.02
    return Detections(
        seen[kept],
        truth.scores[kept],
        truth.labels[kept],
        truth.track_ids[kept],
        truth.occlusion[kept],
        np.clip(truncation, -1, 1)[kept],
    )


def sampled(shape: tuple[int, ...], matrix: Matrix, size_wh: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a picture of `shape` that a view under `matrix` shows, with a margin to interpolate."""
    inverse = np.linalg.inv(matrix[:, :2])
    half = np.array(size_wh) / 2
    centre = inverse @ (half - matrix[:, 2])
    reach = np.abs(inverse) @ (half + 2) + 2
    columns, rows = (
        slice(min(max(int(c - r), 0), n - 1), max(min(int(c + r) + 1, n), 1))
        for c, r, n in zip(centre.tolist(), reach.tolist(), (shape[1], shape[0]), strict=True)
    )
    return rows, columns
