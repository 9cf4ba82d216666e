from __future__ import annotations

import time

import numpy as np
import pytest

from faceir.errors import InputError
from faceir.flow import Image
from faceir.runtime.dark import DarkGate, DarkSettings, _levels


def scene(gain: float = 1.0, black: float = 0, noise: float = 1.5, seed: int = 0) -> Image:
    """A dark room with somebody in it who is lit with `gain`."""
    rng = np.random.default_rng(seed)
    light = np.zeros((240, 384))
    light[60:180, 120:220] = 160
    light[180:, 60:300] = 80
    return np.clip(black + gain * light + rng.normal(0, noise, light.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("black", [0, 16])
def test_light_and_dark(black: float) -> None:
    assert not DarkGate().is_dark(scene(1, black))
    assert not DarkGate().is_dark(scene(0.1, black))  # faces are found there
    assert DarkGate().is_dark(scene(0.02, black))
    assert DarkGate().is_dark(scene(0, black))


def test_a_small_face_alone_in_the_dark_is_seen() -> None:
    picture = scene(0)
    picture[100:130, 100:124] = 90  # 0.8 % of the picture
    picture[10:22, 10:80] = 200  # and a clock of 0.9 %
    assert not DarkGate().is_dark(picture)


def test_fog_and_glare_are_not_dark() -> None:
    for level in (90, 255):
        assert not DarkGate().is_dark(np.full((240, 384), level, np.uint8))


def test_a_strobe_is_recognised_though_the_dark_frames_are_not_black() -> None:
    gate = DarkGate()
    verdicts = [gate.is_dark(scene(0.15 if n % 2 else 1.0, seed=n)) for n in range(100)]
    assert verdicts == [n % 2 == 1 for n in range(100)]
    report = gate.report()
    assert (report.frames, report.dark, report.share) == (100, 50, 0.5)
    assert report.period_frames == 2
    assert "strobes" in str(report)
    assert not DarkGate(DarkSettings(share=0)).is_dark(scene(0.15))


def test_a_strobe_under_a_lit_clock() -> None:
    gate = DarkGate()
    for n in range(20):
        picture = scene(0 if n % 3 == 2 else 1.0, seed=n)
        picture[5:25, 10:150] = 255  # 3 % of the picture
        assert gate.is_dark(picture) == (n % 3 == 2)
    assert gate.report().period_frames == 3


def test_a_lasting_fall_of_the_light_is_got_used_to() -> None:
    gate = DarkGate()
    for n in range(20):
        assert not gate.is_dark(scene(1.0, seed=n))
    verdicts = [gate.is_dark(scene(0.2, seed=n)) for n in range(20)]
    assert sum(verdicts) <= gate.settings.reach
    assert not any(verdicts[8:])
    assert gate.report().period_frames is None


def test_hysteresis() -> None:
    def flat(contrast: int) -> Image:
        return np.repeat(np.array([[0] * 50 + [contrast] * 50], np.uint8), 50, axis=0)

    gate = DarkGate(DarkSettings(least_contrast=10))
    assert [gate.is_dark(flat(c)) for c in (11, 9, 11, 12, 13, 11)] == [False, True, True, True, False, False]


def test_report_before_the_first_frame_and_of_light_ones() -> None:
    gate = DarkGate()
    assert (gate.report().frames, gate.report().share, gate.report().period_frames) == (0, 0, None)
    gate.is_dark(scene())
    assert str(gate.report()) == "0 of 1 frames dark, 0 % of the latest"


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (35, 63), (1080, 1920), (1081, 1923)])
def test_levels_are_percentiles_at_any_size(shape: tuple[int, int]) -> None:
    picture = np.tile(np.linspace(0, 200, shape[1]).astype(np.uint8), (shape[0], 1))
    wanted = np.percentile(picture, [1, 90, 99])
    np.testing.assert_allclose(_levels(picture), wanted, atol=max(4, 210 / min(shape[1], 64)))


@pytest.mark.parametrize("wrong", [{"share": 2}, {"reach": 0}, {"lit": -1}, {"least_contrast": 300}])
def test_wrong_settings_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        DarkSettings(**wrong)  # type: ignore[arg-type]


def test_it_costs_next_to_nothing() -> None:
    picture, gate, took_s = np.zeros((1080, 1920), np.uint8), DarkGate(), []
    for _ in range(200):
        start_s = time.perf_counter()
        gate.is_dark(picture)
        took_s.append(time.perf_counter() - start_s)
    assert min(took_s) < 1e-3  # a tenth of it on a quiet machine
