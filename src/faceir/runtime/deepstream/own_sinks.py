"""[jsonlN], [csvN], [hlsN] and [webhookN]: sinks that an application file may ask for and DeepStream does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from faceir.errors import SpecError
from faceir.runtime.deepstream.keyfile import KeyFile
from faceir.runtime.deepstream.keys import APP, find_group
from faceir.runtime.deepstream.section import Section
from faceir.runtime.sources import public_name

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
    if not _is_web(url):
        shown = "..." if "@" in url else public_name(url)
        raise SpecError(s.where("url"), f"[{name}] has url {shown!r}", "http://HOST/... or https://HOST/...",
                        "a user and password go into headers=Authorization: Basic ...")  # fmt: skip
    headers = []
    for place, text in enumerate(s.items("headers"), 1):
        header, colon, value = (part.strip() for part in str(text).partition(":"))
        if not (header and colon and value and value.isascii() and value.isprintable()):  # not shown: may be a secret
            raise SpecError(s.where("headers"), f"the {place}. of headers is none", "Name: value, with ; between",
                            "type headers=Authorization: Bearer ...")  # fmt: skip
        headers.append((header, value))
    return WebhookConfig(
        name,
        source,
        url,
        tuple(headers),
        s.number("timeout-s"),
        s.integer("frame-interval"),
        s.flag("faces-only"),
    )


def _is_web(url: str) -> bool:
    """Whether `url` can be posted to: an address of the web, without a user, which urllib does not take."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # a port that is no number
        return False
    return bool(known and parts.hostname) and "@" not in parts.netloc and url.isprintable() and " " not in url


def _path(s: Section, key: str, example: str) -> Path:
    path = s.path(key)
    if path is None:
        raise SpecError(s.where(key), f"has no {key}", "a path, relative to this file", f"type {example}")
    return path


_READ: dict[str, Callable[[Section, str, int | None], OwnSink]] = {
    "jsonl": _jsonl, "csv": _csv, "hls": _hls, "webhook": _webhook,
}  # fmt: skip
