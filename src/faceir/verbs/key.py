"""The key of sealed models, as every verb takes it: `-k`. It is neither printed nor kept."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from faceir.errors import InputError, need_file

__all__ = ["KeyOption", "read_key"]

KeyOption = Annotated[
    str | None,
    typer.Option(
        "-k",
        "--key",
        metavar="KEY",
        help="Key of a sealed model: the key itself, @FILE, env:NAME, or prompt; to read, FACEIR_KEY does too.",
        show_default=False,
    ),
]


def read_key(given: str | None, confirm: bool = False) -> str | None:
    """The key that `-k` names: `@FILE` its first line, `env:NAME` a variable, `prompt` or `-` asks, else itself.

    `confirm` asks twice, for a key to seal with.
    None stays None: then a sealed model is opened by FACEIR_KEY, and what is written is not sealed.
    Raises `InputError`, which names where the key was looked for and never the key.
    """
    if given is None:
        return None
    if given in ("prompt", "-"):
        return _filled(str(typer.prompt("key", hide_input=True, confirmation_prompt=confirm, err=True)), "prompt")
    if given.startswith("@"):
        text = need_file(given[1:], "a file with the key as its first line").read_text("utf-8", errors="replace")
        return _filled((text.splitlines() or [""])[0], given[1:])
    if given.startswith("env:"):
        name = given.removeprefix("env:")
        return _filled(os.environ.get(name, ""), f"environment variable {name}")
    return _filled(given, "-k")


def _filled(key: str, where: str) -> str:
    if not key:
        raise InputError(where, "holds no key", "at least one character")
    return key
