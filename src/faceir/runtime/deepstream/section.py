"""`Section`: a group's keys as values, and the notes on what in a file does nothing or is misspelt."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from faceir.errors import SpecError
from faceir.runtime.deepstream.keyfile import Entry, Group, KeyFile
from faceir.runtime.deepstream.keys import GroupKeys, Kept, Key, find_group
from faceir.runtime.deepstream.values import Kind, Value, meant
from faceir.runtime.sources import public_text

__all__ = ["Note", "Section", "beside", "merged", "notes"]

_LIKE = 0.75
"""Of `difflib`: likeness from which one name may be another misspelt; below, keys share a beginning or an end only."""
_MOST_NAMES = 8
"""More are not read by anybody."""
_DOCS = "docs/deepstream.md"


@dataclass(frozen=True)
class Note:
    """Something in a file that does not act; told once, however often it comes."""

    kind: Literal["no meaning", "unknown", "changed"]
    where: str
    """File and line, of the first."""
    name: str
    """The key or [group]."""
    text: str
    """Why, or what was probably meant."""
    times: int = 1

    def __str__(self) -> str:
        more = f" ({self.times} times)" if self.times > 1 else ""
        match self.kind:
            case "no meaning":
                return f"{self.where}: {self.name}{more} has no meaning here because {self.text}"
            case "unknown":
                return f"{self.where}: {self.name}{more} is unknown; {self.text}"
        return f"{self.where}: {self.name}{more}: {self.text}"


def notes(file: KeyFile, table: Kept) -> tuple[Note, ...]:
    """What of `file` has no meaning here or is unknown, with the nearest valid name; in the order of the file."""
    return merged(_each_note(file, table))


def merged(told: Iterable[Note]) -> tuple[Note, ...]:
    """Each thing once, with its first place, and how often it came."""
    found: dict[tuple[str, str], Note] = {}
    for note in told:
        before = found.get((note.name, note.text))
        found[note.name, note.text] = replace(before, times=before.times + note.times) if before else note
    return tuple(found.values())


def _each_note(file: KeyFile, table: Kept) -> Iterator[Note]:
    for group in file.groups:
        where, known = f"{file.path}:{group.line}", find_group(table, group.name)
        if known is None:
            yield Note("unknown", where, f"[{group.name}]", _nearest(group.name, [g.name for g in table], "[{}]"))
            continue
        if known.why_not:
            yield Note("no meaning", where, f"[{group.name}]", known.why_not)
            continue
        for entry in group.entries:
            where, key = f"{file.path}:{entry.line}", known.find(entry.key)
            if key is None:
                yield Note("unknown", where, entry.key, _nearest(entry.key, [k.name for k in known.keys], "{}"))
            elif key.here == "no meaning":
                yield Note("no meaning", where, entry.key, key.note)


def _nearest(name: str, valid: list[str], shown: str) -> str:
    names = [part for several in valid for part in several.split("|")]
    near = difflib.get_close_matches(name, [n.removesuffix("*") for n in names], 1, _LIKE)
    if near:
        return f"did you mean {shown.format(near[0])}?"
    return f"it may be one of {', '.join(names)}" if len(names) <= _MOST_NAMES else f"{_DOCS} has all that are known"


def beside(path: str, written: str) -> Path:
    """A path as DeepStream takes it: relative to the folder of the file at `path` that names it."""
    return Path(path).parent / written


class Section:
    """One group's values: what is written, else the table's default. Keys that are not in the table are not asked for.

    Everything that acts is read at once, so that a mistake is told before anything runs: `SpecError` with the line.
    """

    def __init__(self, path: str, known: GroupKeys, *groups: Group | None) -> None:
        """`groups` of one kind, later ones over earlier ones; None = it is not there."""
        self._path, self._known = path, known
        self._given = [group for group in groups if group is not None]
        self._entries = {entry.key: entry for group in self._given for entry in group.entries}
        self._values: dict[str, Value | None] = {}
        for key in known.keys:
            if key.here != "no meaning" and not key.name.endswith(("*", "N")):
                self._values[key.name] = self._read(key, self._entries.get(key.name))
        for entry in self._entries.values():  # numbered ones
            numbered = known.find(entry.key)
            if numbered is not None and numbered.name.endswith("N"):
                self._values[entry.key] = self._read(numbered, entry)

    def _read(self, key: Key, entry: Entry | None) -> Value | None:
        if entry is None and not key.default:
            return None
        text = key.default if entry is None else entry.text
        where = self.where(key.name if entry is None else entry.key)
        try:
            value = meant(text, key.kind)
        except ValueError as error:
            raise self._wrong(where, entry, key, text, str(error)) from error
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        if number is not None and (
            (key.choices and number not in key.choices)
            or (key.low is not None and number < key.low)
            or (key.high is not None and number > key.high)
        ):
            raise self._wrong(where, entry, key, text, key.wanted)
        return value

    def _wrong(self, where: str, entry: Entry | None, key: Key, text: str, wanted: str) -> SpecError:
        name = entry.key if entry else key.name
        example = f"type {name}={key.default}" if key.default else "or leave the line out"
        limits = f"{wanted} ({key.note})" if key.note and key.choices else wanted
        shown = "..." if key.kind == "texts" else public_text(text)[:80]  # a list may be headers with tokens
        return SpecError(where, f"{name}={shown}", limits, example)

    def where(self, key: str = "") -> str:
        """File and line of the key, or of the group where it is not written."""
        entry = self._entries.get(key)
        line = entry.line if entry else self._given[0].line if self._given else 0
        return f"{self._path}:{line}" if line else self._path

    def written(self, key: str) -> bool:
        """Whether the file has this key."""
        return key in self._entries

    def numbered(self, stem: str) -> dict[int, Any]:
        """Values of the keys `stem`0, `stem`1, ... by their number."""
        ends = {name: name.removeprefix(stem) for name in self._values if name.startswith(stem)}
        return {int(end): self._values[name] for name, end in ends.items() if end.isdecimal()}

    def _get(self, key: str, *kinds: Kind) -> Any:
        known = self._known.find(key)
        assert known is not None, f"{key} is not a key of [{self._known.name}]"
        assert known.kind in kinds, f"{key} is not a {kinds[0]}"
        return self._values[key]

    def flag(self, key: str) -> bool:
        """A flag; False where it is neither written nor has a default."""
        return bool(self._get(key, "flag"))

    def integer(self, key: str) -> int:
        """A whole number that is written or has a default; else `SpecError`."""
        return int(self._needed(key, self._get(key, "int")))

    def number(self, key: str) -> float:
        """A number, as `integer`."""
        return float(self._needed(key, self._get(key, "float")))

    def text(self, key: str) -> str:
        """A text; "" where there is none."""
        return str(self._get(key, "text") or "")

    def path(self, key: str) -> Path | None:
        """A path relative to the file; None where there is none."""
        written = self._get(key, "path")
        return beside(self._path, str(written)) if written else None

    def items(self, key: str) -> tuple[Any, ...]:
        """A list; empty where there is none."""
        return tuple(self._get(key, "ints", "floats", "texts") or ())

    def colour(self, key: str) -> tuple[float, ...] | None:
        """Red, green, blue, alpha 0..1; None where there is none."""
        colour: tuple[float, ...] | None = self._get(key, "colour")
        return colour

    def _needed(self, key: str, value: Any) -> Any:
        if value is None:
            known = self._known.find(key)
            raise SpecError(
                self.where(), f"has no {key}", known.wanted if known else "a value", f"add {key}= to the group"
            )
        return value
