"""Do scores mean what they say: of the faces that score 0.9, are nine in ten right?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceir.evaluate.interval import Rate, wilson
from faceir.evaluate.matching import Mask, Seen

__all__ = ["Bin", "Reliability", "reliability"]


@dataclass(frozen=True)
class Bin:
    """Found faces that score from `low` to `high`."""

    low: float
    high: float
    faces: int
    score: float | None
    """Mean; None when there is none, as `right` then is."""
    right: Rate
    """Share of them that are true faces, with Wilson's interval."""


@dataclass(frozen=True)
class Reliability:
    """The reliability diagram, and the expected calibration error: mean gap between score and share of right ones,
    weighted by the found faces of a bin (M. P. Naeini and others, 2015)."""

    bins: tuple[Bin, ...]
    error: float | None
    """Over found faces of every score; many low ones make it small. None when nothing was found."""
    error_kept: float | None
    """Over those from the threshold up."""


def reliability(seen: Seen, threshold: float, bins: int = 10) -> Reliability:
    """Of found faces that are not ignored; `bins` of equal width over 0..1."""
    scores = seen.found.scores.astype(np.float64)
    number = np.minimum((scores * bins).astype(np.int64), bins - 1)
    made = []
    for n in range(bins):
        here = number == n
        count, right = int(here.sum()), int(seen.right[here].sum())
        share = Rate(right / count, *wilson(right, count)) if count else Rate(None)
        made.append(Bin(n / bins, (n + 1) / bins, count, float(scores[here].mean()) if count else None, share))
    return Reliability(tuple(made), _error(seen, number, scores >= 0), _error(seen, number, scores >= threshold))


def _error(seen: Seen, number: np.ndarray[tuple[int, ...], np.dtype[np.int64]], kept: Mask) -> float | None:
    if not kept.any():
        return None
    gap = np.bincount(number[kept], seen.found.scores[kept].astype(np.float64) - seen.right[kept])
    return float(np.abs(gap).sum() / kept.sum())
