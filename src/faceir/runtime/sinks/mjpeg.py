"""The newest picture of each stream as JPEG, for pages that show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING

import cv2

from faceir.errors import InputError
from faceir.flow import Frame
from faceir.runtime.draw import Osd, draw

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["MJPEG_TYPE", "Jpeg", "NewestJpeg"]

_BOUNDARY = "faceir-picture"
MJPEG_TYPE = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
"""The `Content-Type` of what `NewestJpeg.stream` yields."""


@dataclass(frozen=True)
class Jpeg:
    """One encoded picture; `number` grows with each frame of its source, from 1."""

    number: int
    data: bytes


class NewestJpeg:
    """Keeps the newest frame of each source; it is drawn and encoded when somebody asks, once for all who do.

    Thread-safe, and nobody who looks slows down `write`.
    """

    def __init__(self, classes: Sequence[str] = ("face",), osd: Osd | None = None, quality: int = 80) -> None:
        if not 1 <= quality <= 100:
            raise InputError("quality", f"is {quality}", "1..100")
        self._classes, self._osd, self._quality = classes, osd or Osd(), quality
        self._frames: dict[str, tuple[int, Frame]] = {}
        self._encoded: dict[str, Jpeg] = {}
        self._changed = Condition()
        self._ended = False

    def write(self, frame: Frame) -> None:
        """Keep `frame` in place of the one before it."""
        with self._changed:
            number = self._frames[frame.source][0] + 1 if frame.source in self._frames else 1
            self._frames[frame.source] = (number, frame)
            self._changed.notify_all()

    def sources(self) -> list[str]:
        """Those of which there is a picture."""
        with self._changed:
            return list(self._frames)

    def newest(self, source: str, after: int = 0, timeout_s: float = 0.0) -> Jpeg | None:
        """The newest picture with a number above `after`, waiting up to `timeout_s` for it; None when none came."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._number(source) > after, timeout_s)
            if self._number(source) <= after:
                return None
            number, frame = self._frames[source]
            jpeg = self._encoded.get(source)
        if jpeg is None or jpeg.number < number:
            jpeg = Jpeg(number, self._encode(frame))
            with self._changed:
                self._encoded[source] = jpeg
        return jpeg

    def stream(self, source: str, idle_s: float = 10.0) -> Iterator[bytes]:
        """The body of an HTTP answer of `MJPEG_TYPE`; ends with the sink, or when nothing came for `idle_s`."""
        number = 0
        while (jpeg := self.newest(source, number, idle_s)) is not None:
            number = jpeg.number
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg.data)}\r\n\r\n"
            yield head.encode() + jpeg.data + b"\r\n"

    def _number(self, source: str) -> int:
        return self._frames[source][0] if source in self._frames else 0

    def _encode(self, frame: Frame) -> bytes:
        image = draw(frame.rgb, frame.detections, self._classes, self._osd, frame.time_s)
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        if not done:
            raise InputError(frame.source, f"a picture of {image.shape[1]} x {image.shape[0]} cannot be a JPEG")
        return bytes(data)

    def forget(self, source: str) -> None:
        """Let go of a stream that was removed."""
        with self._changed:
            self._frames.pop(source, None)
            self._encoded.pop(source, None)

    def __enter__(self) -> Self:
        self._ended = False
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
