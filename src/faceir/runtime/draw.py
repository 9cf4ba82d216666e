"""Faces drawn on pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from faceir.detections import Detections
from faceir.flow import Image, check_image

__all__ = ["draw"]

_UNTRACKED = (60, 230, 90)  # RGB, seen on infrared gray as well as on skin
_TRACKS = ((255, 176, 0), (100, 143, 255), (220, 38, 127), (254, 97, 0), (120, 94, 240), (0, 200, 200))
_DARK = (0, 0, 0)


def draw(image: Image, detections: Detections, classes: Sequence[str] = ("face",)) -> Image:
    """A copy of `image`, uint8 gray `[H,W]` or RGB `[H,W,3]`, with boxes, classes, scores and track ids.

    Lines and letters grow with the picture. Tracked faces keep one colour.
    """
    canvas = np.array(check_image(image), order="C")
    height, width = canvas.shape[:2]
    thickness = max(1, round(min(height, width) / 360))
    for xyxy, score, label, track in zip(
        detections.xyxy, detections.scores, detections.labels, detections.track_ids, strict=True
    ):
        rgb = _UNTRACKED if track < 0 else _TRACKS[int(track) % len(_TRACKS)]
        colour = rgb if canvas.ndim == 3 else (255,)
        # The last pixel column of a box that ends at x2 is x2 - 1.
        x1, y1 = (int(v) for v in np.floor(xyxy[:2]))
        x2, y2 = (int(v) - 1 for v in np.ceil(xyxy[2:]))
        cv2.rectangle(canvas, (x1, y1), (max(x2, x1), max(y2, y1)), colour, thickness)
        name = classes[label] if 0 <= label < len(classes) else "ignore"
        text = f"{name} {score:.2f}" + (f" #{track}" if track >= 0 else "")
        _write(canvas, text, (x1, y1), colour, thickness)
    return canvas


def _write(canvas: Image, text: str, at: tuple[int, int], colour: tuple[int, ...], thickness: int) -> None:
    """Dark letters on a bar of `colour` above the corner `at`, or inside the box at the picture's top (in place)."""
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.4 * thickness
    (w, h), base = cv2.getTextSize(text, font, scale, thickness)
    x = max(0, min(at[0], canvas.shape[1] - w))
    bottom = at[1] if at[1] >= h + base + 2 else at[1] + h + base + 2
    cv2.rectangle(canvas, (x, bottom - h - base - 2), (x + w, bottom), colour, cv2.FILLED)
    dark = _DARK if canvas.ndim == 3 else (0,)
    cv2.putText(canvas, text, (x, bottom - base), font, scale, dark, thickness, cv2.LINE_AA)
