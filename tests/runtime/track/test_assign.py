from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from faceir.runtime.track.assign import _hungarian, assign


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 2**32 - 1), st.floats(0, 1), st.booleans())
def test_gain_is_that_of_scipy(rows: int, columns: int, seed: int, barred: float, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    gain = rng.uniform(0, 1, (rows, columns)) - barred
    gain = np.round(gain, 1) if ties else gain
    r, c = assign(gain)
    assert len(set(r.tolist())) == len(r) == len(c) == len(set(c.tolist()))
    assert (gain[r, c] > 0).all()
    useful = np.maximum(gain, 0)
    assert gain[r, c].sum() == pytest.approx(useful[linear_sum_assignment(useful, maximize=True)].sum())


@given(st.integers(1, 12), st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_cost_is_that_of_scipy(rows: int, more: int, seed: int) -> None:
    cost = np.random.default_rng(seed).normal(size=(rows, rows + more))
    column_of = _hungarian(cost)
    assert len(set(column_of.tolist())) == rows
    assert cost[np.arange(rows), column_of].sum() == pytest.approx(cost[linear_sum_assignment(cost)].sum())


def test_the_best_pair_alone_may_be_wrong() -> None:
    rows, columns = assign(np.array([[0.9, 0.8], [0.8, 0.1]]))
    assert dict(zip(rows.tolist(), columns.tolist(), strict=True)) == {0: 1, 1: 0}


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_pair(shape: tuple[int, int]) -> None:
    assert [len(side) for side in assign(np.zeros(shape))] == [0, 0]


def test_gain_of_nothing_makes_no_pair() -> None:
    assert len(assign(np.array([[0.0, -1.0], [-0.5, 0.0]]))[0]) == 0
