"""Precision over recall, whose pictures can be weighed anew: the inner loop of the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceir.evaluate.interval import Real
from faceir.evaluate.matching import Seen

__all__ = ["PRECISION_KPI", "Curve", "PrCurve"]

PRECISION_KPI = 0.99
"""Precision that `Scores.recall_at_p99` asks for."""


@dataclass(frozen=True)
class PrCurve:
    """Points of precision over recall, in descending threshold, 0..1 each."""

    threshold: tuple[float, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]


class Curve:
    """The steps of a falling threshold at which a true face is found.

    Between two of them only false alarms come in, which lower precision and change nothing else: they are
    summed into the next step once, so that weighing anew costs one pass over the found faces. Equal scores
    are one step: no threshold can part them, and the order of pictures must not matter.
    """

    def __init__(self, seen: Seen) -> None:
        order = np.argsort(-seen.found.scores, kind="stable")
        unit, right, score = seen.unit[seen.found.picture[order]], seen.right[order], seen.found.scores[order]
        last = np.flatnonzero(np.diff(score, append=-np.inf))  # of each step
        finds = np.diff(np.cumsum(right)[last], prepend=0) > 0
        ends = last[finds] + 1
        self.thresholds = score[last[finds]].astype(np.float64)
        self.highest = float(score[0]) if len(score) else None
        """Score of the surest found face, right or wrong."""
        self._unit = unit[: ends[-1] if len(ends) else 0]
        self._starts = np.concatenate([[0], ends[:-1]]) if len(ends) else np.zeros(0, np.int64)
        self._right_unit = self._unit[right[: len(self._unit)]]
        before = np.cumsum(right)
        self._right_starts = np.concatenate([[0], before[ends[:-1] - 1]]) if len(ends) else np.zeros(0, np.int64)
        self._faces = np.bincount(seen.unit[seen.face.picture], minlength=seen.units).astype(np.float64)

    def cumulated(self, weight: Real | None = None) -> tuple[Real, Real, float]:
        """Right faces and all found ones from each step's score up, and the number of true faces.

        `weight` `[units]` counts every unit so many times; None: once.
        """
        weight = np.ones(len(self._faces)) if weight is None else weight
        faces = float(weight @ self._faces)
        if not len(self._starts):
            return np.zeros(0), np.zeros(0), faces
        right = np.cumsum(np.add.reduceat(weight[self._right_unit], self._right_starts))
        found = np.cumsum(np.add.reduceat(weight[self._unit], self._starts))
        return right, found, faces

    def best_threshold(self) -> float | None:
        """The (highest) score with the best accuracy; None when nothing was found."""
        right, found, faces = self.cumulated()
        if not len(right):
            return self.highest
        return float(self.thresholds[np.argmax(right / (faces + found - right))])

    def area_and_kpi(self, weight: Real | None = None) -> tuple[float, float]:
        """AP and recall at 99 % precision with units counted `weight` times; NaN = cannot be given."""
        right, found, faces = self.cumulated(weight)
        if faces == 0:
            return np.nan, np.nan
        precision = right / np.maximum(found, 1)  # found = 0 only ahead of the first counted unit
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        area = float(np.diff(right, prepend=0) @ envelope / faces)
        good = right[precision >= PRECISION_KPI]
        return area, float(good[-1] / faces) if len(good) else np.nan

    def points(self, most: int = 400) -> PrCurve:
        """At most `most` points, evenly over the steps; empty without true faces."""
        right, found, faces = self.cumulated()
        if faces == 0 or not len(right):
            return PrCurve((), (), ())
        at = np.unique(np.linspace(0, len(right) - 1, most).round().astype(np.int64))
        return PrCurve(*(tuple(c[at].tolist()) for c in (self.thresholds, right / faces, right / found)))
