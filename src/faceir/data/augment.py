"""From a labelled picture to what the net sees: one geometric warp with its boxes, occluders, then the camera."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from faceir import boxes
from faceir.boxes import FloatArray
from faceir.data import infrared
from faceir.detections import DONT_CARE, Detections
from faceir.fit import Fit
from faceir.flow import Image

__all__ = ["Augmentation", "ViewKind", "transform_boxes", "view"]

_MAX_ENLARGEMENT = 3.5  # a picture enlarged more holds no detail for the net
_MIN_FILL = 0.4  # share of the canvas that the picture spans at least, along its tighter side
_MAX_BORDER = 0.12  # share of the canvas that may stay empty beside a picture large enough to fill it


@dataclass(frozen=True)
class ViewKind:
    """How a picture is framed: a whole picture, or a part of it at the network's scale."""

    size_wh: tuple[int, int]
    face_height: tuple[float, float] | None = None
    """Network pixels; None shows the whole picture as at run time."""
    clutter_probability: float = 0.0
    """Of looking at a random place instead of at a face."""


@dataclass(frozen=True)
class Augmentation:
    """Strength of each change; `spatial_augmentation`, `color_augmentation` and the camera of the spec."""

    keep_aspect: bool = True
    hflip_probability: float = 0.5
    vflip_probability: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    """Above 1 enlarges."""
    translate_max_xy: tuple[float, float] = (0.0, 0.0)
    """Network pixels."""
    rotate_max_rad: float = 0.0
    rotate_probability: float = 0.0
    aspect_jitter_max: float = 0.0
    """Share by which the width may grow or shrink against the height: cameras squeeze, so does a stretched fit."""
    brightness_stddev: float = 0.0
    """Of 0..1, as color_shift_stddev."""
    hue_max_deg: float = 0.0
    saturation_max: float = 0.0
    contrast_max: float = 0.0
    contrast_center: float = 0.5
    occluder_probability: float = 0.0
    infrared_probability: float = 0.0
    infrared: infrared.InfraredParams = field(default_factory=infrared.InfraredParams)


def transform_boxes(xyxy: FloatArray, matrix: npt.NDArray[np.float64]) -> FloatArray:
    """Boxes `[N,4]` under an affine `matrix` `[2,3]`, tight around the turned ellipse, as faces are round.

    Without rotation it is the turned box itself.
    """
    centre, half = (xyxy[:, :2] + xyxy[:, 2:]) / 2, (xyxy[:, 2:] - xyxy[:, :2]) / 2
    moved = centre @ matrix[:, :2].T + matrix[:, 2]
    extent = np.sqrt((half**2) @ (matrix[:, :2] ** 2).T)
    return np.concatenate([moved - extent, moved + extent], axis=1).astype(np.float32)


def view(
    image: Image, truth: Detections, kind: ViewKind, how: Augmentation, rng: np.random.Generator
) -> tuple[Image, Detections]:
    """What the net sees of a picture: uint8 gray `[H,W]` of the kind's size, and its faces there.

    `image` is uint8 gray `[H,W]` or RGB `[H,W,3]`; `truth` in its pixels. Faces that leave the view are cut,
    with their truncation computed; those wholly outside are dropped.
    """
    gray = _luminance(image, how, rng)
    matrix = _framing(gray.shape, truth, kind, how, rng)
    canvas = _warp(gray, matrix, kind.size_wh, int(rng.integers(0, 160)) if rng.random() < 0.3 else 0)
    truth = _cut(truth.with_boxes(transform_boxes(truth.xyxy, matrix)), kind.size_wh)
    if how.occluder_probability and len(truth) and rng.random() < how.occluder_probability:
        canvas, truth = _occlude(canvas, truth, rng)
    if rng.random() < how.infrared_probability:
        canvas = infrared.shoot(canvas, rng, how.infrared)
    return _brightness_contrast(canvas, how, rng), truth


