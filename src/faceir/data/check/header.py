"""What the first and last kilobytes of a picture file tell: its size, how it is turned, whether it is whole."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from faceir.data.folder import Item
from faceir.data.picture_size import picture_size

__all__ = ["Header", "orientation", "read_header"]

_HEAD, _TAIL = 1 << 17, 1 << 12
_JPEG, _PNG = b"\xff\xd8", b"\x89PNG"
_ENDS = {_JPEG: b"\xff\xd9", _PNG: b"IEND"}
_ORIENTATION = 0x0112
_PNG_SIZE = 33  # bytes up to the end of its first chunk, which states the size
_WEBP_EXIF = 0x08  # bit of the flags in VP8X


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
    if head.startswith(_PNG):
        turned, plain = _png_orientation(head, tail), head[:_PNG_SIZE]
        whole = _ENDS[_PNG] in tail
    elif head.startswith(_JPEG):
        turned, plain = orientation(head)
        if b"\xff\xc0" not in plain and b"\xff\xc2" not in plain:
            turned, plain = orientation(item.picture_data())  # a long preview before the size
        whole = _ENDS[_JPEG] in tail
    else:
        data = item.picture_data()
        return Header(picture_size(data, item.picture), _webp_orientation(data), whole=True)
    width, height = picture_size(plain, item.picture)
    return Header((height, width) if turned >= 5 else (width, height), turned, whole)


def _png_orientation(head: bytes, tail: bytes) -> int:
    """Of a PNG, whose eXIf chunk lies before the pixels or near the end; a wrong checksum voids it."""
    at, block = 8, b""
    while at + 12 <= len(head):
        end = at + 12 + int.from_bytes(head[at : at + 4], "big")
        if head[at + 4 : at + 8] == b"eXIf":
            block = head[at:end]
        at = end
    if not block and b"eXIf" in tail:
        start = tail.rindex(b"eXIf") - 4
        block = tail[start : start + 12 + int.from_bytes(tail[start : start + 4], "big")] if start >= 0 else b""
    if len(block) < 12 or zlib.crc32(block[4:-4]) != int.from_bytes(block[-4:], "big"):
        return 1
    return _stated(block[8:-4])


def _webp_orientation(data: bytes) -> int:
    """Of a WebP, whose EXIF chunk counts only where the header announces it; 1 for other formats."""
    if data[:4] != b"RIFF" or data[8:16] != b"WEBPVP8X" or not data[20:21] or not data[20] & _WEBP_EXIF:
        return 1
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"EXIF":
            return _stated(data[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    return 1


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
