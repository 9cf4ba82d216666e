"""Splits: TAO's own, and by groups of which none is on both sides."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.data import partition
from faceir.data.kitti import Item
from faceir.errors import InputError

GROUPS = st.lists(st.integers(0, 12), max_size=60).map(lambda some: np.array(some, np.int64))


def item(name: str, source: str = "cam", **about: str) -> Item:
    return Item(Path(f"{name}.jpg"), Path(f"{name}.txt"), source, about)


@given(GROUPS, st.floats(0, 1), st.integers(0, 9))
def test_no_group_is_on_both_sides_and_the_share_is_near(groups: np.ndarray, share: float, seed: int) -> None:
    mask = partition.by_groups(groups, share, seed)
    assert not set(groups[mask]) & set(groups[~mask])
    np.testing.assert_array_equal(mask, partition.by_groups(groups, share, seed))
    smallest = min(np.bincount(groups)[np.unique(groups)], default=0) if len(groups) else 0
    largest = max(np.bincount(groups), default=0) if len(groups) else 0
    assert abs(mask.sum() - share * len(groups)) <= max(largest / 2, smallest) + 1e-9


def test_every_picture_a_group_is_a_plain_draw() -> None:
    masks = [partition.by_groups(np.arange(100), 0.2, seed) for seed in (1, 2)]
    assert [mask.sum() for mask in masks] == [20, 20]
    assert not np.array_equal(*masks)


@given(GROUPS, st.data())
def test_joined_groups_are_the_connected_ones(groups: np.ndarray, data: st.DataObject) -> None:
    """Against the plain way: relabel until nothing changes."""
    some = st.tuples(*[st.integers(0, max(len(groups) - 1, 0))] * 2)
    pairs = np.array(data.draw(st.lists(some, max_size=8 if len(groups) else 0)), np.int64).reshape(-1, 2)
    plain = groups.copy()
    for _ in range(len(pairs)):
        for a, b in pairs:
            plain[plain == plain[b]] = plain[a]
    joined = partition.joined(groups, pairs)
    np.testing.assert_array_equal(joined[:, None] == joined, plain[:, None] == plain)


@given(GROUPS, st.integers(0, 2**32 - 1))
def test_groups_on_both_sides_go_to_training(groups: np.ndarray, seed: int) -> None:
    mask = np.random.default_rng(seed).random(len(groups)) < 0.5
    moved = partition.to_training(mask, groups)
    assert not set(groups[moved]) & set(groups[~moved])
    assert not (moved & ~mask).any()  # nothing goes the other way
    pure = [g for g in set(groups.tolist()) if mask[groups == g].all()]
    assert set(groups[moved].tolist()) == set(pure)


def test_the_first_share_as_tao_takes_it() -> None:
    assert partition.first_share(["b", "d", "a", "c"], 0.5).tolist() == [True, False, True, False]
    assert partition.first_share([], 0.5).tolist() == []


def test_sequences_are_dealt_longest_first(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"x": ["1"], "y": ["2", "3", "4"], "z": ["5", "6"]}))
    sequences = partition.read_sequences(path)
    stems = ["1", "2", "3", "4", "5", "6"]
    folds = [partition.by_sequences(stems, sequences, 2, fold).tolist() for fold in (0, 1)]
    assert folds[0] == [True, True, True, True, False, False]  # y to fold 0, z to 1, x to 0
    assert folds[1] == [not v for v in folds[0]]
    with pytest.raises(InputError, match=r"lacks 1 of 2 pictures, such as '7'"):
        partition.by_sequences(["1", "7"], sequences, 2, 0)
    for text, says in (("[", "no JSON"), ("[]", "no mapping"), ('{"a": ["1"], "b": ["1"]}', "names 1 pictures twice")):
        path.write_text(text)
        with pytest.raises(InputError, match=says):
            partition.read_sequences(path)


def test_what_a_group_is_named_after() -> None:
    assert partition.grouping("source")(item("a", "cam2")) == "cam2"
    assert partition.grouping(r"prefix:([a-z]+)_")(item("anna_07")) == "anna"
    assert partition.grouping(r"prefix:...")(item("anna_07")) == "ann"
    assert partition.grouping("person")(item("a", person="anna")) == "anna"
    for by, says in (("prefix:(", "no regular expression"), ("prefix:x", "does not begin"), ("person", "no 'person'")):
        with pytest.raises(InputError, match=says):
            partition.grouping(by)(item("anna"))
