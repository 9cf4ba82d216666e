"""`faceir dataset check` and `apply`: what is wrong with labelled pictures, and corrections written back."""

from __future__ import annotations

import json as json_module
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceir.errors import InputError, need
from faceir.verbs.key import KeyOption, read_key
from faceir.verbs.terminal import progress_bar, say_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from faceir.data.check.run import Checked
    from faceir.data.kitti import Item

__all__ = ["apply", "check"]

_FAIL_ON = ("error", "warning", "never")
_SHOWN = 10


def check(
    folder: Annotated[
        Path, typer.Option("-d", "--dataset", help="Folder with images/ and labels/, of such or of shards.")
    ],
    detector: Annotated[
        str, typer.Option(help="Hold the labels against this model, as evaluate takes it: default, a file, or none.")
    ] = "none",
    rules: Annotated[str, typer.Option(metavar="CODE,...", help="Only these rules (docs/data.md); default: all.")] = "",
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Also find pictures that are there twice; reads every picture.")
    ] = False,
    label: Annotated[
        list[str] | None, typer.Option("--class", help="Class that counts; repeatable; default: face.")
    ] = None,
    split: Annotated[str, typer.Option(help="Only this split of the folder's manifest.csv.")] = "",
    source: Annotated[list[str] | None, typer.Option(help="Only these sets of the folder; repeatable.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write every finding here.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page to look at, accept and reject.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Pictures on the page at most, the worst first.")] = 200,
    fail_on: Annotated[str, typer.Option(help="Exit with 1 from this severity on: error, warning or never.")] = "error",
    every: Annotated[
        bool, typer.Option("--all", help="Also findings that were rejected on the page, and applied.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read labels; 0 = one a core.")] = 0,
    key: KeyOption = None,
) -> None:
    """Hold a data set against the labelling guidelines; exits with 1 when it breaks them."""
    from rich.console import Console

    from faceir.data.check.rejected import read_rejected, without
    from faceir.data.check.run import check_alike, check_labels, codes_of

    if fail_on not in _FAIL_ON:
        raise InputError("--fail-on", f"is {fail_on!r}", ", ".join(_FAIL_ON))
    if html is not None:
        need("report")  # told before the work
    _check_options(rules, duplicates, detector != "none")
    codes, classes, processes = codes_of(rules), tuple(label or ["face"]), workers or os.cpu_count() or 1
    items = _items(folder, split, source or ())
    rejected = [] if every else read_rejected(folder)
    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("labels", total=len(items), rate="pictures")
        checked = check_labels(items, folder, classes, codes, processes, lambda n: bar.advance(task, n))
        if duplicates:
            other = bar.add_task("duplicates", total=len(items), rate="pictures")
            checked.findings += check_alike(items, folder, codes, processes, lambda n: bar.advance(other, n))
    if detector != "none":
        checked.add(_seen(items, folder, classes, codes, detector, read_key(key)))
    found = len(checked.findings)
    checked.findings = without(checked.findings, rejected, items, folder)
    silent = found - len(checked.findings)
    for error in checked.left_out[:_SHOWN]:
        say_error(error)
    if len(checked.left_out) > _SHOWN:
        say_error(f"{len(checked.left_out) - _SHOWN:,} more pictures cannot be read; --json FILE names all")
    if json is not None:
        _write_json(checked, silent, json, folder)
    if html is not None:
        _write_page(checked, items, html, folder, most)
    _print(checked, silent, Console(highlight=False, markup=False, width=126))
    worst = {"error": ("error",), "warning": ("error", "warning"), "never": ()}[fail_on]
    if worst and (checked.left_out or any(finding.severity in worst for finding in checked.findings)):
        raise typer.Exit(1)


def _check_options(rules: str, duplicates: bool, detector: bool) -> None:
    """Raise `InputError` for a rule that is asked for by name and that nobody would look at: it would find nothing."""
    from faceir.data.check.finding import RULES
    from faceir.data.check.run import codes_of

    looks = {"": True, "--duplicates": duplicates, "--detector default": detector}
    for code in sorted(codes_of(rules)) if rules.strip() else ():
        option = RULES[code].option
        if not looks[option]:
            raise InputError("--rules", f"asks for {code}, which is not looked for", option, f"add {option}")


def _items(folder: Path, split: str, source: Sequence[str]) -> Sequence[Item]:
    from faceir.data import kitti, shards
    from faceir.data.items import count_sets

    items = shards.find(folder, kitti.Filter(split))
    if source:
        there = count_sets(items)
        unknown = [name for name in source if name not in there]
        if unknown:
            raise InputError("--source", f"no picture is of {', '.join(unknown)}", f"of {', '.join(sorted(there))}")
        items = [item for item in items if item.source in source]
    return items


