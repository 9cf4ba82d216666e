"""The sensor and its stream."""

import cv2
import numpy as np
import pytest

from faceir.data.infrared.sensor import jpeg, sense, stripes, video


def test_noise_is_normal_and_repeats_with_its_seed():
    flat = np.full((160, 208), 128, np.float32)
    first, second, other = (sense(flat, np.random.default_rng(seed), 10) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert first.mean() == pytest.approx(128, abs=0.5)
    assert (np.abs(first - 128.0) > 20).mean() == pytest.approx(0.0455, abs=0.01)


def test_stripes_are_the_same_along_each_line():
    pattern = stripes((50, 60), np.random.default_rng(0), 3.0)
    assert pattern.shape == (50, 60)
    assert np.allclose(pattern - pattern[:1] - pattern[:, :1] + pattern[0, 0], 0, atol=1e-5)
    assert pattern[:, 0].std() == pytest.approx(3, rel=0.4)


def test_video_keeps_the_picture_and_takes_detail():
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.integers(0, 255, (96, 128)).astype(np.uint8), (0, 0), 3)
    noisy = np.clip(smooth + rng.normal(0, 10, smooth.shape), 0, 255).astype(np.uint8)
    for picture in (smooth, noisy):
        seen = video(picture, 20)
        assert seen.shape == picture.shape
        assert np.abs(cv2.blur(seen, (16, 16)).astype(int) - cv2.blur(picture, (16, 16))).mean() < 2
    assert cv2.Laplacian(seen, cv2.CV_32F).std() < 0.3 * cv2.Laplacian(noisy, cv2.CV_32F).std()
    assert np.abs(jpeg(smooth, 90).astype(int) - smooth).mean() < 2


def test_one_pixel_passes():
    assert video(np.zeros((1, 1), np.uint8), 30).shape == (1, 1)
