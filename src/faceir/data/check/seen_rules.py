"""Rules that hold labels against what a detector sees."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from faceir import boxes
from faceir.boxes import FloatArray
from faceir.data.check.finding import Change, Finding, Xyxy
from faceir.data.check.habit import Habit
from faceir.data.check.labelled import Labelled, array, removed
from faceir.data.guidelines import Rules
from faceir.detections import Detections

__all__ = ["SEEN_RULES", "Limits", "Seen", "score_for"]


_CHOSEN_AT = 0.65  # the threshold of the detector with which the limits of scores were chosen
_LEAST_TELLING = 0.3  # lower thresholds collect candidates, as the 0.05 of checkpoints fresh from training


def score_for(threshold: float, score: float) -> float:
    """What `score` of a detector whose threshold is 0.65 is to one whose threshold is `threshold`; scores 0..1, open.

    Nets score as they please: what one is sure of is told by its own threshold, and lower limits lie as far below it
    in log-odds as they lie below the threshold of the net that they were chosen with. A threshold below 0.3, or of 1,
    tells nothing of that: `score` stays.
    """
    if not _tells(threshold):
        return score
    return 1 / (1 + math.exp(-_log_odds(score) - _log_odds(threshold) + _log_odds(_CHOSEN_AT)))


def _tells(threshold: float) -> bool:
    return _LEAST_TELLING <= threshold < 1


def _log_odds(score: float) -> float:
    return math.log(score / (1 - score))


@dataclass(frozen=True)
class Limits:
    """When a difference is told. Heights are network pixels, all else 0..1."""

    tight: float = 0.55
    """IoU below which a box is not tight, once the habit of its set is taken off."""
    tight_most: float = 0.7
    """What `tight` rises to at most where a set is drawn closely: beyond it profiles and hats are blamed."""
    tight_small: float = 0.45
    """The same of faces lower than `small`, for which a pixel is much."""
    small: float = 24.0
    """A height."""
    likely: float = 0.1
    """The detector's score from which on a label has found its face."""
    trusted: float = 0.3
    """Score from which on the detector's box is better than a label's."""
    sure: float = 0.5
    """Score of a face that should have a label."""
    unseen: float = 0.02
    """Score below which there is nothing."""
    min_height: float = 16.0
    """Lower faces are not judged: the detector does not see them well enough."""
    surely_high: float = 1.25
    """Times `min_height` from which on a found face is high enough for a label that is lower: it grows small faces."""

    @staticmethod
    def of(threshold: float | None) -> Limits:
        """For a detector whose faces count from the score `threshold`; None, below 0.3 or 1 = as stated above."""
        if threshold is None or not _tells(threshold):
            return Limits()
        below = {name: score_for(threshold, getattr(Limits, name)) for name in ("likely", "trusted", "unseen")}
        return Limits(sure=threshold, **below)


@dataclass(frozen=True)
class Seen:
    """A labelled picture beside what a detector sees in it."""

    labelled: Labelled
    found: Detections
    """Of every score, in the picture's pixels."""
    expected: FloatArray
    """`[N,4]`, `found` as the habit of the set would have drawn it."""
    scale: float
    """Network pixels per pixel of the picture."""
    overlap: FloatArray
    """`[rows of faces, N]`, IoU with `expected`."""
    owner: tuple[int, ...]
    """Of each found face the number of its row, -1 = none. A row has one face at most."""
    limits: Limits
    tight: float
    """IoU below which a box of this set that is not small is not tight."""

    @staticmethod
    def of(labelled: Labelled, found: Detections, scale: float, habit: Habit, limits: Limits) -> Seen:
        """Rows paired with the likely ones of the found faces, the best overlap first."""
        expected = habit.expected(found.xyxy)
        overlap = boxes.iou(array(labelled.faces), expected)
        likely = np.where(found.scores >= limits.likely, overlap, 0)
        tight = max(limits.tight, min(habit.least_overlap, limits.tight_most))
        return Seen(labelled, found, expected, scale, overlap, _paired(likely), limits, tight)

    def face_of(self, row: int) -> int:
        """Number of the found face that row `row` has, -1 = none."""
        return self.owner.index(row) if row in self.owner else -1

    def height(self, xyxy: Xyxy) -> float:
        """Of a box, network pixels."""
        return (xyxy[3] - xyxy[1]) * self.scale

    def judged(self, xyxy: Xyxy) -> bool:
        """Whether a box is high enough to be judged."""
        return self.height(xyxy) >= self.limits.min_height

    def clipped(self, face: int) -> Xyxy:
        """A found face as the set would have drawn it, inside the picture."""
        x1, y1, x2, y2 = boxes.clip(self.expected[face : face + 1], self.labelled.size_wh or (1 << 16, 1 << 16))[0]
        return round(float(x1), 1), round(float(y1), 1), round(float(x2), 1), round(float(y2), 1)


def _paired(overlap: FloatArray) -> tuple[int, ...]:
    """Greedy: the pair that overlaps most is one, then the next of those that are left."""
    owner = [-1] * overlap.shape[1]
    rows = set[int]()
    for flat in np.argsort(-overlap, axis=None, kind="stable").tolist():
        row, face = divmod(flat, overlap.shape[1])
        if overlap[row, face] < _RELATED:
            break
        if row not in rows and owner[face] < 0:
            owner[face] = row
            rows.add(row)
    return tuple(owner)


