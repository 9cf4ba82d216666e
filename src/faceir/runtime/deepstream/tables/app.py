"""A deepstream-app file; the groups that only we know stand in `own`."""

from __future__ import annotations

from faceir.runtime.deepstream.keys import ANY, GroupKeys, Kept, mapped, no, yes
from faceir.runtime.deepstream.tables import reasons as why
from faceir.runtime.deepstream.tables.own import OWN

__all__ = ["APP"]

_FFMPEG = "FFmpeg decodes on the CPU"
_DISPLAY = "there is no window or screen"
_TIMES = "a camera's frames carry wall time, a file's their time in the file"
_ALONE = "streams do not wait for each other"
_COMPONENT = "nothing here is told apart by component"
_RECORD = "a sink of type 3 records all the time, nothing starts and ends on events"

_APPLICATION = GroupKeys("application", (
    yes("enable-perf-measurement flag 0"),
    yes("perf-measurement-interval-sec int 5 1.."),
    yes("gie-kitti-output-dir path -"),
    yes("kitti-track-output-dir path -"),
    *no("faces are not recognised again", "reid-track-output-dir path -"),
    *no("only what is found goes out", "shadow-track-output-dir path -", "terminated-track-output-dir path -"),
    *no(why.DEVICE, "global-gpu-id int 0"),
))  # fmt: skip

_TILED = GroupKeys("tiled-display", (
    yes("enable flag 0"),
    yes("rows int 1 1.."),
    yes("columns int 1 1.."),
    yes("width int 1280 1.."),
    yes("height int 720 1.."),
    *no("rows and columns say how many tiles there are", "square-seq-grid flag 0"),
    *no(why.DEVICE, "gpu-id int 0", "compute-hw int 0"),
    *no(why.MEMORY, "nvbuf-memory-type int 0", "buffer-pool-size int 4"),
))  # fmt: skip

_SOURCE_KEYS = (
    yes("enable flag 0"),
    yes("type int 3 1,2,3,4,5", "1 V4L2, 2 URI, 3 MultiURI, 4 RTSP; 5 CSI is refused, as only a Jetson has it"),
    yes("uri text -", "rtsp:// http:// file:// or a path, relative to this file; with type 3 %d is the number"),
    yes("num-sources int 1 1..1024"),
    yes("camera-width int 0 0.."),
    yes("camera-height int 0 0.."),
    yes("camera-fps-n int 0 0.."),
    yes("camera-fps-d int 1 1.."),
    yes("camera-v4l2-dev-node int 0 0..", "N of /dev/videoN"),
    yes("video-format text -", "pixel format of the camera: GREY, Y16, NV12, YUY2, MJPG"),
    yes("latency int 100 0..", "ms that an RTSP stream may be held to put packets in order"),
    yes("rtsp-reconnect-interval-sec int 0 0..", "silence after which a stream is opened again, 0: 5 s"),
    yes("rtsp-reconnect-attempts int -1 -1..", "-1: for ever"),
    yes("select-rtp-protocol int 0 0,1,2,4,7", "4: TCP; 1, 2: UDP; 0, 7: TCP, which loses nothing"),
    yes("drop-frame-interval int 0 0..", "N: of each N frames the first is used"),
    *no("a stream is named after its group", "source-id int -1", "camera-id int -1", "sensorID-padID-mapping flag 0"),
    *no("a stream that was never there is opened again as one that was lost", "init-rtsp-reconnect-interval-sec int 0"),
    *no("only a Jetson has CSI cameras", "camera-csi-sensor-id int 0"),
    *no(why.DEVICE, "gpu-id int 0"),
    *no(why.MEMORY, "nvbuf-memory-type int 0"),
    *no(_FFMPEG, "num-decode-surfaces int 16", "num-extra-surfaces int 5", "low-latency-decode flag 0",
         "cudadec-memtype int 0", "intra-decode-enable flag 0", "low-latency-mode flag 0",
         "extract-sei-type5-data flag 0"),
    *no("FFmpeg chooses its buffers", "udp-buffer-size int 0"),
    *no(_RECORD, "smart-rec* text -"),
    *no("sound is not read", "alsa-device text -"),
)  # fmt: skip

_SOURCES = (
    GroupKeys("sourceN", _SOURCE_KEYS),
    GroupKeys("source-attr-all", _SOURCE_KEYS),
    GroupKeys("source", (yes("csv-file-path path -", "a table with a header of [sourceN]'s keys, a source a line"),)),
    GroupKeys("source-list", (
        yes("num-source-bins int 0 0..", "how many of `list` are used, 0: all"),
        yes("list texts -"),
        mapped("sensor-id-list texts -", "names of the streams"),
        mapped("max-batch-size int 0 0..", "[streammux] batch-size, where that key is missing"),
        *no("sources are opened the same way with and without it", "use-nvmultiurisrcbin flag 0"),
        *no("a stream is named by sensor-id-list", "sensor-name-list texts -", "stream-name-display flag 0"),
        *no("--web serves REST", "http-ip text localhost", "http-port int 9000"),
        *no("--web keeps it running when all streams have ended", "dummy-payload flag 0"),
        *no("what befalls a stream is told at its end", "enable-error-propagation flag 0", "proto-lib path -",
            "conn-str text -", "topic text -"),
        *no(_FFMPEG, "low-latency-mode flag 0", "extract-sei-type5-data flag 0"),
        *no(why.SECOND, "sgie-batch-size int 0"),
    )),
)  # fmt: skip

