"""The RTSP server's own process; runs under the system's python3, which has GStreamer's bindings, and knows no faceir.

rtsp_server.py ADDRESS PORT ENCODING   prints its port, or what is wrong, and ends; ENCODING is H264 or H265

On stdin come access units: two sizes and a flag (`>HIB`), a stream's name and its bytes. Each stream is at /NAME.
On stdout it tells "watch NAME" when somebody begins to look at one, and "idle NAME" when nobody does any more.
"""

import os
import struct
import sys
import threading
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

HEAD = struct.Struct(">HIB")
KEY = 1


def tell(line: str) -> None:
    """To whoever feeds us."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Streams:
    """The mounted streams, and who gets their pictures."""

    def __init__(self, mounts: Any, encoding: str) -> None:
        self._mounts, self._encoding = mounts, encoding
        self._sources: dict[str, Any] = {}
        self._begun: set[str] = set()
        self._mounted: set[str] = set()

    def mount(self, name: str) -> None:
        """Make the stream `name` known."""
        small = self._encoding.lower()
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(
            "( appsrc name=source is-live=true do-timestamp=true format=time max-bytes=8000000 leaky-type=downstream"
            f" caps=video/x-{small},stream-format=byte-stream,alignment=au"
            f" ! {small}parse ! rtp{small}pay name=pay0 pt=96 config-interval=-1 )"
        )
        factory.set_shared(True)
        factory.connect("media-configure", lambda _factory, media: self._configure(name, media))
        self._mounts.add_factory(f"/{name}", factory)
        self._mounted.add(name)

    def _configure(self, name: str, media: Any) -> None:
        self._begun.discard(name)
        source = self._sources[name] = media.get_element().get_child_by_name("source")
        media.connect("unprepared", lambda _media: self._idle(name, source))
        tell(f"watch {name}")

    def _idle(self, name: str, source: Any) -> None:
        if self._sources.get(name) is source:  # else somebody else has begun to look meanwhile
            del self._sources[name]
            tell(f"idle {name}")

    def push(self, name: str, data: bytes, key: bool) -> None:
        """One access unit to those who look; the first is one that can be decoded alone."""
        if name not in self._mounted:
            self.mount(name)
        source = self._sources.get(name)
        if source is None or not data or not (key or name in self._begun):
            return
        self._begun.add(name)
        source.emit("push-buffer", Gst.Buffer.new_wrapped(data))


def read(streams: Streams) -> None:
    """Until whoever feeds us ends."""
    feed = sys.stdin.buffer
    while len(head := feed.read(HEAD.size)) == HEAD.size:
        name_size, data_size, flags = HEAD.unpack(head)
        name, data = feed.read(name_size).decode(), feed.read(data_size)
        streams.push(name, data, bool(flags & KEY))
    os._exit(0)  # at once: threads of GStreamer may wait for ever for a client


def main() -> None:
    """Serve until stdin ends."""
    Gst.init(None)
    address, port, encoding = sys.argv[1:]
    server = GstRtspServer.RTSPServer()
    server.set_address(address)
    server.set_service(port)
    streams = Streams(server.get_mount_points(), encoding)
    if not server.attach(None):
        tell(f"port {port} of {address} cannot be used")
        return
    tell(f"{server.get_bound_port()}")
    threading.Thread(target=read, args=(streams,), daemon=True).start()
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
