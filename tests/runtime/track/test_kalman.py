from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.runtime.track.kalman import PLACE_NOISE, RATE, SPEED_NOISE, Belief, predict, start, to_place, update


class Textbook:
    """One track with full 8 x 8 matrices: x' = Fx, P' = FPF' + Q; K = PH'(HPH' + R)^-1."""

    def __init__(self, xyxy: np.ndarray) -> None:
        x1, y1, x2, y2 = (float(v) for v in xyxy)
        self.x = np.array([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, 0, 0, 0, 0])
        h = self.x[3]
        self.p = np.diag([(h / 10) ** 2] * 4 + [(h / 16 * RATE) ** 2] * 4)

    def predict(self, step_s: float) -> None:
        h, eye = self.x[3], np.eye(4)
        f = np.block([[eye, step_s * eye], [0 * eye, eye]])
        white = (h * SPEED_NOISE * RATE) ** 2 * RATE
        drift = (h * PLACE_NOISE) ** 2 * RATE
        q = white * np.block([[step_s**3 / 3 * eye, step_s**2 / 2 * eye], [step_s**2 / 2 * eye, step_s * eye]])
        q[:4, :4] += drift * step_s * eye
        self.x, self.p = f @ self.x, f @ self.p @ f.T + q

    def update(self, xyxy: np.ndarray) -> None:
        x1, y1, x2, y2 = (float(v) for v in xyxy)
        z = np.array([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])
        h = np.hstack([np.eye(4), np.zeros((4, 4))])
        r = np.eye(4) * (self.x[3] * PLACE_NOISE) ** 2
        k = self.p @ h.T @ np.linalg.inv(h @ self.p @ h.T + r)
        self.x = self.x + k @ (z - h @ self.x)
        self.p = (np.eye(8) - k @ h) @ self.p


def boxes_near(rng: np.random.Generator, centre: np.ndarray) -> np.ndarray:
    half = rng.uniform(18, 26, (len(centre), 2))
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def test_all_tracks_at_once_are_the_textbook_one_by_one() -> None:
    rng = np.random.default_rng(0)
    centre = rng.uniform(100, 400, (5, 2))
    first = boxes_near(rng, centre)
    belief, books = start(first), [Textbook(box) for box in first]
    for n in range(20):
        step_s = float(rng.uniform(0.01, 0.2))
        belief = predict(belief, step_s)
        for book in books:
            book.predict(step_s)
        if n % 3:  # sometimes nothing is found
            seen = boxes_near(rng, centre + n)
            belief = update(belief, seen)
            for book, box in zip(books, seen, strict=True):
                book.update(box)
        for t, book in enumerate(books):
            np.testing.assert_allclose(np.r_[belief.place[t], belief.speed[t]], book.x, rtol=1e-9)
            np.testing.assert_allclose(belief.place_var[t], np.diag(book.p)[:4], rtol=1e-9)
            np.testing.assert_allclose(belief.speed_var[t], np.diag(book.p)[4:], rtol=1e-9)
            np.testing.assert_allclose(belief.cross_var[t], np.diag(book.p[:4, 4:]), rtol=1e-9)


@given(st.floats(0, 0.5), st.floats(0, 0.5))
def test_two_steps_are_one_of_their_sum(first_s: float, second_s: float) -> None:
    belief = start(np.array([[10, 20, 50, 80]], np.float32))
    belief.speed[:] = [[30, -20, 0, 0]]  # of one size, as noise follows the height
    belief.cross_var[:] = 1.5
    twice, once = predict(predict(belief, first_s), second_s), predict(belief, first_s + second_s)
    for f in fields(Belief):
        np.testing.assert_allclose(getattr(twice, f.name), getattr(once, f.name), rtol=1e-9)


def test_speed_is_learnt_at_any_rate() -> None:
    for rate in (5.0, 25.0, 60.0):
        box = np.array([[100, 100, 140, 150]], np.float32)
        belief = start(box)
        for n in range(1, int(3 * rate)):
            moved = box + np.array([40, 10, 40, 10], np.float32) * np.float32(n / rate)
            belief = update(predict(belief, 1 / rate), moved)
        np.testing.assert_allclose(belief.speed[0], [40, 10, 0, 0], atol=1.5)


def test_no_track_and_choosing() -> None:
    none = start(np.zeros((0, 4), np.float32))
    assert len(update(predict(none, 0.1), np.zeros((0, 4), np.float32))) == 0
    two = start(np.array([[0, 0, 10, 20], [50, 60, 70, 90]], np.float32))
    assert two[np.array([1])].xyxy.tolist() == [[50, 60, 70, 90]]
    assert (none + two).xyxy.tolist() == two.xyxy.tolist()


def test_a_box_never_turns_inside_out() -> None:
    belief = start(np.array([[0, 0, 10, 20]], np.float32))
    belief.speed[:] = [[0, 0, -100, -100]]
    later = predict(belief, 1.0).xyxy[0]
    assert later[0] < later[2]
    assert later[1] < later[3]
    assert to_place(np.array([[5, 5, 5, 5]], np.float32))[0].tolist() == pytest.approx([5, 5, 1, 1])
