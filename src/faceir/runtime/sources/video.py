"""A video file, once, several times or for ever, or a stream that is read until it ends."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceir.errors import InputError, StreamError, need_file
from faceir.flow import Frame
from faceir.runtime.sources.address import is_rtsp, is_url, local
from faceir.runtime.sources.clock import CameraClock, WallClock
from faceir.runtime.sources.container import FFMPEG_ERRORS, open_container, reason, video_stream
from faceir.runtime.sources.pixels import Pixels
from faceir.runtime.sources.public import public_name

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["STREAM_TIMEOUT_S", "Video", "rate_of"]

STREAM_TIMEOUT_S = 5.0
"""A stream that takes longer to answer, or is silent for longer, has failed."""

_TRUNCATED_S = 1.0  # a file that ends this much before the length in its header is cut short
_MOST_FPS = 1000  # some streams state their clock's 90000 instead
_USUAL_FPS = 25


def rate_of(stream: Any) -> Fraction | None:
    """Frames per second of an `av` stream, where it says something that can be true."""
    rate = stream.average_rate or stream.guessed_rate
    return rate if rate and 1 <= rate <= _MOST_FPS else None


class Video:
    """A video file, or a stream whose loss is an error. Frames come upright, as the rotation in the file says.

    A file is played `loops` times, None = for ever, and its time and index go on rising. Of its frames each `every`th
    is handed out, with the index that it has in the file. `bits` is the sensor's depth, see `Pixels`.
    """

    def __init__(self, where: str | Path, loops: int | None = 1, every: int = 1, bits: int | None = None) -> None:
        self._where = str(local(where))
        self._url = is_url(self._where)
        self.name = public_name(self._where)
        if loops is not None and loops < 1:
            raise InputError(self.name, f"is wanted {loops} times", "loops of 1 or more, or None = for ever")
        if every < 1:
            raise InputError(self.name, f"every {every}th frame is wanted", "1 or more, 1 = all")
        if not self._url:
            need_file(self._where, "a video or a picture")
        self._pixels = Pixels(bits)
        self._open()
        duration_s = None if self._container.duration is None else self._container.duration / 1_000_000
        self.live = self._url and (is_rtsp(self._where) or not duration_s)
        self.rate: Fraction | None = rate_of(self._stream)
        self.size_wh: tuple[int, int] = (self._stream.width, self._stream.height)
        self._loops, self._every, self._length_s = 1 if self.live else loops, every, duration_s
        self._clock, self._wall = CameraClock(), WallClock()
        frames = self._stream.frames
        if not frames and not self.live and duration_s and self.rate:
            frames = round(duration_s * self.rate)
        self.frames: int | None = len(range(0, frames * self._loops, every)) if frames and self._loops else None

    def _open(self) -> None:
        timeout_us = str(int(STREAM_TIMEOUT_S * 1_000_000))
        options = {"timeout": timeout_us}
        options |= {"rtsp_transport": "tcp"} if is_rtsp(self._where) else {"rw_timeout": timeout_us}
        self._container: Any = (
            open_container(self._where, self.name, options, STREAM_TIMEOUT_S)
            if self._url
            else open_container(self._where, self.name)
        )
        self._stream: Any = video_stream(self._container, self.name)
        self._stream.thread_type = "AUTO"

    def __iter__(self) -> Iterator[Frame]:
        passes = index = 0
        begin_s = end_s = 0.0  # of this pass, and of the last frame seen
        while True:
            for picture, stamp_s in self._pass():
                time_s = self._clock.time_s(stamp_s, self._wall.now_s()) if self.live else begin_s + stamp_s
                end_s = max(end_s, time_s)
                if index % self._every == 0:
                    yield self._pixels.frame(picture, self.name, index, time_s)
                index += 1
            passes += 1
            if passes == self._loops:
                return
            begin_s = end_s + 1 / float(self.rate or _USUAL_FPS)
            self._container.close()
            self._open()  # not each format can be wound back

    def _pass(self) -> Iterator[tuple[Any, Any]]:
        """Each picture with its time since the beginning, or of a camera by its own clock, None where there is none."""
        count = packets = broken = 0
        start_s = 0.0 if self.live else float((self._stream.start_time or 0) * self._stream.time_base)
        end_s = 0.0  # of everything in the file, so that a film shorter than its sound is not called cut short
        ended = ""
        # A live stream's other tracks are of no use; a file's tell where it ends.
        demuxed = self._container.demux(self._stream) if self.live else self._container.demux()
        while True:
            try:
                packet = next(demuxed)
            except StopIteration:
                break
            except FFMPEG_ERRORS as error:
                ended = reason(error)
                break
            if packet.dts is not None:
                stamp = packet.pts if packet.pts is not None else packet.dts
                end_s = max(end_s, float((stamp + (packet.duration or 0)) * packet.time_base))
            if packet.stream.index != self._stream.index:
                continue
            packets += packet.size > 0
            try:
                decoded = packet.decode()
            except FFMPEG_ERRORS:  # a live one starts in the middle of a picture group
                broken += 1
                continue
            for picture in decoded:
                yield picture, self._stamp_s(picture, count, start_s)
                count += 1
        for picture in self._left(ended):
            yield picture, self._stamp_s(picture, count, start_s)
            count += 1
        self._check_end(count, packets, broken, end_s, ended)

    def _stamp_s(self, picture: Any, count: int, start_s: float) -> float | None:
        if picture.pts is not None:
            # A frame that was left in the decoder comes without its time base.
            return float(picture.pts * (picture.time_base or self._stream.time_base)) - start_s
        return None if self.live else count / float(self.rate or _USUAL_FPS)

    def _left(self, ended: str) -> list[Any]:
        """Frames that the decoder still holds after reading broke off; a good end has flushed them already."""
        if not ended:
            return []
        try:
            return list(self._stream.codec_context.decode(None))
        except FFMPEG_ERRORS:
            return []

    def _check_end(self, count: int, packets: int, broken: int, end_s: float, ended: str) -> None:
        """Raise unless the file or stream ended where it should."""
        if self.live:
            raise StreamError(
                self.name,
                f"stopped after {count} frames ({ended or 'the other side ended it'})",
                do="check the camera and the network",
            )
        wanted = "the whole video"
        if ended:
            raise InputError(self.name, f"breaks off after {count} frames ({ended})", wanted)
        if packets < self._stream.frames:
            raise InputError(self.name, f"is cut short after {count} of {self._stream.frames} frames", wanted)
        start_s = max((self._container.start_time or 0) / 1_000_000, 0)
        if self._length_s and not self._stream.frames and end_s - start_s < self._length_s - _TRUNCATED_S:
            raise InputError(self.name, f"is cut short after {end_s - start_s:.1f} of {self._length_s:.1f} s", wanted)
        if broken:
            raise InputError(self.name, f"{broken} of {packets} packets could not be decoded", wanted)
        if count == 0:
            raise InputError(self.name, "has no frames", "a video")

    def close(self) -> None:
        """Let go of the file or the connection; frames handed out stay good."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
