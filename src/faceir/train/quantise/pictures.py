"""Which pictures of a folder to calibrate on."""

from __future__ import annotations

from pathlib import Path

from faceir.data.kitti import PICTURE_SUFFIXES
from faceir.errors import InputError

__all__ = ["pictures"]


def pictures(folder: Path, wanted: int) -> list[Path]:
    """So many pictures of `folder`, evenly chosen from all below it; raises `InputError` when there is none."""
    if not folder.is_dir():
        raise InputError(folder, "is not a folder", "a folder of pictures", "check --cal-image-dir")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise InputError(folder, "holds no picture", "some hundred pictures like those to be seen later")
    return [found[len(found) * n // wanted] for n in range(wanted)] if len(found) > wanted else found
