"""Where frames end: videos, pictures, text, labels, messages, live pictures.

Files are written under another name and renamed when whole, so that what carries its final name is
complete; after an exception nothing half-written is left. Sinks for live runs do otherwise and say so.

A sink whose `reopens` is true can be entered again after it failed: it goes on, or begins another file.
"""

from faceir.runtime.sinks.encode import Coding
from faceir.runtime.sinks.hls import Hls
from faceir.runtime.sinks.kafka import Kafka
from faceir.runtime.sinks.labels import KittiDump, KittiLabels
from faceir.runtime.sinks.lines import Csv, JsonLines, record
from faceir.runtime.sinks.many import Many
from faceir.runtime.sinks.messages import Messages, MessageState, deepstream_minimal
from faceir.runtime.sinks.mjpeg import MJPEG_TYPE, NewestJpeg
from faceir.runtime.sinks.mqtt import Mqtt
from faceir.runtime.sinks.pictures import AnnotatedPictures
from faceir.runtime.sinks.places import Names
from faceir.runtime.sinks.rtsp import RtspServer
from faceir.runtime.sinks.tiles import Tiles
from faceir.runtime.sinks.video import AnnotatedVideo
from faceir.runtime.sinks.webhook import Webhook

__all__ = [
    "MJPEG_TYPE",
    "AnnotatedPictures",
    "AnnotatedVideo",
    "Coding",
    "Csv",
    "Hls",
    "JsonLines",
    "Kafka",
    "KittiDump",
    "KittiLabels",
    "Many",
    "MessageState",
    "Messages",
    "Mqtt",
    "Names",
    "NewestJpeg",
    "RtspServer",
    "Tiles",
    "Webhook",
    "deepstream_minimal",
    "record",
]
