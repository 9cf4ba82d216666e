"""`DarkGate`: is a frame too dark to look for faces in, and does an emitter strobe.

Many infrared cameras light every other frame only, and their driver hands out the dark ones too. Such a frame costs
an inference, finds nobody, and makes every track flicker; it is better not to ask.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from faceir.errors import InputError
from faceir.flow import Image

__all__ = ["DarkGate", "DarkReport", "DarkSettings"]

_ROWS, _COLUMNS = 36, 64
"""About so many places of a picture are looked at, 2 x 2 pixels each, of which the mean is less noisy."""
_KEPT = 64
"""Verdicts to tell a strobe's period from."""
_LEAST_ONSETS = 4


@dataclass(frozen=True)
class DarkSettings:
    """When a frame is dark. 8-bit gray values; contrast is the 99th less the 1st percentile, bulk the 90th less it.

    That the darkest hundredth stands for black makes full-range pictures equal to limited-range ones, which start
    at 16. Raises `InputError` for values outside of what is stated.
    """

    least_contrast: float = 8.0
    """Dark below this contrast: there the packaged model finds half of the faces of a well-lit picture."""
    share: float = 0.25
    """Dark when the bulk is below this share of the greatest among the last `reach` frames, 0..1; 0 = never."""
    reach: int = 8
    """Frames; a strobe with longer dark spells is seen by `least_contrast` alone. After a lasting fall of the light so
    many frames are called dark at most."""
    lit: float = 64.0
    """Never dark where the percentile in question is above this, however flat the picture: that is fog or glare."""
    hysteresis: float = 0.25
    """After a dark frame the limits are higher by this share, so that a level near them does not flicker."""

    def __post_init__(self) -> None:
        for name, high in (("least_contrast", 255), ("share", 1), ("lit", 255), ("hysteresis", 1)):
            if not 0 <= getattr(self, name) <= high:
                raise InputError(f"DarkSettings.{name}", f"is {getattr(self, name)}", f"0..{high}")
        if self.reach < 1:
            raise InputError("DarkSettings.reach", f"is {self.reach}", "1 frame or more")


@dataclass(frozen=True)
class DarkReport:
    """What a gate has seen of a stream."""

    frames: int
    """In all."""
    dark: int
    """In all."""
    share: float
    """Of dark frames among the last 64, 0..1."""
    period_frames: float | None
    """From one dark spell's begin to the next, mean over the last 64 frames; None = they do not come regularly."""

    def __str__(self) -> str:
        beat = f", every {self.period_frames:.3g} frames: the emitter strobes" if self.period_frames else ""
        return f"{self.dark} of {self.frames} frames dark, {100 * self.share:.0f} % of the latest{beat}"


class DarkGate:
    """Asked about every frame of one stream in order."""

    def __init__(self, settings: DarkSettings | None = None) -> None:
        self.settings = settings or DarkSettings()
        self._bulks: deque[float] = deque(maxlen=self.settings.reach)
        self._verdicts: deque[bool] = deque(maxlen=_KEPT)
        self._frames = self._dark = 0

    def is_dark(self, gray: Image) -> bool:
        """Whether the next frame, uint8 `[H,W]`, is too dark to see a face in."""
        s = self.settings
        black, bulk, top = _levels(gray)
        slack = 1 + s.hysteresis if self._verdicts and self._verdicts[-1] else 1.0
        before = max(self._bulks, default=0.0)
        fallen = before >= 2 * s.least_contrast and bulk - black < s.share * before * slack
        dark = (top <= s.lit and top - black < s.least_contrast * slack) or (bulk <= s.lit and fallen)
        self._bulks.append(bulk - black)
        self._verdicts.append(dark)
        self._frames, self._dark = self._frames + 1, self._dark + dark
        return dark

    def report(self) -> DarkReport:
        """Dark frames so far, and whether they come regularly."""
        recent = list(self._verdicts)
        share = sum(recent) / len(recent) if recent else 0.0
        onsets = [n for n, (before, now) in enumerate(pairwise(recent)) if now and not before]
        period = None
        if len(onsets) >= _LEAST_ONSETS:
            gaps = np.diff(onsets)
            if (np.abs(gaps - np.median(gaps)) <= 1).mean() > 0.8:  # a dropped frame may break the beat
                period = float(gaps.mean())
        return DarkReport(self._frames, self._dark, share, period)


def _levels(gray: Image) -> tuple[float, float, float]:
    """1st, 90th and 99th percentile of `gray`, of a sample of its places."""
    height, width = gray.shape
    if height < 2 or width < 2:
        values, pixels = np.sort(gray, axis=None), 1
    else:
        step_y, step_x = max(1, height // _ROWS), max(1, width // _COLUMNS)
        upper = (slice(0, height - 1, step_y), slice(1, height, step_y))
        left = (slice(0, width - 1, step_x), slice(1, width, step_x))
        total = gray[upper[0], left[0]].astype(np.uint16)
        for y, x in ((0, 1), (1, 0), (1, 1)):
            total += gray[upper[y], left[x]]
        values, pixels = np.sort(total, axis=None), 4
    last = len(values) - 1
    low, bulk, top = (float(values[round(share * last)]) / pixels for share in (0.01, 0.9, 0.99))
    return low, bulk, top
