"""Which true face each found one is: one greedy matching for every measure, over all pictures at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from faceir.detections import Detections
from faceir.evaluate.judged import Judged, counted_of, key_of

__all__ = ["Faces", "Match", "Pairs", "Seen", "flatten", "greedy", "look", "match", "pairs", "turns"]

IntArray: TypeAlias = npt.NDArray[np.int64]
Real: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]

_PAIRS_AT_ONCE = 1 << 18


class Match(NamedTuple):
    """What became of each found face of one picture; M found, N true."""

    truth_of: IntArray
    """`[M]`, the true face that a found one takes, -1 = none. Each true face is taken once."""
    ignored: Mask
    """`[M]`, found in a region to ignore: neither right nor wrong."""


class Faces(NamedTuple):
    """Faces of all pictures, flat, picture after picture."""

    picture: IntArray
    """`[N]`, 0..P-1, never falling."""
    xyxy: Real
    labels: IntArray
    scores: npt.NDArray[np.float32]
    height: Real
    """Network pixels."""
    occlusion: npt.NDArray[np.int8]
    truncation: npt.NDArray[np.float32]

    def where(self, chosen: Mask | IntArray) -> Faces:
        """Those of a mask `[N]`, or in the order of integers."""
        return Faces._make(column[chosen] for column in self)


class Pairs(NamedTuple):
    """A found face and a true one of one picture and how they overlap, `[K]` each, by found face."""

    found: IntArray
    truth: IntArray
    iou: Real
    inside: Real
    """Share of the found face's own area that lies in the true one."""

    def where(self, chosen: Mask | IntArray) -> Pairs:
        """Those of a mask `[K]`, or in the order of integers."""
        return Pairs._make(column[chosen] for column in self)


class Seen(NamedTuple):
    """All pictures after matching."""

    pictures: Sequence[Judged]
    names: list[str]
    unit: IntArray
    """`[P]`, what each picture is resampled with: its group, or it alone."""
    units: int
    face: Faces
    """True faces that count."""
    face_score: Real
    """Of the found face that took it, -inf = none; parallel to `face`."""
    found: Faces
    """Found faces that are not ignored."""
    right: Mask
    """Parallel to `found`."""
    ignored_scores: npt.NDArray[np.float32]
    """Of found faces in regions to ignore, and of those too low to be asked for."""

    @property
    def independent(self) -> float:
        """How many faces at most may pass as independent of each other: as many as there are groups, if there are."""
        return self.units if self.units < len(self.pictures) else np.inf


def match(
    truth: Detections, found: Detections, counted: Mask | None = None, iou_threshold: float = 0.5, where: str = "truth"
) -> Match:
    """Which true face each found one is; `counted` `[N]` is False for regions to ignore (`Judged.counted`).

    In descending score, a found face takes the counted true face of its class, not yet taken, with
    the best IoU above `iou_threshold`. One that finds none is ignored when more than `iou_threshold`
    of its own area lies in one region to ignore, of any class; a region takes any number. Leaving out
    low scores changes nothing for the others. These are COCO's rules, with `iscrowd` for the regions.
    """
    counted = counted_of(Judged(truth, found, counted), where)
    return _match(flatten([truth]), flatten([found]), counted, iou_threshold)


def look(pictures: Iterable[Judged], iou_threshold: float = 0.5) -> Seen:
    """Match every picture; what is found below `Judged.least_height` counts only when right, as in COCO's sizes."""
    pictures = list(pictures)
    names = [key_of(p, n) for n, p in enumerate(pictures)]
    scales = np.array([p.scale for p in pictures])
    truth = flatten([p.truth for p in pictures], scales)
    found = flatten([p.found for p in pictures], scales)
    counted = _join([counted_of(p, p.name or f"picture {n}") for n, p in enumerate(pictures)], np.bool_)
    matched = _match(truth, found, counted, iou_threshold)
    right = matched.truth_of >= 0
    score = np.full(len(truth.scores), -np.inf)
    score[matched.truth_of[right]] = found.scores[right]
    least = np.array([p.least_height for p in pictures], np.float64)
    kept = ~matched.ignored & (right | (found.height >= least[found.picture]))
    unit, units = _units(pictures)
    return Seen(
        pictures, names, unit, units, truth.where(counted), score[counted], found.where(kept), right[kept],
        found.scores[~kept],
    )  # fmt: skip


def flatten(parts: Sequence[Detections], scales: Real | None = None) -> Faces:
    """All faces of P pictures one after the other; `scales` `[P]` makes heights network pixels."""
    picture = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    xyxy = _join([p.xyxy for p in parts], np.float64).reshape(-1, 4)
    height = xyxy[:, 3] - xyxy[:, 1]
    if scales is not None:
        height = height * scales[picture]
    columns = [
        _join([getattr(p, name) for p in parts], dtype)
        for name, dtype in (("occlusion", np.int8), ("truncation", np.float32))
    ]
    labels, scores = _join([p.labels for p in parts], np.int64), _join([p.scores for p in parts], np.float32)
    return Faces(picture, xyxy, labels, scores, height, *columns)


