"""`Fitted`: a detector that is shown every picture at one size, so that nets of several input sizes see the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faceir import boxes
from faceir.detections import Detections
from faceir.fit import Fit
from faceir.flow import Detector, Image

__all__ = ["Fitted"]


@dataclass(frozen=True)
class Fitted:
    """Shows `detector` pictures as `fit` makes them, as if the camera had no more pixels."""

    detector: Detector
    fit: Fit

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Faces of each picture, in its own pixels."""
        shown = [self.fit.apply(image) for image in images]
        answers = self.detector([canvas for canvas, _ in shown])
        placed = [
            found.with_boxes(place.to_image(found.xyxy)) for found, (_, place) in zip(answers, shown, strict=True)
        ]
        return [
            found[boxes.area(found.xyxy) > 0] for found in placed
        ]  # what lies beside the picture has no place in it
