"""The same pictures under graded faults of an infrared camera: how far does a detector hold?

The faults are applied to the fitted gray picture, at the network's scale, so that a grade means the same for every
picture size and every detector. The noise of a picture depends on the seed and its name alone: all grades, all
detectors and all selections of pictures see the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from faceir import boxes
from faceir.boxes import FloatArray
from faceir.data import kitti
from faceir.data.augment import transform_boxes
from faceir.data.guidelines import Rules, ignore_by_rules
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.evaluate.interval import Rate
from faceir.evaluate.judged import Judged, group_of
from faceir.evaluate.scores import Scores, evaluate
from faceir.fit import Fit
from faceir.flow import Detector, Image

__all__ = [
    "CONDITIONS",
    "FAULTS",
    "Condition",
    "Fault",
    "FaultCurve",
    "Grade",
    "Stress",
    "faults_of",
    "judge_under",
    "spoil",
    "stress",
]

_Matrix: TypeAlias = npt.NDArray[np.float64]
_Spoilt: TypeAlias = tuple[Image, _Matrix | None]
Condition: TypeAlias = tuple[str, float]
"""A fault and its grade."""
Track: TypeAlias = Callable[[Sequence[Any], str], Iterable[Any]]
"""Hands on each of some things in turn and shows, if it likes, how far it is with what: `rich.progress.track`."""

DARK_NOISE_SIGMA = 3.0
"""8-bit steps; what the sensor adds in the dark."""
OVER_OFFSET_PER_GAIN = 25.0
"""8-bit steps of stray light for each unit of gain above 1: 30 at gain 2.2."""


@dataclass(frozen=True)
class Fault:
    """One way for a camera to fail."""

    unit: str
    """Of the grades, for people."""
    grades: tuple[float, ...]
    """From good to bad; the first changes nothing."""
    apply: Callable[[Image, float, np.random.Generator], _Spoilt]
    """The spoilt picture, of the same size, and the affine matrix `[2,3]` by which its content moved, if it did."""


def _sensed(light: FloatArray, rng: np.random.Generator, sigma: float = 0.0) -> Image:
    """8-bit picture of `light` with noise. Not the camera of the training, so that figures stay comparable."""
    noise = rng.standard_normal(light.shape, np.float32) * np.float32(sigma)
    return np.asarray(np.clip(light + noise + 0.5, 0, 255), np.uint8)


def _darkness(picture: Image, share: float, rng: np.random.Generator) -> _Spoilt:
    return _sensed(picture * np.float32(share), rng, DARK_NOISE_SIGMA), None


def _noise(picture: Image, sigma: float, rng: np.random.Generator) -> _Spoilt:
    return _sensed(picture.astype(np.float32), rng, sigma), None


def _blur(picture: Image, sigma: float, rng: np.random.Generator) -> _Spoilt:
    return _sensed(np.asarray(cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma)), rng), None


def _over_exposure(picture: Image, gain: float, rng: np.random.Generator) -> _Spoilt:
    return _sensed(picture * np.float32(gain) + np.float32(OVER_OFFSET_PER_GAIN * (gain - 1)), rng), None


def _compression(picture: Image, quality: float, _: np.random.Generator) -> _Spoilt:
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8), None


def _rotation(picture: Image, degrees: float, rng: np.random.Generator) -> _Spoilt:
    """Turned about its middle, by chance to the left or to the right; corners leave it, black ones come in."""
    height, width = picture.shape
    turn = degrees if rng.random() < 0.5 else -degrees
    # OpenCV counts from pixel centres, boxes from pixel corners: half a pixel between them.
    by_centres: _Matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn, 1.0)
    turned = cv2.warpAffine(picture, by_centres, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(turned, np.uint8), cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)


def _scale(picture: Image, factor: float, _: np.random.Generator) -> _Spoilt:
    """Smaller, in the middle of black."""
    height, width = picture.shape
    to_w, to_h = max(1, round(width * factor)), max(1, round(height * factor))
    x, y = (width - to_w) // 2, (height - to_h) // 2
    small = np.zeros_like(picture)
    small[y : y + to_h, x : x + to_w] = cv2.resize(picture, (to_w, to_h), interpolation=cv2.INTER_AREA)
    return small, np.array([[to_w / width, 0, x], [0, to_h / height, y]])


FAULTS: Mapping[str, Fault] = {
    "darkness": Fault("share of light", (1.0, 0.5, 0.25, 0.12, 0.06), _darkness),
    "noise": Fault("sigma, 8-bit steps", (0, 7, 14, 28, 42), _noise),
    "blur": Fault("sigma, network pixels", (0, 1.0, 1.75, 2.5, 3.5), _blur),
    "over-exposure": Fault("gain", (1.0, 1.4, 1.8, 2.2, 3.0), _over_exposure),
    "compression": Fault("JPEG quality", (100, 60, 30, 15, 8), _compression),
    "rotation": Fault("degrees", (0, 10, 20, 30, 45), _rotation),
    "scale": Fault("factor", (1.0, 0.75, 0.5, 0.35, 0.25), _scale),
}
"""By name, as `--stress` takes them."""

CONDITIONS: Mapping[str, Condition] = {
    "clear": ("darkness", 1.0),
    "dark": ("darkness", 0.12),
    "noise": ("noise", 28),
    "blur": ("blur", 2.5),
    "over": ("over-exposure", 2.2),
    "small": ("scale", 0.5),
}
"""One bad grade of each, for short tables: 12 % of the light and noise of sigma 3; noise of sigma 28; blur of sigma
2.5; gain 2.2 plus 30; half the size."""


def faults_of(names: Sequence[str]) -> tuple[str, ...]:
    """Names of faults, each once; "all" stands for every one. Raises `InputError` for others."""
    unknown = [name for name in names if name not in (*FAULTS, "all")]
    if unknown:
        raise InputError("faults", f"are {', '.join(unknown)}", f"all, {', '.join(FAULTS)}")
    return tuple(FAULTS) if "all" in names else tuple(dict.fromkeys(names))


def spoil(picture: Image, condition: Condition, rng: np.random.Generator) -> _Spoilt:
    """Gray `picture` `[H,W]` under one fault, same size, and the matrix `[2,3]` of boxes that moved, else None.

    A fault's first grade gives the picture itself. Raises `InputError` for a fault that there is not.
    """
    name, grade = condition
    if name not in FAULTS:
        raise InputError("fault", f"is {name!r}", ", ".join(FAULTS))
    fault = FAULTS[name]
    return (picture, None) if grade == fault.grades[0] else fault.apply(picture, grade, rng)


@dataclass(frozen=True)
class Grade:
    """The scores at one grade of a fault; rates with 95 % intervals."""

    level: float
    faces: int
    """True faces that count: fewer where faces grow too small or turn out of the picture."""
    ap: Rate
    precision: Rate
    recall: Rate
    """At `Stress.threshold`, as `precision`."""
    recall_at_p99: Rate


@dataclass(frozen=True)
class FaultCurve:
    """One fault from its first grade, which changes nothing, to its last."""

    fault: str
    unit: str
    grades: tuple[Grade, ...]


@dataclass(frozen=True)
class Stress:
    """How far a detector holds; `threshold` is the same for all grades."""

    pictures: int
    threshold: float | None
    threshold_source: str
    seed: int
    curves: tuple[FaultCurve, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what cannot be given is null."""
        return asdict(self)


