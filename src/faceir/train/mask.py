"""Where the loss counts and how much: ignored regions, and labels that the spec weighs differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceir import gridbox
from faceir.boxes import FloatArray
from faceir.detections import DONT_CARE, Detections

__all__ = ["LabelFilter", "LossMask", "ignored"]


@dataclass(frozen=True)
class LabelFilter:
    """Chooses labels, and says in which losses their boxes weigh differently."""

    classes: tuple[int, ...] = ()
    """Whose losses; empty = all."""
    objectives: tuple[str, ...] = ()
    """`cov`, `bbox`; empty = both."""
    min_wh: tuple[float, float] = (0.0, 0.0)
    """Network pixels; 0 = any."""
    max_wh: tuple[float, float] = (0.0, 0.0)
    region: tuple[float, float, float, float] | None = None
    """Left, top, right, bottom, network pixels, where 0 is the picture's edge: boxes that overlap it are chosen."""
    source_classes: tuple[str, ...] = ()
    """Names in the label files, lower case; boxes of these are chosen, whether they are trained or not."""

    def choose(self, truth: Detections, others: Detections, names: Sequence[str]) -> FloatArray:
        """The chosen boxes `[M,4]`: of `truth`, or with `source_classes` of `others`, labelled by index in `names`."""
        if self.source_classes:
            wanted = [n for n, name in enumerate(names) if name in self.source_classes]
            return others.xyxy[np.isin(others.labels, wanted)]
        xyxy = truth.xyxy[truth.labels != DONT_CARE]
        size = xyxy[:, 2:] - xyxy[:, :2]
        largest = np.where(np.array(self.max_wh) > 0, self.max_wh, np.inf)
        chosen = ((size >= self.min_wh) & (size <= largest)).all(axis=1)
        if self.region is not None:
            left, top, right, bottom = (*self.region[:2], *(edge or np.inf for edge in self.region[2:]))
            chosen &= (xyxy[:, 0] < right) & (xyxy[:, 2] > left) & (xyxy[:, 1] < bottom) & (xyxy[:, 3] > top)
        return np.asarray(xyxy[chosen], np.float32)


@dataclass(frozen=True)
class LossMask:
    """`loss_mask_label_filter`: the loss inside the chosen boxes counts `multiplier` times."""

    filters: tuple[LabelFilter, ...] = ()
    multiplier: float = 0.0
    preserve_ground_truth: bool = False
    """Cells that a face covers keep weight 1."""

    @property
    def source_classes(self) -> tuple[str, ...]:
        """Names that any filter wants to know of, lower case."""
        return tuple(dict.fromkeys(name for one in self.filters for name in one.source_classes))

    def masks(self, truth: Detections, others: Detections, cov: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Factors of the coverage and of the box loss, both `[K,h,w]` as `cov`.

        `truth` as labelled, before the rules that ignore faces; `others` are the boxes of `source_classes`, labelled
        by their index there. Overlapping boxes multiply once.
        """
        made = []
        for objective in ("cov", "bbox"):
            mask = np.ones_like(cov)
            for one in self.filters:
                if not one.objectives or objective in one.objectives:
                    planes = list(one.classes) or list(range(len(cov)))
                    inside = np.zeros(cov.shape[1:], np.bool_)
                    for box in one.choose(truth, others, self.source_classes):
                        inside[_cells(box)] = True
                    for plane in planes:
                        mask[plane][inside] = self.multiplier
            if self.preserve_ground_truth:
                mask[cov > 0] = 1
            made.append(mask)
        return made[0], made[1]


def ignored(truth: Detections, cov: FloatArray) -> FloatArray:
    """1 where the loss counts, 0 in cells that a `DONT_CARE` box touches and no face covers: `[K,h,w]`."""
    mask = np.ones_like(cov)
    for box in truth.xyxy[truth.labels == DONT_CARE]:
        mask[(slice(None), *_cells(box))] = 0
    mask[cov > 0] = 1
    return mask


def _cells(box: npt.NDArray[np.float32]) -> tuple[slice, slice]:
    """Rows and columns of all cells that a box, network pixels, touches."""
    x1, y1, x2, y2 = box / gridbox.STRIDE
    return slice(max(int(y1), 0), max(int(np.ceil(y2)), 0)), slice(max(int(x1), 0), max(int(np.ceil(x2)), 0))