def _luminance(image: Image, how: Augmentation, rng: np.random.Generator) -> Image:
    """Gray of a colour picture with a random mixture of channels, hue and saturation."""
    if image.ndim == 2:
        return image
    weights = np.array([0.299, 0.587, 0.114])
    if how.infrared_probability:
        weights = infrared.luminance_weights(rng, how.infrared).astype(np.float64)
    if how.hue_max_deg or how.saturation_max:
        angle = np.deg2rad(_truncated_normal(rng, how.hue_max_deg / 2))
        saturation = 1 + rng.uniform(-how.saturation_max, how.saturation_max)
        turned = _YIQ_K + saturation * (np.cos(angle) * _YIQ_A + np.sin(angle) * _YIQ_B)  # for row vectors rgb @ M
        weights = turned @ weights
    return np.asarray(cv2.transform(image, weights.reshape(1, 3).astype(np.float32)), np.uint8)


# The YIQ hue rotation with TAO's figures: turned = K + s cos(a) A + s sin(a) B, for row vectors.
_YIQ_K = np.repeat([[0.299], [0.587], [0.114]], 3, axis=1)
_YIQ_A = np.array([[0.701, -0.299, -0.299], [-0.587, 0.413, -0.587], [-0.114, -0.114, 0.886]])
_YIQ_B = np.array([[0.168, -0.328, 1.25], [0.330, 0.035, -1.05], [-0.497, 0.292, -0.203]])


def _truncated_normal(rng: np.random.Generator, sigma: float) -> float:
    """Normal with mean 0, redrawn beyond 2 sigma."""
    while True:
        value = float(rng.normal(0, 1))
        if abs(value) <= 2:
            return value * sigma


