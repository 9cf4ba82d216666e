"""The camera model: its statistics are what its parameters say."""

import numpy as np
import pytest

from faceir.data import infrared
from faceir.data.infrared import InfraredParams


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_seed_repeats_the_picture():
    picture = np.tile(np.arange(200, dtype=np.uint8), (100, 1))
    assert np.array_equal(
        infrared.shoot(picture, rng(3), InfraredParams()), infrared.shoot(picture, rng(3), InfraredParams())
    )


def test_weights_of_the_channels_sum_to_one():
    for seed in range(5):
        assert infrared.luminance_weights(rng(seed), InfraredParams()).sum() == pytest.approx(1, abs=1e-6)


def test_noise_has_the_sigma_it_was_asked_for():
    flat = np.full((200, 200), 100, np.float32)
    assert infrared.sense(flat, rng(), 12).std() == pytest.approx(12, rel=0.05)
    with_shot = infrared.sense(flat, rng(), 0, 0.5)  # 0.5 * sqrt(100)
    assert with_shot.std() == pytest.approx(5, rel=0.05)


def test_the_lamp_keeps_the_mean_and_falls_off():
    flat = np.full((120, 160), 100, np.float32)
    lit = infrared.illuminate(flat, rng(1))
    assert lit.mean() == pytest.approx(100, rel=1e-4)
    assert lit.std() > 5


def test_blur_keeps_the_mean_and_takes_detail():
    noise = rng().normal(100, 20, (80, 80)).astype(np.float32)
    for seed in range(6):
        soft = infrared.blur(noise, rng(seed), 2.5)
        assert soft.mean() == pytest.approx(noise.mean(), abs=1)
        assert soft.std() < noise.std()


def test_everything_off_is_the_picture_itself():
    off = InfraredParams(
        illumination_probability=0, darkness_probability=0, noise_probability=0, blur_probability=0,
        over_exposure_probability=0, jpeg_probability=0, gamma=(1, 1),
    )  # fmt: skip
    picture = np.arange(240, dtype=np.uint8).reshape(12, 20)
    assert np.array_equal(infrared.shoot(picture, rng(), off), picture)
