"""A real RTSP camera for tests; runs under Debian's python3, which has GStreamer's bindings.

rtsp_server.py [SECONDS]   prints its port; /cam is a live 320x240 H.264 stream at 30 frames a second
                           that ends after SECONDS, by default never; /mute answers and sends nothing
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
buffers = int(float(sys.argv[1]) * 30) if len(sys.argv) > 1 else -1
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
source = "videotestsrc is-live=true num-buffers={} ! video/x-raw,width=320,height=240,framerate=30/1 ! "
encode = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph264pay name=pay0 pt=96"
for mount, pipeline in {
    "/cam": source.format(buffers) + encode,
    "/mute": source.format(-1) + "valve drop=true ! " + encode,
}.items():
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {pipeline} )")
    factory.set_shared(False)
    server.get_mount_points().add_factory(mount, factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
