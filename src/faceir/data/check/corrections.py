"""Corrections that a person approved, written into the label files they were made for."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from faceir.data import kitti
from faceir.data.check.finding import Change
from faceir.errors import InputError, need_file

__all__ = ["BACKUPS", "Correction", "Plan", "changed", "plan", "read_corrections", "write", "write_whole"]

BACKUPS = ".before-corrections"
"""Folder in the data set that keeps each label file as it was."""
_FORMAT = 1
_WANTED = "what the page of `faceir dataset check --html` saves"


@dataclass(frozen=True)
class Correction:
    """Changes of one label file."""

    label: str
    """Path below the data set's folder."""
    sha256: str | None
    """Of the file that they were made for; None = there was none."""
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Plan:
    """What is to be written."""

    texts: Mapping[str, tuple[str, str]]
    """Of each label file its text now and then."""
    done: tuple[str, ...]
    """Label files that have these corrections already."""


def read_corrections(path: str | Path) -> list[Correction]:
    """The corrections in a file; raises `InputError` for one that is none, with the entry that is wrong."""
    path = need_file(path, _WANTED)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            raise InputError(path, "is no corrections file of format 1", _WANTED)
        made = [_correction(entry, f"{path}: files[{n}]") for n, entry in enumerate(document["files"])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(path, f"cannot be read ({error!r})", _WANTED) from None
    if len({one.label for one in made}) < len(made):
        raise InputError(path, "names a label file twice", _WANTED)
    return made


def _correction(entry: Mapping[str, Any], where: str) -> Correction:
    place = PurePosixPath(str(entry["label"]))
    if place.is_absolute() or ".." in place.parts or place.suffix != ".txt":
        raise InputError(where, f"names {str(place)!r}", "a label file below the data set's folder")
    changes: dict[tuple[int, str | None], Change] = {}
    for given in entry["changes"]:
        change = Change(given["line"], given["text"])
        _check(change, where)
        changes[change.line, change.text] = change
    lines = [change.line for change in changes.values() if change.line]
    if len(set(lines)) < len(lines):
        raise InputError(where, f"changes a line of {place} in two ways", "one change a line", "reject all but one")
    sha256 = entry["sha256"]
    if sha256 is not None and not isinstance(sha256, str):
        raise InputError(where, f"has sha256 {sha256!r}", "64 hexadecimal digits, or null")
    return Correction(str(place), sha256, tuple(changes.values()))


def _check(change: Change, where: str) -> None:
    if not isinstance(change.line, int) or isinstance(change.line, bool) or change.line < 0:
        raise InputError(where, f"has line {change.line!r}", "a whole number from 0")
    if change.text is None:
        if change.line == 0:
            raise InputError(where, "removes line 0", "a line from 1")
        return
    if not isinstance(change.text, str) or len(change.text.splitlines()) != 1 or not change.text.strip():
        raise InputError(where, f"has the text {change.text!r}", "one line of a label file, or null")
    kitti.parse_lines(change.text, {}, (), where)


def changed(text: str, changes: Sequence[Change]) -> str:
    """The label file's text with the changes in it; other lines stay to the byte.

    >>> changed("a\\nb\\n", [Change(1, None), Change(2, "c"), Change(0, "d")])
    'c\\nd\\n'
    """
    lines: list[str | None] = list(text.splitlines(keepends=True))
    for change in changes:
        if change.line:
            lines[change.line - 1] = None if change.text is None else change.text + "\n"
    kept = [line for line in lines if line is not None]
    added = [f"{change.text}\n" for change in changes if not change.line]
    if kept and added and not kept[-1].endswith(("\n", "\r")):
        kept[-1] += "\n"
    return "".join([*kept, *added])


def plan(folder: str | Path, corrections: Sequence[Correction]) -> Plan:
    """What the corrections write below `folder`, which is only read.

    Raises `InputError` when a label file is no longer the one that its corrections were made for, and does not have
    them yet, as nobody knows what line 3 is now.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(folder, "is not a folder", "the data set that was checked")
    texts, done = {}, []
    for one in corrections:
        path = _below(folder, one.label)
        now = _bytes(path)
        if _digest(now) == one.sha256:
            before = _text(now, path)
            if any(change.line > len(before.splitlines()) for change in one.changes):
                raise InputError(path, "has fewer lines than its corrections change", "the file that was checked")
            after = changed(before, one.changes)
            if after != before:
                texts[one.label] = (before, after)
            continue
        backup = _bytes(_backup(folder, one))
        was = _text(backup, path) if _digest(backup) == one.sha256 else None
        if was is None or now != changed(was, one.changes).encode():
            raise InputError(
                path, "has changed since it was checked", "the same file", "check again: faceir dataset check"
            )
        done.append(one.label)
    return Plan(texts, tuple(done))


def write(folder: str | Path, corrections: Sequence[Correction], planned: Plan) -> None:
    """Write what `plan` gave; each file is kept in `BACKUPS` first, and then replaced whole."""
    folder = Path(folder)
    for one in corrections:
        if one.label in planned.texts:
            before, after = planned.texts[one.label]
            if one.sha256 is not None:
                write_whole(_backup(folder, one), before)
            write_whole(folder / one.label, after)


def write_whole(path: Path, text: str) -> None:
    """Write a text file, of which no reader sees a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(text.encode())
    os.replace(part, path)


def _below(folder: Path, label: str) -> Path:
    """The label file; a link must not lead out of the folder."""
    path = folder / label
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(path, "lies outside of the data set", "a label file below its folder")
    return path


def _backup(folder: Path, one: Correction) -> Path:
    return folder / BACKUPS / f"{one.label}.{(one.sha256 or 'none')[:12]}"


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _text(data: bytes | None, path: Path) -> str:
    try:
        return (data or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(path, "is no text", "a label file") from None