def _seen(
    items: Sequence[Item], folder: Path, classes: Sequence[str], codes: frozenset[str], model: str, key: str | None
) -> Checked:
    """What a detector says, without counting the pictures again."""
    from rich.console import Console

    from faceir.data.check.run import check_seen
    from faceir.verbs.open import open_detector

    opened = open_detector(model, key)
    if opened.stored:
        raise InputError("--detector", f"{opened.name} holds detections, which cannot look twice", "a model")
    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task(f"looking, {opened.name}", total=len(items), rate="pictures")
        checked = check_seen(
            items, folder, classes, codes, opened.detector, opened.contract.fit,
            lambda n: bar.advance(task, n), opened.threshold,
        )  # fmt: skip
    checked.pictures = checked.boxes = 0
    return checked


def _write_json(checked: Checked, rejected: int, path: Path, folder: Path) -> None:
    from dataclasses import asdict

    from faceir.data.check.finding import RULES
    from faceir.report.files import write_text

    document: dict[str, Any] = {
        "format": 1,
        "dataset": folder.resolve().name,
        "pictures": checked.pictures,
        "boxes": checked.boxes,
        "left_out": [str(error) for error in checked.left_out],
        "too_small": checked.too_small,
        "rejected": rejected,
        "rules": {
            code: {**asdict(RULES[code]), "findings": found, "pictures": pictures}
            for code, (found, pictures) in checked.counts().items()
        },
        "findings": [finding.to_json() for finding in checked.ranked()],
        "labels": checked.sha256,
    }
    write_text(json_module.dumps(document, indent=1), path)


def _write_page(checked: Checked, items: Sequence[Item], path: Path, folder: Path, most: int) -> None:
    from rich.console import Console

    from faceir.report.check_page import asking, render, sheets
    from faceir.report.files import write_text

    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("page", total=None, rate="pictures")
        shown = sheets(checked.ranked(), items, folder, most, lambda: bar.advance(task))
    write_text(render(checked, shown, folder.resolve().name), path)
    every = asking(checked.findings)
    of = f" of {every:,}, the worst; --most {every} shows all" if every > len(shown) else ""
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {len(shown):,} pictures{of}")


def _print(checked: Checked, rejected: int, console: Console) -> None:
    from rich.table import Table

    from faceir.data.check.finding import RULES
    from faceir.data.check.rejected import FILE
    from faceir.data.check.seen_rules import Limits

    print(f"{checked.pictures:,} pictures with {checked.boxes:,} boxes: {len(checked.findings):,} findings")
    if rejected:
        print(f"{rejected:,} more were rejected before ({FILE}); --all shows them")
    if checked.too_small:
        least = f"below {Limits().min_height:g} px at the network's scale"
        print(f"{checked.too_small:,} labelled faces are too small for the detector to judge ({least})")
    if not checked.findings:
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("rule", "severity", "findings", "pictures", "what it is"):
        table.add_column(heading, justify="right" if heading in ("findings", "pictures") else "left", no_wrap=True)
    for code, (found, pictures) in checked.counts().items():
        table.add_row(code, RULES[code].severity, f"{found:,}", f"{pictures:,}", RULES[code].title)
    console.print(table)
    told = [finding for finding in checked.ranked() if finding.severity != "note"]
    for finding in told[:_SHOWN]:
        at = f"{finding.label}:{finding.line}" if finding.line else finding.picture or finding.label
        print(f"{finding.severity}: {finding.code}: {at}: {finding.words}")
    if len(told) > _SHOWN:
        print(f"and {len(told) - _SHOWN:,} more; --json FILE writes all, --html FILE shows them")


def apply(
    folder: Annotated[Path, typer.Option("-d", "--dataset", help="The data set that was checked.")],
    corrections: Annotated[Path, typer.Option(metavar="FILE", help="What the page of dataset check saved.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing.")] = False,
) -> None:
    """Write accepted corrections into the label files; nothing, if one of them has changed since the check.

    What was rejected goes into `rejected-findings.csv` of the data set, and the next check leaves it out. Files as they
    were are kept in `.before-corrections` of the data set. The same corrections again do nothing.
    """
    from faceir.data import shards
    from faceir.data.check import corrections as made
    from faceir.data.check import rejected

    if shards.is_sharded(folder):
        raise InputError(
            folder, "holds shards, in which no label file lies", "the folder that was packed", "then pack it again"
        )
    given = made.read_corrections(corrections)
    planned = made.plan(folder, given)
    rejections, unsaid = rejected.read_rejections(corrections, folder)
    rejected.read_rejected(folder)  # told before anything is written
    if dry_run:
        _print_changes(planned.texts)
    else:
        made.write(folder, given, planned)
        rejected.keep(folder, rejections)
    word = "would change" if dry_run else "changed"
    print(f"{folder}: {len(planned.texts)} label files {word}, {len(planned.done)} have these corrections already")
    if rejections:
        print(
            f"{len(rejections)} rejected findings {'would be kept' if dry_run else 'kept'} in {folder / rejected.FILE}"
        )
    if unsaid:
        print(f"{unsaid} rejected findings name no box and are not kept: make the page again with dataset check --html")
    if planned.texts and not dry_run:
        print(f"as they were: {folder / made.BACKUPS}")


def _print_changes(texts: Any) -> None:
    from difflib import unified_diff

    for name, (before, after) in texts.items():
        for line in unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="", n=0):
            print(line)
