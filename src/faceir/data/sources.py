"""`sources.toml`: where each set of pictures comes from and what it may be used for, as a person wrote it down.

It lies beside a data set and goes with it: into shards and other formats, and from there into what was trained on it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from faceir.errors import InputError, need_file

__all__ = [
    "BESIDE",
    "INTERNAL",
    "NAME",
    "NOTES",
    "Source",
    "Sources",
    "Terms",
    "copy_beside",
    "find_sources",
    "parse_sources",
    "read_sources",
]

NAME = "sources.toml"
BESIDE = (NAME, "credits.csv")
"""Files beside a data set that say where its pictures come from; they go with it."""
INTERNAL = "internal"
"""Terms of pictures for validation only, also in a `manifest.csv`."""
NOTES = ("training", "labels", "bias", "limits", "credits")
"""Texts (Markdown) that only a person can write; the card puts each into its section."""
_T = TypeVar("_T", "Source", "Terms")


@dataclass(frozen=True)
class Terms:
    """One kind of terms."""

    means: str
    business: bool = False
    """Whether weights that learnt from such pictures may be used in business."""


@dataclass(frozen=True)
class Source:
    """One set of pictures."""

    origin: str
    terms: str
    """A name of `Sources.terms`."""
    modality: str = ""
    pictures: int = 0
    faces: int = 0
    labels: str = ""
    """How the labels came about."""
    shows: str = ""
    use: str = "training"
    """"training", or "validation" for what no weights may learn from."""


@dataclass(frozen=True)
class Sources:
    """All sets by name, what their terms mean, and the notes of a person."""

    sets: Mapping[str, Source] = field(default_factory=dict)
    terms: Mapping[str, Terms] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)

    def for_validation(self, name: str) -> bool:
        """Whether no weights may learn from this set."""
        one = self.sets.get(name)
        return one is not None and (one.use == "validation" or one.terms == INTERNAL)

    def of(self, names: Container[str]) -> Sources:
        """What is stated of these sets alone: they, their terms, and the notes."""
        sets = {name: one for name, one in self.sets.items() if name in names}
        used = {one.terms for one in sets.values()}
        return Sources(sets, {name: one for name, one in self.terms.items() if name in used}, self.notes)

    def over(self, other: Sources) -> Sources:
        """These, and what `other` states beyond them."""
        return Sources({**other.sets, **self.sets}, {**other.terms, **self.terms}, {**other.notes, **self.notes})

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it; `parse_sources` takes it back."""
        return asdict(self)


def find_sources(folders: Iterable[str | Path]) -> Sources:
    """What the `sources.toml` beside each data set states, as far as there is one.

    Notes of several stand one below the other. Raises `InputError` for a file that cannot be used, and where two speak
    of one set, or of one kind of terms, in two ways.
    """
    found, at = Sources(), dict[str, Path]()
    for path in dict.fromkeys(Path(folder) / NAME for folder in folders):
        if not path.exists():
            continue
        one = read_sources(path)
        for kind in ("sets", "terms"):
            mine, before = getattr(one, kind), getattr(found, kind)
            for name in mine:
                if name in before and mine[name] != before[name]:
                    other = at[f"{kind}.{name}"]
                    raise InputError(path, f"states {kind}.{name} otherwise than {other}", "one statement of it")
                at[f"{kind}.{name}"] = path
        notes = {name: _below(found.notes.get(name, ""), text) for name, text in one.notes.items()}
        found = Sources(one.sets, one.terms, notes).over(found)
    return found


def _below(first: str, second: str) -> str:
    return first if second.strip() in first else f"{first.rstrip()}\n\n{second}" if first else second


def copy_beside(source: Path, out: Path) -> None:
    """Make `out` hold those of `BESIDE` that `source` holds, and no others."""
    for name in BESIDE:
        if (source / name).is_file():
            shutil.copyfile(source / name, out / name)
        else:
            (out / name).unlink(missing_ok=True)


def read_sources(path: str | Path) -> Sources:
    """The file's sets; raises `InputError` for what it does not state or nobody would read."""
    if sys.version_info < (3, 11):
        import tomli as tomllib
    else:
        import tomllib

    wanted = "sources.toml with [sets.NAME] tables (docs/report.md)"
    path = need_file(path, wanted)
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:  # a TOMLDecodeError is a ValueError
        raise InputError(path, f"cannot be read ({error})", wanted) from None
    return parse_sources(stated, path)


def parse_sources(stated: Any, where: object) -> Sources:
    """As the file's tables state it; raises `InputError` as `read_sources` does."""
    _known(where, "the file", stated, ("sets", "terms", "notes"))
    notes = stated.get("notes", {})
    _known(where, "notes", notes, NOTES)
    if any(not isinstance(text, str) for text in notes.values()):
        raise InputError(where, "notes hold something that is no text", "texts")
    terms = {name: _made(Terms, value, f"terms.{name}", where) for name, value in _table(stated, "terms", where)}
    sets = {name: _made(Source, value, f"sets.{name}", where) for name, value in _table(stated, "sets", where)}
    for name, source in sets.items():
        if source.terms not in terms:
            raise InputError(
                where, f"sets.{name}.terms is {source.terms!r}", ", ".join(terms) or "a [terms.NAME] table"
            )
        if source.use not in ("training", "validation"):
            raise InputError(where, f"sets.{name}.use is {source.use!r}", "training or validation")
    return Sources(sets, terms, notes)


def _table(stated: Mapping[str, Any], name: str, where: object) -> Iterable[tuple[str, Any]]:
    table = stated.get(name, {})
    if not isinstance(table, dict):
        raise InputError(where, f"{name} is {table!r}", f"[{name}.NAME] tables")
    return table.items()


def _made(kind: type[_T], value: Any, what: str, where: object) -> _T:
    types = {f.name: {"str": str, "int": int, "bool": bool}[str(f.type)] for f in fields(kind)}
    _known(where, what, value, tuple(types))
    for name, one in value.items():
        if type(one) is not types[name]:
            raise InputError(where, f"{what}.{name} is {one!r}", f"{types[name].__name__}")
    try:
        return kind(**value)
    except TypeError as error:
        raise InputError(where, f"{what} lacks a field ({error})", "at least origin and terms, or means") from None


def _known(where: object, what: str, value: Any, names: tuple[str, ...]) -> None:
    if not isinstance(value, dict):
        raise InputError(where, f"{what} is {value!r}", "a table")
    unknown = [name for name in value if name not in names]
    if unknown:
        raise InputError(where, f"{what} states {', '.join(unknown)}", ", ".join(names))
