"""Opening with FFmpeg, and its complaints in our words."""

from __future__ import annotations

import time
from typing import Any

import av

from faceir.errors import InputError, StreamError
from faceir.runtime.sources.public import public_text

__all__ = ["FFMPEG_ERRORS", "open_container", "reason", "video_stream"]

FFMPEG_ERRORS = (av.error.FFmpegError, OSError, ValueError)
"""What PyAV raises for media that cannot be opened, read or decoded."""

_NOT_VIDEO = ("tty",)  # FFmpeg would show a .txt file as a film of a terminal


def open_container(
    where: str,
    name: str,
    options: dict[str, str] | None = None,
    timeout_s: float | None = None,
    kind: str | None = None,
) -> Any:
    """An `av` container for reading; `kind` is FFmpeg's name of a format or device when it is not to be guessed.

    Raises `StreamError` with a timeout, else `InputError`; both speak of `name`.
    """
    timeout = None if timeout_s is None else (timeout_s, timeout_s)
    start_s = time.monotonic()
    try:
        container = av.open(where, format=kind, options=options or {}, timeout=timeout, metadata_errors="ignore")
    except FFMPEG_ERRORS as error:
        if timeout_s is None:
            raise InputError(name, f"is not a video ({reason(error)})", "a video or a picture") from error
        # FFmpeg gives many names to the silence of the other side.
        silent = time.monotonic() - start_s > 0.9 * timeout_s
        came = f"nothing within {timeout_s:g} s" if silent else reason(error)
        advice = "check the address, user and password, and that the camera is on"
        raise StreamError(name, f"no stream ({came})", do=advice) from error
    if container.format.name in _NOT_VIDEO:
        container.close()
        raise InputError(name, "is a text file", "a video or a picture")
    return container


def video_stream(container: Any, name: str) -> Any:
    """The first video stream that there is a decoder for; the container is closed when there is none (`InputError`)."""
    came = "has no video stream"
    for stream in container.streams.video:
        if stream.codec_context is not None:
            return stream
        came = "holds video of a kind that is not known here"
    container.close()
    raise InputError(name, came, "a video")


def reason(error: BaseException) -> str:
    """FFmpeg's own words, without the number, the file and what is secret in an address."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if "Immediate exit" in text:
        return "timed out"
    return public_text(str(text))
