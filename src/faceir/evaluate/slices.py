"""The same counts for parts of the faces: by size, by light, by place, by source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from faceir.evaluate.interval import Rate, Real, rate
from faceir.evaluate.matching import Faces, IntArray, Seen

__all__ = ["HEIGHT_EDGES", "SMALL", "Dimension", "Partition", "Slice", "by_height", "by_source", "partitions", "whole"]

HEIGHT_EDGES = (8, 16, 32, 64, 128)
"""Network pixels; between and beyond them lie the slices of `Scores.by_height`."""
SMALL = 30
"""A slice with fewer true faces is marked: its numbers say little."""
SHARE_EDGES = (0.05, 0.1, 0.2, 0.4, 0.7)
LOOK_EDGES = {
    "brightness": (32, 64, 96, 128, 160),
    "contrast": (16, 32, 48, 64, 80),
    "noise": (0.5, 1, 2, 4, 8, 16),
    "sharpness": (0.05, 0.1, 0.2, 0.4, 0.8),
}
_LEVELS = ("unknown", *map(str, range(10)))
_PLACES = tuple(f"{y} {x}" for y in ("top", "middle", "bottom") for x in ("left", "centre", "right"))


@dataclass(frozen=True)
class Slice:
    """The same counts for a part of the faces."""

    name: str
    faces: int
    """True faces that count."""
    tp: int
    fp: int | None
    """By size and place: of the found face's own; None where a false alarm has no part (occlusion, truncation)."""
    fn: int
    precision: Rate
    recall: Rate
    accuracy: Rate
    pictures: int = 0
    """Pictures of this part; where faces are parted, those that hold such a true face."""
    small: bool = True
    """Fewer than 30 true faces."""


@dataclass(frozen=True)
class Dimension:
    """What faces or pictures were parted by."""

    name: str
    unit: str
    parts: tuple[Slice, ...]


class Partition(NamedTuple):
    """Where each face belongs: number of its part, -1 = in none."""

    name: str
    unit: str
    parts: Sequence[str]
    face: IntArray
    """`[F]` of `Seen.face`."""
    found: IntArray | None
    """`[D]` of `Seen.found`; None: a false alarm has no part."""
    picture: IntArray | None = None
    """`[P]`, when pictures are parted."""

    def counts(self, seen: Seen, least: float | Real) -> Real:
        """`[units, 3 * parts]`: TP, FP, FN of each part; `least` is the score to reach, one or `[P]`."""
        limit = np.broadcast_to(least, len(seen.pictures))
        hit = seen.face_score >= limit[seen.face.picture]
        cells = [(0, hit, seen.face, self.face), (2, ~hit, seen.face, self.face)]
        if self.found is not None:
            wrong = (seen.found.scores >= limit[seen.found.picture]) & ~seen.right
            cells.append((1, wrong, seen.found, self.found))
        width = 3 * len(self.parts)
        flat = []
        for offset, chosen, faces, part in cells:
            chosen = chosen & (part >= 0)
            flat.append(seen.unit[faces.picture[chosen]] * width + 3 * part[chosen] + offset)
        return (
            np.bincount(np.concatenate(flat), minlength=seen.units * width)
            .reshape(seen.units, width)
            .astype(np.float64)
        )

    def slices(self, seen: Seen, sums: Real, samples: Real) -> tuple[Slice, ...]:
        """From the `counts` of all units `[3 * parts]` and of `[rounds, 3 * parts]` resamples."""
        return tuple(
            self._slice(seen, n, sums[3 * n :][:3], samples[:, 3 * n :][:, :3]) for n in range(len(self.parts))
        )

    def _slice(self, seen: Seen, n: int, counts: Real, samples: Real) -> Slice:
        rates = {
            name: rate(
                counts[0], counts[of].sum(), samples[:, 0], samples[:, of].sum(axis=1), seen.units, seen.independent
            )
            for name, of in (("precision", [0, 1]), ("recall", [0, 2]), ("accuracy", [0, 1, 2]))
        }
        if self.found is None:
            rates |= {"precision": Rate(None), "accuracy": Rate(None)}
        tp, fp, fn = (int(count) for count in counts)
        where = seen.face.picture[self.face == n] if self.picture is None else np.flatnonzero(self.picture == n)
        return Slice(
            self.parts[n], tp + fn, tp, fp if self.found is not None else None, fn, **rates,
            pictures=len(np.unique(where)), small=tp + fn < SMALL,
        )  # fmt: skip


def whole(seen: Seen) -> Partition:
    """Everything as one part."""
    pictures = np.zeros(len(seen.pictures), np.int64)
    return _by_picture(seen, "all", "", ("all",), pictures)


