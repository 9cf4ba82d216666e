"""Everything at once: one pass over the pictures, one set of resamples, one document."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone

from faceir import __version__
from faceir.evaluate.coco import coco_scores
from faceir.evaluate.curve import Curve
from faceir.evaluate.document import Dataset, Evaluation, Model, Settings
from faceir.evaluate.gallery import false_alarms, misses
from faceir.evaluate.judged import Judged
from faceir.evaluate.matching import Seen, look
from faceir.evaluate.operating import operating_points
from faceir.evaluate.paired import Paired, compare
from faceir.evaluate.reliability import reliability
from faceir.evaluate.scores import Scores, reach, score
from faceir.evaluate.sizes import size_curve, size_partitions
from faceir.evaluate.slices import dimensions, partitions
from faceir.evaluate.tao import BoxLimits, tao_ap
from faceir.evaluate.tracks import video

__all__ = ["Other", "assess"]

Other = tuple[str, Iterable[Judged], float | None]
"""Name of a second detector, the same pictures judged for it, its threshold."""


def assess(
    pictures: Iterable[Judged],
    threshold: float | None = None,
    settings: Settings | None = None,
    model: Model | None = None,
    dataset: str = "",
    root: str = "",
    left_out: int = 0,
    classes: int = 1,
    other: Other | None = None,
) -> Evaluation:
    """All that can be said of a detector from `pictures`, judged at `threshold` (None: that of best accuracy).

    `settings` state how the pictures were chosen, and `rounds`, `seed` and `iou_threshold` are taken from them.
    `root` is the folder to leave out of picture names; `left_out` counts pictures that could not be read.
    """
    settings = settings or Settings()
    seen = look(pictures, settings.iou_threshold)
    rounds, seed = settings.rounds, settings.seed
    parted, sized = partitions(seen), size_partitions(seen)
    scores, slices = score(seen, threshold, rounds, seed, [*parted, *sized])
    if threshold is not None:
        scores = replace(scores, threshold_source=settings.threshold_rule)
    threshold, least = scores.threshold, reach(scores.threshold)
    limits = BoxLimits(min_height=settings.min_height)
    return Evaluation(
        software=f"faceir {__version__}",
        date=datetime.now(timezone.utc).date().isoformat(),
        model=model or Model(""),
        dataset=_dataset(seen, dataset, left_out),
        settings=settings,
        scores=scores,
        tao=tao_ap(seen.pictures, classes, settings.iou_threshold, limits),
        coco=coco_scores(seen.pictures),
        operating=operating_points(seen, rounds, seed),
        pr_curve=Curve(seen).points(),
        sizes=tuple(size_curve(p.name, s) for p, s in zip(sized, slices[len(parted) :], strict=True)),
        slices=dimensions(parted, slices[: len(parted)]),
        reliability=reliability(seen, least),
        misses=misses(seen, least, root),
        false_alarms=false_alarms(seen, least, root),
        notes=tuple(_notes(seen, scores)),
        paired=_paired(seen, scores, other, settings) if other else None,
        video=video(seen.pictures, least, settings.iou_threshold) if threshold is not None else None,
    )


def _paired(seen: Seen, scores: Scores, other: Other, settings: Settings) -> Paired:
    name, pictures, other_threshold = other
    second = look(pictures, settings.iou_threshold)
    if other_threshold is None:
        other_threshold = Curve(second).best_threshold()
    return compare(seen, second, scores.threshold, other_threshold, name, settings.rounds, settings.seed)


def _dataset(seen: Seen, name: str, left_out: int) -> Dataset:
    told = hashlib.sha256()
    for p, key in sorted(zip(seen.pictures, seen.names, strict=True), key=lambda both: both[1]):
        told.update(f"{key}\n".encode())
        told.update(p.truth.xyxy.round(2).astype("<f4").tobytes() + p.truth.labels.astype("<i8").tobytes())
        told.update(b"" if p.counted is None else p.counted.tobytes())
    return Dataset(
        name=name,
        fingerprint=told.hexdigest()[:16],
        pictures=len(seen.pictures),
        faces=len(seen.face_score),
        regions_ignored=sum(len(p.truth) for p in seen.pictures) - len(seen.face_score),
        left_out=left_out,
        groups=seen.units,
        sources=dict(sorted(Counter(p.source for p in seen.pictures).items())),
    )


def _notes(seen: Seen, scores: Scores) -> Iterable[str]:
    """What cannot be given, said plainly."""
    if not seen.pictures:
        yield "There is no picture: nothing can be given."
        return
    if not scores.faces:
        yield "No true face counts: recall and average precision cannot be given; false alarms are all that shows."
    if not len(seen.found.scores):
        yield "Nothing was found at any score: precision cannot be given."
    if seen.units == 1:
        what = "a single picture" if len(seen.pictures) == 1 else "a single group of pictures"
        yield f"There is {what}: nothing tells how pictures differ, so there are no intervals."
    elif seen.units < 20:
        yield f"Only {seen.units} groups of pictures to resample: the intervals are rough."
    if scores.faces and scores.recall_at_p99.value is None:
        yield "No threshold reaches a precision of 99 %: recall there cannot be given."
