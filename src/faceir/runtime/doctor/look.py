"""What was seen in a few seconds of a source: numbers of every frame, some of the frames, and their faces."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from faceir.boxes import FloatArray, iou
from faceir.detections import Detections
from faceir.errors import FaceirError
from faceir.fit import Fit
from faceir.flow import Detector, Frame, Image
from faceir.runtime.dark import DarkGate, DarkReport, DarkSettings
from faceir.runtime.doctor.measures import Tones, blur_sigma, histogram, noise_sigma, saturated, structure, tones
from faceir.runtime.tiled import starts

__all__ = ["Faces", "Look", "Sample", "Vitals", "WatchedSource", "find_faces", "look"]

SETTLE_S = 1.0
"""A camera's first second is left out, as it finds its exposure."""
_SAMPLES = 12
_THUMB_WH = (16, 12)
_TILES_FROM = 1.5  # times the network's size; a picture less large loses little


class WatchedSource(Protocol):
    """The part of a source that is looked at; see `runtime.sources.Source`."""

    name: str
    live: bool
    rate: Fraction | None

    def __iter__(self) -> Iterator[Frame]: ...


@dataclass(frozen=True, eq=False)
class Vitals:
    """What is measured of every frame, at the network's scale."""

    time_s: float
    dark: bool
    """As the gate for dark frames of a pipeline calls it."""
    tones: Tones
    burnt: float
    """Share 0..1 that is saturated."""
    thumb: FloatArray
    """`[12,16]`."""
    checksum: int
    """Of the picture as it came."""


@dataclass(frozen=True, eq=False)
class Faces:
    """What a detector finds in one picture, in its pixels."""

    upright: Detections = field(default_factory=Detections)
    turned: tuple[Detections, Detections, Detections] = field(default_factory=lambda: (Detections(),) * 3)
    """Turned by 90, 180 and 270 degrees counterclockwise, in the turned picture's pixels."""
    near: Detections = field(default_factory=Detections)
    """Found only where the picture is looked at piece by piece, without making it smaller."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A frame that is kept, and what is measured of it alone."""

    index: int
    """Its number in the look."""
    gray: Image
    """As it came, `[H,W]`."""
    fitted: Image
    """At the network's scale; never enlarged."""
    scale: float
    """`fitted` over `gray`."""
    noise: float
    """Sigma in 8-bit steps that is left in `fitted`; measured in `gray`, as shrinking takes the white from noise."""
    blur: float | None
    structure: float
    faces: Faces = field(default_factory=Faces)


@dataclass(frozen=True, eq=False)
class Look:
    """All that is known of a source after a look at it."""

    name: str
    live: bool
    rate: float | None
    """Frames per second as stated; None for pictures, which do not follow each other."""
    size_wh: tuple[int, int]
    """Of the first frame, pixels."""
    vitals: tuple[Vitals, ...]
    lit: tuple[Sample, ...]
    """Spread over the time; none of them is dark."""
    dark: tuple[Sample, ...]
    counts: npt.NDArray[np.int64]
    """Of each gray value over all frames, `[256]`."""
    gate: DarkReport
    """What the gate for dark frames says of all of them."""
    sizes: int = 1
    """How many different sizes the frames had."""
    faces_looked_for: bool = False
    events: tuple[str, ...] = ()
    """What the source had to choose."""
    ended: FaceirError | None = None
    """Why it ended before its time."""

    @property
    def moving(self) -> bool:
        """Whether its frames follow each other in time."""
        return self.live or self.rate is not None

    @property
    def bright(self) -> list[Vitals]:
        """Of the frames that are not dark."""
        return [v for v in self.vitals if not v.dark]


class _Keeper:
    """Keeps some of the frames it is offered, spread over all of them, and their number small."""

    def __init__(self) -> None:
        self.kept: list[Sample] = []
        self._offered, self._every = 0, 1

    def offer(self, index: int, gray: Image, fitted: Image, scale: float) -> None:
        self._offered += 1
        if (self._offered - 1) % self._every:
            return
        gray = gray.copy()  # a view of the decoder's memory, of which it has not much
        noise = noise_sigma(gray) * scale
        self.kept.append(Sample(index, gray, fitted, scale, noise, blur_sigma(fitted, noise), structure(fitted)))
        if len(self.kept) > 2 * _SAMPLES:
            self.kept, self._every = self.kept[::2], 2 * self._every


