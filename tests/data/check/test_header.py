"""Headers against OpenCV, which decodes the picture and turns it as its flag says."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from faceir.data.check.header import orientation, read_header
from faceir.data.duplicates import file_hash
from faceir.data.kitti import Item, decode
from faceir.data.picture_size import picture_size
from faceir.errors import InputError
from faceir.runtime.pictures import read_picture


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


def scene():
    """Gray, smooth, and alike to none of its turns."""
    ys, xs = np.mgrid[0:48, 0:80]
    return (90 + xs + ys / 2 + 60 * (xs < 30) * (ys < 16)).astype(np.uint8)


def by_pil(path, turned, size=1):
    exif = Image.Exif()
    exif[0x0112] = turned
    lossless = {"quality": 100} if path.suffix == ".jpg" else {"lossless": True} if path.suffix == ".webp" else {}
    Image.fromarray(np.kron(scene(), np.ones((size, size), np.uint8))).save(path, exif=exif, **lossless)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_every_format_is_turned_alike_by_every_reader(tmp_path, suffix, turned):
    path = tmp_path / f"a{suffix}"
    by_pil(path, turned)
    with Image.open(path) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened).convert("L"))
        assert read_header(Item(path, path)).orientation == opened.getexif().get(0x0112)
    height, width = upright.shape
    data = path.read_bytes()
    assert read_header(Item(path, path)).size_wh == picture_size(data, path) == (width, height)
    shown, _ = read_picture(path)
    for image in (
        decode(data, path, colour=False),
        decode(data, path)[..., 1],
        shown.reshape(height, width, -1)[..., 0],
    ):
        np.testing.assert_allclose(image.astype(int), upright, atol=4)
    plain = tmp_path / "plain.png"
    Image.fromarray(upright).save(plain)
    assert (file_hash(data, path) ^ file_hash(plain.read_bytes(), plain)).bit_count() <= 2


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_flag_behind_many_pixels(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    pixels = np.random.default_rng(0).integers(0, 255, (500, 700), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    if suffix == ".webp":
        Image.fromarray(pixels).save(path, lossless=True, exif=exif)
    else:
        Image.fromarray(pixels).save(path)
        block = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
        chunk = struct.pack(">I", len(block) - 4) + block + struct.pack(">I", zlib.crc32(block))
        data = path.read_bytes()
        path.write_bytes(data[:-12] + chunk + data[-12:])
    assert path.stat().st_size > 1 << 17
    header = read_header(Item(path, path))
    assert (header.orientation, header.size_wh, header.whole) == (6, (500, 700), True)
    assert (
        picture_size(path.read_bytes(), path) == decode(path.read_bytes(), path, colour=False).shape[::-1] == (500, 700)
    )


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_broken_chunk_turns_as_decoding_does(tmp_path, suffix):
    """Whatever byte of the chunk is wrong; the sizes tell whether it was obeyed."""
    path = tmp_path / f"a{suffix}"
    by_pil(path, 6)
    whole = path.read_bytes()
    at = whole.index(b"eXIf" if suffix == ".png" else b"EXIF")
    for n in range(at + 4, at + 34):
        data = bytearray(whole)
        if n >= len(data):
            break
        data[n] ^= 0x55
        path.write_bytes(data)
        try:
            shape = decode(bytes(data), path, colour=False).shape
        except InputError:
            continue
        header = read_header(Item(path, path))
        assert header.size_wh == shape[::-1], n
