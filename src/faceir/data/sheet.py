"""Contact sheets: many labelled pictures on one, to see what a data set is and what training makes of it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from faceir import boxes
from faceir.detections import DONT_CARE, Detections
from faceir.flow import Image

__all__ = ["contact_sheet", "labelled"]

# RGB; told apart by the colour-blind too, and by their lines.
_TRAINED = (60, 230, 90)
_OCCLUDED = (255, 176, 0)
_IGNORED = (100, 143, 255)
_DASH = 4  # px


def labelled(image: Image, truth: Detections, cell_wh: tuple[int, int], caption: str = "") -> Image:
    """`image`, gray `[H,W]` or RGB, as large as fits into a cell, in RGB with its labels and a `caption`.

    Faces are green, with their occlusion level where it is known; those that something hides, from level 1, are
    orange; regions to ignore are dashed and blue. Enlarged pixels stay square.
    """
    height, width = image.shape[:2]
    scale = min(cell_wh[0] / width, cell_wh[1] / height)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    canvas = np.array(resized if image.ndim == 3 else cv2.cvtColor(resized, cv2.COLOR_GRAY2RGB), np.uint8)
    placed = boxes.scale(truth.xyxy, (size[0] / width, size[1] / height))
    for xyxy, label, level in zip(placed, truth.labels.tolist(), truth.occlusion.tolist(), strict=True):
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
    """RGB pictures, none larger than `cell_wh`, side by side, row by row: `[H,W,3]`."""
    width, height = cell_wh
    columns = max(min(columns, len(pictures)), 1)
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 40, np.uint8)
    for n, picture in enumerate(pictures):
        x, y = gap + n % columns * (width + gap), gap + n // columns * (height + gap)
        sheet[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return sheet