_STREAMMUX = GroupKeys("streammux", (
    mapped("width int 0 0..", "frame in whose pixels class-attrs count; frames keep their own size"),
    mapped("height int 0 0..", "as width"),
    mapped("enable-padding flag 0", "whether that frame keeps the picture's aspect"),
    mapped("batch-size int 0 0..", f"0: one frame of each stream; {why.SINGLY}"),
    mapped("batched-push-timeout int -1 -1..", f"microseconds, -1: 40000; {why.SINGLY}"),
    *no("each source knows whether it is live", "live-source flag 0"),
    *no(why.DEVICE, "gpu-id int 0"),
    *no(why.MEMORY, "buffer-pool-size int 4", "nvbuf-memory-type int 0", "num-surfaces-per-frame int 1"),
    *no(_TIMES, "attach-sys-ts-as-ntp flag 1", "frame-duration int -1", "frame-num-reset-on-eos flag 0"),
    *no(_ALONE, "sync-inputs flag 0", "max-latency int 0", "async-process flag 1", "drop-pipeline-eos flag 0",
         "cache-buffer flag 0", "sort-batch flag 0", "align-first-buffer flag 0"),
    *no("the batch has no other settings than these", "config-file path -"),
))  # fmt: skip

_SINK = GroupKeys("sinkN", (
    yes("enable flag 0"),
    yes("type int 2 1,2,3,4,5,6", "1 nothing, 3 file, 4 RTSP, 6 messages; 2 and 5, a window, become nothing"),
    yes("source-id int -1 -1..", "the stream of that number alone, when display is not tiled"),
    yes("link-to-demux flag 0", "source-id counts in tiled display too"),
    yes("container int 1 1,2", "1 MP4, 2 MKV"),
    yes("codec int 1 1,2,3", "1 H.264, 2 H.265; 3 MPEG-4 becomes H.264"),
    yes("bitrate int 0 0..", "bits/s, 0: even quality"),
    yes("iframeinterval int 30 0.."),
    yes("output-file path -"),
    yes("rtsp-port int 8554 1..65535", "at path /ds-test, open to the whole network"),
    mapped("sync flag 1",
           "files run at their own pace for RTSP and tiles of several streams, else as fast as they can"),
    mapped("msg-conv-payload-type int 0 0,1,2,256,257", "1: DeepStream's minimal schema; others: ours"),
    yes("msg-conv-frame-interval int 30 1.."),
    mapped("msg-broker-proto-lib path -", "MQTT or Kafka, by its name"),
    yes("msg-broker-conn-str text -", "host;port or host;port;topic"),
    yes("topic text -"),
    *no(_DISPLAY, "width int 0", "height int 0", "plane-id int 0", "conn-id int 0", "color-range int 0", "qos flag 0",
         "display-id int 0", "overlay-id int 0", "offset-x int 0", "offset-y int 0", "set-mode flag 0"),
    *no("[application] enable-perf-measurement tells it", "nvdslogger flag 0", "show-fps flag 0"),
    *no(why.DEVICE, "gpu-id int 0", "enc-type int 0"),
    *no("the encoder chooses it by the picture", "profile int 0", "sw-preset int 0"),
    *no(why.MEMORY, "nvbuf-memory-type int 0"),
    *no("RTSP is served without a detour over UDP", "udp-port int 5000"),
    *no("messages are made without NVIDIA's libraries", "msg-conv-config path -", "msg-conv-msg2p-lib path -",
         "msg-broker-config path -", "new-api flag 0", "disable-msgconv flag 0", "msg-conv-msg2p-new-api flag 0"),
    *no("only what is found is told", "msg-conv-dummy-payload flag 0"),
    *no(_COMPONENT, "msg-conv-comp-id int 0", "msg-broker-comp-id int 0"),
))  # fmt: skip

_OSD = GroupKeys("osd", (
    yes("enable flag 0"),
    yes("border-width int 1 0.."),
    yes("text-size int 12 0.."),
    yes("text-color colour 1;1;1;1"),
    yes("text-bg-color colour -"),
    yes("show-clock flag 0"),
    yes("clock-x-offset int 0 0.."),
    yes("clock-y-offset int 0 0.."),
    yes("clock-text-size int 12 0.."),
    yes("clock-color colour 1;1;1;1"),
    yes("display-text flag 1"),
    yes("display-bbox flag 1"),
    *no("there is one font", "font text Serif"),
    *no("faces have no masks", "display-mask flag 0"),
    *no(why.DEVICE, "gpu-id int 0", "process-mode int 0", "hw-blend-color-attr text -"),
    *no(why.MEMORY, "nvbuf-memory-type int 0"),
))  # fmt: skip

