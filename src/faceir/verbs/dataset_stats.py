"""`faceir dataset stats`: what a data set holds, in numbers and plots."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceir.errors import InputError, need
from faceir.verbs.terminal import progress_bar, say_error

if TYPE_CHECKING:
    from rich.console import Console

    from faceir.data.stats import Stats

__all__ = ["stats"]

_SHOWN = 10


def stats(
    folder: Annotated[
        Path, typer.Option("-d", "--dataset", help="Folder with images/ and labels/, of such or of shards.")
    ],
    split: Annotated[str, typer.Option(help="Only this split of the folder's manifest.csv.")] = "",
    source: Annotated[list[str] | None, typer.Option(help="Only these sets of the folder; repeatable.")] = None,
    label: Annotated[
        list[str] | None, typer.Option("--class", help="Class that counts; repeatable; default: face.")
    ] = None,
    sample: Annotated[int, typer.Option(min=0, help="So many pictures are opened for their looks, at most.")] = 2000,
    png: Annotated[Path | None, typer.Option("--png", help="Draw everything here.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write one web page with plots and tables.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the numbers here.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed opens other pictures.")] = 0,
) -> None:
    """Faces of a picture, sizes, places, shapes, light, noise, modality, occlusion and truncation."""
    from rich.console import Console

    from faceir.data import kitti, shards
    from faceir.data.stats import collect
    from faceir.evaluate.measures import look_of
    from faceir.fit import Fit

    if png or html:
        need("report")  # told before the work
    items = shards.find(folder, kitti.Filter(split))
    if source:
        items = [item for item in items if item.source in source]
        if not items:
            raise InputError("--source", f"no picture is of {', '.join(source)}", f"sets below {folder}")
    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("counting", total=len(items), rate="pictures")
        found = collect(items, tuple(label or ["face"]), Fit(), look_of, sample, seed, lambda: bar.advance(task))
    if not found.pictures:
        raise InputError(folder, f"none of {len(items)} pictures could be read", "readable pictures and labels")
    for error in found.left_out[:_SHOWN]:
        say_error(error)
    _write(found, folder.resolve().name, png, html, json)
    _print(found, Console(highlight=False, markup=False, width=126))
    if found.left_out:
        print(f"{len(found.left_out)} pictures are left out, as they or their labels cannot be read")
        raise typer.Exit(1)


def _write(found: Stats, title: str, png: Path | None, html: Path | None, json: Path | None) -> None:
    from faceir.report.files import write_text

    if png or html:
        from faceir.report.stats_page import draw, render, write_png

        plots = draw(found, title)
        if png:
            write_png(plots, png)
        if html:
            write_text(render(found, plots, title), html)
    if json:
        write_text(json_module.dumps({"dataset": title, **found.to_json()}, indent=1), json)


def _print(found: Stats, console: Console) -> None:
    from rich.table import Table

    print(f"{found.pictures:,} pictures with {found.faces:,} faces and {found.ignored:,} regions to ignore")
    for histogram in found.histograms():
        table = Table(box=None, pad_edge=False)
        table.add_column(f"{histogram.name}{f', {histogram.unit}' if histogram.unit else ''}", min_width=32)
        table.add_column("", justify="right")
        table.add_column("", justify="right")
        total = max(sum(histogram.counts), 1)
        for part, count in zip(histogram.parts, histogram.counts, strict=True):
            table.add_row(part, f"{count:,}", f"{count / total:.1%}")
        console.print(table)
    looks = found.look_quantiles()
    if looks:
        table = Table(box=None, pad_edge=False)
        table.add_column(f"looks of {found.looked_at:,} pictures", min_width=32)
        for heading in ("5 %", "50 %", "95 %"):
            table.add_column(heading, justify="right")
        for name, values in looks.items():
            table.add_row(name, *(f"{value:.3g}" for value in values))
        console.print(table)
