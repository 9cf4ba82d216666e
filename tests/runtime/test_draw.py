from __future__ import annotations

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.errors import InputError
from faceir.runtime.draw import draw


@pytest.mark.parametrize("shape", [(100, 160), (100, 160, 3)])
def test_nothing_drawn_is_a_copy(shape: tuple[int, ...]) -> None:
    image = np.full(shape, 7, np.uint8)
    drawn = draw(image, Detections())
    np.testing.assert_array_equal(drawn, image)
    assert not np.shares_memory(drawn, image)


@pytest.mark.parametrize("shape", [(100, 160), (100, 160, 3)])
def test_a_box_lies_on_its_edge_pixels(shape: tuple[int, ...]) -> None:
    image = np.zeros(shape, np.uint8)
    drawn = draw(image, Detections([[40, 50, 80, 90]], [0.9]))
    touched = drawn.reshape(100, 160, -1).any(axis=2)
    assert touched[89, 40:80].all()
    assert touched[50:90, 79].all()
    assert not touched[90:].any()
    assert not touched[60:, 80:].any()
    assert not touched[55:85, 45:75].any()
    assert not image.any()


def test_lines_grow_with_the_picture_and_tracks_keep_their_colour() -> None:
    small = draw(np.zeros((240, 384, 3), np.uint8), Detections([[50, 50, 150, 150]], track_ids=[3]))
    large = draw(np.zeros((2400, 3840, 3), np.uint8), Detections([[500, 500, 1500, 1500]], track_ids=[3]))
    assert small[100, :60].any(axis=1).sum() < large[1000, :600].any(axis=1).sum()
    np.testing.assert_array_equal(small[149, 100], large[1499, 1000])
    other = draw(np.zeros((240, 384, 3), np.uint8), Detections([[50, 50, 150, 150]], track_ids=[4]))
    assert (other[149, 100] != small[149, 100]).any()


@pytest.mark.parametrize("box", [[0, 0, 5, 5], [-20, -20, 900, 900], [383, 239, 384, 240], [10, 10, 10, 10]])
def test_boxes_at_the_edge_and_labels_unknown(box: list[float]) -> None:
    draw(np.zeros((240, 384), np.uint8), Detections([box], labels=[4]), classes=("face",))
    draw(np.zeros((1, 1, 3), np.uint8), Detections([box], labels=[-1]))


def test_not_a_picture() -> None:
    with pytest.raises(InputError):
        draw(np.zeros((4, 4), np.float32), Detections())  # type: ignore[arg-type]
