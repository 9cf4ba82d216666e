"""Very large passes: a permutation that is never written down."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.data.items import Runs
from faceir.train import loader
from faceir.train.loader import Mixture
from faceir.train.order import LARGE, Mixed, shuffled


@given(st.integers(1, 700), st.integers(0, 2**31))
def test_every_number_comes_once(size, seed):
    order = shuffled(size, seed)
    assert sorted(order) == list(range(size))


def test_it_looks_random():
    first, second = (np.array(list(shuffled(5000, 1, 2, epoch))) for epoch in (0, 1))
    assert (first == second).mean() < 0.01
    assert abs(np.corrcoef(first, np.arange(5000))[0, 1]) < 0.05
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.05
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05


def test_ten_million_without_a_list():
    order = Mixture().order(10_000_000, 7, 3)
    seen = [order[n] for n in range(0, 10_000_000, 5003)]
    assert len(set(seen)) == len(seen)
    assert 0 <= min(seen) < 100_000 < 9_900_000 < max(seen) < 10_000_000
    with pytest.raises(IndexError):
        order[10_000_000]


def test_large_passes_alone_are_not_written_down():
    assert isinstance(Mixture().order(LARGE, 0, 0), np.ndarray)
    assert not isinstance(Mixture().order(LARGE + 1, 0, 0), np.ndarray)


def test_mixed_sources_come_as_often_as_in_small_passes(monkeypatch):
    source_of = Runs((0, 1, 2), (30, 10, 4))
    mixture = Mixture(source_of, (1.0, 1.0, 1.0))
    small = [np.array(mixture.order(44, 7, epoch)) for epoch in range(6)]
    monkeypatch.setattr(loader, "LARGE", 0)
    large = [mixture.order(44, 7, epoch) for epoch in range(6)]
    assert all(isinstance(order, Mixed) for order in large)
    large = [np.array(list(order)) for order in large]
    of = np.array(list(source_of))
    for a, b in zip(small, large, strict=True):
        assert np.bincount(of[a]).tolist() == np.bincount(of[b]).tolist()
    times = np.bincount(np.concatenate(large), minlength=44)
    for source in range(3):  # all pictures of a source equally often
        assert np.ptp(times[of == source]) <= 1
