"""How many planted label faults does `faceir dataset check` find, and how many good labels does it blame?

    python benchmarks/check_planted.py DATA [-m MODEL] [--rounds 10] [--tune] [--wrong docs/labels/wrong_val.csv]

Of the sets of DATA that people labelled, the split `val`, which the packaged detector did not train on, is looked at
once. Each round then plants 200 faults, 40 of each kind, into the labels of faces from 16 px at the network's scale:

shifted      a box moved so that it overlaps the true one by 30 to 50 %
scaled       a box larger or smaller, overlapping by 30 to 50 %
missing      a box removed
duplicated   a box drawn a second time, each edge up to 8 % off
mislabelled  one half: the face named "person"; the other: the box moved to a place without a face

A fault is found when a finding names its line or, where a true face lost its box, proposes one there. False alarms are
findings of the same rules on lines that nothing was done to, and proposed faces where no box was taken away. Labels
that were looked at one by one and found wrong (`--wrong`, docs/labels/wrong_val.csv) are no good labels: before
anything is planted, a label without a face is taken out, and a face without a label becomes a DontCare region. Others
that are wrong as they came, above all boxes that are drawn badly, are not in that list and count as false alarms.
The pictures are parted in two halves: `--tune` tries limits on the first, the table is of the second.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from faceir import boxes
from faceir.data import kitti
from faceir.data.check.finding import Finding, Xyxy
from faceir.data.check.label_rules import LABEL_RULES
from faceir.data.check.labelled import Labelled, Row, read
from faceir.data.check.look import look
from faceir.data.check.run import hold
from faceir.data.check.seen_rules import Limits
from faceir.detections import Detections
from faceir.evaluate.interval import wilson
from faceir.fit import Fit
from faceir.verbs.open import open_detector

SETS = ("masks_street", "driver_colour", "selfies", "portraits_governors", "portraits_house", "portraits_senate",
        "portraits_stock")  # fmt: skip
KINDS = ("shifted", "scaled", "missing", "duplicated", "mislabelled")
CODES = ("box-not-tight", "face-unlabelled", "face-unseen", "class-wrong", "box-duplicate", "box-nested")
EACH = 40
LEAST_HEIGHT, LARGE = 16.0, 24.0  # network px
SIZES = ("below 24 px", "from 24 px")
WRONG = Path(__file__).parent.parent / "docs" / "labels" / "wrong_val.csv"
Seen = tuple[Labelled, Detections]
Wrong = Mapping[str, Sequence[tuple[int, Xyxy]]]
"""Of a picture its wrong labels: line and box; line 0 is a face without a label."""


@dataclass(frozen=True)
class Fault:
    picture: int
    kind: str
    line: int
    """That a finding may name; 0 = none is left."""
    true: Xyxy


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    return float(boxes.iou(np.array([a], np.float32), np.array([b], np.float32))[0, 0])


def slipped(row: Row, size_wh: tuple[int, int], rng: np.random.Generator, scaled: bool) -> Xyxy | None:
    """A box inside the picture that overlaps the row's by 30 to 50 %; None when none was drawn."""
    x1, y1, x2, y2 = row.xyxy
    w, h = x2 - x1, y2 - y1
    for _ in range(200):
        if scaled:
            f = np.exp(rng.uniform(-0.7, 0.7))
            dx, dy, fw, fh = 0.0, 0.0, f, f * rng.uniform(0.9, 1.1)
        else:
            dx, dy, fw, fh = *rng.uniform(-0.6, 0.6, 2), 1.0, 1.0
        cx, cy = (x1 + x2) / 2 + dx * w, (y1 + y2) / 2 + dy * h
        box = (cx - fw * w / 2, cy - fh * h / 2, cx + fw * w / 2, cy + fh * h / 2)
        inside = box[0] >= 0 and box[1] >= 0 and box[2] <= size_wh[0] and box[3] <= size_wh[1]
        if inside and 0.3 <= iou(box, row.xyxy) <= 0.5:
            return tuple(round(float(edge), 1) for edge in box)  # type: ignore[return-value]
    return None


def elsewhere(labelled: Labelled, row: Row, rng: np.random.Generator) -> Xyxy | None:
    """A box of the same size away from every labelled one; None when there is no room."""
    width, height = labelled.size_wh or (0, 0)
    w, h = row.xyxy[2] - row.xyxy[0], row.xyxy[3] - row.xyxy[1]
    for _ in range(200):
        x, y = rng.uniform(0, max(width - w, 0)), rng.uniform(0, max(height - h, 0))
        box = (float(x), float(y), float(x + w), float(y + h))
        if x + w <= width and y + h <= height and all(iou(box, r.xyxy) < 0.02 for r in labelled.rows):
            return box
    return None


def with_box(row: Row, xyxy: Xyxy, line: int | None = None) -> Row:
    return replace(row, xyxy=xyxy, line=line or row.line)


