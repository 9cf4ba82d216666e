"""Pictures that are there twice, in one file or in two that look alike, and those that cross the splits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from faceir.data import duplicates
from faceir.data.check.finding import Finding
from faceir.data.folder import Item
from faceir.errors import InputError

__all__ = ["Print", "alike", "print_of"]


@dataclass(frozen=True)
class Print:
    """What tells one picture from others."""

    picture: str
    label: str
    split: str
    sha256: str
    hash: int | None
    """Perceptual; None = no picture, or one without contrast."""


def print_of(item: Item, picture: str, label: str) -> Print | None:
    """The print of a picture, which is decoded; None when its file cannot be read."""
    try:
        data = item.picture_data()
    except InputError:
        return None  # a rule of its own tells it
    try:
        hashed = duplicates.file_hash(data, picture)
    except InputError:
        hashed = None
    return Print(picture, label, item.about.get("split") or "", hashlib.sha256(data).hexdigest(), hashed)


def alike(prints: Sequence[Print], distance: int = duplicates.DISTANCE) -> Iterator[Finding]:
    """For each picture that was there before, the first before it; one in another split goes first."""
    earlier: dict[int, list[tuple[int, int]]] = {}
    first: dict[str, list[int]] = {}
    for n, one in enumerate(prints):
        for m in first.setdefault(one.sha256, []):
            earlier.setdefault(n, []).append((m, 0))
        first[one.sha256].append(n)
    hashed = [n for n, one in enumerate(prints) if one.hash is not None]
    hashes = np.array([prints[n].hash for n in hashed], np.uint64)
    for a, b in duplicates.near_pairs(hashes, distance).tolist():
        m, n = hashed[a], hashed[b]
        if prints[m].sha256 != prints[n].sha256:
            earlier.setdefault(n, []).append((m, (int(hashes[a]) ^ int(hashes[b])).bit_count()))
    for n, others in sorted(earlier.items()):
        m, bits = min(others, key=lambda other: (_same_split(prints[other[0]], prints[n]), other[1], other[0]))
        yield _told(prints[m], prints[n], bits)


def _same_split(a: Print, b: Print) -> bool:
    return a.split == b.split or not (a.split and b.split)


def _told(before: Print, one: Print, bits: int) -> Finding:
    same_file = before.sha256 == one.sha256
    how = "is the same file as" if same_file else f"looks like ({bits} of 64 bits differ)"
    if not _same_split(before, one):
        code, words = "picture-across-splits", f"in {one.split}, {how} {before.picture} in {before.split}"
    else:
        code, words = "picture-duplicate" if same_file else "picture-alike", f"{how} {before.picture}"
    return Finding(code, one.picture, one.label, words, 1.0 if same_file else 0.9 - bits / 64, other=before.picture)
