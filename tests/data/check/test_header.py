"""Headers against OpenCV, which decodes the picture and turns it as its flag says."""

import struct

import cv2
import numpy as np
import pytest

from faceir.data.check.header import orientation, read_header
from faceir.data.kitti import Item
from faceir.errors import InputError


def jpeg(turned=None, order="<", filler=0):
    data = cv2.imencode(".jpg", np.zeros((40, 70, 3), np.uint8))[1].tobytes()
    if turned is None:
        return data
    mark = b"II*\0" if order == "<" else b"MM\0*"
    tiff = mark + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, turned, 0, 0)
    block = b"Exif\0\0" + tiff + b"\0" * filler
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


@pytest.mark.parametrize("turned", [None, *range(1, 9)])
@pytest.mark.parametrize("order", ["<", ">"])
def test_size_is_that_of_the_decoded_picture(tmp_path, turned, order):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(turned, order))
    header = read_header(Item(path, path))
    height, width = cv2.imread(str(path)).shape[:2]
    assert header.size_wh == (width, height)
    assert header.orientation == (turned or 1)
    assert header.whole


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp"])
def test_other_formats(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(str(path), np.zeros((40, 70, 3), np.uint8))
    assert read_header(Item(path, path)).size_wh == (70, 40)
    assert read_header(Item(path, path)).whole


def test_a_long_preview_before_the_size(tmp_path):
    path = tmp_path / "a.jpg"
    block = b"\xff\xe2" + struct.pack(">H", 60_002) + b"\0" * 60_000
    data = jpeg(6)
    path.write_bytes(data[:2] + block * 4 + data[2:])
    assert read_header(Item(path, path)).size_wh == (40, 70)
    assert read_header(Item(path, path)).orientation == 6


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_file_without_its_end(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:-300])
    assert not read_header(Item(path, path)).whole


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff"])
def test_what_is_no_picture(tmp_path, data):
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_header(Item(path, path))
    with pytest.raises(InputError, match="No such file"):
        read_header(Item(tmp_path / "none.jpg", path))


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_a_broken_flag_is_none(cut):
    data = jpeg(6)
    assert orientation(data[:cut])[0] in (1, 6)