def stress(
    items: Sequence[kitti.Item],
    detector: Detector,
    fit: Fit,
    threshold: float | None = None,
    faults: Sequence[str] = ("all",),
    rules: Rules = Rules(min_height=16),  # noqa: B008  # frozen
    classes: Sequence[str] = ("face",),
    rounds: int = 1000,
    seed: int = 0,
    group: str = "",
    on_problem: Callable[[InputError], None] | None = None,
    track: Track = lambda things, what: things,
) -> Stress:
    """Scores of `detector` at every grade of `faults`; each picture is read once.

    `threshold` None takes the one of best accuracy on the unchanged pictures. `rules` are held at the size and place
    that a face has after the fault. `rounds` of the bootstrap, 0 = no intervals; `group` as in `judge`. A picture or
    label that cannot be read goes to `on_problem`, or is raised. Stored detections cannot be stressed: they saw other
    pictures.
    """
    faults = faults_of(faults)
    clear = CONDITIONS["clear"]
    spoilt = [(name, level) for name in faults for level in FAULTS[name].grades[1:]]
    shown = track(items, "spoiling pictures")
    judged = judge_under(shown, detector, fit, [clear, *spoilt], rules, classes, seed, group, on_problem)
    scores = {}
    for condition in track([clear, *spoilt], "scoring"):
        scores[condition] = evaluate(judged[condition], threshold, rounds=rounds, seed=seed)
        # Chosen in the clear, then held; where nothing was found to choose it by, 1 keeps it so.
        threshold = scores[clear].threshold if scores[clear].threshold is not None else 1.0
    curves = tuple(
        FaultCurve(
            name,
            FAULTS[name].unit,
            (
                _grade(FAULTS[name].grades[0], scores[clear]),
                *(_grade(level, scores[name, level]) for level in FAULTS[name].grades[1:]),
            ),
        )
        for name in faults
    )
    first = scores[clear]
    return Stress(first.pictures, first.threshold, first.threshold_source.replace("these", "the clear"), seed, curves)


