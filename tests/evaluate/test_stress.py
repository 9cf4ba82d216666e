"""Camera faults: the first grade changes nothing, boxes go where the content goes, and a seed repeats all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir import boxes
from faceir.data import kitti
from faceir.data.guidelines import Rules
from faceir.data.stored import Stored
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.evaluate import evaluate, judge
from faceir.evaluate.stress import CONDITIONS, FAULTS, judge_under, spoil, stress
from faceir.fit import Fit
from faceir.flow import Image
from faceir.testing import FakeDetector

FIT = Fit((192, 120))
RULES = Rules(min_height=8)
FACE_WH = (24, 30)


def blob(image: Image) -> Detections:
    """The bright ellipse of `scenes`, whatever size it has now; surer the brighter it is."""
    bright = cv2.GaussianBlur(image, (5, 5), 0) > max(0.6 * int(image.max()), 25)
    count, _, stats, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8))
    if count < 2:
        return Detections()
    x, y, w, h, _ = stats[1 + stats[1:, cv2.CC_STAT_AREA].argmax()].tolist()
    return Detections([[x, y, x + w, y + h]], [min(int(image.max()), 255) / 255])


@pytest.fixture
def scenes(tmp_path: Path) -> list[kitti.Item]:
    """Gray pictures of twice the network's size, one of them narrower, each with a bright ellipse as face."""
    rng = np.random.default_rng(3)
    for n, width in enumerate((384, 384, 300, 384)):
        image = np.full((240, width), 30, np.uint8)
        w, h = 2 * FACE_WH[0], 2 * FACE_WH[1]
        x, y = int(rng.integers(60, width - 110)), int(rng.integers(60, 110))
        cv2.ellipse(image, (x + w // 2, y + h // 2), (w // 2, h // 2), 0, 0, 360, 220, -1)
        for kind in ("images", "labels"):
            (tmp_path / "set" / kind).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "set" / "images" / f"p{n}.png"), image)
        truth = Detections([[x, y, x + w, y + h]])
        (tmp_path / "set" / "labels" / f"p{n}.txt").write_text(kitti.format_lines(truth, ("face",), False))
    return kitti.find(tmp_path)


PICTURE = np.random.default_rng(0).integers(0, 255, (60, 80)).astype(np.uint8)


@pytest.mark.parametrize("name", FAULTS)
def test_the_first_grade_is_the_picture_itself(name: str) -> None:
    same, moved = spoil(PICTURE, (name, FAULTS[name].grades[0]), np.random.default_rng(0))
    np.testing.assert_array_equal(same, PICTURE)
    assert moved is None


@pytest.mark.parametrize("name", FAULTS)
def test_each_grade_changes_it_and_harder_ones_more(name: str) -> None:
    smooth = cv2.GaussianBlur(PICTURE, (0, 0), 2)
    smooth = cv2.normalize(smooth, None, 20, 235, cv2.NORM_MINMAX)
    before, off = smooth.copy(), []
    for grade in FAULTS[name].grades[1:]:
        seen, _ = spoil(smooth, (name, grade), np.random.default_rng(0))
        assert (seen.shape, seen.dtype) == (smooth.shape, np.uint8)
        off.append(float(np.abs(seen.astype(float) - smooth).mean()))
    np.testing.assert_array_equal(smooth, before)  # the input is not touched
    if name not in ("rotation", "scale"):
        assert off == sorted(off)
    assert off[0] > 0
    assert len(off) >= 4


def test_the_conditions_of_the_short_table() -> None:
    flat = np.full((200, 200), 80, np.uint8)
    seen = {name: spoil(flat, condition, np.random.default_rng(0))[0] for name, condition in CONDITIONS.items()}
    for name, (fault, grade) in CONDITIONS.items():
        assert grade in FAULTS[fault].grades, name
    np.testing.assert_array_equal(seen["clear"], flat)
    assert (seen["dark"].mean(), seen["dark"].std()) == pytest.approx((0.12 * 80, 3), abs=0.1)
    assert (seen["noise"].mean(), seen["noise"].std()) == pytest.approx((80, 28), abs=0.5)
    assert set(seen["over"].ravel()) == {2.2 * 80 + 30}
    dot = np.zeros((41, 41), np.uint8)
    dot[20, 20] = 255
    blurred = spoil(dot, CONDITIONS["blur"], np.random.default_rng(0))[0]
    assert blurred[20, 20] == round(255 / (2 * np.pi * 2.5**2))
    assert (seen["small"] > 0).sum() == 100 * 100


def test_an_unknown_fault_is_told(scenes: list[kitti.Item]) -> None:
    with pytest.raises(InputError, match="is 'fog'; wanted darkness, noise"):
        spoil(PICTURE, ("fog", 1), np.random.default_rng(0))
    with pytest.raises(InputError, match="are fog; wanted all, darkness"):
        stress(scenes, FakeDetector(blob), FIT, faults=["fog"])


@pytest.mark.parametrize("condition", [("rotation", 20), ("rotation", 30), ("scale", 0.5), ("scale", 0.75)])
def test_boxes_go_where_the_face_goes(scenes: list[kitti.Item], condition: tuple[str, float]) -> None:
    for one in judge_under(scenes, FakeDetector(blob), FIT, [condition], RULES)[condition]:
        assert boxes.iou(one.truth.xyxy, one.found.xyxy)[0, 0] > 0.8


