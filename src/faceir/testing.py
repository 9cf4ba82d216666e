"""Doubles for the four shapes of `flow`, and a film of a night camera whose faces are known to the pixel.

Shipped, so that programs built on faceir can be tested without a camera, a model or a data set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from faceir import boxes
from faceir.boxes import FloatArray
from faceir.data import infrared
from faceir.data.augment import transform_boxes
from faceir.detections import Detections
from faceir.errors import InputError, need, need_file
from faceir.flow import Frame, Image, check_image

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "FakeDetector",
    "ListSink",
    "ListSource",
    "Portrait",
    "demo_portraits",
    "night_clip",
    "visible_share",
]


class FakeDetector:
    """A `Detector` that needs no model: gives the `answers` in turn, over and over, or calls them on each picture.

    What it was shown is kept in `pictures`.

    >>> FakeDetector([Detections()])([np.zeros((4, 4), np.uint8)])[0] == Detections()
    True
    """

    def __init__(self, answers: Sequence[Detections] | Callable[[Image], Detections]) -> None:
        if not callable(answers) and not answers:
            raise InputError("FakeDetector", "has no answers", "one or more Detections", "Detections() finds nothing")
        self._answers = answers
        self.pictures: list[Image] = []

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """One answer for each picture; raises `InputError` for what is not a picture, as a real one does."""
        return [self._answer(check_image(image)) for image in images]

    def _answer(self, image: Image) -> Detections:
        self.pictures.append(image)
        if callable(self._answers):
            return self._answers(image)
        return self._answers[(len(self.pictures) - 1) % len(self._answers)]


class ListSource:
    """A `Source` of pictures in memory, `rate` of them a second; it can be read more than once."""

    def __init__(self, pictures: Sequence[Image], rate: float = 25.0, name: str = "list") -> None:
        self._pictures, self._rate, self.name = pictures, rate, name

    def __iter__(self) -> Iterator[Frame]:
        for index, picture in enumerate(self._pictures):
            yield Frame.of(picture, source=self.name, index=index, time_s=index / self._rate)


class ListSink:
    """A `Sink` that keeps the frames it is given in `frames`; `closed` tells that its `with` block ended."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.closed = False

    def write(self, frame: Frame) -> None:
        """Keep `frame`."""
        self.frames.append(frame)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True


@dataclass(frozen=True, eq=False)
class Portrait:
    """A person to put into a film: `rgb` uint8 `[H,W,3]` and where the face is, x1, y1, x2, y2 in its pixels."""

    name: str
    rgb: Image
    face_xyxy: tuple[float, float, float, float]
    outline: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    """`[P,2]` pixels, the polygon around head and shoulders; when empty, one is guessed from the face."""

    def mirrored(self, name: str) -> Portrait:
        """The same person seen in a mirror, under another name."""
        width = self.rgb.shape[1]
        x1, y1, x2, y2 = self.face_xyxy
        outline = self.outline * np.array([-1, 1]) + np.array([width, 0]) if len(self.outline) else self.outline
        rgb = np.ascontiguousarray(self.rgb[:, ::-1])
        return Portrait(name, rgb, (width - x2, y1, width - x1, y2), outline.astype(np.float32))


# Forehead to chin and cheek to cheek, marked by hand, as are the outlines.
_ASTRONAUT_FACE = (179.0, 70.0, 270.0, 188.0)
_ASTRONAUT_OUTLINE = """
 22,512 22,460 28,400 40,290 75,240 110,215 117,190 125,165 150,150 172,148 176,130 165,118 155,100
 154,75 160,50 175,38 195,22 220,15 250,17 275,30 292,50 300,80 298,105 285,122 272,130 266,145 258,170 280,185
 298,205 303,235 330,255 345,280 352,320 356,345 320,370 295,400 278,440 275,512"""
_ADMIRAL_FACE = (177.0, 128.0, 353.0, 331.0)
_ADMIRAL_OUTLINE = """
 10,600 25,450 40,395 60,380 110,365 170,345 197,315 190,300 165,285 160,255 160,240 153,205 155,190
 158,170 153,130 156,100 175,75 190,50 215,40 230,25 258,23 295,32 330,50 352,78 370,88 370,160 374,185 370,215
 360,240 362,270 345,300 333,310 345,322 380,345 430,370 480,385 495,400 511,450 511,600"""


def demo_portraits() -> list[Portrait]:
    """Two portraits in the public domain that ship inside scikit-image and matplotlib: an astronaut and an admiral.

    Nothing is downloaded. Raises `MissingExtra` without those packages, `InputError` when they lack the pictures.
    """
    need("demo")
    return [
        _portrait("astronaut", "skimage", "data/astronaut.png", _ASTRONAUT_FACE, _ASTRONAUT_OUTLINE),
        _portrait("admiral", "matplotlib", "mpl-data/sample_data/grace_hopper.jpg", _ADMIRAL_FACE, _ADMIRAL_OUTLINE),
    ]


