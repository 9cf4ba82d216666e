"""Numbers as people read them; what cannot be given is a dash, never 0."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from faceir.evaluate.document import Dataset, Evaluation, Settings
from faceir.evaluate.interval import Rate

__all__ = ["DASH", "Figure", "chosen", "figures", "interval", "percent", "score", "sized", "usable"]

DASH = "-"
_NAMED = 4
"""Values told by name before the rest is only counted."""


@dataclass(frozen=True)
class Figure:
    """One headline number."""

    name: str
    value: str
    interval: str
    """"" = there is none."""
    words: str


def percent(value: float | None, decimals: int = 1) -> str:
    """0.514 as "51.4 %"."""
    return DASH if value is None else f"{100 * value:.{decimals}f} %"


def interval(rate: Rate) -> str:
    """ "45.9 to 56.3 %", or "" where there is none."""
    return "" if rate.low is None or rate.high is None else f"{100 * rate.low:.1f} to {100 * rate.high:.1f} %"


def sized(rate: Rate) -> str:
    """ "51.4 % [45.9, 56.3]"."""
    if rate.value is None or rate.low is None or rate.high is None:
        return percent(rate.value)
    return f"{percent(rate.value)} [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"


def score(value: float | None) -> str:
    """A threshold or score, 0..1, with three digits at most."""
    return DASH if value is None else f"{value:.3g}"


def usable(evaluation: Evaluation) -> str:
    """From which height on faces are found, in sentences; "" where nothing was measured by height."""
    said = []
    for curve in evaluation.sizes:
        goal = f"{100 * curve.usable_recall:.0f} %"
        place = "pixels at the network's scale" if curve.unit == "px" else "% of the picture's height"
        if curve.usable_from is None:
            said.append(f"No height in {place} can be given from which on {goal} of the faces are found.")
        else:
            least = curve.usable_from * (1 if curve.unit == "px" else 100)
            said.append(f"From {least:g} {place} up, at least {goal} of the faces are found.")
    return " ".join(said)


def chosen(dataset: Dataset, settings: Settings) -> str:
    """Which pictures, as they were chosen: `night, split val, sets driver`."""
    parts = [dataset.name or "pictures"]
    for what, values in (("split", [settings.split]), ("terms", settings.terms), ("sets", settings.source)):
        if any(values):
            many = len(values) - _NAMED
            named = " + ".join(values[:_NAMED]) + (f" and {many} more" if many > 0 else "")
            parts.append(f"{what} {named}")
    return ", ".join(parts)


def figures(e: Evaluation) -> Iterable[Figure]:
    """The headline: what was counted, and what to expect of other pictures."""
    s = e.scores
    yield Figure("Faces found (recall)", percent(s.recall.value), interval(s.recall),
                 f"{s.tp:,} of the {s.faces:,} faces that count were found, {s.fn:,} were missed.")  # fmt: skip
    yield Figure("Boxes that are faces (precision)", percent(s.precision.value), interval(s.precision),
                 f"{s.tp:,} of the {s.tp + s.fp:,} boxes it drew are faces, {s.fp:,} are false alarms.")  # fmt: skip
    yield Figure("Right of everything (accuracy)", percent(s.accuracy.value), interval(s.accuracy),
                 f"{s.tp:,} right of {s.tp + s.fp + s.fn:,}: found, false alarms and misses together.")  # fmt: skip
    per = f"{s.fp / s.pictures:.3g}" if s.pictures else DASH
    yield Figure("False alarms a picture", per, "", f"{s.fp:,} in {s.pictures:,} pictures.")
    yield Figure("Average precision (AP)", percent(s.ap.value), interval(s.ap),
                 "Over all thresholds; 100 % is a detector whose scores part faces from the rest.")  # fmt: skip
