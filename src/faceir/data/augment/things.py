"""Things that stand before faces in a car at night, or pass for one: drawn in place and lit as the faces there are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from faceir.boxes import FloatArray
from faceir.data.augment import shapes
from faceir.data.augment.scene import Layer, Scene
from faceir.data.augment.shapes import Points, Stencil, superellipse
from faceir.detections import Detections
from faceir.flow import Image

__all__ = [
    "Face",
    "arm",
    "back_of_head",
    "cap",
    "clutter",
    "dim",
    "hand",
    "head_rest",
    "patch",
    "seat",
    "torso",
    "turned_away",
]

_UNDER_BRIM = 0.06
"""Boxes of faces under caps start so much of the face's height above the brim's lower edge."""
_DIM_LIGHT = (0.12, 0.75)
"""Share of the light that a dim head keeps."""


@dataclass(frozen=True)
class Face:
    """Where a thing goes: the box of a face, or of a place without one."""

    x: float
    y: float
    """The centre."""
    w: float
    h: float
    skin: float
    """Brightness of its middle, 0..255."""

    @staticmethod
    def of(canvas: Image, box: FloatArray) -> Face:
        """The face in `box` `[4]` of `canvas`."""
        x1, y1, x2, y2 = box.tolist()
        x, y, w, h = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
        middle = canvas[int(y - h / 5) : int(y + h / 4) + 1, int(max(x - w / 4, 0)) : int(x + w / 4) + 1]
        return Face(x, y, w, h, float(middle.mean()) if middle.size else 128.0)


def patch(scene: Scene, face: Face, truth: Detections, rng: np.random.Generator) -> list[Layer]:
    """An ellipse or a bar, filled with a piece of the same picture or with one gray."""
    centre = (face.x + face.w * rng.uniform(-0.6, 0.6), face.y + face.h * rng.uniform(-0.6, 0.6))
    half = (face.w * rng.uniform(0.15, 0.6), face.h * rng.uniform(0.1, 0.5))
    outline = superellipse(centre, half, 2 if rng.random() < 0.6 else 12, rng.uniform(0, np.pi))
    stencil = _around(scene, outline)
    stencil.polygon(outline)
    if rng.random() < 0.6 and (light := _texture(scene, stencil, truth, rng)) is not None:
        return [stencil.filled(light)]
    return [stencil.layer(rng.uniform(5, 220), rng)]


def clutter(scene: Scene, face: Face, truth: Detections, rng: np.random.Generator) -> list[Layer]:
    """A piece of the picture without a face, cut out as a head would be; nothing where there is none."""
    outline = superellipse((face.x, face.y - 0.12 * face.h), (0.72 * face.w, 0.76 * face.h), 2.3)
    stencil = _around(scene, outline)
    stencil.polygon(outline)
    light = _texture(scene, stencil, truth, rng)
    return [] if light is None else [stencil.filled(light, rng.uniform(0.8, 1.6))]


def cap(scene: Scene, face: Face, truth: Detections, rng: np.random.Generator) -> list[Layer]:
    """A cap down to the upper 0 to 50 % of a face, its brim in front or at the back.

    Many caps throw an infrared lamp's light straight back and are far brighter than the face below them.
    """
    tilt = rng.uniform(-0.25, 0.25)
    if rng.random() < 0.5:
        edge = face.y - face.h / 2 + face.h * rng.uniform(-0.02, 0.35)
        stencil = _brim_behind(scene, face, edge, tilt, rng)
    else:
        edge = face.y - face.h / 2 + face.h * rng.uniform(0.1, 0.5)
        stencil = _brim_in_front(scene, face, edge, tilt, rng)
    if rng.random() < 0.6:
        _shadow(scene, face, edge, rng)
    dark = rng.random() < 0.35
    base = face.skin * (rng.uniform(0.1, 0.6) if dark else np.exp(rng.uniform(-0.1, 1.5)))
    layer = stencil.layer(float(np.clip(base, 4, 255)), rng, rough=rng.uniform(0.03, 0.25))
    return [replace(layer, brim=edge - _UNDER_BRIM * face.h)]


def turned_away(scene: Scene, face: Face, truth: Detections, rng: np.random.Generator) -> list[Layer]:
    """A head seen from behind, or too dark to show a face, under a cap: neither strap nor opening makes a face."""
    head = superellipse((face.x, face.y), (0.55 * face.w, 0.58 * face.h), rng.uniform(2, 2.6), rng.normal(0, 0.1))
    back = _hair(scene, head, face.skin * np.exp(rng.uniform(-2.2, -0.3)), rng)
    return [back, *(replace(layer, brim=None) for layer in cap(scene, face, truth, rng))]


def _brim_in_front(scene: Scene, face: Face, edge: float, tilt: float, rng: np.random.Generator) -> Stencil:
    side, thick = rng.uniform(-0.25, 0.25) * face.w, face.h * rng.uniform(0.07, 0.18)
    middle = edge - thick
    crown = _crown(face, middle, rng.uniform(0.52, 0.64), tilt, rng)
    brim = superellipse((face.x + side, middle), (face.w * rng.uniform(0.55, 0.75), thick), 2.0, tilt)
    stencil = _around(scene, np.concatenate([crown, brim]))
    stencil.polygon(crown, int(rng.integers(170, 256)))
    stencil.polygon(brim, int(rng.integers(120, 256)))
    return stencil


def _brim_behind(scene: Scene, face: Face, edge: float, tilt: float, rng: np.random.Generator) -> Stencil:
    """Crown and strap, most often with the opening above the strap, through which hair or forehead is seen."""
    crown = _crown(face, edge, rng.uniform(0.5, 0.72), tilt, rng)
    stencil = _around(scene, crown)
    stencil.polygon(crown, int(rng.integers(140, 256)))
    high, wide, middle = edge - crown[:, 1].min(), 0.5 * face.w, float(crown[:, 0].mean())
    for _ in range(rng.integers(0, 4)):  # seams, print and folds
        spot = (middle + wide * rng.uniform(-0.8, 0.8), edge - high * rng.uniform(0.2, 0.8))
        fold = superellipse(spot, (wide * rng.uniform(0.1, 0.5), high * rng.uniform(0.05, 0.3)), 2, rng.uniform(0, 3))
        stencil.polygon(fold, int(rng.integers(40, 256)), within=True)
    if rng.random() < 0.7:
        at = (middle + wide * rng.uniform(-0.5, 0.5), edge - high * rng.uniform(0.15, 0.3))
        arch = superellipse(at, (wide * rng.uniform(0.3, 0.65), high * rng.uniform(0.3, 0.6)), 2, tilt)
        stencil.polygon(arch[arch[:, 1] <= at[1]], int(rng.integers(10, 110)), within=True)
    return stencil


def _crown(face: Face, edge: float, half: float, tilt: float, rng: np.random.Generator) -> Points:
    """Outline of a dome on the height `edge`, `half` of the face's width to each side of about its middle.

    A head turned to one side carries it towards its back.
    """
    x = face.x + face.w * rng.uniform(-0.25, 0.25)
    top = face.y - face.h / 2 - face.h * rng.uniform(0.12, 0.65)
    dome = superellipse((x, edge), (face.w * half, max(edge - top, 0.1 * face.h)), 2.4, tilt)
    return np.asarray(dome[(dome - [x, edge]) @ [-np.sin(tilt), np.cos(tilt)] <= 1e-6], np.float64)


def dim(scene: Scene, face: Face, rng: np.random.Generator, front: Image | None = None) -> None:
    """Leave a head less light than what is around it, as in the rear of a car.

    Half of the time what is near the head lies in the dark too, under the haze that lens and air scatter: the
    face is then little brighter than what is behind it, while lamp and cap beside it are as bright as ever.
    Nothing where `front` `[H,W]` is 255, which is nearer.
    """
    centre, half = (face.x, face.y), (face.w * rng.uniform(0.6, 1.0), face.h * rng.uniform(0.65, 1.0))
    left, haze, soft = float(np.exp(rng.uniform(*np.log(_DIM_LIGHT)))), 0.0, 0.2
    if rng.random() < 0.5:
        wide = rng.uniform(1.3, 4)
        half, haze, soft = (wide * half[0], wide * half[1]), rng.uniform(0, 0.5), 0.2 * wide
    stencil = _around(scene, superellipse(centre, (1.6 * half[0], 1.6 * half[1]), 2.5))
    stencil.polygon(superellipse(centre, half, 2.5))
    (x, y), (h, w) = stencil.xy, stencil.alpha.shape
    side = 2 * round(soft * face.w) + 1
    dark = cv2.blur(stencil.alpha, (side, side)) * np.float32((1 - left) / 255)
    if front is not None:
        dark *= 1 - front[y : y + h, x : x + w] * np.float32(1 / 255)
    part = scene.canvas[y : y + h, x : x + w]
    part[:] = part + (np.float32(haze * part.mean()) - part) * dark + np.float32(0.5)


def _shadow(scene: Scene, face: Face, edge: float, rng: np.random.Generator) -> None:
    """Darken a face below `edge`, most right under it."""
    x1, x2 = max(int(face.x - 0.6 * face.w), 0), int(face.x + 0.6 * face.w) + 1
    y1, y2 = max(int(edge - 1), 0), int(face.y + 0.55 * face.h) + 1
    part = scene.canvas[y1:y2, x1:x2]
    if not part.size:
        return
    depth = rng.uniform(0.1, 0.75) * np.exp(-np.arange(part.shape[0]) / (face.h * rng.uniform(0.12, 0.6)))
    across = np.clip(1.6 - 1.6 * np.abs(np.linspace(-1, 1, part.shape[1])) ** 3, 0, 1)
    part[:] = part * (1 - np.float32(1) * depth[:, None] * across[None, :]) + 0.5


def hand(scene: Scene, face: Face, truth: Detections, rng: np.random.Generator) -> list[Layer]:
    """A hand before mouth, cheek, chin or eyes, its arm coming from below or from the side."""
    x, y = ((0, 0.3), (0.4, 0.15), (-0.4, 0.15), (0.1, 0.55), (0, -0.2))[rng.integers(5)]
    size = face.h * rng.uniform(0.32, 0.62)
    angle = -np.pi / 2 + rng.normal(0, 0.9)  # up, y points down
    centre = (face.x + (x + rng.normal(0, 0.1)) * face.w, face.y + (y + rng.normal(0, 0.1)) * face.h)
    return _limbs(scene, shapes.hand(centre, size, angle, rng), face, rng)


def arm(scene: Scene, face: Face, truth: Detections, rng: np.random.Generator) -> list[Layer]:
    """An elbow with both halves of its arm."""
    size = face.h * rng.uniform(0.35, 0.8)
    return _limbs(scene, shapes.arm((face.x, face.y), size, rng.uniform(-np.pi, np.pi), rng), face, rng)


def _limbs(scene: Scene, parts: Points, face: Face, rng: np.random.Generator) -> list[Layer]:
    ends, radii = parts[:, :4].reshape(-1, 2), parts[:, 4:].reshape(-1, 1)
    stencil = _around(scene, np.concatenate([ends - radii, ends + radii]))
    stencil.limbs(parts)
    near = float(np.exp(rng.uniform(-0.25, 0.75)))  # hands are often nearer to the lamp than the face
    return [stencil.layer(float(np.clip(face.skin * near * 1.15, 8, 255)), rng, rough=rng.uniform(0.02, 0.12))]


def seat(scene: Scene, face: Face, truth: Detections, rng: np.random.Generator) -> list[Layer]:
    """A seat-back or head-rest that hides the lower part or one side of a face and reaches beyond it."""
    wide, high = face.w * rng.uniform(0.7, 1.6), face.h * rng.uniform(0.7, 2.5)
    if rng.random() < 0.5:  # from below
        x, y = face.x + face.w * rng.uniform(-0.5, 0.5), face.y + face.h * rng.uniform(-0.1, 0.55) + high
    else:
        reach = wide - face.w * rng.uniform(-0.45, 0.25)
        x, y = face.x + _sign(rng) * max(reach, 0.1 * face.w), face.y + high * rng.uniform(-0.2, 0.7)
    return _upholstery(scene, (x, y), (wide, high), face, truth, rng)


def head_rest(scene: Scene, face: Face, truth: Detections, rng: np.random.Generator) -> list[Layer]:
    """A head-rest about as large as a head, on its own."""
    half = (face.w * rng.uniform(0.5, 1.0), face.h * rng.uniform(0.35, 0.7))
    return _upholstery(scene, (face.x, face.y), half, face, truth, rng)


def torso(scene: Scene, face: Face, truth: Detections, rng: np.random.Generator) -> list[Layer]:
    """A chest in a shirt, often with a print and arms, up to the view's height; nothing where it would hide a face.

    Blurred, in noise or in the dark its patches look much like eyes and mouth of a large face.
    """
    tall = min(face.h * rng.uniform(1.0, 1.7), float(scene.canvas.shape[0]))
    wide, high = tall * rng.uniform(0.32, 0.5), tall * rng.uniform(0.42, 0.55)
    middle = (truth.xyxy[:, :2] + truth.xyxy[:, 2:]) / 2
    if (np.abs(middle - (face.x, face.y)) < (1.2 * wide, 1.2 * high)).all(axis=1).any():
        return []
    trunk = superellipse((face.x, face.y), (wide, high), rng.uniform(2.6, 5), rng.normal(0, 0.1))
    stencil = _around(scene, trunk)
    stencil.polygon(trunk, int(rng.integers(200, 256)))
    collar = superellipse((face.x + wide * rng.uniform(-0.2, 0.2), face.y - high), (0.3 * wide, 0.2 * high))
    stencil.polygon(collar, int(rng.integers(90, 256)), within=True)
    for _ in range(rng.integers(0, 7)):  # print and folds
        spot = (face.x + wide * rng.uniform(-0.7, 0.7), face.y + high * rng.uniform(-0.7, 0.6))
        half = (wide * rng.uniform(0.06, 0.35), high * rng.uniform(0.03, 0.18))
        mark = superellipse(spot, half, rng.uniform(2, 6), rng.uniform(0, np.pi))
        stencil.polygon(mark, int(rng.integers(30, 256)), within=True)
    shirt = float(np.clip(face.skin * np.exp(rng.uniform(-0.9, 0.5)), 6, 235))
    layers = [stencil.layer(shirt, rng, rough=rng.uniform(0.03, 0.15))]
    for side in (-1, 1):
        if rng.random() < 0.6:
            elbow = (face.x + side * wide, face.y + high * rng.uniform(0.1, 0.8))
            layers += _limbs(scene, shapes.arm(elbow, 0.2 * tall, rng.uniform(-np.pi, np.pi), rng), face, rng)
    return layers


def _upholstery(
    scene: Scene, centre: tuple[float, float], half: tuple[float, float], face: Face, truth: Detections,
    rng: np.random.Generator,
) -> list[Layer]:  # fmt: skip
    outline = superellipse(centre, half, rng.uniform(2.6, 7), rng.normal(0, 0.12))
    posts = [
        np.array([(x, centre[1] + half[1] * 0.8), (x, centre[1] + half[1] * 1.4)])
        for x in (centre[0] - 0.4 * half[0], centre[0] + 0.4 * half[0])
    ] if half[1] < half[0] and rng.random() < 0.5 else []  # fmt: skip
    stencil = _around(scene, np.concatenate([outline, *posts]))
    thick = np.array([0.06 * half[0], 0])
    for post in posts:
        stencil.polygon(np.concatenate([post - thick, post[::-1] + thick]), 150)
    stencil.polygon(outline, 200)
    lit = rng.uniform(0.6, 0.95)
    stencil.polygon(np.array(centre) + (outline - centre) * lit + rng.uniform(-0.05, 0.05, 2) * half, 255)
    if rng.random() < 0.25 and (light := _texture(scene, stencil, truth, rng)) is not None:
        return [stencil.filled(cv2.convertScaleAbs(light, alpha=rng.uniform(0.25, 0.8)))]
    base = face.skin * np.exp(rng.uniform(-2.3, 0.1))
    return [stencil.layer(float(np.clip(base, 4, 200)), rng, rough=rng.uniform(0.02, 0.12))]


def back_of_head(scene: Scene, face: Face, truth: Detections, rng: np.random.Generator) -> list[Layer]:
    """Hair of a head larger than the face, beside it or over it, with neck and shoulders half of the time."""
    grown = rng.uniform(1.0, 1.7)
    a, b = 0.55 * face.w * grown, 0.68 * face.h * grown
    x = face.x + _sign(rng) * (face.w / 2 + a) * rng.uniform(0.3, 0.95)
    y = face.y + face.h * rng.uniform(-0.1, 0.5)
    layers = []
    if rng.random() < 0.5:
        for outline, bright in (
            (superellipse((x, y + b), (0.55 * a, 0.6 * b), 3), 0.9),
            (superellipse((x, y + 2.5 * b), (2.1 * a, 1.3 * b), 2.6), np.exp(rng.uniform(-1.5, 0.3))),
        ):
            stencil = _around(scene, outline)
            stencil.polygon(outline)
            layers.append(stencil.layer(float(np.clip(face.skin * bright, 5, 230)), rng, 0.1))
    head = superellipse((x, y), (a, b), rng.uniform(2, 2.6), rng.normal(0, 0.15))
    return [*layers, _hair(scene, head, face.skin * np.exp(rng.uniform(-2.2, 0.0)), rng)]


def _hair(scene: Scene, outline: Points, base: float, rng: np.random.Generator) -> Layer:
    stencil = _around(scene, outline)
    stencil.polygon(outline)
    return stencil.filled(shapes.hair(stencil.alpha.shape, float(np.clip(base, 5, 190)), rng), 1.0)


def _around(scene: Scene, points: Points) -> Stencil:
    return Stencil((*points.min(axis=0), *points.max(axis=0)), (scene.canvas.shape[1], scene.canvas.shape[0]))


def _texture(scene: Scene, stencil: Stencil, truth: Detections, rng: np.random.Generator) -> Image | None:
    """A piece of the picture as large as the stencil's window, from where no face is; None when there is none."""
    h, w = stencil.alpha.shape
    rows, columns = scene.canvas.shape
    for _ in range(4):
        x, y = int(rng.integers(0, columns - w + 1)), int(rng.integers(0, rows - h + 1))
        b = truth.xyxy
        if not ((b[:, 0] < x + w) & (b[:, 2] > x) & (b[:, 1] < y + h) & (b[:, 3] > y)).any():
            return scene.canvas[y : y + h, x : x + w].copy()
    return None


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0
