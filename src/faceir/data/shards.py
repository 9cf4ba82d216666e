"""Shards: a data set in a few large tar files, read by offset: 10^7 pictures need neither a list nor 10^7 files.

A folder of them holds `faceir-000000.tar` (`KEY.jpg`, `KEY.txt` with KITTI lines, `KEY.json`, as the webdataset library
reads them), beside each tar its `Row`s (`.npy`) and its counts (`.json`), and over all `index.json` and `samples.npy`.
`data/pack.py` writes it.
"""

from __future__ import annotations

import hashlib
import json
import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

from faceir.data import kitti
from faceir.data.entry import is_text, shown
from faceir.data.folder import Filter, Item
from faceir.data.items import Items, Numbers, select
from faceir.errors import InputError, need_file

__all__ = ["FORMAT", "INDEX", "ROW", "ROWS", "Shards", "digest", "find", "is_place", "is_sharded", "verify"]

FORMAT = 1
INDEX, ROWS = "index.json", "samples.npy"
ROW = np.dtype(
    [
        ("picture", "<u8"),  # where its bytes start in the tar
        ("picture_size", "<u4"),
        ("label", "<u4"),  # start, counted from the picture's; 0 = there is no label file
        ("label_size", "<u4"),
        ("about", "<u4"),  # start of the JSON, counted from the picture's
        ("about_size", "<u4"),
        ("faces", "<u2"),
        ("group", "<u2"),  # index into `groups`: (set, terms, split)
    ]
)
"""One picture, 32 bytes."""
_AGAIN = "`faceir dataset verify` finds what is broken, the same `faceir dataset pack` mends it"


@dataclass(frozen=True)
class Packed(Item):
    """A picture in a shard. Its paths name it as SHARD.tar/ORIGINAL, but nothing lies there."""

    shard: str = ""
    start: int = 0
    """Byte of the shard at which the picture's file begins."""
    size: int = 0
    label_bytes: bytes | None = None

    def picture_data(self) -> bytes:
        """As `Item.picture_data`."""
        return _read(self.shard, self.start, self.size)

    def picture_ends(self, first: int, last: int) -> tuple[bytes, bytes]:
        """As `Item.picture_ends`."""
        first, last = min(first, self.size), min(last, self.size)
        return _read(self.shard, self.start, first), _read(self.shard, self.start + self.size - last, last)

    def named(self, root: Path) -> tuple[str, str]:
        """As `Item.named`, below the folder that was packed."""
        return super().named(Path(self.shard))

    def label_data(self) -> bytes | None:
        """As `Item.label_data`."""
        return self.label_bytes

    def check(self) -> None:
        """As `Item.check`; there is a picture, as packing left out what is none."""
        if self.label_bytes is None:
            raise InputError(self.label, "does not exist", "a label file, empty when there is no face")


