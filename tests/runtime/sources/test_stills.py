from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceir.errors import InputError
from faceir.runtime.pictures import read_picture
from tests.runtime.sources.media import encoded, frames_of, noise


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif", ".ppm", ".jpg", ".webp"])
def test_colour_pictures_come_as_rgb(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes(encoded(ending))
    (frame,) = frames_of(path)
    error = np.abs(frame.rgb.astype(int) - noise()[:, :, ::-1])
    assert error.max() == 0 if ending in (".png", ".bmp", ".tif", ".ppm") else error.mean() < 10
    assert (frame.source, frame.index, frame.time_s, frame.events) == (str(path), 0, 0.0, ())


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif", ".pgm"])
def test_gray_pictures_stay_gray(tmp_path: Path, ending: str) -> None:
    gray = noise()[:, :, 0]
    (tmp_path / f"a{ending}").write_bytes(encoded(ending, gray))
    image, _ = read_picture(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(image, gray)


@pytest.mark.parametrize(
    ("brightest", "bits"), [(0, 10), (255, 10), (1023, 10), (1024, 12), (4000, 12), (16383, 14), (65535, 16)]
)
@pytest.mark.parametrize("ending", [".png", ".tif", ".pgm"])
def test_sixteen_bit_pictures_are_taken_for_the_least_sensor_depth(
    tmp_path: Path, ending: str, brightest: int, bits: int
) -> None:
    deep = np.linspace(0, brightest, 300).astype(np.uint16).reshape(15, 20)
    (tmp_path / f"a{ending}").write_bytes(encoded(ending, deep))
    (frame,) = frames_of(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(frame.gray, deep >> (bits - 8))
    assert frame.events == (f"16-bit samples taken for {bits}-bit ones",)


def test_a_picture_with_alpha_loses_it(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(".png", np.full((4, 5, 4), (10, 20, 30, 40), np.uint8)))
    image, _ = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(image, np.full((4, 5, 3), (30, 20, 10)))


def test_exif_orientation_is_obeyed(tmp_path: Path) -> None:
    data = encoded(".jpg")
    turned = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
    segment = b"Exif\x00\x00" + turned
    data = data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:]
    (tmp_path / "a.jpg").write_bytes(data)
    assert read_picture(tmp_path / "a.jpg")[0].shape == (60, 40, 3)


ENDINGS = [".jpg", ".png", ".bmp", ".tif", ".ppm", ".webp"]


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("ending", ENDINGS)
def test_pictures_cut_short_are_errors(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], ending: str, share: float
) -> None:
    data = encoded(ending)
    path = tmp_path / f"a{ending}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"cut short|cannot be decoded"):
        frames_of(path)
    assert "libpng" not in capfd.readouterr().err


def test_a_jpeg_with_something_behind_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(".jpg") + bytes(100))
    assert read_picture(tmp_path / "a.jpg")[0].shape == (40, 60, 3)


def test_a_png_with_a_flipped_bit_is_an_error(tmp_path: Path) -> None:
    data = bytearray(encoded(".png"))
    data[len(data) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError, match="cut short or damaged"):
        read_picture(tmp_path / "a.png")


BAD_FILES: dict[str, tuple[str, bytes | None, str]] = {
    "missing picture": ("a.png", None, "does not exist"),
    "missing video": ("a.mp4", None, "does not exist"),
    "empty picture": ("a.jpg", b"", "is empty (0 bytes)"),
    "empty video": ("a.mp4", b"", "is empty (0 bytes)"),
    "text as picture": ("a.png", b"not a picture", "cannot be decoded"),
    "text as video": ("a.mp4", b"not a video " * 500, "is not a video"),
    "text": ("a.txt", b"just words " * 500, "wanted a video or a picture"),
    "code": ("a.py", b"print(1)\n" * 500, "is not a video"),
    "zeros": ("a.mkv", bytes(100_000), "is not a video"),
    "no pixels": ("a.pgm", b"P5\n0 0\n255\n", "cannot be decoded"),
    "floats": ("a.tif", encoded(".tif", np.zeros((4, 4), np.float32)), "has float32 samples"),
    "signed": ("a.tif", encoded(".tif", np.zeros((4, 4), np.int16)), "samples"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_say_what_is_wrong(tmp_path: Path, name: str) -> None:
    file_name, data, said = BAD_FILES[name]
    path = tmp_path / file_name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        frames_of(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
