"""From a labelled picture to what the net sees: one geometric warp with its boxes, occluders, then the camera."""

from __future__ import annotations

import cv2
import numpy as np

from faceir.data import infrared
from faceir.data.augment.colour import Weights, brightness_contrast, channel_weights, to_gray
from faceir.data.augment.framing import Matrix, cut, frame_matrix, sampled, transform_boxes, warp
from faceir.data.augment.mosaic import mosaic
from faceir.data.augment.occluders import occlude
from faceir.data.augment.settings import Augmentation, Donor, Occluders, ViewKind
from faceir.detections import Detections
from faceir.flow import Image

__all__ = ["Augmentation", "Donor", "Occluders", "ViewKind", "transform_boxes", "view"]

_GRAY_SHARE = 0.3  # of the views have gray around the picture
_BLURRED_SHARE = 0.6  # of the zoomed views have the picture's own light there


def view(
    image: Image,
    truth: Detections,
    kind: ViewKind,
    how: Augmentation,
    rng: np.random.Generator,
    donor: Donor | None = None,
) -> tuple[Image, Detections]:
    """What the net sees of a picture: uint8 gray `[H,W]` of the kind's size, and its faces there.

    `image` is uint8 gray `[H,W]` or RGB `[H,W,3]`; `truth` in its pixels. Faces that leave the view are cut,
    with their truncation computed; those wholly outside are dropped. `donor` gives other pictures, to take
    heads from and for a mosaic; without it heads come from `image` itself.
    """
    weights = channel_weights(how, rng)
    if donor is not None and rng.random() < how.mosaic_probability:
        pictures = [(image, truth)]
        canvas, seen = mosaic(
            lambda tile: _framed(*(pictures.pop() if pictures else donor(rng)), tile, how, weights, rng), kind, rng
        )
    else:
        canvas, seen = _framed(image, truth, kind, how, weights, rng)
    canvas, seen = occlude(canvas, seen, how.occluders, rng, lambda: _heads(image, truth, weights, rng, donor))
    canvas = brightness_contrast(canvas, how, rng)  # before the camera, whose dark pictures it would cut off at 0
    if rng.random() < how.infrared_probability:
        return infrared.expose(canvas, seen, rng, how.infrared)
    return canvas, seen


def _framed(
    image: Image, truth: Detections, kind: ViewKind, how: Augmentation, weights: Weights, rng: np.random.Generator
) -> tuple[Image, Detections]:
    """A view of `image` in gray before anything is put into it, and its faces there."""
    matrix = frame_matrix(image.shape, truth, kind, how, rng)
    canvas = _picture(image, matrix, kind, weights, rng)
    return canvas, cut(truth, transform_boxes(truth.xyxy, matrix), kind.size_wh)


def _picture(image: Image, matrix: Matrix, kind: ViewKind, weights: Weights, rng: np.random.Generator) -> Image:
    """`image` in gray under `matrix`; only the part that is seen is looked at.

    Around it lies black, as at run time, or now and then gray; around a zoomed picture mostly its own light, far
    out of focus, as a small picture on black would be a thing that no camera shows.
    """
    rows, columns = sampled(image.shape, matrix, kind.size_wh)
    moved = matrix[:, 2:] + matrix[:, :2] @ np.array([[columns.start], [rows.start]])
    part = to_gray(image[rows, columns], weights)
    around: int | Image = int(rng.integers(0, 160)) if rng.random() < _GRAY_SHARE else 0
    if kind.face_height is not None and rng.random() < _BLURRED_SHARE:
        few = cv2.resize(part[::8, ::8], (5, 4), interpolation=cv2.INTER_AREA)
        smooth = cv2.resize(few, (40, 32), interpolation=cv2.INTER_CUBIC)  # in two steps, as cubic is slow
        around = np.asarray(cv2.resize(smooth, kind.size_wh, interpolation=cv2.INTER_LINEAR), np.uint8)
    return warp(part, np.concatenate([matrix[:, :2], moved], axis=1), kind.size_wh, around)


def _heads(
    image: Image, truth: Detections, weights: Weights, rng: np.random.Generator, donor: Donor | None
) -> tuple[Image, Detections]:
    """A gray picture to take a head from: now and then the same one, else a donor's."""
    if donor is None or (len(truth) > 1 and rng.random() < 0.3):
        return to_gray(image, weights), truth
    image, faces = donor(rng)
    return to_gray(image, weights), faces
