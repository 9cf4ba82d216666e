"""The sensor and what comes after it: noise, eight bits, compression."""

from __future__ import annotations

import cv2
import numpy as np

from faceir.boxes import FloatArray
from faceir.flow import Image

__all__ = ["jpeg", "sense", "stripes", "video"]


def sense(picture: FloatArray, rng: np.random.Generator, read_sigma: float, shot: float = 0.0) -> Image:
    """8-bit picture with read noise of `read_sigma` steps and shot noise of `shot` * sqrt(signal) steps."""
    if not read_sigma and not shot:
        return np.asarray(np.clip(picture + 0.5, 0, 255), np.uint8)
    noise = np.empty(picture.shape, np.float32)
    cv2.setRNGSeed(int(rng.integers(2**31 - 1)))  # OpenCV's normal numbers take a quarter of numpy's time
    if shot:
        cv2.randn(noise, 0, 1)
        noise *= np.sqrt(read_sigma**2 + shot**2 * np.maximum(picture, 0))
    else:
        cv2.randn(noise, 0, read_sigma)
    noise += picture
    return np.asarray(np.clip(noise + 0.5, 0, 255), np.uint8)


def jpeg(picture: Image, quality: int) -> Image:
    """The picture after JPEG compression of `quality` 1..100."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def stripes(shape: tuple[int, int], rng: np.random.Generator, sigma: float) -> FloatArray:
    """Fixed pattern: an offset of its own for each row, and a smaller one for each column, `[H,W]` in 8-bit steps."""
    rows = rng.normal(0, sigma, (shape[0], 1)).astype(np.float32)
    columns = rng.normal(0, sigma * rng.uniform(0, 0.7), (1, shape[1])).astype(np.float32)
    return rows + columns


def video(picture: Image, quality: int) -> Image:
    """The picture as a video stream of a low bit rate leaves it: blocks of 8 and 16 px, their edges smoothed.

    H.264 is imitated by JPEG of `quality` 1..100, for speed: once at full size, once at half, mixed.
    """
    h, w = picture.shape
    half = cv2.resize(picture, (max(w // 2, 1), max(h // 2, 1)), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(jpeg(half, quality), (w, h), interpolation=cv2.INTER_LINEAR)
    fine = cv2.GaussianBlur(jpeg(picture, quality), (3, 3), 0.6)
    return np.asarray(cv2.addWeighted(fine, 0.6, coarse, 0.4, 0), np.uint8)
