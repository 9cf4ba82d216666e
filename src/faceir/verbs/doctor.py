"""`faceir doctor`: a look at a camera, and what is wrong with it in plain words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceir.errors import FaceirError, InputError
from faceir.verbs.key import KeyOption, read_key
from faceir.verbs.terminal import say_error

if TYPE_CHECKING:
    from rich.console import Console

    from faceir.runtime.doctor import Report
    from faceir.runtime.sources import Source

__all__ = ["doctor"]

_ENDINGS = (".png", ".jpg", ".jpeg")
_COLOURS = {"problem": "bold red", "warning": "yellow", "note": "blue"}


def doctor(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A camera's address, a video, a picture or a folder of them.")
    ],
    seconds: Annotated[float, typer.Option(min=0.5, help="How long to look.")] = 10.0,
    model: Annotated[Path | None, typer.Option("-m", "--model", help="ONNX model; default: the packaged one.")] = None,
    faces: Annotated[bool, typer.Option(help="Look for faces, and judge them.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")] = False,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the frame that shows it, with marks, as .png or .jpg.")
    ] = None,
    key: KeyOption = None,
) -> None:
    """Look at a camera and say what is wrong with it, and what to change.

    Ends with 0 when nothing is wrong that loses faces, 1 when something is, 2 when the source cannot be opened.
    """
    from rich.console import Console

    from faceir.runtime.sources import open_source

    if picture is not None and picture.suffix.lower() not in _ENDINGS:
        raise InputError(picture, f'ends in "{picture.suffix}"', " or ".join(_ENDINGS))
    console = Console(stderr=True, highlight=False)
    try:
        opened = open_source(source)
    except FaceirError as error:
        if as_json:
            print(json.dumps({"source": error.where, "healthy": False, "error": str(error)}))
        say_error(error)
        raise typer.Exit(2) from error
    report = _examine(opened, seconds, model if faces else None, faces, read_key(key), console)
    if picture is not None:
        from faceir.runtime.doctor.poster import write_report

        write_report(report, picture)
    if as_json:
        print(json.dumps(report.to_json(), indent=1))
    else:
        _print(report)
    if not report.healthy:
        raise typer.Exit(1)


def _examine(
    source: Source, seconds: float, model: Path | None, faces: bool, key: str | None, console: Console
) -> Report:
    from rich.progress import BarColumn, Progress, TextColumn

    from faceir.runtime.detector import Detector
    from faceir.runtime.doctor import examine

    detector = Detector(model, key=key) if faces else None
    columns = TextColumn("looking"), BarColumn(), TextColumn("{task.completed:.0f} of {task.total:.0f} s")
    with source, Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=seconds)
        contract = detector.contract if detector else None
        return examine(source, seconds, detector, contract, lambda s: progress.update(task, completed=s))


def _print(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 120
    verdict = Text("healthy", "bold green") if report.healthy else Text("not healthy", "bold red")
    console.print(Text.assemble(report.look.name, ": ", verdict), soft_wrap=True)
    if report.findings:
        table = Table(box=None, padding=(0, 2, 1, 0), show_header=False)
        table.add_column(no_wrap=True)
        table.add_column()
        for finding in report.findings:
            lines = [Text(finding.says)]
            if finding.measured is not None:
                lines.append(Text(f"{finding.measured:.3g}: {finding.unit}; wanted {finding.wanted}", "dim"))
            lines.append(Text(f"{finding.do[:1].upper()}{finding.do[1:]}."))
            table.add_row(Text(finding.severity, _COLOURS[finding.severity]), Text("\n").join(lines))
        console.print(table)
    console.print(Text(_facts(report), "dim"))


def _facts(report: Report) -> str:
    """The numbers in one line."""
    facts = report.facts()
    width, height = facts["size_wh"]
    parts = [f"{facts['frames']} frames of {width} x {height}"]
    for name, words in (
        ("measured_fps", "{:.1f} a second"),
        ("median_brightness", "brightness {:.0f}"),
        ("contrast", "contrast {:.0f}"),
        ("noise_sigma", "noise {:.1f}"),
        ("blur_sigma_px", "blur {:.1f} px"),
        ("faces_per_frame", "{:.1f} faces a frame"),
        ("face_height_px", "{:.0f} px high at the network's scale"),
    ):
        if facts[name] is not None:
            parts.append(words.format(facts[name]))
    return ", ".join(parts)
