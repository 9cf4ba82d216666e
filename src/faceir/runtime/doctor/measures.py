"""What can be measured of a camera's picture: functions on gray pictures, uint8 `[H,W]`, and on series of numbers.

They only measure; what is too much or too little is in `limits`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from faceir.boxes import FloatArray
from faceir.flow import Image

__all__ = [
    "Interleaving",
    "Tones",
    "blur_sigma",
    "flicker",
    "histogram",
    "interleaving",
    "levels_used",
    "noise_sigma",
    "saturated",
    "stripes_sigma",
    "structure",
    "tones",
    "wrapped",
]

_BLOCK = 16
_NEAR_WHITE = 250  # JPEG leaves a burnt-out area between 250 and 255
_VIDEO_WHITE = 235  # of limited range
_LAPLACE_DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_LEAST_EDGES = 60
_FINE, _COARSE = 1.0, 2.0  # px, sigmas at which edges are looked at
_SHARPEST = 0.25
_ALONG = 512  # pixels of a row that are looked at, at least
_TRIMMED = 1.2  # variance of the mean of the middle half, of normal noise, over that of the mean
INTERLEAVED_RATIO = 1.8
"""`Interleaving.ratio` above which it is none of a picture: any real one, with noise of sigma 28 too, stays below 1."""


@dataclass(frozen=True)
class Tones:
    """Gray values of one picture, 0..255, below which 1, 50 and 99 % of its pixels lie, and its mean."""

    low: float
    middle: float
    high: float
    mean: float

    @property
    def spread(self) -> float:
        """Between the darkest and the brightest hundredth."""
        return self.high - self.low


def histogram(gray: Image) -> npt.NDArray[np.int64]:
    """How many pixels have each gray value, `[256]`."""
    return np.bincount(gray.ravel(), minlength=256)


def tones(gray: Image) -> Tones:
    """The picture's `Tones`, from its histogram."""
    counts = histogram(gray)
    summed = np.cumsum(counts)
    low, middle, high = (float(np.searchsorted(summed, share * summed[-1])) for share in (0.01, 0.5, 0.99))
    return Tones(low, middle, high, float(counts @ np.arange(256)) / gray.size)


def saturated(gray: Image) -> npt.NDArray[np.bool_]:
    """Which pixels `[H,W]` are burnt out: white, or in a picture that nowhere exceeds 235 that 235."""
    return gray >= (_VIDEO_WHITE if int(gray.max()) == _VIDEO_WHITE else _NEAR_WHITE)