def plant(seen: Sequence[Seen], fit: Fit, rng: np.random.Generator) -> tuple[list[Seen], list[Fault]]:
    """The pictures with one fault at most in each row, `EACH` of each kind as far as there is room."""
    places = [
        (n, row)
        for n, (labelled, _) in enumerate(seen)
        for row in labelled.faces
        if labelled.size_wh
        and (row.xyxy[3] - row.xyxy[1]) * fit.placement(labelled.size_wh).scale_xy[1] >= LEAST_HEIGHT
    ]
    rows = [list(labelled.rows) for labelled, _ in seen]
    left, faults = Counter(dict.fromkeys(KINDS, EACH)), []
    for at in rng.permutation(len(places)).tolist():
        n, row = places[at]
        labelled = seen[n][0]
        wanted = [kind for kind in KINDS if left[kind]]
        if not wanted:
            break
        kind = max(wanted, key=lambda k: left[k])
        put = spoilt(labelled, row, kind, left[kind] % 2 == 0, rng, len(rows[n]))
        if put is not None:
            new, line = put
            rows[n] = [r for r in rows[n] if r.line != row.line] + new
            faults.append(Fault(n, kind, line, row.xyxy))
            left[kind] -= 1
    return [(replace_rows(labelled, of), found) for (labelled, found), of in zip(seen, rows, strict=True)], faults


def spoilt(
    labelled: Labelled, row: Row, kind: str, other: bool, rng: np.random.Generator, count: int
) -> tuple[list[Row], int] | None:
    """The rows in place of `row`, and the line that a finding may name."""
    match kind:
        case "missing":
            return [], 0
        case "duplicated":
            w, h = row.xyxy[2] - row.xyxy[0], row.xyxy[3] - row.xyxy[1]
            off = rng.uniform(-0.08, 0.08, 4) * (w, h, w, h)
            box = tuple(float(a + b) for a, b in zip(row.xyxy, off, strict=True))
            return [row, with_box(row, box, 1000 + count)], 1000 + count  # type: ignore[arg-type]
        case "mislabelled" if other:
            return [replace(row, fields=("person", *row.fields[1:]))], row.line
    size = labelled.size_wh or (0, 0)
    moved = elsewhere(labelled, row, rng) if kind == "mislabelled" else slipped(row, size, rng, kind == "scaled")
    return None if moved is None else ([with_box(row, moved)], row.line)


def read_wrong(path: Path) -> Wrong:
    """The wrong labels of a list."""
    found = defaultdict[str, list[tuple[int, Xyxy]]](list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            x1, y1, x2, y2 = (float(row[edge]) for edge in ("x1", "y1", "x2", "y2"))
            found[row["picture"]].append((int(row["line"]), (x1, y1, x2, y2)))
    return found


def mended(labelled: Labelled, wrong: Wrong) -> Labelled:
    """Without labels of no face, and with a region to ignore where a face has no label."""
    known = wrong.get(labelled.picture, ())
    without = {line for line, _ in known} - {0}
    rows = [row for row in labelled.rows if row.line not in without]
    for number, (_, xyxy) in enumerate((one for one in known if one[0] == 0), 5000):
        rows.append(Row(number, ("DontCare", *"0" * 14), 0.0, -1.0, xyxy))
    return replace_rows(labelled, rows)


def replace_rows(labelled: Labelled, rows: Sequence[Row]) -> Labelled:
    fields = {name: getattr(labelled, name) for name in labelled.__dataclass_fields__}
    return Labelled(**{**fields, "rows": tuple(rows), "classes": ("face",)})


def findings_of(seen: Sequence[Seen], fit: Fit, limits: Limits) -> dict[str, list[Finding]]:
    found = hold(seen, CODES, fit, limits).findings
    for labelled, _ in seen:
        found += [f for code in ("box-duplicate", "box-nested") for f in LABEL_RULES[code](labelled)]
    by_picture: dict[str, list[Finding]] = {labelled.picture: [] for labelled, _ in seen}
    for finding in found:
        by_picture[finding.picture].append(finding)
    return by_picture


def explains(finding: Finding, fault: Fault) -> bool:
    """Whether the finding is about the fault."""
    if fault.line and finding.line == fault.line:
        return True
    near = finding.xyxy is not None and iou(finding.xyxy, fault.true) > 0.4
    return near and (finding.code == "face-unlabelled" or fault.kind == "duplicated")


@dataclass
class Tally:
    """Counts by kind, and of faces below 24 px apart from those from there up."""

    planted: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    faces: Counter[str] = field(default_factory=Counter)
    """Untouched ones from 16 px up."""
    blamed: Counter[str] = field(default_factory=Counter)
    pictures: int = 0
    """Without a fault."""
    blamed_pictures: int = 0
    alarms: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        seen: Sequence[Seen],
        faults: Sequence[Fault],
        by_picture: dict[str, list[Finding]],
        half: int | None,
        fit: Fit,
    ) -> None:
        for n, (labelled, _) in enumerate(seen):
            if half is None or n % 2 == half:
                scale = fit.placement(labelled.size_wh or fit.size_wh).scale_xy[1]
                mine = [fault for fault in faults if fault.picture == n]
                self._add(labelled, mine, by_picture[labelled.picture], scale)

    def _add(self, labelled: Labelled, mine: Sequence[Fault], findings: Sequence[Finding], scale: float) -> None:
        def size(xyxy: Xyxy) -> str:
            return SIZES[(xyxy[3] - xyxy[1]) * scale >= LARGE]

        for fault in mine:
            self.planted[fault.kind, size(fault.true)] += 1
            self.found[fault.kind, size(fault.true)] += any(explains(f, fault) for f in findings)
        touched = {fault.line for fault in mine}
        alarms = [f for f in findings if not any(explains(f, fault) for fault in mine) and f.line not in touched - {0}]
        for row in labelled.faces:
            if row.line not in touched and (row.xyxy[3] - row.xyxy[1]) * scale >= LEAST_HEIGHT:
                self.faces[size(row.xyxy)] += 1
        for finding in {f.line or -n: f for n, f in enumerate(alarms, 1)}.values():  # a line is blamed once
            self.blamed[size(finding.xyxy or (0, 0, 0, 0))] += 1
        self.alarms.update(f.code for f in alarms)
        if not mine:
            self.pictures += 1
            self.blamed_pictures += bool(alarms)

    @property
    def recall(self) -> float:
        return self.found.total() / self.planted.total()

    @property
    def false(self) -> float:
        return self.blamed.total() / self.faces.total()


