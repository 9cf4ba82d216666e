"""`faceir dataset`: labelled pictures, as they are and as training sees them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceir.errors import InputError, need
from faceir.verbs.terminal import say_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faceir.data.kitti import Item
    from faceir.flow import Image

__all__ = ["dataset"]

dataset = typer.Typer(name="dataset", help="Labelled pictures: look at them.", no_args_is_help=True)

_CELL_WH = (384, 240)
_COLUMNS = 6


@dataset.callback()
def _top() -> None:
    """Keeps `view` a command of its own while it is the only one."""


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

    from faceir.data import kitti
    from faceir.data.sheet import contact_sheet

    if output.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise InputError(output, f'ends in "{output.suffix}"', ".png or .jpg", f"write -o {output.stem}.png")
    if augmented and spec is None:
        raise InputError("--augmented", "has no experiment spec", "the spec of a training", "add -e SPEC")
    items = kitti.find(folder, kitti.Filter(split, tuple(terms or ())))
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
    from faceir import boxes
    from faceir.data import kitti
    from faceir.data.sheet import contact_sheet, labelled

    mapping = {name: name for name in classes}

    def draw(item: Item) -> Image:
        frame = kitti.read_frame(item, mapping, classes)
        height, width = frame.rgb.shape[:2]
        shrink = min(_CELL_WH[0] / width, _CELL_WH[1] / height, 1.0)
        small = contact_sheet([frame.rgb], 1, (round(width * shrink), round(height * shrink)), gap=0)
        truth = frame.detections
        return labelled(small, truth.with_boxes(boxes.scale(truth.xyxy, (shrink, shrink))), item.source)

    return draw


def _augmented(spec: Path, overrides: Sequence[str], items: Sequence[Item], rng: Any) -> Callable[[Item], Image]:
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

    def read(item: Item) -> Any:
        frame = kitti.read_frame(item, mapping, classes)
        return frame.rgb, frame.detections

    def draw(item: Item) -> Image:
        kind = phase.kinds[rng.choice(len(phase.kinds), p=shares)]
        image, truth = read(item)
        picture, truth = viewed(image, truth, kind, how, rng, lambda draws: read(items[draws.integers(len(items))]))
        return labelled(picture, ignore_by_rules(truth, rules), item.source)

    return draw
