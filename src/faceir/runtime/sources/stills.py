"""Picture files as a source."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from faceir.errors import FaceirError
from faceir.flow import Frame
from faceir.runtime.pictures import read_picture

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["OnBad", "Pictures"]

OnBad = Callable[[FaceirError], None]


class Pictures:
    """Picture files, each with index 0 and time 0; a file is read when its turn comes."""

    live = False
    rate: Fraction | None = None

    def __init__(self, paths: Sequence[Path], on_bad: OnBad | None = None) -> None:
        self.name = str(paths[0]) if len(paths) == 1 else f"{len(paths)} pictures"
        self.frames: int | None = len(paths)
        self._paths, self._on_bad = list(paths), on_bad

    def __iter__(self) -> Iterator[Frame]:
        for path in self._paths:
            try:
                image, events = read_picture(path)
            except FaceirError as error:
                if self._on_bad is None:
                    raise
                self._on_bad(error)
                continue
            yield Frame.of(image, source=str(path), events=events, arrived_s=time.monotonic())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
