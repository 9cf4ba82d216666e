"""A whole data set held against the rules: headers and labels in a pool of processes, then what a detector sees."""

from __future__ import annotations

import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from faceir.data import kitti, shards
from faceir.data.check.alike import Print, alike, print_of
from faceir.data.check.finding import RULES, Finding, ranked
from faceir.data.check.habit import Habit, Pairs, habit_of, pairs_of
from faceir.data.check.label_rules import LABEL_RULES
from faceir.data.check.labelled import Labelled, array, read
from faceir.data.check.look import look
from faceir.data.check.seen_rules import SEEN_RULES, Limits, Seen
from faceir.detections import Detections
from faceir.errors import FaceirError, InputError
from faceir.fit import Fit
from faceir.flow import Detector

__all__ = ["Checked", "check_alike", "check_labels", "check_seen", "codes_of", "hold"]

_CHUNK = 128  # pictures that a process takes at a time
_BATCH = 16
_HABIT_OVERLAP = 0.85  # IoU from which on a habit is not worth telling
_T = TypeVar("_T")
_Tick = Callable[[int], None]
"""Called with the number of pictures that are done."""


@dataclass
class Checked:
    """What was looked at, and what was found."""

    pictures: int = 0
    boxes: int = 0
    findings: list[Finding] = field(default_factory=list)
    sha256: dict[str, str | None] = field(default_factory=dict)
    """Of the label files of pictures with findings; None = there was none."""
    left_out: list[FaceirError] = field(default_factory=list)
    """Pictures that the detector could not be shown."""
    too_small: int = 0
    """Labelled faces that are too low for a detector to judge."""

    def add(self, other: Checked) -> None:
        """Take in what another part found."""
        self.pictures += other.pictures
        self.boxes += other.boxes
        self.findings += other.findings
        self.sha256 |= other.sha256
        self.left_out += other.left_out
        self.too_small += other.too_small

    def keep(self, labelled: Labelled, findings: Iterable[Finding]) -> None:
        """Take in what was found of one picture."""
        before = len(self.findings)
        self.findings += findings
        if len(self.findings) > before:
            self.sha256[labelled.label] = labelled.sha256

    def ranked(self) -> list[Finding]:
        """The worst first."""
        return ranked(self.findings)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Of each code that found something: findings, and pictures that have one."""
        found = Counter(f.code for f in self.findings)
        pictures = Counter(code for code, _ in {(f.code, f.picture) for f in self.findings})
        return {code: (found[code], pictures[code]) for code in RULES if code in found}


def codes_of(text: str) -> frozenset[str]:
    """The codes in "CODE,CODE"; all when it is empty. Raises `InputError` for one that is none."""
    codes = frozenset(part.strip() for part in text.split(",") if part.strip())
    unknown = sorted(codes - RULES.keys())
    if unknown:
        raise InputError("--rules", f"{unknown[0]!r} is no rule", ", ".join(RULES))
    return codes or frozenset(RULES)


def check_labels(
    items: Sequence[kitti.Item], root: Path, classes: Sequence[str], codes: Collection[str], workers: int,
    tick: _Tick = lambda _: None,
) -> Checked:  # fmt: skip
    """All rules that need no decoded picture, in `workers` processes."""
    checked = Checked()
    work = partial(_label_part, root=root, classes=tuple(classes), codes=frozenset(codes))
    for part in _spread(work, items, workers, tick):
        checked.add(part)
    if "label-orphan" in codes and not (root / "manifest.csv").exists() and not shards.is_sharded(root):
        checked.findings += _orphans(items, root)
    if "label-shared" in codes:
        checked.findings += _shared(items, root)
    return checked


def _label_part(items: Sequence[kitti.Item], root: Path, classes: Sequence[str], codes: frozenset[str]) -> Checked:
    checked = Checked()
    for item in items:
        labelled = read(item, root, classes)
        checked.pictures += 1
        checked.boxes += len(labelled.rows)
        checked.keep(labelled, (f for code, rule in LABEL_RULES.items() if code in codes for f in rule(labelled)))
    return checked


def _orphans(items: Iterable[kitti.Item], root: Path) -> Iterator[Finding]:
    """Label files beside those of `items` that no picture has; a manifest would leave pictures out on purpose."""
    named = defaultdict[Path, set[str]](set)
    for item in items:
        named[item.label.parent].add(item.label.name)
    for folder, names in named.items():
        for path in sorted(folder.glob("*.txt")):
            if path.name not in names:
                yield Finding("label-orphan", "", path.relative_to(root).as_posix(), f"no picture is named {path.stem}")


def _shared(items: Iterable[kitti.Item], root: Path) -> Iterator[Finding]:
    """Pictures whose label file is that of an earlier one: of one name but for the ending, or listed twice."""
    first: dict[str, str] = {}
    for item in items:
        picture, label = item.named(root)
        before = first.get(label)
        first.setdefault(label, picture)
        if before is not None:
            words = "is listed twice" if before == picture else f"has the label file of {before}"
            yield Finding("label-shared", picture, label, words, 1.0, other=before)


def check_alike(
    items: Sequence[kitti.Item], root: Path, codes: Collection[str], workers: int, tick: _Tick = lambda _: None
) -> list[Finding]:
    """Pictures that are there twice; every picture is read whole and decoded small."""
    prints: list[Print] = []
    for part in _spread(partial(_print_part, root=root), items, workers, tick):
        prints += part
    return [finding for finding in alike(prints) if finding.code in codes]


def _print_part(items: Sequence[kitti.Item], root: Path) -> list[Print]:
    prints = (print_of(item, *item.named(root)) for item in items)
    return [one for one in prints if one is not None]


def _spread(
    work: Callable[[Sequence[kitti.Item]], _T], items: Sequence[kitti.Item], workers: int, tick: _Tick
) -> Iterator[_T]:
    """`work` on chunks of `items`, in order; in this process when there is one worker or little to do."""
    chunks = [items[n : n + _CHUNK] for n in range(0, len(items), _CHUNK)]
    if workers <= 1 or len(chunks) <= workers:
        for chunk in chunks:
            yield work(chunk)
            tick(len(chunk))
        return
    # Spawned: a forked process would inherit the locks of threads that it does not have.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for chunk, done in zip(chunks, pool.map(work, chunks), strict=True):
            yield done
            tick(len(chunk))


def check_seen(
    items: Sequence[kitti.Item], root: Path, classes: Sequence[str], codes: Collection[str], detector: Detector,
    fit: Fit, tick: _Tick = lambda _: None, threshold: float | None = None,
) -> Checked:  # fmt: skip
    """All rules that need a detector, which must give faces of every score.

    `fit` is the detector's, and so is `threshold`, from which on its faces count; None = it states none.
    """
    seen, left_out = list[tuple[Labelled, Detections]](), list[FaceirError]()
    for n in range(0, len(items), _BATCH):
        batch = items[n : n + _BATCH]
        seen += _looked(batch, root, classes, detector, left_out)
        tick(len(batch))
    checked = hold(seen, codes, fit, Limits.of(threshold))
    checked.left_out = left_out
    return checked


def hold(
    seen: Sequence[tuple[Labelled, Detections]], codes: Collection[str], fit: Fit, limits: Limits | None = None
) -> Checked:
    """Labels held against what a detector saw in their pictures; the habit of each set is learnt from all of them."""
    checked, pairs = Checked(), defaultdict[str, list[Pairs]](list)
    for labelled, found in seen:
        pairs[labelled.source].append(pairs_of(array(labelled.faces), found.xyxy, found.scores))
    habits = {source: habit_of(of_set) for source, of_set in pairs.items()}
    for labelled, found in seen:
        scale = fit.placement(labelled.size_wh or fit.size_wh).scale_xy[1]
        one = Seen.of(labelled, found, scale, habits[labelled.source], limits or Limits())
        checked.pictures += 1
        checked.boxes += len(labelled.rows)
        checked.too_small += sum(not one.judged(row.xyxy) for row in labelled.faces)
        checked.keep(labelled, (f for code, rule in SEEN_RULES.items() if code in codes for f in rule(one)))
    if "boxes-loose" in codes:
        checked.findings += [f for source, habit in sorted(habits.items()) for f in _loose(source, habit)]
    return checked


def _looked(
    batch: Sequence[kitti.Item],
    root: Path,
    classes: Sequence[str],
    detector: Detector,
    left_out: list[FaceirError],
) -> list[tuple[Labelled, Detections]]:
    labelled, images = [], []
    for item in batch:
        try:
            image = kitti.decode(item.picture_data(), item.picture, colour=False)
        except InputError as error:
            left_out.append(error)
            continue
        labelled.append(read(item, root, classes))
        images.append(image)
    return list(zip(labelled, look(images, detector), strict=True))


def _loose(source: str, habit: Habit) -> Iterator[Finding]:
    if habit.pairs and habit.overlap < _HABIT_OVERLAP:
        words = (
            f"boxes of {source or 'this set'} are {habit.wider:.2f} times as wide and {habit.higher:.2f} as high as "
            f"the detector's, {habit.right:+.2f} widths right and {habit.down:+.2f} heights down ({habit.pairs} faces)"
        )
        yield Finding("boxes-loose", "", "", words, 1 - habit.overlap)
