"""The lens: out of focus, or moved while the shutter was open."""

from __future__ import annotations

import cv2
import numpy as np

from faceir.boxes import FloatArray

__all__ = ["blur"]


def blur(picture: FloatArray, rng: np.random.Generator, sigma_max: float) -> FloatArray:
    """Defocus (Gaussian) or motion (a short line) up to `sigma_max` pixels."""
    sigma = float(rng.uniform(0.3, sigma_max))
    if rng.random() < 0.7:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
    length = max(2, round(3 * sigma))
    angle = rng.uniform(0, np.pi)
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    dx, dy = length / 2 * np.cos(angle), length / 2 * np.sin(angle)
    ends = [(round(length - dx), round(length - dy)), (round(length + dx), round(length + dy))]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)
