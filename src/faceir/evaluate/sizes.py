"""Recall over the size of a face, and from which size on a detector can be relied on."""

from __future__ import annotations

from dataclasses import dataclass

from faceir.evaluate.interval import Rate
from faceir.evaluate.matching import Seen
from faceir.evaluate.slices import Partition, Slice, digitise, share_of

__all__ = ["USABLE_RECALL", "SizeCurve", "SizePoint", "size_curve", "size_partitions"]

USABLE_RECALL = 0.9
"""Recall that a size must reach to be called usable."""
LEAST_FACES = 10
"""A step with fewer faces neither proves nor disproves a size."""
HEIGHT_STEPS = tuple(round(8 * 2 ** (n / 2), 1) for n in range(11))
"""8 to 256 network pixels in steps of half a doubling."""
SHARE_STEPS = (0.03, 0.04, 0.06, 0.08, 0.11, 0.16, 0.23, 0.32, 0.45, 0.64)


@dataclass(frozen=True)
class SizePoint:
    """Faces from `low` up to `high`; the first has no lower end, the last no upper one."""

    low: float | None
    high: float | None
    faces: int
    recall: Rate


@dataclass(frozen=True)
class SizeCurve:
    """Recall at the threshold by height."""

    unit: str
    """"px" = network pixels, "share" = of the picture's height."""
    points: tuple[SizePoint, ...]
    usable_from: float | None
    """Least height from which every step with 10 faces and more has a recall of at least `usable_recall`;
    None: not even the largest faces have, or there are too few to tell."""
    usable_recall: float = USABLE_RECALL


def size_partitions(seen: Seen) -> list[Partition]:
    """By height in network pixels and by share of the picture, in fine steps."""
    return [
        Partition(unit, unit, tuple(map(str, range(len(steps) + 1))), digitise(values, steps), None)
        for unit, steps, values in (
            ("px", HEIGHT_STEPS, seen.face.height),
            ("share", SHARE_STEPS, share_of(seen, seen.face)),
        )
    ]


def size_curve(unit: str, slices: tuple[Slice, ...]) -> SizeCurve:
    """From the slices of one of `size_partitions`."""
    steps = {"px": HEIGHT_STEPS, "share": SHARE_STEPS}[unit]
    edges = (None, *steps, None)
    points = tuple(
        SizePoint(low, high, s.faces, s.recall) for low, high, s in zip(edges, edges[1:], slices, strict=False)
    )
    usable = None
    for point in reversed(points):
        if point.faces >= LEAST_FACES:
            if (point.recall.value or 0) < USABLE_RECALL:
                break
            usable = point.low or 0.0
    return SizeCurve(unit, points, usable)
