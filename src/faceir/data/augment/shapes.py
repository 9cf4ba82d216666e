"""Drawings of things that hide faces in a car, or look like one: hands, arms, caps, seats, hair.

A `Stencil` is the part of the view that a thing may touch. Things are drawn into it with soft edges, as
opacity and as shading, and leave it as a `Layer`.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from faceir.data.augment.scene import Layer
from faceir.flow import Image

__all__ = ["Points", "Stencil", "arm", "hair", "hand", "superellipse"]

Points = npt.NDArray[np.float64]
_SHIFT = 4  # OpenCV's fixed point: sixteenths of a pixel
_ROUNDNESS = ((1.0, 150), (0.8, 205), (0.5, 245))  # share of the radius, shade of 255 there


class Stencil:
    """A window of the view, `[x1,y1,x2,y2]` px cut to the view's size, to draw one thing in."""

    def __init__(self, bounds: Sequence[float], size_wh: tuple[int, int]) -> None:
        x1, y1 = (min(max(int(np.floor(v)) - 3, 0), n - 1) for v, n in zip(bounds[:2], size_wh, strict=True))
        x2, y2 = (min(max(int(np.ceil(v)) + 3, 1), n) for v, n in zip(bounds[2:], size_wh, strict=True))
        self.xy = (x1, y1)
        shape = (max(y2 - y1, 1), max(x2 - x1, 1))
        self.alpha = np.zeros(shape, np.uint8)
        self.shade = np.full(shape, 255, np.uint8)

    def polygon(self, points: Points, shade: int = 255, *, within: bool = False) -> None:
        """Fill a polygon `[N,2]` in the view's pixels; `within` shades only what was drawn before."""
        fixed = self._fixed(points)
        if not within:
            cv2.fillPoly(self.alpha, [fixed], 255, cv2.LINE_AA, _SHIFT)
        cv2.fillPoly(self.shade, [fixed], shade, cv2.LINE_AA, _SHIFT)

    def limbs(self, parts: Points) -> None:
        """Rounded, tapered limbs `[N,6]`: start x, y, end x, y, radius there and there; later ones lie on top."""
        heading = np.arctan2(parts[:, 3] - parts[:, 1], parts[:, 2] - parts[:, 0])
        arc = np.linspace(np.pi / 2, 3 * np.pi / 2, 9)  # the round of a start, seen from it the end lies at 0
        share = np.array([share for share, _ in _ROUNDNESS])[:, None, None]
        rounds = []
        for centre, radius, turn in ((parts[:, 0:2], parts[:, 4], 0.0), (parts[:, 2:4], parts[:, 5], np.pi)):
            at = heading[:, None] + arc + turn
            spokes = np.stack([np.cos(at), np.sin(at)], axis=2) * radius[:, None, None]  # [N,9,2]
            rounds.append(centre[:, None, None] + spokes[:, None] * share)
        outlines = self._fixed(np.concatenate(rounds, axis=2))  # [N,shades,18,2]
        for limb in outlines:
            cv2.fillConvexPoly(self.alpha, limb[0], 255, cv2.LINE_AA, _SHIFT)
            for outline, (_, shade) in zip(limb, _ROUNDNESS, strict=True):
                cv2.fillConvexPoly(self.shade, outline, shade, cv2.LINE_AA, _SHIFT)

    def _fixed(self, points: Points) -> npt.NDArray[np.int32]:
        # The centre of the pixel that spans 0..1 is OpenCV's 0.
        return np.asarray(np.round((points - np.array(self.xy) - 0.5) * 2**_SHIFT), np.int32)

    def layer(self, base: float, rng: np.random.Generator, rough: float = 0.06, soft_px: float = 0.8) -> Layer:
        """A surface of brightness `base`, shaded as drawn, unevenly bright by `rough` of it, with soft edges."""
        h, w = self.alpha.shape
        width = 2 * round(0.04 * min(h, w)) + 1
        shade = cv2.blur(self.shade, (width, width))
        coarse = rng.standard_normal((h // 8 + 2, w // 8 + 2), np.float32)
        light = shade * (1 + rough * cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR))
        light *= np.float32(base / 255)
        return self.filled(np.clip(light, 0, 255).astype(np.uint8), soft_px)

    def filled(self, light: Image, soft_px: float = 0.8) -> Layer:
        """What was drawn, filled with the picture `light` of the window's size."""
        return Layer(self.xy, cv2.GaussianBlur(self.alpha, (5, 5) if soft_px > 1 else (3, 3), soft_px), light)


def superellipse(
    centre: Sequence[float], half: Sequence[float], power: float = 2.0, angle: float = 0.0, count: int = 40
) -> Points:
    """Outline `[count,2]` of |x/a|^power + |y/b|^power = 1: an ellipse at 2, a rounded box at 4 and more."""
    t = np.linspace(0, 2 * np.pi, count, endpoint=False)
    c, s = np.cos(t), np.sin(t)
    points = np.stack([np.sign(c) * np.abs(c) ** (2 / power), np.sign(s) * np.abs(s) ** (2 / power)], axis=1)
    return np.asarray(np.array(centre) + (points * np.array(half)) @ _rotation(angle).T, np.float64)


def hand(centre: Sequence[float], size: float, angle: float, rng: np.random.Generator) -> Points:
    """Limbs of a forearm, a palm of width `size` px about `centre`, a thumb and 2 to 4 fingers, pointing to `angle`.

    Half of the time the fingers are closed beside each other, else spread; each bends at a joint.
    """
    count = int(rng.integers(2, 5))
    spread = rng.uniform(0.02, 0.1) if rng.random() < 0.5 else rng.uniform(0.15, 0.35)
    curl = rng.uniform(-0.7, 0.7)
    wrist = rng.uniform(-0.5, 0.5)
    reach = rng.uniform(2.0, 7.0)
    elbow = (-0.5 - reach * np.cos(wrist), reach * np.sin(wrist))
    parts = [(-0.5, 0.0, *elbow, 0.33, 0.35 + 0.04 * reach), (-0.25, 0.0, 0.25, 0.0, 0.45, 0.5)]
    lean = rng.uniform(0.5, 1.1) * (1 if rng.random() < 0.5 else -1)
    tip = (0.1 + 0.75 * np.cos(lean), 0.8 * np.sin(lean))
    if rng.random() < 0.8:
        parts.append((-0.1, 0.3 * np.sign(lean), *tip, 0.2, 0.13))
    for n in range(count):
        place = (n - (count - 1) / 2) / max(count - 1, 1)
        direction = place * spread * 3
        length = rng.uniform(0.38, 0.5) * (1 - 0.35 * abs(place))
        y = 0.74 * place * (count / 4)
        joint = (0.4 + length * np.cos(direction), y + length * np.sin(direction))
        bent = direction + curl
        end = (joint[0] + length * np.cos(bent), joint[1] + length * np.sin(bent))
        parts += [(0.3, y, *joint, 0.14, 0.125), (*joint, *end, 0.125, 0.1)]
    return _placed(np.array(parts), centre, size, angle)


def arm(centre: Sequence[float], size: float, angle: float, rng: np.random.Generator) -> Points:
    """Limbs of an upper arm and a forearm, `size` px thick, that meet in an elbow at `centre`."""
    bend = rng.uniform(0.6, 2.6)
    first, second = rng.uniform(1.5, 4, 2)
    end = (second * np.cos(bend), second * np.sin(bend))
    return _placed(np.array([(first, 0, 0, 0, 0.62, 0.5), (0, 0, *end, 0.5, 0.33)]), centre, size, angle)


def hair(shape: tuple[int, int], base: float, rng: np.random.Generator) -> Image:
    """Streaks of brightness about `base`, uint8 `[h,w]`, darker towards the sides, as hair on a head."""
    h, w = shape
    streaks = rng.standard_normal((max(h // 12, 2), max(w // 2, 2)), np.float32)
    grain = cv2.resize(streaks, (w, h), interpolation=cv2.INTER_CUBIC)
    x = np.linspace(-1, 1, w, dtype=np.float32)
    y = np.linspace(-1, 1, h, dtype=np.float32)[:, None]
    round_off = 1 - 0.45 * x**2 - 0.25 * y**2
    gloss = 1 + rng.uniform(0, 0.5) * np.exp(-((y - rng.uniform(-0.6, 0.2)) ** 2) / 0.05)
    light = base * round_off * gloss * (1 + rng.uniform(0.04, 0.2) * grain)
    return np.asarray(np.clip(light, 0, 255), np.uint8)


def _placed(parts: Points, centre: Sequence[float], size: float, angle: float) -> Points:
    """Limbs in units of `size`, pointing right, turned by `angle` and moved to `centre`."""
    turn = _rotation(angle).T * size
    ends = parts[:, :4].reshape(-1, 2, 2) @ turn + np.array(centre)
    return np.concatenate([ends.reshape(-1, 4), parts[:, 4:] * size], axis=1)


def _rotation(angle: float) -> Points:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
