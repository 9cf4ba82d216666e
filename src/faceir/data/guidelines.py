"""The labelling guidelines as code: which labelled faces are trained and counted, and which are ignored."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from faceir.detections import DONT_CARE, Detections

__all__ = ["Rules", "ignore_by_rules"]


@dataclass(frozen=True)
class Rules:
    """Faces that break one are neither trained nor counted, as a `DontCare` region is."""

    min_height: float = 8.0
    """Network pixels."""
    max_occlusion: int = 5
    """Levels 0..9 of the FaceDetect card; it trains 0 to 5."""
    min_visible: float = 0.6
    """Share of the face inside the picture, 0..1."""


def ignore_by_rules(truth: Detections, rules: Rules, scale_y: float = 1.0) -> Detections:
    """The same boxes, those that break a rule relabelled `DONT_CARE`.

    `scale_y` is network pixels per pixel of `truth`. Unknown occlusion or truncation breaks no rule.
    """
    ignored = (
        ((truth.xyxy[:, 3] - truth.xyxy[:, 1]) * scale_y < rules.min_height)
        | (truth.occlusion > rules.max_occlusion)
        | (1 - truth.truncation < rules.min_visible)
    )
    return replace(truth, labels=np.where(ignored, DONT_CARE, truth.labels))
