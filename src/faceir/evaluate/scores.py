"""The verdict on a detector over labelled pictures, with intervals."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from faceir.evaluate.curve import Curve
from faceir.evaluate.interval import Rate, Real, draws, interval
from faceir.evaluate.judged import Judged
from faceir.evaluate.matching import Seen, look
from faceir.evaluate.slices import Partition, Slice, by_height, by_source, whole

__all__ = ["Scores", "evaluate", "measure", "reach", "score"]


@dataclass(frozen=True)
class Scores:
    """The verdict on a detector. Counts are at `threshold`; `ap` and `recall_at_p99` are over all thresholds.

    Intervals: 95 %, percentiles of a bootstrap over pictures, or over groups of them (`Judged.group`),
    with the threshold held. Where every resample says the same (nothing missed, say) the bootstrap is
    blind, and they are Wilson's for the counts; for `ap` and `recall_at_p99` they are then None. From a
    single picture or group there is no interval.
    """

    pictures: int
    faces: int
    """True faces that count."""
    ignored: int
    """Found faces from `threshold` up in regions to ignore, or too low to be asked for; in no other count."""
    threshold: float | None
    """Faces scoring at least this are kept, 0..1; None: nothing was found to choose it by."""
    threshold_source: str
    tp: int
    fp: int
    fn: int
    precision: Rate
    """TP / (TP + FP)."""
    recall: Rate
    """TP / (TP + FN)."""
    accuracy: Rate
    """TP / (TP + FP + FN)."""
    ap: Rate
    """Area under the monotone envelope of precision over recall, all points."""
    recall_at_p99: Rate
    """Greatest recall at a precision of at least 0.99; None: no threshold reaches it."""
    by_height: tuple[Slice, ...]
    """By height of the face in network pixels; the counts add up to the whole."""
    by_source: tuple[Slice, ...]
    """By `Judged.source`, in order of name; empty when no picture has one."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def to_json(self) -> str:
        """One line of JSON; what cannot be given is null."""
        return json.dumps(self.as_dict(), allow_nan=False)


def evaluate(
    pictures: Iterable[Judged],
    threshold: float | None = None,
    iou_threshold: float = 0.5,
    rounds: int = 1000,
    seed: int = 0,
) -> Scores:
    """Scores of a detector over `pictures`; classes are matched apart and counted together.

    `threshold` None takes the score with the best accuracy on these same pictures, which flatters
    the detector a little: `Scores.threshold_source` says so. `rounds` of the bootstrap, 0 = no
    intervals; the same `seed` gives the same intervals.
    """
    return score(look(pictures, iou_threshold), threshold, rounds, seed)[0]


def score(
    seen: Seen, threshold: float | None, rounds: int, seed: int, more: Sequence[Partition] = ()
) -> tuple[Scores, list[tuple[Slice, ...]]]:
    """Scores of matched pictures, and the slices of `more` partitions, all from the same resamples."""
    curve = Curve(seen)
    source = "given"
    if threshold is None:
        threshold = curve.best_threshold()
        source = "best accuracy on these pictures" if threshold is not None else "nothing was found to choose it by"
    parted = [whole(seen), by_height(seen), by_source(seen), *more]
    slices, over_all = measure(seen, [p.counts(seen, reach(threshold)) for p in parted], parted, curve, rounds, seed)
    ap, kpi = curve.area_and_kpi()
    (total,), heights, sources, *rest = slices
    scores = Scores(
        pictures=len(seen.pictures),
        faces=total.faces,
        ignored=int((seen.ignored_scores >= reach(threshold)).sum()),
        threshold=threshold,
        threshold_source=source,
        tp=total.tp,
        fp=total.fp or 0,
        fn=total.fn,
        precision=total.precision,
        recall=total.recall,
        accuracy=total.accuracy,
        ap=interval(ap, over_all[:, 0]),
        recall_at_p99=interval(kpi, over_all[:, 1]),
        by_height=heights,
        by_source=sources,
    )
    return scores, rest


def measure(
    seen: Seen, tables: Sequence[Real], parted: Sequence[Partition], curve: Curve, rounds: int, seed: int
) -> tuple[list[tuple[Slice, ...]], Real]:
    """Slices of each partition from its table of counts, and `[rounds, 2]` resampled AP and recall at 99 %."""
    table = np.concatenate(tables, axis=1)
    resampled, over_all = np.zeros((rounds, table.shape[1])), np.zeros((rounds, 2))
    done = 0
    for weights in draws(seen.units, rounds, seed):
        resampled[done : done + len(weights)] = weights @ table
        for weight in weights:
            over_all[done] = curve.area_and_kpi(weight)
            done += 1
    edges = np.cumsum([part.shape[1] for part in tables])[:-1]
    sums = np.split(table.sum(axis=0), edges)
    samples = np.split(resampled, edges, axis=1)
    return [p.slices(seen, s, r) for p, s, r in zip(parted, sums, samples, strict=True)], over_all


def reach(threshold: float | None) -> float:
    """The score to reach; float32 like scores, so that 0.7 reaches 0.7."""
    return np.inf if threshold is None else float(np.float32(threshold))
