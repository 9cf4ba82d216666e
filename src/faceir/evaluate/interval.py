"""How sure is a number: shares with 95 % intervals, by resampling whole pictures or groups of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Rate", "draws", "interval", "rate", "wilson"]

Real: TypeAlias = npt.NDArray[np.float64]

_CELLS = 1 << 20
"""Weights held at once: memory does not grow with pictures x rounds."""


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval, 0..1; None = cannot be given from these pictures."""

    value: float | None
    low: float | None = None
    high: float | None = None


def draws(units: int, rounds: int, seed: int) -> Iterator[Real]:
    """Bootstrap weights `[R, units]`, some rounds at a time, `rounds` in all: how often each unit was drawn.

    A unit is what fails as one: a picture, or a group of them. The same `seed` gives the same weights.
    """
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS // max(units, 1))
    for start in range(0, rounds if units else 0, at_once):
        some = range(start, min(start + at_once, rounds))
        yield np.stack([np.bincount(rng.integers(units, size=units), minlength=units) for _ in some]).astype(np.float64)


def rate(
    right: float, of: float, right_samples: Real, of_samples: Real, units: int, independent: float = np.inf
) -> Rate:
    """`right` of `of` with its interval from `[rounds]` resampled counts of both.

    Where every resample says the same (nothing missed, say) the bootstrap is blind, and the interval is
    Wilson's for at most `independent` faces; a single unit has no interval, as nothing tells how units differ.
    """
    if of == 0:
        return Rate(None)
    with np.errstate(invalid="ignore", divide="ignore"):
        samples = right_samples / of_samples  # 0 / 0 where no unit with such faces was drawn
    if units < 2 or not len(samples):
        return Rate(float(right / of))
    given = samples[~np.isnan(samples)]
    if len(given) == 0 or np.ptp(given) == 0:
        part = min(1.0, independent / of)
        return Rate(float(right / of), *wilson(part * right, part * of))
    return interval(right / of, samples)


def interval(value: float, samples: Real) -> Rate:
    """2.5 and 97.5 percentiles of `samples`; no interval if they are all the same, or many cannot be given (NaN)."""
    if np.isnan(value):
        return Rate(None)
    given = samples[~np.isnan(samples)]
    if len(given) == 0 or len(given) < 0.975 * len(samples) or np.ptp(given) == 0:
        return Rate(float(value))
    low, high = np.percentile(given, [2.5, 97.5])
    return Rate(float(value), float(low), float(high))


def wilson(right: float, of: float) -> tuple[float, float]:
    """Wilson's 95 % interval of `right` out of `of` independent ones (E. B. Wilson, 1927)."""
    z2 = 1.959964**2
    middle = (right + z2 / 2) / (of + z2)
    half = np.sqrt(z2 * (right * (of - right) / of + z2 / 4)) / (of + z2)
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)
