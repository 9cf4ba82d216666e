"""Sequences that are never a list behave like one."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faceir.data.items import Joined, Runs, count_sets, join, select
from faceir.data.kitti import Item


def items(count, source):
    return [Item(Path(f"{source}{n}.jpg"), Path(f"{source}{n}.txt"), source) for n in range(count)]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.data())
def test_joined_and_selected_are_like_lists(sizes, data):
    parts = [items(size, f"s{n}") for n, size in enumerate(sizes)]
    plain = [item for part in parts for item in part]
    lazy = Joined(tuple(parts))
    assert list(lazy) == plain == join(parts)
    assert lazy[1:-1] == plain[1:-1]
    numbers = np.array(sorted(data.draw(st.sets(st.integers(0, len(plain) - 1)))) if plain else [], np.int64)
    chosen = select(lazy, numbers)
    assert list(chosen) == select(plain, numbers) == [plain[n] for n in numbers]
    assert count_sets(chosen) == count_sets([plain[n] for n in numbers])
    assert chosen == select(lazy, numbers)
    twice = select(chosen, np.arange(len(chosen))[::2])
    assert list(twice) == list(chosen)[::2]
    assert count_sets(twice) == count_sets(list(twice))


@given(st.lists(st.integers(0, 4), max_size=5), st.data())
def test_runs_are_like_lists(lengths, data):
    runs = Runs(tuple(range(len(lengths))), tuple(lengths))
    plain = [n for n, length in enumerate(lengths) for _ in range(length)]
    assert list(runs) == plain
    numbers = sorted(data.draw(st.sets(st.integers(0, len(plain) - 1)))) if plain else []
    assert list(runs.kept(np.array(numbers, np.int64))) == [plain[n] for n in numbers]