def by_height(seen: Seen) -> Partition:
    """By height in network pixels."""
    return _by_value(seen, "height", "px", HEIGHT_EDGES, seen.face.height, seen.found.height)


def by_source(seen: Seen) -> Partition:
    """By `Judged.source`; no part when no picture has one."""
    return _by_word(seen, "source", [p.source for p in seen.pictures])


def partitions(seen: Seen) -> list[Partition]:
    """All that these pictures can be parted by, beyond height and source."""
    parted = [
        _by_value(
            seen, "share", "of the picture's height", SHARE_EDGES, share_of(seen, seen.face), share_of(seen, seen.found)
        ),
        *(_by_look(seen, name, edges) for name, edges in LOOK_EDGES.items()),
        Partition("occlusion", "level", _LEVELS, seen.face.occlusion.astype(np.int64) + 1, None),
        Partition("truncation", "", ("unknown", "whole", "cut < 20 %", "cut >= 20 %"), _truncation(seen.face), None),
        Partition("position", "", _PLACES, _place(seen, seen.face), _place(seen, seen.found)),
    ]  # fmt: skip
    for name in dict.fromkeys(name for p in seen.pictures for name, _ in p.about):
        parted.append(_by_word(seen, name, [dict(p.about).get(name, "") for p in seen.pictures]))
    return parted


def named(edges: Sequence[float]) -> tuple[str, ...]:
    """What the parts between and beyond `edges` are called."""
    return (f"<{edges[0]:g}", *(f"{low:g}-{high:g}" for low, high in pairwise(edges)), f">={edges[-1]:g}")


def _by_value(seen: Seen, name: str, unit: str, edges: Sequence[float], face: Real, found: Real) -> Partition:
    return Partition(name, unit, named(edges), digitise(face, edges), digitise(found, edges))


def digitise(values: Real, edges: Sequence[float]) -> IntArray:
    """Number of the part between `edges`, 0 = below the first; -1 for NaN."""
    return np.where(np.isnan(values), -1, np.digitize(values, edges))


def _by_look(seen: Seen, name: str, edges: Sequence[float]) -> Partition:
    values = np.array([getattr(p.look, name) if p.look else np.nan for p in seen.pictures], np.float64)
    return _by_picture(seen, name, "gray values" if name != "sharpness" else "", named(edges), digitise(values, edges))


def _by_word(seen: Seen, name: str, words: Sequence[str]) -> Partition:
    kinds = sorted(set(words) - {""})
    number = {kind: n for n, kind in enumerate(kinds)}
    return _by_picture(seen, name, "", kinds, np.array([number.get(word, -1) for word in words], np.int64))


def _by_picture(seen: Seen, name: str, unit: str, parts: Sequence[str], part: IntArray) -> Partition:
    return Partition(name, unit, parts, part[seen.face.picture], part[seen.found.picture], part)


def share_of(seen: Seen, faces: Faces) -> Real:
    """Heights as shares of the picture's; NaN where its size is unknown."""
    share: Real = (faces.xyxy[:, 3] - faces.xyxy[:, 1]) / _sizes(seen)[faces.picture, 1]
    return share


def _sizes(seen: Seen) -> Real:
    """`[P, 2]`, width and height; NaN = unknown."""
    return np.array([p.size_wh or (np.nan, np.nan) for p in seen.pictures], np.float64).reshape(-1, 2)


def _truncation(faces: Faces) -> IntArray:
    cut = faces.truncation
    return np.where(cut < 0, 0, np.where(cut == 0, 1, np.where(cut < 0.2, 2, 3)))


def _place(seen: Seen, faces: Faces) -> IntArray:
    middle = (faces.xyxy[:, :2] + faces.xyxy[:, 2:]) / 2 / _sizes(seen)[faces.picture]
    known = ~np.isnan(middle).any(axis=1)
    cell = np.clip(np.nan_to_num(middle) * 3, 0, 2.999).astype(np.int64)
    return np.where(known, 3 * cell[:, 1] + cell[:, 0], -1)


def dimensions(parted: Iterable[Partition], slices: Iterable[tuple[Slice, ...]]) -> tuple[Dimension, ...]:
    """Those with something in them; parts without a picture, a face or a false alarm are left out."""
    made = []
    for partition, parts in zip(parted, slices, strict=True):
        kept = tuple(part for part in parts if part.faces or part.fp or part.pictures)
        if kept and not all(part.name == "unknown" for part in kept):
            made.append(Dimension(partition.name, partition.unit, kept))
    return tuple(made)
