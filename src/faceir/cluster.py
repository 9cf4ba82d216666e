"""Boxes to faces: NMS, DBSCAN, DBSCAN+NMS hybrid, groupRectangles, none. numpy, hot path.

All of it works on the table of overlaps at once: a grid of 24 x 15 cells has at most 360 candidates
and usually 50, where one numpy call on the whole table is cheaper than any clever index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from numbers import Real
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from faceir import boxes, gridbox
from faceir.boxes import FloatArray
from faceir.errors import SpecError

__all__ = ["ClusterParams", "Faces", "cluster"]

Algorithm = Literal["group_rectangles", "dbscan", "nms", "hybrid", "none"]

_IntArray: TypeAlias = npt.NDArray[np.int64]
_Mask: TypeAlias = npt.NDArray[np.bool_]

_NESTED = 0.75
"""Of two boxes the smaller is nested in the larger when they share more of it than this."""


@dataclass(frozen=True)
class ClusterParams:
    """How the candidate boxes of one class become faces. In brackets: TAO's name | DeepStream's name."""

    algorithm: Algorithm = "nms"
    """[clustering_algorithm | cluster-mode]"""
    coverage_threshold: float = 0.2
    """Cells at or below this coverage are skipped, 0..1 [coverage_threshold | pre-cluster-threshold]."""
    confidence_threshold: float = 0.0
    """Faces below this are dropped; for DBSCAN it is the sum of a face's coverage, which may pass 1, as in TAO
    [*_confidence_threshold | post-cluster-threshold]."""
    nms_iou_threshold: float = 0.3
    """NMS drops a box that overlaps a better one by more, IoU 0..1 [nms_iou_threshold | nms-iou-threshold]."""
    nms_vote: bool = False
    """NMS lets a kept box and those it drops vote on box and score; beyond both [nms_vote | -]."""
    vote_weight: float = 1.0
    """What a vote counts for, above 0: less spreads votes below 1, in the same order; not so scores
    in which the vote only has a share [nms_vote_weight | -]."""
    vote_share: float = 1.0
    """How much of a score is the vote and not the best cell's coverage, 0..1 [nms_vote_share | -]."""
    nested_factor: float = 1.0
    """What NMS multiplies the score of a box with that lies mostly in a better one or holds most of one, 0..1
    [nms_nested_factor | -]."""
    eps: float = 0.3
    """Neighbours are nearer than this, 1 - IoU 0..1; for groupRectangles OpenCV's eps [dbscan_eps | eps]."""
    min_samples: float = 1.0
    """A DBSCAN core has at least this sum of coverage around it [dbscan_min_samples | dbscan-min-score]."""
    min_boxes: int = 1
    """And at least so many boxes, itself among them, so that 1 and less ask for nothing [- | minBoxes]."""
    group_threshold: int = 1
    """groupRectangles keeps groups of more boxes than this [- | group-threshold]."""
    min_height: float = 0.0
    """Faces at or below this height are dropped, network pixels [minimum_bounding_box_height | -]."""
    top_k: int = -1
    """Keep at most so many of the best; -1 keeps all [- | topk]."""

    def __post_init__(self) -> None:
        if self.algorithm not in get_args(Algorithm):
            raise SpecError("ClusterParams.algorithm", repr(self.algorithm), ", ".join(get_args(Algorithm)))
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name != "algorithm" and not (isinstance(value, Real) and value == value):
                raise SpecError(f"ClusterParams.{f.name}", repr(value), "a number")
        if self.vote_weight <= 0:
            raise SpecError("ClusterParams.vote_weight", repr(self.vote_weight), "above 0")
        for name in ("vote_share", "nested_factor"):
            if not 0 <= getattr(self, name) <= 1:
                raise SpecError(f"ClusterParams.{name}", repr(getattr(self, name)), "0..1")


class Faces(NamedTuple):
    """Found faces, best first, as `Detections` takes them: `Detections(*faces)`."""

    xyxy: FloatArray
    """`[N,4]`, network pixels."""
    scores: FloatArray
    """`[N]`, 0..1."""
    labels: _IntArray
    """`[N]`, class."""


