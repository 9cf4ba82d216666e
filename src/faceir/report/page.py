"""The evaluation as one web page: no script, nothing from elsewhere, made for screen, dark screen and paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from faceir.evaluate.document import Evaluation
from faceir.evaluate.scores import Scores
from faceir.evaluate.sizes import SizeCurve
from faceir.evaluate.slices import SMALL, Slice
from faceir.evaluate.stress import FaultCurve
from faceir.report import wording
from faceir.report.files import template
from faceir.report.pictures import Gallery
from faceir.report.plots import SHARES, Axis, Line, Point, bar, chart, ticks

__all__ = ["render"]

_TABLE_THRESHOLDS = (0.99, 0.98, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


@dataclass(frozen=True)
class _Row:
    """One part of the faces in a table with bars."""

    name: str
    part: Slice | Scores
    small: bool
    bar: str


@dataclass(frozen=True)
class _Drawn:
    """A curve with the table that says the same."""

    title: str
    svg: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: str = ""


def render(evaluation: Evaluation, gallery: Gallery | None = None) -> str:
    """The page as HTML text; without `gallery` it holds no picture of the data set. Raises `MissingExtra`."""
    e = evaluation
    return template("page.html.j2", escape=True).render(
        e=e,
        gallery=gallery,
        chosen=wording.chosen(e.dataset, e.settings),
        figures=list(wording.figures(e)),
        overall=_rows([e.scores], ["all"])
        + _rows(e.scores.by_height, [f"{part.name} px high" for part in e.scores.by_height])
        + _rows(e.scores.by_source, [part.name for part in e.scores.by_source]),
        slices=[(dimension, _rows(dimension.parts, [part.name for part in dimension.parts])) for dimension in e.slices],
        curves=[_pr(e), *(_size(curve) for curve in e.sizes), _reliability(e)],
        stress=[_fault(curve) for curve in e.stress.curves] if e.stress else [],
        usable=wording.usable(e),
        small=SMALL,
        percent=wording.percent,
        interval=wording.interval,
        sized=wording.sized,
        score=wording.score,
        dash=wording.DASH,
    )


def _rows(parts: Sequence[Slice | Scores], names: Sequence[str]) -> list[_Row]:
    rows = []
    for part, name in zip(parts, names, strict=True):
        small, recall = part.faces < SMALL, part.recall
        drawn = bar(f"{name}: recall {wording.sized(recall)}", recall.value, recall.low, recall.high, small)
        rows.append(_Row(name, part, small, drawn))
    return rows


def _shares(label: str) -> Axis:
    return Axis(label, 0, 1, SHARES)


def _pr(e: Evaluation) -> _Drawn:
    curve, s = e.pr_curve, e.scores
    lines = [
        Line("all thresholds", [Point(r, p) for r, p in zip(curve.recall, curve.precision, strict=True)], "a", False)
    ]
    if s.recall.value is not None:
        here = Point(s.recall.value, s.precision.value, s.precision.low, s.precision.high)
        lines.append(Line(f"at threshold {wording.score(s.threshold)}", [here], "b"))
    rows = []
    for threshold in _TABLE_THRESHOLDS:
        reached = [n for n, t in enumerate(curve.threshold) if t >= threshold]
        if reached:
            n = reached[-1]
            rows.append((f"{threshold:g}", wording.percent(curve.precision[n]), wording.percent(curve.recall[n])))
    title = "Precision over recall"
    svg = chart(title, _shares("recall, % of the faces"), _shares("precision, % of the boxes"), lines)
    return _Drawn(title, svg, ("threshold", "precision", "recall"), tuple(rows),
                  "A lower threshold finds more faces and draws more false alarms.")  # fmt: skip


def _size(curve: SizeCurve) -> _Drawn:
    factor, unit = (1, "px") if curve.unit == "px" else (100, "% of the picture's height")
    edges = [edge * factor for p in curve.points for edge in (p.low, p.high) if edge is not None]
    steps = [((p.low or 0) * factor, p.high and p.high * factor, p) for p in curve.points]
    points = []
    for low, high, p in steps:
        middle = (low * high) ** 0.5 if low and high else 2**0.25 * low if low else (high or 1) / 2**0.25
        points.append(Point(middle, p.recall.value, p.recall.low, p.recall.high, p.faces < SMALL))
    lines = [Line("recall", points, "a"), _level(curve, factor, edges)]
    if curve.usable_from is not None:
        at = curve.usable_from * factor
        lines.append(Line(f"usable from {at:g}", [Point(at, 0), Point(at, 1)], "guide", False))
    title = f"Recall by height of the face, {unit}"
    x = Axis(f"height, {unit}{' at the network scale' if factor == 1 else ''}", min(edges) / 2**0.5,
             max(edges) * 2**0.5, ticks(sorted(set(edges))[::2]), log=True)  # fmt: skip
    rows = tuple(
        (f"{low:g} to {high:g}" if low and high else f"from {low:g}" if low else f"below {high:g}",
         f"{p.faces:,}{'*' if p.faces < SMALL else ''}", wording.sized(p.recall))
        for low, high, p in steps
    )  # fmt: skip
    return _Drawn(title, chart(title, x, _shares("recall, %"), lines), (unit, "faces", "recall"), rows)


def _level(curve: SizeCurve, factor: float, edges: Sequence[float]) -> Line:
    goal = curve.usable_recall
    return Line("", [Point(min(edges) / 2, goal), Point(max(edges) * 2, goal)], "guide", False)


def _reliability(e: Evaluation) -> _Drawn:
    bins = [b for b in e.reliability.bins if b.score is not None]
    points = [Point(b.score or 0, b.right.value, b.right.low, b.right.high, b.faces < SMALL) for b in bins]
    title = "Do scores mean what they say?"
    lines = [Line("measured", points, "a"), Line("a score that is a share", [Point(0, 0), Point(1, 1)], "guide", False)]
    rows = tuple(
        (f"{b.low:.1f} to {b.high:.1f}", f"{b.faces:,}{'*' if b.faces < SMALL else ''}", wording.sized(b.right))
        for b in e.reliability.bins
    )
    words = (
        f"Expected calibration error: {wording.percent(e.reliability.error_kept)} over the boxes from the threshold "
        f"up, {wording.percent(e.reliability.error)} over all."
    )
    x = Axis("mean score", 0, 1, ticks(n / 5 for n in range(6)))
    return _Drawn(
        title, chart(title, x, _shares("boxes that are faces, %"), lines), ("score", "boxes", "right"), rows, words
    )


def _fault(curve: FaultCurve) -> _Drawn:
    grades = curve.grades
    measures = (("AP", "a", "ap"), ("precision", "b", "precision"), ("recall", "c", "recall"))
    lines = [Line(name, list(_graded(curve, measure)), look) for name, look, measure in measures]
    last = max(len(grades) - 1, 1)
    x = Axis(curve.unit, 0, last, tuple((n, f"{grade.level:g}") for n, grade in enumerate(grades)))
    rows = tuple((f"{g.level:g}", f"{g.faces:,}", *map(wording.sized, (g.ap, g.precision, g.recall))) for g in grades)
    title = f"Under {curve.fault}"
    headings = (curve.unit, "faces", "AP", "precision", "recall")
    return _Drawn(title, chart(title, x, _shares("%"), lines), headings, rows)


def _graded(curve: FaultCurve, measure: str) -> Iterator[Point]:
    for n, grade in enumerate(curve.grades):
        rate = getattr(grade, measure)
        yield Point(n, rate.value, rate.low, rate.high, grade.faces < SMALL)
