"""A source of pictures in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from faceir.errors import FaceirError
from faceir.flow import Frame, Image


class Camera:
    """`rate` pictures a second, None = they do not follow each other; `times_s` when they do not come evenly."""

    live = False

    def __init__(
        self,
        pictures: Sequence[Image],
        rate: int | None = 25,
        times_s: Sequence[float] | None = None,
        fails: FaceirError | None = None,
    ) -> None:
        self.name, self.rate = "camera", Fraction(rate) if rate else None
        self._pictures, self._fails = pictures, fails
        self._times_s = times_s or [n / (rate or 25) for n in range(len(pictures))]

    def __iter__(self) -> Iterator[Frame]:
        for n, (picture, time_s) in enumerate(zip(self._pictures, self._times_s, strict=True)):
            yield Frame.of(picture, source=self.name, index=n, time_s=time_s)
        if self._fails:
            raise self._fails
