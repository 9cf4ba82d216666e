"""Occluders: they hide what they say they hide, and heads bring their faces along."""

from dataclasses import fields

import cv2
import numpy as np
import pytest

from faceir.data.augment.occluders import _passengers, occlude
from faceir.data.augment.scene import Scene
from faceir.data.augment.settings import Occluders
from faceir.detections import DONT_CARE, Detections

THINGS = [f.name for f in fields(Occluders) if not f.name.endswith("probability")]
FACE = Detections([[70, 50, 110, 100]])


def only(thing):
    return Occluders(probability=1, **{name: float(name == thing) for name in THINGS})


def no_head():
    raise AssertionError("no head was asked for")


def portrait():
    """A white face with a black mouth on dark gray, and its box."""
    picture = np.full((150, 180), 40, np.uint8)
    cv2.ellipse(picture, (90, 75), (25, 32), 0, 0, 360, 230, -1)
    cv2.ellipse(picture, (90, 92), (8, 3), 0, 0, 360, 0, -1)
    return picture, Detections([[65, 43, 116, 108]])


@pytest.mark.parametrize("thing", [t for t in THINGS if t != "head"])
def test_things_hide_faces_more_or_less_and_stay_in_place(thing):
    canvas = np.tile(np.arange(20, 220, dtype=np.uint8), (150, 1))
    before = canvas.copy()
    levels = []
    for seed in range(40):
        seen, truth = occlude(canvas, FACE, only(thing), np.random.default_rng(seed), no_head)
        levels.append(int(truth.occlusion[0]))
        assert thing == "cap" or np.array_equal(truth.xyxy, FACE.xyxy)
        assert (seen != canvas).any()
    assert np.array_equal(canvas, before)
    assert max(levels) >= 4
    assert len(set(levels)) >= 4


def test_the_box_of_a_face_under_a_cap_starts_at_the_brim():
    canvas = np.full((150, 180), 100, np.uint8)
    moved = []
    for seed in range(60):
        seen, truth = occlude(canvas, FACE, only("cap"), np.random.default_rng(seed), no_head)
        x1, y1, x2, y2 = truth.xyxy[0].tolist()
        assert [x1, x2, y2] == [70, 110, 100]
        assert 50 <= y1 <= 50 + 0.5 * 50
        moved.append(y1 - 50)
        hidden = seen[50 : int(y1), 80:100] != 100
        assert hidden.mean() > 0.8 if hidden.size else True
        assert truth.occlusion[0] >= round((y1 - 50) / 50 * 10) - 3  # of the whole face, and not of what is left
    assert min(moved) == 0
    assert max(moved) > 15


def test_a_head_brings_its_face_along():
    donor, face = portrait()
    canvas = np.full((150, 200), 120, np.uint8)
    for seed in range(40):
        seen, truth = occlude(canvas, FACE, only("head"), np.random.default_rng(seed), lambda: (donor, face))
        if len(truth) == 1:
            continue  # its face lies outside of the view
        assert truth.occlusion[1] == -1
        x1, y1, x2, y2 = truth.xyxy[1].tolist()
        assert 0 <= x1 < x2 <= 200
        assert 0 <= y1 < y2 <= 150
        if truth.truncation[1] <= 0:  # the face is where its box says: brightness changes at the box's four sides
            bright = seen > seen[int((y1 + y2) / 2), int((x1 + x2) / 2)] * 0.7
            rows, columns = np.nonzero(bright[int(y1) : int(y2) + 1, int(x1) : int(x2) + 1])
            assert rows.min() <= 2
            assert columns.min() <= 2
            assert columns.max() >= x2 - x1 - 3
            break
    else:
        raise AssertionError("no head came whole")


