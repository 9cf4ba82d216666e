"""Where faces are and how they move: a constant-velocity Kalman filter over all tracks at once.

The state of a track is the centre, width and height of its box and the speed of these four, as in BoT-SORT
(Aharon et al. 2022, arXiv 2206.14651). All noise is a share of the box's height, as in DeepSORT (Wojke et al. 2017,
arXiv 1703.07402). There the noise of a step is diagonal, so the 8 x 8 covariance falls apart into four 2 x 2 blocks,
one for each of the four with its speed, and no matrix is ever inverted.

DeepSORT counts in frames. Here time is in seconds, as cameras drop frames: what DeepSORT adds in one frame of `RATE`
a second, a step of any length adds in proportion, with the speed's noise carried into the place (Bar-Shalom, Li,
Kirubarajan 2001, section 6.2.2). Two steps then give exactly what one of their sum gives.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from faceir.boxes import FloatArray

__all__ = ["RATE", "Array", "Belief", "move", "predict", "start", "to_place", "to_xyxy", "update"]

Array: TypeAlias = npt.NDArray[np.float64]

RATE = 30.0
"""Frames a second of the films that the literature's noise was chosen for."""
PLACE_NOISE = 1 / 20
"""Standard deviation of a found box, and of a place's drift in one frame of `RATE`, shares of the height."""
SPEED_NOISE = 1 / 160
"""Standard deviation of a speed's drift in one frame, shares of the height a frame."""
_LEAST_SIZE = 1.0  # pixel: a box never turns inside out


@dataclass
class Belief:
    """What is known of T tracks, float64 `[T,4]` each; the columns are centre x, centre y, width, height in pixels."""

    place: Array
    speed: Array
    """Pixels a second."""
    place_var: Array
    """Variance of `place`."""
    cross_var: Array
    """Covariance of `place` with `speed`."""
    speed_var: Array

    def __len__(self) -> int:
        return len(self.place)

    def __getitem__(self, index: npt.NDArray[np.generic]) -> Belief:
        return Belief(*(getattr(self, f.name)[index] for f in fields(self)))

    def __add__(self, other: Belief) -> Belief:
        """The tracks of both."""
        return Belief(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))

    @property
    def xyxy(self) -> FloatArray:
        """Boxes float32 `[T,4]`, pixels."""
        return to_xyxy(self.place)


def start(xyxy: FloatArray) -> Belief:
    """Tracks that begin at boxes `[T,4]`, of unknown speed."""
    place = to_place(xyxy)
    zero = np.zeros_like(place)
    height = place[:, 3:] + zero
    return Belief(place, zero, (2 * PLACE_NOISE * height) ** 2, zero.copy(), (10 * SPEED_NOISE * RATE * height) ** 2)


def predict(belief: Belief, step_s: float) -> Belief:
    """The same tracks `step_s` seconds on, at least 0."""
    height = belief.place[:, 3:]
    speed_noise = (SPEED_NOISE * RATE * height) ** 2 * (RATE * step_s)
    place_noise = (PLACE_NOISE * height) ** 2 * (RATE * step_s)
    spread = step_s * belief.speed_var
    return Belief(
        move(belief.place, belief.speed, step_s),
        belief.speed,
        belief.place_var + step_s * (2 * belief.cross_var + spread) + place_noise + speed_noise * (step_s**2 / 3),
        belief.cross_var + spread + speed_noise * (step_s / 2),
        belief.speed_var + speed_noise,
    )


def move(place: Array, speed: Array, step_s: float) -> Array:
    """Places `[T,4]` after `step_s` seconds at `speed` `[T,4]`; sizes stay 1 pixel at least."""
    moved = place + step_s * speed
    np.maximum(moved[:, 2:], _LEAST_SIZE, out=moved[:, 2:])
    return moved


def update(belief: Belief, xyxy: FloatArray) -> Belief:
    """The same tracks after each was found at its box of `xyxy` `[T,4]`."""
    noise = (PLACE_NOISE * belief.place[:, 3:]) ** 2
    total = belief.place_var + noise
    surprise = (to_place(xyxy) - belief.place) / total
    kept = noise / total
    return Belief(
        belief.place + belief.place_var * surprise,
        belief.speed + belief.cross_var * surprise,
        belief.place_var * kept,
        belief.cross_var * kept,
        belief.speed_var - belief.cross_var**2 / total,
    )


def to_place(xyxy: FloatArray) -> Array:
    """Centre x, centre y, width, height of boxes: `[T,4]` both; sizes are 1 pixel at least."""
    low, high = xyxy[:, :2].astype(np.float64), xyxy[:, 2:].astype(np.float64)
    return np.concatenate([(low + high) / 2, np.maximum(high - low, _LEAST_SIZE)], axis=1)


def to_xyxy(place: Array) -> FloatArray:
    """Boxes float32 of centre x, centre y, width, height: `[T,4]` both."""
    half = place[:, 2:] / 2
    return np.concatenate([place[:, :2] - half, place[:, :2] + half], axis=1).astype(np.float32)
