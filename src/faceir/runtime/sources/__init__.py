"""Where frames come from: pictures, folders, video files and live streams.

`open_source` opens anything that has an end or is an error when it breaks off; `open_live` opens a camera and does not
let go of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from faceir.errors import InputError
from faceir.flow import Frame
from faceir.runtime.pictures import PICTURES
from faceir.runtime.sources.address import VIDEOS, addresses, expand, is_device, is_url
from faceir.runtime.sources.live import LiveOptions, LiveSource, OnState, open_live
from faceir.runtime.sources.public import PublicTrace, public_name, public_text
from faceir.runtime.sources.stills import OnBad, Pictures
from faceir.runtime.sources.video import STREAM_TIMEOUT_S, Video

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = [
    "STREAM_TIMEOUT_S",
    "VIDEOS",
    "LiveOptions",
    "LiveSource",
    "OnBad",
    "OnState",
    "Pictures",
    "PublicTrace",
    "Source",
    "Video",
    "addresses",
    "expand",
    "is_device",
    "is_url",
    "open_live",
    "open_source",
    "public_name",
    "public_text",
]


class Source(Protocol):
    """Frames of one origin, in order; iterate it once, in `with`."""

    name: str
    """Path or address, without a password."""
    live: bool
    """A camera: no end, and `time_s` is wall time."""
    frames: int | None
    """How many there will be, as far as its header says."""
    rate: Fraction | None
    """Frames per second; None for pictures and where it is unknown."""

    def __iter__(self) -> Iterator[Frame]: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_source(where: str | Path | Sequence[str | Path], on_bad: OnBad | None = None) -> Source:
    """A picture, a folder or glob of pictures, a list of them, a video file, an rtsp:// or http:// stream, a device.

    A picture that cannot be read ends the iteration with `InputError`, or with `on_bad` is handed
    to it and left out. Raises `InputError` for what cannot be used and `StreamError` for a stream
    that does not answer within `STREAM_TIMEOUT_S`.
    """
    if not isinstance(where, str | Path):
        return Pictures([Path(p) for p in where], on_bad)
    if is_url(where):
        return Video(str(where))
    if is_device(where):
        return open_live(str(where), LiveOptions(reconnect_attempts=0))
    found = [Path(p) for p in expand(where)]
    pictures = [p for p in found if p.suffix.lower() in PICTURES]
    if len(found) == 1 and not pictures:
        return Video(found[0])
    if not pictures:
        raise InputError(where, f"holds {len(found)} videos", "pictures, or one video", "open each by itself")
    return Pictures(pictures, on_bad)
