"""`faceir dataset convert`: labelled pictures from one format to another, and split for training and validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceir.errors import InputError
from faceir.verbs.terminal import progress_bar, say_error

if TYPE_CHECKING:
    from rich.progress import Progress

    from faceir.data.convert import Plan, Result
    from faceir.data.entry import Entry
    from faceir.data.partition import Groups, Mask
    from faceir.data.survey import Survey

__all__ = ["convert"]


class To(str, Enum):
    """Formats that can be written."""

    kitti = "kitti"
    coco = "coco"
    voc = "voc"
    yolo = "yolo"
    wider = "wider"
    csv = "csv"


class From(str, Enum):
    """Formats that can be read."""

    kitti = "kitti"
    shards = "shards"
    coco = "coco"
    voc = "voc"
    yolo = "yolo"
    wider = "wider"
    csv = "csv"
    tfrecords = "tfrecords"


class Mode(str, Enum):
    """How pictures are dealt to training and validation."""

    random = "random"
    tao = "tao"
    sequence = "sequence"


class Near(str, Enum):
    """What becomes of near-duplicates on both sides of a split."""

    off = "off"
    list = "list"
    move = "move"


def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder or label file.")],
    out: Annotated[Path, typer.Option("-o", "--output", help="Folder to write; one that is there is refused.")],
    to: Annotated[To, typer.Option("--to", help="Format to write.")],
    form: Annotated[From | None, typer.Option("--from", help="Format of SOURCE; default: found out.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="Where SOURCE's names of pictures start; default: as the format has it.")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW", help="Rename a class; repeatable; others are then left out."),
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy the pictures; the default.")] = False,
    link: Annotated[bool, typer.Option("--link", help="Link to the pictures where they lie.")] = False,
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="Write labels only.")] = False,
    val: Annotated[
        float | None, typer.Option("--split-val", min=0, max=100, help="Per cent of the pictures to validate on.")
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            "--split-mode",
            help="random: drawn by --split-seed; tao: the first ones by name, as TAO's random; sequence: by file.",
        ),
    ] = Mode.random,
    sequences: Annotated[
        Path | None, typer.Option("--split-sequences", help="JSON of --split-mode sequence: pictures by sequence.")
    ] = None,
    folds: Annotated[int, typer.Option("--split-folds", min=2, help="Parts that sequences are dealt to.")] = 5,
    fold: Annotated[int, typer.Option("--split-fold", min=0, help="The part to validate on.")] = 0,
    group_by: Annotated[
        str, typer.Option(metavar="BY", help="Keep on one side: source, prefix:REGEX or a column of manifest.csv.")
    ] = "",
    seed: Annotated[int, typer.Option("--split-seed", min=0, help="Another seed draws other pictures.")] = 42,
    near: Annotated[
        Near, typer.Option("--near-duplicates", help="On both sides of the split: list them, or keep on one side.")
    ] = Near.off,
    distance: Annotated[
        int, typer.Option("--near-distance", min=0, max=15, help="Bits of 64 in which near-duplicates may differ.")
    ] = 4,
) -> None:
    """Convert labelled pictures; tells what the new format cannot say. Exits with 1 when something was skipped."""
    from rich.console import Console

    from faceir.data.convert import Plan, parse_mapping
    from faceir.data.convert import convert as write
    from faceir.data.formats import FORMATS, guess

    if copy + link + no_pictures > 1:
        raise InputError("--copy, --link, --no-pictures", "say different things", "one of them")
    if not source.exists():
        raise InputError(source, "does not exist", "labelled pictures", "check the path")
    name = form.value if form else guess(source)
    plan = Plan(
        source, name, out, to.value, images, parse_mapping(mapping or []),
        "link" if link else "none" if no_pictures else "copy",
    )  # fmt: skip
    splitting = _Splitting(val, mode, sequences, folds, fold, group_by, seed, near, distance)
    splitting.check()
    with progress_bar(Console(stderr=True)) as bar:
        total = FORMATS[name].count(source)
        told: list[str] = []
        if splitting.wanted:
            plan = splitting.applied(plan, _advance(bar, "looking", total), told)
        result = write(plan, _advance(bar, "converting", total))
    _tell(plan, result, told)
    if result.skips:
        raise typer.Exit(1)


def _advance(bar: Progress, what: str, total: int) -> Callable[[], None]:
    task = bar.add_task(what, total=total, rate="pictures")
    return lambda: bar.advance(task)


@dataclass(frozen=True)
class _Splitting:
    """The options on splits, and what they make of a plan."""

    val: float | None
    mode: Mode
    sequences: Path | None
    folds: int
    fold: int
    group_by: str
    seed: int
    near: Near
    distance: int

    @property
    def new(self) -> bool:
        """Whether pictures are dealt anew."""
        return self.val is not None or self.mode is Mode.sequence

    @property
    def wanted(self) -> bool:
        """Whether the pictures have to be looked at first."""
        return self.new or self.near is not Near.off

    def check(self) -> None:
        """Raise `InputError` for options that do not go together."""
        if self.mode is Mode.sequence and (self.sequences is None or self.fold >= self.folds):
            raise InputError(
                "--split-mode sequence", f"has the file {self.sequences} and fold {self.fold} of {self.folds}",
                "--split-sequences FILE, and a --split-fold below --split-folds",
            )  # fmt: skip
        if self.mode is not Mode.sequence and self.sequences is not None:
            raise InputError("--split-sequences", "is for another mode", "--split-mode sequence")
        if self.mode is Mode.sequence and self.val is not None:
            raise InputError("--split-val", "does not go with sequences, which have folds", "--split-folds")
        if self.group_by and not self.new:
            raise InputError("--group-by", "nothing is split", "a share to validate on", "add --split-val 20")
        if self.near is Near.move and not self.new:
            raise InputError("--near-duplicates move", "nothing is split", "a share", "add --split-val 20, or list")

    def applied(self, plan: Plan, on_item: Callable[[], None], told: list[str]) -> Plan:
        """The plan with the new split and what there is to report of it; `told` gets lines for the terminal."""
        import numpy as np

        from faceir.data.entry import Classes
        from faceir.data.partition import grouping, joined
        from faceir.data.survey import survey

        looks = self.near is not Near.off
        found = survey(plan.entries(Classes()), grouping(self.group_by) if self.group_by else None, looks, on_item)
        pairs = found.near_pairs(self.distance) if looks else np.zeros((0, 2), np.int64)
        groups = np.array(found.groups, np.int64)
        together = joined(groups, pairs) if self.near is Near.move else groups
        splits = ["val" if v else "train" for v in self._mask(found, together)] if self.new else found.splits
        notes: list[Mapping[str, Any]] = list(found.crossing(pairs, splits))
        if looks:
            told.append(f"near-duplicates: {len(pairs)} pairs, {len(notes)} of them across splits")
        if found.flat:
            told.append(f"{found.flat} pictures without contrast were not compared")
        if found.unhashed:
            told.append(f"{len(found.unhashed)} pictures that cannot be read were not compared")
            notes += [{"kind": "not compared", "where": e.where, "came": e.came} for e in found.unhashed]

        def split(number: int, entry: Entry) -> str:
            return splits[number]

        return replace(plan, splits=split, notes=notes)

    def _mask(self, found: Survey, together: Groups) -> Mask:
        from faceir.data import partition

        share = (self.val or 0) / 100
        if self.mode is Mode.random:
            return partition.by_groups(together, share, self.seed)
        if self.mode is Mode.tao:
            mask = partition.first_share(found.names, share)
        else:
            assert self.sequences is not None
            stated = partition.read_sequences(self.sequences)
            mask = partition.by_sequences(found.stems, stated, self.folds, self.fold, self.sequences)
        return partition.to_training(mask, together)


def _tell(plan: Plan, result: Result, told: list[str]) -> None:
    from faceir.data.convert import REPORT
    from faceir.data.targets import TARGETS

    for line in result.skipped:
        say_error(f"skipped {line}")
    classes = ", ".join(result.classes) or "no class"
    print(f"{plan.out}: {result.pictures} pictures, {result.faces} faces ({classes}), {plan.form} to {plan.target}")
    if any(result.splits):
        print("splits: " + ", ".join(f"{name or 'none'} {n}" for name, n in sorted(result.splits.items())))
    for line in told:
        print(line)
    print(f"{plan.target} is exact to: {TARGETS[plan.target].precision}")
    for title, counts in ((f"{plan.target} cannot say", result.lost), ("not carried over", result.unsaid)):
        for what, n in sorted(counts.items()):
            print(f"{title}: {what}: {n}")
    if result.skips:
        print(f"skipped: {result.skips}")
    if result.skips or result.lost or result.unsaid or plan.notes:
        print(f"each is named in {plan.out / REPORT}")
