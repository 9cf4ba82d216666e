from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir.errors import InputError
from faceir.fit import Fit, to_blob, to_gray
from faceir.flow import Image

sizes_wh = st.tuples(st.integers(1, 900), st.integers(1, 900))
fits = st.builds(Fit, st.sampled_from([(384, 240), (64, 96), (1, 1)]), st.booleans())


def picture(width: int, height: int, channels: int = 0) -> Image:
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_an_empty_batch() -> None:
    canvases, places = Fit().batch([])
    assert canvases.shape == (0, 240, 384)
    assert places == []
    assert to_blob(canvases).shape == (0, 3, 240, 384)


@settings(deadline=None, max_examples=60)
@given(sizes_wh, fits, st.sampled_from([0, 3]))
def test_any_size_gives_the_networks_size(size_wh: tuple[int, int], fit: Fit, channels: int) -> None:
    canvas, place = fit.apply(picture(*size_wh, channels))
    assert canvas.shape == fit.size_wh[::-1]
    assert canvas.dtype == np.uint8
    assert place == fit.placement(size_wh)
    corner = place.to_canvas(np.array([[0, 0, *size_wh]], np.float32))[0, 2:]
    assert (corner <= np.array(fit.size_wh) + 1e-3).all()
    covered = corner >= np.array(fit.size_wh) - 0.51
    assert covered.any() if fit.keep_aspect else covered.all()


@settings(deadline=None, max_examples=60)
@given(sizes_wh, fits, st.integers(0, 99))
def test_boxes_there_and_back(size_wh: tuple[int, int], fit: Fit, seed: int) -> None:
    place = fit.placement(size_wh)
    inside = np.random.default_rng(seed).uniform(0, 1, (5, 2, 2)) * size_wh
    xyxy = np.concatenate([inside.min(axis=1), inside.max(axis=1)], axis=1).astype(np.float32)
    np.testing.assert_allclose(place.to_image(place.to_canvas(xyxy)), xyxy, rtol=1e-5, atol=1e-3)


@given(st.sampled_from([3, 5]), st.integers(1, 40), st.integers(1, 40), st.integers(0, 999))
def test_shrinking_by_3_or_5_is_opencvs_area_to_the_bit(times: int, width: int, height: int, seed: int) -> None:
    large = np.random.default_rng(seed).integers(0, 256, (times * height, times * width + 7), dtype=np.uint8)[:, :-7]
    canvas, _ = Fit((width, height)).apply(large)
    np.testing.assert_array_equal(canvas, cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA))


def test_boxes_past_the_picture_are_cut() -> None:
    place = Fit((384, 240)).placement((100, 100))  # 240 x 240 on the canvas, the rest is black
    out = place.to_image(np.array([[120, 120, 384, 300], [300, 0, 384, 50]], np.float32))
    np.testing.assert_allclose(out, [[50, 50, 100, 100], [100, 0, 100, 50 / 2.4]], rtol=1e-6)


@pytest.mark.parametrize("keep_aspect", [True, False])
@pytest.mark.parametrize("size_wh", [(1280, 800), (1920, 1080), (100, 77), (333, 517), (64, 64)])
def test_a_bright_square_lies_where_its_box_says(size_wh: tuple[int, int], keep_aspect: bool) -> None:
    w, h = size_wh
    box = np.array([[w // 2, h // 2, w - 1, h - 1]], np.float32)
    image = np.zeros((h, w), np.uint8)
    image[h // 2 : h - 1, w // 2 : w - 1] = 200
    canvas, place = Fit((384, 240), keep_aspect).apply(image)
    rows, columns = np.flatnonzero((canvas > 100).any(axis=1)), np.flatnonzero((canvas > 100).any(axis=0))
    seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    np.testing.assert_allclose(place.to_canvas(box)[0], seen, atol=0.75)


def test_keep_aspect_leaves_black_right_or_below() -> None:
    white = np.full((100, 100), 255, np.uint8)
    canvas, place = Fit((384, 240), keep_aspect=True).apply(white)
    assert place.scale_xy == (2.4, 2.4)
    assert (canvas[:, :240] == 255).all()
    assert (canvas[:, 240:] == 0).all()
    canvas, place = Fit((384, 240), keep_aspect=False).apply(white)
    assert place.scale_xy == (3.84, 2.4)
    assert (canvas == 255).all()


def test_the_scale_is_that_of_whole_pixels() -> None:
    place = Fit((384, 240)).placement((100, 77))  # 240/77 would be 311.7 pixels wide
    assert place.scale_xy == (312 / 100, 240 / 77)


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 900), (900, 1), (5000, 2)])
@pytest.mark.parametrize("keep_aspect", [True, False])
def test_one_pixel_pictures(size_wh: tuple[int, int], keep_aspect: bool) -> None:
    canvas, place = Fit(keep_aspect=keep_aspect).apply(np.full(size_wh[::-1], 90, np.uint8))
    assert canvas.max() == 90
    whole = place.to_canvas(np.array([[0, 0, *size_wh]], np.float32))
    np.testing.assert_allclose(place.to_image(whole), [[0, 0, *size_wh]], rtol=1e-5)


def test_the_networks_own_size_passes_untouched() -> None:
    image = picture(384, 240)
    canvas, place = Fit().apply(image)
    np.testing.assert_array_equal(canvas, image)
    assert place.scale_xy == (1, 1)


@pytest.mark.parametrize("keep_aspect", [True, False])
def test_batch_equals_single(keep_aspect: bool) -> None:
    fit = Fit((96, 64), keep_aspect)
    images = [picture(50, 40), picture(200, 300, 3), picture(96, 64), picture(1, 1)]
    canvases, places = fit.batch(images)
    for image, canvas, place in zip(images, canvases, places, strict=True):
        alone, alone_place = fit.apply(image)
        np.testing.assert_array_equal(canvas, alone)
        assert place == alone_place


def test_bad_pictures_are_told() -> None:
    with pytest.raises(InputError, match="float64"):
        Fit().apply(np.zeros((3, 3)))  # type: ignore[arg-type]


def test_blob_is_0_to_1_in_three_equal_channels() -> None:
    canvases = np.array([[[0, 51], [102, 255]]], np.uint8)
    blob = to_blob(canvases)
    assert blob.shape == (1, 3, 2, 2)
    assert blob.dtype == np.float32
    np.testing.assert_allclose(blob[0], np.broadcast_to([[0, 0.2], [0.4, 1]], (3, 2, 2)), rtol=1e-6)


def test_gray_passes_and_colour_is_weighed() -> None:
    gray = picture(4, 3)
    assert to_gray(gray) is gray
    np.testing.assert_allclose(to_gray(np.full((2, 2, 3), 77, np.uint8)), 77, atol=1)
