"""Decoded pictures as frames: luminance as it lies in the stream where that is possible, deep gray brought to 8 bits.

A picture of 8 bits hands out its Y plane as it was decoded. Its values keep the stream's range, which for most
cameras is limited, 16..235: faces then have 14 % less contrast than in full range.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from faceir.errors import InputError
from faceir.flow import Frame, Image

__all__ = ["Pixels", "Spread"]

# Pixel formats whose first plane is 8-bit luminance.
_PLANAR_Y = {"gray", "nv12", "nv21", "nv16", "nv24", "nv42", "yuv410p", "yuv411p"} | {
    f"{kind}{layout}p" for kind in ("yuv", "yuvj", "yuva") for layout in (420, 422, 440, 444)
}
_DEEP_GRAY = re.compile(r"gray(9|10|12|14|16)(le|be)")
Deep = npt.NDArray[np.uint16]


class Spread:
    """Gray of 16-bit words whose true depth nobody states, brought to 8 bits by the levels that occur in it.

    Those between the darkest and the brightest half percent get all 256 values. Both ends follow the pictures slowly,
    outwards faster than inwards, so that neither a frame without its emitter nor one flash makes the film flicker;
    never less than 256 levels are spread, so that the noise of a dark picture stays dark.
    """

    _OUTWARDS, _INWARDS = 0.5, 0.02  # of the way, each frame
    _TAILS = (0.5, 99.5)  # percent
    _STEP = 4  # each 4th pixel of each 4th row says enough

    def __init__(self) -> None:
        self._low: float | None = None
        self._high = 0.0

    def limits(self, deep: Deep) -> tuple[float, float]:
        """The levels that become 0 and 255 in this picture, uint16 `[H,W]`; to be asked of each picture in turn."""
        low, high = (float(level) for level in np.percentile(deep[:: self._STEP, :: self._STEP], self._TAILS))
        if self._low is None:
            self._low, self._high = low, high
        self._low += (low - self._low) * (self._OUTWARDS if low < self._low else self._INWARDS)
        self._high += (high - self._high) * (self._OUTWARDS if high > self._high else self._INWARDS)
        return self._low, max(self._high, self._low + 255)


class _Reformatter:
    """One converter of a stream, as a new one for each frame costs seven times more; used by one thread at a time.

    The detector asks for luminance while sinks ask for colour; FFmpeg's converter, shared without a lock, hangs both.
    """

    def __init__(self) -> None:
        self._converter, self._turn = VideoReformatter(), threading.Lock()

    def reformat(self, picture: Any, format: str) -> Any:
        with self._turn:
            return self._converter.reformat(picture, format=format)


class Pixels:
    """Makes the frames of one stream; it remembers what is dear to make anew for each.

    `bits` is the sensor's depth, 8 to 16, where gray comes in 16-bit words, such as V4L2's Y16; None = not known.
    """

    def __init__(self, bits: int | None = None) -> None:
        if bits is not None and not 8 <= bits <= 16:
            raise InputError("bits", f"is {bits}", "8 to 16, the depth of the sensor")
        self._bits = bits
        self._to_gray, self._to_rgb = _Reformatter(), _Reformatter()
        self._spread = Spread()
        self._told = ""

    def frame(self, picture: Any, source: str, index: int, time_s: float) -> Frame:
        """A decoded `av.VideoFrame`, upright as its rotation says, with the moment of its arrival.

        How gray of more than 8 bits is brought to 8 is an event of the first frame and of each where that changes.
        """
        arrived_s = time.monotonic()
        turns = round(picture.rotation / 90) % 4 if picture.rotation else 0
        deep = _DEEP_GRAY.fullmatch(picture.format.name)
        luma: Callable[[], Image]
        colour: Callable[[], Image]
        events: tuple[str, ...] = ()
        if deep is None:
            luma = partial(_luma, picture, turns, self._to_gray)
            colour = partial(_colour, picture, turns, self._to_rgb)
        else:
            words = _plane(picture, "<u2" if deep[2] == "le" else ">u2", picture.width)
            bits = self._depth(int(deep[1]))
            if bits is None:
                luma = partial(_spread, words, *self._spread.limits(words), turns)
            else:
                luma = partial(_shifted, words, bits - 8, turns)
            colour = partial(_three, luma)
            how = self.choice(picture)
            if how != self._told:
                events, self._told = (how,), how
        return Frame(luma, colour, source=source, index=index, time_s=time_s, events=events, arrived_s=arrived_s)

    def choice(self, picture: Any) -> str:
        """How a picture's gray of more than 8 bits is brought to 8; nothing where it is not."""
        deep = _DEEP_GRAY.fullmatch(picture.format.name)
        if deep is None:
            return ""
        bits = self._depth(int(deep[1]))
        if bits is None:
            return "16-bit gray of unknown depth: the levels that occur are spread over 8 bits"
        return f"{bits}-bit gray shifted down to 8 bits"

    def _depth(self, stated: int) -> int | None:
        """By the pixel format, where 16 means a word with anything in it, else by the user."""
        return stated if stated < 16 else self._bits


def _plane(picture: Any, dtype: npt.DTypeLike, columns: int) -> npt.NDArray[Any]:
    """`[H,columns]` of the first plane, without a copy."""
    plane = picture.planes[0]
    samples = plane.line_size // np.dtype(dtype).itemsize
    return np.frombuffer(plane, dtype, picture.height * samples).reshape(picture.height, samples)[:, :columns]


def _luma(picture: Any, turns: int, reformatter: _Reformatter) -> Image:
    """Y plane `[H,W]` without a copy where the pixel format has one, turned by `turns` quarters counterclockwise."""
    name = picture.format.name
    if name not in _PLANAR_Y:
        # More than 8 bits or interleaved: to 8-bit planes. The range stays as it is, but RGB gives full range.
        whole = picture.format.is_rgb or "gray" in name or "pal" in name
        picture = reformatter.reformat(picture, format="gray" if whole else "yuv420p")
    return _turn(_plane(picture, np.uint8, picture.width), turns)


def _colour(picture: Any, turns: int, reformatter: _Reformatter) -> Image:
    """RGB `[H,W,3]`, turned."""
    rgb = reformatter.reformat(picture, format="rgb24")
    return _turn(_plane(rgb, np.uint8, rgb.width * 3).reshape(rgb.height, rgb.width, 3), turns)


def _shifted(deep: Deep, down: int, turns: int) -> Image:
    """Brighter than the depth allows is white."""
    return _turn(np.minimum(deep >> down, 255).astype(np.uint8), turns)


def _spread(deep: Deep, low: float, high: float, turns: int) -> Image:
    levels = (deep.astype(np.float32) - low) * (255 / (high - low)) + 0.5
    return _turn(np.clip(levels, 0, 255).astype(np.uint8), turns)


def _three(luma: Callable[[], Image]) -> Image:
    return np.repeat(luma()[:, :, None], 3, axis=2)


def _turn(image: Image, turns: int) -> Image:
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image