def tally(seen: Sequence[Seen], fit: Fit, limits: Limits, rounds: int, half: int | None) -> Tally:
    total = Tally()
    for number in range(rounds):
        spoilt_, faults = plant(seen, fit, np.random.default_rng(number))
        total.add(spoilt_, faults, findings_of(spoilt_, fit, limits), half, fit)
    return total


def tune(seen: Sequence[Seen], fit: Fit, start: Limits) -> None:
    """Prints what limits do on the first half: the best recall of those with fewer than 5 % false alarms first."""
    tried = []
    grid = {
        "tight": (0.5, 0.55, 0.6),
        "tight_small": (0.45, 0.5),
        "sure": (0.9 * start.sure, start.sure),
        "surely_high": (1.25, 1.5),
    }
    for values in itertools.product(*grid.values()):
        limits = dict(zip(grid, values, strict=True))
        t = tally(seen, fit, replace(start, **limits), 3, 0)
        tried.append((t.false < 0.05, t.recall, t.false, limits))
    for _, recall, false, limits in sorted(tried, key=lambda t: t[:3], reverse=True)[:12]:
        print(f"recall {recall:.3f} false {false:.3f} {limits}")


def lines(t: Tally) -> Iterator[str]:
    for kind, size in itertools.product((*KINDS, "all"), (*SIZES, "all")):
        keys = [(k, s) for k, s in t.planted if kind in (k, "all") and size in (s, "all")]
        yield _line(f"{kind:12} {size:12} found", sum(t.found[k] for k in keys), sum(t.planted[k] for k in keys))
    for size in (*SIZES, "all"):
        keys = [s for s in SIZES if size in (s, "all")]
        yield _line(f"untouched    {size:12} blamed", sum(t.blamed[k] for k in keys), sum(t.faces[k] for k in keys))
    yield _line(f"pictures without a fault {'':7}blamed"[:32], t.blamed_pictures, t.pictures)
    yield f"alarms by rule: {dict(t.alarms)}"


def _line(words: str, count: int, of: int) -> str:
    low, high = wilson(count, max(of, 1))
    return f"{words:32} {count:5} of {of:5}  {count / max(of, 1):6.1%}  {low:.1%} to {high:.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-m", "--model", default="default")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--most", type=int, default=10**9, help="so many pictures at most, drawn at random")
    parser.add_argument("--whole", action="store_true", help="of all pictures, for sets that no limit was chosen on")
    parser.add_argument("--wrong", type=Path, default=WRONG, help="labels known to be wrong")
    args = parser.parse_args()
    items = [item for item in kitti.walk(args.data, kitti.Filter("val")) if item.source in args.sets]
    items = [items[n] for n in np.random.default_rng(7).permutation(len(items))[: args.most]]
    opened, wrong = open_detector(args.model), read_wrong(args.wrong)
    start, seen = time.perf_counter(), list[Seen]()
    for n in range(0, len(items), 16):
        batch = items[n : n + 16]
        images = [kitti.decode(item.picture_data(), item.picture, colour=False) for item in batch]
        labelled = [mended(read(item, args.data, ("face",)), wrong) for item in batch]
        seen += zip(labelled, look(images, opened.detector), strict=True)
    fit, limits = opened.contract.fit, Limits.of(opened.threshold)
    faces, seconds = sum(len(picture.faces) for picture, _ in seen), time.perf_counter() - start
    left_out = sum(len(wrong.get(picture.picture, ())) for picture, _ in seen)
    print(f"{len(items)} pictures, {faces} faces, looked at in {seconds:.0f} s; {left_out} labels left out as wrong")
    if args.tune:
        tune(seen, fit, limits)
    half = None if args.whole else 1
    print(f"{'all pictures' if args.whole else 'second half'}, {args.rounds} rounds; share with 95 % interval,")
    print("too narrow as the rounds share their pictures")
    for line in lines(tally(seen, fit, limits, args.rounds, half)):
        print(line)


if __name__ == "__main__":
    main()