def look(
    source: WatchedSource,
    seconds: float,
    fit: Fit | None = None,
    on_frame: Callable[[float], None] = lambda _: None,
    settle_s: float = SETTLE_S,
) -> Look:
    """Watch `source` for `seconds` (of media time for a file); pictures of a folder are all looked at.

    `on_frame` is told how many seconds have been watched. A source that breaks off is no error: see `Look.ended`.
    """
    fit = fit or Fit()
    moving = source.live or source.rate is not None
    vitals: list[Vitals] = []
    lit, dark = _Keeper(), _Keeper()  # apart, as a lamp that flashes would be seen always on or always off
    gate = DarkGate(DarkSettings() if moving else DarkSettings(share=0))  # pictures are no measure for each other
    counts = np.zeros(256, np.int64)
    sizes: dict[tuple[int, int], None] = {}
    events: dict[str, None] = {}
    ended, start_s = None, -1.0
    settle_s = settle_s if source.live else 0.0
    try:
        for frame in source:
            now_s = time.monotonic() if source.live else frame.time_s
            start_s = now_s if start_s < 0 else start_s
            if now_s - start_s >= seconds:  # pictures of a folder are all at 0
                break
            events.update(dict.fromkeys(frame.events))  # a choice is told once, with the first frame
            if now_s - start_s < min(settle_s, seconds / 2):
                continue
            gray = frame.gray
            sizes[(gray.shape[1], gray.shape[0])] = None
            fitted, scale = _fitted(gray, fit)
            counts += histogram(gray[::2, ::2])
            measured = _vitals(frame.time_s, gate.is_dark(fitted), gray, fitted)
            keeper = dark if measured.dark else lit
            keeper.offer(len(vitals), gray, fitted, scale)
            vitals.append(measured)
            on_frame(now_s - start_s)
    except FaceirError as error:
        ended = error
    return Look(
        name=source.name,
        live=source.live,
        rate=float(source.rate) if source.rate else None,
        size_wh=next(iter(sizes), (0, 0)),
        vitals=tuple(vitals),
        lit=tuple(lit.kept),
        dark=tuple(dark.kept),
        counts=counts,
        gate=gate.report(),
        sizes=max(len(sizes), 1),
        events=tuple(events),
        ended=ended,
    )


def _fitted(gray: Image, fit: Fit) -> tuple[Image, float]:
    """The picture as large as the network sees it, without the canvas around; a smaller one as it is."""
    scale_x, scale_y = fit.placement((gray.shape[1], gray.shape[0])).scale_xy
    if min(scale_x, scale_y) >= 1:
        return gray, 1.0
    to_wh = (max(1, round(gray.shape[1] * min(scale_x, 1))), max(1, round(gray.shape[0] * min(scale_y, 1))))
    return np.asarray(cv2.resize(gray, to_wh, interpolation=cv2.INTER_AREA), np.uint8), min(scale_x, scale_y)


def _vitals(time_s: float, dark: bool, gray: Image, fitted: Image) -> Vitals:
    thumb = cv2.resize(fitted, _THUMB_WH, interpolation=cv2.INTER_AREA).astype(np.float32)
    checksum = zlib.crc32(gray[::3].tobytes())
    burnt = float(saturated(fitted).mean())
    return Vitals(time_s, dark, tones(fitted), burnt, thumb, checksum)


def find_faces(seen: Look, detector: Detector, fit: Fit) -> Look:
    """`seen`, with the faces of its samples that are not dark: upright, turned, and in pieces of a large picture."""
    lit = tuple(replace(sample, faces=_faces(sample.gray, detector, fit)) for sample in seen.lit)
    return replace(seen, lit=lit, faces_looked_for=True)


def _faces(gray: Image, detector: Detector, fit: Fit) -> Faces:
    turns = [np.ascontiguousarray(np.rot90(gray, n)) for n in range(4)]
    upright, *turned = detector(turns)
    return Faces(upright, (turned[0], turned[1], turned[2]), _near(gray, upright, detector, fit))


def _near(gray: Image, upright: Detections, detector: Detector, fit: Fit) -> Detections:
    """Faces in pieces of the network's size that `upright` does not have."""
    height, width = gray.shape
    if max(width / fit.size_wh[0], height / fit.size_wh[1]) < _TILES_FROM:
        return Detections()
    corners = [(x, y) for y in starts(height, fit.size_wh[1]) for x in starts(width, fit.size_wh[0])]
    tiles = [gray[y : y + fit.size_wh[1], x : x + fit.size_wh[0]] for x, y in corners]
    kept: Detections = upright
    for (x, y), found in zip(corners, detector(tiles), strict=True):
        moved = found.with_boxes(found.xyxy + np.array([x, y, x, y], np.float32))
        new = (iou(moved.xyxy, kept.xyxy) < 0.3).all(axis=1) if len(kept) else np.ones(len(moved), bool)
        kept = Detections.concat([kept, moved[new]])
    return kept[np.arange(len(upright), len(kept))]
