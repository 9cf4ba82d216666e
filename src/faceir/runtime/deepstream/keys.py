"""Every key of DeepStream's two files: what it is, and whether it acts here, as something else, or not at all.

A row is "name kind default range", with - for no default. In names N stands for a number and * for anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast

from faceir.runtime.deepstream.values import KINDS, Kind

__all__ = ["APP", "INFER", "TRACKER_FILE", "GroupKeys", "Here", "Kept", "Key", "document", "find_group"]

Here = Literal["honoured", "mapped", "no meaning"]
Kept = tuple["GroupKeys", ...]


@dataclass(frozen=True)
class Key:
    """One key of the table."""

    name: str
    kind: Kind
    default: str
    """As it would be written; "" = none."""
    here: Here
    note: str = ""
    """Mapped to what, limits, or why it has no meaning."""
    low: float | None = None
    high: float | None = None
    choices: tuple[int, ...] = ()

    @property
    def wanted(self) -> str:
        """What may stand there, in words."""
        if self.choices:
            return ", ".join(map(str, self.choices))
        if self.low is not None or self.high is not None:
            return f"{'' if self.low is None else f'{self.low:g}'}..{'' if self.high is None else f'{self.high:g}'}"
        return KINDS[self.kind]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _pattern(self.name)

    def fits(self, name: str) -> bool:
        """Whether `name` is this key."""
        return self._pattern.fullmatch(name) is not None


@dataclass(frozen=True)
class GroupKeys:
    """One group of the table."""

    name: str
    keys: tuple[Key, ...]
    why_not: str = ""
    """Not empty: the whole group has no meaning here, for this reason."""
    ours: bool = False
    """An extension, which DeepStream does not know."""

    def fits(self, name: str) -> bool:
        """Whether `name` is such a group."""
        return _pattern(self.name).fullmatch(name) is not None

    def find(self, name: str) -> Key | None:
        """The key of that name, if there is one."""
        return next((key for key in self.keys if key.fits(name)), None)


def _pattern(name: str) -> re.Pattern[str]:
    """The pattern for a name of the table: a last N is a number, a last * anything, a|b one of two."""
    named = re.sub(r"(?<=[a-z-])N(?=$|\|)", "\0", name)
    return re.compile(re.escape(named).replace("\0", r"[0-9]{1,6}").replace(r"\*", ".*").replace(r"\|", "|"))


def find_group(table: Kept, name: str) -> GroupKeys | None:
    """The group of that name, if there is one."""
    return next((group for group in table if group.fits(name)), None)


def _row(spec: str, here: Here, note: str) -> Key:
    name, kind, default, *limits = spec.split()
    low, dots, high = (limits[0] if limits else "").partition("..")
    return Key(
        name,
        cast(Kind, kind),
        "" if default == "-" else default,
        here,
        note,
        float(low) if dots and low else None,
        float(high) if dots and high else None,
        tuple(int(choice) for choice in low.split(",")) if low and not dots else (),
    )


def _yes(spec: str, note: str = "") -> Key:
    return _row(spec, "honoured", note)


def _as(spec: str, note: str) -> Key:
    return _row(spec, "mapped", note)


def _no(why: str, *specs: str) -> Iterator[Key]:
    return (_row(spec, "no meaning", why) for spec in specs)


_DEVICE = "the net runs on the CPU through OpenVINO, there is no GPU to choose"
_MEMORY = "pictures lie in ordinary memory"
_TENSORRT = "no TensorRT engine is built or loaded, the ONNX file runs as it is"
_NAMED = "the model's contract names its tensors"
_SECOND = "only whole frames are searched, no detector works on what another found"
_CLASSIFIER = "faces are detected, not classified"
_TENSORS = "faces are handed on, not tensors"
_FFMPEG = "FFmpeg decodes on the CPU"
_DISPLAY = "there is no window or screen"
_TIMES = "a camera's frames carry wall time, a file's their time in the file"
_ALONE = "streams do not wait for each other"
_COMPONENT = "nothing here is told apart by component"
_SINGLY = "pictures go to the net one by one as they come, as many at once as keep it busy"
_BOXES = "tracks follow boxes, not pixels"
_RECORD = "a sink of type 3 records all the time, nothing starts and ends on events"

_PROPERTY = GroupKeys("property", (
    _yes("onnx-file path -"),
    _as("tlt-encoded-model path -", "refused without --model: only NVIDIA's converter opens an .etlt"),
    _as("uff-file path -", "refused without onnx-file or --model"),
    _as("model-file path -", "refused without onnx-file or --model"),
    _as("proto-file path -", "refused without onnx-file or --model"),
    _as("model-engine-file path -", "refused without onnx-file or --model, else left alone: no engine is needed"),
    *_no("a model sealed by faceir is opened with FACEIR_KEY, an .etlt not at all", "tlt-model-key text -"),
    *_no("an INT8 model carries its scales", "int8-calib-file path -"),
    _yes("labelfile-path path -", "one class a line; without it the model's own classes"),
    _yes("net-scale-factor float 1.0", "only 1/255, which is built in"),
    _yes("offsets floats -", "only zeros, as the nets take no means off"),
    _yes("mean-file path -", "refused, as the nets take no means off"),
    _as("model-color-format int 0 0,1,2", "all the same: the net sees luminance"),
    _yes("infer-dims ints -", "channels;height;width, must be the model's"),
    _as("input-dims ints -", "infer-dims"),
    _as("uff-input-dims ints -", "infer-dims"),
    _as("batch-size int 1 1..1024", _SINGLY),
    _as("network-mode int 0 0,1,2", "0: computed in FP32; 1, 2: in what is fastest, and INT8 if the file is INT8"),
    _yes("network-type int 0 0", "detectors only"),
    _yes("process-mode int 1 1", "whole frames only"),
    _yes("num-detected-classes int - 1..1024", "must be there"),
    _yes("interval int 0 0..", "frames between two that are looked at, of each stream"),
    _yes("cluster-mode int 0 0,1,2,3,4"),
    _as("enable-dbscan flag 0", "cluster-mode=1, where that key is missing"),
    _as("maintain-aspect-ratio flag 0", "Fit.keep_aspect"),
    _as("symmetric-padding flag 0", "the picture lies at the top left; boxes come back to the same place"),
    _yes("filter-out-class-ids ints -"),
    *_no(_DEVICE, "gpu-id int 0", "enable-dla flag 0", "use-dla-core int 0"),
    *_no(_NAMED, "uff-input-blob-name text -", "output-blob-names texts -"),
    *_no("DetectNet_v2's grids are the only output that is read", "parse-bbox-func-name text -",
         "custom-lib-path path -"),
    *_no("pictures are shrunk by area, as in training", "scaling-filter int 0", "scaling-compute-hw int 0"),
    *_no(_TENSORRT, "workspace-size int 0", "force-implicit-batch-dim flag 0", "layer-device-precision texts -",
         "output-io-formats texts -"),
    *_no(_TENSORS, "output-tensor-meta flag 0", "input-tensor-from-meta flag 0", "output-instance-mask flag 0"),
    *_no("there is one detector, and what it finds bears no number of it", "gie-unique-id int 15"),
    *_no(_SECOND, "operate-on-gie-id int -1", "operate-on-class-ids ints -", "crop-objects-to-roi-boundary flag 0",
         "input-object-min-width int 0", "input-object-min-height int 0", "input-object-max-width int 0",
         "input-object-max-height int 0", "secondary-reinfer-interval int 0"),
    *_no(_CLASSIFIER, "classifier-threshold float 0", "classifier-async-mode flag 0", "is-classifier flag 0",
         "threshold float 0"),
))  # fmt: skip

_CLASS_ATTRS = GroupKeys("class-attrs-all|class-attrs-N", (
    _yes("pre-cluster-threshold float 0.2 0.."),
    _as("threshold float - 0..", "pre-cluster-threshold, where that key is missing"),
    _yes("post-cluster-threshold float 0 0..", "not with cluster-mode 0, whose boxes score -0.1 in DeepStream"),
    _yes("nms-iou-threshold float 0.3 0..1"),
    _yes("topk int -1 -1.."),
    _yes("eps float 0 0.."),
    _yes("group-threshold int 0 0..", "0: boxes are not grouped"),
    _yes("minBoxes int 0 0..", "0: boxes are not grouped"),
    _yes("dbscan-min-score float 0 0.."),
    _yes("detected-min-w int 0 0..", "pixels of the streammux's frame"),
    _yes("detected-min-h int 0 0..", "pixels of the streammux's frame"),
    _yes("detected-max-w int 0 0..", "pixels of the streammux's frame, 0: any"),
    _yes("detected-max-h int 0 0..", "pixels of the streammux's frame, 0: any"),
    _yes("roi-top-offset int 0 0..", "pixels of the streammux's frame"),
    _yes("roi-bottom-offset int 0 0..", "pixels of the streammux's frame"),
    _yes("border-color colour 1;0;0;1", "class 0's is that of all boxes"),
    *_no("boxes are not filled", "bg-color colour -"),
))  # fmt: skip

INFER: Kept = (_PROPERTY, _CLASS_ATTRS)
"""Groups of config_infer_primary*.txt."""

_APPLICATION = GroupKeys("application", (
    _yes("enable-perf-measurement flag 0"),
    _yes("perf-measurement-interval-sec int 5 1.."),
    _yes("gie-kitti-output-dir path -"),
    _yes("kitti-track-output-dir path -"),
    *_no("faces are not recognised again", "reid-track-output-dir path -"),
    *_no(_DEVICE, "global-gpu-id int 0"),
))  # fmt: skip

_TILED = GroupKeys("tiled-display", (
    _yes("enable flag 0"),
    _yes("rows int 1 1.."),
    _yes("columns int 1 1.."),
    _yes("width int 1280 1.."),
    _yes("height int 720 1.."),
    *_no(_DEVICE, "gpu-id int 0", "compute-hw int 0"),
    *_no(_MEMORY, "nvbuf-memory-type int 0", "buffer-pool-size int 4"),
))  # fmt: skip

_SOURCE_KEYS = (
    _yes("enable flag 0"),
    _yes("type int 3 1,2,3,4,5", "1 V4L2, 2 URI, 3 MultiURI, 4 RTSP; 5 CSI is refused, as only a Jetson has it"),
    _yes("uri text -", "rtsp:// http:// file:// or a path, relative to this file; with type 3 %d is the number"),
    _yes("num-sources int 1 1..1024"),
    _yes("camera-width int 0 0.."),
    _yes("camera-height int 0 0.."),
    _yes("camera-fps-n int 0 0.."),
    _yes("camera-fps-d int 1 1.."),
    _yes("camera-v4l2-dev-node int 0 0..", "N of /dev/videoN"),
    _yes("video-format text -", "pixel format of the camera: GREY, Y16, NV12, YUY2, MJPG"),
    _yes("latency int 100 0..", "ms that an RTSP stream may be held to put packets in order"),
    _yes("rtsp-reconnect-interval-sec int 0 0..", "silence after which a stream is opened again, 0: 5 s"),
    _yes("rtsp-reconnect-attempts int -1 -1..", "-1: for ever"),
    _yes("select-rtp-protocol int 0 0,1,2,4,7", "4: TCP; 1, 2: UDP; 0, 7: TCP, which loses nothing"),
    _yes("drop-frame-interval int 0 0..", "N: of each N frames the first is used"),
    *_no("a stream is named after its group", "source-id int -1", "camera-id int -1"),
    *_no("only a Jetson has CSI cameras", "camera-csi-sensor-id int 0"),
    *_no(_DEVICE, "gpu-id int 0"),
    *_no(_MEMORY, "nvbuf-memory-type int 0"),
    *_no(_FFMPEG, "num-decode-surfaces int 16", "num-extra-surfaces int 5", "low-latency-decode flag 0",
         "cudadec-memtype int 0", "intra-decode-enable flag 0"),
    *_no("FFmpeg chooses its buffers", "udp-buffer-size int 0"),
    *_no(_RECORD, "smart-rec* text -"),
    *_no("sound is not read", "alsa-device text -"),
)  # fmt: skip

_SOURCES = (
    GroupKeys("sourceN", _SOURCE_KEYS),
    GroupKeys("source-attr-all", _SOURCE_KEYS),
    GroupKeys("source", (_yes("csv-file-path path -", "a table with a header of [sourceN]'s keys, a source a line"),)),
    GroupKeys("source-list", (
        _yes("num-source-bins int 0 0..", "how many of `list` are used, 0: all"),
        _yes("list texts -"),
        _as("sensor-id-list texts -", "names of the streams"),
        _as("max-batch-size int 0 0..", "[streammux] batch-size, where that key is missing"),
        *_no("sources are opened the same way with and without it", "use-nvmultiurisrcbin flag 0"),
        *_no("no REST service is started here", "http-ip text localhost", "http-port int 9000"),
        *_no(_SECOND, "sgie-batch-size int 0"),
    )),
)  # fmt: skip

_STREAMMUX = GroupKeys("streammux", (
    _as("width int 0 0..", "frame in whose pixels class-attrs count; frames keep their own size"),
    _as("height int 0 0..", "as width"),
    _as("enable-padding flag 0", "whether that frame keeps the picture's aspect"),
    _as("batch-size int 0 0..", f"0: one frame of each stream; {_SINGLY}"),
    _as("batched-push-timeout int -1 -1..", f"microseconds, -1: 40000; {_SINGLY}"),
    *_no("each source knows whether it is live", "live-source flag 0"),
    *_no(_DEVICE, "gpu-id int 0"),
    *_no(_MEMORY, "buffer-pool-size int 4", "nvbuf-memory-type int 0", "num-surfaces-per-frame int 1"),
    *_no(_TIMES, "attach-sys-ts-as-ntp flag 1", "frame-duration int -1", "frame-num-reset-on-eos flag 0"),
    *_no(_ALONE, "sync-inputs flag 0", "max-latency int 0", "async-process flag 1", "drop-pipeline-eos flag 0"),
    *_no("the batch has no other settings than these", "config-file path -"),
))  # fmt: skip

_SINK = GroupKeys("sinkN", (
    _yes("enable flag 0"),
    _yes("type int 2 1,2,3,4,5,6", "1 nothing, 3 file, 4 RTSP, 6 messages; 2 and 5, a window, become nothing"),
    _yes("source-id int -1 -1..", "the stream of that number alone, when display is not tiled"),
    _yes("link-to-demux flag 0", "source-id counts in tiled display too"),
    _yes("container int 1 1,2", "1 MP4, 2 MKV"),
    _yes("codec int 1 1,2,3", "1 H.264, 2 H.265; 3 MPEG-4 becomes H.264"),
    _yes("bitrate int 0 0..", "bits/s, 0: even quality"),
    _yes("iframeinterval int 30 0.."),
    _yes("output-file path -"),
    _yes("rtsp-port int 8554 1..65535", "at path /ds-test, open to the whole network"),
    _as("sync flag 1", "files run at their own pace for RTSP and tiles of several streams, else as fast as they can"),
    _as("msg-conv-payload-type int 0 0,1,2,256,257", "1: DeepStream's minimal schema; others: ours"),
    _yes("msg-conv-frame-interval int 30 1.."),
    _as("msg-broker-proto-lib path -", "MQTT or Kafka, by its name"),
    _yes("msg-broker-conn-str text -", "host;port or host;port;topic"),
    _yes("topic text -"),
    *_no(_DISPLAY, "width int 0", "height int 0", "plane-id int 0", "conn-id int 0", "color-range int 0", "qos flag 0"),
    *_no(_DEVICE, "gpu-id int 0", "enc-type int 0"),
    *_no("the encoder chooses it by the picture", "profile int 0"),
    *_no(_MEMORY, "nvbuf-memory-type int 0"),
    *_no("RTSP is served without a detour over UDP", "udp-port int 5000"),
    *_no("messages are made without NVIDIA's libraries", "msg-conv-config path -", "msg-conv-msg2p-lib path -",
         "msg-broker-config path -", "new-api flag 0", "disable-msgconv flag 0"),
    *_no(_COMPONENT, "msg-conv-comp-id int 0", "msg-broker-comp-id int 0"),
))  # fmt: skip

_OSD = GroupKeys("osd", (
    _yes("enable flag 0"),
    _yes("border-width int 1 0.."),
    _yes("text-size int 12 0.."),
    _yes("text-color colour 1;1;1;1"),
    _yes("text-bg-color colour -"),
    _yes("show-clock flag 0"),
    _yes("clock-x-offset int 0 0.."),
    _yes("clock-y-offset int 0 0.."),
    _yes("clock-text-size int 12 0.."),
    _yes("clock-color colour 1;1;1;1"),
    _yes("display-text flag 1"),
    _yes("display-bbox flag 1"),
    *_no("there is one font", "font text Serif"),
    *_no("faces have no masks", "display-mask flag 0"),
    *_no(_DEVICE, "gpu-id int 0", "process-mode int 0", "hw-blend-color-attr text -"),
    *_no(_MEMORY, "nvbuf-memory-type int 0"),
))  # fmt: skip

_GIE_KEYS = (
    _yes("enable flag 0"),
    _yes("plugin-type int 0 0", "1, Triton, is refused"),
    _yes("config-file path -", "must be there"),
    _as("batch-size int - 1..1024", _SINGLY),
    _yes("labelfile-path path -", "overrides the file's"),
    _yes("interval int - 0..", "overrides the file's"),
    _yes("bbox-border-colorN colour -", "overrides the file's border-color of class N"),
    *_no(_TENSORRT, "model-engine-file path -"),
    *_no("there is one detector, and what it finds bears no number of it", "gie-unique-id int -"),
    *_no(_SECOND, "operate-on-gie-id int -1", "operate-on-class-ids ints -"),
    *_no(_DEVICE, "gpu-id int 0"),
    *_no(_MEMORY, "nvbuf-memory-type int 0"),
    *_no(_TENSORS, "infer-raw-output-dir path -", "input-tensor-meta flag 0"),
    *_no("boxes are not filled", "bbox-bg-colorN colour -"),
)

_TRACKER = GroupKeys("tracker", (
    _yes("enable flag 0"),
    _yes("display-tracking-id flag 1"),
    _as("ll-lib-file path -", "our own tracker, whatever it names"),
    _as("ll-config-file path -", "what of it has a meaning here stands below; without effect where it is not there"),
    _yes("hold-s float 1.0 0..3600", "ours: seconds for which a track is kept that is not found; over ll-config-file"),
    _yes("smooth float 0.0 0..0.99", "ours: share of the old box, moved on, in the new one after 1/30 s; 0: off"),
    *_no(_BOXES, "tracker-width int 640", "tracker-height int 384", "compute-hw int 0",
         "tracking-surface-type int 0", "input-tensor-meta flag 0", "tensor-meta-gie-id int 0"),
    *_no("ids start again with each stream", "tracking-id-reset-mode int 0"),
    *_no(_DEVICE, "gpu-id int 0"),
    *_no(_MEMORY, "user-meta-pool-size int 16"),
))  # fmt: skip

_CONVERTER = GroupKeys("message-converter", tuple(_no(
    "messages are set in a sink of type 6", "enable flag 0", "msg-conv-config path -", "msg-conv-payload-type int 0",
    "msg-conv-msg2p-lib path -", "msg-conv-comp-id int 0", "debug-payload-dir path -", "multiple-payloads flag 0",
    "msg-conv-msg2p-new-api flag 0", "msg-conv-frame-interval int 30",
)), "messages are set in a sink of type 6")  # fmt: skip

_CONSUMER = GroupKeys("message-consumerN", tuple(_no(
    "no commands are taken from a broker", "enable flag 0", "config-file path -", "proto-lib path -",
    "conn-str text -", "sensor-list-file path -", "subscribe-topic-list texts -",
)), "no commands are taken from a broker")  # fmt: skip

_PLACES = (
    _yes("enable flag 1"),
    _yes("name text -", "in events and totals; without it the group's"),
)
_OUT = (
    _yes("enable flag 1"),
    _yes("source-id int -1 -1..", "the stream of that number alone, -1: all"),
)
_OURS = (
    GroupKeys("redact", (
        _yes("enable flag 1"),
        _yes("mode text blur", "blur, pixelate, solid"),
        _yes("strength float 0.5 0..1", "side of a block as a share of the face's longer side"),
        _yes("grow float 0.25 0..", "covered beyond the box on each side, share of its width and height"),
        _yes("shape text box", "box, ellipse"),
        _yes("hold-s float 0.5 0..", "seconds for which a face stays covered where it is missed"),
        _yes("drift float 1.0 0..", "how fast it may move meanwhile, its own sizes a second"),
        _yes("fail-safe flag 1", "cover the whole picture when nothing is known of its faces"),
        _yes("sure float 0.0 0..1", "faces that score less and have no track are covered, but not handed on"),
    ), ours=True),
    GroupKeys("lineN", (
        *_PLACES, _yes("points floats -", "x1;y1;x2;y2, from and to, shares of the picture's width and height"),
    ), ours=True),
    GroupKeys("zoneN", (
        *_PLACES, _yes("points floats -", "x1;y1;x2;y2;x3;y3 and more, its corners, shares as of lines"),
    ), ours=True),
    GroupKeys("jsonlN", (
        *_OUT, _yes("output-file path -", "must be there; a line of JSON a frame; of cameras it is continued"),
    ), ours=True),
    GroupKeys("csvN", (
        *_OUT, _yes("output-file path -", "must be there; a row a face; of cameras it is continued"),
    ), ours=True),
    GroupKeys("hlsN", (
        *_OUT,
        _yes("output-folder path -", "must be there; FOLDER/STREAM/index.m3u8 for each stream, for any web server"),
        _yes("codec int 1 1,2", "1 H.264, 2 H.265"),
        _yes("bitrate int 0 0..", "bits/s, 0: even quality"),
        _yes("segment-s float 2.0 0.2..60", "seconds a segment lasts, about"),
        _yes("keep int 6 2..", "segments that are listed; those before are deleted"),
    ), ours=True),
    GroupKeys("webhookN", (
        *_OUT,
        _yes("url text -", "must be there; http:// or https://, is posted what a line of [jsonlN] says"),
        _yes("headers texts -", "Name: value with ; between, as for a token; never shown"),
        _yes("timeout-s float 5.0 0.1..", "seconds to wait for an answer; what was not taken waits on disk"),
        _yes("frame-interval int 1 1..", "every N-th frame of each stream"),
        _yes("faces-only flag 0", "of those only frames with faces"),
    ), ours=True),
)  # fmt: skip

_ANY = (Key("*", "text", "", "no meaning"),)

APP: Kept = (
    _APPLICATION,
    _TILED,
    *_SOURCES,
    _STREAMMUX,
    _SINK,
    _OSD,
    GroupKeys("primary-gie", _GIE_KEYS),
    GroupKeys("secondary-gieN|secondary-gie", _GIE_KEYS, _SECOND),
    _TRACKER,
    _CONVERTER,
    _CONSUMER,
    GroupKeys("tests", (
        _yes("file-loop flag 0"),
        *_no("a source that is lost is opened again by itself", "pipeline-recreate-sec int 0"),
    )),
    GroupKeys("message-broker", _ANY, "brokers are set in a sink of type 6"),
    GroupKeys("pre-process", _ANY, "the whole frame is looked at, and made ready as in training"),
    GroupKeys("nvds-analytics", _ANY, "lines and zones are set by [lineN] and [zoneN]"),
    GroupKeys("ds-example", _ANY, "it is an example of DeepStream's"),
    GroupKeys("dewarper", _ANY, "pictures are taken as they come"),
    GroupKeys("img-save", _ANY, "single pictures are not kept; `faceir detect` writes them"),
    GroupKeys("segvisual", _ANY, "faces have no masks"),
    *_OURS,
)  # fmt: skip
"""Groups of a deepstream-app file."""

_OVERLAP = "overlap alone tells which face is whose"
TRACKER_FILE: Kept = (
    GroupKeys("BaseConfig", (
        _as("minDetectorConfidence float - -1..1", "faces that score less are left out; else weak ones below 0.1"),
    )),
    GroupKeys("TargetManagement", (
        _as("probationAge int - 0..100000", "frames in which a face is found after the first to get its id, else 1"),
        _as("maxShadowTrackingAge int - 0..100000", "frames for which a track is kept that is not found, else 1 s"),
        *_no("a track without an id ends at its first miss", "earlyTerminationAge int 1"),
        *_no(_BOXES, "minTrackerConfidence float 0"),
        *_no("boxes stay as they were found", "enableBboxUnClipping flag 0"),
        *_no("there may be any number of tracks", "maxTargetsPerStream int 30"),
        *_no("each face without a track starts one", "minIouDiff4NewTarget float 0", "minIou4TargetDuplicate float 1",
             "targetDuplicateRunInterval int 1"),
        *_no("ids start again with each stream", "preserveStreamUpdateOrder flag 0"),
        *_no("only what is found goes out; [redact] covers the rest", "outputShadowTracks flag 0",
             "outputTerminatedTracks flag 0", "terminatedTrackFilename text -", "shadowTrackFilename text -"),
    )),
    GroupKeys("DataAssociator", (
        _as("associationMatcherType int 0 0,1", "1: in two stages, 0: in one; best in all, never greedy"),
        _as("tentativeDetectorConfidence float - 0..1",
            "of two stages: faces that score less only carry tracks on, in the second"),
        _as("minMatchingScore4Iou float - 0..1", "least overlap (IoU) with where a face is expected, else 0.2"),
        _as("minMatchingScore4TentativeIou float - 0..1", "the like in the second stage, else 0.5"),
        *_no("classes do not mix", "checkClassMatch flag 1"),
        *_no("faces are looked for where they are expected", "usePrediction4Assoc flag 0"),
        *_no(_OVERLAP, "dataAssociatorType int 0", "minMatchingScore4Overall float 0",
             "minMatchingScore4SizeSimilarity float 0", "minMatchingScore4VisualSimilarity float 0",
             "minMatchingScore4ReidSimilarity float 0", "matchingScoreWeight4Iou float 1",
             "matchingScoreWeight4SizeSimilarity float 0", "matchingScoreWeight4VisualSimilarity float 0",
             "matchingScoreWeight4ReidSimilarity float 0", "thresholdMahalanobis float -1"),
    )),
    GroupKeys("StateEstimator", _ANY, "noise is a share of the face's height"),
    GroupKeys("TrajectoryManagement", _ANY, "a track that has ended is not taken up again"),
    GroupKeys("VisualTracker", _ANY, _BOXES),
    GroupKeys("ReID", _ANY, "faces are not told apart by their looks"),
    GroupKeys("Segmenter", _ANY, "faces have no masks"),
    GroupKeys("ObjectModelProjection", _ANY, "nothing is known of the camera's place"),
    GroupKeys("PoseEstimator", _ANY, "faces have no joints"),
    GroupKeys("Communicator", _ANY, "no tracks are shared between machines"),
)  # fmt: skip
"""Groups of the file that [tracker] ll-config-file names."""


def document() -> str:
    """The table as Markdown, for docs/deepstream.md."""
    lines = []
    for group in (*INFER, *APP, *TRACKER_FILE):
        shown = "`{}:` of `ll-config-file`" if group in TRACKER_FILE else "`[{}]`"
        names = " ".join(shown.format(name) for name in group.name.split("|"))
        lines += [f"### {names}", ""]
        if group.why_not:
            lines += [f"No meaning here: {group.why_not}.", ""]
        if group.why_not and group.keys == _ANY:
            continue
        if group.ours:
            lines += ["An extension: DeepStream does not know it.", ""]
        lines += ["| key | value | default | here | |", "|---|---|---|---|---|"]
        lines += [f"| `{k.name}` | {k.wanted} | {k.default} | {k.here} | {k.note} |" for k in group.keys]
        lines.append("")
    return "\n".join(lines)
