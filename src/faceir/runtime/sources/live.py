"""A camera that may be away, fall silent, send rubbish or change its picture: it is tried again, and the state told."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from faceir.errors import FaceirError, InputError, StreamError
from faceir.flow import Frame
from faceir.runtime.live.state import Condition
from faceir.runtime.sources.address import is_device, is_rtsp, is_url
from faceir.runtime.sources.clock import CameraClock, WallClock
from faceir.runtime.sources.container import FFMPEG_ERRORS, open_container, reason, video_stream
from faceir.runtime.sources.device import FORMATS, open_device
from faceir.runtime.sources.newest import Newest
from faceir.runtime.sources.pixels import Pixels
from faceir.runtime.sources.public import public_name
from faceir.runtime.sources.video import rate_of

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LiveOptions", "LiveSource", "OnState", "open_live"]

OnState = Callable[[Condition, str], None]
"""Told of each change, from a thread of the source: the new condition, and why, or for `playing` what is played."""

LONGEST_PAUSE_S = 30.0
"""Between two attempts, unless the interval asked for is longer."""

_PATIENCE = 3  # times `silent_s` for the first picture: a stream may be entered in the middle of a long picture group
_JOIN_S = 0.3
# Formats that hold no times, so that FFmpeg makes some up.
_UNTIMED = frozenset(("mpjpeg", "mjpeg", "jpeg_pipe", "h264", "hevc", "m4v"))
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveOptions:
    """How a camera is read. The last three are for cameras at this machine (V4L2) only."""

    transport: Literal["tcp", "udp"] = "tcp"
    """Of RTSP. UDP loses pictures in a bad network where TCP delays them."""
    latency_ms: int = 100
    """How long RTSP by UDP waits for packets that overtook each other; TCP does not need it."""
    reconnect_interval_s: float = 1.0
    """Pause before the first attempt after a failure; it doubles up to `LONGEST_PAUSE_S` until a picture comes."""
    reconnect_attempts: int = -1
    """In a row, without a picture between; then it has failed. -1 = for ever, 0 = none."""
    silent_s: float = 5.0
    """After so long without an answer or a picture it counts as lost."""
    every: int = 1
    """Each so manyth frame is handed out."""
    bits: int | None = None
    """Depth of the sensor where gray comes in 16-bit words; None = not known, see `Spread`."""
    pixel_format: str | None = None
    """V4L2's name, of `FORMATS`; None = the first of them that the device has."""
    size_wh: tuple[int, int] | None = None
    """None = as the device is set."""
    fps: int | None = None
    """None = as the device is set."""

    def __post_init__(self) -> None:
        for name, good, wanted in (
            ("transport", self.transport in ("tcp", "udp"), "tcp or udp"),
            ("latency_ms", self.latency_ms >= 0, "0 or more milliseconds"),
            ("reconnect_interval_s", self.reconnect_interval_s > 0, "more than 0 seconds"),
            ("reconnect_attempts", self.reconnect_attempts >= -1, "a number, 0 = none, -1 = for ever"),
            ("silent_s", self.silent_s > 0, "more than 0 seconds"),
            ("every", self.every >= 1, "1 or more, 1 = all"),
            ("bits", self.bits is None or 8 <= self.bits <= 16, "8 to 16, or None"),
            ("pixel_format", self.pixel_format is None or self.pixel_format in FORMATS, ", ".join(FORMATS)),
            ("size_wh", self.size_wh is None or min(self.size_wh) > 0, "width and height of 1 or more"),
            ("fps", self.fps is None or self.fps > 0, "1 or more"),
        ):
            if not good:
                raise InputError(name, f"is {getattr(self, name)!r}", wanted)


def open_live(where: str, options: LiveOptions | None = None, on_state: OnState | None = None) -> LiveSource:
    """A camera as a source: rtsp://, http:// (HLS, MJPEG, transport stream) or a device such as /dev/video0.

    It need not be there. Raises `InputError` for what is no address of a camera.
    """
    return LiveSource(where, options, on_state)