def _grade(level: float, s: Scores) -> Grade:
    return Grade(level, s.faces, s.ap, s.precision, s.recall, s.recall_at_p99)


def judge_under(
    items: Iterable[kitti.Item],
    detector: Detector,
    fit: Fit,
    conditions: Sequence[Condition],
    rules: Rules,
    classes: Sequence[str] = ("face",),
    seed: int = 0,
    group: str = "",
    on_problem: Callable[[InputError], None] | None = None,
) -> dict[Condition, list[Judged]]:
    """What `detector` finds in each picture under each of `conditions`, beside the truth, in network pixels."""
    mapping = {name.lower(): name for name in classes}
    judged: dict[Condition, list[Judged]] = {condition: [] for condition in conditions}
    for item in items:
        try:
            frame = kitti.read_frame(item, mapping, classes)
            canvas, place = fit.apply(frame.gray)
        except InputError as error:
            if on_problem is None:
                raise
            on_problem(error)
            continue
        size_wh = (round(place.image_wh[0] * place.scale_xy[0]), round(place.image_wh[1] * place.scale_xy[1]))
        truth = frame.detections.with_boxes(place.to_canvas(frame.detections.xyxy))
        views = [_view(canvas, size_wh, truth, condition, _generator(item.picture, seed)) for condition in conditions]
        answers = detector([seen for seen, _ in views])
        for condition, (_, moved), found in zip(conditions, views, answers, strict=True):
            found = found.with_boxes(boxes.clip(found.xyxy, size_wh))
            inside = boxes.area(found.xyxy) > 0  # what lies in the black margin has no place in the picture
            one = Judged(ignore_by_rules(moved, rules), found[inside], source=item.source, name=str(item.picture))
            judged[condition].append(replace(one, group=group_of(item, group), least_height=rules.min_height))
    return judged


def _generator(picture: Path, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(picture.name.encode())])


def _view(
    canvas: Image, size_wh: tuple[int, int], truth: Detections, condition: Condition, rng: np.random.Generator
) -> tuple[Image, Detections]:
    """The canvas with its picture (`size_wh`, from the top-left corner) spoilt, and the true faces there."""
    width, height = size_wh
    spoilt, matrix = spoil(canvas[:height, :width], condition, rng)
    seen = np.zeros_like(canvas)  # the margin beside the picture stays black
    seen[:height, :width] = spoilt
    return seen, truth if matrix is None else _moved(truth, matrix, size_wh)


def _moved(truth: Detections, matrix: _Matrix, size_wh: tuple[int, int]) -> Detections:
    """The faces under `matrix`, cut at the picture's edges; truncation grows by the share cut off."""
    whole = transform_boxes(truth.xyxy, matrix)
    cut = boxes.clip(whole, size_wh)
    inside = boxes.area(cut) / np.maximum(boxes.area(whole), np.finfo(np.float32).tiny)
    visible = inside * (1 - np.maximum(truth.truncation, 0))
    truncation = np.where((inside < 0.999) | (truth.truncation >= 0), 1 - visible, -1)
    return replace(truth, xyxy=cut, truncation=np.clip(truncation, -1, 1))[inside > 0]
