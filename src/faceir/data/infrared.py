"""The infrared camera model: makes a colour or gray picture look as an active-infrared camera would show it.

In the order of the light: reflectance, lamp, optics, exposure, sensor, compression. Each function takes
and gives a float32 picture `[H,W]` in 0..255 (values above 255 are light that will saturate) and draws
from the generator it is handed, so that a seed repeats it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from faceir.boxes import FloatArray
from faceir.flow import Image

__all__ = ["InfraredParams", "blur", "illuminate", "jpeg", "luminance_weights", "sense", "shoot"]

_REC601 = np.array([0.299, 0.587, 0.114], np.float32)
_RED = np.array([0.9, 0.1, 0.0], np.float32)


@dataclass(frozen=True)
class InfraredParams:
    """Ranges of the camera's faults; probabilities 0..1, levels in 8-bit steps, lengths in pixels."""

    red_weight: tuple[float, float] = (0.0, 1.0)
    """0 = luminance, 1 = red only: skin and hair reflect near-infrared more as they do red."""
    illumination_probability: float = 0.4
    """A lamp beside the lens: one side bright, the background falls into the dark."""
    darkness_probability: float = 0.3
    light_min: float = 0.07
    """Share of the light left in the darkest picture."""
    noise_probability: float = 0.4
    noise_sigma_max: float = 30.0
    blur_probability: float = 0.25
    blur_sigma_max: float = 2.5
    over_exposure_probability: float = 0.12
    gain_max: float = 2.4
    gamma: tuple[float, float] = (0.6, 1.6)
    jpeg_probability: float = 0.1
    jpeg_quality_min: int = 25


def luminance_weights(rng: np.random.Generator, params: InfraredParams) -> FloatArray:
    """Weights of red, green, blue `[3]`, sum 1, between luminance and red."""
    red = np.float32(rng.uniform(*params.red_weight))
    return np.asarray((1 - red) * _REC601 + red * _RED, np.float32)


def illuminate(picture: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Light of one lamp: a bright spot that falls off with distance squared down to a rest of ambient light."""
    h, w = picture.shape
    x0, y0 = rng.uniform(-0.2, 1.2) * w, rng.uniform(-0.2, 1.2) * h
    reach = rng.uniform(0.25, 1.0) * max(w, h)
    ambient, peak = rng.uniform(0.05, 0.6), rng.uniform(0.8, 1.6)
    x2 = ((np.arange(w, dtype=np.float32) - x0) / reach) ** 2
    y2 = ((np.arange(h, dtype=np.float32) - y0) / reach) ** 2
    light = ambient + (peak - ambient) / (1 + x2[None, :] + y2[:, None])
    # Automatic exposure keeps the mean: what the lamp takes from the rear it gives to the near.
    return np.asarray(picture * (light / light.mean()), np.float32)


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


def sense(picture: FloatArray, rng: np.random.Generator, read_sigma: float, shot: float = 0.0) -> Image:
    """8-bit picture with read noise of `read_sigma` steps and shot noise of `shot` * sqrt(signal) steps."""
    noise = rng.standard_normal(picture.shape, np.float32)
    noise *= np.sqrt(read_sigma**2 + shot**2 * np.maximum(picture, 0)) if shot else np.float32(read_sigma)
    noise += picture
    return np.asarray(np.clip(noise + 0.5, 0, 255), np.uint8)


def jpeg(picture: Image, quality: int) -> Image:
    """The picture after JPEG compression of `quality` 1..100."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def shoot(picture: Image, rng: np.random.Generator, params: InfraredParams) -> Image:
    """One exposure of `picture`, uint8 gray `[H,W]`, through lamp, lens, exposure, sensor and compression."""
    light: npt.NDArray[np.float32] = picture.astype(np.float32)
    gamma = float(np.exp(rng.uniform(*np.log(params.gamma))))
    if abs(gamma - 1) > 0.1:
        table = (255 * (np.arange(256) / 255) ** gamma).astype(np.float32)
        light = table[picture]
    if rng.random() < params.illumination_probability:
        light = illuminate(light, rng)
    if rng.random() < params.blur_probability:
        light = blur(light, rng, params.blur_sigma_max)
    dark = rng.random() < params.darkness_probability
    if dark:
        light = light * np.float32(np.exp(rng.uniform(np.log(params.light_min), np.log(0.7))))
    elif rng.random() < params.over_exposure_probability:
        light = light * np.float32(rng.uniform(1.2, params.gain_max)) + np.float32(rng.uniform(0, 35))
    if dark:
        image = sense(light, rng, rng.uniform(0.5, 4.0), rng.uniform(0, 0.4))
    elif rng.random() < params.noise_probability:
        image = sense(light, rng, rng.uniform(1.0, params.noise_sigma_max), rng.uniform(0, 0.5))
    else:
        image = np.clip(light + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < params.jpeg_probability:
        image = jpeg(image, int(rng.integers(params.jpeg_quality_min, 95)))
    return image
