"""`faceir evaluate`: how good is a model on labelled pictures, and how sure is that."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceir.errors import FaceirError, InputError, need

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faceir.contract import Contract
    from faceir.evaluate import Rate, Scores, Slice

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[Path, typer.Option("-m", "--model", help="Checkpoint (.safetensors) or ONNX file.")],
    dataset: Annotated[Path, typer.Option("-d", "--dataset", help="Folder with images/ and labels/, or of such.")],
    split: Annotated[str, typer.Option(help="Only this split of the folder's manifest.csv.")] = "",
    terms: Annotated[list[str] | None, typer.Option(help="Only pictures of these terms; repeatable.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only these sets of the folder; repeatable.")] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Judge at this score, 0..1; default: the model's own threshold.")
    ] = None,
    min_height: Annotated[
        float, typer.Option(help="Faces lower than this are ignored, pixels at the network's scale.")
    ] = 16.0,
    json: Annotated[Path | None, typer.Option("--json", help="Write the scores here.")] = None,
) -> None:
    """Precision, recall, accuracy at IoU > 0.5, and average precision, with 95 % intervals."""
    from rich.console import Console
    from rich.progress import track

    from faceir.data import kitti
    from faceir.data.guidelines import Rules
    from faceir.evaluate import evaluate as score
    from faceir.evaluate import judge

    console, errors = (
        Console(highlight=False, markup=False, width=126),
        Console(stderr=True, highlight=False, markup=False),
    )
    detector, contract, stated = _detector(model)
    least = stated if threshold is None else threshold
    if not 0 <= least <= 1:
        raise InputError("--threshold", f"is {least}", "0..1")
    items = kitti.find(dataset, kitti.Filter(split, tuple(terms or ())))
    if source:
        items = [item for item in items if item.source in source]
        if not items:
            raise InputError("--source", f"no picture is of {', '.join(source)}", f"sets below {dataset}")
    problems: list[FaceirError] = []
    judged = judge(
        track(items, "judging", console=errors, disable=not errors.is_terminal), detector, contract.fit,
        Rules(min_height=min_height), contract.classes, on_problem=problems.append,
    )  # fmt: skip
    scores = score(judged, least)
    for problem in problems:
        errors.print(f"error: {problem}", soft_wrap=True)
    _print(scores, model, len(problems), console)
    if json:
        part = json.with_name(json.name + ".part")
        part.write_text(scores.to_json() + "\n", encoding="utf-8")
        os.replace(part, json)
    if problems:
        raise typer.Exit(1)


def _detector(model: Path) -> tuple[Any, Contract, float]:
    """A detector that gives faces of every score, its contract, and the threshold that the model states."""
    from faceir.evaluate import LEAST_SCORE

    if model.suffix == ".safetensors":
        need("train")
        from faceir.train.detector import TorchDetector

        torch_detector = TorchDetector.load(model)
        stated = torch_detector.contract
        torch_detector.contract = stated.with_threshold(LEAST_SCORE)
        return torch_detector, stated, stated.cluster[0].confidence_threshold
    from faceir.runtime.detector import Detector

    detector = Detector(model, favour="throughput")
    stated = detector.contract
    detector.contract = stated.with_threshold(LEAST_SCORE)
    return detector, stated, stated.cluster[0].confidence_threshold


def _print(scores: Scores, model: Path, problems: int, console: Any) -> None:
    from rich.table import Table

    left_out = f", {problems} left out" if problems else ""
    console.print(
        f"{model.name}: {scores.pictures} pictures{left_out}, {scores.faces} faces, threshold {scores.threshold:.2f}; "
        f"95 % intervals in brackets"
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("", "faces", "found", "false", "missed", "precision %", "recall %", "accuracy %"):
        table.add_column(heading, justify="left" if not heading else "right")

    def rows(parts: Sequence[Slice | Scores], names: Sequence[str]) -> None:
        for part, name in zip(parts, names, strict=True):
            counts = (str(part.faces), str(part.tp), str(part.fp), str(part.fn))
            table.add_row(name, *counts, *map(_percent, (part.precision, part.recall, part.accuracy)))

    rows([scores], ["all"])
    rows(scores.by_height, [f"{part.name} px high" for part in scores.by_height])
    rows(scores.by_source, [part.name for part in scores.by_source])
    console.print(table)
    console.print(
        f"average precision {_percent(scores.ap)} %, recall at 99 % precision {_percent(scores.recall_at_p99)} %"
    )


def _percent(rate: Rate) -> str:
    if rate.value is None:
        return "-"
    if rate.low is None or rate.high is None:
        return f"{100 * rate.value:.1f}"
    return f"{100 * rate.value:.1f} [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"
