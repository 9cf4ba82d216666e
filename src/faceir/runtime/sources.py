"""Where frames come from: pictures, folders, video files and live streams, opened by `open_source`.

A video frame hands out its Y plane as it was decoded. Its values keep the stream's range, which for
most cameras is limited, 16..235: faces then have 14 % less contrast than in full range.
"""

from __future__ import annotations

import glob
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from faceir.errors import FaceirError, InputError, StreamError, need_file
from faceir.flow import Frame, Image
from faceir.runtime.pictures import PICTURES, read_picture

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["VIDEOS", "Pictures", "Source", "Video", "expand", "is_url", "open_source", "public_name"]

VIDEOS = frozenset(
    (".mp4", ".mkv", ".avi", ".mov", ".ts", ".m4v", ".webm", ".mjpeg", ".mjpg", ".h264", ".h265", ".flv")
)
"""File name endings that are taken from a folder as videos."""
STREAM_TIMEOUT_S = 5.0
"""A live source that takes longer to answer, or is silent for longer, has failed."""

_LIVE = ("rtsp", "rtsps")
_URLS = (*_LIVE, "http", "https")
_NOT_VIDEO = ("tty",)  # FFmpeg would show a .txt file as a film of a terminal
_TRUNCATED_S = 1.0  # a file that ends this much before the length in its header is cut short
_MOST_FPS = 1000  # some streams state their clock's 90000 instead
# Pixel formats whose first plane is 8-bit luminance.
_PLANAR_Y = {"gray", "nv12", "nv21", "nv16", "nv24", "nv42", "yuv410p", "yuv411p"} | {
    f"{kind}{layout}p" for kind in ("yuv", "yuvj", "yuva") for layout in (420, 422, 440, 444)
}


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


OnBad = Callable[[FaceirError], None]


def open_source(where: str | Path | Sequence[str | Path], on_bad: OnBad | None = None) -> Source:
    """A picture, a folder or glob of pictures, a list of them, a video file, an rtsp:// or http:// stream.

    A picture that cannot be read ends the iteration with `InputError`, or with `on_bad` is handed
    to it and left out. Raises `InputError` for what cannot be used and `StreamError` for a stream
    that does not answer within `STREAM_TIMEOUT_S`.
    """
    if not isinstance(where, str | Path):
        return Pictures([Path(p) for p in where], on_bad)
    if is_url(where):
        return Video(str(where))
    found = [Path(p) for p in expand(where)]
    pictures = [p for p in found if p.suffix.lower() in PICTURES]
    if len(found) == 1 and not pictures:
        return Video(found[0])
    if not pictures:
        raise InputError(where, f"holds {len(found)} videos", "pictures, or one video", "open each by itself")
    return Pictures(pictures, on_bad)


def is_url(where: str | Path) -> bool:
    """Whether `where` is the address of a stream."""
    return isinstance(where, str) and urlsplit(where).scheme.lower() in _URLS


def expand(where: str | Path) -> list[str]:
    """The files that `where` stands for: of a folder its pictures and videos, not below it, else a glob's; sorted.

    A file or an address stands for itself. Raises `InputError` when there are none.
    """
    path = Path(where)
    if is_url(where) or path.is_file():
        return [str(where)]
    if path.is_dir():
        known = PICTURES | VIDEOS
        found = sorted(str(p) for p in path.iterdir() if p.suffix.lower() in known and not p.name.startswith("."))
        if not found:
            raise InputError(where, "holds no pictures or videos", "a folder with some directly in it")
        return found
    if glob.has_magic(str(where)):
        found = sorted(p for p in glob.glob(str(where)) if Path(p).is_file())
        if not found:
            raise InputError(where, "matches no file", "a pattern that does", "quote it: 'frames/*.png'")
        return found
    scheme = urlsplit(str(where)).scheme
    if scheme and "://" in str(where):
        raise InputError(public_name(str(where)), f"has scheme {scheme}://", ", ".join(f"{s}://" for s in _URLS))
    need_file(path, "a picture, a video, a folder or a stream")
    return [str(where)]  # a device or a pipe


