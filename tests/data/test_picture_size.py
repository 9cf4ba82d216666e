"""The header says what decoding would."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.data.kitti import decode
from faceir.data.picture_size import picture_size
from faceir.errors import InputError

EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0%c\0\0\0\0\0\0"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".pgm", ".tiff", ".webp"])
@pytest.mark.parametrize("shape", [(5, 9), (9, 5, 3)])
def test_every_kind_of_file(suffix: str, shape: tuple[int, ...]) -> None:
    if suffix == ".pgm":
        shape = shape[:2]
    data = cv2.imencode(suffix, np.zeros(shape, np.uint8))[1].tobytes()
    assert picture_size(data, "a") == shape[1::-1]


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_flag_turns_it_as_decoding_does(turn: int) -> None:
    data = cv2.imencode(".jpg", np.zeros((5, 9), np.uint8))[1].tobytes()
    exif = EXIF % turn
    data = data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]
    height, width = decode(data, "a", colour=False).shape
    assert picture_size(data, "a") == (width, height) == ((5, 9) if turn > 4 else (9, 5))


@given(st.binary(max_size=60), st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xc0", b"\x89PNG\r\n\x1a\n"]))
def test_what_is_no_picture_is_refused_or_has_a_size(data: bytes, start: bytes) -> None:
    try:
        width, height = picture_size(start + data, "a")
    except InputError:
        return
    assert width > 0
    assert height > 0
