"""Faces drawn on pictures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from faceir.detections import Detections
from faceir.flow import Image, check_image

__all__ = ["RGB", "Osd", "draw", "write_text"]

RGB: TypeAlias = tuple[int, int, int]

_UNTRACKED = (60, 230, 90)  # seen on infrared gray as well as on skin
_TRACKS = ((255, 176, 0), (100, 143, 255), (220, 38, 127), (254, 97, 0), (120, 94, 240), (0, 200, 200))
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITAL_PX = 22.0  # height of this font's capitals at scale 1
_WALL_TIME_S = 1e8  # times above are seconds since 1970, below seconds of a film


@dataclass(frozen=True)
class Osd:
    """What is drawn over a picture and how, as deepstream-app's group `[osd]` has it. Colours are RGB, 0..255.

    Sizes of 0 grow with the picture.
    """

    boxes: bool = True
    text: bool = True
    ids: bool = True
    scores: bool = True
    border_px: int = 0
    text_px: int = 0
    """Height of capital letters."""
    box_rgb: RGB | None = None
    """None: one colour for each track, green for what is not tracked."""
    text_rgb: RGB = (0, 0, 0)
    text_bar_rgb: RGB | None = None
    """The bar behind the text; None: the colour of the box."""
    clock: bool = False
    """The frame's own time: local date and time for cameras, hours, minutes and seconds since the start for films."""
    clock_xy: tuple[int, int] = (10, 10)
    """The clock's left top corner, pixels."""
    clock_px: int = 0
    clock_rgb: RGB = (255, 255, 255)


def draw(
    image: Image,
    detections: Detections,
    classes: Sequence[str] = ("face",),
    osd: Osd | None = None,
    time_s: float | None = None,
) -> Image:
    """A copy of `image`, uint8 gray `[H,W]` or RGB `[H,W,3]`, with boxes, classes, scores and track ids.

    Lines and letters grow with the picture, tracked faces keep one colour, unless `osd` states otherwise.
    `time_s` is what its clock shows.
    """
    osd = osd or Osd()
    canvas = np.array(check_image(image), order="C")
    height, width = canvas.shape[:2]
    grown = max(1, round(min(height, width) / 360))
    thickness = osd.border_px or grown
    scale = osd.text_px / _CAPITAL_PX if osd.text_px else 0.4 * grown
    for xyxy, score, label, track in zip(
        detections.xyxy, detections.scores, detections.labels, detections.track_ids, strict=True
    ):
        rgb = osd.box_rgb or (_UNTRACKED if track < 0 else _TRACKS[int(track) % len(_TRACKS)])
        # The last pixel column of a box that ends at x2 is x2 - 1.
        x1, y1 = (int(v) for v in np.floor(xyxy[:2]))
        x2, y2 = (int(v) - 1 for v in np.ceil(xyxy[2:]))
        if osd.boxes:
            cv2.rectangle(canvas, (x1, y1), (max(x2, x1), max(y2, y1)), _on(canvas, rgb), thickness)
        if osd.text:
            name = classes[label] if 0 <= label < len(classes) else "ignore"
            score_text = f" {score:.2f}" if osd.scores else ""
            text = f"{name}{score_text}" + (f" #{track}" if track >= 0 and osd.ids else "")
            write_text(canvas, text, (x1, y1), scale, osd.text_rgb, osd.text_bar_rgb or rgb, above=True)
    if osd.clock and time_s is not None:
        clock_scale = osd.clock_px / _CAPITAL_PX if osd.clock_px else 0.5 * grown
        write_text(canvas, _clock(time_s), osd.clock_xy, clock_scale, osd.clock_rgb)
    return canvas


def _clock(time_s: float) -> str:
    if time_s > _WALL_TIME_S:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_s))
    return time.strftime("%H:%M:%S", time.gmtime(max(time_s, 0.0)))


def _on(canvas: Image, rgb: RGB) -> tuple[int, ...]:
    """A colour as `canvas` takes it: on gray its luminance, but for the colours of boxes, which are bright."""
    if canvas.ndim == 3:
        return rgb
    return (255,) if rgb in (_UNTRACKED, *_TRACKS) else (round(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]),)


def write_text(
    canvas: Image,
    text: str,
    at: tuple[int, int],
    scale: float,
    rgb: RGB,
    bar_rgb: RGB | None = None,
    above: bool = False,
) -> None:
    """Letters below the corner `at`, or `above` it where there is room, on a bar of `bar_rgb` (in place)."""
    thickness = max(1, round(2.5 * scale))
    (w, h), base = cv2.getTextSize(text, _FONT, scale, thickness)
    tall = h + base + 2
    x = max(0, min(at[0], canvas.shape[1] - w))
    bottom = at[1] if above and at[1] >= tall else at[1] + tall
    if bar_rgb is not None:
        cv2.rectangle(canvas, (x, bottom - tall), (x + w, bottom), _on(canvas, bar_rgb), cv2.FILLED)
    cv2.putText(canvas, text, (x, bottom - base), _FONT, scale, _on(canvas, rgb), thickness, cv2.LINE_AA)
