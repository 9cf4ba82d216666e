"""A first pass over a data set before it is split: names, groups and hashes of its pictures, and which are alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from faceir.data import duplicates
from faceir.data.entry import Came, Entry
from faceir.data.folder import Item
from faceir.errors import FaceirError

__all__ = ["Survey", "survey"]


@dataclass
class Survey:
    """A line a picture, in the order in which a reader yields them."""

    names: list[str] = field(default_factory=list)
    """Paths of the pictures."""
    stems: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    """As the labels state them."""
    groups: list[int] = field(default_factory=list)
    """Of each picture, numbered as they came; every picture its own where nothing else was asked for."""
    hashes: dict[int, int] = field(default_factory=dict)
    """Of those pictures that can be read and have contrast."""
    unhashed: list[FaceirError] = field(default_factory=list)
    flat: int = 0
    """Pictures without contrast, which have no hash."""

    def near_pairs(self, distance: int) -> npt.NDArray[np.int64]:
        """Numbers of pictures that look alike, `[M,2]`."""
        numbers = np.array(list(self.hashes), np.int64)
        pairs = duplicates.near_pairs(np.array(list(self.hashes.values()), np.uint64), distance)
        return numbers[pairs] if len(pairs) else pairs

    def crossing(self, pairs: npt.NDArray[np.int64], splits: list[str]) -> Iterator[Mapping[str, Any]]:
        """Of each pair with pictures in two splits a line for a report."""
        for a, b in pairs.tolist():
            if splits[a] != splits[b]:
                yield {
                    "kind": "near-duplicate",
                    "where": self.names[a],
                    "other": self.names[b],
                    "splits": [splits[a], splits[b]],
                    "bits": (self.hashes[a] ^ self.hashes[b]).bit_count(),
                }


def survey(
    entries: Iterable[Came],
    group: Callable[[Item], str] | None,
    with_hashes: bool,
    on_item: Callable[[], None] = lambda: None,
) -> Survey:
    """Look at each picture once; it is opened for its hash alone. What cannot be read is for the conversion to tell."""
    found, numbers = Survey(), dict[str, int]()
    for came in entries:
        if isinstance(came, Entry):
            number = len(found.names)
            found.names.append(str(came.item.picture))
            found.stems.append(came.item.picture.stem)
            found.splits.append(came.split)
            found.groups.append(numbers.setdefault(group(came.item), len(numbers)) if group else number)
            if with_hashes:
                _hash(came, number, found)
        on_item()
    return found


def _hash(entry: Entry, number: int, found: Survey) -> None:
    try:
        hashed = duplicates.file_hash(entry.item.picture_data(), entry.item.picture)
    except FaceirError as error:
        found.unhashed.append(error)
        return
    if hashed is None:
        found.flat += 1
    else:
        found.hashes[number] = hashed
