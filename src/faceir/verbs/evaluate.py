"""`faceir evaluate`: how good is a model on labelled pictures, and how sure is that."""

from __future__ import annotations

import json as json_module
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceir.errors import FaceirError, InputError, need
from faceir.verbs.key import KeyOption, read_key
from faceir.verbs.tiles import TilesOption, tiled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faceir.contract import Contract
    from faceir.data import kitti
    from faceir.data.guidelines import Rules
    from faceir.evaluate import Judged
    from faceir.evaluate.document import Evaluation, Model
    from faceir.evaluate.stress import Stress
    from faceir.fit import Fit
    from faceir.verbs.evaluate_spec import Exam
    from faceir.verbs.open import Opened

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[
        str,
        typer.Option(
            "-m",
            "--model",
            help="Checkpoint, ONNX or OpenVINO file, also sealed; default = the packaged model; a folder of KITTI or a "
            "JSON of COCO detections (RESULTS.json@IMAGES.json); package.module:attribute, a Python detector.",
        ),
    ],
    dataset: Annotated[
        Path | None,
        typer.Option("-d", "--dataset", help="Folder with images/ and labels/, or of such; default: --spec's."),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option(
            "-e", "--spec", help="Experiment spec: its validation pictures, classes, IoU, box limits and clustering."
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the spec.")
    ] = None,
    split: Annotated[str, typer.Option(help="Only this split of the folder's manifest.csv.")] = "",
    terms: Annotated[list[str] | None, typer.Option(help="Only pictures of these terms; repeatable.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only these sets of the folder; repeatable.")] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Judge at this score, 0..1; default: the model's own threshold.")
    ] = None,
    min_height: Annotated[
        float | None,
        typer.Option(
            help="Lower faces are ignored, labelled or found; pixels at the network's scale; default: 16, or --spec's."
        ),
    ] = None,
    max_occlusion: Annotated[
        int | None, typer.Option(help="Faces of a higher occlusion level, 0..9, are ignored; default: 5, or --spec's.")
    ] = None,
    min_visible: Annotated[
        float | None,
        typer.Option(help="Faces with less of them inside the picture, 0..1, are ignored; default: 0.6, or --spec's."),
    ] = None,
    at: Annotated[
        str,
        typer.Option(
            metavar="WIDTHxHEIGHT",
            help="Show every picture at this size, so that nets of several input sizes see the same; heights count in "
            "its pixels.",
        ),
    ] = "",
    group: Annotated[
        str, typer.Option(help="Resample by this column of manifest.csv, by set, or by sequence (films; also by name).")
    ] = "",
    rounds: Annotated[int, typer.Option(help="Resamples for the intervals; 0 = none.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the resamples.")] = 0,
    slices: Annotated[bool, typer.Option("--slices", help="Print all slices: light, blur, place and so on.")] = False,
    vs: Annotated[str | None, typer.Option("--vs", help="A second one, as -m: which one is better?")] = None,
    stress: Annotated[
        list[str] | None,
        typer.Option(metavar="FAULT", help="Also under graded camera faults: all, or some by name; repeatable."),
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write everything here (docs/evaluation.md).")] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write one web page with everything here (docs/report.md).")
    ] = None,
    no_pictures: Annotated[
        bool, typer.Option("--no-pictures", help="Leave pictures of the data set out of the page.")
    ] = False,
    baseline: Annotated[
        Path | None, typer.Option(help="JSON of a former evaluation; exit 1 when accuracy dropped.")
    ] = None,
    max_drop: Annotated[float, typer.Option(help="Points of accuracy, 0..100, that may be lost to --baseline.")] = 0.5,
    tiles: TilesOption = None,
    key: KeyOption = None,
) -> None:
    """Precision, recall, accuracy at IoU > 0.5, or --spec's, and average precision, with 95 % intervals."""
    from rich.console import Console

    from faceir.evaluate.assess import assess
    from faceir.evaluate.baseline import hold_against
    from faceir.evaluate.document import Evaluation, Settings
    from faceir.evaluate.stress import faults_of
    from faceir.fit import Fit
    from faceir.verbs.evaluate_spec import read_exam
    from faceir.verbs.open import open_detector
    from faceir.verbs.report import write_page
    from faceir.verbs.score_tables import print_evaluation, print_gate

    console = Console(highlight=False, markup=False, width=126)
    if report:
        need("report")  # told before the work
    _check(threshold=threshold, min_visible=min_visible, max_occlusion=max_occlusion, rounds=rounds, max_drop=max_drop)
    former = Evaluation.read(baseline) if baseline else None  # a bad file is told before the work
    faults = faults_of(stress or ())
    if overrides and spec is None:
        raise InputError("--set", "changes a spec, and there is none", "-e SPEC")
    exam = read_exam(spec, overrides or ()) if spec else None
    if exam and faults:
        raise InputError("--stress", "judges as it does everywhere, not by a spec", "no -e", "name the folder with -d")
    rules = _rules(exam, min_height, max_occlusion, min_visible)
    secret, stand_in = read_key(key), exam.contract if exam else None
    opened = open_detector(model, secret, stand_in)
    second = open_detector(vs, secret, stand_in) if vs is not None else None
    items, dataset, pictures = _items(exam, dataset, split, terms or (), source or ())
    if faults and opened.stored:
        raise InputError("--stress", f"{opened.name} holds detections, which know no spoilt pictures", "a model in -m")
    if exam:
        opened, exam = exam.fitted(opened).clustered(opened)
        if second is not None:
            second, exam = exam.clustered(second)
    rule = (exam.rule(opened) if exam else None) or "the model's own"
    if tiles is not None:
        opened = _in_tiles(opened, tiles, faults)
    fit = opened.contract.fit
    if at:
        fit = Fit(_size(at))
        opened, second = _shown_at(opened, fit, exam), second and _shown_at(second, fit, exam)
    for one in (opened, second):
        if one is not None:
            one.check(items)
    problems = dict[str, FaceirError]()
    settings = Settings(
        _rule(threshold, opened.threshold, rule), threshold, exam.overlap if exam else 0.5, rules.min_height,
        max_occlusion=rules.max_occlusion, min_visible=rules.min_visible, split=split, terms=tuple(terms or ()),
        source=tuple(source or ()), group=group, rounds=rounds, seed=seed, at=at, spec=exam.stated() if exam else "",
    )  # fmt: skip
    if exam:
        exam.tell(console, pictures, rules)
    contract = opened.contract
    mapping = exam.judge.class_mapping if exam else None
    seen = _judged(items, opened.detector, contract, fit, rules, group, problems, opened.name, mapping)
    judged = exam.bounded(seen) if exam else seen
    other = None
    if second is not None:
        # The same fit: both are judged by the same faces.
        found = _judged(items, second.detector, contract, fit, rules, group, problems, second.name, mapping)
        other = (second.name, exam.bounded(found) if exam else found, second.threshold)
    evaluation = assess(
        judged, opened.threshold if threshold is None else threshold, settings, _described(opened),
        dataset.resolve().name, str(dataset), len(problems), len(contract.classes), other,
    )  # fmt: skip
    if faults:
        evaluation = replace(evaluation, stress=_stressed(items, opened, fit, evaluation, faults, rules, problems))
    for problem in problems.values():
        Console(stderr=True, highlight=False, markup=False).print(f"error: {problem}", soft_wrap=True)
    print_evaluation(evaluation, console, slices)
    if exam:
        exam.print_classes(seen, console)
    if json:
        evaluation.write(json)
    if report:
        console.print(write_page(evaluation, report, None if no_pictures else dataset, judged))
    failed = bool(problems)
    if former:
        gate = hold_against(former, evaluation, max_drop, baseline)
        print_gate(gate, console)
        failed |= not gate.holds
    if failed:
        raise typer.Exit(1)


