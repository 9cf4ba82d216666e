"""`plan`: the resolved pipeline in words, step by step, as `faceir app --check` prints and draws it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from faceir.cluster import ClusterParams
from faceir.contract import Contract
from faceir.runtime.deepstream.app_config import AppConfig, SinkConfig, SourceConfig
from faceir.runtime.deepstream.filter import FaceFilter
from faceir.runtime.deepstream.own_sinks import HlsConfig, LinesConfig, OwnSink
from faceir.runtime.redact import RedactParams
from faceir.runtime.sources import public_name, public_text
from faceir.runtime.track import TrackSettings

__all__ = ["Plan", "Step", "plan"]


@dataclass(frozen=True)
class Step:
    """One box of the picture, one branch of the tree."""

    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Sources side by side, then one step after the other, then sinks side by side."""

    sources: tuple[Step, ...]
    line: tuple[Step, ...]
    sinks: tuple[Step, ...]


def plan(config: AppConfig, model: str, contract: Contract | None) -> Plan:
    """What `config` does; `model` says which net, `contract` what of it is known, None = it cannot be opened."""
    return Plan(
        tuple(_source(source, config.loop) for source in config.sources),
        tuple(_line(config, model, contract)),
        (*(_sink(sink) for sink in config.sinks), *(_own_sink(sink) for sink in config.own_sinks), *_beside(config)),
    )


def _source(source: SourceConfig, loop: bool) -> Step:
    lines = [public_name(source.where)]
    if source.kind == "v4l2":
        size = f"{source.size_wh[0]} x {source.size_wh[1]}" if source.size_wh else "its own size"
        rate = f"{source.fps:g} fps" if source.fps else "its own rate"
        lines.append(f"V4L2, {size}, {rate}, {source.pixel_format or 'its own format'}")
    elif source.where.lower().startswith("rtsp"):
        attempts = "for ever" if source.reconnect_attempts < 0 else f"{source.reconnect_attempts} times"
        lines.append(f"RTSP by {source.protocol.upper()}, latency {source.latency_ms} ms, opened again {attempts}")
    elif "://" not in source.where and loop:
        lines.append("again at its end")
    if source.every > 1:
        lines.append(f"the first of each {source.every} frames")
    return Step(source.name, tuple(lines))


def _line(config: AppConfig, model: str, contract: Contract | None) -> Iterator[Step]:
    mux, infer = config.mux, config.infer
    batch = mux.batch_size or len(config.sources)
    wait = "40 ms" if mux.push_timeout_s is None else f"{mux.push_timeout_s * 1e3:g} ms"
    frame = mux.frame.size_wh
    unit = "each stream's own pixels" if frame is None else f"{frame[0]} x {frame[1]} pixels"
    if frame is not None and mux.frame.padded:
        unit += ", padded"
    yield Step("mux", (f"batch of {batch}, waits {wait}", f"sizes count in {unit}"))
    if config.dark_gate:
        yield Step("dark gate", ("dark frames are not looked at",))
    every = "every frame" if infer.interval == 0 else f"one frame, then {infer.interval} not"
    yield Step("detect", (model, *_net(contract), f"{every}, {infer.precision}"))
    for name, params in zip(
        _classes(config, contract), (a.params(infer.cluster_mode) for a in infer.attrs), strict=True
    ):
        yield Step(f"cluster {name}", tuple(_clustering(params)))
    filters = [Step("filter", tuple(_filters(config)))]
    if FaceFilter(infer.attrs, infer.left_out, mux.frame).idle:
        filters = []
    if not config.redact:
        yield from filters
    if config.tracking is not None:
        yield Step("track", ("IoU and Kalman", *_tracking(config.tracking)))
    if config.redact:
        yield Step("redact", tuple(_redaction(config.redact)))
        yield from filters
    if config.places:
        names = [*(line.name for line in config.places.lines), *(zone.name for zone in config.places.zones)]
        yield Step("count", tuple(names))
    if config.tiles is not None and len(config.sources) > 1:
        width, height = config.tiles.size_wh
        yield Step("tile", (f"{config.tiles.rows} x {config.tiles.columns}, {width} x {height} pixels",))
    if config.osd is not None:
        shown = {"boxes": config.osd.show_boxes, "text": config.osd.show_text, "clock": config.osd.clock}
        yield Step("draw", (", ".join(what for what, on in shown.items() if on) or "nothing",))


def _classes(config: AppConfig, contract: Contract | None) -> tuple[str, ...]:
    own = contract.classes if contract is not None else tuple(f"class {n}" for n in range(len(config.infer.attrs)))
    return config.infer.classes or own


def _net(contract: Contract | None) -> tuple[str, ...]:
    if contract is None:
        return ()
    width, height = contract.fit.size_wh
    return (f"{width} x {height}, {'aspect kept' if contract.fit.keep_aspect else 'stretched'}",)


