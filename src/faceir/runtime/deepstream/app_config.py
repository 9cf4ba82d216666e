"""A deepstream-app file: sources, mux, detector, tracker, display and sinks, as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from faceir.errors import SpecError
from faceir.runtime.deepstream import keyfile
from faceir.runtime.deepstream.extensions import Places, WatchdogConfig, read_places, read_redact, read_watchdog
from faceir.runtime.deepstream.filter import MuxFrame
from faceir.runtime.deepstream.infer import InferConfig, Rgba, read_infer
from faceir.runtime.deepstream.keys import GroupKeys, find_group
from faceir.runtime.deepstream.own_sinks import OwnSink, read_own_sinks
from faceir.runtime.deepstream.section import Note, Section, merged, notes
from faceir.runtime.deepstream.source_config import SourceConfig, read_sources
from faceir.runtime.deepstream.tables import APP
from faceir.runtime.deepstream.tracker_config import read_tracking
from faceir.runtime.redact import RedactParams
from faceir.runtime.sources import public_text
from faceir.runtime.track import TrackSettings

__all__ = ["AppConfig", "MuxConfig", "OsdConfig", "SinkConfig", "SinkKind", "SourceConfig", "TilesConfig", "read_app"]

SinkKind = Literal["fake", "file", "rtsp", "message"]
_SINKS: dict[int, SinkKind] = {1: "fake", 2: "fake", 3: "file", 4: "rtsp", 5: "fake", 6: "message"}
_BROKERS: dict[str, Literal["mqtt", "kafka"]] = {"mqtt": "mqtt", "kafka": "kafka"}


@dataclass(frozen=True)
class MuxConfig:
    """[streammux]."""

    frame: MuxFrame
    batch_size: int
    """0 = one frame of each stream."""
    push_timeout_s: float | None
    """How long an unfilled batch waits; None = until it is full."""


@dataclass(frozen=True)
class TilesConfig:
    """[tiled-display], when enabled."""

    rows: int
    columns: int
    size_wh: tuple[int, int]


@dataclass(frozen=True)
class SinkConfig:
    """One enabled [sinkN]."""

    name: str
    kind: SinkKind
    window: bool
    """It was a window or screen, which is nothing here."""
    source: int | None
    """The stream it is for, by number; None = all."""
    path: Path
    """output-file; a file's ending is its container."""
    codec: Literal["h264", "h265"]
    bitrate: int
    """Bits/s; 0 = even quality."""
    key_interval: int
    """Frames between two key frames; 0 = the encoder's choice."""
    rtsp_port: int
    broker: Literal["mqtt", "kafka"] = "mqtt"
    address: tuple[str, int] = ("localhost", 1883)
    """Host and port of the broker."""
    topic: str = ""
    minimal: bool = False
    """DeepStream's minimal schema instead of ours."""
    message_every: int = 30
    """Frames."""


@dataclass(frozen=True)
class OsdConfig:
    """[osd], when enabled; sizes in pixels of the streammux's frame."""

    border_width: int
    text_size: int
    text: Rgba
    text_background: Rgba | None
    show_text: bool
    show_boxes: bool
    clock: bool
    clock_xy: tuple[int, int]
    clock_size: int
    clock_colour: Rgba


@dataclass(frozen=True)
class AppConfig:
    """The whole application; nothing is opened yet."""

    path: str
    sources: tuple[SourceConfig, ...]
    mux: MuxConfig
    infer: InferConfig
    tracker: TrackSettings | None
    show_ids: bool
    tiles: TilesConfig | None
    osd: OsdConfig | None
    sinks: tuple[SinkConfig, ...]
    own_sinks: tuple[OwnSink, ...]
    perf_interval_s: int
    """Between two **PERF lines; 0 = none."""
    kitti_dir: Path | None
    track_dir: Path | None
    loop: bool
    """Files start again at their end."""
    watchdog: WatchdogConfig
    redact: RedactParams | None = None
    """Faces are made unreadable before anybody sees a picture."""
    places: Places = Places()
    """Where tracked faces are counted."""
    dark_gate: bool = False
    """Dark frames are not looked at."""
    notes: tuple[Note, ...] = ()

    @property
    def tracking(self) -> TrackSettings | None:
        """How to track. With redaction the tracker leaves out no face for its score, as it would stay readable."""
        if self.tracker is None or self.redact is None:
            return self.tracker
        return replace(self.tracker, high=0.0, low=min(self.tracker.low, TrackSettings.low))


def read_app(path: str | Path) -> AppConfig:
    """The file at `path` and the detector's file that it names; raises `SpecError` with the line."""
    file = keyfile.read(path)

    def sections(name: str) -> Section:
        return Section(file.path, _known(name), file.get(name))

    gie = sections("primary-gie")
    if not gie.flag("enable"):
        raise SpecError(gie.where("enable"), "has no detector", "[primary-gie] with enable=1",
                        "or give the app file, not the detector's")  # fmt: skip
    config_file = gie.path("config-file")
    if config_file is None:
        raise SpecError(gie.where(), "names no config-file", "config-file=config_infer_primary_....txt")
    infer = read_infer(config_file, gie)
    application, tracker, tests = (sections(name) for name in ("application", "tracker", "tests"))
    tiles = _tiles(sections("tiled-display"))
    sinks = tuple(_sinks(file, tiles is not None))
    tracking, tracker_notes = read_tracking(tracker)
    windows = [Note("changed", file.path, s.name, "there is no window or screen; its frames are counted only")
               for s in sinks if s.window]  # fmt: skip
    return AppConfig(
        path=file.path,
        sources=read_sources(file),
        mux=_mux(sections("streammux"), sections("source-list")),
        infer=infer,
        tracker=tracking,
        show_ids=tracker.flag("display-tracking-id"),
        tiles=tiles,
        osd=_osd(sections("osd")),
        sinks=sinks,
        own_sinks=tuple(read_own_sinks(file)),
        perf_interval_s=application.integer("perf-measurement-interval-sec")
        if application.flag("enable-perf-measurement")
        else 0,
        kitti_dir=application.path("gie-kitti-output-dir"),
        track_dir=application.path("kitti-track-output-dir"),
        loop=tests.flag("file-loop"),
        watchdog=read_watchdog(file),
        redact=read_redact(file),
        places=_places(file, tracker),
        notes=merged((*notes(file, APP), *windows, *tracker_notes, *infer.notes)),
    )


