"""Pictures in memory, and short ways through a source."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from faceir.errors import InputError
from faceir.flow import Frame, Image
from faceir.runtime.sources import Source, open_source

MakeVideo = Callable[..., Path]
Camera = Callable[..., tuple[str, subprocess.Popen[str]]]


def noise(width: int = 60, height: int = 40) -> Image:
    coarse = np.random.default_rng(0).integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def encoded(ending: str, image: np.ndarray | None = None) -> bytes:
    image = noise() if image is None else image
    return bytes(cv2.imencode(ending, image)[1].tobytes())


def frames_of(where: str | Path, **rest: object) -> list[Frame]:
    with open_source(where, **rest) as source:  # type: ignore[arg-type]
        return list(source)


def until_error(source: Source) -> tuple[int, InputError]:
    """How many frames came before the error, and the error."""
    count = 0
    try:
        for _ in source:
            count += 1
    except InputError as error:
        return count, error
    raise AssertionError("it ended well")
