"""`faceir app`: a DeepStream application file, run without DeepStream."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from faceir.errors import InputError, ModelError, need
from faceir.verbs.key import KeyOption, read_key
from faceir.verbs.terminal import interruptible, say_error

if TYPE_CHECKING:
    from faceir.runtime.deepstream.app_config import AppConfig
    from faceir.runtime.deepstream.launch import App
    from faceir.runtime.deepstream.model import Net
    from faceir.runtime.deepstream.plan import Plan
    from faceir.runtime.live.state import StreamState
    from faceir.web import Server

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
    watch: Annotated[
        bool, typer.Option("--watch", help="A live table of the streams instead of **PERF lines.")
    ] = False,
    stages: Annotated[
        bool, typer.Option("--stages", help="What each stage did to the last frame: a live table, or lines on stderr.")
    ] = False,
    web: Annotated[
        str | None, typer.Option(metavar="[HOST:]PORT", help="Serve a page, REST and metrics; run until Ctrl-C.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="FACEIR_TOKEN", show_envvar=True, help="What requests to --web must bring.", metavar="TEXT"
        ),
    ] = None,
    allow_files: Annotated[
        bool, typer.Option("--allow-files", help="REST may add this machine's files as streams, not only cameras.")
    ] = False,
    redact: Annotated[
        Literal["blur", "pixelate", "solid"] | None,
        typer.Option(help="Make faces unreadable in all that is shown or written; [redact] of the file tells how."),
    ] = None,
    dark_gate: Annotated[
        bool, typer.Option("--dark-gate", help="Do not look at dark frames, as of strobed emitters.")
    ] = False,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads for inference; 0 = all cores.")] = 0,
    key: KeyOption = None,
) -> None:
    """Run the pipeline of a DeepStream application file: sources, detector, tracker, sinks."""
    from faceir.runtime.deepstream.app_config import read_app
    from faceir.runtime.deepstream.model import find_net
    from faceir.runtime.redact import RedactParams

    application, secret = replace(read_app(config), dark_gate=dark_gate), read_key(key)
    if redact is not None:
        application = replace(application, redact=replace(application.redact or RedactParams(), mode=redact))
    problem, net = None, None
    try:
        net = find_net(application.infer, model, secret)
    except ModelError as error:
        problem = error
    if check or picture is not None:
        _show(application, net, picture, check)
    if problem is not None:
        raise problem
    if check or net is None:
        return
    _print_notes(application)
    from faceir.runtime.deepstream.launch import App

    with interruptible() as interrupt, ExitStack() as beside:
        running = App(application, net, threads, secret)
        if web is not None:
            server = beside.enter_context(_server(running, web, token, allow_files))
            typer.echo(f"serving {server.url}", err=True)
        if _watch(running, beside, watch, stages):
            states = running.run(interrupt, stay=web is not None)
        else:
            states = running.run(interrupt, typer.echo, partial(typer.echo, err=True), stay=web is not None)
    _report(running, states)


def _print_notes(config: AppConfig) -> None:
    """What acts otherwise than its reader might think; what does nothing is only counted."""
    idle = 0
    for note in config.notes:
        if note.kind == "no meaning":
            idle += 1
        else:
            typer.echo(str(note), err=True)
    if idle:
        typer.echo(
            f"{config.path}: {idle} keys and groups have no meaning here; --check tells which, and why", err=True
        )


def _show(config: AppConfig, net: Net | None, picture: Path | None, check: bool) -> None:
    """What would run, drawn to `picture`, and with `check` printed."""
    from faceir.runtime.deepstream.picture import save_picture
    from faceir.runtime.deepstream.plan import plan

    drawn = plan(config, net.path.name if net else "no model", net.contract if net else None)
    if picture is not None:
        save_picture(drawn, picture, config.path)
    if check:
        _print_plan(config, drawn)


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
    for note in sorted(config.notes, key=lambda note: note.kind == "no meaning"):
        console.print(Text(str(note)))


def _server(running: App, address: str, token: str | None, allow_files: bool) -> Server:
    """The page, REST and metrics of what runs at `address`, [HOST:]PORT."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        raise InputError("--web", f"is {address}", "[HOST:]PORT", "type --web 8000")
    need("web")
    from faceir.web import Server, make_app

    served = make_app(running.engine, partial(running.stream, allow_files=allow_files), token=token)
    return Server(served, host.strip("[]") or "127.0.0.1", int(port), token)


def _watch(running: App, beside: ExitStack, watch: bool, stages: bool) -> bool:
    """While in `beside` show the tables that are asked for, if a terminal can: whether it does.

    Where there is none, `stages` are told as lines on stderr.
    """
    if not (watch or stages):
        return False
    from rich.console import Console, Group
    from rich.live import Live

    from faceir.runtime.live.debug import debug_table, look, telling
    from faceir.runtime.live.watch import table

    console = Console()
    if not console.is_terminal:
        if stages:
            beside.enter_context(telling(running.engine, partial(typer.echo, err=True)))
        return False

    def shown() -> Group:
        tables = [table(running.engine.states())] if watch else []
        return Group(*tables, *([debug_table(look(running.engine))] if stages else []))

    beside.enter_context(Live(get_renderable=shown, console=console, refresh_per_second=4))
    return True


def _report(running: App, states: list[StreamState]) -> None:
    """One line a stream, and what was counted in it; exits with 1 when one failed."""
    failed = False
    for state in states:
        typer.echo(
            f"{state.name}: {state.condition}, {state.frames_out} frames, {state.faces} faces, "
            f"{state.dropped} dropped, {state.failed + state.lost} failed, {state.sink_dropped} not taken by a sink"
        )
        for line in running.totals(state.name):
            typer.echo(f"{state.name}: {line}")
        for error in filter(None, (state.last_error if state.condition == "failed" else "", *state.sink_errors)):
            say_error(f"{state.name}: {error}")
            failed = True
    if failed:
        raise typer.Exit(1)
