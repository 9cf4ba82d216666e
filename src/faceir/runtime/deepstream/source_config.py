"""Sources of a deepstream-app file, one value a stream: [sourceN], [source-list] and a table of sources."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from faceir.errors import SpecError, need_file
from faceir.runtime.deepstream import keyfile
from faceir.runtime.deepstream.keyfile import Entry, Group
from faceir.runtime.deepstream.keys import GroupKeys, find_group
from faceir.runtime.deepstream.section import Section, beside
from faceir.runtime.deepstream.tables import APP
from faceir.runtime.sources import public_text

__all__ = ["SourceConfig", "read_sources", "resolve_uri"]

SourceKind = Literal["uri", "v4l2"]
_MOST_STREAMS = 1024
_SCHEMES = ("rtsp", "rtsps", "http", "https")
_NUMBER = re.compile(r"%(0?[0-9]?)d")  # %d or %03d; %20 is a space of an address
_UDP = (1, 2)  # of select-rtp-protocol
_FORMATS = {"YUY2": "YUYV"}  # GStreamer's name of a pixel format to V4L2's


@dataclass(frozen=True)
class SourceConfig:
    """One stream."""

    name: str
    """Its group, and a number where the group stands for several."""
    kind: SourceKind
    where: str
    """A path, an address, or a device /dev/videoN."""
    latency_ms: int
    protocol: Literal["tcp", "udp"]
    """Of RTSP."""
    reconnect_s: float
    """Silence after which a live stream is opened again; 0 = our own."""
    reconnect_attempts: int
    """-1 = for ever."""
    size_wh: tuple[int, int] | None
    """Asked of a V4L2 camera; None = its own."""
    fps: float | None
    """Asked of a V4L2 camera; None = its own."""
    pixel_format: str
    """Of a V4L2 camera; "" = its own."""
    every: int
    """Of each so many frames the first is used; 1 = all."""


def read_sources(file: keyfile.KeyFile) -> tuple[SourceConfig, ...]:
    """All streams in the order of their groups; raises `SpecError`, also when there is none."""
    found = list(islice(chain(_numbered(file), _listed(file), _table(file)), _MOST_STREAMS + 1))
    if not found:
        raise SpecError(file.path, "has no enabled source", "[source0] with enable=1 and uri=",
                        "set enable=1 in a [sourceN]")  # fmt: skip
    if len(found) > _MOST_STREAMS:
        raise SpecError(file.path, f"has more than {_MOST_STREAMS} streams", "as many at most", "lower num-sources")
    return tuple(found)


def resolve_uri(uri: str, path: str, where: str, number: int | None = None) -> str:
    """The address or path that `uri` of the file at `path` means; %d in it becomes `number`.

    `file://` and bare paths are relative to the file's folder, as in DeepStream, and come back as a path.
    """
    if number is not None:
        uri = _NUMBER.sub(lambda found: f"{number:{found[1] or ''}d}", uri)
    scheme, mark, rest = uri.partition("://")
    if not mark and uri.lower().startswith("file:/"):  # the address of a file without a host, written shortly
        scheme, mark, rest = "file", "://", uri.partition(":")[2]
    if not mark:
        return str(beside(path, uri))
    if scheme.lower() == "file":
        return str(beside(path, unquote(rest.removeprefix("localhost/") if not rest.startswith("/") else rest)))
    try:
        host = urlsplit(uri).hostname
    except ValueError:
        host = None
    if scheme.lower() not in _SCHEMES or not host:
        wanted = "file://PATH, a path, or " + ", ".join(f"{s}://HOST/..." for s in _SCHEMES)
        came = f"uri begins with {scheme}://" + ("" if host else " and names no host")
        raise SpecError(where, came, wanted)  # without the rest, which may hold a password
    return uri


def _keys() -> GroupKeys:
    known = find_group(APP, "source0")
    assert known is not None
    return known


def _numbered(file: keyfile.KeyFile) -> Iterator[SourceConfig]:
    known = _keys()
    for group in sorted((g for g in file.groups if known.fits(g.name)), key=lambda g: int(g.name[6:])):
        yield from _streams(Section(file.path, known, group), group.name, file.path)


def _streams(s: Section, name: str, path: str) -> Iterator[SourceConfig]:
    """The streams of one group, none when it is not enabled."""
    if not s.flag("enable"):
        return
    kind = s.integer("type")
    if kind == 5:
        raise SpecError(s.where("type"), "type=5 is a CSI camera of a Jetson", "1, 2, 3, 4",
                        "type=1 with its camera-v4l2-dev-node=")  # fmt: skip
    count = s.integer("num-sources") if kind == 3 else 1
    for number in range(count):
        yield _one(s, name if count == 1 else f"{name}-{number}", kind, path, number if kind == 3 else None)


def _one(s: Section, name: str, kind: int, path: str, number: int | None) -> SourceConfig:
    uri, wh = s.text("uri"), (s.integer("camera-width"), s.integer("camera-height"))
    if kind != 1 and not uri:
        raise SpecError(s.where(), f"[{name}] has no uri", "an address or a file", "add uri=file:///path/film.mp4")
    if kind == 1:
        where = f"/dev/video{s.integer('camera-v4l2-dev-node')}"
    else:
        where = resolve_uri(uri, path, s.where("uri"), number)
    if kind == 4 and not where.lower().startswith(("rtsp://", "rtsps://")):
        raise SpecError(s.where("uri"), "is no address of RTSP", "rtsp://HOST/...", "type=3 takes files too")
    fps_n = s.integer("camera-fps-n")
    return SourceConfig(
        name=name,
        kind="v4l2" if kind == 1 else "uri",
        where=where,
        latency_ms=s.integer("latency"),
        protocol="udp" if s.integer("select-rtp-protocol") in _UDP else "tcp",
        reconnect_s=float(s.integer("rtsp-reconnect-interval-sec")),
        reconnect_attempts=s.integer("rtsp-reconnect-attempts"),
        size_wh=wh if all(wh) else None,
        fps=fps_n / s.integer("camera-fps-d") if fps_n else None,
        pixel_format=_FORMATS.get(s.text("video-format").upper(), s.text("video-format").upper()),
        every=max(s.integer("drop-frame-interval"), 1),
    )


def _listed(file: keyfile.KeyFile) -> Iterator[SourceConfig]:
    """[source-list], each with the keys of [source-attr-all]."""
    group = file.get("source-list")
    if group is None:
        return
    known = find_group(APP, "source-list")
    assert known is not None
    s = Section(file.path, known, group)
    uris, names = s.items("list"), s.items("sensor-id-list")
    wanted = s.integer("num-source-bins") or len(uris)
    if wanted > len(uris):
        raise SpecError(s.where("num-source-bins"), f"num-source-bins={wanted}, but list has {len(uris)}",
                        "an address for each in list=", f"type num-source-bins={len(uris)}")  # fmt: skip
    for number, uri in enumerate(uris[:wanted]):
        entries = (Entry("enable", "1", group.line), Entry("type", "3", group.line), Entry("num-sources", "1", 0),
                   Entry("uri", keyfile.escape(uri), _line(group, "list")))  # fmt: skip
        attributes = Section(file.path, _keys(), file.get("source-attr-all"), Group("", group.line, entries))
        named = public_text(names[number]) if number < len(names) else ""  # as the engine calls it, and sinks
        name = named or f"source-list-{number}"
        yield from _streams(attributes, name, file.path)


def _line(group: Group, key: str) -> int:
    entry = group.get(key)
    return entry.line if entry else group.line


def _table(file: keyfile.KeyFile) -> Iterator[SourceConfig]:
    """[source] csv-file-path, which DeepStream's YAML files have in place of [sourceN]."""
    group = file.get("source")
    if group is None:
        return
    known = find_group(APP, "source")
    assert known is not None
    path = Section(file.path, known, group).path("csv-file-path")
    if path is None:
        return
    for number, (line, row) in enumerate(_rows(path)):
        entries = tuple(Entry(key, keyfile.escape(value, ";"), line) for key, value in row.items())
        yield from _streams(Section(str(path), _keys(), Group("", line, entries)), f"source{number}", str(path))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and keys of each row of a table with a header; empty cells and lines that begin with # are left out."""
    header: list[str] | None = None
    try:
        text = need_file(path, "a table of sources (csv-file-path)", SpecError).read_text("utf-8-sig")
        reader = csv.reader(io.StringIO(text), strict=True)
        for cells in reader:
            if not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#"):
                continue
            if header is None:
                header = [name.strip() for name in cells]
                if "uri" not in header:
                    raise SpecError(f"{path}:{reader.line_num}", "is no header with uri",
                                    "names of [sourceN]'s keys", "type enable,type,uri")  # fmt: skip
                continue
            pairs = zip(header, cells, strict=False)
            yield reader.line_num, {key: cell.strip() for key, cell in pairs if key and cell.strip()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SpecError(path, f"cannot be read ({error})", "a table with commas and a header") from error
