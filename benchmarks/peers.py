"""Face detectors side by side: the same gray pictures, fitted to 384 x 240, at equal precision, in one table.

    python benchmarks/peers.py [-d DATA] [--peers FOLDER] [--pictures N] [--markdown FILE] [NAME=DETECTOR ...]

Ours is the packaged model. Peers are scored where they are found and left out, with the reason, where not: YuNet and
UltraFace (ONNX files in FOLDER), OpenCV's Haar cascade, mediapipe, and any that is named as `faceir evaluate -m`
takes it: module:attribute, a file. Each is run on the clear pictures and under the faults of
`faceir.evaluate.stress.CONDITIONS`. Best accuracy is at the threshold that suits each detector best on these
pictures. Times are of the processor, one thread, in turns.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.progress import Progress

from faceir import Detector as Ours
from faceir import boxes
from faceir.boxes import FloatArray
from faceir.data import kitti
from faceir.data.guidelines import Rules
from faceir.detections import Detections
from faceir.errors import FaceirError, InputError
from faceir.evaluate import LEAST_SCORE, Rate, Scores, evaluate
from faceir.evaluate.stress import CONDITIONS, judge_under
from faceir.fit import Fit
from faceir.flow import Detector, Image
from faceir.verbs.open import open_detector

SHARED = Path(__file__).parents[2] / "shared"
FIT = Fit((384, 240))
USUAL_SCORE = 0.5
"""Threshold at which peers are timed: with every score there would be more boxes to sort than in use."""
MEASURES: Mapping[str, Callable[[Scores], Rate]] = {
    "AP": lambda s: s.ap,
    "recall at 99 % precision": lambda s: s.recall_at_p99,
    "best accuracy": lambda s: s.accuracy,
}


# --- adapters: gray pictures of 384 x 240 in, Detections out


def suppress(xyxy: FloatArray, scores: FloatArray, iou_max: float) -> Detections:
    """Of candidates `xyxy` `[N,4]`, `scores` `[N]` those that no better one overlaps by more than `iou_max`."""
    order = np.argsort(-scores, kind="stable")
    xyxy, scores = xyxy[order], scores[order]
    overlaps = boxes.iou(xyxy, xyxy) > iou_max
    gone = np.zeros(len(xyxy), np.bool_)
    for n in range(len(xyxy)):
        if not gone[n]:
            gone[n + 1 :] |= overlaps[n, n + 1 :]
    return Detections(xyxy[~gone], scores[~gone])


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class YuNet:
    """BGR 0..255, sides multiples of 32; three grids of score, objectness and box."""

    strides = (8, 16, 32)

    def __init__(self, path: Path, least: float = LEAST_SCORE) -> None:
        self._session, self._least = _session(path), least
        self._names = [output.name for output in self._session.get_outputs()]

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> Detections:
        height, width = image.shape
        padded = np.zeros((-(-height // 32) * 32, -(-width // 32) * 32), np.float32)
        padded[:height, :width] = image
        blob = np.repeat(padded[None, None], 3, axis=1)
        grids = dict(zip(self._names, self._session.run(None, {"input": blob}), strict=True))
        xyxy, scores = self.decode(grids, padded.shape[1], self._least)
        return suppress(boxes.clip(xyxy, (width, height)), scores, 0.3)

    @classmethod
    def decode(cls, grids: Mapping[str, FloatArray], width: int, least: float) -> tuple[FloatArray, FloatArray]:
        """Candidates from `cls_S`, `obj_S` `[1,N,1]` and `bbox_S` `[1,N,4]` of each stride S, rows first.

        A box is the centre's distance from its cell's corner and the logarithm of its size, in strides.
        """
        found_xyxy, found_scores = [], []
        for stride in cls.strides:
            scores = np.sqrt(np.clip(grids[f"cls_{stride}"], 0, 1) * np.clip(grids[f"obj_{stride}"], 0, 1))[0, :, 0]
            cell = np.flatnonzero(scores >= least)
            row, column = np.divmod(cell, width // stride)
            box = grids[f"bbox_{stride}"][0, cell]
            centre = box[:, :2] + np.stack([column, row], axis=1)
            half = np.exp(box[:, 2:]) / 2
            found_xyxy.append(np.concatenate([centre - half, centre + half], axis=1) * stride)
            found_scores.append(scores[cell])
        return np.concatenate(found_xyxy).astype(np.float32), np.concatenate(found_scores).astype(np.float32)


class UltraFace:
    """RGB (x - 127) / 128, 320 x 240 with a black margin (stretched it finds less); boxes as shares of that."""

    size_wh = (320, 240)

    def __init__(self, path: Path, least: float = LEAST_SCORE) -> None:
        self._session, self._least = _session(path), least

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> Detections:
        canvas, place = Fit(self.size_wh).apply(image)
        blob = np.repeat(((canvas.astype(np.float32) - 127) / 128)[None, None], 3, axis=1)
        scores, shares = self._session.run(["scores", "boxes"], {"input": blob})
        xyxy, kept = self.decode(scores, shares, self.size_wh, self._least)
        return suppress(place.to_image(xyxy), kept, 0.3)

    @staticmethod
    def decode(
        scores: FloatArray, shares: FloatArray, size_wh: tuple[int, int], least: float
    ) -> tuple[FloatArray, FloatArray]:
        """Candidates from `scores` `[1,N,2]` (no face, face) and `shares` `[1,N,4]`, x1 y1 x2 y2 as 0..1."""
        likely = scores[0, :, 1] >= least
        xyxy = boxes.scale(shares[0, likely], size_wh)
        xyxy[:, 2:] = np.maximum(xyxy[:, 2:], xyxy[:, :2])
        return boxes.clip(xyxy, size_wh), scores[0, likely, 1]


class Haar:
    """OpenCV's cascade of 2001; its weights become scores by a logistic curve."""

    def __init__(self, path: Path, least: float = LEAST_SCORE) -> None:
        self._cascade, self._least = cv2.CascadeClassifier(str(path)), least

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> Detections:
        xywh, _, weights = self._cascade.detectMultiScale3(image, 1.1, 1, minSize=(16, 16), outputRejectLevels=True)
        if len(xywh) == 0:
            return Detections()
        scores = 1 / (1 + np.exp(-np.ravel(weights).astype(np.float32)))
        found = Detections(boxes.from_xywh(np.asarray(xywh, np.float32)), scores)
        return found[found.scores >= self._least]


