"""The judge: found faces against true ones, for any detector that gives `Detections`.

Matching is greedy by score at IoU > 0.5. Whole pictures are resampled for the intervals, as faces
of one picture are not independent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice, pairwise
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from faceir import boxes
from faceir.data import kitti
from faceir.data.guidelines import Rules, ignore_by_rules
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from faceir.fit import Fit
from faceir.flow import Detector

__all__ = ["HEIGHT_EDGES", "LEAST_SCORE", "Judged", "Match", "Rate", "Scores", "Slice", "evaluate", "judge", "match"]

HEIGHT_EDGES = (8, 16, 32, 64, 128)
"""Network pixels; between and beyond them lie the slices of `Scores.by_height`."""
LEAST_SCORE = 0.02
"""Threshold to run a detector at for a judge that wants every score; below it lie only guesses."""
PRECISION_KPI = 0.99
"""Precision that `Scores.recall_at_p99` asks for."""

_T = TypeVar("_T")
_IntArray: TypeAlias = npt.NDArray[np.int64]
_Real: TypeAlias = npt.NDArray[np.float64]
_Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """One picture for the judge."""

    truth: Detections
    found: Detections
    """Of every score: the judge applies the threshold. Same pixels as `truth`."""
    counted: _Mask | None = None
    """`[N]` of `truth`; False = a region to ignore: may be found or missed at no cost. None: all but `DONT_CARE`."""
    scale: float = 1.0
    """Network pixels per pixel of `truth`, vertical: makes heights those that the network saw."""
    source: str = ""
    """Group for `Scores.by_source`: data set, camera, condition."""
    name: str = ""
    """For messages."""


def judge(
    items: Iterable[kitti.Item],
    detector: Detector,
    fit: Fit,
    rules: Rules,
    classes: Sequence[str] = ("face",),
    class_mapping: Mapping[str, str] | None = None,
    on_problem: Callable[[InputError], None] | None = None,
    batch: int = 16,
) -> Iterator[Judged]:
    """What `detector` finds in labelled pictures, beside the truth; pictures load a `batch` at a time.

    `fit` is the detector's, and tells the network pixels in which `rules` are stated. A picture or label
    that cannot be read goes to `on_problem` and is left out; without `on_problem` it is raised.
    """
    mapping = class_mapping if class_mapping is not None else {name.lower(): name for name in classes}
    for some in _batched(items, batch):
        frames = []
        for item in some:
            try:
                frame = kitti.read_frame(item, mapping, classes)
                frames.append((item, frame.detections, frame.gray))
            except InputError as error:
                if on_problem is None:
                    raise
                on_problem(error)
        for (item, truth, gray), found in zip(frames, detector([gray for *_, gray in frames]), strict=True):
            scale_y = fit.placement((gray.shape[1], gray.shape[0])).scale_xy[1]
            counted = ignore_by_rules(truth, rules, scale_y)
            yield Judged(counted, found, scale=scale_y, source=item.source, name=str(item.picture))


def _batched(things: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """`things` in lists of `size`, the last one shorter; itertools has it from Python 3.12 on."""
    iterator = iter(things)
    while part := list(islice(iterator, size)):
        yield part


class Match(NamedTuple):
    """What became of each found face of one picture; M found, N true."""

    truth_of: _IntArray
    """`[M]`, the true face that a found one takes, -1 = none. Each true face is taken once."""
    ignored: _Mask
    """`[M]`, found in a region to ignore: neither right nor wrong."""


def match(
    truth: Detections, found: Detections, counted: _Mask | None = None, iou_threshold: float = 0.5, where: str = "truth"
) -> Match:
    """Which true face each found one is; `counted` `[N]` is False for regions to ignore (`Judged.counted`).

    In descending score, a found face takes the counted true face of its class, not yet taken, with
    the best IoU above `iou_threshold`. One that finds none is ignored when more than `iou_threshold`
    of its own area lies in one region to ignore, of any class; a region takes any number. Leaving out
    low scores changes nothing for the others. These are COCO's rules, with `iscrowd` for the regions.
    """
    counted = _counted(truth, counted, where)
    truth_of = np.full(len(found), -1, np.int64)
    overlap = boxes.iou(found.xyxy, truth.xyxy)
    overlap[(found.labels[:, None] != truth.labels) | ~counted] = 0
    overlap[overlap <= iou_threshold] = 0
    hopeful = np.asarray(overlap.any(axis=1))
    for m in np.argsort(-found.scores, kind="stable"):
        if hopeful[m]:
            best = int(overlap[m].argmax())
            if overlap[m, best] > 0:
                truth_of[m] = best
                overlap[:, best] = 0
    inside = boxes.intersection(found.xyxy, truth.xyxy[~counted]) > iou_threshold * boxes.area(found.xyxy)[:, None]
    return Match(truth_of, inside.any(axis=1) & (truth_of < 0))


def _counted(truth: Detections, counted: _Mask | None, where: str) -> _Mask:
    cared_for: _Mask = truth.labels != DONT_CARE
    if counted is None:
        return cared_for
    counted = np.asarray(counted)
    if counted.dtype != np.bool_ or counted.shape != (len(truth),):
        raise InputError(where, f"counted is {counted.dtype} {list(counted.shape)}", f"bool [{len(truth)}]")
    return counted & cared_for


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval, 0..1; None = cannot be given from these pictures."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Slice:
    """The same counts for a part of the faces."""

    name: str
    faces: int
    """True faces that count."""
    tp: int
    fp: int
    """By height: of the found face's own height."""
    fn: int
    precision: Rate
    recall: Rate
    accuracy: Rate