class Pictures:
    """Picture files as a source, each with index 0 and time 0; a file is read when its turn comes."""

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
            yield Frame.of(image, source=str(path), events=events)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Video:
    """A video file or a live stream. Frames come upright, as the rotation in the file says."""

    def __init__(self, where: str | Path) -> None:
        self._where = str(where)
        self._url = is_url(where)
        self.name = public_name(self._where)
        if not self._url:
            need_file(where, "a video or a picture")
        self._container = self._open()
        try:
            self._stream = self._container.streams.video[0]
        except IndexError:
            self._container.close()
            raise InputError(self.name, "has no video stream", "a video") from None
        self._stream.thread_type = "AUTO"
        duration_s = None if self._container.duration is None else self._container.duration / 1_000_000
        self.live = self._url and (urlsplit(self._where).scheme.lower() in _LIVE or not duration_s)
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate: Fraction | None = rate if rate and 1 <= rate <= _MOST_FPS else None
        self.size_wh: tuple[int, int] = (self._stream.width, self._stream.height)
        self._length_s = duration_s
        self.frames: int | None = self._stream.frames or None
        if not self.frames and not self.live and duration_s and self.rate:
            self.frames = round(duration_s * self.rate)
        self._clock = _CameraClock()
        self._reformatter = VideoReformatter()  # one a stream: a new one for each frame costs seven times more

    def _open(self) -> Any:
        options = {}
        if self._url:
            timeout_us = str(int(STREAM_TIMEOUT_S * 1_000_000))
            options = {"timeout": timeout_us, "rw_timeout": timeout_us}
            if urlsplit(self._where).scheme.lower() in _LIVE:
                options = {"rtsp_transport": "tcp", "timeout": timeout_us}
        timeout = (STREAM_TIMEOUT_S, STREAM_TIMEOUT_S) if self._url else None
        start_s = time.monotonic()
        try:
            container = av.open(self._where, options=options, timeout=timeout, metadata_errors="ignore")
        except (av.error.FFmpegError, OSError, ValueError) as error:
            if self._url:
                # FFmpeg gives many names to the silence of the other side.
                silent = time.monotonic() - start_s > 0.9 * STREAM_TIMEOUT_S
                came = f"nothing within {STREAM_TIMEOUT_S:g} s" if silent else _reason(error)
                advice = "check the address, user and password, and that the camera is on"
                raise StreamError(self.name, f"no stream ({came})", do=advice) from error
            raise InputError(self.name, f"is not a video ({_reason(error)})", "a video or a picture") from error
        if container.format.name in _NOT_VIDEO:
            container.close()
            raise InputError(self.name, "is a text file", "a video or a picture")
        return container

    def __iter__(self) -> Iterator[Frame]:
        index = packets = broken = 0
        start_s = float((self._stream.start_time or 0) * self._stream.time_base)
        end_s = 0.0  # of everything in the file, so that a film shorter than its sound is not called cut short
        ended = ""
        # A live stream's other tracks are of no use; a file's tell where it ends.
        demuxed = self._container.demux(self._stream) if self.live else self._container.demux()
        while True:
            try:
                packet = next(demuxed)
            except StopIteration:
                break
            except (av.error.FFmpegError, OSError) as error:
                ended = _reason(error)
                break
            if packet.dts is not None:
                stamp = packet.pts if packet.pts is not None else packet.dts
                end_s = max(end_s, float((stamp + (packet.duration or 0)) * packet.time_base))
            if packet.stream.index != self._stream.index:
                continue
            packets += packet.size > 0
            try:
                decoded = packet.decode()
            except (av.error.FFmpegError, OSError):  # a live one starts in the middle of a picture group
                broken += 1
                continue
            for frame in decoded:
                yield self._frame(frame, index, start_s)
                index += 1
        for frame in self._left(ended):
            yield self._frame(frame, index, start_s)
            index += 1
        self._check_end(index, packets, broken, end_s, ended)

    def _left(self, ended: str) -> list[Any]:
        """Frames that the decoder still holds after reading broke off; a good end has flushed them already."""
        if not ended:
            return []
        try:
            return list(self._stream.codec_context.decode(None))
        except (av.error.FFmpegError, OSError):
            return []

    def _check_end(self, index: int, packets: int, broken: int, end_s: float, ended: str) -> None:
        """Raise unless the file or stream ended where it should."""
        if self.live:
            raise StreamError(
                self.name,
                f"stopped after {index} frames ({ended or 'the other side ended it'})",
                do="check the camera and the network",
            )
        wanted = "the whole video"
        if ended:
            raise InputError(self.name, f"breaks off after {index} frames ({ended})", wanted)
        if packets < self._stream.frames:
            raise InputError(self.name, f"is cut short after {index} of {self._stream.frames} frames", wanted)
        start_s = max((self._container.start_time or 0) / 1_000_000, 0)
        if self._length_s and not self._stream.frames and end_s - start_s < self._length_s - _TRUNCATED_S:
            raise InputError(self.name, f"is cut short after {end_s - start_s:.1f} of {self._length_s:.1f} s", wanted)
        if broken:
            raise InputError(self.name, f"{broken} of {packets} packets could not be decoded", wanted)
        if index == 0:
            raise InputError(self.name, "has no frames", "a video")

    def _frame(self, frame: Any, index: int, start_s: float) -> Frame:
        # A frame that was left in the decoder comes without its time base.
        stamp_s = None if frame.pts is None else float(frame.pts * (frame.time_base or self._stream.time_base))
        if self.live:
            time_s = self._clock.time_s(stamp_s, time.time())
        elif stamp_s is not None:
            time_s = stamp_s - start_s
        else:
            time_s = index / float(self.rate or 25)
        turns = round(frame.rotation / 90) % 4
        luma = partial(_luma, frame, turns, self._reformatter)
        colour = partial(_colour, frame, turns, self._reformatter)
        return Frame(luma, colour, source=self.name, index=index, time_s=time_s)

    def close(self) -> None:
        """Let go of the file or the connection; frames handed out stay good."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _CameraClock:
    """Wall time for a camera's frames: spaced by the camera's own clock, held to ours by the quickest arrivals.

    Arrival alone jitters with the network, and the frames that were buffered while the stream was
    opened arrive all at once.
    """

    _LEAK = 0.001  # of the time passed; more than two clocks drift apart, so that the camera's may be the slower one

    def __init__(self) -> None:
        self._offset_s = self._media_s = self._time_s = 0.0
        self._running = False

    def time_s(self, media_s: float | None, now_s: float) -> float:
        """Wall time of the frame that has the camera's time `media_s` and arrived at `now_s`; never goes back."""
        if media_s is None:
            wall_s = now_s
        else:
            passed_s = media_s - self._media_s
            steady = self._running and 0 <= passed_s < 2 * STREAM_TIMEOUT_S  # else the camera set its clock
            offset_s = now_s - media_s
            self._offset_s = min(offset_s, self._offset_s + self._LEAK * passed_s) if steady else offset_s
            self._media_s, self._running = media_s, True
            wall_s = media_s + self._offset_s
        self._time_s = max(wall_s, self._time_s)
        return self._time_s


