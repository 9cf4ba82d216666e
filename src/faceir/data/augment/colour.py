"""From colour to one channel, and the brightness and contrast of TAO's colour augmentation."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from faceir.data import infrared
from faceir.data.augment.settings import Augmentation
from faceir.flow import Image

__all__ = ["Weights", "brightness_contrast", "channel_weights", "to_gray"]

Weights = npt.NDArray[np.float32]

# The YIQ hue rotation with TAO's figures: turned = K + s cos(a) A + s sin(a) B, for row vectors.
_YIQ_K = np.repeat([[0.299], [0.587], [0.114]], 3, axis=1)
_YIQ_A = np.array([[0.701, -0.299, -0.299], [-0.587, 0.413, -0.587], [-0.114, -0.114, 0.886]])
_YIQ_B = np.array([[0.168, -0.328, 1.25], [0.330, 0.035, -1.05], [-0.497, 0.292, -0.203]])


def channel_weights(how: Augmentation, rng: np.random.Generator) -> Weights:
    """Weights of red, green and blue `[1,3]`: a random mixture of channels, hue and saturation."""
    weights = np.array([0.299, 0.587, 0.114])
    if how.infrared_probability:
        weights = infrared.luminance_weights(rng, how.infrared).astype(np.float64)
    if how.hue_max_deg or how.saturation_max:
        angle = np.deg2rad(_truncated_normal(rng, how.hue_max_deg / 2))
        saturation = 1 + rng.uniform(-how.saturation_max, how.saturation_max)
        weights = (_YIQ_K + saturation * (np.cos(angle) * _YIQ_A + np.sin(angle) * _YIQ_B)) @ weights
    return weights.reshape(1, 3).astype(np.float32)


def to_gray(image: Image, weights: Weights) -> Image:
    """`image`, gray `[H,W]` or RGB `[H,W,3]`, in one channel."""
    return image if image.ndim == 2 else np.asarray(cv2.transform(image, weights), np.uint8)


def brightness_contrast(canvas: Image, how: Augmentation, rng: np.random.Generator) -> Image:
    """TAO's brightness offset and contrast, out = (1 + c) x - c centre + b, in 0..1."""
    if not how.brightness_stddev and not how.contrast_max:
        return canvas
    offset = _truncated_normal(rng, how.brightness_stddev)
    contrast = _truncated_normal(rng, how.contrast_max / 2)
    values = np.arange(256) * (1 + contrast) + 255 * (offset - contrast * how.contrast_center)
    return np.asarray(cv2.LUT(canvas, np.clip(values + 0.5, 0, 255).astype(np.uint8)), np.uint8)


def _truncated_normal(rng: np.random.Generator, sigma: float) -> float:
    """Normal with mean 0, redrawn beyond 2 sigma."""
    while True:
        value = float(rng.normal(0, 1))
        if abs(value) <= 2:
            return value * sigma
