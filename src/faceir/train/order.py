"""The order of very large passes: any entry of a shuffled range, without the range in memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

__all__ = ["LARGE", "Mixed", "Shuffled", "shuffled"]

LARGE = 1 << 20
"""Pictures; passes over more are not shuffled in memory. By number and not by kind of source, so that a folder and its
shards are gone through alike."""
_ROUNDS = 6
_MIX = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio


@dataclass(frozen=True)
class Shuffled:
    """A pseudo-random permutation of 0..size-1: a Feistel network on the next even number of bits.

    What falls outside is sent through again until it lies inside (cycle walking, less than four times on average), so
    that every number comes up once.
    """

    size: int
    keys: tuple[int, ...]
    """64 bits a round."""

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, place: int) -> int:
        if not 0 <= place < self.size:
            raise IndexError(place)
        half = max((self.size - 1).bit_length() + 1, 2) // 2
        mask = (1 << half) - 1
        while True:
            left, right = place >> half, place & mask
            for key in self.keys:
                mixed = ((right ^ key) * _MIX) & 0xFFFFFFFFFFFFFFFF
                left, right = right, left ^ ((mixed ^ mixed >> 32) * _MIX >> 24) & mask
            place = left << half | right
            if place < self.size:
                return place


@lru_cache(maxsize=64)
def shuffled(size: int, *seed: int) -> Shuffled:
    """The permutation of 0..size-1 that belongs to these seeds."""
    keys = np.random.default_rng(seed).integers(0, 1 << 63, _ROUNDS)
    return Shuffled(size, tuple(keys.tolist()))


@dataclass(frozen=True)
class Mixed:
    """A pass in which source n has `counts[n]` places: each source is an endless walk, shuffled pass after pass."""

    source_of: Sequence[int]
    """Of each picture, ascending."""
    counts: tuple[int, ...]
    seed: int
    epoch: int

    def __len__(self) -> int:
        return sum(self.counts)

    def __getitem__(self, place: int) -> int:
        drawn = shuffled(len(self), self.seed, 2, self.epoch)[place]
        ends = np.cumsum(self.counts).tolist()
        source = bisect_right(ends, drawn)
        number = self.epoch * self.counts[source] + drawn - (ends[source] - self.counts[source])
        first = bisect_left(self.source_of, source)
        turn, at = divmod(number, bisect_right(self.source_of, source) - first)
        return first + shuffled(bisect_right(self.source_of, source) - first, self.seed, 4, source, turn)[at]