def _framing(
    shape: tuple[int, ...], truth: Detections, kind: ViewKind, how: Augmentation, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """The affine matrix `[2,3]` from the picture to the view."""
    height, width = shape[:2]
    out_w, out_h = kind.size_wh
    turn = np.eye(2)
    if rng.random() < how.rotate_probability:
        angle = rng.uniform(-how.rotate_max_rad, how.rotate_max_rad)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    flip = np.diag(
        [-1.0 if rng.random() < how.hflip_probability else 1.0, -1.0 if rng.random() < how.vflip_probability else 1.0]
    )
    stretch = np.diag([np.exp(rng.uniform(-how.aspect_jitter_max, how.aspect_jitter_max)), 1.0])
    zoom = np.exp(rng.uniform(*np.log(how.zoom)))
    shift = np.array([rng.uniform(-m, m) for m in how.translate_max_xy])

    if kind.face_height is None:  # the whole picture, laid as at run time, then zoomed about the middle
        scale = np.diag(Fit(kind.size_wh, how.keep_aspect).placement((width, height)).scale_xy)
        linear = turn @ stretch @ flip @ scale * zoom
        # The top-left corner of the flipped picture stays where the run time puts it.
        laid = np.array([width, height]) @ scale
        middle = linear @ np.array([width / 2, height / 2])
        offset = laid / 2 + (laid / 2 - np.array([out_w, out_h]) / 2) * (zoom - 1) - middle + shift
        return np.concatenate([linear, offset[:, None]], axis=1)

    faces = np.flatnonzero(truth.labels != DONT_CARE)
    fit = min(out_w / width, out_h / height)
    if len(faces) and rng.random() >= kind.clutter_probability:
        box = truth.xyxy[rng.choice(faces)]
        wish = np.exp(rng.uniform(*np.log(kind.face_height)))
        scale_1 = wish / max(float(box[3] - box[1]), 1.0)
        focus, size = (box[:2] + box[2:]) / 2, (box[2:] - box[:2])
    else:
        scale_1 = fit * np.exp(rng.uniform(np.log(0.8), np.log(3.0)))
        focus, size = np.array([rng.uniform(0, width), rng.uniform(0, height)]), np.zeros(2)
    scale_1 = float(np.clip(scale_1, min(_MIN_FILL * fit, 1.0), max(_MAX_ENLARGEMENT, fit)))
    linear = turn @ stretch @ flip * scale_1 * zoom
    # The face lands anywhere in the view, now and then across its border.
    margin = np.minimum(size * scale_1 * rng.uniform(0.3, 0.6), np.array([out_w, out_h]) / 2)
    place = np.array([rng.uniform(m, n - m) for m, n in zip(margin, (out_w, out_h), strict=True)])
    offset = place - linear @ focus
    offset += _fill(offset + linear @ np.array([width / 2, height / 2]), linear, (width, height), (out_w, out_h))
    return np.concatenate([linear, (offset + shift)[:, None]], axis=1)


def _fill(
    middle: npt.NDArray[np.float64], linear: npt.NDArray[np.float64], image_wh: tuple[int, int], out_wh: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """The move that keeps a picture, its `middle` in the view given, from leaving most of the view empty."""
    half = np.abs(linear) @ np.array(image_wh) / 2
    out = np.array(out_wh, np.float64)
    slack = _MAX_BORDER * out
    low, high = np.minimum(half, out - half) - slack, np.maximum(half, out - half) + slack
    return np.asarray(np.clip(middle, low, high) - middle)


def _warp(gray: Image, matrix: npt.NDArray[np.float64], size_wh: tuple[int, int], border: int) -> Image:
    """`gray` under `matrix`, bilinear; shrunk by area first where bilinear sampling would alias."""
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
    return np.asarray(cv2.warpAffine(gray, centred, size_wh, flags=cv2.INTER_LINEAR, borderValue=border), np.uint8)


def _cut(truth: Detections, size_wh: tuple[int, int]) -> Detections:
    """Faces cut at the view's edges; truncation grows by the share cut off."""
    cut = boxes.clip(truth.xyxy, size_wh)
    inside = boxes.area(cut) / np.maximum(boxes.area(truth.xyxy), 1e-6)
    visible = inside * (1 - np.maximum(truth.truncation, 0))
    truncation = np.where((inside < 0.999) | (truth.truncation >= 0), 1 - visible, -1)
    return replace(truth, xyxy=cut, truncation=np.clip(truncation, -1, 1))[inside > 0.02]


def _occlude(canvas: Image, truth: Detections, rng: np.random.Generator) -> tuple[Image, Detections]:
    """Something before a face: an ellipse or a bar, filled with a piece of the same picture or with one gray."""
    canvas = canvas.copy()
    height, width = canvas.shape
    x1, y1, x2, y2 = truth.xyxy[rng.integers(len(truth))].tolist()
    face_w, face_h = x2 - x1, y2 - y1
    mask = np.zeros_like(canvas)
    centre = (x1 + face_w * rng.uniform(-0.1, 1.1), y1 + face_h * rng.uniform(-0.1, 1.1))
    axes = (face_w * rng.uniform(0.15, 0.6), face_h * rng.uniform(0.1, 0.5))
    angle = float(rng.uniform(0, 180))
    if rng.random() < 0.6:
        cv2.ellipse(mask, (centre, (2 * axes[0], 2 * axes[1]), angle), 255, -1)
    else:
        corners = cv2.boxPoints((centre, (2 * axes[0], 2 * axes[1]), angle))
        cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 255)
    filling = np.full_like(canvas, rng.integers(0, 200))
    if rng.random() < 0.6:  # texture from elsewhere
        dx, dy = int(rng.integers(0, width)), int(rng.integers(0, height))
        filling = np.roll(canvas, (dy, dx), axis=(0, 1))
    hidden_share = _mean_inside(mask > 0, truth.xyxy)
    canvas[mask > 0] = filling[mask > 0]
    before = np.maximum(truth.occlusion, 0)
    level = np.minimum(np.maximum(before, np.floor(hidden_share * 10)), 9).astype(np.int8)
    return canvas, replace(truth, occlusion=np.where(hidden_share > 0.05, level, truth.occlusion))


def _mean_inside(picture: npt.NDArray[np.bool_], xyxy: FloatArray) -> FloatArray:
    """Mean of `picture` `[H,W]` inside each box `[N,4]`: `[N]`; 0 for a box without a pixel."""
    means = np.zeros(len(xyxy), np.float32)
    for n, (x1, y1, x2, y2) in enumerate(np.round(xyxy).astype(int)):
        part = picture[max(y1, 0) : y2, max(x1, 0) : x2]
        means[n] = part.mean() if part.size else 0
    return means


def _brightness_contrast(canvas: Image, how: Augmentation, rng: np.random.Generator) -> Image:
    """TAO's brightness offset and contrast, out = (1 + c) x - c centre + b, in 0..1."""
    if not how.brightness_stddev and not how.contrast_max:
        return canvas
    offset = _truncated_normal(rng, how.brightness_stddev)
    contrast = _truncated_normal(rng, how.contrast_max / 2)
    shifted = canvas * np.float32(1 + contrast) + np.float32(255 * (offset - contrast * how.contrast_center))
    return np.asarray(np.clip(shifted + 0.5, 0, 255), np.uint8)
