"""Light: what the infrared lamp beside the lens reaches, and what it leaves in the dark."""

from __future__ import annotations

import cv2
import numpy as np

from faceir.boxes import FloatArray

__all__ = ["by_distance", "illuminate", "luminance_weights", "vignette"]

_REC601 = np.array([0.299, 0.587, 0.114], np.float32)
_RED = np.array([0.9, 0.1, 0.0], np.float32)
_CELL = 8  # px; light is a smooth thing, so it is made coarsely


def luminance_weights(rng: np.random.Generator, red_weight: tuple[float, float]) -> FloatArray:
    """Weights of red, green, blue `[3]`, sum 1, between luminance (0) and red alone (1)."""
    red = np.float32(rng.uniform(*red_weight))
    return np.asarray((1 - red) * _REC601 + red * _RED, np.float32)


def illuminate(picture: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Light of one lamp: a bright spot that falls off with distance squared down to a rest of ambient light.

    A third of the lamps sit beside the lens and light the middle, the others one side.
    """
    h, w = picture.shape
    x, y = rng.uniform(0.4, 0.6, 2) if rng.random() < 1 / 3 else rng.uniform(-0.2, 1.2, 2)
    reach = rng.uniform(0.25, 1.0) * max(w, h)
    ambient, peak = rng.uniform(0.05, 0.6), rng.uniform(0.8, 1.6)
    light = ambient + (peak - ambient) / (1 + _distance2((h, w), (x * w, y * h), reach))
    # Automatic exposure keeps the mean: what the lamp takes from the rear it gives to the near.
    smooth = _smooth(light, (h, w))
    return np.asarray(picture * (smooth / smooth.mean()), np.float32)


def vignette(picture: FloatArray, corner: float) -> FloatArray:
    """The picture as a lens shows it that leaves the share `corner`, 0..1, of the light in the corners (cos^4)."""
    h, w = picture.shape
    tangent2 = 1 / np.sqrt(max(corner, 1e-3)) - 1  # of the angle at which the corner is seen
    distance2 = _distance2((h, w), (w / 2, h / 2), float(np.hypot(w, h)) / 2)
    return np.asarray(picture * _smooth((1 + tangent2 * distance2) ** -2, (h, w)), np.float32)


def by_distance(picture: FloatArray, faces: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Light of a lamp beside the lens on people at different distances, which the heights of `faces` `[N,4]` tell.

    A face twice as high is half as far and gets four times the light. Each person, head and body, gets the
    light of its distance, near ones over far ones, everything else that of a wall behind them all. Exposure
    suits one face between the nearest and the farthest: nearer ones burn out, farther ones sink into the dark.
    Without faces people are imagined somewhere, so that light alone says nothing of a face.
    """
    h, w = picture.shape
    faces = faces if len(faces) else _imagined((h, w), rng)
    faces = faces[np.argsort(faces[:, 3] - faces[:, 1])]
    tall = np.maximum(faces[:, 3] - faces[:, 1], 4.0)
    exposed = np.exp(rng.uniform(np.log(tall[0]), np.log(tall[-1]))) * np.exp(rng.uniform(-0.5, 0.3))
    steepness = rng.uniform(1.0, 2.0)  # below 2: ambient light, a wide lamp
    brightest = np.clip(rng.uniform(150, 500) / max(float(picture.mean()), 20.0), 1.0, 3.0)
    light = np.clip((tall / exposed) ** steepness, 0.1, brightest)
    behind = light[0] * rng.uniform(0.2, 0.9)
    uneven = rng.standard_normal((2, 3), np.float32)
    columns, rows = w // _CELL + 2, h // _CELL + 2
    level = behind * np.exp(0.5 * cv2.resize(uneven, (columns, rows), interpolation=cv2.INTER_LINEAR))
    for (x1, y1, x2, y2), bright in zip((faces / _CELL).tolist(), light.tolist(), strict=True):
        x, y, a, b = (x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / 2, (y2 - y1) / 2
        for centre, half in (((x, y + 5.2 * b), (3.2 * a, 4.2 * b)), ((x, y - 0.1 * b), (1.5 * a, 1.6 * b))):
            ends = [round(16 * v) for v in (*centre, *half)]
            cv2.ellipse(level, ends[:2], ends[2:], 0, 0, 360, bright, -1, cv2.LINE_8, 4)
    level = cv2.GaussianBlur(level, (0, 0), rng.uniform(0.5, 1.5) + 0.12 * float(tall[-1]) / _CELL)
    return np.asarray(picture * _smooth(level, (h, w)), np.float32)


def _distance2(shape: tuple[int, int], centre: tuple[float, float], unit: float) -> FloatArray:
    """Squared distance from `centre`, in `unit` pixels, of each cell of a picture of `shape`: `[rows,columns]`."""
    y, x = (
        (((np.arange(n // _CELL + 2, dtype=np.float32) + 0.5) * _CELL - c) / unit) ** 2
        for n, c in zip(shape, centre[::-1], strict=True)
    )
    return np.asarray(x[None, :] + y[:, None], np.float32)


def _smooth(cells: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """A light given by cells, in pixels."""
    rows, columns = cells.shape
    fine = cv2.resize(cells, (columns * _CELL, rows * _CELL), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine[: shape[0], : shape[1]], np.float32)


def _imagined(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Boxes `[1..3,4]` where people might be."""
    count = int(rng.integers(1, 4))
    tall = np.exp(rng.uniform(np.log(12), np.log(max(0.7 * shape[0], 13)), count))
    centre = rng.uniform(0, 1, (count, 2)) * shape[::-1]
    half = np.stack([0.39 * tall, 0.5 * tall], axis=1)
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
