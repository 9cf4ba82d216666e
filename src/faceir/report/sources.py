"""`sources.toml`: where each set of pictures comes from and what it may be used for, as a person wrote it down."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from faceir.errors import InputError, need, need_file

__all__ = ["NOTES", "Source", "Sources", "Terms", "read_sources"]

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


def read_sources(path: str | Path) -> Sources:
    """The file's sets; raises `InputError` for what it does not state or nobody would read."""
    if sys.version_info < (3, 11):
        need("report")
        import tomli as tomllib
    else:
        import tomllib

    wanted = "sources.toml with [sets.NAME] tables (docs/report.md)"
    path = need_file(path, wanted)
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read ({error})", wanted) from None
    _known(path, "the file", stated, ("sets", "terms", "notes"))
    notes = stated.get("notes", {})
    _known(path, "notes", notes, NOTES)
    if any(not isinstance(text, str) for text in notes.values()):
        raise InputError(path, "notes hold something that is no text", "texts")
    terms = {name: _made(Terms, value, f"terms.{name}", path) for name, value in stated.get("terms", {}).items()}
    sets = {name: _made(Source, value, f"sets.{name}", path) for name, value in stated.get("sets", {}).items()}
    for name, source in sets.items():
        if source.terms not in terms:
            raise InputError(path, f"sets.{name}.terms is {source.terms!r}", ", ".join(terms) or "a [terms.NAME] table")
        if source.use not in ("training", "validation"):
            raise InputError(path, f"sets.{name}.use is {source.use!r}", "training or validation")
    return Sources(sets, terms, notes)


def _made(kind: type[_T], value: Any, where: str, path: Path) -> _T:
    types = {f.name: {"str": str, "int": int, "bool": bool}[str(f.type)] for f in fields(kind)}
    _known(path, where, value, tuple(types))
    for name, one in value.items():
        if type(one) is not types[name]:
            raise InputError(path, f"{where}.{name} is {one!r}", f"{types[name].__name__}")
    try:
        return kind(**value)
    except TypeError as error:
        raise InputError(path, f"{where} lacks a field ({error})", "at least origin and terms, or means") from None


def _known(path: Path, where: str, value: Any, names: tuple[str, ...]) -> None:
    if not isinstance(value, dict):
        raise InputError(path, f"{where} is {value!r}", "a table")
    unknown = [name for name in value if name not in names]
    if unknown:
        raise InputError(path, f"{where} states {', '.join(unknown)}", ", ".join(names))
