"""`Outputs`: the sinks of an application, each made once, and which of them a stream is given to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from faceir.errors import SpecError
from faceir.flow import Sink
from faceir.runtime.deepstream.app_config import AppConfig, OsdConfig, SinkConfig, TilesConfig
from faceir.runtime.deepstream.infer import Rgba
from faceir.runtime.deepstream.own_sinks import HlsConfig, LinesConfig, OwnSink, WebhookConfig
from faceir.runtime.draw import RGB, Osd
from faceir.runtime.sinks import (
    AnnotatedVideo,
    Coding,
    Csv,
    Hls,
    JsonLines,
    Kafka,
    KittiDump,
    Messages,
    Mqtt,
    Names,
    RtspServer,
    Tiles,
    Webhook,
    deepstream_minimal,
    record,
)

__all__ = ["MOUNT", "Outputs", "tiled"]

MOUNT = "ds-test"
"""Path of an RTSP server's stream, as DeepStream has it."""
_SEVERAL = (Tiles, Messages, JsonLines, Csv, Hls)
"""Sinks that tell streams apart."""
_FPS = 30
"""iframeinterval counts frames; sinks count seconds."""


class Outputs:
    """Nothing is opened until the engine enters them. Raises `SpecError` for a sink of a stream that there is not."""

    def __init__(self, config: AppConfig, classes: Sequence[str], live: bool) -> None:
        self._config, self._classes, self._live = config, classes, live
        self._names = [source.name for source in config.sources]
        self._osd = _osd(config.osd, config)
        wanted = (*(sink for sink in config.sinks if sink.kind != "fake"), *config.own_sinks)
        self._made = [(sink, self._make(sink)) for sink in wanted]
        self._dumps: list[Sink] = [
            KittiDump(folder, self._classes, tracks, self._names)
            for folder, tracks in ((config.kitti_dir, False), (config.track_dir, True))
            if folder is not None
        ]

    def of(self, number: int) -> list[Sink]:
        """Sinks of the stream of that number."""
        return [made for sink, made in self._made if sink.source in (None, number)] + self._dumps

    def of_added(self) -> list[Sink]:
        """Sinks of a stream that came while the others ran: those that tell streams apart."""
        many = (made for sink, made in self._made if sink.source is None and isinstance(made, _SEVERAL))
        return [*many, *self._dumps]

    def _make(self, sink: SinkConfig | OwnSink) -> Sink:
        if sink.source is not None and sink.source >= len(self._names):
            raise SpecError(self._config.path, f"[{sink.name}] is for stream {sink.source}",
                            f"0..{len(self._names) - 1}", "change its source-id")  # fmt: skip
        match sink:
            case LinesConfig():
                return (JsonLines if sink.kind == "jsonl" else Csv)(sink.path, self._classes, self._live)
            case HlsConfig():
                coding = Coding(sink.codec, sink.bitrate)
                return Hls(
                    sink.folder, self._classes, coding=coding, segment_s=sink.segment_s, keep=sink.keep, osd=self._osd
                )
            case WebhookConfig():
                carrier = Webhook(sink.url, dict(sink.headers), sink.timeout_s)
                every, faces_only = sink.every, sink.faces_only
                return Messages(carrier, self._spool(sink.name), self._classes, every=every, faces_only=faces_only)
        if sink.kind == "message":
            return self._messages(sink)
        coding = Coding(sink.codec, sink.bitrate, sink.key_interval / _FPS)
        if not (tiles := tiled(sink, self._config)):
            return self._video(sink, coding, self._osd)
        # Faces are drawn in the tiles, so that nothing is left to draw on the whole.
        whole = self._video(sink, coding, Osd(boxes=False, text=False))
        return Tiles(tiles.rows, tiles.columns, tiles.size_wh, whole, self._classes, streams=self._names, osd=self._osd)

    def _video(self, sink: SinkConfig, coding: Coding, osd: Osd) -> Sink:
        if sink.kind == "rtsp":  # as DeepStream: open to the whole network
            return RtspServer(sink.rtsp_port, self._classes, address="0.0.0.0", coding=coding, osd=osd, names=_Mount())
        return AnnotatedVideo(sink.path, None, self._classes, coding=coding, live=self._live, osd=osd)

    def _messages(self, sink: SinkConfig) -> Sink:
        host, port = sink.address
        carrier = Mqtt(host, sink.topic, port) if sink.broker == "mqtt" else Kafka(f"{host}:{port}", sink.topic)
        form = deepstream_minimal if sink.minimal else record
        return Messages(carrier, self._spool(sink.name), self._classes, form, every=sink.message_every)

    def _spool(self, name: str) -> Path:
        """Where the messages of a sink wait."""
        path = Path(self._config.path)
        return path.parent / f".{path.stem}_{name}.spool"


class _Mount(Names):
    """DeepStream's one path of an RTSP server."""

    def stem(self, source: str) -> str:
        return MOUNT


def tiled(sink: SinkConfig, config: AppConfig) -> TilesConfig | None:
    """The tiles of a sink that shows all streams; one stream alone is shown as it is."""
    return config.tiles if sink.source is None and len(config.sources) > 1 else None


def _osd(osd: OsdConfig | None, config: AppConfig) -> Osd:
    """What is drawn; DeepStream writes class and id, not the score."""
    if osd is None:
        return Osd(boxes=False, text=False)
    return Osd(
        boxes=osd.show_boxes and osd.border_width > 0,
        text=osd.show_text and osd.text_size > 0,
        ids=config.show_ids,
        scores=False,
        border_px=osd.border_width,
        text_px=osd.text_size,
        box_rgb=_rgb(config.infer.attrs[0].border),
        text_rgb=_rgb(osd.text),
        text_bar_rgb=_rgb(osd.text_background) if osd.text_background else None,
        clock=osd.clock,
        clock_xy=osd.clock_xy,
        clock_px=osd.clock_size,
        clock_rgb=_rgb(osd.clock_colour),
    )


def _rgb(colour: Rgba) -> RGB:
    red, green, blue = (round(255 * part) for part in colour[:3])
    return red, green, blue
