from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from faceir.evaluate import evaluate, interval
from faceir.evaluate.interval import Rate, draws, rate, wilson
from tests.evaluate.scenes import row


def test_each_round_draws_as_many_as_there_are() -> None:
    weights = np.concatenate(list(draws(7, 50, 3)))
    assert weights.shape == (50, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert list(draws(0, 50, 3)) == list(draws(7, 0, 3)) == []


def test_weights_come_in_parts_that_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(draws(30, 40, 1)))
    monkeypatch.setattr(interval, "_CELLS", 100)
    parts = list(draws(30, 40, 1))
    assert max(part.size for part in parts) <= 100
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize(("right", "of"), [(0, 1), (1, 1), (0, 9), (5, 9), (9, 9), (470, 500)])
def test_wilson_is_scipys(right: int, of: int) -> None:
    theirs = binomtest(right, of).proportion_ci(0.95, "wilson")
    assert wilson(right, of) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_what_cannot_be_given() -> None:
    none = np.zeros(0)
    assert rate(0, 0, none, none, 5) == Rate(None)
    assert rate(3, 4, none, none, 5) == Rate(0.75)
    same = np.full(10, 4.0)
    assert rate(4, 4, same, same, units=1) == Rate(1.0)  # one picture tells nothing of others
    assert rate(4, 4, same, same, units=4).low == pytest.approx(wilson(4, 4)[0])
    assert rate(40, 40, same, same, units=4, independent=4).low == pytest.approx(wilson(4, 4)[0])
    mostly_none = np.array([1.0] + [0.0] * 9)
    assert rate(1, 1, mostly_none, mostly_none, units=5).low == pytest.approx(wilson(1, 1)[0])


@pytest.mark.parametrize("units", [40, 200])
def test_intervals_hold_the_truth_19_times_in_20(units: int) -> None:
    """Each unit has its own luck: a share of its twelve faces that are found, and of false alarms."""
    rng = np.random.default_rng(units)
    trials, held = 250, np.zeros(2)
    for n in range(trials):
        luck = rng.choice([0.6, 0.8, 1.0], units)
        tp, fp = rng.binomial(12, luck), rng.binomial(6, 1 - luck)
        table = np.stack([tp, fp, 12 - tp], axis=1).astype(float)
        samples = np.concatenate([weights @ table for weights in draws(units, 300, n)])
        counts = table.sum(axis=0)
        for which, (of, truth) in enumerate((([0, 2], 0.8), ([0, 1], 9.6 / (9.6 + 1.2)))):
            got = rate(counts[0], counts[of].sum(), samples[:, 0], samples[:, of].sum(axis=1), units)
            held[which] += (got.low or 0) <= truth <= (got.high or 0)
    # 0.95 +- 3 standard errors of 250 trials, and a little less as percentiles are short on few units.
    assert (held / trials >= 0.90).all()
    assert (held / trials <= 0.99).all()


def test_pictures_of_a_group_are_not_so_many() -> None:
    rng = np.random.default_rng(0)
    luck = [("h" if hit else "m") * 5 for hit in rng.random(40) < 0.8]
    alone = evaluate([row(letters) for letters in luck for _ in range(5)], 0.5).recall
    grouped = evaluate([row(letters, group=str(n)) for n, letters in enumerate(luck) for _ in range(5)], 0.5).recall
    assert alone.value == grouped.value
    assert (grouped.high or 0) - (grouped.low or 0) > 1.8 * ((alone.high or 0) - (alone.low or 0))
