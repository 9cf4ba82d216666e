"""Writes shards: the same bytes for the same pictures, and going on where it was stopped. See `data/shards.py`."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np

from faceir.data.folder import Item
from faceir.data.shards import FORMAT, INDEX, ROW, ROWS, digest, is_place
from faceir.data.sources import BESIDE, copy_beside
from faceir.errors import InputError

__all__ = ["SKIPPED", "Limit", "Result", "pack"]

SKIPPED = "skipped.txt"
_GROUP = ("set", "terms", "split")
_STATED = {"name", "sha256", "bytes", "pictures", "faces", "groups", "skipped", "source"}
_OURS = re.compile(r"faceir-(\d{6,})\.(tar|npy|json)(\.part)?")


@dataclass(frozen=True)
class Limit:
    """When a shard is full: after so many pictures, or before its files would pass so many bytes; 0 = no limit."""

    pictures: int = 0
    size: int = 256_000_000


@dataclass(frozen=True)
class Result:
    """What was packed. `kept` shards were whole already; `skipped` says why, a picture each."""

    shards: int
    pictures: int
    faces: int
    kept: int
    skipped: tuple[str, ...]


def pack(
    items: Iterable[Item],
    folder: Path,
    out: Path,
    limit: Limit | None = None,
    on_item: Callable[[], None] = lambda: None,
) -> Result:
    """Write the pictures of `folder` as shards below `out`; `on_item` is called after each.

    A shard that was written from the same files and has its checksum is kept. `sources.toml` goes along. Raises
    `InputError` when `out` holds other files, or no picture can be read.
    """
    out = Path(out)
    _check_out(out)
    out.mkdir(parents=True, exist_ok=True)
    entries, kept = [], 0
    for number, chunk in enumerate(_chunks(items, limit or Limit())):
        path = out / f"faceir-{number:06d}.tar"
        source = _fingerprint(chunk, folder)
        entry = _whole(path, source, max(when for _, when in map(_stat, chunk)))
        if entry is None:
            (out / INDEX).unlink(missing_ok=True)  # it speaks of other shards
            entry = _write_shard(chunk, folder, path, source, on_item)
        else:
            kept += 1
            for _ in chunk:
                on_item()
        entries.append(entry)
    _remove_later(out, len(entries))
    skipped = tuple(line for entry in entries for line in entry["skipped"])
    if sum(entry["pictures"] for entry in entries) == 0:
        raise InputError(folder, f"none of {len(skipped)} pictures can be read", "pictures")
    index = _write_index(out, entries)
    copy_beside(folder, out)
    return Result(len(entries), index["pictures"], index["faces"], kept, skipped)


def _check_out(out: Path) -> None:
    known = {INDEX, ROWS, SKIPPED, *BESIDE, *(f"{name}.part" for name in (INDEX, ROWS, SKIPPED))}
    for path in out.iterdir() if out.is_dir() else ():
        if path.name not in known and not _OURS.fullmatch(path.name):
            raise InputError(out, f"holds other files ({path.name})", "a folder of its own", "name another with -o")


def _stat(item: Item) -> tuple[tuple[int, int], int]:
    """Sizes of picture and label in bytes, -1 = there is none, and when the later one was written, ns."""
    sizes, when = [], 0
    for path in (item.picture, item.label):
        try:
            found = path.stat()
        except OSError:
            sizes.append(-1)
        else:
            sizes.append(found.st_size)
            when = max(when, found.st_mtime_ns)
    return (sizes[0], sizes[1]), when


def _chunks(items: Iterable[Item], limit: Limit) -> Iterator[list[Item]]:
    """The pictures of each shard, by their files' sizes alone: the cut is the same in every run."""
    chunk: list[Item] = []
    total = 0
    for item in items:
        size = sum(max(side, 0) for side in _stat(item)[0]) + 4 * tarfile.BLOCKSIZE
        if chunk and ((limit.pictures and len(chunk) >= limit.pictures) or (limit.size and total + size > limit.size)):
            yield chunk
            chunk, total = [], 0
        chunk.append(item)
        total += size
    if chunk:
        yield chunk


def _fingerprint(chunk: Sequence[Item], folder: Path) -> str:
    """Of the files that a shard is made from: names, sizes, manifest rows."""
    stated = [(_name(item, folder), item.source, dict(item.about), _stat(item)[0]) for item in chunk]
    return hashlib.sha256(json.dumps([FORMAT, stated]).encode()).hexdigest()


def _name(item: Item, folder: Path) -> str:
    inside = item.picture.is_relative_to(folder)  # a manifest may name others
    return (item.picture.relative_to(folder) if inside else item.picture).as_posix()


def _whole(path: Path, source: str, changed_ns: int) -> dict[str, Any] | None:
    """What a finished shard says of itself, when its files stand and nothing it was made from has changed since."""
    try:
        entry: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        rows = np.load(path.with_suffix(".npy"), mmap_mode="r")
        same = entry["source"] == source and changed_ns <= path.stat().st_mtime_ns
        whole = entry.keys() >= _STATED and rows.dtype == ROW and len(rows) == entry["pictures"]
        return entry if same and whole and digest(path) == entry["sha256"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RecursionError):
        return None


