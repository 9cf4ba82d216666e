"""Cameras at this machine, by V4L2."""

from __future__ import annotations

import errno
from typing import Any

import av

from faceir.errors import StreamError
from faceir.runtime.sources.container import FFMPEG_ERRORS, reason

__all__ = ["FORMATS", "open_device"]

FORMATS = {"GREY": "gray", "Y16": "gray16le", "NV12": "nv12", "MJPG": "mjpeg", "YUYV": "yuyv422"}
"""V4L2's pixel formats and FFmpeg's names of them, those of infrared cameras first.

FFmpeg does not know Y10 and Y12: cameras that have nothing else cannot be read. OpenCV's VideoCapture hands out Y10 as
16-bit words, but it sets a format of its own first, waits up to 10 s for a frame, and does not say why it failed.
"""

_NOT_NOW = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EBUSY, errno.EACCES, errno.EPERM)
_DO = {
    errno.ENOENT: "plug the camera in, or see which there are: ls /dev/video*",
    errno.EBUSY: "another program has it open: fuser -v /dev/video*",
    errno.EACCES: "type: sudo usermod -aG video $USER, then log in again",
}


def open_device(
    where: str, pixel_format: str | None, size_wh: tuple[int, int] | None, fps: int | None, timeout_s: float
) -> Any:
    """An `av` container of the device in `pixel_format`, or in the first of `FORMATS` that it has.

    Raises `StreamError` when it is away, in use, or has none of them.
    """
    options = {}
    if size_wh is not None:
        options["video_size"] = f"{size_wh[0]}x{size_wh[1]}"
    if fps is not None:
        options["framerate"] = str(fps)
    tried = [pixel_format] if pixel_format else list(FORMATS)
    came = ""
    for name in tried:
        try:
            return av.open(
                where,
                format="v4l2",
                options={**options, "input_format": FORMATS[name]},
                timeout=(timeout_s, timeout_s),
            )
        except FFMPEG_ERRORS as error:
            number = getattr(error, "errno", None)
            if number in _NOT_NOW:
                raise StreamError(where, reason(error), do=_DO.get(number, "")) from error
            came = reason(error)
    do = f"see what it has: v4l2-ctl --list-formats-ext -d {where}"
    raise StreamError(where, f"gives none of {', '.join(tried)} ({came})", do=do)
