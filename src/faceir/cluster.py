"""Boxes to faces: NMS, DBSCAN, DBSCAN+NMS hybrid, groupRectangles, none. numpy, hot path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from faceir.boxes import FloatArray
from faceir.detections import Detections

__all__ = ["ClusterParams", "cluster"]

Algorithm = Literal["group_rectangles", "dbscan", "nms", "hybrid", "none"]


@dataclass(frozen=True)
class ClusterParams:
    """How the candidate boxes of one class become faces. In brackets: TAO's name | DeepStream's name."""

    algorithm: Algorithm = "nms"
    """[clustering_algorithm | cluster-mode]"""
    coverage_threshold: float = 0.2
    """Cells at or below this coverage are skipped, 0..1 [coverage_threshold | pre-cluster-threshold]."""
    confidence_threshold: float = 0.0
    """Faces below this are dropped [*_confidence_threshold | post-cluster-threshold]."""
    nms_iou_threshold: float = 0.3
    """NMS drops a box that overlaps a better one by more, IoU 0..1 [nms_iou_threshold | nms-iou-threshold]."""
    eps: float = 0.3
    """Neighbours are nearer than this, 1 - IoU 0..1; for groupRectangles OpenCV's eps [dbscan_eps | eps]."""
    min_samples: float = 1.0
    """A DBSCAN core has at least this sum of coverage around it [dbscan_min_samples | dbscan-min-score]."""
    group_threshold: int = 1
    """groupRectangles keeps groups of more boxes than this [- | group-threshold]."""
    min_height: float = 0.0
    """Faces at or below this height are dropped, network pixels [minimum_bounding_box_height | -]."""
    top_k: int = -1
    """Keep at most so many of the best; -1 keeps all [- | topk]."""


def cluster(
    xyxy: FloatArray,
    cov: FloatArray,
    labels: npt.NDArray[np.int64],
    params: Sequence[ClusterParams],
) -> Detections:
    """Faces from candidate boxes."""
    raise SystemError  # written next
