"""Pictures to H.264 and H.265 packets at their own times, for files, HLS and RTSP."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import cv2

from faceir.errors import InputError
from faceir.flow import Frame, Image

__all__ = ["Coding", "Encoder", "Film", "GuardedFile", "steady_s"]

_TIME_BASE = Fraction(1, 90_000)  # holds 24, 25, 29.97, 30, 60 and most camera clocks exactly
_WALL_TIME_S = 1e8  # times above are seconds since 1970, below seconds of a film
_BACK_S = 1.0  # a clock that goes back by more was set or began anew; by less, it shivers
_ENCODERS = {"h264": "libx264", "h265": "libx265"}
_SPEEDS = {"h264": "veryfast", "h265": "superfast"}


@dataclass(frozen=True)
class Coding:
    """How pictures are encoded."""

    codec: Literal["h264", "h265"] = "h264"
    bitrate: int = 0
    """Bits a second; 0: even quality, whatever it takes."""
    keyframe_s: float = 0.0
    """At most so long between pictures from which a player can start; 0: as the sink needs it."""
    low_delay: bool = False
    """Each picture leaves the encoder at once, at some cost in size."""

    def __post_init__(self) -> None:
        if self.codec not in _ENCODERS:
            raise InputError("codec", f"is {self.codec!r}", " or ".join(_ENCODERS))
        if self.bitrate < 0 or 0 < self.bitrate < 1000:
            raise InputError("bitrate", f"is {self.bitrate}", "bits a second, such as 2000000, or 0 for even quality")
        if self.keyframe_s < 0:
            raise InputError("keyframe_s", f"is {self.keyframe_s}", "seconds, or 0 for what the sink needs")

    @property
    def encoder(self) -> str:
        """FFmpeg's name of the encoder."""
        return _ENCODERS[self.codec]


def steady_s(frame: Frame) -> float:
    """A time of the frame that no set clock moves: when a camera's picture arrived, or the time within a film."""
    return frame.arrived_s if frame.time_s > _WALL_TIME_S and frame.arrived_s else frame.time_s


class Encoder:
    """Sets up a codec context of PyAV for pictures of `size_wh` and feeds it; odd sizes gain a pixel column or row.

    Times are seconds, and a time that jumps back goes on one frame after the last. The first becomes 0 when it is
    a clock's, or in any case when `live`; live pictures also depend on none that come after them.
    """

    def __init__(
        self, context: Any, size_wh: tuple[int, int], rate: Fraction, coding: Coding, live: bool = False
    ) -> None:
        import av

        self.size_wh = (size_wh[0] + size_wh[0] % 2, size_wh[1] + size_wh[1] % 2)  # as 4:2:0 needs
        self._context, self._coding, self._live, self._frame_s = context, coding, live, float(1 / rate)
        context.width, context.height = self.size_wh
        context.pix_fmt, context.framerate, context.time_base = "yuv420p", rate, _TIME_BASE
        options = {"preset": _SPEEDS[coding.codec], "forced-idr": "1"}
        if coding.bitrate:
            context.bit_rate = coding.bitrate
            options |= {"maxrate": str(coding.bitrate), "bufsize": str(coding.bitrate)}
        else:
            options["crf"] = "23" if coding.codec == "h264" else "28"
        if live:
            options["bf"] = "0"
        if coding.low_delay:
            options["tune"] = "zerolatency"
        if coding.codec == "h265":
            options["x265-params"] = "log-level=error:open-gop=0"
        elif coding.low_delay:
            # Else x264 cuts pictures into slices, of which players of RTSP showed one, or holds pictures back.
            options["x264-params"] = "sliced-threads=0:threads=1"
        context.options = options
        self._from_ndarray = av.VideoFrame.from_ndarray
        self._key = av.video.frame.PictureType.I
        self._start_s: float | None = None
        self._last_s = 0.0
        self._last_pts = self._last_key_pts = -1

    def encode(self, image: Image, time_s: float, key: bool = False) -> list[Any]:
        """The packets that are ready after `image`, RGB `[H,W,3]` of any size; `key` makes it a start for players."""
        # OpenCV's conversion (BT.601, limited range) takes a fifth of the time of FFmpeg's from RGB.
        picture = self._from_ndarray(cv2.cvtColor(self._sized(image), cv2.COLOR_RGB2YUV_I420), format="yuv420p")
        picture.pts, picture.time_base = self._pts(time_s), _TIME_BASE
        due = self._last_key_pts + round(self._coding.keyframe_s / _TIME_BASE)
        if key or self._last_key_pts < 0 or (self._coding.keyframe_s and picture.pts >= due):
            picture.pict_type, self._last_key_pts = self._key, picture.pts
        return list(self._context.encode(picture))

    def flush(self) -> list[Any]:
        """The packets that were held back; nothing can be encoded after."""
        return list(self._context.encode(None))

    def _pts(self, time_s: float) -> int:
        if self._start_s is None:
            self._start_s = time_s if self._live or time_s > _WALL_TIME_S else 0.0
        elif time_s < self._last_s - _BACK_S:
            self._start_s += time_s - self._last_s - self._frame_s
        self._last_s = time_s
        # Two frames at one time, as bad cameras send, would end the encoder.
        self._last_pts = max(round((time_s - self._start_s) / _TIME_BASE), self._last_pts + 1)
        return self._last_pts

    def _sized(self, image: Image) -> Image:
        height, width = image.shape[:2]
        to_w, to_h = self.size_wh
        if 0 <= to_w - width <= 1 and 0 <= to_h - height <= 1:
            if (to_w, to_h) == (width, height):
                return image
            padded: Image = cv2.copyMakeBorder(image, 0, to_h - height, 0, to_w - width, cv2.BORDER_REPLICATE)
            return padded
        resized: Image = cv2.resize(image, self.size_wh, interpolation=cv2.INTER_AREA)
        return resized


