"""Each measure on pictures whose answer is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceir.data import infrared
from faceir.data.infrared.sensor import stripes
from faceir.flow import Image
from faceir.runtime.doctor import limits
from faceir.runtime.doctor import measures as m


def _noisy(picture: Image, sigma: float, seed: int = 0) -> Image:
    return infrared.sense(picture.astype(np.float32), np.random.default_rng(seed), sigma)


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (15, 40), (240, 384)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_even_picture_of_any_size_has_nothing(size: tuple[int, int], level: int) -> None:
    flat = np.full(size, level, np.uint8)
    assert m.tones(flat) == m.Tones(level, level, level, level)
    assert m.noise_sigma(flat) == 0
    assert m.blur_sigma(flat, 0.0) is None
    assert m.structure(flat) == 0
    assert m.stripes_sigma([flat], 0) == m.stripes_sigma([flat], 1) == 0
    assert m.interleaving(flat).kind == ""
    assert m.levels_used(m.histogram(flat)) == 1
    assert bool(m.saturated(flat).all()) == (level == 255)


def test_tones_are_percentiles(good: list[Image]) -> None:
    seen = m.tones(good[0])
    assert [seen.low, seen.middle, seen.high] == pytest.approx(np.percentile(good[0], [1, 50, 99]), abs=1)
    assert seen.mean == pytest.approx(good[0].mean())


@pytest.mark.parametrize("sigma", [1, 2, 4, 8, 12, 20])
def test_noise_is_what_was_put_in(sigma: float) -> None:
    y, x = np.mgrid[0:240, 0:384]
    scene = (90 + 50 * np.sin(x / 17) * np.cos(y / 23)).astype(np.uint8)
    cv2.rectangle(scene, (90, 60), (200, 150), 200, -1)
    noisy = _noisy(scene, sigma)
    assert m.noise_sigma(noisy) == pytest.approx(sigma, rel=0.1, abs=0.1)
    # Another estimate, from the finest Haar wavelets (Donoho and Johnstone, 1994), agrees.
    f = noisy.astype(float)
    haar = (f[::2, ::2] - f[1::2, ::2] - f[::2, 1::2] + f[1::2, 1::2]) / 2
    assert m.noise_sigma(noisy) == pytest.approx(float(np.median(np.abs(haar))) / 0.6745, rel=0.12, abs=0.5)


def test_noise_does_not_rise_with_texture(good: list[Image]) -> None:
    """The film's own noise is 2 to 4 steps; a carpet over half of the picture does not add to it."""
    picture = good[0].astype(np.int16)
    carpet = np.random.default_rng(1).integers(-40, 40, (240, 192))
    picture[:, :192] += carpet
    mixed = picture.clip(0, 255).astype(np.uint8)
    assert m.noise_sigma(mixed) < 1.5 * m.noise_sigma(good[0])


@pytest.mark.parametrize("noise", [0, 4])
@pytest.mark.parametrize("sigma", [0.0, 1.0, 1.5, 2.0, 2.5])
def test_blur_is_what_was_put_in(sigma: float, noise: float) -> None:
    scene = np.full((240, 384), 60, np.uint8)
    for n in range(6):
        cv2.circle(scene, (40 + 60 * n, 60 + 20 * n), 25, 90 + 25 * n, -1)
    soft = cv2.GaussianBlur(scene, (0, 0), sigma) if sigma else scene
    seen = _noisy(np.asarray(soft, np.uint8), noise)
    found = m.blur_sigma(seen, m.noise_sigma(seen))
    assert found is not None
    assert found == pytest.approx(sigma, abs=0.6 if not noise else 0.75)


def test_blur_grows_in_a_film_and_noise_does_not_hide_it(good: list[Image]) -> None:
    for noise in (0, 6):
        found = []
        for sigma in (0.3, 1.5, 3.0):
            seen = _noisy(np.asarray(cv2.GaussianBlur(good[5], (0, 0), sigma), np.uint8), noise)
            found.append(m.blur_sigma(seen, m.noise_sigma(seen)))
        assert found[0] is not None
        assert found[0] < limits.BLUR.warn
        assert found[1] is None or found[1] > found[0]
        assert found[2] is None or found[2] > limits.BLUR.warn


