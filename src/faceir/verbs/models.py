"""`faceir models`: which models there are, what they are, whether they are whole; fetching and sealing them."""

from __future__ import annotations

import json as jsons
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceir import registry
from faceir.errors import FaceirError, InputError
from faceir.verbs.key import KeyOption, read_key
from faceir.verbs.terminal import say_error

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["models"]

models = typer.Typer(name="models", help="Named models: list, look, verify, fetch, seal.", no_args_is_help=True)

IndexOption = Annotated[
    str | None,
    typer.Option("--index", metavar="URL", help="Another index: a path, file:// or https://; fetched only if named."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A name of `faceir models list`.")]


@models.command("list")
def list_(index: IndexOption = None, json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """All models on this machine, and those of an index that is named."""
    from rich.console import Console
    from rich.table import Table

    found = [(where, i, entry) for where, i in _indexes(index) for entry in i.entries]
    if json:
        print(jsons.dumps([_stated(where, i, entry) for where, i, entry in found], indent=2))
        return
    table = Table("name", "where", box=None, pad_edge=False)
    table.add_column("MB", justify="right")
    table.add_column("what")
    table.add_column("terms")
    for where, _, entry in found:
        table.add_row(entry.name, where, f"{entry.bytes / 1e6:.1f}", entry.about, entry.terms)
    Console(highlight=False, markup=False).print(table)


@models.command()
def info(name: Name, index: IndexOption = None) -> None:
    """Everything known of a model, as JSON."""
    found, entry = registry.get(name, [i for _, i in _indexes(index)])
    where = next(where for where, i in _indexes(index) if i.place == found.place)
    print(jsons.dumps(_stated(where, found, entry), indent=2))


@models.command()
def path(name: Name) -> None:
    """Where a model's file lies on this machine; it is verified first."""
    found, entry = registry.get(name, registry.shelves())
    registry.verify(found, entry)
    print(found.path(entry))


@models.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Default: all.")] = None,
) -> None:
    """Hold the files on this machine against the sha256 of their index; exits with 1 when one differs."""
    shelves = registry.shelves()
    chosen = [registry.get(name, shelves) for name in names or []]
    faulty = False
    for index, entry in chosen or [(i, e) for i in shelves for e in i.entries]:
        try:
            registry.verify(index, entry)
            print(f"{entry.name}: whole, sha256 {entry.sha256}")
        except FaceirError as error:
            faulty = True
            say_error(error)
    if faulty:
        raise typer.Exit(1)


@models.command()
def add(
    name: Name,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A model file to copy.")] = None,
    index: IndexOption = None,
    about: Annotated[str, typer.Option(help="With FILE: one line that says what it is.")] = "",
    terms: Annotated[str, typer.Option(help="With FILE: what it may be used for.")] = "",
) -> None:
    """Put a model into the local folder: a FILE under a new name, or one of an index by its name there."""
    from rich.console import Console

    from faceir.verbs.terminal import progress_bar

    if (file is None) == (index is None):
        raise InputError("models add", "takes a FILE or --index URL", "one of them", f"faceir models add {name} FILE")
    if file is not None:
        written = registry.add_file(name, file, about=about, terms=terms)
    else:
        place = registry.read_index(str(index))
        with progress_bar(Console(stderr=True)) as bar:
            task = bar.add_task(f"fetching {name}", total=None, rate="bytes")
            written = registry.fetch(place, name, lambda done, whole: bar.update(task, completed=done, total=whole))
    print(f"wrote {written}; from now on -m {name} is enough")


@models.command()
def remove(name: Name) -> None:
    """Delete a model from the local folder."""
    print(f"removed {registry.remove(name)}")


Model = Annotated[Path, typer.Option("-m", "--model", help="Model file to read, or a name.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Model file to write.")]


@models.command()
def seal(model: Model, out: Out, key: KeyOption = None) -> None:
    """Encrypt a model file with a key; every verb opens it with -k."""
    from faceir import sealed

    sealed.seal_file(registry.resolve(model), out, _needed(key))
    print(f"wrote {out}, sealed")


@models.command()
def unseal(model: Model, out: Out, key: KeyOption = None) -> None:
    """Write the plain model file of a sealed one."""
    from faceir import sealed

    source = registry.resolve(model)
    if not sealed.is_sealed(source):
        raise InputError(source, "is not a sealed model", "one that faceir sealed")
    sealed.write(out, sealed.open_model(source, read_key(key)))
    print(f"wrote {out}, plain")


def _needed(key: str | None) -> str:
    """The key that `-k` names, which must be given: no variable seals by accident."""
    read = read_key(key, confirm=True)
    if read is None:
        raise InputError("-k", "is not given", "a key to seal with", "-k KEY, -k @FILE, -k env:NAME or -k prompt")
    return read


def _indexes(index: str | None) -> Sequence[tuple[str, registry.Index]]:
    """Each index with the word for its place."""
    found = list(zip(("packaged", "local"), registry.shelves(), strict=True))
    return [*found, ("index", registry.read_index(index))] if index else found


def _stated(where: str, index: registry.Index, entry: registry.Entry) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(entry), "where": where, "url": index.url(entry)}
