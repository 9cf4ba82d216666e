"""COCO's twelve numbers, as pycocotools computes them for boxes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from faceir.detections import DONT_CARE
from faceir.evaluate.interval import Real
from faceir.evaluate.judged import Judged, counted_of
from faceir.evaluate.matching import Faces, IntArray, Mask, Pairs, flatten, greedy, pairs, turns

__all__ = ["Coco", "coco_scores"]

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
MOST = (1, 10, 100)


@dataclass(frozen=True)
class Coco:
    """0..1; None where there is no true face of the size. Areas are those of the boxes, in the picture's pixels."""

    ap: float | None
    """Mean over IoU 0.50, 0.55 .. 0.95."""
    ap50: float | None
    ap75: float | None
    ap_small: float | None
    """Below 32x32."""
    ap_medium: float | None
    ap_large: float | None
    """From 96x96 up."""
    ar1: float | None
    """Greatest recall with one found face a picture, mean over the same IoUs."""
    ar10: float | None
    ar100: float | None
    ar_small: float | None
    ar_medium: float | None
    ar_large: float | None


class _Class(NamedTuple):
    """Faces of one class in all pictures."""

    truth: Faces
    crowd: Mask
    """Regions to ignore: COCO's `iscrowd`."""
    found: Faces
    rank: IntArray
    """Of each found face among those of its picture, 0 = the surest."""
    overlap: Pairs
    turn: IntArray


class _Verdict(NamedTuple):
    """On the found faces of a class and the true ones of a size; T IoUs."""

    right: Mask
    """`[T, M]`"""
    counts: Mask
    """`[T, M]`, False = ignored."""
    of: _Class
    faces: int
    """True faces of this size."""

    def ap(self) -> Real:
        """`[T]`, mean precision at 101 recalls."""
        order = np.argsort(-self.of.found.scores, kind="stable")
        ap = np.zeros(len(self.right))
        for n in range(len(ap)):
            tp = np.cumsum(self.right[n, order][self.counts[n, order]])
            precision = tp / (np.arange(1, len(tp) + 1) + np.spacing(1))
            envelope = np.maximum.accumulate(precision[::-1])[::-1]
            ap[n] = np.append(envelope, 0)[np.searchsorted(tp / self.faces, RECALLS, side="left")].mean()
        return ap

    def recall(self, most: int) -> Real:
        """`[T]`, of the `most` surest faces of each picture."""
        of_most: Real = self.right[:, self.of.rank < most].sum(axis=1) / self.faces
        return of_most


def coco_scores(pictures: Iterable[Judged]) -> Coco:
    """COCO's AP and AR of found faces of every score; regions to ignore are crowds, of every class."""
    pictures = list(pictures)
    truth, found = flatten([p.truth for p in pictures]), flatten([p.found for p in pictures])
    counted = np.concatenate([counted_of(p, p.name) for p in pictures]) if pictures else np.zeros(0, np.bool_)
    labels = sorted({*truth.labels[counted].tolist(), *found.labels.tolist()} - {DONT_CARE})
    classes = [_class(truth, counted, found, label) for label in labels]
    verdicts = {area: [_verdict(c, AREAS[area]) for c in classes] for area in AREAS}

    def ap(area: str, at: slice = slice(None)) -> float | None:
        return _mean([v.ap()[at] for v in verdicts[area] if v.faces])

    def ar(area: str, most: int = MOST[-1]) -> float | None:
        return _mean([v.recall(most) for v in verdicts[area] if v.faces])

    sizes = ("small", "medium", "large")
    return Coco(
        ap("all"), ap("all", slice(0, 1)), ap("all", slice(5, 6)), *map(ap, sizes),
        *(ar("all", most) for most in MOST), *map(ar, sizes),
    )  # fmt: skip


def _mean(values: list[Real]) -> float | None:
    return float(np.mean(values)) if values else None


def _class(truth: Faces, counted: Mask, found: Faces, label: int) -> _Class:
    mine = ~counted | (truth.labels == label)
    truth, crowd = truth.where(mine), ~counted[mine]
    found = found.where(found.labels == label)
    order = np.lexsort((-found.scores, found.picture))
    found = found.where(order)
    first = np.searchsorted(found.picture, found.picture)
    rank = np.arange(len(order)) - first
    kept = rank < MOST[-1]
    found, rank = found.where(kept), rank[kept]
    overlap = pairs(found, truth, IOU_THRESHOLDS[0])
    overlap = overlap._replace(iou=np.where(crowd[overlap.truth], overlap.inside, overlap.iou))
    return _Class(truth, crowd, found, rank, overlap, turns(found.scores))


def _verdict(c: _Class, limits: tuple[float, float]) -> _Verdict:
    """Match at each IoU; a true face beyond `limits` is ignored, and so is a found one that finds no other."""
    ignored = c.crowd | _beyond(c.truth, limits)
    p = c.overlap
    order = np.lexsort((-p.truth, -p.iou, ignored[p.truth], c.turn[p.found]))  # of equal IoUs the later, as there
    p = p.where(order)
    right = np.zeros((len(IOU_THRESHOLDS), len(c.rank)), np.bool_)
    counts = np.repeat(~_beyond(c.found, limits)[None], len(IOU_THRESHOLDS), axis=0)
    for n, threshold in enumerate(IOU_THRESHOLDS):
        near = p.where(p.iou >= min(threshold, 1 - 1e-10))
        near = near.where(greedy(c.turn[near.found], near.truth, c.crowd))
        counts[n, near.found] = right[n, near.found] = ~ignored[near.truth]
    return _Verdict(right, counts, c, int(np.count_nonzero(~ignored)))


def _beyond(faces: Faces, limits: tuple[float, float]) -> Mask:
    size = faces.xyxy[:, 2:] - faces.xyxy[:, :2]
    area = size[:, 0] * size[:, 1]
    beyond: Mask = (area < limits[0]) | (area > limits[1])
    return beyond
