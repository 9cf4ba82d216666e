"""The pictures to look at first: large faces that were missed, and false alarms that score high."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceir.evaluate.matching import IntArray, Real, Seen

__all__ = ["MOST_EXAMPLES", "Example", "false_alarms", "misses"]

MOST_EXAMPLES = 60
MOST_OF_A_PICTURE = 3
"""So that one picture of a crowd does not fill the gallery."""


@dataclass(frozen=True)
class Example:
    """A face of one picture."""

    picture: str
    """Path below the data set's folder."""
    xyxy: tuple[float, float, float, float]
    """The true face, or the false alarm; pixels of the picture."""
    score: float | None
    """Of the found face; for a missed one the score below the threshold at which it was found, None = at no score."""
    height: float
    """Network pixels."""
    source: str
    occlusion: int
    """Level 0..9 of the true face, -1 = unknown."""


def misses(seen: Seen, least: float, root: str = "") -> tuple[Example, ...]:
    """True faces that no found one from `least` up took, the highest first."""
    missed = np.flatnonzero(seen.face_score < least)
    order = missed[np.argsort(-seen.face.height[missed], kind="stable")]
    return tuple(_example(seen, n, True, root) for n in _spread(seen.face.picture[order], order))


def false_alarms(seen: Seen, least: float, root: str = "") -> tuple[Example, ...]:
    """Found faces from `least` up that are none, the surest first."""
    wrong = np.flatnonzero(~seen.right & (seen.found.scores >= least))
    order = wrong[np.argsort(-seen.found.scores[wrong], kind="stable")]
    return tuple(_example(seen, n, False, root) for n in _spread(seen.found.picture[order], order))


def _spread(picture: IntArray, order: IntArray) -> list[int]:
    """The first of `order`, but a few of each picture."""
    used: dict[int, int] = {}
    chosen = []
    for p, n in zip(picture.tolist(), order.tolist(), strict=True):
        used[p] = used.get(p, 0) + 1
        if used[p] <= MOST_OF_A_PICTURE:
            chosen.append(n)
            if len(chosen) == MOST_EXAMPLES:
                break
    return chosen


def _example(seen: Seen, n: int, missed: bool, root: str) -> Example:
    faces = seen.face if missed else seen.found
    scores: Real = seen.face_score if missed else seen.found.scores.astype(np.float64)
    p = seen.pictures[faces.picture[n]]
    x1, y1, x2, y2 = (round(edge, 2) for edge in faces.xyxy[n].tolist())
    return Example(
        p.name.removeprefix(root).lstrip("/\\").replace("\\", "/"),
        (x1, y1, x2, y2),
        float(scores[n]) if np.isfinite(scores[n]) else None,
        round(float(faces.height[n]), 2),
        p.source,
        int(faces.occlusion[n]) if missed else -1,
    )
