"""How a net in training is judged: by the spec's overlaps, box bounds and kind of AP, a class at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceir.contract import Contract
from faceir.data import kitti
from faceir.data.guidelines import Rules, ignore_by_rules
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from faceir.evaluate import LEAST_SCORE, Judged, evaluate, match
from faceir.train import distributed
from faceir.train.detector import TorchDetector
from faceir.train.model import GridBoxNet
from faceir.train.prepare import Preparation

__all__ = ["Bounds", "Judge", "Looked", "eleven_points", "within"]

log = logging.getLogger(__name__)
_BATCH = 16  # pictures in memory at once

Looked = tuple[Detections, Detections, npt.NDArray[np.float64]]
"""Of one picture: the truth, what was found, and network pixels per pixel, `[2]`."""


@dataclass(frozen=True)
class Bounds:
    """`evaluation_box_config` of one class, network pixels: boxes beyond them, labelled or found, do not count."""

    min_wh: tuple[float, float] = (0.0, 0.0)
    max_wh: tuple[float, float] = (9999.0, 9999.0)

    def hold(self, boxes: Detections, scale_wh: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """`[N]`, which boxes are within; `scale_wh` is network pixels per pixel of theirs."""
        size = (boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]) * scale_wh
        return np.asarray(((size >= self.min_wh) & (size <= self.max_wh)).all(axis=1), np.bool_)


def within(bounds: Sequence[Bounds], boxes: Detections, scale_wh: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """`[N]`, which boxes are within the bounds of their own class; those of no class are."""
    kept = np.ones(len(boxes), np.bool_)
    for label, one in enumerate(bounds):
        kept &= (boxes.labels != label) | one.hold(boxes, scale_wh)
    return kept


@dataclass(frozen=True)
class Judge:
    """Scores of a net on the validation pictures, as fractions."""

    items: Sequence[kitti.Item]
    contract: Contract
    rules: Rules
    class_mapping: dict[str, str]
    overlaps: tuple[float, ...] = (0.5,)
    """Of each class: a found box counts when its IoU is above."""
    bounds: tuple[Bounds, ...] = (Bounds(),)
    eleven_point: bool = False
    """AP is the mean of 11 points (VOC 2007), else the area under the curve."""
    preparation: Preparation = Preparation()
    precision: str = "FP32"

    def __call__(self, net: GridBoxNet) -> dict[str, Any]:
        """`ap`, `precision`, `recall`, `accuracy` and their `threshold`; means over the classes, then each one's AP."""
        detector = TorchDetector(net.eval(), self.contract.with_threshold(LEAST_SCORE), self.precision)
        seen = distributed.gathered(list(self._look(detector)))
        each = self.each(seen)
        scores: dict[str, Any] = {}
        for key in each[0]:
            given = [value for one in each if (value := one[key]) is not None]
            scores[key] = float(np.mean(given)) if given else None
        if len(each) > 1:
            scores |= {f"ap {name}": one["ap"] for name, one in zip(self.contract.classes, each, strict=True)}
        return scores

    def each(self, seen: Sequence[Looked]) -> list[dict[str, float | None]]:
        """Of each class `ap`, `precision`, `recall`, `accuracy`, `threshold`; None where no face of it counts."""
        return [self._scores(seen, label) for label in range(len(self.contract.classes))]

    def _look(self, detector: TorchDetector) -> Iterator[Looked]:
        """Each readable picture of this process."""
        items = distributed.part(self.items)
        for start in range(0, len(items), _BATCH):
            prepared = []
            for item in items[start : start + _BATCH]:
                try:
                    frame = kitti.read_frame(item, self.class_mapping, self.contract.classes)
                    prepared.append(self.preparation.apply(frame.gray, frame.detections))
                except InputError as error:  # a run of days must not end for one picture
                    log.warning("left out of the validation: %s", error)
            for (gray, truth), found in zip(prepared, detector([gray for gray, _ in prepared]), strict=True):
                scale = self.contract.fit.placement((gray.shape[1], gray.shape[0])).scale_xy
                yield ignore_by_rules(truth, self.rules, scale[1]), found, np.array(scale)

    def _scores(self, seen: Sequence[Looked], label: int) -> dict[str, float | None]:
        """Of one class."""
        bounds, judged = self.bounds[label], []
        for truth, found, scale in seen:
            mine = truth[(truth.labels == label) | (truth.labels == DONT_CARE)]
            found = found[found.labels == label]
            judged.append(Judged(mine, found[bounds.hold(found, scale)], bounds.hold(mine, scale), float(scale[1])))
        verdict = evaluate(judged, iou_threshold=self.overlaps[label], rounds=0)
        scores = {rate: getattr(verdict, rate).value for rate in ("ap", "precision", "recall", "accuracy")}
        if not verdict.faces:  # only false alarms show, which say nothing of a class that is not there
            return dict.fromkeys(("threshold", *scores))
        if self.eleven_point:
            scores["ap"] = eleven_points(judged, self.overlaps[label])
        return {"threshold": verdict.threshold} | scores


def eleven_points(judged: Sequence[Judged], iou_threshold: float) -> float | None:
    """AP of VOC 2007: the mean, over recalls 0, 0.1 ... 1, of the best precision at that recall or a greater one.

    None without a face that counts.
    """
    scores, right, faces = [], [], 0
    for one in judged:
        found = match(one.truth, one.found, one.counted, iou_threshold)
        scores.append(one.found.scores[~found.ignored])
        right.append(found.truth_of[~found.ignored] >= 0)
        counted = one.truth.labels != DONT_CARE
        faces += int((counted if one.counted is None else counted & one.counted).sum())
    if not faces:
        return None
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hits = np.cumsum(np.concatenate(right)[order])
    recall, precision = hits / faces, hits / (1 + np.arange(len(hits)))
    best = [precision[recall >= r - 1e-9].max(initial=0) for r in np.linspace(0, 1, 11)]
    return float(np.mean(best))
