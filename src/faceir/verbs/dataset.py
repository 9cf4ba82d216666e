"""`faceir dataset`: labelled pictures, as they are and as training sees them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceir.errors import InputError, need
from faceir.verbs.dataset_check import apply, check
from faceir.verbs.dataset_convert import convert
from faceir.verbs.dataset_make import make
from faceir.verbs.dataset_stats import stats
from faceir.verbs.terminal import progress_bar, say_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from faceir.data.kitti import Item
    from faceir.detections import Detections
    from faceir.flow import Image

__all__ = ["dataset"]

dataset = typer.Typer(name="dataset", help="Labelled pictures: look at them, pack them.", no_args_is_help=True)

dataset.command()(check)
dataset.command()(apply)
dataset.command()(stats)
dataset.command()(convert)
dataset.command()(make)

_CELL_WH = (384, 240)
_COLUMNS = 6


@dataset.command()
def view(
    folder: Annotated[Path, typer.Option("-d", "--dataset", help="Folder with images/ and labels/, or of such.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The contact sheet, a .png or .jpg file.")],
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="So many pictures, drawn at random.")] = 48,
    split: Annotated[str, typer.Option(help="Only this split of the folder's manifest.csv.")] = "",
    terms: Annotated[list[str] | None, typer.Option(help="Only pictures of these terms; repeatable.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only these sets of the folder; repeatable.")] = None,
    augmented: Annotated[
        bool, typer.Option("--augmented", help="As the net sees them in training by the spec of -e.")
    ] = False,
    spec: Annotated[Path | None, typer.Option("-e", "--spec", help="Experiment spec, TAO's text format.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the spec.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--class", help="Class to show; repeatable; default: face.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other pictures.")] = 0,
) -> None:
    """A contact sheet: faces green with their occlusion level, occluded ones orange, regions to ignore dashed blue."""
    import cv2
    import numpy as np
    from rich.console import Console
    from rich.progress import track

    from faceir.data import kitti, shards
    from faceir.data.sheet import contact_sheet

    if output.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise InputError(output, f'ends in "{output.suffix}"', ".png or .jpg", f"write -o {output.stem}.png")
    if augmented and spec is None:
        raise InputError("--augmented", "has no experiment spec", "the spec of a training", "add -e SPEC")
    items = list(shards.find(folder, kitti.Filter(split, tuple(terms or ()))))
    if source:
        items = [item for item in items if item.source in source]
        if not items:
            raise InputError("--source", f"no picture is of {', '.join(source)}", f"sets below {folder}")
    rng = np.random.default_rng(seed)
    chosen = [items[n] for n in rng.choice(len(items), min(count, len(items)), replace=False)]
    classes = tuple(label or ["face"])
    draw = _augmented(spec, overrides or [], items, rng) if augmented and spec else _stored(classes)
    errors = Console(stderr=True)
    cells, problems = [], 0
    for item in track(chosen, "drawing", console=errors, disable=not errors.is_terminal):
        try:
            cells.append(draw(item))
        except InputError as error:
            say_error(error)
            problems += 1
    if not cells:
        raise InputError(folder, f"none of {len(chosen)} pictures could be read", "readable pictures")
    sheet = contact_sheet(cells, _COLUMNS, _CELL_WH)
    part = output.with_name(f".{output.stem}.part{output.suffix}")
    if not cv2.imwrite(str(part), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)):
        raise InputError(output, "cannot be written", "a folder that exists and has room")
    os.replace(part, output)
    print(f"{output}: {len(cells)} of {len(items)} pictures, {sheet.shape[1]}x{sheet.shape[0]} px")
    if problems:
        raise typer.Exit(1)


def _stored(classes: Sequence[str]) -> Callable[[Item], Image]:
    """Draws a picture as it is stored."""
    from faceir.data import kitti
    from faceir.data.sheet import labelled

    mapping = {name: name for name in classes}

    def draw(item: Item) -> Image:
        frame = kitti.read_frame(item, mapping, classes)
        return labelled(frame.rgb, frame.detections, _CELL_WH, item.source)

    return draw


def _augmented(
    spec: Path, overrides: Sequence[str], items: Sequence[Item], rng: np.random.Generator
) -> Callable[[Item], Image]:
    """Draws a picture as a training by `spec` sees it in its first phase, with what it ignores."""
    need("train")
    from faceir import spec as specs
    from faceir.data import kitti
    from faceir.data.augment import view as viewed
    from faceir.data.guidelines import ignore_by_rules
    from faceir.data.sheet import labelled
    from faceir.train import setup

    experiment = specs.load(spec, list(overrides))
    specs.check(experiment)
    how, rules, phase = setup.augmentation(experiment), setup.rules(experiment), setup.phases(experiment)[0]
    mapping, classes = dict(experiment.dataset_config.target_class_mapping), specs.class_names(experiment)
    shares = [weight / sum(phase.weights) for weight in phase.weights]

    def read(item: Item) -> tuple[Image, Detections]:
        frame = kitti.read_frame(item, mapping, classes)
        return frame.rgb, frame.detections

    def draw(item: Item) -> Image:
        kind = phase.kinds[rng.choice(len(phase.kinds), p=shares)]
        image, truth = read(item)
        picture, truth = viewed(
            image, truth, kind, how, rng, lambda draws: read(items[int(draws.integers(len(items)))])
        )
        return labelled(picture, ignore_by_rules(truth, rules), _CELL_WH, item.source)

    return draw


_UNITS = {"kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}


@dataset.command()
def pack(
    folder: Annotated[Path, typer.Option("-d", "--dataset", help="Folder with images/ and labels/, or of such.")],
    out: Annotated[Path, typer.Option("-o", "--output", help="Folder of the shards.")],
    split: Annotated[str, typer.Option(help="Only this split of the folder's manifest.csv.")] = "",
    terms: Annotated[list[str] | None, typer.Option(help="Only pictures of these terms; repeatable.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only these sets of the folder; repeatable.")] = None,
    shard_size: Annotated[str, typer.Option(help="Largest shard, in kB, MB or GB.")] = "256MB",
    per_shard: Annotated[
        int, typer.Option(min=0, help="So many pictures a shard, whatever its size; 0: by --shard-size.")
    ] = 0,
) -> None:
    """Write tar shards that training reads like the folder; the same command goes on where it was stopped."""
    from rich.console import Console

    from faceir.data import kitti
    from faceir.data.pack import SKIPPED, Limit
    from faceir.data.pack import pack as write

    if out.resolve() == folder.resolve():
        raise InputError("-o", "is the folder of the pictures", "another folder")
    limit = Limit(per_shard) if per_shard else Limit(size=_bytes(shard_size))
    want, only = kitti.Filter(split, tuple(terms or ())), set(source or ())

    def walk() -> Iterator[Item]:
        return (item for item in kitti.walk(folder, want) if not only or item.source in only)

    total = sum(1 for _ in walk())
    if not total:
        raise InputError("--source", f"no picture is of {', '.join(sorted(only))}", f"sets below {folder}")
    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("packing", total=total, rate="pictures")
        made = write(walk(), folder, out, limit, lambda: bar.advance(task))
    for line in made.skipped[:10]:
        say_error(f"skipped {line}")
    print(f"{out}: {made.pictures} pictures, {made.faces} faces in {made.shards} shards, {made.kept} of them kept")
    if made.skipped:
        print(f"skipped {len(made.skipped)} pictures that cannot be read, listed in {out / SKIPPED}")
        raise typer.Exit(1)


@dataset.command()
def verify(folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of shards.")]) -> None:
    """Hold shards against the checksums in their index; exits with 1 when one differs."""
    from rich.console import Console

    from faceir.data import shards

    found = shards.Shards(folder)
    count = len(found.contents["shards"])
    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("verifying", total=count + 1, rate="files")
        problems = shards.verify(folder, lambda number: bar.update(task, completed=number))
    for problem in problems:
        say_error(problem)
    if problems:
        raise typer.Exit(1)
    print(f"{folder}: {len(found)} pictures in {count} shards, whole")


def _bytes(text: str) -> int:
    """Bytes of "256MB"."""
    number, unit = text[:-2], text[-2:]
    if unit not in _UNITS or not number.isdigit() or int(number) == 0:
        raise InputError("--shard-size", f"is {text!r}", "a whole number and kB, MB or GB, like 256MB")
    return int(number) * _UNITS[unit]
