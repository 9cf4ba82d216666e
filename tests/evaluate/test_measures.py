from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceir.evaluate.measures import look_of


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """Flat rectangles of many sizes, 100 +- 30."""
    rng = np.random.default_rng(0)
    light = np.zeros((240, 384))
    for _ in range(300):
        x, y, w, h = rng.integers(0, (384, 240, 60, 60))
        light[y : y + h, x : x + w] = rng.normal()
    return 100 + 30 * (light - light.mean()) / light.std()


def pixels(light: np.ndarray) -> np.ndarray:
    return np.clip(light + 0.5, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [1, 2, 4, 8, 16])
def test_noise_is_measured(scene: np.ndarray, sigma: float) -> None:
    noisy = pixels(scene + np.random.default_rng(1).normal(0, sigma, scene.shape))
    assert look_of(noisy).noise == pytest.approx(sigma, rel=0.12)


def test_a_clean_picture_has_hardly_any(scene: np.ndarray) -> None:
    assert look_of(pixels(scene)).noise < 0.5


def test_brightness_and_contrast(scene: np.ndarray) -> None:
    got = look_of(pixels(scene))
    assert got.brightness == pytest.approx(100, abs=2)
    assert got.contrast == pytest.approx(30, abs=1)


def test_sharpness_falls_with_blur_and_not_with_light_or_noise(scene: np.ndarray) -> None:
    sharp = [look_of(pixels(cv2.GaussianBlur(scene, (0, 0), s) if s else scene)).sharpness for s in (0, 1, 2, 4, 8)]
    assert sharp == sorted(sharp, reverse=True)
    assert sharp[-1] < 0.4 * sharp[0]
    assert look_of(pixels(0.5 * scene)).sharpness == pytest.approx(sharp[0], rel=0.1)
    noisy = pixels(scene + np.random.default_rng(1).normal(0, 2, scene.shape))
    assert look_of(noisy).sharpness == pytest.approx(sharp[0], rel=0.5)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 3), (240, 384), (1080, 1920), (2000, 30)])
def test_any_size(size: tuple[int, int]) -> None:
    flat = look_of(np.full(size, 77, np.uint8))
    assert (flat.brightness, flat.contrast, flat.sharpness) == (77, 0, 0)
    assert 0 <= flat.noise < 0.5
