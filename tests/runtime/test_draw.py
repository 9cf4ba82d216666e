from __future__ import annotations

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.errors import InputError
from faceir.runtime.draw import Osd, draw


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


BOX = Detections([[40, 60, 120, 140]], [0.9], track_ids=[3])


def changed(osd: Osd, found: Detections = BOX, time_s: float | None = None) -> np.ndarray:
    """Which pixels are drawn on, `[200,300]`."""
    image = np.full((200, 300, 3), 9, np.uint8)
    return np.asarray((draw(image, found, osd=osd, time_s=time_s) != image).any(axis=2))


def test_what_is_turned_off_is_not_drawn() -> None:
    assert not changed(Osd(boxes=False, text=False)).any()
    only_box = changed(Osd(text=False))
    assert only_box[60:140, 40].all()
    assert not only_box[:60].any()
    only_text = changed(Osd(boxes=False))
    assert only_text[:60].any()
    assert not only_text[62:].any()
    widths = [
        changed(osd)[:60].any(axis=0).sum()
        for osd in (Osd(boxes=False), Osd(boxes=False, ids=False), Osd(boxes=False, ids=False, scores=False))
    ]
    assert widths[0] > widths[1] > widths[2] > 0


@pytest.mark.parametrize("width", [1, 3, 6])
def test_borders_are_as_wide_as_stated(width: int) -> None:
    across = changed(Osd(text=False, border_px=width))[100, :80]
    assert across.sum() == pytest.approx(width, abs=2)  # OpenCV rounds to its liking


@pytest.mark.parametrize("size", [10, 20, 40])
def test_capitals_are_as_high_as_stated(size: int) -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    osd = Osd(boxes=False, scores=False, ids=False, text_px=size, text_rgb=(255, 255, 255), text_bar_rgb=(0, 0, 0))
    rows = draw(image, Detections([[0, 100, 9, 109]]), classes=("H",), osd=osd).any(axis=(1, 2)).sum()
    assert rows == pytest.approx(size, rel=0.2, abs=2)


def test_colours() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    drawn = draw(image, BOX, osd=Osd(box_rgb=(1, 2, 3), text_bar_rgb=(4, 5, 6), text_rgb=(7, 8, 9)))
    assert drawn[100, 40].tolist() == [1, 2, 3]
    assert {(4, 5, 6), (7, 8, 9)} <= {tuple(p) for p in drawn[:60].reshape(-1, 3).tolist()}
    gray = draw(image[..., 0], BOX, osd=Osd(text=False, box_rgb=(100, 100, 100)))
    assert gray[100, 40] == 100


@pytest.mark.parametrize("time_s", [3725.0, 1.7e9])
def test_the_clock_shows_another_second_in_its_place(time_s: float) -> None:
    osd = Osd(clock=True, clock_xy=(150, 100), clock_px=10)
    touched = changed(osd, Detections(), time_s)
    assert touched[100:130, 150:].any()
    assert not touched[:100].any()
    assert (changed(osd, Detections(), time_s + 1) != touched).any()
    assert not changed(osd, Detections()).any()  # no time is known
