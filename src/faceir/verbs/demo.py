"""`faceir demo`: the packaged model on a night scene with known faces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write to.")] = Path("demo"),
    model: Annotated[Path | None, typer.Option("-m", "--model", help="ONNX model; default: the packaged one.")] = None,
) -> None:
    """Film a dark cabin whose faces are known, find them, count them; writes both films."""
    from faceir import demo as room

    typer.echo(str(room.run(out, model)))