class MediaPipe:
    """BlazeFace, the long-range model."""

    def __init__(self, least: float = LEAST_SCORE) -> None:
        from mediapipe import solutions

        self._detector = solutions.face_detection.FaceDetection(model_selection=1, min_detection_confidence=least)

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> Detections:
        found = self._detector.process(np.repeat(image[:, :, None], 3, axis=2)).detections or []
        box = [face.location_data.relative_bounding_box for face in found]
        shares = np.array([[b.xmin, b.ymin, b.xmin + b.width, b.ymin + b.height] for b in box], np.float32)
        size_wh = (image.shape[1], image.shape[0])
        xyxy = boxes.clip(boxes.scale(shares.reshape(-1, 4), size_wh), size_wh)
        return Detections(xyxy, np.array([face.score[0] for face in found], np.float32))


# --- who takes part


@dataclass(frozen=True)
class Peer:
    """One detector: for scores it gives every face, for times those that it gives in use."""

    name: str
    every: Detector
    usual: Detector


def ours() -> Peer:
    """The packaged model."""
    opened = open_detector("default")
    return Peer(f"faceir {Path(opened.name).stem}", opened.detector, Ours(threads=1))


def peers(folder: Path, named: Sequence[str], tell: Callable[[str], None]) -> Iterator[Peer]:
    """All that are here; the others are told with the reason."""
    found: list[tuple[str, type[Any], Path]] = [
        ("YuNet n", YuNet, folder / "yunet_n_dynamic.onnx"),
        ("YuNet s", YuNet, folder / "yunet_s_dynamic.onnx"),
        ("UltraFace RFB-320", UltraFace, folder / "ultraface_rfb320.onnx"),
    ]
    cascade = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
    if hasattr(cv2, "CascadeClassifier"):
        found.append(("OpenCV Haar", Haar, cascade))
    else:
        tell(f"OpenCV Haar: left out, OpenCV {cv2.__version__} has no CascadeClassifier")
    for name, kind, path in found:
        if kind is not Haar and find_spec("onnxruntime") is None:
            tell(f"{name}: left out, onnxruntime is not installed")
        elif not path.exists():
            tell(f"{name}: left out, there is no {path}")
        else:
            yield Peer(name, kind(path), kind(path, USUAL_SCORE))
    if find_spec("mediapipe") is None:
        tell("mediapipe: left out, it is not installed")
    else:
        yield Peer("mediapipe", MediaPipe(), MediaPipe(USUAL_SCORE))
    for text in named:
        name, _, model = text.partition("=")
        if not model:
            raise InputError(text, "names no detector", "NAME=module:attribute or NAME=FILE")
        detector = open_detector(model).detector
        yield Peer(name, detector, detector)


# --- the pictures


@dataclass(frozen=True)
class Part:
    """Pictures that get rows of their own."""

    name: str
    items: Sequence[kitti.Item]
    rules: Rules


def parts(data: Path, most: int) -> list[Part]:
    """The real infrared sets and the rest of the validation split, each of `most` pictures, evenly chosen, 0 = all."""
    items = kitti.find(data, kitti.Filter("val"))
    infrared = sorted({item.source for item in items if item.source.startswith("ir_val")})
    named = [(name, [item for item in items if item.source == name], 16.0) for name in infrared]
    named.append(("validation", [item for item in items if not item.source.startswith("ir_")], 32.0))
    return [Part(f"{name}, faces from {low:.0f} px", _some(few, most), Rules(low)) for name, few, low in named if few]


