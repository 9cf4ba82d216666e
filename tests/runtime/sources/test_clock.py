from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.runtime.sources.clock import CameraClock, WallClock


def test_camera_time_is_steady_although_the_network_is_not() -> None:
    """A second of frames at once, then jitter, then a camera clock that is set back; 100 ppm slow all the time."""
    clock, rng = CameraClock(), np.random.default_rng(0)
    media = np.concatenate([np.arange(900) / 30, np.arange(900) / 30])
    true = 1.7e9 + np.arange(1800) / 30 * 1.0001
    arrival = np.maximum.accumulate(np.maximum(true + 0.02 + rng.exponential(0.05, 1800), true[30]))
    times = np.array([clock.time_s(m, a) for m, a in zip(media, arrival, strict=True)])
    assert (np.diff(times) >= 0).all()
    assert (times <= arrival).all()
    late = (times - true)[[*range(60, 900), *range(960, 1800)]]
    assert late.min() > 0
    assert late.max() < 0.06
    assert clock.time_s(None, 1.8e9) == 1.8e9


class Clocks:
    """The machine's clocks in a test's hands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall_s, self.running_s = 1.7e9, 100.0
        monkeypatch.setattr(time, "time", lambda: self.wall_s)
        monkeypatch.setattr(time, "monotonic", lambda: self.running_s)

    def pass_by(self, seconds: float) -> None:
        self.wall_s += seconds
        self.running_s += seconds


def test_wall_time_is_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    wall = WallClock()
    for _ in range(10):
        assert wall.now_s() == pytest.approx(clocks.wall_s, abs=1e-6)
        clocks.pass_by(1.5)


def test_wall_time_never_goes_back_nor_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    wall = WallClock()
    before_s = wall.now_s()
    clocks.wall_s -= 60  # somebody sets it back
    shown = []
    for _ in range(700):
        clocks.pass_by(1.0)
        shown.append(wall.now_s())
    steps = np.diff([before_s, *shown])
    assert steps.min() > 0.89
    assert steps.max() < 1.01
    assert shown[-1] == pytest.approx(clocks.wall_s, abs=1e-3)
    clocks.wall_s += 3600  # and forward
    assert wall.now_s() == pytest.approx(clocks.wall_s)


def test_a_cameras_time_follows_a_machine_that_was_set_forward() -> None:
    """A device that starts in 1970 and learns the time later."""
    clock = CameraClock()
    times = [clock.time_s(n / 25, n / 25 + (1.7e9 if n > 50 else 0)) for n in range(100)]
    assert (np.diff(times) >= 0).all()
    assert times[-1] == pytest.approx(1.7e9 + 99 / 25, abs=0.1)
    assert times[49] == pytest.approx(49 / 25, abs=0.1)


@given(
    media=st.lists(st.none() | st.floats(-1e9, 1e9), max_size=30),
    seed=st.integers(0, 99),
)
def test_a_cameras_time_never_goes_back(media: list[float | None], seed: int) -> None:
    arrivals = 1.7e9 + np.cumsum(np.random.default_rng(seed).exponential(1.0, len(media)))
    clock = CameraClock()
    times = [clock.time_s(m, float(a)) for m, a in zip(media, arrivals, strict=True)]
    assert times == sorted(times)
    assert all(t <= a + 1e-3 for t, a in zip(times, arrivals, strict=True))