def cluster(
    xyxy: FloatArray,
    cov: FloatArray,
    labels: npt.NDArray[np.int64],
    params: Sequence[ClusterParams],
) -> Faces:
    """Faces from candidate boxes `xyxy` `[M,4]` in network pixels, coverage `cov` `[M]`, class `labels` `[M]`.

    `params` holds one `ClusterParams` a class; classes never touch each other, and candidates of a
    class outside `params` are left out. Faces come by descending score, equal ones by class, then
    in the order of the candidates they come from.

    | algorithm | box | score, 0..1 | compared with `confidence_threshold` (kept from there up) |
    |---|---|---|---|
    | `nms` | the cell's | the cell's coverage | score |
    | `nms` with `nms_vote` | mean of it and those it drops | cov^(1-s) (1 - Π(1 - cov of these)^v)^s | score |
    | `dbscan` | coverage-weighted mean of the group | the like mean coverage, Σcov²/Σcov | Σcov, unbounded, as TAO |
    | `hybrid` | the cell's, after NMS inside each DBSCAN group | the cell's coverage | score |
    | `group_rectangles` | mean of the group | greatest coverage of the group | score |
    | `none` | the cell's | the cell's coverage | score |

    v is `vote_weight` / sqrt(a), a how many times more cells a face of the box's size covers than the smallest
    does: the cells of a large face say the same thing many times. s is `vote_share`: many weak cells make a face of
    noise, so that where pictures are bad the best cell should have a say.

    IoU leaves a box alone that lies inside one more than twice its size: a second, smaller idea of one large face, or
    a large one round a small face. `nested_factor` lowers the score of the weaker of two such boxes, which may still be
    two faces.

    TAO and DeepStream report Σcov as DBSCAN's confidence; it may pass 1, so it decides here but is
    not reported. `min_samples` is a plain sum of coverage, fractions included (older TAO specs have
    0.05; newer TAO rounds it down, but never below 1): TAO gives scikit-learn's DBSCAN the coverage as
    weights, so that its `min_samples` counts no boxes. `min_boxes` is scikit-learn's without weights.
    IoU is that of continuous edges, without TAO's extra pixel. `coverage_threshold` is applied before,
    by `gridbox.decode`.
    """
    parts = []
    for c, p in enumerate(params):
        mine = np.flatnonzero(labels == c)
        if len(mine) == 0:
            continue
        whole = len(mine) == len(labels)
        faces, scores = _faces(xyxy if whole else xyxy[mine], cov if whole else cov[mine], p)
        parts.append(Faces(faces, scores, np.full(len(scores), c)))
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Faces(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
    scores = np.concatenate([part.scores for part in parts])
    best = np.argsort(-scores, kind="stable")
    faces, classes = np.concatenate([part.xyxy for part in parts]), np.concatenate([part.labels for part in parts])
    return Faces(faces[best], scores[best], classes[best])


_Scored: TypeAlias = tuple[FloatArray, FloatArray]  # boxes [G,4] and scores [G]


def _faces(xyxy: FloatArray, cov: FloatArray, p: ClusterParams) -> _Scored:
    """Faces of one class, best first."""
    confidence = None  # None: the score
    match p.algorithm:
        case "nms":
            if p.nms_vote:
                xyxy, scores = _voted(xyxy, cov, p)
            else:
                strong = cov >= p.confidence_threshold  # weak boxes never suppress strong ones
                xyxy, scores = _nms(xyxy[strong], cov[strong], p.nms_iou_threshold)
            if p.nested_factor < 1 and len(scores) > 1:
                scores = np.where(_nested(xyxy, scores), scores * np.float32(p.nested_factor), scores)
        case "dbscan":
            near = _near(xyxy, p.eps)
            group = _groups(near, _cores(near, cov, p))
            names = np.flatnonzero(group == np.arange(len(group)))  # a group's first core bears its name
            xyxy, scores, confidence = _weighted_means(xyxy, cov, group == names[:, None])
        case "hybrid":
            near = _near(xyxy, p.eps)
            group = _groups(near, _cores(near, cov, p))
            member = group < len(group)
            xyxy, scores = _nms(xyxy[member], cov[member], p.nms_iou_threshold, group[member])
        case "group_rectangles" if p.group_threshold > 0:  # DeepStream and OpenCV leave the boxes alone at 0
            xyxy, scores = _group_rectangles(xyxy, cov, p.group_threshold, p.eps)
        case "group_rectangles" | "none":
            scores = cov
    scores = np.minimum(scores, 1)  # a de-quantised sigmoid can pass 1 by a hair
    keep = ~(xyxy[:, 3] - xyxy[:, 1] <= p.min_height)  # so that NaN stays in and `Detections` reports it
    keep &= (scores if confidence is None else confidence) >= p.confidence_threshold
    best = np.flatnonzero(keep)
    best = best[np.argsort(-scores[best], kind="stable")]
    if p.top_k >= 0:
        best = best[: p.top_k]
    return xyxy[best], scores[best]


def _nms(xyxy: FloatArray, cov: FloatArray, iou_threshold: float, group: _IntArray | None = None) -> _Scored:
    """The boxes that no better box (of the same `group` `[M]`, if given) overlaps by more than `iou_threshold`."""
    order = np.argsort(-cov, kind="stable")
    xyxy, cov = xyxy[order], cov[order]
    beats = boxes.iou(xyxy, xyxy) > iou_threshold
    if group is not None:
        group = group[order]
        beats &= group[:, None] == group[None, :]
    kept, _ = _suppress(beats)
    return xyxy[kept], cov[kept]


def _voted(xyxy: FloatArray, cov: FloatArray, p: ClusterParams) -> _Scored:
    """NMS whose kept boxes are averaged with those that they, as the best of them, overlap.

    The score is that of cells which speak of a face independently of each other, 1 - Π(1 - cov), to the power of the
    vote's weight; in the geometric mean with the kept box's own coverage the vote has its share.
    """
    order = np.argsort(-cov, kind="stable")
    xyxy, cov = xyxy[order], cov[order]
    # No vote passes 1, so that weaker boxes cannot reach the threshold: they vote, but need not be kept.
    least = p.confidence_threshold ** (1 / (1 - p.vote_share)) * (1 - 1e-5) if p.vote_share < 1 else 0.0
    strong = int(np.count_nonzero(cov >= least))
    kept, keeper = _suppress(boxes.iou(xyxy[:strong], xyxy) > p.nms_iou_threshold)
    member = keeper == kept[:, None]
    mean, _, _ = _weighted_means(xyxy, cov, member)
    doubt = np.log1p(-np.minimum(cov, 1 - 1e-6))
    votes = -np.expm1((member @ doubt) * (p.vote_weight / np.sqrt(_cells(mean))))
    return mean, (cov[kept] ** (1 - p.vote_share) * votes**p.vote_share).astype(np.float32)


def _suppress(beats: _Mask) -> tuple[_IntArray, _IntArray]:
    """Which of the S first and best of M boxes are kept, and which of those beat each, -1 = none: `[S,M]` to `[M]`."""
    strong, count = beats.shape
    keeper = np.full(count, -1)
    left = np.ones(count, np.bool_)
    kept: list[int] = []
    best = 0
    while best < strong:
        kept.append(best)
        keeper[beats[best] & left] = best
        keeper[best] = best  # an empty box does not overlap itself
        left &= ~beats[best]
        left[best] = False
        after = int(left[best:].argmax())  # the first that is left
        best = best + after if after else strong
    return np.array(kept, np.int64), keeper


def _nested(xyxy: FloatArray, scores: FloatArray) -> _Mask:
    """Which boxes `[G]` share more than `_NESTED` of the smaller of both with a box of a higher score."""
    area = boxes.area(xyxy)
    nested = boxes.intersection(xyxy, xyxy) > _NESTED * np.minimum(area[:, None], area)
    return np.asarray((nested & (scores > scores[:, None])).any(axis=1), np.bool_)


def _cells(xyxy: FloatArray) -> FloatArray:
    """How many times more cells a face covers than the smallest, at the usual radius of 0.4 and at least one cell."""
    radius = np.maximum(0.4 / 2 / gridbox.STRIDE * (xyxy[:, 2:] - xyxy[:, :2]), 1)
    cells: FloatArray = radius.prod(axis=1)
    return cells


def _near(xyxy: FloatArray, eps: float) -> _Mask:
    """`[M,M]`: 1 - IoU is at most `eps`; every box is near itself, empty ones too."""
    near = np.eye(len(xyxy), dtype=np.bool_)
    near |= 1 - boxes.iou(xyxy, xyxy) <= eps
    return near


def _cores(near: _Mask, cov: FloatArray, p: ClusterParams) -> _Mask:
    """`[M]`: the coverage of a box and its neighbours sums to `min_samples`, and they are `min_boxes`."""
    core: _Mask = near @ cov >= p.min_samples
    if p.min_boxes > 1:
        core &= np.count_nonzero(near, axis=1) >= p.min_boxes
    return core


def _groups(near: _Mask, core: _Mask) -> _IntArray:
    """The group of each box, named by its first core: `[M,M]`, `[M]` to `[M]`; M = in none (noise).

    Cores near each other share a group; another box joins the first group with a core near it.
    """
    none = len(core)
    step = near & core
    group = np.where(core, np.arange(none), none)
    while True:  # the lowest name spreads one step a round; faces are tight, so 2 rounds are usual
        spread = np.where(step, group, none).min(axis=1)
        if np.array_equal(spread, group):
            return group
        group = spread


def _weighted_means(xyxy: FloatArray, cov: FloatArray, member: _Mask) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Coverage-weighted mean box `[G,4]`, mean coverage `[G]` and summed coverage `[G]` of groups `member` `[G,M]`."""
    weight = member * cov
    total = weight.sum(axis=1)
    share = weight / np.maximum(total, np.finfo(np.float32).tiny)[:, None]
    return _upright(share @ xyxy), share @ cov, total


def _group_rectangles(xyxy: FloatArray, cov: FloatArray, group_threshold: int, eps: float) -> _Scored:
    """Mean boxes and greatest coverage of groups of more than `group_threshold` boxes.

    As cv2.groupRectangles (which OpenCV 5 no longer has), but in floating point.
    """
    x1, y1, x2, y2 = xyxy.T
    w, h = x2 - x1, y2 - y1
    slack = (np.minimum(w[:, None], w) + np.minimum(h[:, None], h)) * (eps / 2)
    near = np.ones(slack.shape, np.bool_)
    for edge in (x1, y1, x2, y2):
        near &= np.abs(edge[:, None] - edge) <= slack
    group = _groups(near, np.ones(len(xyxy), np.bool_))
    names, count = np.unique(group, return_counts=True)
    names, count = names[count > group_threshold], count[count > group_threshold]
    member = group == names[:, None]
    mean = _upright(member.astype(np.float32) @ xyxy / count[:, None].astype(np.float32))
    score = np.where(member, cov, 0).max(axis=1, initial=0)
    # A group that lies inside another one (grown by eps) goes, if it is small or the other one has more boxes.
    grown = np.tile(mean[:, 2:] - mean[:, :2], 2) * np.array([-eps, -eps, eps, eps], np.float32) + mean
    inside = (mean[:, None, :2] >= grown[None, :, :2]).all(axis=2)
    inside &= (mean[:, None, 2:] <= grown[None, :, 2:]).all(axis=2)
    inside &= ~np.eye(len(mean), dtype=np.bool_)
    weaker = (count[None, :] > np.maximum(3, count[:, None])) | (count[:, None] < 3)
    keep = ~(inside & weaker).any(axis=1)
    return mean[keep], score[keep]


def _upright(xyxy: FloatArray) -> FloatArray:
    """The same boxes with x1 <= x2 and y1 <= y2 where rounding of a mean has turned a thin one over."""
    return np.concatenate([xyxy[:, :2], np.maximum(xyxy[:, 2:], xyxy[:, :2])], axis=1)