def _some(items: Sequence[kitti.Item], most: int) -> Sequence[kitti.Item]:
    return [items[len(items) * n // most] for n in range(most)] if 0 < most < len(items) else items


# --- scores, times, table


def score(detector: Detector, part: Part, rounds: int) -> dict[str, Scores]:
    """By name of the condition."""
    judged = judge_under(part.items, detector, FIT, list(CONDITIONS.values()), part.rules)
    return {name: evaluate(judged[condition], rounds=rounds) for name, condition in CONDITIONS.items()}


def time_ms(detectors: Sequence[Detector], pictures: Sequence[Image], rounds: int = 7) -> list[float]:
    """Milliseconds of processor time a picture of each, the least of `rounds` in turns.

    Each runs one thread, so this is how long it takes on a quiet machine, whatever else runs on this one.
    """
    least = [np.inf] * len(detectors)
    for _ in range(rounds):
        for n, detector in enumerate(detectors):
            start = time.process_time()
            for picture in pictures:
                detector([picture])
            least[n] = min(least[n], 1000 * (time.process_time() - start) / len(pictures))
    return least


def table(names: Sequence[str], times: Sequence[float], scored: Mapping[str, Sequence[Mapping[str, Scores]]]) -> str:
    """Markdown; `scored` has for each part the scores of each detector by condition. The best of a row is bold."""
    rows = [
        ["set", "condition", "faces", "measure, %", *names],
        ["---", "---", "--:", "---", *["--:"] * len(names)],
        ["", "", "", "ms a picture, one thread", *_cells(times, [f"{ms:.1f}" for ms in times], best=min)],
    ]
    for part, detectors in scored.items():
        for condition in CONDITIONS:
            scores = [by_condition[condition] for by_condition in detectors]
            for measure, rate_of in MEASURES.items():
                rates = [rate_of(s) for s in scores]
                values = [-1 if r.value is None else r.value for r in rates]
                cells = _cells(values, [percent(r) for r in rates], best=max)
                rows.append([part, condition, str(scores[0].faces), measure, *cells])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(values: Sequence[float], shown: Sequence[str], best: Callable[[Sequence[float]], float]) -> list[str]:
    """`shown` with the best in bold, unless all are."""
    wins = [value == best(values) for value in values]
    return [f"**{text}**" if won and not all(wins) else text for won, text in zip(wins, shown, strict=True)]


def percent(rate: Rate) -> str:
    """Value and interval in per cent, "-" for what cannot be given."""
    if rate.value is None:
        return "-"
    if rate.low is None or rate.high is None:
        return f"{100 * rate.value:.1f}"
    return f"{100 * rate.value:.1f} [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"


def run(given: argparse.Namespace, console: Console) -> str:
    """The table of all that take part."""
    taking_part = [ours(), *peers(given.peers, given.named, lambda text: console.print(text, markup=False))]
    chosen = parts(given.dataset, given.pictures)
    scored: dict[str, list[dict[str, Scores]]] = {part.name: [] for part in chosen}
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=len(taking_part) * len(chosen))
        for peer in taking_part:
            for part in chosen:
                progress.update(bar, description=f"{peer.name} on {part.name}")
                if not console.is_terminal:  # where no bar is shown, as this takes minutes
                    console.print(f"{peer.name} on {part.name}", markup=False)
                scored[part.name].append(score(peer.every, part, given.rounds))
                progress.advance(bar)
    pictures = [FIT.apply(kitti.read_image(item.picture, colour=False))[0] for item in _some(chosen[0].items, 30)]
    times = time_ms([peer.usual for peer in taking_part], pictures)
    return table([peer.name for peer in taking_part], times, scored)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-d", "--dataset", type=Path, default=SHARED / "data", help="default: %(default)s")
    parser.add_argument("--peers", type=Path, default=SHARED / "peers", help="folder of ONNX files: %(default)s")
    parser.add_argument("--pictures", type=int, default=300, help="most of each set; 0 = all (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1000, help="of the bootstrap (default: %(default)s)")
    parser.add_argument("--markdown", type=Path, help="write the table here, too")
    parser.add_argument("named", nargs="*", metavar="NAME=module:attribute or NAME=FILE")
    given = parser.parse_args()
    console = Console(stderr=True)
    if not given.dataset.is_dir():
        console.print(f"skipped: there are no pictures in {given.dataset}; name them with -d")
        return
    try:
        text = run(given, console)
    except FaceirError as error:
        parser.exit(1, f"error: {error}\n")
    print(text, end="")
    if given.markdown:
        part = given.markdown.with_name(given.markdown.name + ".part")
        part.write_text(text, encoding="utf-8")
        os.replace(part, given.markdown)


if __name__ == "__main__":
    main()
