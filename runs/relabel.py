"""Labels of a data set as a net would put them right, written beside links to its pictures (self-training).

    python runs/relabel.py DATASET OUT [--model models/pruned_v1.safetensors] [--split train]

The net looks at each picture and at its mirror image, at its own size and at the double; what both orientations show,
at a score of 0.3 or more (of the two the lower), is seen. A region to ignore with such a face in it becomes a face.
A face without a label becomes one from a score of 0.65 and 10 px of height on, and is ignored from 0.45, or below
16 px, as nearly all that is so small and seen is a face; the rest stays background, as half of it is. These are
scores of a net whose threshold is 0.65; those of another lie as far from its own threshold, in log-odds, unless that
is below 0.3, as fresh from training, and says nothing. Sets whose pictures all come without a label are left as they
are. Classes other than face are not written again.
`OUT/changes.csv` lists what was changed.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from faceir import boxes
from faceir.data import kitti
from faceir.data.check.seen_rules import score_for
from faceir.detections import DONT_CARE, Detections
from faceir.errors import FaceirError, InputError
from faceir.flow import Image
from faceir.train.detector import TorchDetector

SAME_IOU = 0.45
TINY, LEAST_FACE, LEAST_PROMOTED = 16, 10, 7  # px of height, in the picture


@dataclass(frozen=True)
class Scores:
    """From which on something is seen, perhaps a face, surely one."""

    seen: float
    doubtful: float
    sure: float

    @staticmethod
    def of(threshold: float) -> Scores:
        """Of a net whose faces count from `threshold`, 0..1."""
        return Scores(*(score_for(threshold, score) for score in (0.3, 0.45, 0.65)))


@dataclass
class Look:
    """Asks a net at one size of its input, in both orientations."""

    detector: TorchDetector

    @staticmethod
    def of(detector: TorchDetector, times: int, scores: Scores) -> Look:
        """The net of `detector` on an input `times` as wide and as high."""
        fit = detector.contract.fit
        fit = replace(fit, size_wh=(times * fit.size_wh[0], times * fit.size_wh[1]))
        contract = replace(detector.contract, fit=fit).with_threshold(scores.seen)
        return Look(TorchDetector(detector.net, contract))

    def __call__(self, gray: Image) -> Detections:
        """Faces that `gray` `[H,W]` and its mirror image both show: mean box, lower score."""
        found, mirrored = self.detector([gray, np.ascontiguousarray(gray[:, ::-1])])
        back = mirrored.xyxy.copy()
        back[:, [0, 2]] = gray.shape[1] - back[:, [2, 0]]
        if not len(found) or not len(mirrored):
            return found[:0]
        overlap = boxes.iou(found.xyxy, back)
        twin = overlap.argmax(axis=1)
        both = replace(
            found, xyxy=(found.xyxy + back[twin]) / 2, scores=np.minimum(found.scores, mirrored.scores[twin])
        )
        return both[overlap.max(axis=1) > SAME_IOU]


def put_right(truth: Detections, seen: Detections, scores: Scores) -> tuple[Detections, list[str]]:
    """`truth` with what `seen` (surest first) adds to it, and of each of its rows what changed: "", or why."""
    heights = seen.xyxy[:, 3] - seen.xyxy[:, 1]
    xyxy, labels = truth.xyxy.copy(), truth.labels.copy()
    changed = [""] * len(truth)
    for n in np.flatnonzero(labels == DONT_CARE):
        faces = xyxy[labels != DONT_CARE]
        for face in seen.xyxy[(boxes.iou(xyxy[n : n + 1], seen.xyxy)[0] > SAME_IOU) & (heights >= LEAST_PROMOTED)][:1]:
            if boxes.iou(face[None], faces).max(initial=0) <= 0.3:
                xyxy[n], labels[n], changed[n] = face, 0, "ignored before, a face now"
    parts = [replace(truth, xyxy=xyxy, labels=labels)]
    for box, score, height in zip(seen.xyxy, seen.scores, heights, strict=True):
        known = np.concatenate([part.xyxy for part in parts])
        centre = (box[:2] + box[2:]) / 2
        if ((known[:, :2] < centre) & (known[:, 2:] > centre)).all(1).any() or boxes.iou(box[None], known).max(
            initial=0
        ) > 0.2:
            continue
        face = score >= scores.sure and height >= LEAST_FACE
        if face or height < TINY or score >= scores.doubtful:
            label = 0 if face else DONT_CARE
            parts.append(
                Detections(box[None], np.ones(1, np.float32), np.array([label]), occlusion=np.array([-1], np.int8))
            )
            changed.append("a face without a label" if face else "perhaps a face, ignored now")
    return Detections.concat(parts), changed


def relabel(dataset: Path, out: Path, model: Path, split: str) -> None:
    """Write `out`: links to the pictures of `dataset`, the labels of `split` put right, the others as they are."""
    if out.exists():
        raise InputError(out, "is there already", "a new folder", f"remove it first: rm -r {out}")
    items = kitti.find(dataset)
    if split and not any(item.about.get("split") == split for item in items):
        raise InputError(dataset, f"has no picture of the split {split!r}", "a manifest.csv with it", "all: --split ''")
    detector = TorchDetector.load(model)
    scores = Scores.of(detector.contract.cluster[0].confidence_threshold)
    Console().print(
        f"{model}: seen from {scores.seen:.2f}, ignored from {scores.doubtful:.2f}, faces from {scores.sure:.2f}"
    )
    looks = [Look.of(detector, times, scores) for times in (1, 2)]
    with_faces = {item.source for item in items if item.label_data()}
    changes = []
    for item in track(items, "pictures"):
        picture, label = item.named(dataset)
        link(out / picture, item.picture)
        new = out / label
        new.parent.mkdir(parents=True, exist_ok=True)
        if item.source not in with_faces or (split and item.about.get("split") != split):
            link(new, item.label)
            continue
        gray = kitti.read_image(item.picture, colour=False)
        seen = Detections.concat([look(gray) for look in looks])
        truth = kitti.read_truth(item, {"face": "face"}, ("face",))
        right, why = put_right(truth, seen[np.argsort(-seen.scores, kind="stable")], scores)
        new.write_text(kitti.format_lines(right, ("face",), with_scores=False), encoding="utf-8")
        changes += [
            (reason, picture, *(f"{v:.1f}" for v in box)) for reason, box in zip(why, right.xyxy, strict=True) if reason
        ]
    for name in ("manifest.csv", "sources.toml"):
        if (dataset / name).exists():
            link(out / name, dataset / name)
    with (out / "changes.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("what", "picture", "x1", "y1", "x2", "y2"), *changes])
    Console().print(f"{len(changes)} changes, listed in {out / 'changes.csv'}")


def link(path: Path, target: Path) -> None:
    """A symbolic link at `path` to `target`, where that exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        path.symlink_to(target.resolve())


def main() -> None:
    """Read the arguments and write the new labels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", type=Path, default=Path("models/pruned_v1.safetensors"))
    parser.add_argument("--split", default="train", help="the other pictures keep their labels; empty = all")
    args = parser.parse_args()
    try:
        relabel(args.dataset, args.out, args.model, args.split)
    except FaceirError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
