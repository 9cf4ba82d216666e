"""How a data set draws its boxes beside a detector: some to the ears, some to the hair. A habit is no mistake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from faceir import boxes
from faceir.boxes import FloatArray

__all__ = ["Habit", "Pairs", "habit_of", "pairs_of"]

Pairs: TypeAlias = npt.NDArray[np.float64]
"""`[N,4]`: how labelled boxes differ from found ones: shift right and down in found widths and heights, and the
logarithms of width and height over the found ones."""

_LEAST_PAIRS = 20
_SAME_FACE = 0.4  # IoU
_SURE = 0.5
_MAD_TO_SIGMA = 1.4826
_SIGMAS = 4.0  # the middle and the median deviation bear that a third of the labels is wrong


@dataclass(frozen=True)
class Habit:
    """The usual difference between a label and the detector's box of the same face."""

    right: float = 0.0
    """Of the centre, in widths of the detector's box."""
    down: float = 0.0
    wider: float = 1.0
    """Factor."""
    higher: float = 1.0
    pairs: int = 0
    """Faces that it was learnt from."""
    least_overlap: float = 0.0
    """IoU with what was expected that nearly all boxes of the set reach."""

    def expected(self, xyxy: FloatArray) -> FloatArray:
        """What this set would have drawn where the detector says `xyxy` `[N,4]`."""
        size = xyxy[:, 2:] - xyxy[:, :2]
        centre = (xyxy[:, :2] + xyxy[:, 2:]) / 2 + size * np.array([self.right, self.down], np.float32)
        half = size * np.array([self.wider, self.higher], np.float32) / 2
        return np.concatenate([centre - half, centre + half], axis=1)

    @property
    def overlap(self) -> float:
        """IoU of a box with what the set would have drawn in its place, 0..1."""
        box = np.array([[0, 0, 1, 1]], np.float32)
        return float(boxes.iou(box, self.expected(box))[0, 0])


def pairs_of(labelled: FloatArray, found: FloatArray, scores: npt.NDArray[Any]) -> Pairs:
    """Differences of labelled boxes `[N,4]` to the sure ones of `found` `[M,4]` that are each other's best."""
    found = found[scores >= _SURE]
    overlap = boxes.iou(labelled, found)
    if overlap.size == 0:
        return np.zeros((0, 4))
    best = overlap.argmax(axis=1)
    mutual = (overlap.argmax(axis=0)[best] == np.arange(len(labelled))) & (overlap.max(axis=1) > _SAME_FACE)
    mine, its = labelled[mutual].astype(np.float64), found[best[mutual]].astype(np.float64)
    size = its[:, 2:] - its[:, :2]
    shift = ((mine[:, :2] + mine[:, 2:]) - (its[:, :2] + its[:, 2:])) / 2 / size
    return np.concatenate([shift, np.log((mine[:, 2:] - mine[:, :2]) / size)], axis=1)


def habit_of(pairs: Sequence[Pairs]) -> Habit:
    """The middle of all differences; none of too few faces to tell."""
    every = np.concatenate([np.zeros((0, 4)), *pairs])
    if len(every) < _LEAST_PAIRS:
        return Habit()
    usual = np.median(every, axis=0)
    right, down, wide, high = usual.tolist()
    overlap = boxes.iou(_box(usual[None]), _box(every))[0].astype(np.float64)
    middle = float(np.median(overlap))
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(overlap - middle)))
    return Habit(right, down, float(np.exp(wide)), float(np.exp(high)), len(every), middle - _SIGMAS * spread)


def _box(pairs: Pairs) -> FloatArray:
    """The labelled boxes `[N,4]` where the detector's is 0, 0, 1, 1."""
    centre, half = pairs[:, :2] + 0.5, np.exp(pairs[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