_GIE_KEYS = (
    yes("enable flag 0"),
    yes("plugin-type int 0 0", "1, Triton, is refused; with 0 config-file names nvinfer's file"),
    yes("config-file path -", "must be there"),
    mapped("batch-size int - 1..1024", why.SINGLY),
    yes("labelfile-path path -", "overrides the file's"),
    yes("interval int - 0..", "overrides the file's"),
    yes("bbox-border-colorN colour -", "overrides the file's border-color of class N"),
    *no(why.TENSORRT, "model-engine-file path -"),
    *no(why.ONE, "gie-unique-id int -"),
    *no(why.SECOND, "operate-on-gie-id int -1", "operate-on-class-ids ints -"),
    *no(why.DEVICE, "gpu-id int 0"),
    *no(why.MEMORY, "nvbuf-memory-type int 0"),
    *no(why.TENSORS, "infer-raw-output-dir path -", "input-tensor-meta flag 0"),
    *no("boxes are not filled", "bbox-bg-colorN colour -"),
)

_TRACKER = GroupKeys("tracker", (
    yes("enable flag 0"),
    yes("display-tracking-id flag 1"),
    mapped("ll-lib-file path -", "our own tracker, whatever it names"),
    mapped("ll-config-file path -", "what of it has a meaning here stands below; without effect where it is not there"),
    yes("hold-s float 1.0 0..3600", "ours: seconds for which a track is kept that is not found; over ll-config-file"),
    yes("smooth float 0.0 0..0.99", "ours: share of the old box, moved on, in the new one after 1/30 s; 0: off"),
    *no(why.BOXES, "tracker-width int 640", "tracker-height int 384", "compute-hw int 0",
         "tracking-surface-type int 0", "input-tensor-meta flag 0", "tensor-meta-gie-id int 0"),
    *no("the tracker takes frames singly, and knows of none but the last", "enable-batch-process flag 1",
         "enable-past-frame flag 0", "sub-batches text -", "sub-batch-err-recovery-trial-cnt int 0"),
    *no("ids start again with each stream", "tracking-id-reset-mode int 0"),
    *no(why.DEVICE, "gpu-id int 0"),
    *no(why.MEMORY, "user-meta-pool-size int 16"),
))  # fmt: skip

_CONVERTER = GroupKeys("message-converter", tuple(no(
    "messages are set in a sink of type 6", "enable flag 0", "msg-conv-config path -", "msg-conv-payload-type int 0",
    "msg-conv-msg2p-lib path -", "msg-conv-comp-id int 0", "debug-payload-dir path -", "multiple-payloads flag 0",
    "msg-conv-msg2p-new-api flag 0", "msg-conv-frame-interval int 30",
)), "messages are set in a sink of type 6")  # fmt: skip

_CONSUMER = GroupKeys("message-consumerN", tuple(no(
    "no commands are taken from a broker", "enable flag 0", "config-file path -", "proto-lib path -",
    "conn-str text -", "sensor-list-file path -", "subscribe-topic-list texts -",
)), "no commands are taken from a broker")  # fmt: skip

APP: Kept = (
    _APPLICATION,
    _TILED,
    *_SOURCES,
    _STREAMMUX,
    _SINK,
    _OSD,
    GroupKeys("primary-gie", _GIE_KEYS),
    GroupKeys("secondary-gieN|secondary-gie", _GIE_KEYS, why.SECOND),
    _TRACKER,
    _CONVERTER,
    _CONSUMER,
    GroupKeys("tests", (
        yes("file-loop flag 0"),
        *no("a source that is lost is opened again by itself", "pipeline-recreate-sec int 0"),
    )),
    GroupKeys("message-broker", ANY, "brokers are set in a sink of type 6"),
    GroupKeys("secondary-pre-processN|secondary-pre-process", ANY, why.SECOND),
    GroupKeys("pre-process", ANY, "the whole frame is looked at, and made ready as in training"),
    GroupKeys("nvds-analytics", ANY, "lines and zones are set by [lineN] and [zoneN]"),
    GroupKeys("ds-example", ANY, "it is an example of DeepStream's"),
    GroupKeys("dewarper", ANY, "pictures are taken as they come"),
    GroupKeys("img-save|frame-dump", ANY, "single pictures are not kept; `faceir detect` writes them"),
    GroupKeys("segvisual", ANY, "faces have no masks"),
    *OWN,
)  # fmt: skip
"""Groups of a deepstream-app file."""
