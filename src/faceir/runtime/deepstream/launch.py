"""`run_app`: a configuration as streams of the engine, run until they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faceir.contract import Contract
from faceir.errors import InputError, SpecError
from faceir.flow import Frame, Sink, Source, Stage
from faceir.runtime.deepstream.app_config import AppConfig, OsdConfig, SinkConfig, SourceConfig, TilesConfig
from faceir.runtime.deepstream.filter import FaceFilter
from faceir.runtime.deepstream.infer import Rgba
from faceir.runtime.detector import Detector
from faceir.runtime.draw import RGB, Osd
from faceir.runtime.live.engine import Engine, Stream
from faceir.runtime.live.state import StreamState
from faceir.runtime.live.watch import PerfLines
from faceir.runtime.pictures import PICTURES
from faceir.runtime.sinks import (
    AnnotatedVideo,
    Coding,
    Kafka,
    KittiDump,
    Messages,
    Mqtt,
    Names,
    RtspServer,
    Tiles,
    deepstream_minimal,
    record,
)
from faceir.runtime.sources import LiveOptions, Video, expand, is_device, is_url, open_live, open_source
from faceir.runtime.track import Tracker, TrackSettings

__all__ = ["run_app", "streams"]

PUSH_TIMEOUT_S = 0.04
"""For a batched-push-timeout of -1: no camera that is away may hold up the others for ever."""
MOUNT = "ds-test"
"""Path of an RTSP server's stream, as DeepStream has it."""
_FPS = 30
"""iframeinterval counts frames; sinks count seconds."""


def run_app(
    config: AppConfig,
    detector: Detector,
    until: threading.Event | None = None,
    say: Callable[[str], object] | None = None,
) -> list[StreamState]:
    """Run the application until its files end or `until` is set; each stream's last state.

    `detector` has the contract that `find_net` made of the configuration. `say` is given the **PERF lines. Raises
    `SpecError` or `InputError` for what cannot be set up; what befalls a stream or a sink later is in its state.
    """
    until = until or threading.Event()
    engine = Engine(
        detector,
        batch_size=config.mux.batch_size or len(config.sources),
        push_timeout_s=PUSH_TIMEOUT_S if config.mux.push_timeout_s is None else config.mux.push_timeout_s,
    )
    for stream in streams(config, detector.contract):
        engine.add(stream)
    ended = threading.Event()
    teller = threading.Thread(
        target=_tell,
        args=(engine, config.perf_interval_s, ended, say or (lambda _: None)),
        name="faceir perf",
        daemon=True,
    )
    if config.perf_interval_s:
        teller.start()
    try:
        engine.run(until)
    finally:
        ended.set()
        if config.perf_interval_s:
            teller.join()
    return engine.states()


def _tell(engine: Engine, interval_s: float, ended: threading.Event, say: Callable[[str], object]) -> None:
    """A **PERF line at once, every so often, and at the end."""
    perf, last = PerfLines(), False
    while True:
        for line in perf.lines(engine.states()):
            say(line)
        if last:
            return
        last = ended.wait(interval_s)


def streams(config: AppConfig, contract: Contract) -> list[Stream]:
    """What the engine is to run; nothing is opened."""
    for source in config.sources:
        _refuse_overwriting(source, config)
    names = [source.name for source in config.sources]
    sinks = _Sinks(config, contract, names, live=any(map(_is_live, config.sources)))
    paced = any(sink.kind == "rtsp" or (sink.kind == "file" and _tiled(sink, config)) for sink in config.sinks)
    return [
        Stream(
            source.name,
            _opener(source, config.loop, paced),
            _stages(source, config),
            sinks.of(number),
            config.infer.interval,
        )
        for number, source in enumerate(config.sources)
    ]


def _refuse_overwriting(source: SourceConfig, config: AppConfig) -> None:
    for sink in config.sinks:
        both = sink.kind == "file" and sink.path.exists() and Path(source.where).exists()
        if both and sink.path.samefile(source.where):
            raise InputError(sink.path, f"is written by [{sink.name}] and read by [{source.name}]", "another name")