def _places(file: keyfile.KeyFile, tracker: Section) -> Places:
    places = read_places(file)
    if places and not tracker.flag("enable"):
        raise SpecError(tracker.where("enable"), "faces are counted by their ids, and there is no tracker",
                        "[tracker] with enable=1", "or leave [lineN] and [zoneN] out")  # fmt: skip
    return places


def _known(name: str) -> GroupKeys:
    known = find_group(APP, name)
    assert known is not None, f"no group {name} in the table"
    return known


def _mux(s: Section, listed: Section) -> MuxConfig:
    width, height = s.integer("width"), s.integer("height")
    if (width == 0) != (height == 0):
        raise SpecError(s.where("width"), f"is {width} x {height}", "both width and height", "type both, or neither")
    batch = s.integer("batch-size") or (0 if s.written("batch-size") else listed.integer("max-batch-size"))
    timeout_us = s.integer("batched-push-timeout")
    return MuxConfig(
        MuxFrame((width, height) if width else None, s.flag("enable-padding")),
        batch,
        None if timeout_us < 0 else timeout_us / 1e6,
    )


def _tiles(s: Section) -> TilesConfig | None:
    if not s.flag("enable"):
        return None
    return TilesConfig(s.integer("rows"), s.integer("columns"), (s.integer("width"), s.integer("height")))


def _osd(s: Section) -> OsdConfig | None:
    if not s.flag("enable"):
        return None
    return OsdConfig(
        border_width=s.integer("border-width"),
        text_size=s.integer("text-size"),
        text=cast(Rgba, s.colour("text-color")),
        text_background=cast("Rgba | None", s.colour("text-bg-color")),
        show_text=s.flag("display-text"),
        show_boxes=s.flag("display-bbox"),
        clock=s.flag("show-clock"),
        clock_xy=(s.integer("clock-x-offset"), s.integer("clock-y-offset")),
        clock_size=s.integer("clock-text-size"),
        clock_colour=cast(Rgba, s.colour("clock-color")),
    )


def _sinks(file: keyfile.KeyFile, tiled: bool) -> Iterator[SinkConfig]:
    known = _known("sink0")
    for group in file.groups:
        if not known.fits(group.name):
            continue
        s = Section(file.path, known, group)
        if s.flag("enable"):
            yield _sink(s, group.name, tiled)


def _sink(s: Section, name: str, tiled: bool) -> SinkConfig:
    kind = _SINKS[s.integer("type")]
    path = s.path("output-file")
    if kind == "file" and path is None:
        raise SpecError(s.where(), f"[{name}] is a file without a name", "output-file=out.mp4", "add it to the group")
    ending = ".mkv" if s.integer("container") == 2 else ".mp4"
    if path is None or path.suffix.lower() not in (".mp4", ".mkv"):
        path = (path or Path(name)).with_suffix(ending)
    number = s.integer("source-id")
    if not tiled:
        number = max(number, 0)  # without tiles a sink of DeepStream shows one stream, the first unless it says which
    alone = number >= 0 and (s.flag("link-to-demux") or not tiled)
    config = SinkConfig(
        name=name,
        kind=kind,
        window=s.integer("type") in (2, 5),
        source=number if alone else None,
        path=path,
        codec="h265" if s.integer("codec") == 2 else "h264",
        bitrate=s.integer("bitrate"),
        key_interval=s.integer("iframeinterval"),
        rtsp_port=s.integer("rtsp-port"),
    )
    return _with_broker(config, s) if kind == "message" else config


def _with_broker(config: SinkConfig, s: Section) -> SinkConfig:
    library = str(s.path("msg-broker-proto-lib") or "")
    broker = next((kind for word, kind in _BROKERS.items() if word in Path(library).name.lower()), None)
    if broker is None:
        raise SpecError(s.where("msg-broker-proto-lib"), f"names the broker {library or 'nothing'!r}",
                        " or ".join(_BROKERS), "type msg-broker-proto-lib=libnvds_mqtt_proto.so")  # fmt: skip
    written = s.text("msg-broker-conn-str")
    parts = written.split(";")
    if len(parts) not in (2, 3) or not parts[0].strip() or not parts[1].strip().isdecimal():
        came = f"msg-broker-conn-str is {public_text(written)!r}" if written else f"[{config.name}] names no broker"
        raise SpecError(s.where("msg-broker-conn-str"), came, "host;port",
                        "type msg-broker-conn-str=localhost;1883")  # fmt: skip
    return replace(
        config,
        broker=broker,
        address=(parts[0].strip(), min(int(parts[1]), 65535)),
        topic=s.text("topic") or (parts[2].strip() if len(parts) == 3 else "faceir"),
        minimal=s.integer("msg-conv-payload-type") == 1,
        message_every=s.integer("msg-conv-frame-interval"),
    )
