"""Things before faces, and things that are none: chosen, placed and lit as they stand in a car at night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from faceir.data.augment.behind import behind, beside, nearer, tuck, veil
from faceir.data.augment.heads import head_layer
from faceir.data.augment.scene import Layer, Scene
from faceir.data.augment.settings import Occluders
from faceir.data.augment.things import (
    Face,
    arm,
    back_of_head,
    cap,
    clutter,
    dim,
    hand,
    head_rest,
    patch,
    seat,
    torso,
    turned_away,
)
from faceir.detections import DONT_CARE, Detections
from faceir.flow import Image

__all__ = ["occlude"]

_LEAST_HEIGHT = 9  # px; nothing is put before smaller faces
_TWO_PROBABILITY = 0.25  # of a second thing
_PASSENGER_HEIGHTS = (13, 60)  # px
_MOST_PASSENGERS = 3
_BESIDE_PROBABILITY = 0.5  # of a passenger next to a nearer face, perhaps half behind it
_NO_HEAD_PROBABILITY = 0.25  # of clutter in a head's outline, lest outlines be taken for faces
_DIM_PROBABILITY = 0.35  # of a face with something before it
_DIM_IN_THE_REAR_PROBABILITY = 0.6  # of a face under a cap or behind a seat
Heads = Callable[[], tuple[Image, Detections]]


def occlude(
    canvas: Image, truth: Detections, how: Occluders, rng: np.random.Generator, heads: Heads
) -> tuple[Image, Detections]:
    """`canvas` uint8 gray `[H,W]` and its faces after things were put before them and beside them.

    The picture and the faces handed in stay as they are. `heads` gives a gray picture and its faces to cut a
    head from; it is called only when one is wanted.
    """
    hides, distracts = rng.random() < how.probability, rng.random() < how.distractor_probability
    seats = rng.random() < how.passenger_probability
    tall = np.flatnonzero((truth.labels != DONT_CARE) & (truth.xyxy[:, 3] - truth.xyxy[:, 1] >= _LEAST_HEIGHT))
    if not (hides and len(tall)) and not distracts and not seats:
        return canvas, truth
    scene = Scene(canvas, truth)
    if seats:
        _passengers(scene, how, rng, heads)
        truth = scene.truth()  # `tall` still fits: the new faces come after the others
    if distracts:
        for _ in range(_count(rng)):
            _distract(scene, truth, rng)
    if hides and len(tall):
        for index in rng.choice(tall, min(_count(rng), len(tall)), replace=False):
            _hide(scene, int(index), how, rng, heads)
    return scene.canvas, scene.truth()


def _count(rng: np.random.Generator) -> int:
    return 2 if rng.random() < _TWO_PROBABILITY else 1


def _hide(
    scene: Scene, index: int, how: Occluders, rng: np.random.Generator, heads: Heads, front: Image | None = None
) -> None:
    """Put one thing before the face `index` of the scene's truth, and behind `front` `[H,W]` where that is 255."""
    truth = scene.truth()
    face = Face.of(scene.canvas, truth.xyxy[index])
    things = {
        patch: how.patch, cap: how.cap, hand: how.hand, seat: how.seat, back_of_head: how.back_of_head,
    }  # fmt: skip
    weights = np.array([*things.values(), how.head])
    if not weights.sum():
        return
    drawn = int(rng.choice(len(weights), p=weights / weights.sum()))
    thing = list(things)[drawn] if drawn < len(things) else None
    if rng.random() < (_DIM_IN_THE_REAR_PROBABILITY if thing in (cap, seat) else _DIM_PROBABILITY):
        dim(scene, face, rng, front)
    if thing is not None:
        layers = thing(scene, face, truth, rng)
        _paste(scene, layers, front)
        for brim in (layer.brim for layer in layers if layer.brim is not None):
            scene.put_on(index, brim)
        return
    height = face.h * float(np.exp(rng.uniform(np.log(0.8), np.log(2.2))))
    beside = (face.w + 0.95 * height) / 2 * rng.uniform(0.35, 1.0) * (1 if rng.random() < 0.5 else -1)
    centre = np.array([face.x + beside, face.y + height * rng.uniform(-0.2, 0.4)])
    donor, faces = heads()
    bright = face.skin * float(np.exp(rng.uniform(-0.4, 0.7)))
    size_wh = (scene.canvas.shape[1], scene.canvas.shape[0])
    cut_out = head_layer(donor, faces, centre, height, size_wh, bright, rng)
    if cut_out is None:
        _paste(scene, back_of_head(scene, face, truth, rng))
    else:
        scene.paste(*cut_out)