def noise_sigma(gray: Image) -> float:
    """Standard deviation of the noise, 8-bit steps, as the flattest parts of the picture show it.

    Immerkaer, "Fast noise variance estimation", 1996: the difference of two Laplacians leaves no trace of planes and
    straight edges. Taken for each block of 16 x 16, the lower quarter of them is noise even where there is texture;
    blocks at black or white, where noise is cut off, do not count. 0 when no block is left.
    """
    height, width = (n // _BLOCK * _BLOCK for n in gray.shape)
    if not height or not width:
        return 0.0
    part = gray[:height, :width]
    rest = np.abs(cv2.filter2D(part.astype(np.float32), -1, _LAPLACE_DIFFERENCE, borderType=cv2.BORDER_REFLECT_101))
    cut = ((part <= 1) | (part >= _NEAR_WHITE)).astype(np.float32)
    blocks = _block_means(rest) * math.sqrt(math.pi / 2) / 6
    blocks = blocks[_block_means(cut) < 0.02]
    return float(np.quantile(blocks, 0.25)) if blocks.size else 0.0


def _block_means(values: FloatArray) -> FloatArray:
    height, width = values.shape
    return np.asarray(cv2.resize(values, (width // _BLOCK, height // _BLOCK), interpolation=cv2.INTER_AREA), np.float32)


def blur_sigma(gray: Image, noise: float) -> float | None:
    """Sigma in pixels of the blur that the picture's sharpest edges have, 0 = none; None = too few edges to tell.

    Zhuo and Sim, "Defocus map estimation from a single image", 2011: an edge's slope at two scales tells its width.
    Only edges that stand out of the `noise` (8-bit steps) count, as noise looks sharp; of these the sharpest
    quarter, as soft edges are there in any picture.
    """
    picture = gray.astype(np.float32)
    fine, across, down = _slope(picture, _FINE)
    coarse, _, _ = _slope(picture, _COARSE)
    # Noise of this sigma leaves a slope of sigma / (sqrt(8 pi) s^2) in each direction.
    least = max(6 * noise / (math.sqrt(8 * math.pi) * _FINE**2), 3.0)
    inner = np.zeros(gray.shape, bool)
    margin = 4
    inner[margin:-margin, margin:-margin] = True
    # Where a part is burnt out its border is cut sharp by the white, not by the lens.
    near_cut = cv2.dilate(((gray >= _NEAR_WHITE) | (gray == 0)).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    at_edge = inner & ~near_cut & (fine > least) & _ridge(fine, across, down)
    if int(at_edge.sum()) < _LEAST_EDGES:
        return None
    ratio2 = np.maximum((fine[at_edge] / np.maximum(coarse[at_edge], 1e-3)) ** 2, 1 + 1e-3)
    # slope ~ 1 / sqrt(blur^2 + s^2) at either scale s
    blur2 = (_COARSE**2 - ratio2 * _FINE**2) / (ratio2 - 1)
    return math.sqrt(max(float(np.quantile(blur2, _SHARPEST)), 0.0))


def _slope(picture: FloatArray, sigma: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Steepness, and the slope across and down, `[H,W]`, after a Gaussian of `sigma` px."""
    soft = cv2.GaussianBlur(picture, (0, 0), sigma)
    across = cv2.filter2D(soft, -1, np.array([[-0.5, 0, 0.5]], np.float32))
    down = cv2.filter2D(soft, -1, np.array([[-0.5], [0], [0.5]], np.float32))
    return np.asarray(np.hypot(across, down), np.float32), across, down


def _ridge(steep: FloatArray, across: FloatArray, down: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether a place `[H,W]` is steeper than both its neighbours along the slope, its main direction that is."""
    ridge_x = (steep >= np.roll(steep, 1, 1)) & (steep >= np.roll(steep, -1, 1))
    ridge_y = (steep >= np.roll(steep, 1, 0)) & (steep >= np.roll(steep, -1, 0))
    return np.asarray(np.where(np.abs(across) > np.abs(down), ridge_x, ridge_y), bool)


def structure(gray: Image) -> float:
    """Standard deviation of the picture once its noise is smoothed away, 8-bit steps; near 0 = nothing is in it."""
    small = cv2.resize(gray, (24, 16), interpolation=cv2.INTER_AREA)
    return float(np.std(small.astype(np.float32)))


def stripes_sigma(pictures: Sequence[Image], axis: Literal[0, 1]) -> float:
    """How much rows (`axis` 0) or columns (1) differ from their neighbours as a whole, sigma in 8-bit steps.

    The middle half along a row of its difference from the rows beside it: things in the picture do not reach all
    along it, a sensor's offset does. The mean over `pictures` of one size leaves what is fixed; what `noise_sigma`
    alone would leave is taken off.
    """
    lines, noises = [], []
    for gray in pictures:
        upright = gray if axis == 0 else gray.T
        if min(upright.shape) < 16:
            return 0.0
        some = upright[:, :: max(1, upright.shape[1] // _ALONG)].astype(np.float32)
        apart = np.sort(some[1:-1] - (some[:-2] + some[2:]) / 2, axis=1)
        quarter = apart.shape[1] // 4
        lines.append(apart[:, quarter:-quarter].mean(axis=1))
        noises.append(noise_sigma(gray) * math.sqrt(1.5 * _TRIMMED / apart.shape[1]))
    mean = np.mean(lines, axis=0)
    # Robust against the few rows where something does reach all along, as the edge of a black bar.
    seen = float(np.median(np.abs(mean))) / 0.6745
    by_noise = float(np.mean(noises)) / math.sqrt(len(noises))
    return math.sqrt(max(seen**2 - by_noise**2, 0.0) / 1.5)


@dataclass(frozen=True)
class Interleaving:
    """Whether even and odd columns hold different things, as when a pixel format is taken for another."""

    ratio: float
    """Difference of neighbours over the difference of pixels two apart; about 1 or less in any true picture."""
    kind: Literal["", "yuyv", "16 bit"]
    """What it looks like: brightness and colour in turn, or the two bytes of deeper samples."""


def interleaving(gray: Image) -> Interleaving:
    """How even and odd columns of `gray` differ; `kind` is empty for a true picture."""
    if gray.shape[1] < 8:
        return Interleaving(1.0, "")
    picture = gray.astype(np.float32)
    beside = float(np.mean(np.abs(picture[:, 1:] - picture[:, :-1])))
    apart = [float(np.mean(np.abs(np.diff(picture[:, start::2], axis=1)))) for start in (0, 1)]
    calm = min(apart)  # the two bytes: one of them may be noise, the other is calm
    ratio = beside / max(calm, 0.5)
    if ratio < INTERLEAVED_RATIO:
        return Interleaving(ratio, "")
    chroma = min(float(np.mean(np.abs(picture[:, start::2] - 128))) for start in (0, 1))
    return Interleaving(ratio, "yuyv" if chroma < 16 else "16 bit")


def wrapped(gray: Image) -> float:
    """Share 0..1 of neighbours that jump by three quarters of the range, as values do that overflow 8 bits."""
    across = np.abs(np.diff(gray.astype(np.int16), axis=1))
    return float(np.mean(across >= 192))


def levels_used(counts: npt.NDArray[np.int64]) -> float:
    """Share 0..1 of the gray values between the darkest and the brightest hundredth that occur; `counts` is `[256]`.

    Gaps, as of a comb, tell that fewer bits were stretched to 8.
    """
    summed = np.cumsum(counts)
    if not summed[-1]:
        return 1.0
    low, high = (int(np.searchsorted(summed, share * summed[-1])) for share in (0.01, 0.99))
    return float(np.mean(counts[low : high + 1] > 0))


def flicker(thumbs: Sequence[FloatArray]) -> float:
    """How much the light changes from picture to picture, sigma as a share of it; `thumbs` are small pictures.

    The median over the places of each, so that what moves does not count.
    """
    if len(thumbs) < 4:
        return 0.0
    logs = np.log(np.maximum(np.stack(thumbs).reshape(len(thumbs), -1), 1.0))
    steps = np.median(np.diff(logs, axis=0), axis=1)
    # A slow change, as of a cloud, makes steps of one sign: only what comes back at once is flicker.
    back = (steps[:-1] - steps[1:]) / 2
    return float(np.std(back) / math.sqrt(1.5))
