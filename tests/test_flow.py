from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import Drop, Frame, Image, check_image

GRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)
RGB = np.stack([GRAY, GRAY * 2, GRAY * 3], axis=2)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("a.jpg", "is a str"),
        ([[1, 2]], "is a list"),
        (None, "is a NoneType"),
        (GRAY.astype(np.float32), "has dtype float32"),
        (GRAY.astype(np.uint16), "has dtype uint16"),
        (GRAY[0], "has shape [4]"),
        (np.zeros((3, 4, 4), np.uint8), "has shape [3, 4, 4]"),
        (np.zeros((1, 3, 4, 3), np.uint8), "has shape [1, 3, 4, 3]"),
        (np.zeros((0, 4), np.uint8), "has no pixels"),
        (np.zeros((4, 0, 3), np.uint8), "has no pixels"),
    ],
)
def test_bad_pictures_are_told(bad: Any, told: str) -> None:
    with pytest.raises(InputError) as caught:
        check_image(bad, "camera 3")
    assert told in str(caught.value)
    assert str(caught.value).startswith("camera 3: ")
    assert "uint8 gray [H,W] or RGB [H,W,3]" in str(caught.value)


@pytest.mark.parametrize("image", [GRAY, RGB, np.zeros((1, 1), np.uint8), RGB[::-1]])
def test_good_pictures_pass_untouched(image: Image) -> None:
    assert check_image(image) is image


def test_a_gray_frame_has_three_equal_channels() -> None:
    frame = Frame.of(GRAY)
    assert frame.gray is GRAY
    assert frame.rgb.shape == (3, 4, 3)
    assert (frame.rgb == GRAY[:, :, None]).all()


def test_a_colour_frame_has_rec_601_luminance() -> None:
    frame = Frame.of(RGB)
    assert frame.rgb is RGB
    assert frame.gray.dtype == np.uint8
    np.testing.assert_allclose(frame.gray, RGB @ [0.299, 0.587, 0.114], atol=1)


def test_a_bad_picture_is_told_with_its_source() -> None:
    with pytest.raises(InputError, match=r"^door: "):
        Frame.of(GRAY.astype(np.float64), source="door")


def test_planes_are_made_once_and_only_when_asked_for() -> None:
    calls = []

    def plane(name: str, image: Image) -> Image:
        calls.append(name)
        return image

    frame = Frame(lambda: plane("luma", GRAY), lambda: plane("colour", RGB))
    assert calls == []
    assert frame.gray is frame.gray
    later = frame.with_detections(Detections([[0, 0, 2, 2]]))
    assert later.gray is GRAY
    assert calls == ["luma"]
    assert later.rgb is frame.rgb is RGB
    assert calls == ["luma", "colour"]


def test_with_detections_keeps_where_and_when() -> None:
    frame = Frame.of(GRAY, source="door", index=7, time_s=0.28, events=("enter",))
    faces = Detections([[0, 0, 2, 2]])
    later = frame.with_detections(faces)
    assert later.detections is faces
    assert (later.source, later.index, later.time_s, later.events) == ("door", 7, 0.28, ("enter",))
    assert len(frame.detections) == 0


def test_drop_is_a_signal_that_a_broad_handler_of_user_errors_lets_pass() -> None:
    from faceir.errors import FaceirError

    assert not issubclass(Drop, FaceirError)


def test_a_picture_is_made_once_for_many_threads():
    made = []

    def make():
        made.append(1)
        time.sleep(0.05)
        return np.zeros((2, 3), np.uint8)

    frame = Frame(make, lambda: np.repeat(frame.gray[:, :, None], 3, axis=2))
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(lambda n: frame.rgb if n % 2 else frame.gray, range(8)))
    assert len(made) == 1
    assert {p.shape for p in pictures} == {(2, 3), (2, 3, 3)}