def _passengers(scene: Scene, how: Occluders, rng: np.random.Generator, heads: Heads) -> None:
    """Put small heads between and behind the faces, the farthest first, some dim or with something before them."""
    height, width = scene.canvas.shape
    low, high = np.log(_PASSENGER_HEIGHTS)
    for tall in np.sort(np.exp(rng.uniform(low, high, 1 + rng.integers(_MOST_PASSENGERS)))):
        truth = scene.truth()  # with the passengers so far, lest clutter be cut from their faces
        centre = beside(truth, float(tall), rng) if rng.random() < _BESIDE_PROBABILITY else None
        if centre is None:
            centre = rng.uniform((0, 0), (width, 0.9 * height))
        if len(truth) and ((truth.xyxy[:, :2] < centre) & (truth.xyxy[:, 2:] > centre)).all(1).any():
            continue
        front = nearer(truth, float(tall), (width, height), rng)
        if rng.random() < _NO_HEAD_PROBABILITY:
            x, y = centre.tolist()
            _paste(scene, clutter(scene, Face(x, y, 0.78 * float(tall), float(tall), 0), truth, rng), front)
            continue
        donor, faces = heads()
        head = head_layer(donor, faces, centre, float(tall), (width, height), rng.uniform(20, 220), rng)
        if head is None:
            continue
        head = veil(head[0], float(tall), rng), head[1]
        if front is not None and (head := tuck(*head, front)) is None:
            continue
        scene.paste(*head)
        faces = head[1]
        face = Face.of(scene.canvas, faces.xyxy[0])
        if faces.labels[0] == DONT_CARE:
            continue
        if rng.random() < how.probability and face.h >= _LEAST_HEIGHT:
            _hide(scene, len(scene.truth()) - 1, replace(how, head=0), rng, heads, front)
        elif rng.random() < _DIM_PROBABILITY:
            dim(scene, face, rng, front)


def _distract(scene: Scene, truth: Detections, rng: np.random.Generator) -> None:
    """Put a thing somewhere, as large as it would be beside one of the faces or beside one that might be here."""
    height, width = scene.canvas.shape
    low, high = np.log(14), np.log(0.6 * height)
    tall = float(np.exp(rng.uniform(low, high)))
    skin = float(rng.uniform(40, 235))
    if len(truth) and rng.random() < 0.6:
        like = Face.of(scene.canvas, truth.xyxy[rng.integers(len(truth))])
        tall = float(np.clip(like.h * np.exp(rng.uniform(-0.5, 0.7)), 14, 0.8 * height))
        skin = float(np.clip(like.skin * np.exp(rng.uniform(-0.5, 0.8)), 20, 250))
    here = Face(rng.uniform(0, width), rng.uniform(0.1, 1) * height, 0.78 * tall, tall, skin)
    thing = (hand, hand, arm, arm, head_rest, back_of_head, torso, torso, turned_away, turned_away)[rng.integers(10)]
    _paste(scene, thing(scene, here, truth, rng))


def _paste(scene: Scene, layers: list[Layer], front: Image | None = None) -> None:
    for layer in layers:
        scene.paste(layer if front is None else behind(layer, front))
