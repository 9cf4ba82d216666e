from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.runtime.live.state import WINDOW_FRAMES, WINDOW_S, Ledger, Window


@pytest.mark.parametrize("fps", [1, 25, 1000])
def test_a_steady_rate_is_told_and_sinks_when_it_stops(fps: int) -> None:
    window = Window()
    assert window.rate(0.0) == 0
    for n in range(10 * fps + 1):
        window.add(n / fps)
        assert len(window._events) <= WINDOW_FRAMES
    assert window.rate(10.0) == pytest.approx(fps, rel=0.01)
    assert 0 < window.rate(11.0) < window.rate(10.0) or fps == 1000
    assert window.rate(10.0 + WINDOW_S + 1) == 0
    assert window.quantiles(10.0 + WINDOW_S + 1, 0.5) == [0]


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=200), st.floats(0, 1))
def test_quantiles_are_those_of_numpy(values: list[float], share: float) -> None:
    window = Window()
    for value in values:
        window.add(1.0, value)
    (found,) = window.quantiles(1.0, share)
    assert found == np.quantile(values, share, method="inverted_cdf")


def test_conditions_follow_each_other() -> None:
    ledger = Ledger()
    assert ledger.state("cam", 0, ()).condition == "connecting"
    ledger.arrived()
    for _ in range(3):  # each try is told of, but it was lost once
        ledger.become("reconnecting", "cam: stopped")
    ledger.arrived()
    assert ledger.condition == "reconnecting"
    ledger.become("playing", "8x8 gray")
    ledger.left(arrived_s=0.0, faces=2)
    state = ledger.state("cam", 7, ("MQTT: away",))
    assert (state.condition, state.reconnects, state.last_error) == ("playing", 1, "cam: stopped")
    assert (state.frames_in, state.frames_out, state.faces, state.sink_dropped) == (2, 1, 2, 7)
    assert state.shows == "8x8 gray"
    assert state.sink_errors == ("MQTT: away",)
    assert state.latency_p99_ms == state.latency_p50_ms > 0
