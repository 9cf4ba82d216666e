"""Width and height of a picture by its header, as it is seen when decoded: turned as its orientation flag says."""

from __future__ import annotations

import struct

from faceir.data.kitti import decode

__all__ = ["picture_size"]

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's start-of-frame markers
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length


def picture_size(data: bytes, where: object) -> tuple[int, int]:
    """Width and height, pixels. JPEG and PNG are not decoded; raises `InputError` when it is no picture."""
    size = _png(data) or _jpeg(data)
    if size is None:
        height, width = decode(data, where, colour=False).shape
        size = width, height
    return size


def _png(data: bytes) -> tuple[int, int] | None:
    if len(data) < 24 or data[:8] != b"\x89PNG\r\n\x1a\n" or b"eXIf" in data:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return (width, height) if width and height else None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """None when there is doubt: broken, or with an Exif block, which may turn it."""
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in _BARE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if length < 2 or (marker == 0xE1 and data[at + 4 : at + 8] == b"Exif"):
            return None
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return (width, height) if width and height else None
        at += 2 + length
    return None