def test_a_donor_without_a_usable_face_gives_no_face():
    donor = np.full((60, 60), 40, np.uint8)
    unusable = [
        Detections(),
        Detections([[20, 30, 26, 37]]),  # too small
        Detections([[20, 20, 40, 44]], labels=[DONT_CARE]),
        Detections([[20, 20, 40, 44]], occlusion=[5]),
        Detections([[20, 20, 40, 44], [24, 20, 44, 44]]),  # two in one cut
    ]
    for faces in unusable:
        for seed in range(5):
            _, truth = occlude(
                np.full((150, 200), 120, np.uint8), FACE, only("head"), np.random.default_rng(seed),
                lambda faces=faces: (donor, faces),
            )  # fmt: skip
            assert len(truth) == 1


def test_distractors_need_no_face_and_make_none():
    canvas = np.full((150, 200), 120, np.uint8)
    changed = 0
    for seed in range(30):
        how = Occluders(probability=1, distractor_probability=1)
        seen, truth = occlude(canvas, Detections(), how, np.random.default_rng(seed), no_head)
        assert len(truth) == 0
        changed += bool((seen != canvas).any())
    assert changed == 30


def test_nothing_is_put_before_regions_to_ignore_or_specks():
    canvas = np.full((150, 200), 120, np.uint8)
    for truth in (Detections(FACE.xyxy, labels=[DONT_CARE]), Detections([[10, 10, 14, 15]])):
        seen, after = occlude(canvas, truth, Occluders(probability=1), np.random.default_rng(0), no_head)
        assert seen is canvas
        assert after is truth


def test_probability_0_leaves_all_as_it_is():
    canvas = np.zeros((20, 20), np.uint8)
    seen, truth = occlude(canvas, FACE, Occluders(), np.random.default_rng(0), no_head)
    assert seen is canvas
    assert truth is FACE


def test_passengers_are_faces_of_their_donor_or_no_faces_at_all():
    donor, face = portrait()
    canvas = np.tile(np.arange(20, 220, dtype=np.uint8), (150, 1))
    how = Occluders(probability=0, passenger_probability=1)
    counts = []
    for seed in range(40):
        seen, truth = occlude(canvas, FACE, how, np.random.default_rng(seed), lambda: (donor, face))
        assert np.array_equal(truth.xyxy[0], FACE.xyxy[0])
        counts.append(len(truth) - 1)
        for box in truth.xyxy[1:][truth.labels[1:] != DONT_CARE]:
            x1, y1, x2, y2 = box.astype(int)
            assert (seen[y1:y2, x1:x2] != canvas[y1:y2, x1:x2]).mean() > 0.5
            assert y2 - y1 <= 61
    assert set(counts) >= {0, 1, 2}
    assert (occlude(canvas, FACE, Occluders(), np.random.default_rng(0), no_head)[0] == canvas).all()


def test_nothing_of_a_passenger_lies_before_a_nearer_face():
    donor, face = portrait()
    canvas = np.tile(np.arange(20, 220, dtype=np.uint8), (150, 1))
    near = Detections([[60, 20, 120, 110]])
    how = Occluders(probability=1, head=0)
    behind_it = 0
    for seed in range(60):
        scene = Scene(canvas, near)
        _passengers(scene, how, np.random.default_rng(seed), lambda: (donor, face))
        if (scene.canvas != canvas).any() and scene.truth().xyxy[1:, 3].max(initial=0) < 110:
            behind_it += 1
            assert np.array_equal(scene.canvas[40:90, 75:105], canvas[40:90, 75:105])
    assert behind_it > 20


def test_clutter_among_passengers_holds_no_face_without_label():
    donor, face = portrait()
    donor[donor == 40] = 0
    canvas = np.zeros(
        (100, 120), np.uint8
    )  # small and black, so that clutter lies near faces and they alone are bright
    how = Occluders(probability=0, passenger_probability=1)
    for seed in range(300):
        seen, truth = occlude(canvas, Detections(), how, np.random.default_rng(seed), lambda: (donor, face))
        for x1, y1, x2, y2 in truth.xyxy.tolist():
            round_it = int(0.4 * (y2 - y1)) + 4  # the hair, made brighter by a veil
            seen[max(int(y1) - round_it, 0) : int(y2) + round_it, max(int(x1) - round_it, 0) : int(x2) + round_it] = 0
        assert seen.max() < 20, seed