@pytest.mark.parametrize("axis", [0, 1])
def test_stripes_are_what_was_put_in(good: list[Image], axis: int) -> None:
    rng = np.random.default_rng(0)
    offset = rng.normal(0, 4, (240, 1) if axis == 0 else (1, 384))
    striped = [np.clip(g + offset, 0, 255).astype(np.uint8) for g in good[:8]]
    assert m.stripes_sigma(striped, axis) == pytest.approx(4, rel=0.3)  # type: ignore[arg-type]
    assert m.stripes_sigma(striped, 1 - axis) < 1  # type: ignore[arg-type]
    assert m.stripes_sigma(good[:8], axis) < 0.6  # type: ignore[arg-type]


def test_stripes_that_move_are_not_fixed(good: list[Image]) -> None:
    rng = np.random.default_rng(0)
    moving = [np.clip(good[0] + stripes((240, 384), rng, 4), 0, 255).astype(np.uint8) for _ in range(16)]
    assert m.stripes_sigma(moving, 0) < 2


def _yuyv(gray: Image) -> Image:
    """The first bytes of YUYV as if they were gray pixels."""
    out = np.full((gray.shape[0], 2 * gray.shape[1]), 128, np.uint8)
    out[:, ::2] = gray
    return out[:, : gray.shape[1]]


def _bytes(gray: Image, bits: int) -> Image:
    """The bytes of `bits`-bit samples as if they were pixels."""
    deep = gray.astype(np.float64) / 255 * ((1 << bits) - 1)
    deep += np.random.default_rng(0).normal(0, (1 << bits) / 256, gray.shape)
    return np.ascontiguousarray(deep.clip(0, (1 << bits) - 1).astype("<u2")).view(np.uint8)[:, : gray.shape[1]]


@pytest.mark.parametrize("noise", [0, 10, 28])
def test_pixels_that_are_none_are_known(good: list[Image], noise: float) -> None:
    for gray in (_noisy(g, noise) for g in good[:6]):
        assert m.interleaving(gray).kind == ""
        assert m.interleaving(_yuyv(gray)).kind == "yuyv"
        for bits in (10, 12):
            assert m.interleaving(_bytes(gray, bits)).kind == "16 bit"


def test_overflow_is_known(good: list[Image]) -> None:
    cut = ((good[0].astype(np.int64) * 1023 // 255) & 255).astype(np.uint8)
    assert m.wrapped(good[0]) < limits.WRAPPED.warn
    assert m.wrapped(cut) > limits.WRAPPED.wrong


@pytest.mark.parametrize("gain", [2, 4])
def test_stretched_bits_leave_gaps(good: list[Image], gain: int) -> None:
    stretched = cv2.convertScaleAbs((good[0] // gain), alpha=gain)
    assert m.levels_used(m.histogram(np.asarray(stretched, np.uint8))) == pytest.approx(1 / gain, abs=0.1)
    assert m.levels_used(m.histogram(good[0])) > 0.9


def test_white_of_limited_range() -> None:
    picture = np.full((4, 4), 100, np.uint8)
    picture[0] = 235
    assert m.saturated(picture).sum() == 4
    picture[1] = 240  # full range after all
    assert m.saturated(picture).sum() == 0


def test_flicker_is_not_motion_nor_a_slow_change(good: list[Image]) -> None:
    thumbs = [cv2.resize(g, (16, 12), interpolation=cv2.INTER_AREA).astype(np.float32) for g in good]
    assert m.flicker(thumbs) < limits.FLICKER.warn
    assert m.flicker([t * np.float32(0.5 + n / 40) for n, t in enumerate(thumbs)]) < limits.FLICKER.warn
    beating = [t * np.float32(1 + 0.1 * np.sin(2.4 * n)) for n, t in enumerate(thumbs)]
    assert m.flicker(beating) > limits.FLICKER.warn
    assert m.flicker(thumbs[:3]) == 0


def test_structure_does_not_see_noise() -> None:
    flat = np.full((240, 384), 90, np.uint8)
    assert m.structure(_noisy(flat, 20)) < limits.EMPTY