def _portrait(name: str, package: str, file: str, face: tuple[float, float, float, float], outline: str) -> Portrait:
    """Read from the package's folder, as importing scikit-image or matplotlib takes a second and writes caches."""
    spec = find_spec(package)
    folder = Path(next(iter(spec.submodule_search_locations or ["."]))) if spec else Path()
    path = need_file(folder / file, f"the portrait that {package} ships")
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise InputError(path, "cannot be read as a picture", f"the portrait that {package} ships")
    points = np.array([point.split(",") for point in outline.split()], np.float32)
    return Portrait(name, np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8), face, points)


def visible_share(truth: Detections) -> FloatArray:
    """Share of each face that can be seen, `[N]`, 0..1: inside the picture and not hidden; unknown counts as seen."""
    inside = 1 - np.maximum(truth.truncation, 0)
    return np.asarray(inside * (1 - np.maximum(truth.occlusion, 0) / np.float32(10)), np.float32)


def night_clip(
    portraits: Sequence[Portrait],
    frames: int = 120,
    size_wh: tuple[int, int] = (640, 480),
    seed: int = 0,
    rate: float = 25.0,
) -> Iterator[Frame]:
    """People before an infrared camera in a dark cabin, one for each portrait; gray frames with their true faces.

    `detections` hold each face that is at least partly in the picture, cut at its edges: `track_ids` the
    number of the portrait, `truncation` the share outside the picture, `occlusion` the share hidden by
    nearer people in tenths. The same arguments give the same film. Raises `InputError` for no portraits
    or a size below 64 pixels.
    """
    if not portraits:
        raise InputError("portraits", "are none", "one or more")
    if min(size_wh) < 64:
        raise InputError("size_wh", f"is {size_wh}", "64 pixels or more each way")
    rng = np.random.default_rng(seed)
    weights = infrared.luminance_weights(rng, infrared.InfraredParams(red_weight=(0.4, 0.8)))
    cutouts = [_Cutout.of(portrait, weights) for portrait in portraits]
    walks = [_Walk.draw(rng, number, len(portraits)) for number in range(len(portraits))]
    farthest_first = sorted(range(len(portraits)), key=lambda n: walks[n].height)
    room = _room(rng, size_wh)
    lamp = _Lamp.draw(rng, size_wh)
    for index in range(frames):
        share = index / max(frames - 1, 1)
        scene = room.copy()
        masks: dict[int, FloatArray] = {}
        placed: dict[int, FloatArray] = {}
        for number in farthest_first:
            matrix = walks[number].matrix(share, cutouts[number].face_xyxy, size_wh)
            placed[number] = transform_boxes(cutouts[number].face_xyxy, matrix)
            masks[number] = cutouts[number].put(scene, matrix, walks[number].height)
        truth = _truth(placed, masks, farthest_first, size_wh)
        gray = lamp.shoot(scene, share, rng)
        yield Frame.of(gray, detections=truth, source="night_clip", index=index, time_s=index / rate)


def _truth(
    placed: dict[int, FloatArray], masks: dict[int, FloatArray], farthest_first: list[int], size_wh: tuple[int, int]
) -> Detections:
    """Faces in the picture, in the order of the portraits."""
    found = []
    for number in sorted(placed):
        whole = placed[number]
        cut = boxes.clip(whole, size_wh)
        truncation = 1 - boxes.area(cut) / boxes.area(whole)
        x1, y1, x2, y2 = np.round(cut[0]).astype(int)
        if truncation[0] > 0.98 or x2 <= x1 or y2 <= y1:
            continue
        nearer = farthest_first[farthest_first.index(number) + 1 :]
        seen = np.ones((y2 - y1, x2 - x1), np.float32)
        for other in nearer:
            seen *= 1 - masks[other][y1:y2, x1:x2]
        occlusion = np.floor((1 - seen.mean(keepdims=True)[0]) * 10 + 0.05).clip(0, 9)
        found.append(
            Detections(cut, track_ids=np.array([number]), truncation=truncation.clip(0, 1), occlusion=occlusion)
        )
    return Detections.concat(found)


