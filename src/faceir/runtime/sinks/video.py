"""Frames as one video file that can be played at every moment of its life."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from faceir.errors import InputError
from faceir.flow import Frame, Image
from faceir.runtime.draw import Osd, draw
from faceir.runtime.sinks.encode import Coding, Film, GuardedFile, steady_s
from faceir.runtime.sinks.places import free_name, part_of, refuse_source, writing

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["AnnotatedVideo"]

_MUXERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
# While it grows, a live MP4 consists of fragments that play on their own; closing makes an ordinary one of it.
_FRAGMENTS = {"movflags": "hybrid_fragmented", "flush_packets": "1"}
_CLUSTERS = {"cluster_time_limit": "1000", "flush_packets": "1"}
_LIVE_OPTIONS = {"mp4": _FRAGMENTS, "mov": _FRAGMENTS, "matroska": _CLUSTERS}
_LIVE_KEYFRAME_S, _KEYFRAME_S = 1.0, 10.0


class AnnotatedVideo:
    """One H.264 or H.265 video (.mp4, .mov, .mkv) of one source's frames with faces drawn, at the frames' own times.

    `Tiles` puts several sources into one. `rate` frames per second is what the file states; None states 25.
    Without frames no file is made.

    It carries its name when it is whole, and after an exception nothing is left. When `live`, it has its name at
    once, it is finished after an exception too, and what is on disk plays when the process is killed or the disk
    is full, but for the last two seconds or so. A live video never replaces one that is there: it takes the next
    free name, `NAME-2.mp4`; `path` tells it. After a failed write the next frame begins another file.
    """

    def __init__(
        self,
        path: str | Path,
        rate: Fraction | None = None,
        classes: Sequence[str] = ("face",),
        *,
        coding: Coding | None = None,
        live: bool = False,
        osd: Osd | None = None,
    ) -> None:
        self.path = self._wanted = Path(path)
        if self.path.suffix.lower() not in _MUXERS:
            raise InputError(path, f"has ending {self.path.suffix!r}", " ".join(_MUXERS))
        self._rate, self._classes, self._live, self._osd = rate or Fraction(25), classes, live, osd or Osd()
        coding = coding or Coding()
        keyframe_s = coding.keyframe_s or (_LIVE_KEYFRAME_S if live else _KEYFRAME_S)
        self._coding = replace(coding, keyframe_s=keyframe_s)
        self._film: Film | None = None
        self.reopens = live

    def _open(self, image: Image, frame: Frame) -> Film:
        refuse_source(self._wanted, frame.source)
        self._grows = part_of(self._wanted)
        if self._live:
            self._grows = self.path = free_name(self._wanted)
        muxer = _MUXERS[self.path.suffix.lower()]
        self._file = GuardedFile(self._grows)
        size_wh = (image.shape[1], image.shape[0])
        options = _LIVE_OPTIONS[muxer] if self._live else {}
        return Film(self._file, muxer, size_wh, self._rate, self._coding, options, self._live)

    def write(self, frame: Frame) -> None:
        """Add one frame; one of another size than the first is scaled to it."""
        image = draw(frame.rgb, frame.detections, self._classes, self._osd, frame.time_s)
        try:
            with writing(self.path):
                if self._film is None:
                    self._film = self._open(image, frame)
                self._film.add(image, steady_s(frame) if self._live else frame.time_s)
        except InputError:
            self._abandon()
            raise

    def _abandon(self) -> None:
        """Keep what a live video has on disk, if that is anything, and nothing of another."""
        if self._film is None:
            return
        film, self._film = self._film, None
        film.abandon()
        self._file.close()
        if not self._live or self._file.whole <= self._file.head:
            self._grows.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._film is None:
            return
        if kind is not None and not self._live:
            return self._abandon()
        try:
            with writing(self.path):
                self._film.finish()
                if not self._live:
                    os.replace(self._grows, self.path)
        except InputError:
            self._abandon()
            raise
        self._file.close()
        self._film = None
