"""[jsonlN], [csvN], [hlsN] and [webhookN]: sinks that an application file may ask for and DeepStream does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from faceir.errors import InputError, SpecError
from faceir.runtime.deepstream.keyfile import KeyFile
from faceir.runtime.deepstream.keys import find_group
from faceir.runtime.deepstream.section import Section
from faceir.runtime.deepstream.tables import APP
from faceir.runtime.sinks.webhook import is_header, with_login

__all__ = ["HlsConfig", "LinesConfig", "OwnSink", "WebhookConfig", "read_own_sinks"]


@dataclass(frozen=True)
class LinesConfig:
    """One enabled [jsonlN] or [csvN]."""

    name: str
    source: int | None
    """The stream it is for, by number; None = all."""
    kind: Literal["jsonl", "csv"]
    path: Path


@dataclass(frozen=True)
class HlsConfig:
    """One enabled [hlsN]."""

    name: str
    source: int | None
    """As of `LinesConfig`."""
    folder: Path
    codec: Literal["h264", "h265"]
    bitrate: int
    """Bits/s; 0 = even quality."""
    segment_s: float
    keep: int


@dataclass(frozen=True)
class WebhookConfig:
    """One enabled [webhookN]."""

    name: str
    source: int | None
    """As of `LinesConfig`."""
    url: str
    """It may hold a user and password, see `with_login`."""
    headers: tuple[tuple[str, str], ...]
    """Names and values; these may be secret."""
    timeout_s: float
    every: int
    """Frames."""
    faces_only: bool


OwnSink: TypeAlias = LinesConfig | HlsConfig | WebhookConfig


def read_own_sinks(file: KeyFile) -> Iterator[OwnSink]:
    """Each enabled group, kind by kind; raises `SpecError` with the line, also where two write one file."""
    taken: dict[Path, str] = {Path(file.path).resolve(): "this configuration"}
    for kind, read in _READ.items():
        known = find_group(APP, f"{kind}0")
        assert known is not None, f"no group {kind} in the table"
        for group in file.groups:
            if not known.fits(group.name):
                continue
            section = Section(file.path, known, group)
            if not section.flag("enable"):
                continue
            number = section.integer("source-id")
            sink = read(section, group.name, None if number < 0 else number)
            if isinstance(sink, LinesConfig):
                before = taken.setdefault(sink.path.resolve(), f"[{group.name}]")
                if before != f"[{group.name}]":
                    raise SpecError(section.where("output-file"), f"[{group.name}] writes to {sink.path}, which is"
                                    f" {before} too", "a file of its own", "type another output-file=")  # fmt: skip
            yield sink


def _jsonl(s: Section, name: str, source: int | None) -> LinesConfig:
    return LinesConfig(name, source, "jsonl", _path(s, "output-file", f"output-file={name}.jsonl"))


def _csv(s: Section, name: str, source: int | None) -> LinesConfig:
    return LinesConfig(name, source, "csv", _path(s, "output-file", f"output-file={name}.csv"))


def _hls(s: Section, name: str, source: int | None) -> HlsConfig:
    return HlsConfig(
        name,
        source,
        _path(s, "output-folder", "output-folder=www"),
        "h265" if s.integer("codec") == 2 else "h264",
        s.integer("bitrate"),
        s.number("segment-s"),
        s.integer("keep"),
    )


def _webhook(s: Section, name: str, source: int | None) -> WebhookConfig:
    url = s.text("url")
    headers = []
    for place, text in enumerate(s.items("headers"), 1):
        header, _, value = (part.strip() for part in str(text).partition(":"))
        if not is_header(header, value):  # not shown: may be a secret
            raise SpecError(s.where("headers"), f"the {place}. of headers is none", "Name: value, with ; between",
                            "type headers=Authorization: Bearer ...")  # fmt: skip
        headers.append((header, value))
    try:
        with_login(url, dict(headers))
    except InputError as error:
        raise SpecError(s.where("url"), f"[{name}] {error.came}", error.wanted, error.do) from None
    return WebhookConfig(
        name,
        source,
        url,
        tuple(headers),
        s.number("timeout-s"),
        s.integer("frame-interval"),
        s.flag("faces-only"),
    )


def _path(s: Section, key: str, example: str) -> Path:
    path = s.path(key)
    if path is None:
        raise SpecError(s.where(key), f"has no {key}", "a path, relative to this file", f"type {example}")
    return path


_READ: dict[str, Callable[[Section, str, int | None], OwnSink]] = {
    "jsonl": _jsonl, "csv": _csv, "hls": _hls, "webhook": _webhook,
}  # fmt: skip