@dataclass(frozen=True, eq=False)
class _Cutout:
    """A person without the picture's background."""

    light: FloatArray
    """`[H,W]` 0..255."""
    mask: FloatArray
    """`[H,W]` 0..1, soft at its edge."""
    face_xyxy: FloatArray
    """`[1,4]`."""

    @staticmethod
    def of(portrait: Portrait, weights: FloatArray) -> _Cutout:
        rgb = check_image(portrait.rgb, portrait.name)
        x1, y1, x2, y2 = portrait.face_xyxy
        face_w, face_h = x2 - x1, y2 - y1
        gray = np.asarray(cv2.transform(rgb, weights.reshape(1, 3)), np.float32)
        mask = np.zeros(gray.shape, np.float32)
        if len(portrait.outline):
            cv2.fillPoly(mask, [np.round(portrait.outline).astype(np.int32)], 1.0)
        else:
            middle = (x1 + x2) / 2
            head = ((middle, y1 + 0.42 * face_h), (1.35 * face_w, 1.45 * face_h), 0.0)
            shoulders = ((middle, y2 + 1.5 * face_h), (3.2 * face_w, 2.6 * face_h), 0.0)
            neck = ((middle, y2), (0.8 * face_w, 0.8 * face_h), 0.0)
            for ellipse in (head, neck, shoulders):
                cv2.ellipse(mask, ellipse, 1.0, -1)
        # The body goes on below the portrait's edge, into the dark, so that nobody ends in the air.
        below = round(3 * face_h)
        gray = np.asarray(cv2.copyMakeBorder(gray, 0, below, 0, 0, cv2.BORDER_REPLICATE), np.float32)
        gray[-below:] = cv2.blur(gray[-below:], (2 * round(0.4 * face_w) + 1, 1))
        fading = min(round(4 * face_h), len(gray))
        gray[-fading:] *= np.linspace(1, 0, fading, dtype=np.float32)[:, None] ** 2
        mask = np.asarray(cv2.copyMakeBorder(mask, 0, below, 0, 0, cv2.BORDER_REPLICATE), np.float32)
        soft = max(0.02 * face_h, 0.8)
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.float32)
        mask = np.clip(2 * mask - 1, 0, 1)  # soft on the inner side only, where the person still is
        return _Cutout(gray, mask.astype(np.float32), np.array([portrait.face_xyxy], np.float32))

    def put(self, scene: FloatArray, matrix: npt.NDArray[np.float64], height: float) -> FloatArray:
        """Lay the person over `scene` `[H,W]` (changed in place) and give the mask `[H,W]` 0..1 of where it lies."""
        light, mask = self.light, self.mask
        scale = float(np.sqrt(np.linalg.det(matrix[:, :2])))
        if scale < 0.7:  # by area first: bilinear sampling alone would alias
            to_wh = max(1, round(light.shape[1] * scale)), max(1, round(light.shape[0] * scale))
            back = np.diag([light.shape[1] / to_wh[0], light.shape[0] / to_wh[1]])
            light, mask = (cv2.resize(a, to_wh, interpolation=cv2.INTER_AREA) for a in (light, mask))
            matrix = np.concatenate([matrix[:, :2] @ back, matrix[:, 2:]], axis=1)
        # OpenCV counts from pixel centres, boxes from pixel corners: half a pixel between them.
        half = np.array([0.5, 0.5])
        centred = np.concatenate([matrix[:, :2], (matrix[:, 2] + matrix[:, :2] @ half - half)[:, None]], axis=1)
        size_wh = (scene.shape[1], scene.shape[0])
        light = cv2.warpAffine(light, centred, size_wh, flags=cv2.INTER_LINEAR)
        mask = np.asarray(cv2.warpAffine(mask, centred, size_wh, flags=cv2.INTER_LINEAR), np.float32)
        # The lamp sits at the camera: who is nearer, and so appears larger, is lit more.
        scene += mask * (light * np.float32(min(0.45 + 1.7 * height, 1.0)) - scene)
        return mask


