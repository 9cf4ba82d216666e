"""An evaluation at the terminal: the compact tables first, all slices when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from faceir.evaluate import Rate, Scores, Slice
    from faceir.evaluate.baseline import Gate
    from faceir.evaluate.document import Evaluation
    from faceir.evaluate.paired import Paired
    from faceir.evaluate.sizes import SizeCurve
    from faceir.evaluate.stress import Stress

__all__ = ["percent", "print_evaluation", "print_gate"]

_COUNTS = ("faces", "found", "false", "missed", "precision %", "recall %", "accuracy %")


def print_evaluation(e: Evaluation, console: Console, with_slices: bool) -> None:
    """All, by height, by source, operating points, and what else was measured."""
    left_out = f", {e.dataset.left_out} left out" if e.dataset.left_out else ""
    at = "-" if e.scores.threshold is None else f"{e.scores.threshold:.3g}"
    console.print(
        f"{e.model.name}: {e.dataset.pictures} pictures{left_out}, {e.dataset.faces} faces, "
        f"threshold {at} ({e.scores.threshold_source}); 95 % intervals in brackets"
    )
    table = _table("", *_COUNTS)
    _rows(table, [e.scores], ["all"])
    _rows(table, e.scores.by_height, [f"{part.name} px high" for part in e.scores.by_height])
    _rows(table, e.scores.by_source, [part.name for part in e.scores.by_source])
    console.print(table)
    console.print(
        f"average precision {percent(e.scores.ap)} %, recall at 99 % precision {percent(e.scores.recall_at_p99)} %"
    )
    console.print(
        f"TAO's AP: sample {_share(e.tao.sample)} %, integrate {_share(e.tao.integrate)} %; "
        f"COCO: AP {_share(e.coco.ap)} %, AP50 {_share(e.coco.ap50)} %, AR100 {_share(e.coco.ar100)} %"
    )
    console.print(
        f"scores of the faces kept are off by {_share(e.reliability.error_kept)} % (expected calibration error)"
    )
    console.print(f"recall reaches {100 * e.sizes[0].usable_recall:.0f} % {', '.join(map(_usable, e.sizes))}")
    _print_operating(e, console)
    if with_slices:
        for dimension in e.slices:
            table = _table(f"{dimension.name}{f' ({dimension.unit})' if dimension.unit else ''}", *_COUNTS)
            _rows(table, dimension.parts, [part.name for part in dimension.parts])
            console.print(table)
        console.print("* fewer than 30 faces: says little")
    if e.video:
        _print_video(e, console)
    if e.paired:
        _print_paired(e.paired, console)
    if e.stress:
        _print_stress(e.stress, console)
    for note in e.notes:
        console.print(f"note: {note}")


def print_gate(gate: Gate, console: Console) -> None:
    """Then, now, and whether it holds."""
    table = _table("against the baseline", "then %", "now %", "points")
    for change in gate.changes:
        points = "-" if change.points is None else f"{change.points:+.2f}"
        table.add_row(change.measure, _share(change.before, 2), _share(change.now, 2), points)
    console.print(table)
    dropped = f"accuracy dropped by {-(gate.changes[0].points or 0):.2f} points, at most {gate.max_drop:g} are allowed"
    console.print("the baseline holds" if gate.holds else f"the baseline does not hold: {dropped}")


def percent(rate: Rate) -> str:
    """`97.1 [96.0, 98.0]`, or `-` when it cannot be given."""
    if rate.low is None or rate.high is None:
        return _share(rate.value)
    return f"{_share(rate.value)} [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"


def _share(value: float | None, decimals: int = 1) -> str:
    return "-" if value is None else f"{100 * value:.{decimals}f}"


def _table(*headings: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for n, heading in enumerate(headings):
        table.add_column(heading, justify="right" if n else "left")
    return table


def _rows(table: Any, parts: Sequence[Slice | Scores], names: Sequence[str]) -> None:
    for part, name in zip(parts, names, strict=True):
        counts = (str(part.faces), str(part.tp), "-" if part.fp is None else str(part.fp), str(part.fn))
        mark = "*" if getattr(part, "small", False) else ""
        table.add_row(name + mark, *counts, *map(percent, (part.precision, part.recall, part.accuracy)))


def _usable(curve: SizeCurve) -> str:
    place = "px at the network's scale" if curve.unit == "px" else "% of the picture's height"
    if curve.usable_from is None:
        return f"from no {place}"
    return f"from {curve.usable_from * (1 if curve.unit == 'px' else 100):g} {place}"


def _print_operating(e: Evaluation, console: Console) -> None:
    table = _table("threshold by a rule*", "threshold", *_COUNTS[4:], "false a picture")
    for point in e.operating:
        at = "-" if point.threshold is None else f"{point.threshold:.3f}"
        false = "-" if point.fppi.value is None else f"{point.fppi.value:.3f}"
        table.add_row(point.rule, at, *map(percent, (point.precision, point.recall, point.accuracy)), false)
    console.print(table)
    console.print("* chosen on one half of the pictures and judged on the other, both ways")


def _print_video(e: Evaluation, console: Console) -> None:
    v = e.video
    if v is None:
        return
    first = "-" if v.first_found_median is None else f"{v.first_found_median:g} (worst {v.first_found_worst})"
    console.print(
        f"{v.films} films, {v.tracks} faces followed: {percent(v.found_ever)} % found in the end, after {first} frames;"
        f" {percent(v.flicker)} % of frames flicker; track switches {'-' if v.switches is None else v.switches}"
    )


def _print_paired(paired: Paired, console: Console) -> None:
    table = _table(f"against {paired.other}", "this %", "other %", "difference", "verdict", "pictures to settle it")
    for d in paired.differences:
        interval = "" if d.low is None or d.high is None else f" [{100 * d.low:+.1f}, {100 * d.high:+.1f}]"
        value = "-" if d.value is None else f"{100 * d.value:+.1f}{interval}"
        needed = "" if d.pictures_needed is None else f"about {_rounded(d.pictures_needed)}"
        table.add_row(d.measure, _share(d.this), _share(d.other), value, d.verdict, needed)
    console.print(table)


def _print_stress(stress: Stress, console: Console) -> None:
    for curve in stress.curves:
        table = _table(
            f"{curve.fault} ({curve.unit})", "faces", "AP %", "precision %", "recall %", "recall at 99 % precision"
        )
        for grade in curve.grades:
            rates = (grade.ap, grade.precision, grade.recall, grade.recall_at_p99)
            table.add_row(f"{grade.level:g}", str(grade.faces), *map(percent, rates))
        console.print(table)


def _rounded(count: int) -> str:
    """Two digits are all that an estimate is worth."""
    return f"{float(f'{count:.1e}'):,.0f}"
