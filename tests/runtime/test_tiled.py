"""Pictures in pieces: small faces come to light, and each face stays one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir.detections import Detections
from faceir.errors import InputError
from faceir.fit import Fit
from faceir.flow import Image
from faceir.runtime.detector import Detector
from faceir.runtime.tiled import Tiled, starts
from faceir.testing import demo_portraits, night_clip

LEAST_PX = 16


def by_size(images: Sequence[Image]) -> list[Detections]:
    """Finds white boxes, and none that is lower than 16 px on a canvas of 384x240."""
    return [_blobs(image) for image in images]


def _blobs(image: Image) -> Detections:
    _, place = Fit().apply(image)
    _, _, stats, _ = cv2.connectedComponentsWithStats((image > 127).astype(np.uint8))
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in stats[1:]], np.float32).reshape(-1, 4)
    return Detections(boxes[(boxes[:, 3] - boxes[:, 1]) * place.scale_xy[1] >= LEAST_PX])


def drawn(boxes: Sequence[Sequence[int]], size_wh: tuple[int, int]) -> Image:
    picture = np.zeros(size_wh[::-1], np.uint8)
    for x1, y1, x2, y2 in boxes:
        picture[y1:y2, x1:x2] = 255
    return picture


@given(st.integers(1, 900), st.integers(1, 400))
def test_pieces_cover_everything_and_lie_over_each_other(length: int, piece: int) -> None:
    begin = starts(length, piece)
    assert begin[0] == 0
    assert begin[-1] == max(length - piece, 0)
    assert all(after - before <= 0.75 * piece + 1 for before, after in pairwise(begin))


@given(st.integers(0, 1880), st.integers(0, 1040), st.sampled_from([(2, 2), (3, 2), (3, 3)]))
@settings(max_examples=40, deadline=None)
def test_a_small_face_is_found_once_wherever_it_is(x: int, y: int, tiles: tuple[int, int]) -> None:
    side = 50 if tiles[1] == 2 else 36  # 11 and 8 px for the picture as a whole
    box = [min(x, 1920 - side), min(y, 1080 - side)]
    box += [box[0] + side, box[1] + side]
    picture = drawn([box], (1920, 1080))
    assert len(by_size([picture])[0]) == 0
    assert Tiled(by_size, tiles)([picture])[0].xyxy.tolist() == [box]


def test_large_and_small_faces_together_in_order_of_pictures() -> None:
    large, small, middle = [300, 200, 1300, 1000], [60, 60, 110, 110], [1400, 500, 1500, 600]
    pictures = [drawn(boxes, (1920, 1080)) for boxes in ([large, small], [], [middle, small, large])]
    found = [sorted(d.xyxy.tolist()) for d in Tiled(by_size, (2, 2))(pictures)]
    assert found == [sorted([large, small]), [], sorted([middle, small, large])]


def test_the_surest_box_of_a_face_stays() -> None:
    def pieces_are_surer(images: Sequence[Image]) -> list[Detections]:
        return [Detections(d.xyxy, scores=np.full(len(d), 0.5 if i.shape[1] == 1920 else 0.9)) for i, d in
                ((i, _blobs(i)) for i in images)]  # fmt: skip

    (found,) = Tiled(pieces_are_surer, (2, 2))([drawn([[100, 100, 200, 200], [600, 300, 1400, 900]], (1920, 1080))])
    assert [round(score, 3) for score in found.scores.tolist()] == [0.9, 0.5]  # the second is cut by each piece


def test_what_one_look_tells_apart_stays_apart() -> None:
    nested = Detections([[300, 200, 1300, 1000], [600, 250, 900, 900]], scores=[0.9, 0.4])

    def sees_two_in_the_whole(images: Sequence[Image]) -> list[Detections]:
        return [nested if image.shape[1] == 1920 else Detections() for image in images]

    (found,) = Tiled(sees_two_in_the_whole, (2, 2))([np.zeros((1080, 1920), np.uint8)])
    assert found == nested


def test_one_piece_is_the_detector_itself(square_model: Path) -> None:
    picture = np.random.default_rng(0).integers(120, 255, (300, 500, 3)).astype(np.uint8)
    detector = Detector(square_model, threads=1)
    assert len(detector.detect(picture))
    assert Tiled(detector, (1, 1))([picture]) == [detector.detect(picture)]


def test_a_picture_of_a_pixel_and_one_thinner_than_the_pieces() -> None:
    for shape in ((1, 1), (1, 700), (3, 2)):
        assert Tiled(by_size, (3, 3))([np.zeros(shape, np.uint8)]) == [Detections()]


def test_the_real_detector_finds_faces_too_small_for_one_look() -> None:
    frame = next(iter(night_clip(demo_portraits(), 1)))
    small = cv2.resize(frame.gray, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    wide = np.zeros((small.shape[0] * 8, small.shape[1] * 8), np.uint8)
    wide[: small.shape[0], : small.shape[1]] = small
    detector = Detector(threads=1)
    assert len(Tiled(detector, (4, 4))([wide])[0]) > len(detector.detect(wide))


def test_mistakes_are_told() -> None:
    with pytest.raises(InputError, match="columns x rows"):
        Tiled(by_size, (0, 2))
    with pytest.raises(InputError, match="uint8"):
        Tiled(by_size, (2, 2))([np.zeros((4, 4), np.float32)])  # type: ignore[list-item]