def _write_shard(
    chunk: Sequence[Item], folder: Path, path: Path, source: str, on_item: Callable[[], None]
) -> dict[str, Any]:
    groups: dict[tuple[str, str, str], int] = {}
    keys: set[str] = set()
    rows, skipped = [], []
    with _replacing(path) as file:
        tar = _Tar(file)
        for item in chunk:
            name = _name(item, folder)
            try:
                rows.append(_write_item(tar, item, name, _key(item, keys), groups))
            except InputError as error:
                skipped.append(f"{name}: {error.came}")
            on_item()
        tar.finish()
    array = np.array(rows, ROW)
    with _replacing(path.with_suffix(".npy")) as file:
        np.save(file, array)
    entry = {
        "name": path.name,
        "sha256": tar.sha256.hexdigest(),
        "bytes": tar.size,
        "pictures": len(array),
        "faces": int(array["faces"].sum()),
        "groups": [dict(zip(_GROUP, group, strict=True)) for group in groups],
        "skipped": skipped,
        "source": source,
    }
    _write_json(path.with_suffix(".json"), entry)  # last: it says that the others are finished
    return entry


def _write_item(tar: _Tar, item: Item, name: str, key: str, groups: dict[tuple[str, str, str], int]) -> tuple[int, ...]:
    """One picture's files; its `ROW`. Raises `InputError` before anything is written when it cannot be read."""
    if not is_place(name):
        raise InputError(name, "lies outside of the folder", "a picture below it")
    data, label = item.picture_data(), item.label_data()
    # An eighth of the size is decoded faster, and fails where the whole would.
    if not data or cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8) is None:
        raise InputError(name, "cannot be decoded as a picture" if data else "is empty (0 bytes)", "a picture")
    terms, split = (item.about.get(column, "") for column in ("terms", "split"))
    about = {"picture": name, "set": item.source, "terms": terms, "split": split, "row": dict(item.about)}
    text = json.dumps(about, ensure_ascii=False, sort_keys=True).encode()
    group = groups.setdefault((item.source, terms, split), len(groups))
    start = tar.add(key + item.picture.suffix.lower(), data)
    label_at = tar.add(f"{key}.txt", label) - start if label is not None else 0
    about_at = tar.add(f"{key}.json", text) - start
    lines = [line.split()[0].lower() for line in (label or b"").splitlines() if line.strip()]
    faces = min(sum(line != b"dontcare" for line in lines), 0xFFFF)
    return start, len(data), label_at, len(label or b""), about_at, len(text), faces, group


def _key(item: Item, taken: set[str]) -> str:
    """SET/NAME, without dots, at which webdataset cuts keys; numbered where it is taken."""
    plain = "/".join(part for part in (item.source, item.picture.stem) if part).replace(".", "_")
    key, number = plain, 2
    while key in taken:
        key, number = f"{plain}-{number}", number + 1
    taken.add(key)
    return key


class _Tar:
    """A tar file that says where it put things, and whose bytes depend on names and contents alone."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.size, self.sha256 = file, 0, hashlib.sha256()

    def add(self, name: str, data: bytes) -> int:
        """Add a file; returns where its bytes start."""
        info = tarfile.TarInfo(name)
        info.size = len(data)
        self._write(info.tobuf(tarfile.PAX_FORMAT))
        start = self.size
        self._write(data + bytes(-len(data) % tarfile.BLOCKSIZE))
        return start

    def finish(self) -> None:
        end = 2 * tarfile.BLOCKSIZE
        self._write(bytes(end + -(self.size + end) % tarfile.RECORDSIZE))

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self.sha256.update(data)
        self.size += len(data)


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name when it is whole."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        yield file
    os.replace(part, path)


def _write_json(path: Path, value: Any) -> None:
    with _replacing(path) as file:
        file.write((json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode())


def _write_index(out: Path, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Join what the shards say of themselves: `samples.npy`, `skipped.txt`, `index.json`; returns the latter."""
    groups: dict[tuple[str, ...], int] = {}
    sets: dict[str, dict[str, int]] = {}
    total = sum(entry["pictures"] for entry in entries)
    with _replacing(out / ROWS) as file:
        header = {"descr": np.lib.format.dtype_to_descr(ROW), "fortran_order": False, "shape": (total,)}
        np.lib.format.write_array_header_1_0(file, header)
        for entry in entries:
            rows = np.load((out / entry["name"]).with_suffix(".npy"))
            own = [tuple(group[key] for key in _GROUP) for group in entry["groups"]]
            number = np.array([groups.setdefault(group, len(groups)) for group in own], np.uint16)
            for n, group in enumerate(own):
                mine = rows["group"] == n
                count = sets.setdefault(group[0], {"pictures": 0, "faces": 0})
                count["pictures"] += int(mine.sum())
                count["faces"] += int(rows["faces"][mine].sum())
            if len(rows):
                rows["group"] = number[rows["group"]]
            file.write(rows.tobytes())
    if len(groups) > np.iinfo(np.uint16).max:
        raise InputError(out, f"{len(groups)} kinds of set, terms and split", "65535 at most", "pack parts of the data")
    skipped = [line for entry in entries for line in entry["skipped"]]
    with _replacing(out / SKIPPED) as file:
        file.write("".join(f"{line}\n" for line in skipped).encode())
    index = {
        "format": FORMAT,
        "pictures": total,
        "faces": sum(entry["faces"] for entry in entries),
        "skipped": len(skipped),
        "sets": sets,
        "groups": [dict(zip(_GROUP, group, strict=True)) for group in groups],
        "rows_sha256": digest(out / ROWS),
        "shards": [{key: entry[key] for key in ("name", "sha256", "bytes", "pictures", "faces")} for entry in entries],
    }
    _write_json(out / INDEX, index)
    return index


def _remove_later(out: Path, shards: int) -> None:
    """Shards of an earlier, longer packing, and what was left half-written."""
    for path in out.iterdir():
        ours = _OURS.fullmatch(path.name)
        if ours and (int(ours[1]) >= shards or ours[3]):
            path.unlink()
