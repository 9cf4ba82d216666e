"""Messages on disk until somebody has taken them: one file, bounded, in order, good for the next run too."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from faceir.errors import InputError
from faceir.runtime.sinks.places import make_folder, writing

__all__ = ["Spool"]

_HEAD = 21  # bytes: where the first message that waits begins, 20 digits and an end of line
_CHUNK = 1 << 18


class Spool:
    """A queue of messages, bytes without line ends, in a file: a head, then a line each; thread-safe.

    What is appended survives the process, by force too (not a loss of power: nothing is synced). No more than
    `limit_bytes` wait: then the oldest are kept and new ones are not taken. The file is at most twice as long.
    """

    def __init__(self, path: str | Path, limit_bytes: int = 64 << 20) -> None:
        self.path, self.limit_bytes = Path(path), limit_bytes
        make_folder(self.path.parent)
        self._lock = Lock()
        with writing(self.path):
            self._file = self._claimed(self.path)
        try:
            self._recover()
        except BaseException:
            self._file.close()
            raise

    @staticmethod
    def _claimed(path: Path) -> BinaryIO:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise InputError(path, "is used by another run", "a spool file for each sink") from None
        return file

    def _recover(self) -> None:
        """Find where the last run stood; a line that it could not finish was never acknowledged and goes."""
        head, size = self._file.read(_HEAD), os.fstat(self._file.fileno()).st_size
        if size < _HEAD:
            self._start = self._end = _HEAD
            self._file.truncate(0)
            self._write_head()
        else:
            if not (head[:-1].isdigit() and head.endswith(b"\n")):
                raise InputError(self.path, "is no spool", "a spool file, or a name that is free")
            self._start = min(int(head), size)
        self._waiting, self._end = 0, self._start
        while chunk := os.pread(self._file.fileno(), _CHUNK, self._end):
            whole = chunk.rfind(b"\n") + 1
            if not whole:
                break
            self._waiting += chunk.count(b"\n")
            self._end += whole
        self._file.truncate(self._end)

    def __len__(self) -> int:
        """Messages that wait."""
        return self._waiting

    def append(self, message: bytes) -> bool:
        """Take a message; False when the limit is reached. Raises `InputError` when the disk is full."""
        line = message + b"\n"
        with self._lock:
            if self._end - self._start + len(line) > self.limit_bytes:
                return False
            with writing(self.path):
                try:
                    rest = line
                    while rest:
                        rest = rest[os.pwrite(self._file.fileno(), rest, self._end + len(line) - len(rest)) :]
                except OSError:
                    self._file.truncate(self._end)
                    raise
            self._end += len(line)
            self._waiting += 1
        return True

    def first(self, count: int) -> list[bytes]:
        """Up to `count` of the oldest; they stay until `taken`."""
        with self._lock:
            data = os.pread(self._file.fileno(), _CHUNK, self._start)
            while b"\n" not in data and len(data) < self._end - self._start:
                data = os.pread(self._file.fileno(), 2 * len(data), self._start)
        return data.split(b"\n", count)[:-1][:count]

    def taken(self, messages: list[bytes]) -> None:
        """The first ones, as `first` gave them, are where they should be."""
        if not messages:
            return
        with self._lock:
            self._start += sum(len(message) + 1 for message in messages)
            self._waiting -= len(messages)
            if self._start == self._end:
                self._file.truncate(_HEAD)  # before the head: after a kill between the two, it points to the end
                self._start = self._end = _HEAD
            elif self._start > self.limit_bytes:
                self._shorten()
            self._write_head()

    def _shorten(self) -> None:
        """The same messages in a new file that begins with them."""
        part = self.path.with_name(f".{self.path.name}.part")
        part.unlink(missing_ok=True)
        new = self._claimed(part)
        new.write(f"{_HEAD:020d}\n".encode())
        os.lseek(self._file.fileno(), self._start, os.SEEK_SET)
        while chunk := self._file.read(_CHUNK):
            new.write(chunk)
        os.replace(part, self.path)
        self._file.close()
        self._file, self._end, self._start = new, _HEAD + self._end - self._start, _HEAD

    def _write_head(self) -> None:
        os.pwrite(self._file.fileno(), f"{self._start:020d}\n".encode(), 0)

    def close(self) -> None:
        """Let another run have it; an empty one is removed."""
        with self._lock:
            if not self._waiting:
                self.path.unlink(missing_ok=True)
            self._file.close()