def test_unchanged_pictures_give_the_judges_own_scores(scenes: list[kitti.Item]) -> None:
    clear = CONDITIONS["clear"]
    detector = FakeDetector(lambda image: Detections.concat([blob(image), Detections([[1, 1, 20, 25]], [0.3])]))
    ours = judge_under(scenes, detector, FIT, [clear], RULES)[clear]

    def as_the_network_sees(images: list[Image]) -> list[Detections]:
        canvases, places = FIT.batch(images)
        found = detector(list(canvases))
        return [d.with_boxes(p.to_image(d.xyxy)) for d, p in zip(found, places, strict=True)]

    plain = list(judge(scenes, as_the_network_sees, FIT, RULES))
    assert [p.source for p in ours] == [p.source for p in plain]
    one, other = evaluate(ours, 0.5, rounds=50), evaluate(plain, 0.5, rounds=50)
    assert replace(one, by_height=()) == replace(other, by_height=())


def test_faces_that_grow_too_small_or_leave_do_not_count(scenes: list[kitti.Item]) -> None:
    result = stress(scenes, FakeDetector(blob), FIT, 0.5, ["scale", "rotation"], Rules(min_height=12), rounds=0)
    scale, rotation = result.curves
    assert [grade.faces for grade in scale.grades] == [4, 4, 4, 0, 0]  # 30 px high: 10.5 at a factor of 0.35
    assert scale.grades[-1].recall.value is None
    assert rotation.grades[0].faces == 4


def test_the_curve_of_a_detector_that_needs_light(scenes: list[kitti.Item]) -> None:
    result = stress(scenes, FakeDetector(blob), FIT, 0.4, ["darkness"], RULES, rounds=100)
    (curve,) = result.curves
    assert [grade.level for grade in curve.grades] == [1.0, 0.5, 0.25, 0.12, 0.06]
    assert (result.pictures, result.threshold, result.threshold_source) == (4, 0.4, "given")
    assert [grade.recall.value for grade in curve.grades] == [1, 1, 0, 0, 0]  # its score is the brightness
    assert curve.grades[0].ap.value == 1
    assert curve.grades[0].recall.low is not None
    assert "NaN" not in json.dumps(result.as_dict(), allow_nan=False)


def test_a_threshold_is_chosen_in_the_clear_and_held(scenes: list[kitti.Item]) -> None:
    result = stress(scenes, FakeDetector(blob), FIT, None, ["darkness"], RULES, rounds=0)
    assert result.threshold == pytest.approx(220 / 255, abs=0.01)
    assert "on the clear pictures" in result.threshold_source
    assert result.curves[0].grades[1].recall.value == 0
    nothing = stress(scenes, FakeDetector([Detections()]), FIT, None, ["blur"], RULES, rounds=0)
    assert nothing.threshold is None
    assert [grade.recall.value for grade in nothing.curves[0].grades] == [0] * 5


def test_a_seed_repeats_it_whatever_the_selection(scenes: list[kitti.Item]) -> None:
    seen: dict[str, Image] = {}

    def run(items: list[kitti.Item], seed: int) -> list[Image]:
        detector = FakeDetector(blob)
        judge_under(items, detector, FIT, [("noise", 14)], RULES, seed=seed)
        return detector.pictures

    seen = dict(zip("0123", run(scenes, 7), strict=True))
    np.testing.assert_array_equal(run(scenes[2:3], 7)[0], seen["2"])
    assert (run(scenes[2:3], 8)[0] != seen["2"]).any()
    assert (run(scenes[2:3], 7)[0][:, 150:] == 0).all()  # the margin beside a narrow picture stays black


def test_pictures_that_cannot_be_read_are_left_out_or_told(scenes: list[kitti.Item]) -> None:
    scenes[1].picture.write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot be decoded"):
        stress(scenes, FakeDetector(blob), FIT, 0.5, ["blur"], RULES)
    problems: list[InputError] = []
    result = stress(scenes, FakeDetector(blob), FIT, 0.5, ["blur"], RULES, rounds=0, on_problem=problems.append)
    assert (result.pictures, len(problems)) == (3, 1)


def test_stored_detections_cannot_be_stressed(scenes: list[kitti.Item]) -> None:
    with pytest.raises(InputError, match="stored detections, which cannot see other pictures"):
        stress(scenes, Stored("found/", {}, complete=False), FIT)


def test_no_picture_at_all() -> None:
    result = stress([], FakeDetector(blob), FIT, 0.5, ["noise"])
    assert result.pictures == 0
    assert {grade.ap.value for grade in result.curves[0].grades} == {None}


def test_progress_is_asked_for_each_thing(scenes: list[kitti.Item]) -> None:
    told: list[tuple[str, int]] = []

    def track(things, what):  # type: ignore[no-untyped-def]
        told.append((what, len(things)))
        return things

    stress(scenes, FakeDetector(blob), FIT, 0.5, ["noise", "blur"], RULES, rounds=0, track=track)
    assert told == [("spoiling pictures", 4), ("scoring", 9)]
