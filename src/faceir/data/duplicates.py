"""Near-duplicates by perceptual hash: 64 bits a picture, few of which differ between two prints of one picture.

Pictures within a distance are found by parts of the hash that they must share, not by comparing all with all.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from faceir.data.picture_size import picture_size
from faceir.errors import InputError
from faceir.flow import Image

__all__ = ["DISTANCE", "Hashes", "file_hash", "near_pairs", "picture_hash", "popcount"]

DISTANCE = 4
"""Bits that may differ between near-duplicates, of 64. At 6 other people before the same background come along."""
Hashes: TypeAlias = npt.NDArray[np.uint64]

_SIDE, _KEPT, _BITS = 32, 8, 64
_PARTS, _PART_BITS = 4, 16
_BATCH = 1 << 22
"""Pairs that are compared at a time: 100 MB."""
_ONES = np.array([bin(n).count("1") for n in range(1 << 16)], np.uint8)
_REDUCED = {8: cv2.IMREAD_REDUCED_GRAYSCALE_8, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 2: cv2.IMREAD_REDUCED_GRAYSCALE_2}


def picture_hash(image: Image) -> int | None:
    """pHash of a gray picture `[H,W]`: which of its 64 lowest cosine frequencies lie above their median.

    None for a picture without contrast, whose hash would be noise.
    """
    small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if small.std() < 2.0:
        return None
    waves = cv2.dct(small)[:_KEPT, :_KEPT].reshape(-1)
    bits = waves > np.median(waves[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def file_hash(data: bytes, where: object) -> int | None:
    """`picture_hash` of a picture file, a large one decoded at an eighth; raises `InputError` when it is none."""
    size_wh = picture_size(data, where)
    shrink = next((n for n in _REDUCED if min(size_wh) >= 2 * _SIDE * n), 1)
    flag = _REDUCED.get(shrink, cv2.IMREAD_GRAYSCALE)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if image is None:
        raise InputError(where, "cannot be decoded as a picture", "a picture")
    return picture_hash(np.asarray(image, np.uint8))


def popcount(values: Hashes) -> npt.NDArray[np.uint8]:
    """Number of ones in each, 0..64."""
    parts: npt.NDArray[np.uint8] = _ONES[np.ascontiguousarray(values).view(np.uint16)].reshape(-1, _PARTS)
    count: npt.NDArray[np.uint8] = parts.sum(axis=1, dtype=np.uint8)
    return count


def near_pairs(hashes: Hashes, distance: int = DISTANCE) -> npt.NDArray[np.int64]:
    """All pairs i < j `[M,2]`, sorted, whose hashes differ in at most `distance` bits, 0..15.

    Of four parts of 16 bits at least one differs in at most a quarter of the distance, so for each part only hashes are
    compared whose part is that near: these are looked up. At 4 bits that is one pair in 1,000 of all with all.
    """
    if not 0 <= distance < _PART_BITS:
        raise InputError("distance", f"is {distance}", f"0..{_PART_BITS - 1} bits")
    alone, first, number = np.unique(hashes, return_index=True, return_inverse=True)
    found = [chunk for part in range(_PARTS) for chunk in _near_in_part(alone, part, distance)]
    near = np.unique(np.concatenate(found), axis=0) if found else np.zeros((0, 2), np.int64)
    return _spread(near, number.reshape(-1), len(first))


def _near_in_part(hashes: Hashes, part: int, distance: int) -> Iterator[npt.NDArray[np.int64]]:
    keys = (hashes >> np.uint64(part * _PART_BITS) & np.uint64(0xFFFF)).astype(np.int64)
    order = np.argsort(keys, kind="stable")
    starts = np.searchsorted(keys[order], np.arange((1 << _PART_BITS) + 1))
    for mask in _masks(distance // _PARTS):
        other = keys ^ mask
        counts = starts[other + 1] - starts[other]
        ends = np.cumsum(counts)
        begin = 0
        while begin < len(keys):  # as many at a time as fit the batch, at least one
            base = int(ends[begin - 1]) if begin else 0
            end = max(int(np.searchsorted(ends, base + _BATCH, side="right")), begin + 1)
            left = np.repeat(np.arange(begin, end), counts[begin:end])
            within = np.arange(len(left)) - np.repeat(ends[begin:end] - counts[begin:end] - base, counts[begin:end])
            right = order[np.repeat(starts[other[begin:end]], counts[begin:end]) + within]
            ahead = left < right
            left, right = left[ahead], right[ahead]
            near = popcount(hashes[left] ^ hashes[right]) <= distance
            yield np.stack([left[near], right[near]], axis=1)
            begin = end


def _masks(radius: int) -> Iterator[int]:
    """All 16-bit numbers with at most `radius` ones."""
    for ones in range(radius + 1):
        for bits in combinations(range(_PART_BITS), ones):
            yield sum(1 << bit for bit in bits)


def _spread(near: npt.NDArray[np.int64], number: npt.NDArray[np.int64], distinct: int) -> npt.NDArray[np.int64]:
    """Pairs of pictures from pairs of distinct hashes; pictures that share a hash are pairs, too."""
    order = np.argsort(number, kind="stable")
    owners = np.split(order, np.searchsorted(number[order], np.arange(1, distinct))) if len(number) else []
    pairs = [np.stack(np.triu_indices(len(own), 1), axis=1) for own in owners if len(own) > 1]
    same = [own[pair] for own, pair in zip((own for own in owners if len(own) > 1), pairs, strict=True)]
    across = [np.stack(np.meshgrid(owners[a], owners[b]), axis=-1).reshape(-1, 2) for a, b in near.tolist()]
    every = np.concatenate([*same, *across]) if same or across else np.zeros((0, 2), np.int64)
    every = np.sort(every, axis=1).astype(np.int64)
    return every[np.lexsort((every[:, 1], every[:, 0]))]
