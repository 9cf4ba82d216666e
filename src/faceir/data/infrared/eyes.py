"""What a lamp beside the lens makes of eyes: bright or dark pupils, and the lamp's mirror in glasses."""

from __future__ import annotations

import cv2
import numpy as np

from faceir.boxes import FloatArray
from faceir.detections import DONT_CARE, Detections

__all__ = ["glasses_glint", "pupils", "with_eyes"]

_LEAST_HEIGHT = 24  # px; the eyes of lower faces are less than a pixel
_PLACES = ((0.31, 0.42), (0.69, 0.42))  # of a frontal face's width and height


def with_eyes(truth: Detections) -> FloatArray:
    """Boxes `[M,4]` of the faces that most likely show both eyes: large enough, broad as from the front, whole."""
    w, h = (truth.xyxy[:, 2:] - truth.xyxy[:, :2]).T
    shown = (
        (truth.labels != DONT_CARE)
        & (h >= _LEAST_HEIGHT)
        & (w >= 0.68 * h)
        & (truth.occlusion <= 1)
        & (truth.truncation <= 0.05)
    )
    return np.asarray(truth.xyxy[shown], np.float32)


def pupils(light: FloatArray, faces: FloatArray, rng: np.random.Generator) -> FloatArray:
    """`light` with the pupils of `faces` `[N,4]` lit (lamp beside the lens), dark, or with a spark of the lamp."""
    light = light.copy()
    kind = rng.integers(3)
    for x1, y1, x2, y2 in faces.tolist():
        h = y2 - y1
        radius = h * rng.uniform(0.012, 0.024)
        for across, down in _PLACES:
            x, y = _darkest(light, x1 + across * (x2 - x1), y1 + down * h, 0.07 * h)
            if kind == 0:
                _dot(light, x, y, radius, rng.uniform(200, 400))
            elif kind == 1:
                _dot(light, x, y, radius, rng.uniform(0, 15))
            if kind == 2 or rng.random() < 0.5:
                _dot(light, x + 0.3 * radius, y - 0.3 * radius, max(0.4 * radius, 0.6), rng.uniform(220, 500))
    return light


def glasses_glint(light: FloatArray, faces: FloatArray, rng: np.random.Generator) -> FloatArray:
    """`light` with one or two mirrors of the lamp near each eye of `faces` `[N,4]`, alike on both glasses."""
    light = light.copy()
    for x1, y1, x2, y2 in faces.tolist():
        w, h = x2 - x1, y2 - y1
        shift = rng.normal(0, 0.04, 2) * (w, h)
        half = h * rng.uniform(0.01, 0.04, 2)
        angle = rng.uniform(0, 180)
        bright = rng.uniform(230, 600)
        for across, down in _PLACES:
            if rng.random() < 0.2:
                continue
            centre = (x1 + across * w + shift[0], y1 + down * h + shift[1])
            ends = [round(16 * v) for v in (*centre, *np.maximum(half, 0.7))]
            cv2.ellipse(light, ends[:2], ends[2:], angle, 0, 360, bright, -1, cv2.LINE_8, 4)
    return light


def _darkest(light: FloatArray, x: float, y: float, reach: float) -> tuple[float, float]:
    """Where the pupil most likely is: the darkest place within `reach` px."""
    left, top = max(round(x - reach), 0), max(round(y - reach), 0)
    part = light[top : round(y + reach) + 1, left : round(x + reach) + 1]
    if not part.size:
        return x, y
    soft = cv2.blur(part, (3, 3))
    row, column = divmod(int(soft.argmin()), soft.shape[1])
    return left + column + 0.5, top + row + 0.5


def _dot(light: FloatArray, x: float, y: float, radius: float, value: float) -> None:
    """A soft dot of `radius` px in place; one smaller than a pixel is as much fainter."""
    left, top = int(x) - 3 - int(2 * radius), int(y) - 3 - int(2 * radius)
    left, top = max(left, 0), max(top, 0)
    part = light[top : int(y + 2 * radius) + 4, left : int(x + 2 * radius) + 4]
    rows, columns = np.arange(part.shape[0]) + top + 0.5 - y, np.arange(part.shape[1]) + left + 0.5 - x
    distance = np.sqrt(columns[None, :] ** 2 + rows[:, None] ** 2)
    cover = np.clip(radius + 0.5 - distance, 0, 1).astype(np.float32)
    part += cover * (np.float32(value) - part)
