"""Views: boxes go where the picture goes."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir.data.augment import Augmentation, Occluders, ViewKind, transform_boxes, view
from faceir.data.augment.framing import sampled, warp
from faceir.detections import DONT_CARE, Detections
from faceir.fit import Fit

SIZE = (384, 240)
CALM = Augmentation(hflip_probability=0)
EVERYTHING = Occluders(probability=1, distractor_probability=1)


def disc(center=(150, 90), radius=30, shape=(200, 320)):
    """A bright disc on black, and its box."""
    picture = np.zeros(shape, np.uint8)
    cv2.circle(picture, center, radius, 255, -1)
    x, y = center
    return picture, Detections([[x - radius, y - radius, x + radius + 1, y + radius + 1]])


def measured(picture, near=None):
    """The box of what is bright: all of it, or the piece at `near`, as blurred light may lie around a picture."""
    bright = (picture > 165).astype(np.uint8)  # the border may be as bright as 160
    if near is not None:
        _, piece = cv2.connectedComponents(bright)
        x, y = (int(v) for v in near)
        bright = piece == piece[y, x]
    ys, xs = np.nonzero(bright)
    return [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


def test_a_calm_whole_view_is_what_the_run_time_sees():
    picture, truth = disc()
    seen, boxes = view(picture, truth, ViewKind(SIZE), CALM, np.random.default_rng(0))
    fitted, place = Fit(SIZE).apply(picture)
    assert np.abs(seen.astype(int) - fitted).mean() < 1
    assert np.allclose(boxes.xyxy, place.to_canvas(truth.xyxy), atol=1e-3)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from([None, (20.0, 120.0)]))
def test_the_box_stays_tight_around_a_round_face(seed, heights):
    how = Augmentation(
        zoom=(0.8, 1.3), translate_max_xy=(10, 10), rotate_max_rad=0.6, rotate_probability=1, aspect_jitter_max=0.2
    )
    picture, truth = disc()
    seen, boxes = view(picture, truth, ViewKind(SIZE, heights), how, np.random.default_rng(seed))
    if len(boxes) and boxes.truncation[0] <= 0:
        centre = (boxes.xyxy[0, :2] + boxes.xyxy[0, 2:]) / 2
        assert np.allclose(boxes.xyxy[0], measured(seen, centre), atol=2.5)


def test_a_cut_face_tells_how_much_is_gone():
    picture, truth = disc(center=(318, 90))
    truth = truth.with_boxes(np.array([[288, 60, 348, 120]], np.float32))  # its right half is outside
    _, boxes = view(picture, truth, ViewKind((320, 200)), CALM, np.random.default_rng(0))
    assert boxes.truncation[0] == pytest.approx(28 / 60, abs=0.02)
    assert boxes.xyxy[0, 2] == 320


def test_a_flip_is_its_own_inverse_on_boxes():
    matrix = np.array([[-1.0, 0, 100], [0, 1, 0]])
    box = np.array([[10, 20, 30, 60]], np.float32)
    assert np.allclose(transform_boxes(transform_boxes(box, matrix), matrix), box, atol=1e-4)


def test_views_without_faces_and_with_colour():
    colour = np.random.default_rng(0).integers(0, 255, (90, 130, 3)).astype(np.uint8)
    how = Augmentation(hue_max_deg=20, saturation_max=0.2, infrared_probability=1, occluders=EVERYTHING)
    for kind in (ViewKind(SIZE), ViewKind((208, 160), (12, 150), 0.2)):
        seen, boxes = view(colour, Detections(), kind, how, np.random.default_rng(1))
        assert seen.shape == (kind.size_wh[1], kind.size_wh[0])
        assert seen.dtype == np.uint8
        assert len(boxes) == 0


def test_hue_and_saturation_leave_gray_alone():
    gray = np.repeat(np.arange(200, dtype=np.uint8).reshape(10, 20, 1), 3, axis=2)
    how = Augmentation(hflip_probability=0, hue_max_deg=60, saturation_max=0.5)
    seen, _ = view(gray, Detections(), ViewKind((20, 10)), how, np.random.default_rng(2))
    assert np.abs(seen.astype(int) - gray[:, :, 0]).max() <= 2


def test_the_view_is_filled_when_the_picture_can_fill_it():
    picture = np.full((200, 320), 200, np.uint8)
    truth = Detections([[150, 90, 170, 110]])
    kind = ViewKind((208, 160), (30, 100))
    for seed in range(20):
        seen, _ = view(picture, truth, kind, CALM, np.random.default_rng(seed))
        assert (seen > 100).mean() > 0.7


def test_dont_care_regions_travel_along_but_are_never_the_focus():
    picture, truth = disc()
    ignored = Detections(truth.xyxy, labels=np.array([DONT_CARE]))
    _, boxes = view(picture, ignored, ViewKind(SIZE), CALM, np.random.default_rng(0))
    assert boxes.labels.tolist() == [DONT_CARE]


def test_a_view_of_a_part_is_a_part_of_the_view():
    """Only the part of a picture that is seen is read; its pixels are those of a warp of the whole."""
    picture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (300, 400)).astype(np.uint8), (0, 0), 2)
    for scale in (0.4, 1.0, 2.5):
        matrix = np.array([[scale, 0.1, -150 * scale], [-0.1, scale, -90 * scale]])
        rows, columns = sampled(picture.shape, matrix, (64, 48))
        moved = matrix[:, 2] + matrix[:, :2] @ [columns.start, rows.start]
        part = warp(picture[rows, columns], np.c_[matrix[:, :2], moved], (64, 48), 0)
        whole = warp(picture, matrix, (64, 48), 0)
        assert part.size < picture.size
        assert np.abs(part.astype(int) - whole).mean() < 2


@pytest.mark.parametrize("colour", [False, True])
def test_a_seed_repeats_the_view(colour):
    shape = (180, 240, 3) if colour else (180, 240)
    picture = np.random.default_rng(1).integers(0, 255, shape).astype(np.uint8)
    truth = Detections([[60, 40, 120, 110], [150, 60, 190, 110]])
    how = Augmentation(infrared_probability=1, occluders=EVERYTHING, brightness_stddev=0.1)
    for seed in range(12):
        first, second = (
            view(picture, truth, ViewKind((208, 160), (30, 100)), how, np.random.default_rng(seed)) for _ in range(2)
        )
        assert np.array_equal(first[0], second[0])
        assert first[1] == second[1]


def test_faces_of_one_pixel_pass():
    picture = np.full((100, 150), 90, np.uint8)
    truth = Detections([[20, 20, 21, 21], [149, 99, 150, 100]])
    how = Augmentation(infrared_probability=1, occluders=EVERYTHING)
    for seed in range(20):
        for kind in (ViewKind(SIZE), ViewKind((208, 160), (12, 150))):
            seen, _ = view(picture, truth, kind, how, np.random.default_rng(seed))
            assert seen.shape == kind.size_wh[::-1]
