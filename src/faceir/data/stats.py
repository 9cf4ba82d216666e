"""What a data set holds, in numbers: faces, their sizes and places, and what the pictures look like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from faceir import boxes
from faceir.boxes import FloatArray
from faceir.data import kitti
from faceir.data.check.header import read_header
from faceir.detections import DONT_CARE, Detections
from faceir.errors import FaceirError, InputError
from faceir.fit import Fit, to_gray
from faceir.flow import Image

__all__ = ["HEAT_WH", "LOOKS", "Histogram", "Stats", "collect", "modality_of"]

LOOKS = ("brightness", "contrast", "noise", "sharpness")
HEAT_WH = (24, 15)
"""Cells of the map of places, which covers any picture."""
_COUNTS = ("0", "1", "2", "3", "4", "5 to 9", "10 to 19", "20 and more")
_HEIGHTS = (0, 8, 12, 16, 24, 32, 48, 64, 96, 128, 240)
_ASPECTS = (0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5)
_TRUNCATIONS = ("unknown", "whole", "up to 0.2", "up to 0.4", "over 0.4")
_THUMB_WH = (96, 60)
_ONE_HUE, _TINT = 6.0, 3.0  # 8-bit steps: how far colours lie apart, and from gray

Floats: TypeAlias = npt.NDArray[np.float64]


class LookOf(Protocol):
    """Measures a gray picture: a value with the `LOOKS` as attributes."""

    def __call__(self, gray: Image) -> Any: ...


@dataclass(frozen=True)
class Histogram:
    """How many of what."""

    name: str
    unit: str
    parts: tuple[str, ...]
    counts: tuple[int, ...]


@dataclass
class Stats:
    """Numbers of one data set; grows as pictures are added."""

    fit: Fit
    pictures: int = 0
    ignored: int = 0
    """DontCare regions."""
    looked_at: int = 0
    """Pictures that were decoded for their looks."""
    per_picture: list[int] = field(default_factory=list)
    xyxy: list[FloatArray] = field(default_factory=list)
    """Of faces, shares of their picture's width and height."""
    heights: list[FloatArray] = field(default_factory=list)
    """Network pixels."""
    aspects: list[FloatArray] = field(default_factory=list)
    """Width over height, in the picture's pixels."""
    occlusions: Counter[int] = field(default_factory=Counter)
    truncations: list[FloatArray] = field(default_factory=list)
    looks: list[tuple[float, ...]] = field(default_factory=list)
    """A row of `LOOKS` for each picture that was looked at."""
    modalities: Counter[str] = field(default_factory=Counter)
    """As stated by the manifest, else as guessed, with a question mark."""
    sets: Counter[str] = field(default_factory=Counter)
    left_out: list[FaceirError] = field(default_factory=list)

    @property
    def faces(self) -> int:
        """Labelled faces."""
        return sum(self.per_picture)

    def add(self, item: kitti.Item, truth: Detections, size_wh: tuple[int, int]) -> None:
        """Count the labels of one picture of `size_wh` pixels."""
        faces = truth[truth.labels != DONT_CARE]
        size = faces.xyxy[:, 2:] - faces.xyxy[:, :2]
        self.pictures += 1
        self.sets[item.source] += 1
        self.ignored += len(truth) - len(faces)
        self.per_picture.append(len(faces))
        self.xyxy.append(boxes.scale(faces.xyxy, (1 / size_wh[0], 1 / size_wh[1])))
        self.heights.append(size[:, 1] * np.float32(self.fit.placement(size_wh).scale_xy[1]))
        self.aspects.append(size[:, 0] / size[:, 1])
        self.occlusions.update(faces.occlusion.tolist())
        self.truncations.append(faces.truncation)

    def add_look(self, item: kitti.Item, rgb: Image, look_of: LookOf) -> None:
        """Measure one picture."""
        look = look_of(to_gray(rgb))
        self.looked_at += 1
        self.looks.append(tuple(float(getattr(look, name)) for name in LOOKS))
        self.modalities[item.about.get("modality") or f"{modality_of(rgb)}?"] += 1

    def heat(self) -> npt.NDArray[np.int64]:
        """Faces whose middle lies in each cell of the picture, `[rows, columns]` of `HEAT_WH`."""
        every = np.concatenate([np.zeros((0, 4), np.float32), *self.xyxy])
        middle = (every[:, :2] + every[:, 2:]) / 2
        cells = np.clip((middle * HEAT_WH).astype(int), 0, np.array(HEAT_WH) - 1)
        flat = cells[:, 1] * HEAT_WH[0] + cells[:, 0]
        return np.bincount(flat, minlength=HEAT_WH[0] * HEAT_WH[1]).reshape(HEAT_WH[1], HEAT_WH[0])

    def histograms(self) -> list[Histogram]:
        """All that is counted in parts."""
        counted = Counter(min(n, 20) if n < 5 or n >= 20 else 5 if n < 10 else 10 for n in self.per_picture)
        truncation = _joined(self.truncations)
        edges = (-np.inf, -0.5, 1e-3, 0.2, 0.4, np.inf)
        levels = [level for level in range(-1, 10) if level >= 0 or self.occlusions[-1]]
        return [
            Histogram("faces of a picture", "", _COUNTS, tuple(counted[n] for n in (0, 1, 2, 3, 4, 5, 10, 20))),
            _between("height at the network's scale", "px", _HEIGHTS, _joined(self.heights)),
            _between("width over height", "", _ASPECTS, _joined(self.aspects)),
            Histogram(
                "occlusion level", "", tuple("unknown" if n < 0 else str(n) for n in levels),
                tuple(self.occlusions[n] for n in levels),
            ),
            Histogram("truncation", "", _TRUNCATIONS, tuple(np.histogram(truncation, edges)[0].tolist())),
            Histogram("modality", "", tuple(sorted(self.modalities)),
                      tuple(self.modalities[name] for name in sorted(self.modalities))),
        ]  # fmt: skip

    def look_quantiles(self) -> dict[str, tuple[float, float, float]]:
        """Of each of `LOOKS` what 5, 50 and 95 % of the pictures stay below; empty when none was looked at."""
        if not self.looks:
            return {}
        low, middle, high = np.quantile(np.array(self.looks), (0.05, 0.5, 0.95), axis=0).tolist()
        return {name: (low[n], middle[n], high[n]) for n, name in enumerate(LOOKS)}

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "format": 1,
            "pictures": self.pictures,
            "faces": self.faces,
            "ignored_regions": self.ignored,
            "looked_at": self.looked_at,
            "network_wh": list(self.fit.size_wh),
            "sets": dict(sorted(self.sets.items())),
            "histograms": [
                {"name": h.name, "unit": h.unit, "counts": dict(zip(h.parts, h.counts, strict=True))}
                for h in self.histograms()
            ],
            "places": self.heat().tolist(),
            "looks": {name: {"p5": q[0], "p50": q[1], "p95": q[2]} for name, q in self.look_quantiles().items()},
            "left_out": [str(error) for error in self.left_out],
        }