class LiveSource:
    """A camera. Its iteration ends by `stop`, or with `StreamError` when all attempts are used up.

    It is read in a thread of its own, so that nothing grows old while the user of its frames is busy: of those that
    are not taken in time only the newest are kept, and `dropped` counts the others; their indices are left out. What
    has a length (a recording over http) has an end too, and nothing of it is dropped.
    """

    frames: int | None = None

    def __init__(self, where: str, options: LiveOptions | None = None, on_state: OnState | None = None) -> None:
        where = str(where)
        self.name = public_name(where)
        if not (is_url(where) or is_device(where)):
            raise InputError(self.name, "is not a camera", "rtsp://..., http://... or /dev/video0")
        self.live = True
        self.rate: Fraction | None = None
        self._where, self._options = where, options or LiveOptions()
        self._on_state = on_state
        self._newest = Newest()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"read {self.name}", daemon=True)
        self._pixels = Pixels(self._options.bits)
        self._clock, self._wall = CameraClock(), WallClock()
        self._index = 0

    @property
    def dropped(self) -> int:
        """Frames that gave way to newer ones."""
        return self._newest.dropped

    def __iter__(self) -> Iterator[Frame]:
        if not self._stopped.is_set():
            self._thread.start()
        return iter(self._newest)

    def stop(self) -> None:
        """End the iteration at once, whatever the network does; may be called from any thread. No state is told after.

        A connection that does not answer is let go when its time is up, in the background.
        """
        self._stopped.set()
        self._newest.close()
        self._newest.clear()

    def close(self) -> None:
        """`stop`, and a moment's time for the connection to be closed in good order."""
        self.stop()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, condition: Condition, why: str = "") -> None:
        if self._stopped.is_set():
            return
        _log.info("%s: %s%s", self.name, condition, f" ({why})" if why else "")
        if self._on_state is not None:
            self._on_state(condition, why)

    def _work(self) -> None:
        """What the thread does, from the first attempt to the last."""
        try:
            self._attempt_again_and_again()
            self._newest.close()
        except BaseException as error:  # raised in the thread that waits for frames; it would wait for ever
            self._newest.close(error)

    def _attempt_again_and_again(self) -> None:
        failures = 0
        self._tell("connecting")
        while not self._stopped.is_set():
            before = self._index
            try:
                self._play()
            except FaceirError as error:  # rubbish is not always refused as a stream: it may look like a text
                failures = 1 if self._index > before else failures + 1
                if 0 <= self._options.reconnect_attempts < failures:
                    self._tell("failed", error.came)
                    tries = f"{failures} attempts" if failures > 1 else "1 attempt"
                    raise StreamError(self.name, f"{error.came}; given up after {tries}", do=error.do) from error
                self._tell("reconnecting", error.came)
                first_s = self._options.reconnect_interval_s
                self._stopped.wait(min(first_s * 2.0 ** min(failures - 1, 30), max(LONGEST_PAUSE_S, first_s)))
            else:
                self._tell("ended")
                return

    def _connect(self) -> Any:
        options = self._options
        if is_device(self._where):
            return open_device(self._where, options.pixel_format, options.size_wh, options.fps, options.silent_s)
        silent_us = str(int(options.silent_s * 1_000_000))
        given = {"timeout": silent_us, "analyzeduration": str(int(options.silent_s * 400_000))}
        if is_rtsp(self._where):
            given |= {"rtsp_transport": options.transport, "max_delay": str(options.latency_ms * 1000)}
            given |= {"allowed_media_types": "video"}
        else:
            given |= {"rw_timeout": silent_us}
        return open_container(self._where, self.name, given, options.silent_s)

    def _play(self) -> None:
        """One connection, from its opening to its end. Returns at the end of a recording; raises when it is lost."""
        with self._connect() as container:
            stream = video_stream(container, self.name)
            stream.thread_type = "SLICE"  # threads for whole frames would hold as many of them back
            self.rate = rate_of(stream)
            self.live = is_rtsp(self._where) or not container.duration
            pace = _Pace(self._stopped) if container.format.name == "hls" else None
            timed = container.format.name not in _UNTIMED
            shown, seen_s, patience_s = "", time.monotonic(), _PATIENCE * self._options.silent_s
            for picture in self._pictures(container, stream):
                now_s = time.monotonic()
                if picture is None:
                    if now_s - seen_s > patience_s:
                        raise StreamError(self.name, f"nothing that can be decoded for {patience_s:g} s")
                    continue
                patience_s = self._options.silent_s
                stamped = timed and picture.pts is not None
                stamp_s = float(picture.pts * (picture.time_base or stream.time_base)) if stamped else None
                if pace is not None and stamp_s is not None:
                    pace.wait(stamp_s)
                seen_s = time.monotonic()
                shows = f"{picture.width}x{picture.height} {stream.codec_context.name} {picture.format.name}"
                if choice := self._pixels.choice(picture):
                    shows += f", {choice}"
                if shows != shown:
                    self._tell("playing", shows)
                    shown = shows
                self._hand_over(picture, stamp_s)

    def _pictures(self, container: Any, stream: Any) -> Iterator[Any]:
        """Decoded pictures, and None for each packet that gave none."""
        demuxed = container.demux(stream)
        while not self._stopped.is_set():
            try:
                packet = next(demuxed)
            except StopIteration:
                if self.live:
                    raise StreamError(self.name, "the other side ended it") from None
                return
            except FFMPEG_ERRORS as error:
                raise StreamError(self.name, reason(error)) from error
            try:
                decoded = packet.decode()
            except FFMPEG_ERRORS:  # entered in the middle of a picture group, or rubbish
                decoded = []
            yield from decoded or [None]

    def _hand_over(self, picture: Any, stamp_s: float | None) -> None:
        time_s = self._clock.time_s(stamp_s, self._wall.now_s())
        if self._index % self._options.every == 0:
            frame = self._pixels.frame(picture, self.name, self._index, time_s)
            self._newest.put(frame, wait=not self.live)
        self._index += 1


class _Pace:
    """Holds pictures that come many at once, a segment at a time, to the pace of their own clock."""

    _LATE_S = 1.0  # or early: the clock was set, or the network is too slow; begin anew

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped
        self._ahead_s: float | None = None

    def wait(self, stamp_s: float) -> None:
        now_s = time.monotonic()
        due_s = now_s if self._ahead_s is None else stamp_s + self._ahead_s
        if self._ahead_s is None or abs(due_s - now_s) > self._LATE_S:
            self._ahead_s = now_s - stamp_s
        elif due_s > now_s:
            self._stopped.wait(due_s - now_s)
