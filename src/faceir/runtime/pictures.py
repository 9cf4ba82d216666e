"""Picture files of any kind that cameras and their owners keep."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceir.errors import InputError, need_file
from faceir.flow import Image

__all__ = ["PICTURES", "read_picture"]

PICTURES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".pgm", ".ppm", ".webp"))
"""File name endings that are read as pictures; everything else is tried as a video."""
_SENSOR_BITS = (10, 12, 14, 16)


def read_picture(path: str | Path) -> tuple[Image, tuple[str, ...]]:
    """A picture file as uint8 gray `[H,W]` or RGB `[H,W,3]`, upright by its EXIF, and what had to be chosen.

    Samples of 9 to 16 bits are taken for those of the least sensor depth (10, 12, 14, 16 bits) that
    holds the brightest, and shifted down to 8; the depth chosen is reported. Raises `InputError`
    for a file that is no picture, or only the first part of one.
    """
    path = need_file(path, "a picture")
    data = path.read_bytes()
    if _cut_short(data):
        raise InputError(path, f"is cut short or damaged ({len(data)} bytes)", "a whole picture", "copy it again")
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would print every codec's complaints
    try:
        image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error as error:
        raise InputError(path, f"cannot be decoded ({error.err})", "a picture") from error
    finally:
        cv2.utils.logging.setLogLevel(level)
    if image is None or image.size == 0:
        raise InputError(path, "cannot be decoded", f"a picture ({' '.join(sorted(s[1:] for s in PICTURES))})")
    events: tuple[str, ...] = ()
    if image.dtype == np.uint16:
        bits = next(b for b in _SENSOR_BITS if int(image.max()) < 1 << b)
        image = (image >> (bits - 8)).astype(np.uint8)
        events = (f"16-bit samples taken for {bits}-bit ones",)
    elif image.dtype != np.uint8:
        raise InputError(path, f"has {image.dtype} samples", "8 or 16 bits, unsigned")
    return (image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)), events


def _cut_short(data: bytes) -> bool:
    """Whether a JPEG or PNG ends too early; some OpenCV versions fill the missing part with gray."""
    if data.startswith(b"\xff\xd8"):
        at = 2
        while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != b"\xda":  # up to the first scan
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        return data.find(b"\xff\xd9", at) < 0
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        at = 8
        while at + 12 <= len(data):
            length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
            end = at + 12 + length
            if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
                return True
            if kind == b"IEND":
                return False
            at = end
        return True
    return False
