"""Which pictures are for training and which to validate on: as TAO deals them, and by groups that stay together."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceir.data.folder import Item
from faceir.errors import InputError, need_file

__all__ = ["by_groups", "by_sequences", "first_share", "grouping", "joined", "read_sequences", "to_training"]

Mask = npt.NDArray[np.bool_]
"""True = validation, one a picture."""
Groups = npt.NDArray[np.int64]
"""A number a picture, the same for pictures that stay together."""


def first_share(names: Sequence[str], share: float) -> Mask:
    """TAO's `random` partition: the first `share` (0..1) of the pictures, sorted by name, validate."""
    order = np.argsort(np.array(names, object), kind="stable")
    chosen = np.zeros(len(names), np.bool_)
    chosen[order[: int(len(names) * share)]] = True
    return chosen


def by_groups(groups: Groups, share: float, seed: int) -> Mask:
    """Whole groups, drawn by `seed`, until about `share` (0..1) of the pictures validate; no group is on both sides.

    A group is taken when that brings the share nearer. With every picture a group of its own it is a plain draw.
    """
    _, number, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    wanted, taken = len(groups) * share, 0
    chosen = np.zeros(len(sizes), np.bool_)
    for group in np.random.default_rng(seed).permutation(len(sizes)).tolist():
        if abs(taken + sizes[group] - wanted) < abs(taken - wanted):
            chosen[group] = True
            taken += sizes[group]
    mask: Mask = chosen[number]
    return mask


def read_sequences(path: str | Path) -> dict[str, list[str]]:
    """TAO's `kitti_sequence_to_frames_file`: JSON, names of pictures by sequence. Raises `InputError`."""
    path = need_file(path, "a JSON file of sequences")
    wanted = '{"SEQUENCE": ["NAME", ...], ...}'
    try:
        stated = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(path, f"is no JSON ({error})", wanted) from None
    if not isinstance(stated, dict) or not all(isinstance(names, list) for names in stated.values()):
        raise InputError(path, "is no mapping to lists", wanted)
    sequences = {sequence: [str(name) for name in names] for sequence, names in stated.items()}
    twice = [name for name, n in Counter(n for names in sequences.values() for n in names).items() if n > 1]
    if twice:
        raise InputError(path, f"names {len(twice)} pictures twice, such as {twice[0]!r}", "each in one sequence")
    return sequences


def by_sequences(
    stems: Sequence[str], sequences: Mapping[str, Sequence[str]], folds: int, fold: int, where: object = "sequences"
) -> Mask:
    """TAO's `sequence` partition: sequences, longest first, are dealt round-robin to `folds`; those of `fold` validate.

    Raises `InputError` for pictures that are in no sequence.
    """
    order = sorted(sequences, key=lambda name: len(sequences[name]), reverse=True)
    fold_of = {name: n % folds for n, sequence in enumerate(order) for name in sequences[sequence]}
    strangers = [stem for stem in stems if stem not in fold_of]
    if strangers:
        raise InputError(
            where, f"lacks {len(strangers)} of {len(stems)} pictures, such as {strangers[0]!r}", "each in a sequence"
        )
    return np.array([fold_of[stem] == fold for stem in stems], np.bool_)


def grouping(by: str) -> Callable[[Item], str]:
    """What `--group-by` names: `source`, `prefix:REGEX` of a picture's name, or a column of `manifest.csv`.

    A regular expression's first bracket is the group's name, without brackets all that it finds at the beginning.
    """
    if by == "source":
        return lambda item: item.source
    if by.startswith("prefix:"):
        try:
            pattern = re.compile(by.removeprefix("prefix:"))
        except re.error as error:
            raise InputError("--group-by", f"{by!r} is no regular expression ({error})", "prefix:REGEX") from None
        return lambda item: _prefix(pattern, item)
    return lambda item: _column(by, item)


def _prefix(pattern: re.Pattern[str], item: Item) -> str:
    found = pattern.match(item.picture.stem)
    if not found:
        raise InputError(item.picture, f"its name does not begin with {pattern.pattern!r}", "a group for each picture")
    return str(found[1] if pattern.groups and found[1] is not None else found[0])


def _column(name: str, item: Item) -> str:
    if not item.about.get(name):
        raise InputError(item.picture, f"has no {name!r} in the manifest", "source, prefix:REGEX or a filled column")
    return item.about[name]


def joined(groups: Groups, pairs: npt.NDArray[np.int64]) -> Groups:
    """Groups that a pair `[M,2]` of pictures connects, made one."""
    _, number = np.unique(groups, return_inverse=True)
    parent = list(range(int(number.max(initial=-1)) + 1))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    for a, b in number[pairs].tolist():
        parent[root(a)] = root(b)
    roots = np.array([root(n) for n in range(len(parent))], np.int64)
    return roots[number] if len(number) else np.zeros(0, np.int64)


def to_training(validation: Mask, groups: Groups) -> Mask:
    """The same, groups with pictures on both sides moved to training whole."""
    sides: dict[int, set[bool]] = defaultdict(set)
    for group, chosen in zip(groups.tolist(), validation.tolist(), strict=True):
        sides[group].add(chosen)
    return np.array([sides[group] == {True} for group in groups.tolist()], np.bool_)
