"""The camera model: its statistics are what its parameters say."""

from dataclasses import fields

import cv2
import numpy as np
import pytest

from faceir.data import infrared
from faceir.data.infrared import InfraredParams
from faceir.detections import DONT_CARE, Detections


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
    assert lit.mean() == pytest.approx(100, rel=1e-3)
    assert lit.std() > 5


def test_blur_keeps_the_mean_and_takes_detail():
    noise = rng().normal(100, 20, (80, 80)).astype(np.float32)
    for seed in range(6):
        soft = infrared.blur(noise, rng(seed), 2.5)
        assert soft.mean() == pytest.approx(noise.mean(), abs=1)
        assert soft.std() < noise.std()


OFF = {f.name: 0.0 for f in fields(InfraredParams) if f.name.endswith("probability")}


def test_everything_off_is_the_picture_itself():
    picture = np.arange(240, dtype=np.uint8).reshape(12, 20)
    assert np.array_equal(infrared.shoot(picture, rng(), InfraredParams(**OFF, gamma=(1, 1))), picture)


def test_each_fault_changes_the_picture():
    picture = cv2.GaussianBlur(rng().integers(0, 255, (160, 208)).astype(np.uint8), (0, 0), 2)
    truth = Detections([[50, 40, 100, 102]])
    for name in OFF:
        if name != "dark_gain_probability":
            params = InfraredParams(**{**OFF, name: 1.0}, gamma=(1, 1))
            seen = [infrared.expose(picture, truth, rng(seed), params)[0] for seed in range(4)]
            assert any(not np.array_equal(one, picture) for one in seen), name


def test_a_sensor_of_fewer_pixels_shows_less_detail_and_coarser_noise_at_the_same_places():
    rows = np.tile(np.array([60, 60, 200, 200], np.uint8), (160, 52))
    truth = Detections([[50, 40, 100, 102]])
    coarse = InfraredParams(**OFF, gamma=(1, 1), sensor_scale_min=0.3)
    seen = [infrared.expose(rows, truth, rng(seed), coarse) for seed in range(12)]
    assert all(image.shape == rows.shape and np.array_equal(found.xyxy, truth.xyxy) for image, found in seen)
    assert min(image.std() for image, _ in seen) < 0.6 * rows.std()
    assert all(abs(float(image.mean()) - float(rows.mean())) < 3 for image, _ in seen)
    flat = np.full((160, 208), 100, np.uint8)
    noise = {"noise_probability": 1.0}

    def neighbours_alike(scale: float) -> float:
        params = InfraredParams(**OFF | noise, gamma=(1, 1), sensor_scale_min=scale)
        images = [infrared.shoot(flat, rng(seed), params).astype(float) - 100 for seed in range(8)]
        return float(np.mean([(i[:, 1:] * i[:, :-1]).mean() / i.var() for i in images]))

    assert abs(neighbours_alike(1)) < 0.05
    assert neighbours_alike(0.3) > 0.3


def test_a_dark_picture_made_bright_has_few_levels():
    picture = np.tile(np.arange(200, dtype=np.uint8), (100, 1))
    params = InfraredParams(**{**OFF, "darkness_probability": 1, "dark_gain_probability": 1}, gamma=(1, 1))
    levels = [len(np.unique(infrared.shoot(picture, rng(seed), params))) for seed in range(10)]
    means = [infrared.shoot(picture, rng(seed), params).mean() for seed in range(10)]
    assert min(levels) < 100
    assert max(means) > 60


def test_faces_that_drown_are_ignored_and_others_kept():
    picture = np.full((160, 208), 60, np.uint8)
    cv2.circle(picture, (60, 80), 30, 200, -1)
    cv2.circle(picture, (60, 80), 12, 20, -1)
    truth = Detections([[30, 50, 90, 110], [150, 50, 180, 90]])  # the second box holds nothing
    noisy = InfraredParams(**{**OFF, "noise_probability": 1}, gamma=(1, 1))
    _, seen = infrared.expose(picture, truth, rng(), noisy)
    assert seen.labels.tolist() == [0, DONT_CARE]
    strobe = InfraredParams(**{**OFF, "strobe_probability": 1}, gamma=(1, 1))
    labels = [infrared.expose(picture, truth, rng(seed), strobe)[1].labels[0] for seed in range(40)]
    assert DONT_CARE in labels
    assert 0 in labels
    never = InfraredParams(**{**OFF, "strobe_probability": 1}, gamma=(1, 1), ignore_snr_below=0)
    assert infrared.expose(picture, truth, rng(), never)[1].labels.tolist() == [0, 0]


def test_a_face_burnt_out_to_white_is_ignored():
    picture = np.full((160, 208), 230, np.uint8)
    picture[::4] = 200
    params = InfraredParams(**{**OFF, "over_exposure_probability": 1}, gamma=(1, 1))
    ignored = [
        infrared.expose(picture, Detections([[30, 50, 90, 110]]), rng(seed), params)[1].labels[0] for seed in range(20)
    ]
    assert DONT_CARE in ignored
