"""Live video for whoever opens rtsp://HERE:8554/NAME, served by the system's GStreamer in a process of its own."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from faceir.errors import MissingExtra, StreamError
from faceir.flow import Frame
from faceir.runtime.draw import Osd, draw
from faceir.runtime.sinks.encode import Coding, Encoder, steady_s
from faceir.runtime.sinks.places import Names

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["RtspServer"]

_PYTHON = "/usr/bin/python3"  # GStreamer's bindings belong to the system's Python
_SERVER = Path(__file__).with_name("rtsp_server.py")
_PROBE = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
_APT = (
    "type: apt-get install -y --no-install-recommends gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
    " gstreamer1.0-plugins-bad gstreamer1.0-rtsp gir1.2-gst-plugins-base-1.0 gir1.2-gst-rtsp-server-1.0 python3-gi"
)
_HEAD, _KEY = struct.Struct(">HIB"), 1


class RtspServer:
    """Serves each source as a live stream, at `url(source)`; only streams that somebody looks at are encoded.

    `port` 0 takes a free one. `address` "0.0.0.0" serves the whole network, without a password.
    Raises `MissingExtra` with the line to type when the system lacks GStreamer's RTSP server, and `StreamError`
    when the server's process ended; the next frame starts another at the same port.
    """

    reopens = True

    def __init__(
        self,
        port: int = 8554,
        classes: Sequence[str] = ("face",),
        *,
        address: str = "127.0.0.1",
        rate: Fraction | None = None,
        coding: Coding | None = None,
        osd: Osd | None = None,
        names: Names | None = None,
    ) -> None:
        self.port, self.address = port, address
        self._classes, self._osd, self._rate, self._names = (
            classes,
            osd or Osd(),
            rate or Fraction(25),
            names or Names(),
        )
        coding = coding or Coding()
        self._coding = replace(coding, low_delay=True, keyframe_s=coding.keyframe_s or 1.0)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()
        self._watched: set[str] = set()
        self._known: set[str] = set()
        self._encoders: dict[str, tuple[Any, Encoder]] = {}

    def url(self, source: str) -> str:
        """Where the stream of `source` is."""
        return f"rtsp://{self.address}:{self.port}/{self._names.stem(source)}"

    def watched(self, source: str) -> bool:
        """Whether somebody looks at it."""
        with self._lock:
            return self._names.stem(source) in self._watched

    def write(self, frame: Frame) -> None:
        """Hand `frame` to those who look; only inside `with`."""
        if self._process is None:
            self._start()
        name = self._names.stem(frame.source)
        if name not in self._known:
            self._known.add(name)
            self._send(name, b"", 0)
        if not self.watched(frame.source):
            self._encoders.pop(name, None)
            return
        image = draw(frame.rgb, frame.detections, self._classes, self._osd, frame.time_s)
        if name not in self._encoders:
            self._encoders[name] = self._encoder((image.shape[1], image.shape[0]))
        for packet in self._encoders[name][1].encode(image, steady_s(frame)):
            self._send(name, bytes(packet), _KEY if packet.is_keyframe else 0)

    def _encoder(self, size_wh: tuple[int, int]) -> tuple[Any, Encoder]:
        import av

        context = av.CodecContext.create(self._coding.encoder, "w")
        return context, Encoder(context, size_wh, self._rate, self._coding, live=True)

    def _send(self, name: str, data: bytes, flags: int) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        plain = name.encode()
        try:
            self._process.stdin.write(_HEAD.pack(len(plain), len(data), flags) + plain + data)
            self._process.stdin.flush()
        except OSError:
            self._end()
            raise StreamError("RTSP server", "its process has ended", "", "the next frame starts it again") from None

    def _start(self) -> None:
        encoding = self._coding.codec.upper()
        command = [_PYTHON, str(_SERVER), self.address, str(self.port), encoding]
        # A session of its own, so that Ctrl-C at the terminal reaches it only by way of us.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        assert process.stdout is not None
        told = process.stdout.readline().decode().strip()
        if not told.isdigit():
            process.communicate()
            why = told or "its process ended at once"
            raise StreamError("RTSP server", why, "a free port", f"choose another than {self.port}, or 0 for any")
        self.port = int(told)
        self._process = process
        self._reader = Thread(target=self._listen, args=(process,), name="rtsp server", daemon=True)
        self._reader.start()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """What the server tells of those who look."""
        assert process.stdout is not None
        for line in process.stdout:
            what, _, name = line.decode().strip().partition(" ")
            with self._lock:
                (self._watched.add if what == "watch" else self._watched.discard)(name)
        with self._lock:
            self._watched.clear()

    def _end(self) -> None:
        process, self._process = self._process, None
        self._encoders.clear()
        self._known.clear()
        if process is None:
            return
        process.kill()
        process.wait()
        self._reader.join()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was left in it finds no reader
                    pipe.close()

    def __enter__(self) -> Self:
        self._check()
        self._start()
        return self

    @staticmethod
    def _check() -> None:
        """Raise `MissingExtra` unless the system has what it takes."""
        try:
            found = subprocess.run([_PYTHON, "-c", _PROBE], capture_output=True, check=False).returncode == 0
        except OSError:
            found = False
        if not found:
            raise MissingExtra("RTSP server", "GStreamer's RTSP server is not installed here", do=_APT)

    def __exit__(self, *_: object) -> None:
        self._end()