def pairs(found: Faces, truth: Faces, least: float) -> Pairs:
    """All found and true faces of one picture that share at least `least`, above 0, by IoU or by `Pairs.inside`."""
    order, start, many = _neighbours(found, truth)
    parts = []
    edges = np.searchsorted(np.cumsum(many), np.arange(_PAIRS_AT_ONCE, many.sum(), _PAIRS_AT_ONCE))
    for some in np.split(np.arange(len(many)), edges):
        f = np.repeat(some, many[some])
        within = np.arange(len(f)) - np.repeat(np.cumsum(many[some]) - many[some], many[some])
        t = order[start[f] + within]
        a, b = found.xyxy[f], truth.xyxy[t]
        sides = np.maximum(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0)
        shared = sides[:, 0] * sides[:, 1]
        own = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])
        union = own + (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) - shared
        tiny = np.finfo(np.float64).tiny
        every = Pairs(f, t, shared / np.maximum(union, tiny), shared / np.maximum(own, tiny))
        parts.append(every.where((every.iou >= least) | (every.inside >= least)))
    return Pairs._make(np.concatenate(column) for column in zip(*parts, strict=True))


def _neighbours(found: Faces, truth: Faces) -> tuple[IntArray, IntArray, IntArray]:
    """True faces in `order` by picture and left edge, and for each found one where those begin, and how many they
    are, that start left of its right edge and no further left than the widest could reach."""
    if not len(truth.scores):
        none = np.zeros(len(found.scores), np.int64)
        return none[:0], none, none
    reach = float((truth.xyxy[:, 2] - truth.xyxy[:, 0]).max()) + 1  # a pixel more than rounding could take
    every = np.concatenate([found.xyxy, truth.xyxy])
    left, stride = every[:, 0].min(), np.ptp(every[:, ::2]) + reach + 2  # pictures lie side by side, out of reach
    place = truth.picture * stride + (truth.xyxy[:, 0] - left)
    order = np.argsort(place, kind="stable")
    at = found.picture * stride - left
    start, end = (np.searchsorted(place[order], at + x) for x in (found.xyxy[:, 0] - reach, found.xyxy[:, 2]))
    return order, start, end - start


def greedy(turn: IntArray, truth: IntArray, many: Mask) -> Mask:
    """Which of K pairs come about when faces choose by turns, each taking the first of its pairs that is left.

    `turn` `[K]` never falls, and pairs of one turn stand in order of preference; `many` `[N]` says which
    true faces may be taken any number of times. A face whose first choice is wanted by none before it is
    sure to get it: all such choose at once, so the loop runs as often as the longest queue, not per face.
    """
    taken = np.zeros(len(turn), np.bool_)
    left = np.arange(len(turn))
    done, gone = np.zeros(turn[-1] + 1 if len(turn) else 0, np.bool_), np.zeros(len(many), np.bool_)
    first = np.zeros(len(many), np.int64)
    while len(left):
        t, g = turn[left], truth[left]
        first[g[::-1]] = t[::-1]  # written last, hence kept: the earliest turn that may still want it
        head = np.concatenate([[True], t[1:] != t[:-1]])
        sure = head & ((first[g] == t) | many[g])
        taken[left[sure]] = True
        done[t[sure]] = True
        gone[g[sure & ~many[g]]] = True
        left = left[~done[t] & ~gone[g]]
    return taken


def turns(scores: npt.NDArray[np.float32]) -> IntArray:
    """`[M]`, the place of each found face when all choose in descending score; equal ones as they stand."""
    place = np.empty(len(scores), np.int64)
    place[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    return place


def _match(truth: Faces, found: Faces, counted: Mask, iou_threshold: float) -> Match:
    every = pairs(found, truth, iou_threshold)
    counts = counted[every.truth]
    fits = counts & (found.labels[every.found] == truth.labels[every.truth]) & (every.iou > iou_threshold)
    hopeful = every.where(fits)
    turn = turns(found.scores)[hopeful.found]
    order = np.lexsort((hopeful.truth, -hopeful.iou, turn))
    taken = hopeful.where(order[greedy(turn[order], hopeful.truth[order], np.zeros(len(counted), np.bool_))])
    truth_of = np.full(len(found.scores), -1, np.int64)
    truth_of[taken.found] = taken.truth
    ignored = np.zeros(len(found.scores), np.bool_)
    ignored[every.found[~counts & (every.inside > iou_threshold)]] = True
    return Match(truth_of, ignored & (truth_of < 0))


def _units(pictures: Sequence[Judged]) -> tuple[IntArray, int]:
    number: dict[object, int] = {}
    unit = [number.setdefault(p.group or n, len(number)) for n, p in enumerate(pictures)]
    return np.array(unit, np.int64), len(number)


def _join(parts: Sequence[npt.NDArray[Any]], dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype)
