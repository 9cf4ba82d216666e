"""Frames as picture files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from faceir.errors import InputError
from faceir.flow import Frame
from faceir.runtime.draw import Osd, draw
from faceir.runtime.sinks.places import Names, refuse_source, write_whole

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AnnotatedPictures"]

_DRAWN_AS = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"))


class AnnotatedPictures:
    """Each frame as a picture with its faces drawn: `folder/NAME.jpg`, in its source's format if that has colour."""

    def __init__(
        self,
        folder: str | Path,
        names: Names | None = None,
        classes: Sequence[str] = ("face",),
        osd: Osd | None = None,
    ) -> None:
        self.folder, self._names, self._classes, self._osd = Path(folder), names or Names(), classes, osd or Osd()

    def write(self, frame: Frame) -> None:
        """Write one picture."""
        ending = Path(frame.source).suffix.lower()
        ending = ending if ending in _DRAWN_AS else ".png"
        path = self.folder / f"{self._names.stem(frame.source)}{ending}"
        refuse_source(path, frame.source)
        image = draw(frame.rgb, frame.detections, self._classes, self._osd, frame.time_s)
        done, data = cv2.imencode(ending, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        if not done:
            raise InputError(path, f"a picture of {image.shape[1]} x {image.shape[0]} cannot be written as {ending}")
        write_whole(path, data.tobytes())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass  # every picture was finished when it was written