_GUIDELINES = Rules()
_RELATED = 0.1  # IoU of a slipped box with its face, at least
_INSIDE = 0.5  # share of a found face in a DontCare region from which on the region covers it
_PART_OF = 0.7  # share of a found face in a labelled box from which on it is not told as another face


def box_not_tight(seen: Seen) -> Iterator[Finding]:
    """A label whose face lies elsewhere or has another size."""
    limits = seen.limits
    for number, row in enumerate(seen.labelled.faces):
        face = seen.face_of(number)
        if face < 0:
            continue
        overlap, score = float(seen.overlap[number, face]), float(seen.found.scores[face])
        high = seen.height(row.xyxy) >= limits.min_height or (
            seen.height(seen.clipped(face)) >= limits.surely_high * limits.min_height
        )
        tight = seen.tight if seen.height(row.xyxy) >= limits.small else limits.tight_small
        if overlap < tight and score >= limits.trusted and high:
            better = seen.clipped(face)
            words = f"overlaps the face that is seen (score {score:.2f}) by {overlap:.0%}: {_slip(row.xyxy, better)}"
            yield seen.labelled.finding(
                "box-not-tight", words, row, score=score * (1 - overlap), suggested=better,
                change=Change(row.line, row.written(xyxy=better)),
            )  # fmt: skip


def _slip(box: Xyxy, better: Xyxy) -> str:
    """How `box` differs from `better`, in words."""
    width, height = better[2] - better[0], better[3] - better[1]
    right, down = (box[0] + box[2] - better[0] - better[2]) / 2, (box[1] + box[3] - better[1] - better[3]) / 2
    wider, higher = (box[2] - box[0]) / max(width, 1), (box[3] - box[1]) / max(height, 1)
    words = []
    if abs(right) > 0.1 * width:
        words.append(f"{abs(right):.0f} px too far {'right' if right > 0 else 'left'}")
    if abs(down) > 0.1 * height:
        words.append(f"{abs(down):.0f} px too {'low' if down > 0 else 'high'}")
    if not 0.85 < wider < 1.15 or not 0.85 < higher < 1.15:
        words.append(f"{wider:.2f} times as wide and {higher:.2f} times as high")
    return ", ".join(words) or "a little off"


def face_unlabelled(seen: Seen) -> Iterator[Finding]:
    """A face that the detector is sure of, where there is neither a label nor a region to ignore."""
    every = array(seen.labelled.rows)
    for face, score in enumerate(seen.found.scores.tolist()):
        box = seen.found.xyxy[face : face + 1]
        if score < seen.limits.sure or seen.owner[face] >= 0 or not seen.judged(seen.clipped(face)):
            continue
        covered = boxes.intersection(every, box)[:, 0] / max(float(boxes.area(box)[0]), 1e-6)
        ignored = np.array([row.ignored for row in seen.labelled.rows], bool)
        if (covered[ignored] > _INSIDE).any() or (covered > _PART_OF).any():  # a part of a face, or of another class
            continue
        better = seen.clipped(face)
        line = f"{seen.labelled.classes[0]} 0.00 -1 0.00 " + " ".join(f"{edge:.3f}" for edge in better) + " 0.00" * 7
        yield seen.labelled.finding(
            "face-unlabelled", f"a face is seen (score {score:.2f}) and has no label", score=score,
            xyxy=better, change=Change(0, line),
        )  # fmt: skip


def face_unseen(seen: Seen) -> Iterator[Finding]:
    """A label at which nothing is seen at any score worth the name."""
    for number, row in enumerate(seen.labelled.faces):
        near = seen.overlap[number] > 2 * _RELATED
        best = float(seen.found.scores[near].max(initial=0.0))
        hidden = row.occlusion > _GUIDELINES.max_occlusion
        if seen.judged(row.xyxy) and best < seen.limits.unseen and seen.face_of(number) < 0 and not hidden:
            words = f"nothing is seen there (best score {best:.2f})"
            yield seen.labelled.finding("face-unseen", words, row, score=1 - best, change=removed(row))


def class_wrong(seen: Seen) -> Iterator[Finding]:
    """A box of another class that lies on a face."""
    others = [row for row in seen.labelled.rows if row not in seen.labelled.faces and not row.ignored]
    for row, overlaps in zip(others, boxes.iou(array(others), seen.expected), strict=True):
        on_it = [face for face in np.flatnonzero(overlaps > _INSIDE).tolist() if seen.owner[face] < 0]
        score = float(seen.found.scores[on_it].max(initial=0.0))
        if score >= seen.limits.sure and seen.judged(row.xyxy):
            name = seen.labelled.classes[0]
            yield seen.labelled.finding(
                "class-wrong", f"a {name} is seen (score {score:.2f}) in a box of class {row.name!r}", row,
                score=score, change=Change(row.line, row.written(name)),
            )  # fmt: skip


SEEN_RULES: dict[str, Callable[[Seen], Iterator[Finding]]] = {
    "box-not-tight": box_not_tight,
    "face-unlabelled": face_unlabelled,
    "face-unseen": face_unseen,
    "class-wrong": class_wrong,
}
"""Of each code."""
