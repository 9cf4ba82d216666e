"""Findings that a person rejected, kept beside the pictures, so that the next check leaves them out."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from faceir.data.check.corrections import write_whole
from faceir.data.check.finding import RULES, Finding, Xyxy
from faceir.data.check.labelled import rows_of
from faceir.data.folder import Item, label_of
from faceir.errors import InputError

__all__ = ["FILE", "Rejected", "Rejection", "keep", "read_rejected", "read_rejections", "without"]

FILE = "rejected-findings.csv"
"""In the data set's folder."""
_COLUMNS = ("picture", "rule", "box", "sha256")
_SAME = 0.5
"""Pixels by which an edge may differ: files are rounded to whole pixels at the coarsest."""


@dataclass(frozen=True)
class Rejection:
    """One finding that a person rejected on the page."""

    picture: str
    """Path below the data set's folder."""
    code: str
    xyxy: Xyxy | None
    """The box in question, pixels; None = the finding is of the whole picture."""


@dataclass(frozen=True)
class Rejected(Rejection):
    """The same, with what it holds for."""

    sha256: str
    """See `_digest`."""


def read_rejections(path: Path, folder: Path) -> tuple[list[Rejection], int]:
    """The rejections in a corrections file, which `read_corrections` has read, and how many of them name no box.

    Pages of older versions do not say which box they mean. Raises `InputError` with the entry that is wrong.
    """
    given = json.loads(path.read_text(encoding="utf-8")).get("rejected", [])
    made, unsaid = [], 0
    for n, entry in enumerate(given if isinstance(given, list) else [given]):
        where = f"{path}: rejected[{n}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("picture"), str) or entry.get("code") not in RULES:
            raise InputError(where, f"is {entry!r}", "picture, code of a rule, and xyxy")
        if "xyxy" not in entry:
            unsaid += 1
            continue
        xyxy = entry["xyxy"]
        made.append(Rejection(entry["picture"], entry["code"], None if xyxy is None else _box(xyxy, where)))
        _item(folder, entry["picture"], where)
    return made, unsaid


def keep(folder: Path, rejections: Sequence[Rejection]) -> int:
    """Add rejections to the file, for pictures and labels as they lie there now; how many it then holds."""
    kept = {(one.picture, one.code, _written(one.xyxy)): one for one in read_rejected(folder)}
    for one in rejections:
        item = _item(folder, one.picture, folder)
        sha256 = _digest(item.picture_data(), item.label_data() or b"", one.xyxy)
        kept[one.picture, one.code, _written(one.xyxy)] = Rejected(one.picture, one.code, one.xyxy, sha256)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
    table.writerows((*key, kept[key].sha256) for key in sorted(kept))
    if rejections:
        write_whole(folder / FILE, text.getvalue())
    return len(kept)


def read_rejected(folder: Path) -> list[Rejected]:
    """What the file of a data set holds, if there is one; raises `InputError` with the line that is wrong."""
    path = folder / FILE
    if not path.exists():
        return []
    made = []
    try:
        table = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True)
        for row in table:
            where = f"{path}:{table.line_num}"
            if table.line_num == 1:
                if tuple(row) != _COLUMNS:
                    raise InputError(where, f"is {','.join(row)!r}", f"the heading {','.join(_COLUMNS)}")
            elif row:
                made.append(_rejected(row, where))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}", "is no UTF-8 text", ",".join(_COLUMNS)) from None
    except csv.Error as error:
        raise InputError(f"{path}:{table.line_num}", f"is no CSV ({error})", ",".join(_COLUMNS)) from None
    return made


def _rejected(row: Sequence[str], where: str) -> Rejected:
    if len(row) != len(_COLUMNS):
        raise InputError(where, f"has {len(row)} fields", f"{len(_COLUMNS)}: {','.join(_COLUMNS)}")
    picture, code, box, sha256 = row
    if code not in RULES:
        raise InputError(where, f"names the rule {code!r}", "a rule of docs/data.md", "remove the line")
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise InputError(where, f"has sha256 {sha256!r}", "64 hexadecimal digits")
    return Rejected(picture, code, _box(box.split(), where) if box else None, sha256)


def _box(given: Any, where: object) -> Xyxy:
    wanted = "a box of four numbers, x1 y1 x2 y2, or none"
    if not isinstance(given, list):
        raise InputError(where, f"has the box {given!r}", wanted)
    try:
        x1, y1, x2, y2 = (float(edge) for edge in given)
    except (TypeError, ValueError):
        raise InputError(where, f"has the box {given!r}", wanted) from None
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise InputError(where, f"has the box {given!r}", wanted)
    return x1, y1, x2, y2


def _written(xyxy: Xyxy | None) -> str:
    return "" if xyxy is None else " ".join(f"{edge:.2f}" for edge in xyxy)


def _item(folder: Path, picture: str, where: object) -> Item:
    path = folder / picture
    inside = path.resolve().is_relative_to(folder.resolve()) and not PurePosixPath(picture).is_absolute()
    if not inside or not path.is_file():
        raise InputError(where, f"names {picture!r}", f"a picture below {folder}")
    return Item(path, label_of(path))


def _same(a: Xyxy | None, b: Xyxy | None) -> bool:
    if a is None or b is None:
        return a is b
    return all(abs(edge - other) <= _SAME for edge, other in zip(a, b, strict=True))


def _digest(picture: bytes, label: bytes, xyxy: Xyxy | None) -> str:
    """Sha256 of the picture with what was labelled there: the lines of that box but for its edges, or the whole file.

    Numbers are rounded, and lines elsewhere do not count, so that mending another face voids nothing.
    """
    if xyxy is not None:
        rows = rows_of(label.decode("utf-8", "replace"))[0]
        of_box = [f"{row.name} {row.truncation:.2f} {row.occlusion:g}" for row in rows if _same(row.xyxy, xyxy)]
        label = "\n".join(sorted(of_box)).encode()
    return hashlib.sha256(hashlib.sha256(picture).digest() + label).hexdigest()


def without(
    findings: Iterable[Finding], rejected: Iterable[Rejected], items: Iterable[Item], root: Path
) -> list[Finding]:
    """The findings that nobody rejected, or whose picture or label has changed since. `items` are those of `root`."""
    known = defaultdict[tuple[str, str], list[Rejected]](list)
    for one in rejected:
        known[one.picture, one.code].append(one)
    if not known:
        return list(findings)
    pictures = {picture for picture, _ in known}
    item_of: Mapping[str, Item] = {name: item for item in items if (name := item.named(root)[0]) in pictures}

    def holds(finding: Finding) -> bool:
        for one in known.get((finding.picture, finding.code), ()):
            if finding.picture in item_of and _same(finding.xyxy, one.xyxy):
                item = item_of[finding.picture]
                try:  # by the box that was kept: the label may have been rounded since
                    if _digest(item.picture_data(), item.label_data() or b"", one.xyxy) == one.sha256:
                        return True
                except InputError:
                    continue
        return False

    return [finding for finding in findings if not holds(finding)]