class GuardedFile:
    """A file for a muxer that takes nothing more once a write has failed, and ends at the last `check` that was well.

    Muxers go back and alter what they wrote when they close; after a full disk that would spoil what can be played.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self.error: OSError | None = None
        """Of the write that failed."""
        self.whole = self.head = 0
        """Bytes up to the last fragment or cluster that is complete, and up to before the first."""

    def write(self, data: bytes) -> int:
        """Take `data`; it never raises, as FFmpeg would carry an exception on into the closing of the file."""
        rest = memoryview(data)
        try:
            while len(rest) and self.error is None:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.error = error
        return len(data)

    def check(self) -> None:
        """Raise the `OSError` of the write that failed, if one has; else what is written so far is whole."""
        if self.error is not None:
            self._file.truncate(self.whole)
            raise self.error
        self.whole = self._file.tell()
        self.head = self.head or self.whole

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move as files do."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Where the next byte goes."""
        return self._file.tell()

    @property
    def closed(self) -> bool:
        """Whether it was given back to the system."""
        return self._file.closed

    def close(self) -> None:
        """Give the file back to the system."""
        self._file.close()


class Film:
    """A container of FFmpeg with one encoded video. `target` is a path, or a file to write to.

    `io_open(path, flags, options)` opens the files of containers that have many.
    Raises `OSError`, as files do.
    """

    def __init__(
        self,
        target: str | GuardedFile,
        container: str,
        size_wh: tuple[int, int],
        rate: Fraction,
        coding: Coding,
        options: Mapping[str, str],
        live: bool = False,
        io_open: Callable[..., Any] | None = None,
    ) -> None:
        import av

        self._guard = target if isinstance(target, GuardedFile) else None
        self._container: Any = av.open(target, "w", format=container, container_options=dict(options), io_open=io_open)
        self._stream = self._container.add_stream(coding.encoder, rate=rate)
        self._encoder = Encoder(self._stream.codec_context, size_wh, rate, coding, live)
        if coding.codec == "h265" and container in ("mp4", "mov"):
            self._stream.codec_context.codec_tag = "hvc1"  # what Apple's players ask for

    def add(self, image: Image, time_s: float) -> None:
        """One picture, RGB `[H,W,3]`."""
        self._mux(self._encoder.encode(image, time_s))

    def finish(self) -> None:
        """Write what the encoder holds, and the container's end."""
        try:
            self._mux(self._encoder.flush())
        finally:
            self._container.close()
        self._check()

    def abandon(self) -> None:
        """Let go; after a failed write nothing more is written."""
        with suppress(OSError):  # it has failed before, and was told then
            self._container.close()

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.stream = self._stream
            self._container.mux(packet)
            self._check()

    def _check(self) -> None:
        if self._guard is not None:
            self._guard.check()
