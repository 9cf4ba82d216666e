"""The last frame of a stream as JPEG, once or as a film."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import numpy as np

from faceir.flow import Frame, Image
from faceir.web.engine import EngineLike, find

__all__ = ["BOUNDARY", "drawn", "film", "jpeg"]

BOUNDARY = "faceir-frame"
_QUALITY = 80
_MOST_FPS = 12.0
_POLL_S = 0.02


def drawn(frame: Frame, width: int = 0) -> Image:
    """`frame` with its faces drawn, RGB `[H,W,3]`, at most `width` pixels wide; 0 = as it is."""
    import cv2

    from faceir.runtime.draw import draw

    picture = draw(frame.rgb, frame.detections)
    if width and width < picture.shape[1]:
        to_wh = (width, max(1, round(picture.shape[0] * width / picture.shape[1])))
        picture = np.asarray(cv2.resize(picture, to_wh, interpolation=cv2.INTER_AREA), np.uint8)
    return picture


def jpeg(frame: Frame, width: int = 0) -> bytes:
    """What `drawn` gives, encoded."""
    import cv2

    bgr = drawn(frame, width)[:, :, ::-1]
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(data)


async def film(engine: EngineLike, name: str, width: int = 0) -> AsyncIterator[bytes]:
    """Parts of a multipart/x-mixed-replace answer, a part for each new frame, until the stream is gone or over.

    Frames that come faster than 12 a second are left out: this is to look at, and encoding costs the engine's time.
    """
    shown: Frame | None = None
    while True:
        state = find(engine, name)
        frame = engine.last(name)
        if frame is not None and frame is not shown:
            start_s, shown = time.monotonic(), frame
            data = await asyncio.to_thread(jpeg, frame, width)
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            yield head.encode() + data + b"\r\n"
            await asyncio.sleep(max(1 / _MOST_FPS - (time.monotonic() - start_s), 0))
        elif state is None or state.condition in ("ended", "failed"):
            return
        else:
            await asyncio.sleep(_POLL_S)