@dataclass(frozen=True)
class Scores:
    """The verdict on a detector. Counts are at `threshold`; `ap` and `recall_at_p99` are over all thresholds.

    Intervals: 95 %, percentiles of a bootstrap over pictures, with the threshold held. Where every
    resample says the same (nothing missed, say) the bootstrap is blind, and they are Wilson's for the
    counts; for `ap` and `recall_at_p99` they are then None.
    """

    pictures: int
    faces: int
    """True faces that count."""
    ignored: int
    """Found faces from `threshold` up in regions to ignore, in no other count."""
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
    seen = _look(pictures, iou_threshold)
    curve = _Curve(seen)
    source = "given"
    if threshold is None:
        threshold = curve.best_threshold()
        source = "best accuracy on these pictures" if threshold is not None else "nothing was found to choose it by"
    names, table = _counts(seen, threshold)
    sums = table.sum(axis=0)
    whole = np.ones(len(seen.sources))
    resampled = np.zeros((rounds, table.shape[1]))
    over_all = np.zeros((rounds, 2))  # ap, recall at 99 % precision
    rng = np.random.default_rng(seed)
    pictures_n = len(seen.sources)
    for n in range(rounds if pictures_n else 0):
        weight = np.bincount(rng.integers(pictures_n, size=pictures_n), minlength=pictures_n).astype(np.float64)
        resampled[n] = weight @ table
        over_all[n] = curve.area_and_kpi(weight)

    def rates(column: int) -> dict[str, Rate]:
        counts, samples = sums[3 * column :][:3], resampled[:, 3 * column :][:, :3]
        return {
            name: _rate(counts[0], counts[list(of)].sum(), samples[:, 0], samples[:, list(of)].sum(axis=1))
            for name, of in (("precision", (0, 1)), ("recall", (0, 2)), ("accuracy", (0, 1, 2)))
        }

    def part(column: int) -> Slice:
        tp, fp, fn = (int(n) for n in sums[3 * column :][:3])
        return Slice(names[column], tp + fn, tp, fp, fn, **rates(column))

    heights = len(HEIGHT_EDGES) + 1
    ap, kpi = curve.area_and_kpi(whole)
    total = part(0)
    return Scores(
        pictures=pictures_n,
        faces=total.faces,
        ignored=int((seen.ignored_scores >= _least(threshold)).sum()),
        threshold=threshold,
        threshold_source=source,
        tp=total.tp,
        fp=total.fp,
        fn=total.fn,
        precision=total.precision,
        recall=total.recall,
        accuracy=total.accuracy,
        ap=_interval(ap, over_all[:, 0]),
        recall_at_p99=_interval(kpi, over_all[:, 1]),
        by_height=tuple(part(1 + n) for n in range(heights)),
        by_source=tuple(part(n) for n in range(1 + heights, len(names))),
    )


class _Seen(NamedTuple):
    """All pictures after matching, flat: F counted true faces, D found faces that are not ignored."""

    sources: list[str]
    """One a picture."""
    face_picture: _IntArray
    face_height: _Real
    """`[F]`, network pixels."""
    face_score: _Real
    """`[F]`, of the found face that took it, -inf = none."""
    picture: _IntArray
    """`[D]`"""
    score: _Real
    right: _Mask
    height: _Real
    ignored_scores: _Real


def _look(pictures: Iterable[Judged], iou_threshold: float) -> _Seen:
    """Match every picture."""
    sources: list[str] = []
    columns: list[tuple[npt.NDArray[Any], ...]] = []
    for n, p in enumerate(pictures):
        sources.append(p.source)
        where = p.name or f"picture {n}"
        m = match(p.truth, p.found, p.counted, iou_threshold, where)
        counted = _counted(p.truth, p.counted, where)
        right = m.truth_of >= 0
        face_score = np.full(len(p.truth), -np.inf)
        face_score[m.truth_of[right]] = p.found.scores[right]
        kept = ~m.ignored
        columns.append(
            (
                np.full(np.count_nonzero(counted), n),
                _heights(p.truth, p.scale)[counted],
                face_score[counted],
                np.full(np.count_nonzero(kept), n),
                p.found.scores[kept].astype(np.float64),
                right[kept],
                _heights(p.found, p.scale)[kept],
                p.found.scores[m.ignored].astype(np.float64),
            )
        )
    if not columns:
        none = np.zeros(0)
        empty = np.zeros(0, np.int64)
        return _Seen([], empty, none, none, empty, none, np.zeros(0, np.bool_), none, none)
    return _Seen(sources, *(np.concatenate(column) for column in zip(*columns, strict=True)))


