"""Average precision as NVIDIA's TAO toolkit computes it for DetectNet_v2, number for number.

It differs from other ones: boxes are rounded to whole pixels that include their borders, an IoU of just
the threshold is enough, a found face goes to the true one that it overlaps most even if that is taken
(and is then wrong), and there are no regions to ignore.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from faceir.detections import DONT_CARE
from faceir.evaluate.interval import Real
from faceir.evaluate.judged import Judged, counted_of
from faceir.evaluate.matching import Faces, Mask, flatten

__all__ = ["BoxLimits", "TaoAp", "integrate_ap", "sample_ap", "tao_ap", "tao_iou"]


@dataclass(frozen=True)
class BoxLimits:
    """TAO's `evaluation_box_config`, network pixels: faces beyond them, true and found, are left out."""

    min_height: float = 0
    max_height: float = 9999
    min_width: float = 0
    max_width: float = 9999


@dataclass(frozen=True)
class TaoAp:
    """Mean over the classes, 0..1; None without a true face. TAO shows them times 100."""

    sample: float | None
    """`average_precision_mode: SAMPLE`: mean of the best precision at 11 recalls (VOC 2007)."""
    integrate: float | None
    """`INTEGRATE`: area under the envelope, less the segment before the last recall that is reached."""


def tao_ap(
    pictures: Iterable[Judged], classes: int = 1, iou_threshold: float = 0.5, limits: BoxLimits | None = None
) -> TaoAp:
    """AP of found faces of every score. True faces that do not count are left out, as TAO does with `DontCare`:
    what is found there is wrong. A class without a true face counts as 0, as in TAO. Equal scores stand as they come.
    """
    pictures, limits = list(pictures), limits or BoxLimits()
    truth, found = (_network_pixels(pictures, name) for name in ("truth", "found"))
    counted = [counted_of(p, p.name or f"picture {n}") for n, p in enumerate(pictures)]
    if counted:
        truth = truth.where(np.concatenate(counted) & (truth.labels != DONT_CARE))
    truth, found = truth.where(_within(truth, limits)), found.where(_within(found, limits))
    if not len(truth.scores):
        return TaoAp(None, None)
    both = [_of_class(truth, found, label, iou_threshold) for label in range(classes)]
    return TaoAp(*(float(np.average(values)) for values in zip(*both, strict=True)))


def tao_iou(a: Real, b: Real) -> Real:
    """IoU of pairs `[N,4]` of whole-pixel boxes whose last row and column belong to them."""
    sides = np.maximum(0, np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]) + 1)
    shared: Real = sides[:, 0] * sides[:, 1]
    areas = [(box[:, 2] - box[:, 0] + 1) * (box[:, 3] - box[:, 1] + 1) for box in (a, b)]
    return shared / (areas[0] + areas[1] - shared)


def sample_ap(precision: Real, recall: Real) -> float:
    """Mean of the best precision from each of the recalls 0, 0.1 .. 1 on; both `[N]` by falling score."""
    total = 0.0
    for least in np.linspace(0, 1, 11):
        total += float(precision[recall >= least].max(initial=0.0))
    return total / 11


def integrate_ap(precision: Real, recall: Real) -> float:
    """Area under the envelope over the distinct recalls. TAO begins at the first one, not at 0, and gives the
    last one no height of its own: the segment that leads to it has the best precision seen before it."""
    recalls, begins = np.unique(recall, return_index=True)
    if len(recalls) < 2:
        return 0.0
    best = np.maximum.reduceat(precision[: begins[-1]], begins[:-1])
    heights = np.maximum.accumulate(best[::-1])[::-1]
    return float(np.sum(np.append(heights, 0) * np.append(np.diff(recalls), 0)))


def _of_class(truth: Faces, found: Faces, label: int, iou_threshold: float) -> tuple[float, float]:
    truth, found = truth.where(truth.labels == label), found.where(found.labels == label)
    if not len(truth.scores) or not len(found.scores):
        return 0.0, 0.0
    right = _right(truth, found, iou_threshold)
    precision, recall = np.cumsum(right) / np.arange(1, len(right) + 1), np.cumsum(right) / len(truth.scores)
    return sample_ap(precision, recall), integrate_ap(precision, recall)


def _right(truth: Faces, found: Faces, iou_threshold: float) -> Mask:
    """`[M]` in descending score: takes a true face as the first."""
    found = found.where(np.argsort(-found.scores, kind="stable"))
    best_iou, best = _best(truth, found)
    enough = np.flatnonzero(best_iou >= iou_threshold)
    right = np.zeros(len(found.scores), np.bool_)
    right[enough[np.unique(best[enough], return_index=True)[1]]] = True
    return right


def _best(truth: Faces, found: Faces) -> tuple[Real, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """IoU and number of the true face that each found one overlaps most, 0 and -1 in a picture without one."""
    pictures = 1 + int(max(truth.picture.max(), found.picture.max()))
    count = np.bincount(truth.picture, minlength=pictures)
    start, many = np.cumsum(count) - count, count[found.picture]
    iou, best = np.zeros(len(many)), np.full(len(many), -1, np.int64)
    for turn in range(int(many.max(initial=0))):  # the n-th true face of every picture at once
        some = np.flatnonzero(many > turn)
        t = start[found.picture[some]] + turn
        new = tao_iou(found.xyxy[some], truth.xyxy[t])
        better = (new > iou[some]) | (best[some] < 0)
        iou[some[better]], best[some[better]] = new[better], t[better]
    return iou, best


def _network_pixels(pictures: list[Judged], name: str) -> Faces:
    """Boxes as the network saw them; rounding comes after the limits."""
    faces = flatten([getattr(p, name) for p in pictures])
    factor = np.array([(p.scale if p.scale_x is None else p.scale_x, p.scale) * 2 for p in pictures]).reshape(-1, 4)
    return faces._replace(xyxy=faces.xyxy * factor[faces.picture])


def _within(faces: Faces, limits: BoxLimits) -> Mask:
    width, height = faces.xyxy[:, 2] - faces.xyxy[:, 0], faces.xyxy[:, 3] - faces.xyxy[:, 1]
    fits: Mask = (height >= limits.min_height) & (height <= limits.max_height)
    fits &= (width >= limits.min_width) & (width <= limits.max_width)
    np.rint(faces.xyxy, out=faces.xyxy)
    return fits
