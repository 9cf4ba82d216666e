"""Picture to network input, and boxes back: the only place that knows resize, channels and 1/255."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from faceir import boxes
from faceir.flow import Image, check_image

__all__ = ["INPUT_SCALE", "Fit", "Placement", "to_blob", "to_gray"]

INPUT_SCALE = 1 / 255
"""Network input = 8-bit value times this; DeepStream's net-scale-factor."""


@dataclass(frozen=True)
class Placement:
    """Where a picture came to lie on the network's canvas: canvas = picture * scale_xy, from the top-left corner."""

    image_wh: tuple[int, int]
    scale_xy: tuple[float, float]

    def to_canvas(self, xyxy: boxes.FloatArray) -> boxes.FloatArray:
        """Boxes `[N,4]` in the picture's pixels to network pixels."""
        return boxes.scale(xyxy, self.scale_xy)

    def to_image(self, xyxy: boxes.FloatArray) -> boxes.FloatArray:
        """Boxes `[N,4]` in network pixels to the picture's pixels, clipped to the picture."""
        factor_xy = (1 / self.scale_xy[0], 1 / self.scale_xy[1])
        return boxes.clip(boxes.scale(xyxy, factor_xy), self.image_wh)


@dataclass(frozen=True)
class Fit:
    """How a picture of any size becomes network input of `size_wh` pixels.

    With `keep_aspect` both sides shrink or grow by one factor and the rest of the canvas, right or
    below, stays black (DeepStream: maintain-aspect-ratio=1, symmetric-padding=0). Without it each
    side has its own factor (TAO: enable_auto_resize; DeepStream's default).
    """

    size_wh: tuple[int, int] = (384, 240)
    keep_aspect: bool = True

    def placement(self, image_wh: tuple[int, int]) -> Placement:
        """Where a picture of `image_wh` pixels will lie."""
        scale_x, scale_y = self.size_wh[0] / image_wh[0], self.size_wh[1] / image_wh[1]
        if self.keep_aspect:
            scale_x = scale_y = min(scale_x, scale_y)
        # The canvas has whole pixels: the scale that is used, not the one that was wished for.
        to_w, to_h = max(1, round(image_wh[0] * scale_x)), max(1, round(image_wh[1] * scale_y))
        return Placement(image_wh, (to_w / image_wh[0], to_h / image_wh[1]))

    def apply(self, image: Image) -> tuple[Image, Placement]:
        """Canvas uint8 `[H,W]` of the network's size, and where the picture lies on it.

        `image` is uint8 gray `[H,W]` or RGB `[H,W,3]`; raises `InputError` for anything else.
        """
        image = check_image(image)
        height, width = image.shape[:2]
        place = self.placement((width, height))
        to_w, to_h = (round(n * s) for n, s in zip((width, height), place.scale_xy, strict=True))
        image = to_gray(_resized(image, (to_w, to_h)))
        if (to_w, to_h) == self.size_wh:
            return image, place
        canvas = np.zeros((self.size_wh[1], self.size_wh[0]), np.uint8)
        canvas[:to_h, :to_w] = image
        return canvas, place

    def batch(self, images: Sequence[Image]) -> tuple[Image, list[Placement]]:
        """Canvases uint8 `[N,H,W]` and their placements; N = 0 gives an empty batch."""
        fitted = [self.apply(image) for image in images]
        if not fitted:
            return np.zeros((0, self.size_wh[1], self.size_wh[0]), np.uint8), []
        return np.stack([canvas for canvas, _ in fitted]), [place for _, place in fitted]


def _resized(image: Image, size_wh: tuple[int, int]) -> Image:
    """`image` at another size, averaged over areas where it shrinks: thin detail would alias."""
    width, height = image.shape[1], image.shape[0]
    if (width, height) == size_wh:
        return image
    times = width // size_wh[0]
    if image.ndim == 2 and times in (3, 5) and (width, height) == (times * size_wh[0], times * size_wh[1]):
        # To the bit as INTER_AREA, at 0.6 of its time, for 1080p above all; other factors and colour gain nothing.
        averages = cv2.boxFilter(image, -1, (times, times))
        return np.ascontiguousarray(averages[times // 2 :: times, times // 2 :: times])
    shrinks = size_wh[0] < width or size_wh[1] < height  # INTER_AREA is nearest-neighbour when growing
    return np.asarray(
        cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8
    )


def to_gray(image: Image) -> Image:
    """Luminance (Rec. 601) uint8 `[H,W]` of gray `[H,W]` or RGB `[H,W,3]`."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def to_blob(canvases: Image) -> npt.NDArray[np.float32]:
    """Network input float32 `[N,3,H,W]`, 0..1, three equal channels, from canvases uint8 `[N,H,W]`."""
    gray = canvases[:, None].astype(np.float32) * np.float32(INPUT_SCALE)
    return np.repeat(gray, 3, axis=1)
