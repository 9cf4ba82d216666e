"""Faces made unreadable: how a region is covered, and the stage that decides which regions of a live stream are.

Whatever is not known counts as a face: what was seen a moment ago stays covered, and a picture that nobody has
looked at is covered as a whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from faceir.boxes import FloatArray
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import DARK, FAILED, UNSEEN, Frame, Image, check_image

__all__ = [
    "WHOLE",
    "Mode",
    "RedactParams",
    "Redactor",
    "Shape",
    "cover",
    "cover_whole",
    "grown",
    "pair",
    "redact_whole",
]

WHOLE = "redacted whole"
"""Event: the whole picture was made unreadable, as nothing was known of its faces."""

Mode = Literal["blur", "pixelate", "solid"]
Shape = Literal["ellipse", "box"]

_SAMPLES = 8  # pixels of a block each way that are looked at: reading all of a large face would take ten times longer
_LEAST_BLOCK_PX = 4.0  # below, the blocks of a face of a few pixels would be those pixels
_SAME_SIZE = 2.0  # a face is no more than so many times larger or smaller than it was when last seen
_LEAST_STEP_S = 0.001  # so that a source whose clock stands still or is set back cannot stop the hold from ending


@dataclass(frozen=True)
class RedactParams:
    """What covers a face, how much of it, and for how long. Raises `InputError` for values out of range."""

    mode: Mode = "blur"
    """`blur` and `pixelate` leave the same few means of each face, smooth or as blocks; `solid` leaves nothing."""
    strength: float = 0.5
    """Side of a block as a share of the face's longer side, above 0 to 1: 0.5 leaves 2 along it, at any size."""
    grow: float = 0.25
    """What is covered beyond the box on each side, as a share of its width and height."""
    shape: Shape = "box"
    """All of the grown box, or the ellipse within it, which from `grow` 0.21 on still holds the whole face box."""
    hold_s: float = 0.5
    """A face stays covered for so long after it was last seen, and what was seen counts as known for so long."""
    drift: float = 1.0
    """How fast a face may move while it is not seen, in its own sizes a second: its region grows by that."""
    fail_safe: bool = True
    """Cover the whole picture when nothing is known of its faces."""
    sure: float = 0.0
    """Detections that score less, and have no track, are candidates: covered, but neither held nor handed on."""

    def __post_init__(self) -> None:
        for name, kind in (("mode", Mode), ("shape", Shape)):
            if getattr(self, name) not in get_args(kind):
                raise InputError(name, f"is {getattr(self, name)!r}", ", ".join(get_args(kind)))
        if not 0 < self.strength <= 1:
            raise InputError("strength", f"is {self.strength}", "above 0 to 1, the share of a face in one block")
        for name in ("grow", "hold_s", "drift"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(name, f"is {getattr(self, name)}", "0 or more")
        if not 0 <= self.sure <= 1:
            raise InputError("sure", f"is {self.sure}", "0..1")


def cover(image: Image, xyxy: FloatArray, params: RedactParams, extra: FloatArray | None = None) -> Image:
    """A copy of `image`, gray `[H,W]` or RGB `[H,W,3]`, with the faces `xyxy` `[N,4]` in it made unreadable.

    Boxes may lie over the edge. Regions are `grown` by `extra` `[N]` more than `params.grow`; pixels outside them stay
    as they are.
    """
    canvas = np.array(check_image(image), order="C")
    sides = (xyxy[:, 2:] - xyxy[:, :2]).max(axis=1, initial=0)
    for region, side in zip(grown(xyxy, params.grow, extra).tolist(), sides.tolist(), strict=True):
        _cover_one(canvas, region, side, params)
    return canvas


def grown(xyxy: FloatArray, grow: float, extra: FloatArray | None = None) -> FloatArray:
    """Boxes `[N,4]` with `grow` + `extra` `[N]` of their width and height added on each side.

    >>> grown(np.array([[10, 20, 30, 60]], np.float32), 0.25)
    array([[ 5., 10., 35., 70.]], dtype=float32)
    """
    share = np.float32(grow) if extra is None else (extra + np.float32(grow))[:, None]
    more = (xyxy[:, 2:] - xyxy[:, :2]) * share
    return np.concatenate([xyxy[:, :2] - more, xyxy[:, 2:] + more], axis=1)


def cover_whole(image: Image, params: RedactParams) -> Image:
    """`image` made as unreadable as a face that fills it: no face in it can be larger."""
    return _unreadable(image, min(image.shape[:2]), params)


def redact_whole(frame: Frame, params: RedactParams) -> Frame:
    """The frame with nothing to be seen in it, which it says by the event `WHOLE`."""
    return frame.with_picture(cover_whole(frame.rgb, params)).with_event(WHOLE)


def _cover_one(canvas: Image, region: list[float], face_px: float, params: RedactParams) -> None:
    """Cover the box `region` around a face whose longer side is `face_px`, in place."""
    columns, column_mask = _span(region[0], region[2], canvas.shape[1])
    rows, row_mask = _span(region[1], region[3], canvas.shape[0])
    patch = canvas[rows, columns]
    if patch.size == 0:  # beside the picture
        return
    covered = _unreadable(patch, face_px, params)
    if params.shape == "ellipse":
        inside = row_mask[:, None] + column_mask <= 1
        cv2.copyTo(covered, inside.view(np.uint8), patch)
    else:
        patch[:] = covered


def _span(low: float, high: float, end: int) -> tuple[slice, FloatArray]:
    """The pixels that `low`..`high` touches within 0..`end`, at least one, and their squared distance from its middle.

    Distances are those of a pixel's nearest point, 1 at `low` and `high`.
    """
    first, last = max(math.floor(low), 0), min(max(math.ceil(high), math.floor(low) + 1), end)
    pixels = np.arange(first, max(last, first), dtype=np.float32) + 0.5
    away = np.maximum(np.abs(pixels - (low + high) / 2) - 0.5, 0)
    return slice(first, max(last, first)), (away / max((high - low) / 2, 0.5)) ** 2


def _unreadable(patch: Image, face_px: float, params: RedactParams) -> Image:
    """`patch` `[h,w]` or `[h,w,3]` reduced to the means of its blocks, as a face's whose longer side is `face_px`.

    A Gaussian blur may be undone in part; here both modes throw away all but the means.
    """
    if params.mode == "solid":
        return np.zeros_like(patch)
    block = max(params.strength * face_px, _LEAST_BLOCK_PX)
    height, width = patch.shape[:2]
    blocks_wh = max(1, int(width / block)), max(1, int(height / block))
    step = max(1, int(block / _SAMPLES))
    means = cv2.resize(np.ascontiguousarray(patch[::step, ::step]), blocks_wh, interpolation=cv2.INTER_AREA)
    way_back = cv2.INTER_LINEAR if params.mode == "blur" else cv2.INTER_NEAREST
    covered: Image = cv2.resize(means, (width, height), interpolation=way_back)
    return covered


def pair(before: FloatArray, after: FloatArray, reach: FloatArray) -> list[tuple[int, int]]:
    """Which box of `after` `[M,4]` is which of `before` `[N,4]`, each at most once, the nearest first.

    `reach` `[N]` is how far the centre may have moved, in units of the longer side it had before.
    """
    if not len(before) or not len(after):
        return []
    sides = [np.maximum((b[:, 2:] - b[:, :2]).max(axis=1), 1.0) for b in (before, after)]
    centres = [(b[:, :2] + b[:, 2:]) / 2 for b in (before, after)]
    away = np.linalg.norm(centres[0][:, None] - centres[1], axis=2) / sides[0][:, None]
    ratio = sides[1] / sides[0][:, None]
    possible = (away <= reach[:, None]) & (ratio <= _SAME_SIZE) & (ratio >= 1 / _SAME_SIZE)
    pairs: list[tuple[int, int]] = []
    for flat in np.argsort(np.where(possible, away, np.inf), axis=None):
        old, new = divmod(int(flat), len(after))
        if possible[old, new]:
            pairs.append((old, new))
            possible[old], possible[:, new] = False, False
    return pairs


@dataclass
class _Known:
    """A face that was seen not long ago."""

    xyxy: FloatArray
    """`[4]`."""
    seen_s: float
    track: int


class Redactor:
    """A stage that makes the faces of one stream unreadable; its frames hold nothing of the picture that came.

    Sure faces stay covered for `hold_s` after they were last seen, in regions that grow with the time passed; a
    candidate that continues one of them renews it. Track ids tell which face is which where they are there, else
    the nearest one of about the same size. With `fail_safe` a frame is covered as a whole, and says so by the event
    `WHOLE`, when the detector FAILED on it, or when it is UNSEEN or DARK and no frame was looked at for `hold_s`.
    """

    def __init__(self, params: RedactParams | None = None) -> None:
        self.params = params or RedactParams()
        self.covered = np.zeros((0, 4), np.float32)
        """The boxes `[N,4]` that were covered in the last frame, for those who verify."""
        self._known: list[_Known] = []
        self._size_hw = (0, 0)
        self._clock_s = 0.0  # passes as the frames' times do, but never stands still or goes back
        self._time_s: float | None = None
        self._looked_s = -math.inf

    def __call__(self, frame: Frame) -> Frame:
        """The frame with its faces covered. The picture itself is touched only where there is something to cover."""
        self._pass_time(frame.time_s)
        self._fit_to((frame.gray.shape[0], frame.gray.shape[1]))
        seen = not {UNSEEN, FAILED, DARK}.intersection(frame.events)
        if seen:
            self._looked_s = self._clock_s
        found = frame.detections
        sure = (found.scores >= self.params.sure) | (found.track_ids >= 0)
        self._learn(found, sure, seen)
        if not sure.all():
            frame = frame.with_detections(found[sure])
        unknown = FAILED in frame.events or self._clock_s - self._looked_s > self.params.hold_s
        if not seen and unknown and self.params.fail_safe:
            self.covered = np.array([[0, 0, *frame.gray.shape[::-1]]], np.float32)
            return redact_whole(frame, self.params)
        xyxy, extra = self._regions(found)
        self.covered = grown(xyxy, self.params.grow, extra)
        return frame.with_picture(cover(frame.rgb, xyxy, self.params, extra)) if len(xyxy) else frame

    def _pass_time(self, time_s: float) -> None:
        if self._time_s is not None:
            self._clock_s += max(time_s - self._time_s, _LEAST_STEP_S)
        self._time_s = time_s
        self._known = [k for k in self._known if self._clock_s - k.seen_s <= self.params.hold_s]

    def _fit_to(self, size_hw: tuple[int, int]) -> None:
        """A stream may change its resolution: what is known moves with the picture."""
        if size_hw != self._size_hw and self._known:
            factor = np.array([size_hw[1] / self._size_hw[1], size_hw[0] / self._size_hw[0]] * 2, np.float32)
            for known in self._known:
                known.xyxy = known.xyxy * factor
        self._size_hw = size_hw

    def _learn(self, found: Detections, sure: npt.NDArray[np.bool_], seen: bool) -> None:
        """Move what is known to where it is found now, and add what is new and sure.

        What is told of a frame that nobody looked at is a tracker's guess: it moves a region, but does not renew it.
        """
        if not len(found):
            return
        ids = {known.track: n for n, known in enumerate(self._known) if known.track >= 0}
        same = [(ids[t], n) for n, t in enumerate(found.track_ids.tolist()) if t in ids]
        rest = [n for n in range(len(self._known)) if n not in {old for old, _ in same}]
        news = np.setdiff1d(np.arange(len(found)), [new for _, new in same])
        before = np.array([self._known[n].xyxy for n in rest], np.float32).reshape(-1, 4)
        reach = np.array([0.5 + self.params.drift * (self._clock_s - self._known[n].seen_s) for n in rest], np.float32)
        same += [(rest[old], int(news[new])) for old, new in pair(before, found.xyxy[news], reach)]
        for old, new in same:
            known = self._known[old]
            known.xyxy, known.track = found.xyxy[new], int(found.track_ids[new])
            known.seen_s = self._clock_s if seen else known.seen_s
        if seen:
            fresh = set(np.flatnonzero(sure).tolist()) - {new for _, new in same}
            self._known += [_Known(found.xyxy[n], self._clock_s, int(found.track_ids[n])) for n in sorted(fresh)]

    def _regions(self, found: Detections) -> tuple[FloatArray, FloatArray]:
        """Boxes `[N,4]` to cover and how much more than usual `[N]`: all that is found, and all that is known."""
        # What was seen in this very frame is among `found`.
        held = [k for k in self._known if k.seen_s < self._clock_s]
        xyxy = np.concatenate([found.xyxy, np.array([k.xyxy for k in held], np.float32).reshape(-1, 4)])
        ages = [0.0] * len(found) + [self._clock_s - k.seen_s for k in held]
        return xyxy, np.array(ages, np.float32) * np.float32(self.params.drift)
