"""Long sequences of labelled pictures that are never a list: joined, selected, and values that run along with them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Generic, TypeAlias, TypeVar, overload

import numpy as np
import numpy.typing as npt

from faceir.data.folder import Item

__all__ = ["Items", "Joined", "Numbers", "Runs", "Selected", "count_sets", "join", "select"]

Numbers: TypeAlias = npt.NDArray[np.integer[Any]]
T = TypeVar("T")


class Lazy(Sequence[T]):
    """A sequence that makes its entries as they are asked for, by `entry`."""

    def entry(self, number: int) -> T:
        """Entry `number`, 0..len-1."""
        raise NotImplementedError

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        if isinstance(at, slice):
            return [self.entry(n) for n in range(*at.indices(len(self)))]
        return self.entry(range(len(self))[at])


class Items(Lazy[Item]):
    """Labelled pictures, read as they are asked for. What a worker process needs of them is small."""

    def sets(self, numbers: Numbers | None = None) -> Counter[str]:
        """Pictures of each set among all, or among these."""
        chosen = range(len(self)) if numbers is None else numbers.tolist()
        return Counter(self.entry(n).source for n in chosen)


@dataclass(frozen=True)
class Joined(Items):
    """One sequence after the other."""

    parts: tuple[Sequence[Item], ...]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(len(part) for part in self.parts))

    def __len__(self) -> int:
        return self._ends[-1] if self.parts else 0

    def entry(self, number: int) -> Item:
        """As `Lazy.entry`."""
        part = bisect_right(self._ends, number)
        return self.parts[part][number - (self._ends[part - 1] if part else 0)]

    def sets(self, numbers: Numbers | None = None) -> Counter[str]:
        """As `Items.sets`."""
        found: Counter[str] = Counter()
        for part, start, end in zip(self.parts, [0, *self._ends], self._ends, strict=False):
            mine = None if numbers is None else numbers[(numbers >= start) & (numbers < end)] - start
            found += count_sets(part, mine)
        return found


@dataclass(frozen=True, eq=False)
class Selected(Items):
    """Some of a sequence, by their numbers there."""

    base: Sequence[Item]
    numbers: Numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def entry(self, number: int) -> Item:
        """As `Lazy.entry`."""
        return self.base[int(self.numbers[number])]

    def sets(self, numbers: Numbers | None = None) -> Counter[str]:
        """As `Items.sets`."""
        return count_sets(self.base, self.numbers if numbers is None else self.numbers[numbers])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selected) and self.base == other.base and np.array_equal(self.numbers, other.numbers)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Runs(Lazy[T], Generic[T]):
    """Each of `values` as often as its entry of `lengths` says, one after the other."""

    values: tuple[T, ...]
    lengths: tuple[int, ...]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(self.lengths))

    def __len__(self) -> int:
        return self._ends[-1] if self.lengths else 0

    def entry(self, number: int) -> T:
        """As `Lazy.entry`."""
        return self.values[bisect_right(self._ends, number)]

    def kept(self, numbers: Numbers) -> Runs[T]:
        """Of the entries with these numbers, ascending."""
        ends = np.searchsorted(numbers, np.array(self._ends, np.int64))
        return Runs(self.values, tuple(np.diff(ends, prepend=0).tolist()))


def count_sets(items: Sequence[Item], numbers: Numbers | None = None) -> Counter[str]:
    """Pictures of each set, without opening them where the sequence knows."""
    if isinstance(items, Items):
        return items.sets(numbers)
    return Counter(items[n].source for n in (range(len(items)) if numbers is None else numbers.tolist()))


def join(parts: Sequence[Sequence[Item]]) -> Sequence[Item]:
    """All of these; a list when all are lists."""
    if all(isinstance(part, list) for part in parts):
        return [item for part in parts for item in part]
    return parts[0] if len(parts) == 1 else Joined(tuple(parts))


def select(items: Sequence[Item], numbers: Numbers) -> Sequence[Item]:
    """Those with these numbers; a list of a list. 4 bytes a picture else."""
    if isinstance(items, list):
        return [items[n] for n in numbers.tolist()]
    return Selected(items, numbers.astype(np.int32 if len(items) < 2**31 else np.int64))
