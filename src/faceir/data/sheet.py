"""Contact sheets: many labelled pictures on one, to see what a data set is and what training makes of it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from faceir.detections import DONT_CARE, Detections
from faceir.flow import Image

__all__ = ["contact_sheet", "labelled"]

# RGB; told apart by the colour-blind too, and by their lines.
_TRAINED = (60, 230, 90)
_OCCLUDED = (255, 176, 0)
_IGNORED = (100, 143, 255)
_DASH = 4  # px


def labelled(image: Image, truth: Detections, caption: str = "") -> Image:
    """A copy of `image`, gray `[H,W]` or RGB, in RGB with its labels: faces green, with the level where it is known.

    Faces that something hides, from level 1, are orange; regions to ignore are dashed and blue.
    """
    canvas = np.array(image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), order="C")
    for xyxy, label, level in zip(truth.xyxy, truth.labels.tolist(), truth.occlusion.tolist(), strict=True):
        x1, y1 = (int(v) for v in np.floor(xyxy[:2]))
        x2, y2 = (int(v) - 1 for v in np.ceil(xyxy[2:]))  # the last pixel of a box that ends at x2 is x2 - 1
        if label == DONT_CARE:
            _dashed(canvas, (x1, y1, x2, y2), _IGNORED)
        else:
            cv2.rectangle(canvas, (x1, y1), (x2, y2), _OCCLUDED if level >= 1 else _TRAINED, 1)
        if level >= 0:
            colour = _IGNORED if label == DONT_CARE else _OCCLUDED if level >= 1 else _TRAINED
            cv2.putText(canvas, str(level), (x1 + 2, y1 + 11), cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, 1, cv2.LINE_AA)
    if caption:
        at = (3, canvas.shape[0] - 4)
        for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(canvas, caption, at, cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, width, cv2.LINE_AA)
    return canvas


def _dashed(canvas: Image, box: tuple[int, int, int, int], colour: tuple[int, int, int]) -> None:
    """The outline of `box` in place, every second stretch of it."""
    x1, y1, x2, y2 = box
    height, width = canvas.shape[:2]
    xs, ys = np.arange(max(x1, 0), min(x2 + 1, width)), np.arange(max(y1, 0), min(y2 + 1, height))
    for y in {y1, y2} & set(range(height)):
        canvas[y, xs[xs // _DASH % 2 == 0]] = colour
    for x in {x1, x2} & set(range(width)):
        canvas[ys[ys // _DASH % 2 == 0], x] = colour


def contact_sheet(pictures: Sequence[Image], columns: int, cell_wh: tuple[int, int], gap: int = 2) -> Image:
    """RGB pictures side by side, row by row, each shrunk to fit a cell of `cell_wh`: `[H,W,3]`.

    Smaller pictures keep their size, so that a pixel of the net's input stays a pixel.
    """
    width, height = cell_wh
    columns = max(min(columns, len(pictures)), 1)
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 40, np.uint8)
    for n, picture in enumerate(pictures):
        shrink = min(width / picture.shape[1], height / picture.shape[0])
        if shrink < 1:
            size = (max(round(picture.shape[1] * shrink), 1), max(round(picture.shape[0] * shrink), 1))
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        x, y = gap + n % columns * (width + gap), gap + n // columns * (height + gap)
        sheet[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return sheet
