"""Who crosses a line, and who is in a zone: stages that count tracked faces.

A face is where the centre of its box is. Faces without a track id do not count. Places are stated in shares of the
picture, 0..1 of its width and height, or in its pixels; x goes right, y goes down.

Trembling does not count. A face is on a side of a line, or inside or outside a zone, only once its centre is further
from the border than `band` of its box's height; until then it is where it was. What a face is remembered by is
forgotten after it was missing for `forget_s`, so that nothing grows with time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import cv2
import numpy as np

from faceir.errors import InputError
from faceir.flow import FAILED, UNSEEN, Frame

__all__ = ["Crossings", "Line", "LineCounter", "Stays", "Unit", "Zone", "ZoneCounter"]

Unit = Literal["share", "pixel"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """From `start_xy` to `end_xy`. Whoever crosses it to the right of one who walks along it goes in, else out.

    On the picture: a line drawn from the top down is crossed inwards by what moves left; one drawn from left to
    right, by what moves down.
    """

    name: str
    start_xy: Point
    end_xy: Point


@dataclass(frozen=True)
class Zone:
    """A polygon of three corners or more; its last corner is joined to the first."""

    name: str
    corners_xy: tuple[Point, ...]


class Crossings(NamedTuple):
    """Of one line so far."""

    ins: int
    outs: int


class Stays(NamedTuple):
    """In one zone so far; `entries` - `exits` is how many are inside."""

    entries: int
    """Faces that came in or appeared inside; one that leaves and comes back counts again."""
    exits: int
    """Faces that went out, or vanished inside."""
    inside: tuple[int, ...]
    """Track ids of those inside, first come first."""
    dwell_s: float
    """Seconds spent inside by all of them together, stays that go on included."""


class LineCounter:
    """A stage that counts faces crossing `lines` and tells of each: the event "crossed NAME in #7", or "out".

    Crossing means that the way from the last clear place on one side to the first on the other meets the line between
    its ends; a way around an end changes sides without being counted. Raises `InputError` for lines that are none.
    """

    def __init__(
        self, lines: Sequence[Line], unit: Unit = "share", *, band: float = 0.1, forget_s: float = 5.0
    ) -> None:
        for line in lines:
            _check_points(f"line {line.name!r}", (line.start_xy, line.end_xy), unit)
            if line.start_xy == line.end_xy:
                raise InputError(f"line {line.name!r}", f"starts and ends at {line.start_xy}", "two different points")
        _check_names([line.name for line in lines])
        self._lines, self._unit = tuple(lines), unit
        self._present = _Present(band, forget_s)
        self._clear: dict[tuple[str, int], Point] = {}  # line and track -> last clear place, pixels
        self._counts = {line.name: [0, 0] for line in lines}

    @property
    def totals(self) -> dict[str, Crossings]:
        """By the lines' names."""
        return {name: Crossings(*both) for name, both in self._counts.items()}

    def __call__(self, frame: Frame) -> Frame:
        """The same frame, with an event for each crossing."""
        faces, gone = self._present.of(frame)
        for key in [key for key in self._clear if key[1] in gone]:
            del self._clear[key]
        size_wh = _size(frame, self._unit)
        for line in self._lines if faces else ():
            start, end = _scaled(line.start_xy, size_wh), _scaled(line.end_xy, size_wh)
            length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
            for face in faces:
                side = _side(face.at, start, end)
                if abs(side) <= face.band * length:
                    continue
                before = self._clear.get((line.name, face.number))
                self._clear[line.name, face.number] = face.at
                if before is None or (_side(before, start, end) > 0) == (side > 0):
                    continue
                if _side(start, before, face.at) * _side(end, before, face.at) <= 0:
                    self._counts[line.name][0 if side > 0 else 1] += 1
                    frame = frame.with_event(f"crossed {line.name} {'in' if side > 0 else 'out'} #{face.number}")
        return frame