class Shards(Items):
    """All pictures of a folder of shards, in the order of the folder that was packed.

    Nothing but the folder travels to another process; rows are mapped into memory and shared among processes.
    Raises `InputError` when the index cannot be read.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.contents = read_index(self.folder)
        listed = self.contents["shards"]
        self._shards = [str(self.folder / shard["name"]) for shard in listed]
        self._ends = list(accumulate(shard["pictures"] for shard in listed))

    def __reduce__(self) -> tuple[Any, ...]:
        return Shards, (self.folder,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shards) and self.folder == other.folder

    def __hash__(self) -> int:
        return hash(self.folder)

    def __len__(self) -> int:
        return int(self.contents["pictures"])

    @cached_property
    def rows(self) -> npt.NDArray[Any]:
        """A `ROW` a picture, on disk."""
        path = need_file(self.folder / ROWS, "the shards' rows")
        try:
            rows: npt.NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
        except (ValueError, TypeError, OSError, EOFError, OverflowError, SyntaxError, TokenError) as error:
            raise InputError(path, f"cannot be read ({error})", "the shards' rows", _AGAIN) from None
        if rows.dtype != ROW or rows.shape != (len(self),):
            raise InputError(
                path, f"holds {rows.shape} of {rows.dtype}", f"{len(self)} rows of format {FORMAT}", _AGAIN
            )
        return np.asarray(rows)  # still on disk; a memmap is slow to index

    @property
    def _groups(self) -> npt.NDArray[Any]:
        """Of each row its number in `groups`."""
        groups: npt.NDArray[Any] = self.rows["group"]
        if groups.max() >= len(self.contents["groups"]):
            raise InputError(self.folder / ROWS, "names groups that the index lacks", "the shards' rows", _AGAIN)
        return groups

    def entry(self, number: int) -> Item:
        """One picture with its labels and manifest row, read at once; the picture itself is read when asked for."""
        start, size, label, label_size, about, about_size, _, _ = self.rows[number].item()
        shard, first = self._shards[bisect_right(self._ends, number)], label or about
        # Label and JSON lie side by side: one read for both.
        data = _read(shard, start + first, about - first + about_size)
        try:
            told = json.loads(data[about - first :])
            name, source, stated = told["picture"], told["set"], told["row"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise InputError(shard, f"picture {number} is not where the index says", "whole shards", _AGAIN) from None
        if not (is_place(name) and isinstance(source, str) and _is_row(stated)):
            raise InputError(shard, f"picture {number} is {shown(told)}", "a place, a set and a row", _AGAIN)
        text = data[:label_size] if label else None
        picture = Path(shard, name)
        return Packed(picture, kitti.label_of(picture), source, stated, shard, start, size, text)

    def sets(self, numbers: Numbers | None = None) -> Counter[str]:
        """Pictures of each set among all, or among these; by the index alone."""
        groups = self._groups if numbers is None else self._groups[numbers]
        found: Counter[str] = Counter()
        for group, count in zip(self.contents["groups"], np.bincount(groups).tolist(), strict=False):
            found[group["set"]] += count
        return +found

    def chosen(self, want: Filter) -> Sequence[Item]:
        """Those that `want` wants; raises `InputError` when there are none."""
        wanted = [want.wants(group) for group in self.contents["groups"]]
        if all(wanted):
            return self
        numbers = np.flatnonzero(np.array(wanted)[self._groups])
        if not len(numbers):
            raise InputError(self.folder, "holds no labelled picture", f"some of {want}")
        return select(self, numbers)


def is_place(name: object) -> bool:
    """Whether this names a file below a folder."""
    if not isinstance(name, str) or name.startswith("/") or not is_text(name):
        return False
    parts = set(name.split("/"))
    return ".." not in parts and bool(parts - {"", "."})


def _is_row(stated: object) -> bool:
    return isinstance(stated, dict) and all(isinstance(value, str) for value in stated.values())


def _read(shard: str, start: int, size: int) -> bytes:
    try:
        with open(shard, "rb", buffering=0) as file:  # half the time of a Path's, at each sample
            whole = 0 <= size <= os.fstat(file.fileno()).st_size - start  # asked first: a broken size may be gigabytes
            data = os.pread(file.fileno(), size, start) if whole else b""
    except OSError as error:
        raise InputError(shard, error.strerror or "cannot be opened", "a shard", _AGAIN) from None
    if not whole or len(data) != size:
        raise InputError(shard, f"ends within the {size} bytes from {start} on", "a whole shard", _AGAIN)
    return data


def is_sharded(folder: str | Path) -> bool:
    """Whether a folder holds shards."""
    return (Path(folder) / INDEX).is_file()


def find(folder: str | Path, want: Filter | None = None) -> Sequence[Item]:
    """The labelled pictures of a folder, in shards or not: same pictures, same order. Raises as `kitti.find` does."""
    if not is_sharded(folder):
        return kitti.find(folder, want)
    shards = Shards(folder)
    return shards.chosen(want) if want else shards


def read_index(folder: Path) -> dict[str, Any]:
    """`index.json`; raises `InputError` when it is none of ours."""
    path = need_file(folder / INDEX, "the index of a folder of shards")
    try:
        index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if index["format"] != FORMAT:
            raise InputError(path, f"has format {shown(index['format'], 40)}", f"format {FORMAT}", "pack it again")
        counts = [shard["pictures"] for shard in index["shards"]]
        whole = all(type(count) is int and 0 <= count < 1 << 40 for count in counts)
        whole = whole and index["pictures"] == sum(counts) > 0
        groups = [{key: str(group[key]) for key in ("set", "terms", "split")} for group in index["groups"]]
        names = [is_place(shard["name"]) and "/" not in shard["name"] for shard in index["shards"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise InputError(path, f"cannot be read ({error!r})", "the index of a folder of shards", _AGAIN) from None
    if not whole or not all(names):
        raise InputError(path, "does not agree with itself", "counts that sum up, names without folders", _AGAIN)
    return index | {"groups": groups}


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(folder: str | Path, on_shard: Callable[[int], None] = lambda _: None) -> list[InputError]:
    """What differs from the checksums of the index; empty = all is whole. `on_shard` hears the number looked at."""
    folder = Path(folder)
    index, found = read_index(folder), []
    stated: Sequence[Mapping[str, Any]] = [*index["shards"], {"name": ROWS, "sha256": index.get("rows_sha256")}]
    for number, one in enumerate(stated, 1):
        path = folder / str(one["name"])
        try:
            came = digest(need_file(path, "a shard"))
            if came != one.get("sha256"):
                raise InputError(path, f"has sha256 {came}", shown(one.get("sha256")), "pack it again")
        except InputError as error:
            found.append(error)
        except OSError as error:
            found.append(InputError(path, error.strerror or "cannot be read", "a shard"))
        on_shard(number)
    return found
