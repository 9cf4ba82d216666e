"""The command line: `main` turns a user's mistake into one line; the verbs are in `verbs/`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from faceir import __version__
from faceir.errors import FaceirError
from faceir.verbs.app import app as deepstream_app
from faceir.verbs.bench import bench
from faceir.verbs.calibrate import calibrate
from faceir.verbs.card import card
from faceir.verbs.dataset import dataset
from faceir.verbs.demo import demo
from faceir.verbs.detect import detect
from faceir.verbs.doctor import doctor
from faceir.verbs.evaluate import evaluate
from faceir.verbs.export import export
from faceir.verbs.models import models
from faceir.verbs.prune import prune
from faceir.verbs.redact import redact
from faceir.verbs.report import report
from faceir.verbs.terminal import say_error
from faceir.verbs.train import train

__all__ = ["app", "main"]

app = typer.Typer(
    name="faceir",
    help="Infrared face detection: train, prune, quantise, judge and run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 something could not be used, 2 wrong usage, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given  # wherever it stands, so that it can be typed behind a line that failed
    given = [a for a in given if a != "--debug"]
    try:
        app(args=given, prog_name="faceir")
    except FaceirError as error:
        if debug:
            raise
        say_error(error)
        sys.exit(1)
    except OSError as error:
        if debug:
            raise
        say_error(f"{error}; check space and permissions")
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        first = (str(error).strip().splitlines() or [""])[0]
        say_error(f"{type(error).__name__}: {first}; this is a bug or a broken machine; --debug shows where")
        sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"faceir {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass  # main() takes --debug out; it stands here for --help


for _verb in (train, prune, calibrate, export, evaluate, report, card, detect, redact, doctor, bench, demo):
    app.command()(_verb)
app.command("app")(deepstream_app)
app.add_typer(models)
app.add_typer(dataset)
