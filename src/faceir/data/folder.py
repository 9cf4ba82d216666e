"""A data set as a folder: pictures and the label file of each, as they lie or as a manifest lists them.

`images/NAME.*` has its label in `labels/NAME.txt`; KITTI's own folder names, `image_2` and `label_2`, are read as
well. A folder of such folders is one data set too; a `manifest.csv` at its top (columns `picture`, `set`, `terms`,
`split`) says which pictures belong to it and to which split.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faceir.data.layout import LAYOUTS, PICTURE_SUFFIXES, WANTED, what_lies_in
from faceir.errors import InputError, need_file

__all__ = [
    "PICTURE_SUFFIXES",
    "Filter",
    "Item",
    "find",
    "label_bytes",
    "label_of",
    "picture_bytes",
    "walk",
]


@dataclass(frozen=True)
class Item:
    """One labelled picture on disk. `source` names the set that it belongs to.

    Where its bytes come from is for its methods to know: a picture in a shard has no file of its own.
    """

    picture: Path
    label: Path
    source: str = ""
    about: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The picture's row of `manifest.csv`: modality, sequence, identity, whatever columns there are."""

    def picture_data(self) -> bytes:
        """The picture's file as stored; raises `InputError` when it cannot be read."""
        return picture_bytes(self.picture)

    def picture_ends(self, first: int, last: int) -> tuple[bytes, bytes]:
        """So many of the first and last bytes of the picture's file; raises as `picture_data`."""
        return _picture_ends(self.picture, first, last)

    def label_data(self) -> bytes | None:
        """The label file as stored, None when there is none; raises `InputError` when it cannot be read."""
        return label_bytes(self.label)

    def named(self, root: Path) -> tuple[str, str]:
        """Picture and label as they lie below the data set's folder, with slashes."""
        return _below(self.picture, root), _below(self.label, root)

    def check(self) -> None:
        """Raise `InputError` unless there are a picture and a label file; neither is decoded."""
        try:
            need_file(self.picture, "a picture")
            labelled = self.label.exists()
        except OSError as error:  # a name that is too long, say
            raise InputError(self.picture, error.strerror or "cannot be opened", "a picture") from None
        if not labelled:
            raise InputError(self.label, "does not exist", "a label file, empty when there is no face")


@dataclass(frozen=True)
class Filter:
    """Which rows of a `manifest.csv` are wanted; empty fields want all."""

    split: str = ""
    terms: Sequence[str] = ()
    exclude_set: Sequence[str] = ()

    def wants(self, row: Mapping[str, str]) -> bool:
        """Whether this manifest row is one of them."""
        return (
            (not self.split or row["split"] == self.split)
            and (not self.terms or row["terms"] in self.terms)
            and row["set"] not in self.exclude_set
        )

    def __bool__(self) -> bool:
        return bool(self.split or self.terms or self.exclude_set)


def find(folder: str | Path, want: Filter | None = None) -> list[Item]:
    """All labelled pictures of a data set folder, sorted by path; see `walk`."""
    return list(walk(folder, want))


def walk(folder: str | Path, want: Filter | None = None) -> Iterator[Item]:
    """The labelled pictures of a data set folder one by one, sorted by path; labels need not exist.

    Raises `InputError` when there is no folder, no picture, or a filter but no manifest.
    """
    folder, want, empty = Path(folder), want or Filter(), True
    if not folder.is_dir():
        came = "is a file" if folder.is_file() else "is not a folder"
        raise InputError(folder, came, "a folder with images/ and labels/, or a folder of such folders")
    manifest = folder / "manifest.csv"
    if want and not manifest.exists():
        raise InputError(manifest, "does not exist", f"it, to choose {want}", "leave the filter out, or write it")
    for item in _listed(manifest, want) if manifest.exists() else _lying(folder):
        empty = False
        yield item
    if empty and manifest.exists():
        raise InputError(
            folder, "holds no labelled picture", f"rows of {manifest.name}{f' for {want}' if want else ''}"
        )
    if empty:
        came, do = what_lies_in(folder)
        raise InputError(folder, f"holds no labelled picture: {came}", WANTED, do)


def _listed(manifest: Path, want: Filter) -> Iterator[Item]:
    for row in _rows(manifest):
        if want.wants(row):
            yield _item(manifest.parent / row["picture"], row["set"], row)


def _lying(folder: Path) -> Iterator[Item]:
    for top in (folder, *sorted(p for p in folder.iterdir() if p.is_dir())):
        for images in LAYOUTS:
            if (top / images).is_dir():
                for picture in sorted((top / images).iterdir()):
                    if picture.suffix.lower() in PICTURE_SUFFIXES:
                        yield _item(picture, top.name)


_MANIFEST = ("picture", "set", "terms", "split")


def _rows(manifest: Path) -> Iterator[dict[str, str]]:
    wanted = f"a CSV file in UTF-8 with columns {', '.join(_MANIFEST)}"
    try:
        file = manifest.open(newline="", encoding="utf-8-sig")  # as Excel writes it, too
    except OSError as error:
        raise InputError(manifest, error.strerror or "cannot be opened", wanted) from None
    with file:
        rows = csv.DictReader(file)
        try:
            columns = list(rows.fieldnames or ())
            lacks = set(_MANIFEST) - set(columns)
            if lacks:
                raise InputError(manifest, f"lacks the column {', '.join(sorted(lacks))}", wanted)
            if len(set(columns)) < len(columns):
                raise InputError(manifest, "names a column twice", wanted)
            for row in rows:
                if None in row or None in row.values():  # what csv makes of a row of another length
                    raise InputError(manifest, f"line {rows.line_num} has other columns than the first line", wanted)
                if not row["picture"] or "\0" in row["picture"]:
                    raise InputError(manifest, f"line {rows.line_num} names no picture", wanted)
                yield row
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(manifest, f"cannot be read after line {rows.line_num} ({error})", wanted) from None


def _item(picture: Path, source: str, about: Mapping[str, str] | None = None) -> Item:
    return Item(picture, label_of(picture), source, about or {})


def label_of(picture: Path) -> Path:
    """Where the label file of a picture lies."""
    return picture.parent.parent / LAYOUTS.get(picture.parent.name, "labels") / f"{picture.stem}.txt"


def picture_bytes(path: Path) -> bytes:
    """A picture's file as stored; raises `InputError` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be opened", "a picture", "check the path") from None


def _picture_ends(path: Path, first: int, last: int) -> tuple[bytes, bytes]:
    try:
        with path.open("rb") as file:
            head = file.read(first)
            file.seek(max(os.fstat(file.fileno()).st_size - last, 0))
            return head, file.read(last)
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be opened", "a picture") from None


def label_bytes(path: Path) -> bytes | None:
    """A label file as stored, None when there is none; raises `InputError` when it cannot be read."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(path, f"cannot be read ({error})", "a KITTI label file") from None


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