def _in_tiles(opened: Opened, tiles: str, faults: Sequence[str]) -> Opened:
    """What `-m` names, looking at pictures in pieces."""
    if opened.stored:
        raise InputError("--tiles", f"{opened.name} holds detections, which look at nothing", "a model in -m")
    if faults:
        came = "spoils pictures at the network's size, which pieces show no sharper"
        raise InputError("--stress", came, "no --tiles", "judge them apart")
    return replace(opened, detector=tiled(opened.detector, tiles), name=f"{opened.name}, tiles {tiles}")


def _size(at: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d{1,3})x([1-9]\d{1,3})", at)
    if match is None:
        raise InputError("--at", f"is {at!r}", "width x height in pixels, such as 384x240")
    return int(match[1]), int(match[2])


def _shown_at(opened: Opened, fit: Fit, exam: Exam | None) -> Opened:
    """What was opened, shown pictures that are fitted by `fit` first."""
    from faceir.evaluate.fitted import Fitted

    if opened.stored:
        raise InputError("--at", f"{opened.name} holds detections, which look at nothing", "models in -m and --vs")
    if exam is not None:
        raise InputError("--at", "counts heights otherwise than a spec does", "no -e", "name the folder with -d")
    return replace(opened, detector=Fitted(opened.detector, fit))


