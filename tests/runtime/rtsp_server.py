"""A real RTSP camera for tests; runs under Debian's python3, which has GStreamer's bindings.

rtsp_server.py [SECONDS [PORT [WIDTHxHEIGHT [ENCODER]]]]
    prints its port; /cam is a live 320x240 H.264 stream at 30 frames a second that ends after SECONDS, by default or
    with -1 never; /mute answers and sends nothing. PORT 0 = a free one; ENCODER h264 or jpeg.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
seconds, port, size, encoder = (sys.argv[1:] + ["-1", "0", "320x240", "h264"][len(sys.argv) - 1 :])[:4]
buffers = max(int(float(seconds) * 30), -1)
width, height = size.split("x")
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
caps = f"video/x-raw,format=I420,width={width},height={height},framerate=30/1"
source = f"videotestsrc is-live=true num-buffers={{}} ! {caps} ! "
encode = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph264pay name=pay0 pt=96",
    "jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}[encoder]
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