def _heights(faces: Detections, scale: float) -> _Real:
    return (faces.xyxy[:, 3] - faces.xyxy[:, 1]).astype(np.float64) * scale


def _least(threshold: float | None) -> float:
    """The score to reach; float32 like scores, so that 0.7 reaches 0.7."""
    return np.inf if threshold is None else float(np.float32(threshold))


def _counts(seen: _Seen, threshold: float | None) -> tuple[list[str], _Real]:
    """Names of K parts and `[pictures, 3K]`: TP, FP, FN of each part; all, then by height, then by source."""
    least = _least(threshold)
    hit = seen.face_score >= least
    wrong = (seen.score >= least) & ~seen.right
    face_bin, found_bin = np.digitize(seen.face_height, HEIGHT_EDGES), np.digitize(seen.height, HEIGHT_EDGES)
    kinds = sorted(set(seen.sources)) if any(seen.sources) else []
    edges = [f"{low}-{high}" for low, high in pairwise(HEIGHT_EDGES)]
    names = ["all", f"<{HEIGHT_EDGES[0]}", *edges, f">={HEIGHT_EDGES[-1]}", *kinds]
    width = 3 * len(names)
    kind_of = len(names) - len(kinds) + np.searchsorted(kinds, seen.sources) if kinds else None
    cells = []  # of the table, flat; one entry a count
    for offset, picture, height_bin in (
        (0, seen.face_picture[hit], face_bin[hit]),
        (1, seen.picture[wrong], found_bin[wrong]),
        (2, seen.face_picture[~hit], face_bin[~hit]),
    ):
        row = picture * width + offset
        cells += [row, row + 3 * (1 + height_bin)]
        if kind_of is not None:
            cells.append(row + 3 * kind_of[picture])
    table = np.bincount(np.concatenate(cells), minlength=len(seen.sources) * width)
    return names, table.reshape(-1, width).astype(np.float64)


class _Curve:
    """Precision over recall; pictures can be weighed anew, which makes it the inner loop of the bootstrap."""

    def __init__(self, seen: _Seen) -> None:
        order = np.argsort(-seen.score, kind="stable")
        self._picture, self._right, score = seen.picture[order], seen.right[order], seen.score[order]
        # Equal scores are one step: no threshold can part them, and the order of pictures must not matter.
        self._last = np.flatnonzero(np.diff(score, append=-np.inf))
        self._steps = score[self._last]
        self._faces = np.bincount(seen.face_picture, minlength=len(seen.sources)).astype(np.float64)

    def _cumulated(self, weight: _Real) -> tuple[_Real, _Real, float]:
        """Right faces and all found ones from each step's score up, and the number of true faces."""
        each = weight[self._picture]
        return np.cumsum(each * self._right)[self._last], np.cumsum(each)[self._last], float(weight @ self._faces)

    def best_threshold(self) -> float | None:
        """The (highest) score with the best accuracy."""
        if not len(self._steps):
            return None
        right, found, faces = self._cumulated(np.ones(len(self._faces)))
        return float(self._steps[np.argmax(right / (faces + found - right))])

    def area_and_kpi(self, weight: _Real) -> tuple[float, float]:
        """AP and recall at 99 % precision with pictures counted `weight` times; NaN = cannot be given."""
        right, found, faces = self._cumulated(weight)
        if faces == 0:
            return np.nan, np.nan
        precision = right / np.maximum(found, 1)  # found = 0 only ahead of the first counted picture
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        area = float(np.diff(right, prepend=0) @ envelope / faces)
        good = right[precision >= PRECISION_KPI]
        return area, float(good[-1] / faces) if len(good) else np.nan


def _rate(right: float, of: float, right_samples: _Real, of_samples: _Real) -> Rate:
    """`right` of `of` with its interval."""
    if of == 0:
        return Rate(None)
    with np.errstate(invalid="ignore"):
        samples = right_samples / of_samples  # 0 / 0 where no picture with such faces was drawn
    rate = _interval(right / of, samples)
    if len(samples) and rate.low is None and len(np.unique(samples[~np.isnan(samples)])) <= 1:
        return Rate(rate.value, *_wilson(right, of))
    return rate


def _interval(value: float, samples: _Real) -> Rate:
    """2.5 and 97.5 percentiles of `samples`; no interval if they are all the same, or many cannot be given."""
    if np.isnan(value):
        return Rate(None)
    given = samples[~np.isnan(samples)]
    if len(given) == 0 or len(given) < 0.975 * len(samples) or np.ptp(given) == 0:
        return Rate(float(value))
    low, high = np.percentile(given, [2.5, 97.5])
    return Rate(float(value), float(low), float(high))


def _wilson(right: float, of: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (E. B. Wilson, 1927)."""
    z2 = 1.959964**2
    middle = (right + z2 / 2) / (of + z2)
    half = np.sqrt(z2 * (right * (of - right) / of + z2 / 4)) / (of + z2)
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)
