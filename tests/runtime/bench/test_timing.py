from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir.runtime.bench.timing import Block, Load, Ratio, Segment, Timing, compare, measure, ratio, warm_up


def sleeper(seconds: float) -> Callable[[], None]:
    return lambda: time.sleep(seconds)


def blocks_of(a_ms: list[float], b_ms: list[float]) -> list[Block]:
    return [Block((Segment(a, a),) * 2, (Segment(b, b),) * 2) for a, b in zip(a_ms, b_ms, strict=True)]


def test_percentiles_are_those_of_the_steps() -> None:
    stated = Timing(np.arange(1, 102, dtype=float), wall_s=2, cpu_s=1, pictures=404).to_dict()
    assert stated == {
        "min_ms": 1, "mean_ms": 51, "p50_ms": 51, "p90_ms": 91, "p99_ms": 100, "cpu_ms": 2.4752, "per_second": 202,
        "steps": 101,
    }  # fmt: skip


def test_a_step_takes_what_it_takes() -> None:
    timing = measure(Load((sleeper(0.004),), pictures=3), 0.05, 5)
    assert timing.steps_ms.min() >= 4
    assert len(timing.steps_ms) >= 5
    assert timing.pictures == 3 * len(timing.steps_ms)
    assert timing.per_second <= 3 / 0.004
    assert timing.cpu_s < timing.wall_s  # it slept


def test_steps_side_by_side_overlap() -> None:
    one, two = (measure(Load((sleeper(0.02),) * n), 0.3) for n in (1, 2))
    assert two.per_second > 1.5 * one.per_second


def test_the_least_number_of_steps_goes_before_the_time() -> None:
    done: list[int] = []
    assert len(measure(Load((lambda: done.append(1),)), 0, 7).steps_ms) == 7
    warm_up(Load((lambda: done.append(1),)), 0)
    assert len(done) == 9


@pytest.mark.parametrize("streams", [1, 2])
def test_an_error_in_a_step_is_the_callers(streams: int) -> None:
    def fail() -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        measure(Load((sleeper(0.001),) * (streams - 1) + (fail,)), 0.01)


def test_alternation_is_a_b_b_a_then_b_a_a_b() -> None:
    order: list[str] = []
    a, b = Load((lambda: order.append("a"),)), Load((lambda: order.append("b"),))
    assert len(list(compare(a, b, 0, blocks=2))) == 2
    assert "".join(order[::3]) == "abbabaab"  # three steps a stretch


def test_a_is_a_and_b_is_b_in_every_block(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0

    def taking(seconds: float) -> Callable[[], None]:
        def step() -> None:
            nonlocal now_s
            now_s += seconds

        return step

    monkeypatch.setattr("faceir.runtime.bench.timing.time.perf_counter", lambda: now_s)
    quick, slow = Load((taking(0.001),)), Load((taking(0.005),), pictures=2)
    blocks = list(compare(quick, slow, 1, blocks=4))
    monkeypatch.undo()
    assert [s.wall_ms for block in blocks for s in block.a] == pytest.approx([1.0] * 8)
    assert [s.wall_ms for block in blocks for s in block.b] == pytest.approx([2.5] * 8)
    assert ratio(blocks).value == pytest.approx(0.4)


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_a_ratio_lies_in_its_interval_and_turned_round_it_is_the_inverse(times: list[tuple[float, float]]) -> None:
    a, b = (list(side) for side in zip(*times, strict=True))
    one, other = ratio(blocks_of(a, b)), ratio(blocks_of(b, a))
    assert one.low <= one.value * (1 + 1e-9)
    assert one.value <= one.high * (1 + 1e-9)
    assert other.value == pytest.approx(1 / one.value)


def test_what_slows_both_falls_out() -> None:
    drift = np.linspace(1, 5, 20)
    found = ratio(blocks_of(list(2 * drift), list(4 * drift)))
    assert (found.low, found.value, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        noise = rng.lognormal(0, 0.2, (2, 20))
        found = ratio(blocks_of(list(1.1 * noise[0]), list(noise[1])))
        held += found.low <= 1.1 <= found.high
    assert held >= 85


def test_no_difference_is_called_real_when_the_interval_holds_1() -> None:
    assert "no difference shown" in Ratio(0.9, 0.7, 1.01, 20).verdict("A", "B")
    assert Ratio(0.5, 0.4, 0.8, 20).verdict("A", "B") == "A is 2.00 times as fast as B [1.25, 2.50]"
    assert Ratio(2, 1.5, 3, 20).verdict("A", "B") == "B is 2.00 times as fast as A [1.50, 3.00]"


def test_other_times_than_the_walls() -> None:
    block = Block((Segment(9, 1),) * 2, (Segment(1, 2),) * 2)
    assert ratio([block], lambda segment: segment.cpu_ms).value == pytest.approx(0.5)
