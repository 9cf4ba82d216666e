"""What happens to a labelled picture before augmentation or judgement: scaled, then cut, as TAO's preprocessing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceir import boxes
from faceir.data.augment.framing import cut
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import Image

__all__ = ["Preparation", "drop_small"]


@dataclass(frozen=True)
class Preparation:
    """`scale_*` and `crop_*` of the spec's preprocessing; as it stands here, it changes nothing."""

    scale_wh: tuple[float, float] = (0.0, 0.0)
    """Pixels that the picture is scaled to; 0 leaves it."""
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Left, top, right, bottom in pixels after scaling; all 0 is the whole picture."""

    def apply(self, image: Image, truth: Detections) -> tuple[Image, Detections]:
        """The part of `image` that is used and its faces there; faces at its edge are cut, those outside dropped.

        Raises `InputError` when nothing of the picture lies inside the crop.
        """
        if all(self.scale_wh):
            width, height = (max(round(side), 1) for side in self.scale_wh)
            factor = (width / image.shape[1], height / image.shape[0])
            how = cv2.INTER_AREA if min(factor) < 1 else cv2.INTER_LINEAR
            image = np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)
            truth = truth.with_boxes(boxes.scale(truth.xyxy, factor))
        if not any(self.crop):
            return image, truth
        left, top, right, bottom = self.crop
        image = image[top:bottom, left:right]
        if not image.size:
            raise InputError("augmentation_config.preprocessing.crop", f"{self.crop} holds nothing of a picture")
        moved = truth.xyxy - np.array([left, top, left, top], np.float32)
        return np.ascontiguousarray(image), cut(truth, moved, (image.shape[1], image.shape[0]))


def drop_small(truth: Detections, least_wh: tuple[float, float]) -> Detections:
    """The boxes that are at least `least_wh` pixels wide and high."""
    size = truth.xyxy[:, 2:] - truth.xyxy[:, :2]
    return truth[(size >= np.array(least_wh, np.float32)).all(axis=1)]
