from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir import boxes
from faceir.boxes import FloatArray

NONE = np.zeros((0, 4), np.float32)


def random_boxes(seed: int, count: int) -> FloatArray:
    """Whole pixels, some of them empty."""
    rng = np.random.default_rng(seed)
    corner, size = rng.integers(0, 30, (count, 2)), rng.integers(0, 20, (count, 2))
    return np.concatenate([corner, corner + size], axis=1).astype(np.float32)


two_sets = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 8), st.integers(0, 8))


def test_empty_first() -> None:
    some = random_boxes(0, 3)
    assert boxes.area(NONE).shape == (0,)
    assert boxes.iou(NONE, some).shape == (0, 3)
    assert boxes.iou(some, NONE).shape == (3, 0)
    for same in (boxes.clip(NONE, (9, 9)), boxes.scale(NONE, (2, 2)), boxes.to_xywh(NONE), boxes.from_xywh(NONE)):
        assert same.shape == (0, 4)
        assert same.dtype == np.float32


@given(two_sets)
def test_overlap_is_that_of_counted_pixels(args: tuple[int, int, int]) -> None:
    seed, n, m = args
    a, b = random_boxes(seed, n), random_boxes(seed + 1, m)

    def pixels(box: FloatArray) -> np.ndarray:
        mask = np.zeros((50, 50), bool)
        x1, y1, x2, y2 = box.astype(int)
        mask[y1:y2, x1:x2] = True
        return mask

    for i in range(n):
        assert boxes.area(a)[i] == pixels(a[i]).sum()
        for j in range(m):
            shared, union = (pixels(a[i]) & pixels(b[j])).sum(), (pixels(a[i]) | pixels(b[j])).sum()
            assert boxes.intersection(a, b)[i, j] == shared
            assert boxes.iou(a, b)[i, j] == pytest.approx(shared / union if union else 0)


@given(two_sets)
def test_iou_is_symmetric_and_one_with_itself(args: tuple[int, int, int]) -> None:
    seed, n, m = args
    a, b = random_boxes(seed, n), random_boxes(seed + 1, m)
    np.testing.assert_array_equal(boxes.iou(a, b), boxes.iou(b, a).T)
    np.testing.assert_array_equal(np.diag(boxes.iou(a, a)), boxes.area(a) > 0)


@given(two_sets)
def test_xywh_there_and_back(args: tuple[int, int, int]) -> None:
    a = random_boxes(args[0], args[1])
    np.testing.assert_array_equal(boxes.from_xywh(boxes.to_xywh(a)), a)


def test_an_inverted_box_has_no_area() -> None:
    assert boxes.area(np.array([[5, 5, 3, 9], [5, 5, 3, 2]], np.float32)).tolist() == [0, 0]


def test_clip() -> None:
    a = np.array([[-5, -5, 50, 50], [60, 2, 70, 4], [1, 2, 3, 4]], np.float32)
    assert boxes.clip(a, (40, 30)).tolist() == [[0, 0, 40, 30], [40, 2, 40, 4], [1, 2, 3, 4]]
    assert a[0].tolist() == [-5, -5, 50, 50]


def test_scale_then_shift() -> None:
    a = np.array([[1, 2, 3, 4]], np.float32)
    moved = boxes.scale(a, (2, 10), (100, 0))
    assert moved.tolist() == [[102, 20, 106, 40]]
    assert moved.dtype == np.float32


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(boxes, extraglobs={"np": np}).failed == 0