def _check(
    threshold: float | None, min_visible: float | None, max_occlusion: int | None, rounds: int, max_drop: float
) -> None:
    for name, value, low, high in (
        ("--threshold", threshold, 0, 1),
        ("--min-visible", min_visible, 0, 1),
        ("--max-occlusion", max_occlusion, 0, 9),
        ("--rounds", rounds, 0, 100_000),
        ("--max-drop", max_drop, 0, 100),
    ):
        if value is not None and not low <= value <= high:
            raise InputError(name, f"is {value}", f"{low}..{high}")


def _rules(exam: Exam | None, min_height: float | None, max_occlusion: int | None, min_visible: float | None) -> Rules:
    """Which faces are ignored: as typed, else as the spec says, else as everywhere."""
    from faceir.data.guidelines import Rules

    other = exam.rules if exam else Rules(16.0, 5, 0.6)
    return Rules(
        other.min_height if min_height is None else min_height,
        other.max_occlusion if max_occlusion is None else max_occlusion,
        other.min_visible if min_visible is None else min_visible,
    )


def _items(
    exam: Exam | None, dataset: Path | None, split: str, terms: Sequence[str], source: Sequence[str]
) -> tuple[list[kitti.Item], Path, str]:
    """The pictures to judge on, the folder of all, and what they are for people; `dataset` wins over the spec."""
    from faceir.data import kitti, shards

    if dataset is not None:
        items, where = list(shards.find(dataset, kitti.Filter(split, tuple(terms)))), "-d"
    elif exam:
        (items, dataset), where = exam.items(split, terms), exam.where_from()
    else:
        raise InputError("-d", "is missing", "a folder of labelled pictures", "or name an experiment spec with -e")
    if source:
        items = [item for item in items if item.source in source]
        if not items:
            raise InputError("--source", f"no picture is of {', '.join(source)}", f"sets below {dataset}")
    return items, dataset, f"{len(items)} pictures of {where} ({dataset})"


def _judged(
    items: list[kitti.Item], detector: Any, contract: Contract, fit: Fit, rules: Any, group: str,
    problems: dict[str, FaceirError], name: str, mapping: Mapping[str, str] | None = None,
) -> list[Judged]:  # fmt: skip
    """The pictures, judged, with a bar at a terminal; what cannot be read goes to `problems`."""
    from rich.console import Console
    from rich.progress import track

    from faceir.evaluate import judge

    errors = Console(stderr=True)
    shown = track(items, f"judging {name}", console=errors, disable=not errors.is_terminal)

    def note(problem: FaceirError) -> None:
        problems[problem.where] = problem  # a second detector meets the same ones again

    return list(judge(shown, detector, fit, rules, contract.classes, mapping, on_problem=note, group=group))


def _stressed(
    items: list[kitti.Item], opened: Opened, fit: Fit, evaluation: Evaluation, faults: Sequence[str], rules: Rules,
    problems: dict[str, FaceirError],
) -> Stress:  # fmt: skip
    """The same pictures under camera faults, at the same threshold; with a bar at a terminal."""
    from rich.console import Console
    from rich.progress import track

    from faceir.evaluate.stress import stress

    errors = Console(stderr=True)
    settings = evaluation.settings
    return stress(
        items, opened.detector, fit, evaluation.scores.threshold, faults, rules,
        opened.contract.classes, settings.rounds, settings.seed, settings.group,
        on_problem=lambda problem: problems.update({problem.where: problem}),
        track=lambda things, what: track(things, what, console=errors, disable=not errors.is_terminal),
    )  # fmt: skip


def _rule(threshold: float | None, stated: float | None, whose: str) -> str:
    if threshold is not None:
        return "given"
    return whose if stated is not None else "best accuracy on these pictures"


def _described(opened: Opened) -> Model:
    """The model for the document, nothing of this machine in it."""
    from faceir.evaluate.document import Model

    stated = json_module.loads(opened.contract.to_json()) if opened.threshold is not None else None
    return Model(opened.name, opened.sha256 or "", opened.size, stated)
