from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from faceir.errors import InputError
from faceir.flow import Frame
from faceir.runtime.sources import Video
from faceir.runtime.sources.pixels import Pixels, Spread

SHIFTED = "{}-bit gray shifted down to 8 bits"


def write_deep(path: Path, pictures: list[np.ndarray], pixel_format: str) -> Path:
    """FFV1 loses nothing."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = pictures[0].shape
        stream.pix_fmt = pixel_format
        for picture in pictures:
            container.mux(stream.encode(deep_frame(picture, pixel_format)))
        container.mux(stream.encode())
    return path


def deep_frame(picture: np.ndarray, pixel_format: str) -> Any:
    """A frame of gray words, its lines longer than the picture as FFmpeg has them."""
    frame = av.VideoFrame(picture.shape[1], picture.shape[0], pixel_format)
    plane = frame.planes[0]
    rows = np.zeros((picture.shape[0], plane.line_size // 2), ">u2" if pixel_format.endswith("be") else "<u2")
    rows[:, : picture.shape[1]] = picture
    plane.update(rows.tobytes())
    return frame


def ramp(brightest: int, size_wh: tuple[int, int] = (70, 50)) -> np.ndarray:
    return np.linspace(0, brightest, size_wh[0] * size_wh[1]).astype(np.uint16).reshape(size_wh[1], size_wh[0])


def play(path: Path, **rest: Any) -> list[Frame]:
    with Video(path, **rest) as video:
        return list(video)


@pytest.mark.parametrize("bits", [10, 12])
def test_gray_of_a_stated_depth_is_shifted(tmp_path: Path, bits: int) -> None:
    deep = ramp((1 << bits) - 1)
    frames = play(write_deep(tmp_path / "a.mkv", [deep] * 3, f"gray{bits}le"))
    for frame in frames:
        np.testing.assert_array_equal(frame.gray, deep >> (bits - 8))
        np.testing.assert_array_equal(frame.rgb, np.stack([frame.gray] * 3, axis=2))
        assert frame.gray.dtype == np.uint8
    assert [frame.events for frame in frames] == [(SHIFTED.format(bits),), (), ()]


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_gray_in_words_is_shifted_when_the_user_knows_the_depth(tmp_path: Path, bits: int) -> None:
    deep = ramp((1 << bits) - 1)
    (frame,) = play(write_deep(tmp_path / "a.mkv", [deep], "gray16le"), bits=bits)
    np.testing.assert_array_equal(frame.gray, deep >> (bits - 8))
    assert frame.events == (SHIFTED.format(bits),)


def test_brighter_than_the_stated_depth_is_white() -> None:
    frame = Pixels(bits=10).frame(deep_frame(ramp(65535), "gray16le"), "a", 0, 0.0)
    assert frame.gray.max() == 255
    assert (np.diff(frame.gray.ravel().astype(int)) >= 0).all()


@pytest.mark.parametrize("bits", [7, 17])
def test_depths_that_no_sensor_has(bits: int) -> None:
    with pytest.raises(InputError, match="wanted 8 to 16"):
        Pixels(bits)


@pytest.mark.parametrize("pixel_format", ["gray16le", "gray16be"])
def test_gray_of_unknown_depth_is_spread_over_the_levels_that_occur(pixel_format: str) -> None:
    deep = ramp(4000) + np.uint16(6000)
    frame = Pixels().frame(deep_frame(deep, pixel_format), "a", 0, 0.0)
    np.testing.assert_allclose(frame.gray, (deep - 6000.0) / 4000 * 255, atol=7)  # its tails are cut
    assert "16-bit gray of unknown depth" in frame.events[0]


def test_each_picture_is_spread_by_its_own_moment_whenever_it_is_looked_at() -> None:
    pixels = Pixels()
    frames = [pixels.frame(deep_frame(ramp(top), "gray16le"), "a", n, 0.0) for n, top in enumerate((1000, 4000, 8000))]
    late = [frame.gray.copy() for frame in reversed(frames)][::-1]
    again = Pixels()
    for top, picture in zip((1000, 4000, 8000), late, strict=True):
        np.testing.assert_array_equal(again.frame(deep_frame(ramp(top), "gray16le"), "a", 0, 0.0).gray, picture)


def test_a_dark_frame_between_bright_ones_stays_dark_and_changes_little() -> None:
    """A strobed emitter: what is dark must look dark, and a bright frame the same as before."""
    spread, rng = Spread(), np.random.default_rng(0)
    bright, dark = ramp(3000), rng.integers(0, 60, (50, 70)).astype(np.uint16)
    first = spread.limits(bright)
    for _ in range(20):
        low, high = spread.limits(dark)
        assert (60 - low) / (high - low) < 0.06
        spread.limits(bright)
    np.testing.assert_allclose(spread.limits(bright), first, atol=60)


def test_a_picture_of_noise_alone_is_not_blown_up() -> None:
    noise = np.random.default_rng(0).integers(100, 110, (50, 70)).astype(np.uint16)
    frame = Pixels().frame(deep_frame(noise, "gray16le"), "a", 0, 0.0)
    assert np.ptp(frame.gray) <= 10


def test_levels_settle_after_the_light_has_changed() -> None:
    spread = Spread()
    for _ in range(300):
        limits = spread.limits(ramp(8000))
    for _ in range(300):
        limits = spread.limits(ramp(1000))
    assert limits[1] == pytest.approx(1000, rel=0.05)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_deep_gray_is_turned_too(turns: int) -> None:
    class Turned:
        """A frame that says it is turned; PyAV's cannot be told to."""

        def __init__(self, frame: Any) -> None:
            self._frame, self.rotation = frame, 90 * turns

        def __getattr__(self, name: str) -> Any:
            return getattr(self._frame, name)

    frame = Pixels().frame(Turned(deep_frame(ramp(1023), "gray10le")), "a", 0, 0.0)
    np.testing.assert_array_equal(frame.gray, np.rot90(ramp(1023) >> 2, turns))
    assert frame.rgb.shape == (*frame.gray.shape, 3)


@pytest.mark.parametrize("pixel_format", ["yuyv422", "uyvy422", "nv12", "yuv420p10le"])
def test_luminance_of_camera_formats_is_kept(pixel_format: str) -> None:
    luma = np.tile(np.arange(16, 236, 4, dtype=np.uint8)[:54], (48, 1))
    planar = np.concatenate([luma, np.full((24, 54), 128, np.uint8)])
    picture = av.VideoFrame.from_ndarray(planar, format="yuv420p").reformat(format=pixel_format)
    frame = Pixels().frame(picture, "a", 0, 0.0)
    np.testing.assert_allclose(frame.gray.astype(int), luma, atol=1)
    assert frame.events == ()


def test_frames_know_when_they_arrived() -> None:
    before_s = time.monotonic()
    frame = Pixels().frame(deep_frame(ramp(1023), "gray10le"), "a", 3, 1.5)
    assert before_s <= frame.arrived_s <= time.monotonic()
    assert (frame.source, frame.index, frame.time_s) == ("a", 3, 1.5)
