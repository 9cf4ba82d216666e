"""Random pictures for the judge's tests."""

from __future__ import annotations

import numpy as np

from faceir.detections import Detections
from faceir.evaluate import Judged


def boxes_at(*corners: tuple[float, float], size: float = 20) -> list[list[float]]:
    return [[x, y, x + size, y + size] for x, y in corners]


def row(found: str, apart: float = 100, **rest: object) -> Judged:
    """A picture in letters: each letter a place. h = face found, m = face missed, f = false alarm."""
    at = [(n * apart, 0.0) for n in range(len(found))]
    truth = [at[n] for n, letter in enumerate(found) if letter in "hm"]
    seen = [at[n] for n, letter in enumerate(found) if letter in "hf"]
    return Judged(Detections(boxes_at(*truth)), Detections(boxes_at(*seen), np.full(len(seen), 0.9)), **rest)  # type: ignore[arg-type]


def scene(
    seed: int, whole: bool = False, classes: int = 1, most: int = 6, span: float = 150, decimals: int | None = None
) -> Judged:
    """Some faces, some of them not counted, found with errors, and false alarms; no two scores equal."""
    rng = np.random.default_rng(seed)

    def some(count: int) -> np.ndarray:
        corner = rng.uniform(0, span, (count, 2))
        return np.concatenate([corner, corner + rng.uniform(10, 0.4 * span, (count, 2))], axis=1)

    truth = some(rng.integers(0, most))
    found = np.concatenate([truth.repeat(2, axis=0) + rng.normal(0, 4, (2 * len(truth), 4)), some(rng.integers(0, 5))])
    found = np.concatenate([np.minimum(found[:, :2], found[:, 2:]), np.maximum(found[:, :2], found[:, 2:])], axis=1)
    found = found[rng.random(len(found)) < 0.7]
    counted = np.ones(len(truth), np.bool_) if whole else rng.random(len(truth)) < 0.8
    scores = rng.uniform(0, 1, len(found))
    if decimals is not None:
        scores = scores.round(decimals)
    labels = [rng.integers(classes, size=len(some)) for some in (truth, found)] if classes > 1 else [None, None]
    return Judged(
        Detections(truth, labels=labels[0]), Detections(found, scores, labels[1]), counted, source=f"s{seed % 2}"
    )