class ZoneCounter:
    """A stage that counts the faces in `zones` and for how long each stays.

    Events: "entered NAME #7" and "left NAME #7 after 3.2 s", also for one that vanished inside, once that is sure;
    its stay ended when it was last seen. Raises `InputError` for polygons that are none.
    """

    def __init__(
        self, zones: Sequence[Zone], unit: Unit = "share", *, band: float = 0.1, forget_s: float = 2.0
    ) -> None:
        for zone in zones:
            _check_points(f"zone {zone.name!r}", zone.corners_xy, unit)
            if len(zone.corners_xy) < 3 or cv2.contourArea(np.array(zone.corners_xy, np.float32)) == 0:
                raise InputError(f"zone {zone.name!r}", f"is {zone.corners_xy}", "three corners or more around an area")
        _check_names([zone.name for zone in zones])
        self._zones, self._unit = tuple(zones), unit
        self._present = _Present(band, forget_s)
        self._stays = {zone.name: _Zone() for zone in zones}

    @property
    def totals(self) -> dict[str, Stays]:
        """By the zones' names."""
        return {
            name: Stays(z.entries, z.entries - len(z.dwell_s), tuple(z.dwell_s), z.done_s + sum(z.dwell_s.values()))
            for name, z in self._stays.items()
        }

    def dwell_s(self, zone: str) -> dict[int, float]:
        """Seconds that each track id now inside has been there, up to when it was last seen."""
        return dict(self._stays[zone].dwell_s)

    def __call__(self, frame: Frame) -> Frame:
        """The same frame, with an event for each face that came or went."""
        faces, gone = self._present.of(frame)
        size_wh = _size(frame, self._unit)
        for zone in self._zones:
            state = self._stays[zone.name]
            left = [number for number in gone if number in state.dwell_s]
            corners = np.array([_scaled(xy, size_wh) for xy in zone.corners_xy], np.float32)
            for face in faces:
                depth = cv2.pointPolygonTest(corners, face.at, measureDist=True)  # pixels, above 0 inside
                if face.number not in state.dwell_s:
                    if depth > face.band or (face.first and depth >= 0):
                        state.entries += 1
                        state.dwell_s[face.number] = 0.0
                        frame = frame.with_event(f"entered {zone.name} #{face.number}")
                    continue
                state.dwell_s[face.number] += face.since_s
                if depth < -face.band:
                    left.append(face.number)
            for number in left:
                stayed_s = state.dwell_s.pop(number)
                state.done_s += stayed_s
                frame = frame.with_event(f"left {zone.name} #{number} after {stayed_s:.1f} s")
        return frame


@dataclass
class _Zone:
    """What a zone has seen."""

    entries: int = 0
    done_s: float = 0.0
    dwell_s: dict[int, float] = field(default_factory=dict)


class _Face(NamedTuple):
    number: int
    at: Point
    """Centre, pixels."""
    band: float
    """Pixels."""
    first: bool
    """Not seen before, or forgotten since."""
    since_s: float
    """Since it was last seen."""


class _Present:
    """Which tracks there are, and which have been missing for too long."""

    def __init__(self, band: float, forget_s: float) -> None:
        if band < 0:
            raise InputError("band", f"is {band}", "a share of the face's height, 0 or more")
        if forget_s < 0:
            raise InputError("forget_s", f"is {forget_s}", "0 seconds or more")
        self._band, self._forget_s = band, forget_s
        self._time_s: float | None = None
        self._unseen_s: dict[int, float] = {}  # since a track was last seen, in all
        self._missing_s: dict[int, float] = {}  # the like, but only while frames were looked at

    def of(self, frame: Frame) -> tuple[list[_Face], list[int]]:
        """Tracked faces of the frame, and tracks that are now forgotten."""
        step_s = 0.0 if self._time_s is None else max(frame.time_s - self._time_s, 0.0)  # clocks may run back
        self._time_s = frame.time_s
        looked = UNSEEN not in frame.events and FAILED not in frame.events
        for number in self._unseen_s:
            self._unseen_s[number] += step_s
            self._missing_s[number] += step_s * looked
        found, faces = frame.detections, []
        for number, (x1, y1, x2, y2) in zip(found.track_ids.tolist(), found.xyxy.tolist(), strict=True):
            if number >= 0:
                first, since_s = number not in self._unseen_s, self._unseen_s.get(number, 0.0)
                faces.append(_Face(number, ((x1 + x2) / 2, (y1 + y2) / 2), self._band * (y2 - y1), first, since_s))
                self._unseen_s[number] = self._missing_s[number] = 0.0
        gone = [number for number, missing_s in self._missing_s.items() if missing_s > self._forget_s]
        for number in gone:
            del self._unseen_s[number], self._missing_s[number]
        return faces, gone


def _side(at: Point, start: Point, end: Point) -> float:
    """Distance of `at` from the endless line times the line's length; above 0 on the right of one who walks along."""
    return (end[0] - start[0]) * (at[1] - start[1]) - (end[1] - start[1]) * (at[0] - start[0])


def _size(frame: Frame, unit: Unit) -> Point:
    """Pixels in a unit, each way."""
    height, width = frame.gray.shape if unit == "share" else (1, 1)
    return width, height


def _scaled(xy: Point, size_wh: Point) -> Point:
    return xy[0] * size_wh[0], xy[1] * size_wh[1]


def _check_points(where: str, points: Sequence[Point], unit: Unit) -> None:
    if unit not in ("share", "pixel"):
        raise InputError("unit", f"is {unit!r}", "share or pixel")
    values = np.array(points, np.float64).reshape(-1)
    if unit == "share" and not ((values >= 0) & (values <= 1)).all():
        raise InputError(where, f"is at {tuple(points)}", "shares of the picture, 0..1", 'pixels are unit="pixel"')
    if not np.isfinite(values).all():
        raise InputError(where, f"is at {tuple(points)}", "finite pixels")


def _check_names(names: Sequence[str]) -> None:
    if not all(names) or len(set(names)) < len(names):
        raise InputError("names", f"are {', '.join(map(repr, names))}", "a name for each, all different")