@dataclass(frozen=True)
class _Walk:
    """How one person moves: sways about a place, or comes in from a side and leaves again."""

    place_xy: tuple[float, float]
    """Centre of the face, shares of the picture."""
    height: float
    """Of the face, share of the picture's height."""
    comes_from: float
    """-1 the left, 1 the right, 0 is there all the time."""
    phases: tuple[float, float, float, float]

    @staticmethod
    def draw(rng: np.random.Generator, number: int, people: int) -> _Walk:
        x = (number + 0.5) / people + rng.uniform(-0.04, 0.04)
        height = rng.uniform(0.24, 0.34) if number % 3 < 2 else rng.uniform(0.12, 0.16)
        y = rng.uniform(0.38, 0.48) if number % 3 < 2 else rng.uniform(0.26, 0.34)
        comes_from = 0.0 if number % 2 == 0 else (1.0 if x > 0.5 else -1.0)
        a, b, c, d = rng.uniform(0, 2 * np.pi, 4)
        return _Walk((x, y), height, comes_from, (a, b, c, d))

    def matrix(self, share: float, face_xyxy: FloatArray, size_wh: tuple[int, int]) -> npt.NDArray[np.float64]:
        """Affine `[2,3]` from the cutout to the picture at `share` 0..1 of the film."""
        width, height = size_wh
        a, b, c, d = (
            np.sin(2 * np.pi * share * turns + p) for turns, p in zip((1, 1.5, 0.8, 1.2), self.phases, strict=True)
        )
        away = 1 - _smooth(share / 0.25) + _smooth((share - 0.8) / 0.2)  # 1 outside the picture, 0 at its place
        x, y = self.place_xy
        edge = x if self.comes_from == 0 else (1.0 if self.comes_from > 0 else 0.0) + 0.25 * self.comes_from
        x = (x + 0.05 * a) * (1 - away) + edge * away if self.comes_from else x + 0.05 * a
        y += 0.03 * b
        x1, y1, x2, y2 = face_xyxy[0].astype(float)
        scale = self.height * height / (y2 - y1) * (1 + 0.12 * c)
        angle = np.deg2rad(9.0) * d
        linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        offset = np.array([x * width, y * height]) - linear @ np.array([(x1 + x2) / 2, (y1 + y2) / 2])
        return np.concatenate([linear, offset[:, None]], axis=1)


def _smooth(t: float) -> float:
    """0 below 0, 1 above 1, and without a jerk between."""
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)


def _room(rng: np.random.Generator, size_wh: tuple[int, int]) -> FloatArray:
    """What is behind the people, `[H,W]` 0..255: a wall, a window, pillars, head rests and the grain of cloth."""
    width, height = size_wh
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    room = 45 + 25 * (1 - y / height) + 12 * np.sin(2 * np.pi * (x / width + rng.random()))
    x1, x2 = int(width * rng.uniform(0.08, 0.2)), int(width * rng.uniform(0.45, 0.6))
    room[int(0.08 * height) : int(0.42 * height), x1:x2] = 18  # the night outside
    for _ in range(4):
        left, wide = int(rng.uniform(0, width)), max(3, int(width * rng.uniform(0.01, 0.05)))
        room[:, left : left + wide] = rng.uniform(25, 95)
    for centre in (0.2, 0.5, 0.8):
        at = (width * (centre + rng.uniform(-0.05, 0.05)), height * rng.uniform(0.42, 0.5))
        cv2.ellipse(room, (at, (0.14 * width, 0.2 * height), 0.0), rng.uniform(30, 60), -1)
        cv2.ellipse(room, ((at[0], height), (0.24 * width, 0.8 * height), 0.0), rng.uniform(30, 60), -1)
    room = np.asarray(cv2.GaussianBlur(room, (0, 0), 2.5), np.float32)
    for sigma, level in ((1.0, 2.0), (6.0, 4.0), (25.0, 6.0)):
        grain = np.asarray(cv2.GaussianBlur(rng.standard_normal(room.shape, np.float32), (0, 0), sigma), np.float32)
        room += level * grain / grain.std()
    return np.asarray(np.clip(room, 0, 255), np.float32)


@dataclass(frozen=True, eq=False)
class _Lamp:
    """The camera's LEDs, at one side, and its lens and sensor; the same through the film but for a slow drift."""

    light: FloatArray
    """`[H,W]`, share of the light that each place gets."""
    read_sigma: float
    shot: float
    phase: float

    @staticmethod
    def draw(rng: np.random.Generator, size_wh: tuple[int, int]) -> _Lamp:
        width, height = size_wh
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        side = -0.05 if rng.random() < 0.5 else 1.05
        away2 = ((x / width - side) / 0.9) ** 2 + ((y / height - rng.uniform(0.2, 0.6)) / 1.1) ** 2
        radius2 = (x / width - 0.5) ** 2 + (y / height - 0.5) ** 2
        light = (0.18 + 0.95 / (1 + 1.6 * away2)) * (1 - 0.75 * radius2)  # fall-off, then the lens's dark corners
        return _Lamp(light.astype(np.float32), rng.uniform(2.5, 4.0), rng.uniform(0.15, 0.3), rng.uniform(0, 6.28))

    def shoot(self, scene: FloatArray, share: float, rng: np.random.Generator) -> Image:
        """One exposure of `scene` `[H,W]`: uint8 gray `[H,W]`."""
        drift = 1 + 0.08 * np.sin(2 * np.pi * share + self.phase)
        blurred = np.asarray(cv2.GaussianBlur(scene * self.light * np.float32(drift), (0, 0), 0.7), np.float32)
        return infrared.sense(blurred, rng, self.read_sigma, self.shot)
