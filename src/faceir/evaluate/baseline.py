"""The gate of a pipeline: today's evaluation against one that was kept."""

from __future__ import annotations

from dataclasses import dataclass

from faceir.errors import InputError
from faceir.evaluate.document import Evaluation

__all__ = ["Change", "Gate", "hold_against"]

_SAME_SETTINGS = (
    "iou_threshold",
    "min_height",
    "max_occlusion",
    "min_visible",
    "split",
    "terms",
    "source",
    "at",
    "spec",
)
_SAME_DATA = ("name", "pictures", "faces", "fingerprint")


@dataclass(frozen=True)
class Change:
    """One measure then and now, 0..1; None = could not be given."""

    measure: str
    before: float | None
    now: float | None

    @property
    def points(self) -> float | None:
        """Now less then, in percentage points."""
        return None if self.before is None or self.now is None else 100 * (self.now - self.before)


@dataclass(frozen=True)
class Gate:
    """Accuracy may fall by `max_drop` points; the other measures are told beside it."""

    max_drop: float
    changes: tuple[Change, ...]

    @property
    def holds(self) -> bool:
        """Whether accuracy dropped by no more than `max_drop`."""
        return (self.changes[0].points or 0) >= -self.max_drop - 1e-9


def hold_against(baseline: Evaluation, now: Evaluation, max_drop: float, where: object = "--baseline") -> Gate:
    """`now` against `baseline`; raises `InputError`, naming each, where they were not made alike, as their
    numbers then say nothing about the model, and when accuracy could not be given."""
    unlike = [
        f"{name} {getattr(a, name)!r} there, {getattr(b, name)!r} here"
        for a, b, names in (
            (baseline.settings, now.settings, (*_SAME_SETTINGS, "threshold_rule", "threshold")),
            (baseline.dataset, now.dataset, _SAME_DATA),
        )
        for name in names
        if getattr(a, name) != getattr(b, name)
    ]
    if unlike:
        raise InputError(
            where, f"was made otherwise: {'; '.join(unlike)}", "one with the same pictures, filters and threshold rule",
            "judge the former model again with these options and --json",
        )  # fmt: skip
    changes = tuple(
        Change(measure, getattr(baseline.scores, measure).value, getattr(now.scores, measure).value)
        for measure in ("accuracy", "precision", "recall", "ap")
    )
    if changes[0].points is None:
        raise InputError(where, "accuracy cannot be given from these pictures", "pictures with labelled faces")
    return Gate(max_drop, changes)