def _luma(frame: Any, turns: int, reformatter: Any) -> Image:
    """Y plane `[H,W]` without a copy where the pixel format has one, turned by `turns` quarters counterclockwise."""
    if frame.format.name not in _PLANAR_Y:
        # More than 8 bits or interleaved: to 8-bit planes. The range stays as it is, but RGB gives full range.
        target = (
            "gray" if frame.format.is_rgb or "gray" in frame.format.name or "pal" in frame.format.name else "yuv420p"
        )
        frame = reformatter.reformat(frame, format=target)
    plane = frame.planes[0]
    rows: Image = np.frombuffer(plane, np.uint8, frame.height * plane.line_size).reshape(frame.height, plane.line_size)
    return _turn(rows[:, : frame.width], turns)


def _colour(frame: Any, turns: int, reformatter: Any) -> Image:
    """RGB `[H,W,3]`, turned."""
    rgb = reformatter.reformat(frame, format="rgb24")
    plane = rgb.planes[0]
    rows: Image = np.frombuffer(plane, np.uint8, rgb.height * plane.line_size).reshape(rgb.height, plane.line_size)
    return _turn(rows[:, : rgb.width * 3].reshape(rgb.height, rgb.width, 3), turns)


def _turn(image: Image, turns: int) -> Image:
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _reason(error: BaseException) -> str:
    """FFmpeg's own words, without the number and the address."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if "Immediate exit" in text:
        return "timed out"
    return str(text)


def public_name(where: str) -> str:
    """An address without user and password, for labels, logs and messages; a path as it is."""
    if "://" not in where:
        return where
    parts = urlsplit(where)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, parts.fragment))