def _clustering(p: ClusterParams) -> Iterator[str]:
    yield f"{p.algorithm} of cells from coverage {p.coverage_threshold:g} up"
    match p.algorithm:
        case "nms":
            yield f"IoU {p.nms_iou_threshold:g}"
        case "dbscan" | "hybrid":
            boxes = f"{p.min_boxes} boxes, " if p.min_boxes > 1 else ""
            yield f"eps {p.eps:g}, {boxes}coverage {p.min_samples:g} together"
        case "group_rectangles" if p.group_threshold > 0:
            yield f"eps {p.eps:g}, more than {p.group_threshold} boxes"
        case _:
            yield "nothing is grouped"
    if p.confidence_threshold > 0:
        yield f"faces from {p.confidence_threshold:g} up"
    if p.top_k >= 0:
        yield f"the best {p.top_k}"


def _filters(config: AppConfig) -> Iterator[str]:
    for number, a in enumerate(config.infer.attrs):
        said = []
        if number in config.infer.left_out:
            said.append("left out")
        if any(a.min_wh):
            said.append(f"from {a.min_wh[0]} x {a.min_wh[1]} up")
        if any(a.max_wh):
            said.append("up to " + " x ".join(str(side or "any") for side in a.max_wh))
        if a.roi_top or a.roi_bottom:
            said.append(f"not in the upper {a.roi_top} or lower {a.roi_bottom} rows")
        if said:
            yield f"class {number}: {', '.join(said)}"


def _tracking(s: TrackSettings) -> Iterator[str]:
    hold = f"{s.hold_s:g} s" if s.hold_frames is None else f"{s.hold_frames} frames"
    yield f"held for {hold}, an id when found {s.confirm_hits} times"
    yield f"overlap from {s.min_iou:g}, of weak faces from {s.min_iou_low:g}"
    yield f"faces from {s.low:g} up"
    if s.high != s.low and s.high:
        yield f"those below {s.high:g} start no track"
    if s.smooth:
        yield f"smoothed by {s.smooth:g}"


def _redaction(params: RedactParams) -> Iterator[str]:
    yield f"{params.mode}, held for {params.hold_s:g} s"
    yield "the whole picture where nothing is known" if params.fail_safe else "nothing covered where nothing is known"


def _sink(sink: SinkConfig) -> Step:
    of, rate = _of(sink), _rate(sink.bitrate)
    match sink.kind:
        case "file":
            return Step(sink.name, (str(sink.path), f"{sink.codec}, {rate}", *of))
        case "rtsp":
            where = f"rtsp://THIS_HOST:{sink.rtsp_port}/ds-test"
            return Step(sink.name, (where, f"{sink.codec}, {rate}, for everybody", *of))
        case "message":
            host, port = sink.address
            schema = "DeepStream's minimal schema" if sink.minimal else "our schema"
            words = (
                public_text(f"{sink.broker} {host}:{port}, topic {sink.topic}"),
                f"{schema}, {_every(sink.message_every)}",
            )
            return Step(sink.name, (*words, *of))
    return Step(sink.name, ("nothing" if not sink.window else "a window in DeepStream, nothing here", *of))


def _own_sink(sink: OwnSink) -> Step:
    if isinstance(sink, LinesConfig):
        what = "a line of JSON a frame" if sink.kind == "jsonl" else "a row a face"
        return Step(sink.name, (str(sink.path), what, *_of(sink)))
    if isinstance(sink, HlsConfig):
        where = str(sink.folder / "STREAM" / "index.m3u8")
        segments = f"{sink.keep} segments of {sink.segment_s:g} s"
        return Step(sink.name, (where, f"{sink.codec}, {_rate(sink.bitrate)}, {segments}", *_of(sink)))
    every = _every(sink.every) + (" that has faces" if sink.faces_only else "")
    return Step(sink.name, (public_name(sink.url), f"our schema, {every}", *_of(sink)))


def _of(sink: SinkConfig | OwnSink) -> tuple[str, ...]:
    return () if sink.source is None else (f"of stream {sink.source} alone",)


def _rate(bitrate: int) -> str:
    return f"{bitrate / 1e6:g} Mbit/s" if bitrate else "even quality"


def _every(frames: int) -> str:
    return f"every {frames}th frame" if frames > 1 else "every frame"


def _beside(config: AppConfig) -> Iterator[Step]:
    if config.kitti_dir is not None:
        yield Step("KITTI", (str(config.kitti_dir), "faces of every frame"))
    if config.track_dir is not None:
        yield Step("KITTI tracks", (str(config.track_dir), "faces of every frame with their ids"))
    if config.perf_interval_s:
        yield Step("**PERF", (f"every {config.perf_interval_s} s",))
    dog = config.watchdog
    sinks = f"and {dog.patience_s:g} s for sinks, {dog.leave_s:g} s when all ends"
    yield Step("watchdog", (f"waits {dog.stall_s:g} s for the detector and stages", sinks))