def collect(
    items: Sequence[kitti.Item], classes: Sequence[str], fit: Fit, look_of: LookOf, sample: int, seed: int = 0,
    on_item: Callable[[], None] = lambda: None,
) -> Stats:  # fmt: skip
    """Labels of all pictures, and the looks of `sample` drawn by `seed`. What cannot be read is in `left_out`."""
    stats, mapping = Stats(fit), {name.lower(): name for name in classes}
    drawn = np.random.default_rng(seed).choice(len(items), min(sample, len(items)), replace=False)
    looked = frozenset(drawn.tolist())
    for number, item in enumerate(items):
        try:
            truth, size_wh = kitti.read_truth(item, mapping, classes), read_header(item).size_wh
            rgb = kitti.decode(item.picture_data(), item.picture) if number in looked else None
        except InputError as error:
            stats.left_out.append(error)
        else:
            stats.add(item, truth, size_wh)
            if rgb is not None:
                stats.add_look(item, rgb, look_of)
        on_item()
    return stats


def modality_of(rgb: Image) -> str:
    """colour, tinted (one hue: sepia, or infrared through a colour filter) or gray, which may be infrared.

    A single gray picture does not tell whether its light was infrared.
    """
    small = np.asarray(cv2.resize(rgb, _THUMB_WH, interpolation=cv2.INTER_AREA), np.float32)
    chroma = np.stack([small[..., 0] - small[..., 1], small[..., 2] - small[..., 1]], axis=-1).reshape(-1, 2)
    middle = np.median(chroma, axis=0)
    if np.quantile(np.abs(chroma - middle).max(axis=1), 0.95) > _ONE_HUE:
        return "colour"
    return "tinted" if np.abs(middle).max() > _TINT else "gray"


def _joined(parts: Iterable[FloatArray]) -> Floats:
    return np.concatenate([np.zeros(0), *parts]).astype(np.float64)


def _between(name: str, unit: str, edges: Sequence[float], values: Floats) -> Histogram:
    """Counts between neighbouring edges, and from the last one on."""
    counts = np.histogram(values, (*edges, np.inf))[0].tolist()
    named = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return Histogram(name, unit, (*named, f"from {edges[-1]:g}"), tuple(counts))
