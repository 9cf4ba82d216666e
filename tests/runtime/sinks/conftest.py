"""A disk that fills up."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from faceir.runtime.sinks.encode import GuardedFile


@dataclass
class SmallDisk:
    """Has room for `free` bytes more."""

    free: int = 600_000


class FileOnIt:
    """What `GuardedFile` writes to."""

    def __init__(self, file: Any, disk: SmallDisk) -> None:
        self._file, self._disk = file, disk

    def write(self, data: memoryview) -> int:
        if self._disk.free <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken: int = self._file.write(data[: self._disk.free])  # the first write beyond is short, as of real disks
        self._disk.free -= taken
        return taken

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> SmallDisk:
    disk, born = SmallDisk(), GuardedFile.__init__

    def small(self: GuardedFile, path: Path) -> None:
        born(self, path)
        self._file = FileOnIt(self._file, disk)  # type: ignore[assignment]

    monkeypatch.setattr(GuardedFile, "__init__", small)
    return disk
