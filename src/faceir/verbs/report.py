"""`faceir report`: a stored evaluation as one web page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faceir.evaluate import Judged
    from faceir.evaluate.document import Evaluation

__all__ = ["report", "write_page"]


def report(
    scores: Annotated[Path, typer.Argument(metavar="SCORES.json", help="What `faceir evaluate --json` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The page to write.")] = Path("report.html"),
    dataset: Annotated[
        Path | None, typer.Option("-d", "--dataset", help="Folder that was judged, to show misses and false alarms.")
    ] = None,
) -> None:
    """One self-contained web page of an evaluation; with pictures only where their folder is given."""
    from faceir.evaluate.document import Evaluation

    print(write_page(Evaluation.read(scores), out, dataset))


def write_page(evaluation: Evaluation, out: Path, folder: Path | None, judged: Sequence[Judged] = ()) -> str:
    """Write the page, with the pictures of `folder` if there is one; returns what to say of it."""
    from faceir.report.files import write_text
    from faceir.report.page import render
    from faceir.report.pictures import gallery

    shown = gallery(evaluation, folder, judged) if folder is not None else None
    write_text(render(evaluation, shown), out)
    pictures = f"{len(shown.large)} pictures of the data set" if shown else "no pictures"
    return f"{out}: {out.stat().st_size / 1e6:.1f} MB, {pictures}"
