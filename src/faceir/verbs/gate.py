"""The accuracy gate: a net before and after a step, on the same labelled pictures; too great a drop stops the step."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from faceir.errors import FaceirError, GateError, InputError
from faceir.verbs.terminal import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from faceir.contract import Contract
    from faceir.data import kitti
    from faceir.detections import Detections
    from faceir.evaluate import Judged, Rate, Scores
    from faceir.evaluate.paired import Difference, Paired
    from faceir.flow import Detector, Image

__all__ = ["Gate", "GateMaxDrop", "GateMinHeight", "GateSource", "GateSplit", "GateTerms", "Verdict"]

# The options of a gate, the same for every verb that has one.
GateSplit: TypeAlias = Annotated[str, typer.Option(help="Gate: only this split of the folder's manifest.csv.")]
GateTerms: TypeAlias = Annotated[list[str] | None, typer.Option(help="Gate: only pictures of these terms; repeatable.")]
GateSource: TypeAlias = Annotated[list[str] | None, typer.Option(help="Gate: only these sets; repeatable.")]
GateMinHeight: TypeAlias = Annotated[float, typer.Option(help="Gate: lower faces are ignored, network pixels.")]
GateMaxDrop: TypeAlias = Annotated[float, typer.Option(help="Gate: points of accuracy that may be lost.")]

_ROUNDS = 1000


@dataclass(frozen=True)
class Verdict:
    """What a step did to a detector."""

    what: str
    """The step, for people."""
    before: Scores
    after: Scores
    max_drop: float
    """Points of accuracy."""
    paired: Paired
    """After against before, both on the same resampled pictures."""

    @property
    def drop(self) -> float:
        """Points of accuracy lost; negative when it got better."""
        return 100 * ((self.before.accuracy.value or 0.0) - (self.after.accuracy.value or 0.0))

    @property
    def holds(self) -> bool:
        """Whether the drop is no greater than allowed."""
        return self.drop <= self.max_drop + 1e-9


@dataclass(frozen=True)
class Gate:
    """Labelled pictures and the drop that a step may cost on them."""

    dataset: Path
    split: str = ""
    terms: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    min_height: float = 16.0
    """Network pixels; lower faces are ignored."""
    max_drop: float = 0.5
    """Points (per cent) of accuracy, TP / (TP + FP + FN), at IoU > 0.5."""

    def items(self) -> list[kitti.Item]:
        """The pictures to judge on; raises `InputError` when there are none."""
        from faceir.data import kitti, shards

        found = list(shards.find(self.dataset, kitti.Filter(self.split, self.terms)))
        chosen = [item for item in found if not self.sources or item.source in self.sources]
        if not chosen:
            raise InputError("--source", f"no picture is of {', '.join(self.sources)}", f"sets below {self.dataset}")
        return chosen

    def check(self, before: Detector, after: Detector, contract: Contract, what: str, console: Console) -> Verdict:
        """Judge both detectors, print the table, and raise `GateError` when `what` cost more than `max_drop`.

        Faces count from the threshold that `contract` states, for both. For average precision a detector
        with a contract of its own is asked for every score; one without should give them.
        """
        verdict = self.judge(before, after, contract, what, console)
        _print(verdict, console)
        if not verdict.holds:
            was, now = (100 * (s.accuracy.value or 0.0) for s in (verdict.before, verdict.after))
            raise GateError(
                what,
                f"accuracy fell from {was:.2f} to {now:.2f} %, by {verdict.drop:.2f} points, on {verdict.before.faces} "
                f"faces of {self.dataset}",
                f"a drop of at most {self.max_drop:g}",
                "nothing was replaced; INT8: calibrate on more pictures like those seen later, or keep layers in float "
                "with --float-layers; pruning: cut less, or train again; or allow it with --max-drop "
                f"{math.ceil(10 * verdict.drop) / 10:g}",
            )
        return verdict

    def judge(self, before: Detector, after: Detector, contract: Contract, what: str, console: Console) -> Verdict:
        """`check` without its end: every picture is read once and shown to both."""
        from faceir.evaluate.matching import look
        from faceir.evaluate.paired import compare
        from faceir.evaluate.scores import score

        first, second = _of_every_score(before), _of_every_score(after)
        seconds: list[Detections] = []

        def both(images: Sequence[Image]) -> list[Detections]:
            seconds.extend(second(images))
            return first(images)

        items, problems = self.items(), list[FaceirError]()
        with progress_bar(console) as bar:
            firsts = self._look(_shown(items, bar, f"gate: {what}"), both, contract, problems)
        for problem in problems:
            console.print(f"left out: {problem}")
        afters = [replace(one, found=found) for one, found in zip(firsts, seconds, strict=True)]
        threshold = contract.cluster[0].confidence_threshold
        seen = [look(some) for some in (firsts, afters)]
        scores = [score(some, threshold, _ROUNDS, 0)[0] for some in seen]
        paired = compare(seen[1], seen[0], threshold, threshold, "before", _ROUNDS, 0)
        return Verdict(what, scores[0], scores[1], self.max_drop, paired)

    def accuracy(self, detector: Detector, contract: Contract) -> float:
        """Accuracy, 0..1, of one detector from the threshold that `contract` states."""
        from faceir.evaluate import evaluate

        seen = self._look(self.items(), detector, contract)
        return evaluate(seen, contract.cluster[0].confidence_threshold, rounds=0).accuracy.value or 0.0

    def _look(
        self,
        items: Iterable[kitti.Item],
        detector: Detector,
        contract: Contract,
        problems: list[FaceirError] | None = None,
    ) -> list[Judged]:
        """What it finds in the pictures that can be read; raises `InputError` when no face among them counts."""
        from faceir.data.guidelines import Rules
        from faceir.detections import DONT_CARE
        from faceir.evaluate import judge

        rules, problems = Rules(min_height=self.min_height), [] if problems is None else problems
        seen = list(judge(items, detector, contract.fit, rules, contract.classes, on_problem=problems.append))
        if not any((one.truth.labels != DONT_CARE).any() for one in seen):
            raise InputError(
                self.dataset,
                f"{len(seen)} pictures hold no face from {self.min_height:g} px that counts",
                "labelled faces to judge by",
                "another split, source or --min-height",
            )
        return seen


def _of_every_score(detector: Detector) -> Detector:
    """`detector`, or its twin that keeps faces of every score when it has a contract to say so."""
    from faceir.evaluate import LEAST_SCORE

    contract: Contract | None = getattr(detector, "contract", None)
    if contract is None:
        return detector
    twin: Any = copy.copy(detector)
    twin.contract = contract.with_threshold(LEAST_SCORE)
    return twin  # type: ignore[no-any-return]


def _shown(items: Sequence[kitti.Item], bar: Any, text: str) -> Iterator[kitti.Item]:
    task = bar.add_task(text, total=len(items), rate="")
    for item in items:
        yield item
        bar.advance(task)


def _print(verdict: Verdict, console: Console) -> None:
    """The table, within the 80 columns that rich takes where the output goes to a file."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("", "before %", "after %", "difference, points"):
        table.add_column(heading, justify="right" if heading else "left")
    for change in verdict.paired.differences:
        name = change.measure
        cells = [_percent(getattr(scores, name)) for scores in (verdict.before, verdict.after)]
        table.add_row(name.replace("ap", "AP"), *cells, _percent(change, "+"))
    console.print(f"gate: {verdict.what}")
    console.print(table)
    console.print(
        f"{verdict.before.pictures} pictures, {verdict.before.faces} faces, threshold {verdict.before.threshold:.2f}; "
        f"95 % intervals in brackets; allowed drop of accuracy {verdict.max_drop:g}: "
        f"{'held' if verdict.holds else 'NOT held'}"
    )


def _percent(rate: Rate | Difference, sign: str = "") -> str:
    if rate.value is None:
        return "-"
    text = f"{100 * rate.value:{sign}.2f}"
    if rate.low is None or rate.high is None:
        return text
    return f"{text} [{100 * rate.low:{sign}.1f}, {100 * rate.high:{sign}.1f}]"
