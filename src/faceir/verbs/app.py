"""`faceir app`: a DeepStream application file, run without DeepStream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceir.errors import ModelError
from faceir.verbs.key import KeyOption, read_key
from faceir.verbs.terminal import interruptible, say_error

if TYPE_CHECKING:
    from faceir.runtime.deepstream.app_config import AppConfig
    from faceir.runtime.deepstream.plan import Plan
    from faceir.runtime.live.state import StreamState

__all__ = ["app"]


def app(
    config: Annotated[
        Path,
        typer.Option("-c", "--config", metavar="FILE", help="deepstream-app's file, as a key file or YAML (.yml)."),
    ],
    check: Annotated[bool, typer.Option("--check", help="Print what would run, and what does nothing; end.")] = False,
    model: Annotated[
        str | None,
        typer.Option("-m", "--model", help="ONNX model in place of the file's; default = the packaged one."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="PLAN.png", help="Draw what would run: .png, .svg or .pdf.")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads for inference; 0 = all cores.")] = 0,
    key: KeyOption = None,
) -> None:
    """Run the pipeline of a DeepStream application file: sources, detector, tracker, sinks."""
    from faceir.runtime.deepstream.app_config import read_app
    from faceir.runtime.deepstream.model import find_net
    from faceir.runtime.deepstream.picture import save_picture
    from faceir.runtime.deepstream.plan import plan

    application, secret = read_app(config), read_key(key)
    problem, net = None, None
    try:
        net = find_net(application.infer, model, secret)
    except ModelError as error:
        problem = error
    if check or picture is not None:
        drawn = plan(application, net.path.name if net else "no model", net.contract if net else None)
        if picture is not None:
            save_picture(drawn, picture, str(config))
        if check:
            _print_plan(application, drawn)
    if problem is not None:
        raise problem
    if check or net is None:
        return
    for note in application.notes:
        typer.echo(str(note), err=True)
    from faceir.runtime.deepstream.launch import run_app

    with interruptible() as interrupt:
        states = run_app(application, net.open(application.infer, threads, secret), interrupt, typer.echo)
    _report(states)


def _print_plan(config: AppConfig, plan: Plan) -> None:
    """The pipeline as a tree, then what of the files does nothing."""
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 1000  # nothing is folded on the way to a file
    tree = Tree(Text(str(config.path)))
    sources, sinks = tree.add(Text("sources")), Tree(Text("sinks"))
    for branch, steps in ((sources, plan.sources), (tree, plan.line), (sinks, plan.sinks)):
        for step in steps:
            leaf = branch.add(Text(step.title))
            for line in step.lines:
                leaf.add(Text(line))
    tree.children.append(sinks)
    console.print(tree)
    for note in config.notes:
        console.print(Text(str(note)))


def _report(states: list[StreamState]) -> None:
    """One line a stream; exits with 1 when one failed."""
    failed = False
    for state in states:
        typer.echo(
            f"{state.name}: {state.condition}, {state.frames_out} frames, {state.faces} faces, "
            f"{state.dropped} dropped, {state.failed + state.lost} failed"
        )
        for error in filter(None, (state.last_error if state.condition == "failed" else "", *state.sink_errors)):
            say_error(f"{state.name}: {error}")
            failed = True
    if failed:
        raise typer.Exit(1)
