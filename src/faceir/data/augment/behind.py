"""Heads behind nearer ones: what of them is left to be seen, and the box of that."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from faceir.data.augment.heads import HEAD, SHOULDERS, grown
from faceir.data.augment.scene import Layer
from faceir.data.augment.shapes import Points, Stencil, superellipse
from faceir.detections import DONT_CARE, Detections
from faceir.flow import Image

__all__ = ["behind", "beside", "nearer", "tuck", "veil"]

_NEARER = 1.3  # times as high as a head behind it
_LEAST_SEEN = 0.35  # of a face; less of it is a region to ignore
_NOTHING_SEEN = 0.1
_LEAST_SIDE = 5  # px, of a box


def nearer(truth: Detections, height: float, size_wh: tuple[int, int], rng: np.random.Generator) -> Image | None:
    """Where heads and shoulders of faces clearly higher than `height` px are, 255 there, `[H,W]`; None without any.

    How far hair and ears go beyond a face is not known, so it is drawn.
    """
    heights = truth.xyxy[:, 3] - truth.xyxy[:, 1]
    large = truth.xyxy[(truth.labels != DONT_CARE) & (heights > _NEARER * height)]
    if not len(large):
        return None
    stencil = Stencil((0, 0, *size_wh), size_wh)
    for box in large:
        for part in (grown(box, HEAD * rng.uniform(0.2, 1)), grown(box, SHOULDERS)):
            x1, y1, x2, y2 = part.tolist()
            stencil.polygon(superellipse(((x1 + x2) / 2, (y1 + y2) / 2), ((x2 - x1) / 2, (y2 - y1) / 2), power=2.3))
    return stencil.alpha


def beside(truth: Detections, height: float, rng: np.random.Generator) -> Points | None:
    """A centre `[2]` for a head `height` px high beside a nearer face, often partly behind it; None without one."""
    heights = truth.xyxy[:, 3] - truth.xyxy[:, 1]
    large = truth.xyxy[(truth.labels != DONT_CARE) & (heights > _NEARER * height)]
    if not len(large):
        return None
    x1, y1, x2, y2 = large[rng.integers(len(large))].tolist()
    away = (x2 - x1) * rng.uniform(0.5, 0.75) + 0.39 * height * rng.uniform(-0.2, 1.4)
    x = (x1 + x2) / 2 + (away if rng.random() < 0.5 else -away)
    return np.array([x, (y1 + y2) / 2 + (y2 - y1) * rng.uniform(-0.35, 0.25)])


def behind(layer: Layer, front: Image) -> Layer:
    """A layer without what lies behind `front`, `[H,W]`, 255 where it is."""
    (x, y), (h, w) = layer.xy, layer.alpha.shape
    hides = cv2.GaussianBlur(front[y : y + h, x : x + w], (3, 3), 0.8)
    return replace(layer, alpha=cv2.multiply(layer.alpha, 255 - hides, scale=1 / 255))


def tuck(layer: Layer, faces: Detections, front: Image) -> tuple[Layer, Detections] | None:
    """A `layer` and its one face without what lies behind `front`: the box goes round what is seen of the face.

    None when next to nothing is.
    """
    layer = behind(layer, front)
    x1, y1, x2, y2 = faces.xyxy[0].tolist()
    left, top = int(x1), int(y1)
    seen = front[top : int(np.ceil(y2)), left : int(np.ceil(x2))] < 128
    if seen.all():
        return layer, faces
    if (share := float(seen.mean()) if seen.size else 0.0) < _NOTHING_SEEN:
        return None
    columns = np.flatnonzero(seen.mean(axis=0) >= 0.5)
    rows = np.flatnonzero(seen[:, columns].sum(axis=1) * 2 >= max(len(columns), 1))
    if share < _LEAST_SEEN or min(len(columns), len(rows)) < _LEAST_SIDE:
        return layer, replace(faces, labels=np.full(len(faces), DONT_CARE))
    low = np.maximum((x1, y1), (left + columns[0], top + rows[0]))
    high = np.minimum((x2, y2), (left + columns[-1] + 1, top + rows[-1] + 1))
    level = np.maximum(faces.occlusion, int(10 * (1 - share)))
    return layer, replace(faces, xyxy=np.array([[*low, *high]], np.float32), occlusion=level)


def veil(layer: Layer, height: float, rng: np.random.Generator) -> Layer:
    """The layer with less contrast and less sharp, as things far behind the one that is lit and in focus."""
    light = layer.light.astype(np.float32)
    if rng.random() < 0.5:
        mean = light[layer.alpha > 127].mean() if (layer.alpha > 127).any() else light.mean()
        light = mean + (light - mean) * np.float32(rng.uniform(0.35, 1))
    if rng.random() < 0.5:
        light = cv2.GaussianBlur(light, (0, 0), float(rng.uniform(0.01, 0.05) * height) + 0.1)
    return replace(layer, light=np.clip(light, 0, 255).astype(np.uint8))
