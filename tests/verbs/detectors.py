"""Detectors for tests to name as module:attribute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceir.detections import Detections
from faceir.flow import Image

NUMBER = 5


def nothing(images: Sequence[Image]) -> list[Detections]:
    return [Detections() for _ in images]


def one_too_few(images: Sequence[Image]) -> list[Detections]:
    return nothing(images[1:])


def bare_boxes(images: Sequence[Image]) -> Any:
    return [[0, 0, 1, 1] for _ in images]


class Threshold:
    """A class is made without arguments."""

    threshold = 0.25

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        return nothing(images)


def factory() -> Threshold:
    return Threshold()


def broken() -> Threshold:
    raise RuntimeError("no camera")


def too_high() -> Threshold:
    made = Threshold()
    made.threshold = 7
    return made


def square(path: list[Path] = []) -> Any:  # noqa: B006  # filled by the test
    from faceir import Detector

    return Detector(path[0])
