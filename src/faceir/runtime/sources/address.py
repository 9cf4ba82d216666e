"""What a user may name as a source: paths, patterns, `file://`, streams, devices."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from urllib.parse import unquote

from faceir.errors import InputError, need_file
from faceir.runtime.pictures import PICTURES
from faceir.runtime.sources.public import public_name

__all__ = ["VIDEOS", "addresses", "expand", "is_device", "is_rtsp", "is_url", "local"]

VIDEOS = frozenset(
    (".mp4", ".mkv", ".avi", ".mov", ".ts", ".m4v", ".webm", ".mjpeg", ".mjpg", ".h264", ".h265", ".flv")
)
"""File name endings that are taken from a folder as videos."""

_RTSP = ("rtsp", "rtsps")
_URLS = (*_RTSP, "http", "https")
_DEVICE = re.compile(r"/dev/(video\d+|v4l/.+)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_NUMBER = re.compile(r"%(0\d)?[du]")  # not %20d, which is a space and a d


def is_url(where: str | Path) -> bool:
    """Whether `where` is the address of a stream."""
    return isinstance(where, str) and _scheme(where) in _URLS


def is_rtsp(where: str | Path) -> bool:
    """Whether `where` is the address of an RTSP camera."""
    return isinstance(where, str) and _scheme(where) in _RTSP


def _scheme(where: str) -> str:
    """In small letters, "" = none. Not by urllib, which raises for hosts that it does not like, and quotes them."""
    found = _SCHEME.match(where.lstrip())
    return found[0].lower() if found else ""


def is_device(where: str | Path) -> bool:
    """Whether `where` names a camera at this machine, such as `/dev/video0`; it need not be plugged in."""
    return _DEVICE.fullmatch(str(where)) is not None


def local(where: str | Path) -> str | Path:
    """The path that a `file://` address stands for, anything else as it is.

    What stands where the host should, as in `file://../a.mp4`, is part of the path, as DeepStream's files have it.
    """
    if not str(where).lower().startswith("file:"):
        return where
    rest = str(where)[len("file:") :].removeprefix("//")
    return unquote(rest.removeprefix("localhost") if rest.startswith("localhost/") else rest)


def expand(where: str | Path) -> list[str]:
    """The files that `where` stands for: of a folder its pictures and videos, not below it, else a glob's; sorted.

    A file, a device or an address stands for itself, `file://` for its path. Raises `InputError` when there are none.
    """
    where = local(where)
    path = Path(where)
    if is_url(where) or is_device(where) or path.is_file():
        return [str(where)]
    if path.is_dir():
        known = PICTURES | VIDEOS
        found = sorted(str(p) for p in path.iterdir() if p.suffix.lower() in known and not p.name.startswith("."))
        if not found:
            raise InputError(where, "holds no pictures or videos", "a folder with some directly in it")
        return found
    scheme = _scheme(str(where))
    if scheme and "://" in str(where):
        wanted = ", ".join(f"{s}://" for s in (*_URLS, "file"))
        raise InputError(public_name(str(where)), f"has scheme {scheme}://", wanted)
    if glob.has_magic(str(where)):
        found = sorted(p for p in glob.glob(str(where)) if Path(p).is_file())
        if not found:
            raise InputError(where, "matches no file", "a pattern that does", "quote it: 'frames/*.png'")
        return found
    need_file(path, "a picture, a video, a folder or a stream")
    return [str(where)]  # a pipe


def addresses(uri: str, count: int = 1) -> list[str]:
    """The streams of DeepStream's MultiURI source: each is opened by itself.

    `uri` is a list with `;` between, or a pattern with `%d` that stands for 0 .. count-1, or a folder or glob of files;
    one that is none of these is taken `count` times. Raises `InputError` for a count below 1 or an empty list.
    """
    if count < 1:
        raise InputError(public_name(uri), f"is wanted {count} times", "at least 1", "set num-sources=1")
    parts = [part.strip() for part in uri.split(";") if part.strip()]
    if not parts:
        raise InputError("uri", "is empty", "an address or a list of them with ; between")
    if len(parts) > 1:
        return parts
    (one,) = parts
    number = _NUMBER.search(one)
    if number is not None:
        return [one[: number.start()] + number[0] % n + one[number.end() :] for n in range(count)]
    path = Path(local(one))
    if not is_url(one) and (path.is_dir() or (glob.has_magic(str(path)) and not path.is_file())):
        return expand(one)
    return [one] * count
