"""What a key's text means: numbers, flags, lists, paths and colours, checked, with errors that say what to type."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Literal, TypeAlias, TypeVar

from faceir.runtime.deepstream.keyfile import split, unescape

__all__ = ["KINDS", "Kind", "Value", "meant"]

Kind = Literal["flag", "int", "float", "text", "path", "ints", "floats", "texts", "colour"]
Value: TypeAlias = bool | int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]

KINDS: dict[Kind, str] = {
    "flag": "0 or 1",
    "int": "a whole number",
    "float": "a number",
    "text": "text",
    "path": "a path, relative to this file",
    "ints": "whole numbers with ; between",
    "floats": "numbers with ; between",
    "texts": "texts with ; between",
    "colour": "red;green;blue;alpha, each 0..1",
}
"""Each kind of value in words."""

_Number = TypeVar("_Number", int, float)

# As GLib: what follows a whole number after white space is not looked at; other numbers may be followed by a comment.
_INT = re.compile(r"\s*([+-]?[0-9]{1,10})(?:\s.*)?", re.DOTALL)
_FLOAT = re.compile(
    r"\s*([+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?)(?:\s+(?:#.*)?)?", re.DOTALL
)
_FLAGS = {"true": True, "false": False}


def meant(text: str, kind: Kind) -> Value:
    """The value that `text` of a key file stands for; raises `ValueError` with what was wanted instead."""
    return _READ[kind](text)


def _int(text: str) -> int:
    found = _INT.fullmatch(text)
    if found is None or not -(2**31) <= int(found[1]) < 2**31:
        raise ValueError(KINDS["int"])
    return int(found[1])


def _float(text: str) -> float:
    found = _FLOAT.fullmatch(text)
    if found is None or not math.isfinite(float(found[1])):
        raise ValueError(KINDS["float"])
    return float(found[1])


def _flag(text: str) -> bool:
    word = text.split()[0].lower() if text.split() else ""
    if word in _FLAGS:
        return _FLAGS[word]
    try:
        return bool(_int(text))
    except ValueError:
        raise ValueError(KINDS["flag"]) from None


def _text(text: str) -> str:
    return unescape(text).strip()


def _ints(text: str) -> tuple[int, ...]:
    return _each(text, _int, "ints")


def _floats(text: str) -> tuple[float, ...]:
    return _each(text, _float, "floats")


def _texts(text: str) -> tuple[str, ...]:
    return tuple(_text(item) for item in split(text))


def _colour(text: str) -> tuple[float, ...]:
    rgba = _each(text, _float, "colour")
    if len(rgba) != 4 or not all(0 <= part <= 1 for part in rgba):
        raise ValueError(KINDS["colour"])
    return rgba


def _each(text: str, read: Callable[[str], _Number], kind: Kind) -> tuple[_Number, ...]:
    try:
        return tuple(read(item) for item in split(text))
    except ValueError:
        raise ValueError(KINDS[kind]) from None


_READ: dict[Kind, Callable[[str], Value]] = {
    "flag": _flag, "int": _int, "float": _float, "text": _text, "path": _text,
    "ints": _ints, "floats": _floats, "texts": _texts, "colour": _colour,
}  # fmt: skip
