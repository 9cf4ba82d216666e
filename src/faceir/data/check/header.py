"""What the first and last kilobytes of a picture file tell: its size, how it is turned, whether it is whole."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from faceir.data.folder import Item
from faceir.data.picture_size import picture_size

__all__ = ["Header", "orientation", "read_header"]

_HEAD, _TAIL = 1 << 17, 1 << 12
_JPEG, _PNG = b"\xff\xd8", b"\x89PNG"
_ENDS = {_JPEG: b"\xff\xd9", _PNG: b"IEND"}
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Header:
    """Of one picture file."""

    size_wh: tuple[int, int]
    """Pixels, upright: as it is decoded."""
    orientation: int
    """Exif's 1..8; 1 = as it lies."""
    whole: bool
    """False when a JPEG or PNG lacks its end."""


def read_header(item: Item) -> Header:
    """The header of a picture; decoded only where it is neither JPEG nor PNG. Raises `InputError`."""
    head, tail = item.picture_ends(_HEAD, _TAIL)
    start = next((start for start in _ENDS if head.startswith(start)), None)
    turned, plain = orientation(head)
    if start is None or (b"\xff\xc0" not in plain and b"\xff\xc2" not in plain):
        turned, plain = orientation(item.picture_data())  # a long preview before the size, or a rarer format
    width, height = picture_size(plain, item.picture)
    whole = start is None or _ENDS[start] in tail
    return Header((height, width) if turned >= 5 else (width, height), turned, whole)


def orientation(data: bytes) -> tuple[int, bytes]:
    """Exif's orientation 1..8 of a JPEG, and the same bytes without their Exif blocks; 1 where none is stated."""
    turned, kept, at = 1, [data[:2]], 2
    if not data.startswith(_JPEG):
        return 1, data
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data) and data[at + 1] not in (0xDA, 0xFF):
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            turned = _stated(data[at + 10 : end])
        else:
            kept.append(data[at:end])
        at = end
    return turned, b"".join(kept) + data[at:]


def _stated(tiff: bytes) -> int:
    """The orientation in a TIFF block; 1 for whatever is broken, as decoders take it."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, at)
        for n in range(count):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, at + 2 + 12 * n)
            if tag == _ORIENTATION:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
