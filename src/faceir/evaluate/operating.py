"""Thresholds by a rule: chosen on one half of the pictures, reported on the other, and the other way round."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from faceir.evaluate.curve import Curve
from faceir.evaluate.interval import Rate, Real, draws, interval, rate
from faceir.evaluate.matching import Mask, Seen
from faceir.evaluate.scores import reach
from faceir.evaluate.slices import whole

__all__ = ["RULES", "Half", "OperatingPoint", "choose", "halves", "operating_points", "restrict"]

RULES = ("best accuracy", "recall at 99 % precision", "recall at 99.8 % precision", "FPPI 0.1", "FPPI 0.01")


@dataclass(frozen=True)
class Half:
    """What a threshold does on the pictures that it was not chosen on; None = no threshold keeps the rule."""

    threshold: float | None
    """Chosen on the other half."""
    pictures: int
    faces: int
    tp: int | None
    fp: int | None
    fn: int | None


@dataclass(frozen=True)
class OperatingPoint:
    """A rule, the threshold to use, and what to expect of it. None = no threshold keeps the rule."""

    rule: str
    threshold: float | None
    """Chosen on all pictures: the one to use."""
    halves: tuple[Half, Half]
    precision: Rate
    """Of both halves together, each at the threshold chosen on the other; so are the next ones."""
    recall: Rate
    accuracy: Rate
    fppi: Rate
    """False alarms per picture; may exceed 1."""


def operating_points(seen: Seen, rounds: int, seed: int) -> tuple[OperatingPoint, ...]:
    """All of `RULES`. Intervals are of the bootstrap with both thresholds held."""
    second = halves(seen)
    parts = [_half(seen, second == n) for n in (False, True)]
    chosen = {rule: [choose(curve, pictures, rule) for curve, pictures in parts] for rule in RULES}
    chosen_on_all = {rule: choose(Curve(seen), len(seen.pictures), rule) for rule in RULES}
    everything = whole(seen)
    tables = {}
    for rule, (on_first, on_second) in chosen.items():
        if on_first is not None and on_second is not None:
            tables[rule] = everything.counts(seen, np.where(second, reach(on_first), reach(on_second)))
    size = np.bincount(seen.unit, minlength=seen.units).astype(np.float64)
    samples: dict[str, list[Real]] = {rule: [] for rule in tables}
    sizes = []
    for weights in draws(seen.units, rounds, seed):
        sizes.append(weights @ size)
        for rule, table in tables.items():
            samples[rule].append(weights @ table)
    drawn = np.concatenate(sizes) if sizes else np.zeros(0)
    made = []
    for rule in RULES:
        first, other = chosen[rule]
        sides = (_report(seen, ~second, other), _report(seen, second, first))
        some = np.concatenate(samples[rule]) if samples.get(rule) else np.zeros((0, 3))
        made.append(OperatingPoint(rule, chosen_on_all[rule], sides, *_rates(seen, tables.get(rule), some, drawn)))
    return tuple(made)


def halves(seen: Seen) -> Mask:
    """`[P]`, which pictures are in the second half: by a hash of the group or the name, the same on every machine."""
    keys = [p.group or name for p, name in zip(seen.pictures, seen.names, strict=True)]
    return np.array([hashlib.sha256(key.encode()).digest()[0] & 1 for key in keys], np.bool_)


def restrict(seen: Seen, chosen: Mask) -> Seen:
    """Only the `chosen` `[P]` pictures; the others keep their numbers, but nothing is true or found in them."""
    face, found = chosen[seen.face.picture], chosen[seen.found.picture]
    return seen._replace(
        face=seen.face.where(face), face_score=seen.face_score[face],
        found=seen.found.where(found), right=seen.right[found],
    )  # fmt: skip


def choose(curve: Curve, pictures: int, rule: str) -> float | None:
    """The threshold of most recall that keeps `rule`, or of the best accuracy; None when none does."""
    if not len(curve.thresholds) or not pictures:
        return None
    right, found, _ = curve.cumulated()
    if rule == "best accuracy":
        return curve.best_threshold()
    least = {"recall at 99 % precision": 0.99, "recall at 99.8 % precision": 0.998}
    most = {"FPPI 0.1": 0.1, "FPPI 0.01": 0.01}
    keeps = right >= least[rule] * found if rule in least else found - right <= most[rule] * pictures
    return float(curve.thresholds[np.flatnonzero(keeps)[-1]]) if keeps.any() else None


def _half(seen: Seen, chosen: Mask) -> tuple[Curve, int]:
    return Curve(restrict(seen, chosen)), int(np.count_nonzero(chosen))


def _report(seen: Seen, on: Mask, threshold: float | None) -> Half:
    part = restrict(seen, on)
    pictures, faces = int(np.count_nonzero(on)), len(part.face_score)
    if threshold is None:
        return Half(None, pictures, faces, None, None, None)
    tp, fp, fn = (int(n) for n in whole(part).counts(part, reach(threshold)).sum(axis=0))
    return Half(threshold, pictures, faces, tp, fp, fn)


def _rates(seen: Seen, table: Real | None, samples: Real, drawn: Real) -> tuple[Rate, Rate, Rate, Rate]:
    if table is None:
        return Rate(None), Rate(None), Rate(None), Rate(None)
    counts = table.sum(axis=0)
    precision, recall, accuracy = (
        rate(counts[0], counts[of].sum(), samples[:, 0], samples[:, of].sum(axis=1), seen.units, seen.independent)
        for of in ([0, 1], [0, 2], [0, 1, 2])
    )
    fppi = interval(counts[1] / len(seen.pictures), samples[:, 1] / drawn if len(drawn) else drawn)
    return precision, recall, accuracy, fppi
