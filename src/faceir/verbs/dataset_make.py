"""`faceir dataset make`: a small labelled data set of made-up night scenes, to try things on."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from faceir.errors import InputError

__all__ = ["make"]

_PER_SCENE = 5
_SIZE_WH = (480, 300)
_SOURCES = """\
[terms.free]
means = "may be used, changed and passed on, also in business"
business = true

[sets.made]
origin = "faceir dataset make, from two portraits in the public domain"
terms = "free"
modality = "made-up infrared"
pictures = {pictures}
faces = {faces}
labels = "exact"
shows = "night scenes of up to four people"
"""


def make(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write; it must not exist.")],
    count: Annotated[int, typer.Option("-n", "--count", min=10, help="So many pictures.")] = 200,
    val_share: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of the scenes kept for validation.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes other scenes.")] = 0,
) -> None:
    """Make night scenes with known faces: images/, labels/ (KITTI) and manifest.csv, whose splits share no scene.

    Two people in the public domain and their mirror images play all of them: enough to try every command, far too
    little to learn faces from.
    """
    import cv2
    import numpy as np
    from rich.console import Console
    from rich.progress import track

    from faceir.data import kitti, sources
    from faceir.testing import demo_portraits, night_clip

    if output.exists():
        raise InputError(output, "exists", "a new folder", "choose another one, or remove it")
    people = demo_portraits()
    people += [portrait.mirrored(f"{portrait.name}, mirrored") for portrait in people]
    scenes = -(-count // _PER_SCENE)
    for_validation = round(val_share * scenes)
    part = output.with_name(f".{output.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "images").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, str, str, str, int]] = []
    errors = Console(stderr=True)
    with kitti.Writer(part) as labels:
        for scene in track(range(scenes), "making scenes", console=errors, disable=not errors.is_terminal):
            cast = [people[n] for n in rng.permutation(len(people))[: rng.integers(1, len(people) + 1)]]
            split = "val" if scene >= scenes - for_validation else "train"
            for frame in night_clip(cast, _PER_SCENE, _SIZE_WH, seed=int(rng.integers(2**31))):
                if len(rows) == count:
                    break
                name = f"images/scene_{scene:04d}_{frame.index}.png"
                cv2.imwrite(str(part / name), frame.gray)
                labels.write(replace(frame, source=name))
                rows.append((name, "made", "free", split, f"scene_{scene:04d}", len(frame.detections)))
    with (part / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("picture", "set", "terms", "split", "sequence", "faces"), *rows])
    (part / sources.NAME).write_text(_SOURCES.format(pictures=len(rows), faces=sum(row[-1] for row in rows)), "utf-8")
    part.rename(output)
    faces, kept = sum(row[-1] for row in rows), sum(row[3] == "val" for row in rows)
    print(f"{output}: {len(rows)} pictures with {faces} faces of {scenes} scenes, {kept} of them for validation")
