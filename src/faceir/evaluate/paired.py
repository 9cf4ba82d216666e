"""Is one detector better than another: both on the same pictures, and the difference resampled as one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from faceir.errors import InputError
from faceir.evaluate.curve import Curve
from faceir.evaluate.interval import Real, draws
from faceir.evaluate.matching import Seen
from faceir.evaluate.scores import reach
from faceir.evaluate.slices import whole

__all__ = ["Difference", "Paired", "compare"]

BETTER, WORSE, CANNOT_TELL = "better", "worse", "cannot tell at this size"
_SETTLING = ((1.959964 + 0.841621) / 1.959964) ** 2
"""Pictures grow by this, beyond what makes the interval just touch 0, so that the next test sees a difference
of this size in 8 of 10 cases."""


@dataclass(frozen=True)
class Difference:
    """This detector less the other, -1..1, with its 95 % interval; None = cannot be given."""

    measure: str
    this: float | None
    other: float | None
    value: float | None
    low: float | None
    high: float | None
    verdict: str
    """"better", "worse", or "cannot tell at this size"."""
    pictures_needed: int | None
    """About how many pictures like these would settle a difference of this size; None: it is settled, or there
    is none to settle."""


@dataclass(frozen=True)
class Paired:
    """The judged detector against another one."""

    other: str
    threshold: float | None
    """Of the judged one; each has its own."""
    other_threshold: float | None
    verdict: str
    """By accuracy."""
    differences: tuple[Difference, ...]
    """Accuracy, precision, recall, AP."""


def compare(
    seen: Seen, other: Seen, threshold: float | None, other_threshold: float | None, name: str, rounds: int, seed: int
) -> Paired:
    """`seen` against `other`; raises `InputError` unless both are of the same pictures with the same true faces."""
    _check_same(seen, other)
    both = ((seen, threshold), (other, other_threshold))
    tables = [whole(s).counts(s, reach(t)) for s, t in both]
    curves = [Curve(s) for s, _ in both]
    values = [
        _values(table.sum(axis=0)[None], np.array([c.area_and_kpi()[0]]))
        for table, c in zip(tables, curves, strict=True)
    ]
    samples = []
    for weights in draws(seen.units, rounds if seen.units > 1 else 0, seed):
        a, b = (
            _values(weights @ table, np.array([c.area_and_kpi(w)[0] for w in weights]))
            for table, c in zip(tables, curves, strict=True)
        )
        samples.append(a - b)
    drawn = np.concatenate(samples) if samples else np.zeros((0, 4))
    differences = tuple(
        _difference(measure, float(values[0][0, n]), float(values[1][0, n]), drawn[:, n], len(seen.pictures))
        for n, measure in enumerate(("accuracy", "precision", "recall", "ap"))
    )
    return Paired(name, threshold, other_threshold, differences[0].verdict, differences)


def _values(counts: Real, ap: Real) -> Real:
    """`[rounds, 4]`: accuracy, precision, recall, AP from `[rounds, 3]` counts; NaN = cannot be given."""
    tp, fp, fn = counts.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([tp / (tp + fp + fn), tp / (tp + fp), tp / (tp + fn), ap], axis=1)


def _difference(measure: str, this: float, other: float, samples: Real, pictures: int) -> Difference:
    given = samples[~np.isnan(samples)]
    value = this - other
    a, b = (None if math.isnan(x) else x for x in (this, other))
    if math.isnan(value):
        return Difference(measure, a, b, None, None, None, CANNOT_TELL, None)
    if len(given) < 0.975 * len(samples) or len(given) == 0:
        return Difference(measure, a, b, value, None, None, CANNOT_TELL, None)
    low, high = (float(x) for x in np.percentile(given, [2.5, 97.5]))
    if low > 0 or high < 0:
        return Difference(measure, a, b, value, low, high, BETTER if low > 0 else WORSE, None)
    needed = None
    if abs(value) > 1e-12:
        half = 1.959964 * float(given.std())
        needed = max(pictures + 1, math.ceil(pictures * _SETTLING * (half / value) ** 2))
    return Difference(measure, a, b, value, low, high, CANNOT_TELL, needed)


def _check_same(seen: Seen, other: Seen) -> None:
    if seen.names != other.names:
        first = next((a for a, b in zip(seen.names, other.names, strict=False) if a != b), "the end")
        raise InputError("--vs", f"the pictures differ at {first}", "both detectors on the same pictures")
    for column in ("picture", "xyxy", "labels"):
        if not np.array_equal(getattr(seen.face, column), getattr(other.face, column)):
            raise InputError("--vs", "the true faces differ", "both detectors judged by the same labels and filters")
