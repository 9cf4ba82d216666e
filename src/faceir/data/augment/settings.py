"""What may happen to a picture on its way to the net, as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from faceir.data.infrared import InfraredParams
from faceir.detections import Detections
from faceir.flow import Image

__all__ = ["Augmentation", "Donor", "Occluders", "ViewKind"]

Donor = Callable[[np.random.Generator], tuple[Image, Detections]]
"""Draws another picture of the data, uint8 gray `[H,W]` or RGB `[H,W,3]`, and its faces."""


@dataclass(frozen=True)
class ViewKind:
    """How a picture is framed: a whole picture, or a part of it at the network's scale."""

    size_wh: tuple[int, int]
    face_height: tuple[float, float] | None = None
    """Network pixels; None shows the whole picture as at run time."""
    clutter_probability: float = 0.0
    """Of looking at a random place instead of at a face."""


@dataclass(frozen=True)
class Occluders:
    """What is put before faces, drawn by weight, and what is put elsewhere to be told from a face."""

    probability: float = 0.0
    """Of something before one face of a view, or two."""
    patch: float = 1.0
    """An ellipse or a bar without meaning, as a mask, a phone or a pillar may look."""
    cap: float = 1.5
    """A cap over the upper part of the face, its brim in front, with its shadow, or behind."""
    hand: float = 1.5
    """A hand before mouth, cheek, chin or eyes, as bright as the face's own skin."""
    seat: float = 1.0
    """A seat-back or head-rest, from below or from the side."""
    back_of_head: float = 1.0
    """Somebody's hair, larger than the face."""
    head: float = 1.5
    """Somebody else's head with its face, which becomes a true face."""
    distractor_probability: float = 0.0
    """Of a hand, forearm, head-rest, back of a head, with or without a cap, or torso in the view, no face meant."""
    passenger_probability: float = 0.0
    """Of one to three more heads, small, dim or hidden in part; their faces become true faces."""


@dataclass(frozen=True)
class Augmentation:
    """Strength of each change; `spatial_augmentation`, `color_augmentation`, occluders and the camera of the spec."""

    keep_aspect: bool = True
    hflip_probability: float = 0.5
    vflip_probability: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    """Of whole pictures; above 1 enlarges."""
    translate_max_xy: tuple[float, float] = (0.0, 0.0)
    """Network pixels."""
    rotate_max_rad: float = 0.0
    rotate_probability: float = 0.0
    aspect_jitter_max: float = 0.0
    """Share by which the width may grow or shrink against the height: cameras squeeze, so does a stretched fit."""
    mosaic_probability: float = 0.0
    """Of four pictures in one view."""
    brightness_stddev: float = 0.0
    """Of 0..1, as color_shift_stddev."""
    hue_max_deg: float = 0.0
    saturation_max: float = 0.0
    contrast_max: float = 0.0
    contrast_center: float = 0.5
    occluders: Occluders = field(default_factory=Occluders)
    infrared_probability: float = 0.0
    infrared: InfraredParams = field(default_factory=InfraredParams)