def _is_live(source: SourceConfig) -> bool:
    return is_url(source.where) or is_device(source.where)


def _opener(source: SourceConfig, loop: bool, paced: bool) -> Callable[[], Source]:
    """Opens the source when called; what is wrong with its options is told at once."""
    if _is_live(source):
        options = LiveOptions(
            transport=source.protocol,
            latency_ms=source.latency_ms,
            reconnect_attempts=source.reconnect_attempts,
            silent_s=source.reconnect_s or LiveOptions.silent_s,
            every=source.every,
            pixel_format=source.pixel_format or None,
            size_wh=source.size_wh,
            fps=round(source.fps) if source.fps else None,
        )
        return lambda: open_live(source.where, options)
    return lambda: _Paced(_open_file(source, loop)) if paced else _open_file(source, loop)


def _open_file(source: SourceConfig, loop: bool) -> Source:
    found = expand(source.where)
    if len(found) == 1 and Path(found[0]).suffix.lower() not in PICTURES:
        return Video(found[0], loops=None if loop else 1, every=source.every)
    return open_source(source.where)


class _Paced:
    """A file whose frames come at their own times, for those who look on; it drops none."""

    live = False

    def __init__(self, source: Source) -> None:
        self._source = source

    def __iter__(self) -> Iterator[Frame]:
        start_s = time.monotonic()
        entered: Any = self._source if hasattr(self._source, "__enter__") else nullcontext()
        with entered:
            for frame in self._source:
                time.sleep(max(start_s + frame.time_s - time.monotonic(), 0))
                yield frame


def _stages(source: SourceConfig, config: AppConfig) -> list[Stage]:
    keep = FaceFilter(config.infer.attrs, config.infer.left_out, config.mux.frame)
    stages: list[Stage] = [_Named(source.name)]
    if not keep.idle:
        stages.append(keep)
    if config.tracker:
        stages.append(Tracker(TrackSettings(emit_unseen=config.infer.interval > 0)))
    return stages


@dataclass(frozen=True)
class _Named:
    """A stage that calls frames after their stream: two streams may read one file."""

    name: str

    def __call__(self, frame: Frame) -> Frame:
        return replace(frame, luma=lambda: frame.gray, colour=lambda: frame.rgb, source=self.name)


class _Sinks:
    """Sinks of the application, each made once, and which stream they serve."""

    def __init__(self, config: AppConfig, contract: Contract, names: list[str], live: bool) -> None:
        self._config, self._classes, self._names, self._live = config, contract.classes, names, live
        self._osd = _osd(config.osd, config)
        self._made = [(sink, self._make(sink)) for sink in config.sinks if sink.kind != "fake"]
        self._dumps: list[Sink] = [
            KittiDump(folder, self._classes, tracks, names)
            for folder, tracks in ((config.kitti_dir, False), (config.track_dir, True))
            if folder is not None
        ]

    def of(self, number: int) -> list[Sink]:
        """Sinks of the stream of that number."""
        return [made for sink, made in self._made if sink.source in (None, number)] + self._dumps

    def _make(self, sink: SinkConfig) -> Sink:
        if sink.source is not None and sink.source >= len(self._names):
            raise SpecError(self._config.path, f"[{sink.name}] is for stream {sink.source}",
                            f"0..{len(self._names) - 1}", "change its source-id")  # fmt: skip
        if sink.kind == "message":
            return self._messages(sink)
        coding = Coding(sink.codec, sink.bitrate, sink.key_interval / _FPS)
        if not (tiles := _tiled(sink, self._config)):
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
        spool = Path(self._config.path).parent / f".{Path(self._config.path).stem}_{sink.name}.spool"
        form = deepstream_minimal if sink.minimal else record
        return Messages(carrier, spool, self._classes, form, every=sink.message_every)


class _Mount(Names):
    """DeepStream's one path of an RTSP server."""

    def stem(self, source: str) -> str:
        return MOUNT


def _tiled(sink: SinkConfig, config: AppConfig) -> TilesConfig | None:
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
