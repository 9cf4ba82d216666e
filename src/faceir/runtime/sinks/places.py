"""Places on disk: file names for sources, files that are whole or absent, and what a full disk is called."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from faceir.errors import InputError

if TYPE_CHECKING:
    from io import TextIOWrapper
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Names", "TextFile", "free_name", "make_folder", "part_of", "refuse_source", "write_whole", "writing"]

_FULL = {
    errno.ENOSPC: "cannot be written: the disk is full",
    errno.EDQUOT: "cannot be written: the quota of this user is used up",
    errno.EFBIG: "cannot be written: it has grown to the largest size that a file may have here",
}


@contextmanager
def writing(path: Path, wanted: str = "a writable folder with space") -> Iterator[None]:
    """Turns an `OSError` in its block into an `InputError` about `path` that says in words when the disk is full."""
    try:
        yield
    except OSError as error:
        came = _FULL.get(error.errno or 0, f"cannot be written ({error.strerror or error})")
        raise InputError(path, came, wanted) from error


def part_of(path: Path) -> Path:
    """The name that `path` has while it grows; its folder is made."""
    make_folder(path.parent)
    return path.with_name(f".{path.name}.part")


def make_folder(folder: Path) -> None:
    """Make `folder` and those above it; `InputError` when that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(folder, f"cannot be made ({error.strerror})", "a folder to write to") from error


def free_name(path: Path) -> Path:
    """`path`, or `NAME-2.mp4` and so on where that is taken, so that a restarted recording keeps the one before."""
    if not path.exists():
        return path
    names = (path.with_name(f"{path.stem}-{n}{path.suffix}") for n in count(2))
    return next(name for name in names if not name.exists())


def write_whole(path: Path, data: bytes) -> None:
    """The file in one piece, or not at all."""
    part = part_of(path)
    try:
        with writing(path):
            part.write_bytes(data)
            os.replace(part, path)
    except InputError:
        part.unlink(missing_ok=True)
        raise


def refuse_source(path: Path, source: str) -> None:
    """`InputError` when writing `path` would destroy the file that is being read."""
    if path.exists() and os.path.exists(source) and path.samefile(source):
        raise InputError(path, "is the input itself", "another place to write to", "choose another folder")


class TextFile:
    """A text file that grows line by line; used in `with`.

    It carries its name when it is whole, and after an exception nothing is left. When `live`, it has its name
    at once, each line is on disk when `add` returns, and what an earlier run wrote is kept before it.
    """

    def __init__(self, path: Path, live: bool = False, head: str = "") -> None:
        self.path, self._live, self._head = path, live, head
        self._file: TextIOWrapper | None = None

    def add(self, line: str) -> None:
        """One more line, given without its end; only inside `with`."""
        assert self._file is not None, f"the sink of {self.path.name} is used in `with`"
        with writing(self.path):
            self._file.write(f"{line}\n")

    def __enter__(self) -> Self:
        part = part_of(self.path)
        self._grows = self.path if self._live else part
        with writing(self.path, "a writable folder"):
            if self._live:
                file = self._grows.open("a", buffering=1, encoding="utf-8")
            else:
                file = self._grows.open("w", encoding="utf-8")
        self._file = file
        try:
            if self._head and file.tell() == 0:
                self.add(self._head)
        except InputError:
            with suppress(OSError):  # the same again
                file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        try:
            with writing(self.path):
                self._file.close()
                if kind is None and not self._live:
                    os.replace(self._grows, self.path)
        finally:
            if not self._live:
                self._grows.unlink(missing_ok=True)


class Names:
    """File names for sources: their stem, numbered where two sources would share one ("a", "a-2")."""

    def __init__(self) -> None:
        self._stems: dict[str, str] = {}
        self._taken: set[str] = set()  # without case, as some file systems see them

    def stem(self, source: str) -> str:
        """The stem of `source`, the same at every call."""
        if source not in self._stems:
            wanted = stem = self._plain(source)
            count = 1
            while stem.casefold() in self._taken:
                count += 1
                stem = f"{wanted}-{count}"
            self._taken.add(stem.casefold())
            self._stems[source] = stem
        return self._stems[source]

    @staticmethod
    def _plain(source: str) -> str:
        if "://" not in source:
            return Path(source).stem or "input"
        parts = urlsplit(source)
        text = f"{parts.netloc}{parts.path}".strip("/")
        return "".join(c if c.isalnum() or c in ".-" else "_" for c in text) or "stream"
