from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from faceir.detections import DONT_CARE, Detections
from faceir.evaluate import Judged
from faceir.evaluate.tao import BoxLimits, TaoAp, integrate_ap, sample_ap, tao_ap, tao_iou
from tests.evaluate.scenes import boxes_at, row, scene


def ranked(letters: str, faces: int) -> Judged:
    """One picture with `faces` faces: found ones in descending score, r = right, w = wrong."""
    found = [(n * 50.0, 0.0) for n in range(len(letters))]
    truth = [at for at, letter in zip(found, letters, strict=True) if letter == "r"]
    truth += [(n * 50.0, 900.0) for n in range(faces - len(truth))]
    scores = 0.999 - 0.001 * np.arange(len(letters))
    return Judged(Detections(boxes_at(*truth)), Detections(boxes_at(*found), scores))


@pytest.mark.parametrize(
    ("letters", "faces", "sample", "integrate"),
    [
        ("r", 1, 1, 0),  # from recall 0 to the first one there is nothing
        ("rr", 2, 1, 1 / 2),
        ("rrrr", 4, 1, 3 / 4),
        ("w", 1, 0, 0),
        ("wr", 1, 1 / 2, 0),  # recalls 0 and 1: the precision before the last one was 0
        ("wwrr", 2, 1 / 2, 1 / 3),  # recalls 0, 1/2, 1: both segments have the 1/3 seen at 1/2
        ("rwr", 2, (6 * 1 + 5 * 2 / 3) / 11, 1 / 2),
        ("rm", 4, 3 / 11, 0),
        ("rwwr", 4, (3 * 1 + 3 * 1 / 2) / 11, 1 / 4),
    ],
)
def test_by_hand(letters: str, faces: int, sample: float, integrate: float) -> None:
    got = tao_ap([ranked(letters.replace("m", "w"), faces)])
    assert got.sample == pytest.approx(sample, abs=1e-12)
    assert got.integrate == pytest.approx(integrate, abs=1e-12)


def test_borders_belong_to_a_box() -> None:
    a, b = np.array([[0.0, 0, 9, 9]]), np.array([[0.0, 0, 9, 4]])
    assert tao_iou(a, b).tolist() == [0.5]
    assert tao_iou(a, a).tolist() == [1]
    assert tao_iou(a, np.array([[9.0, 9, 18, 18]])).tolist() == [1 / 199]  # they share a pixel
    assert tao_iou(a, np.array([[10.0, 0, 19, 9]])).tolist() == [0]


def test_an_iou_of_just_the_threshold_is_enough() -> None:
    p = Judged(Detections([[0, 0, 9, 9]]), Detections([[0, 0, 9, 4]]))
    assert tao_ap([p]).sample == 1
    assert tao_ap([p], iou_threshold=0.501).sample == 0


def test_boxes_are_rounded_half_to_even() -> None:
    p = Judged(Detections([[0, 0, 9, 9]]), Detections([[0, 0, 9, 4.5]]))  # 4.5 becomes 4
    assert tao_ap([p]).sample == 1
    assert tao_ap([p], iou_threshold=0.51).sample == 0
    half = Judged(Detections([[0, 0, 9, 9]]), Detections([[0, 0, 9, 3.5]]))  # 3.5 becomes 4
    assert tao_ap([half]).sample == 1


def test_the_best_face_being_taken_is_wrong_even_if_another_would_do() -> None:
    truth = [[0, 0, 20, 20], [0, 2, 20, 22]]
    p = Judged(Detections(truth), Detections([[0, 0, 20, 20], [0, 0, 20, 21]], [0.9, 0.8]))
    second_best = tao_ap([p])
    assert second_best.sample == pytest.approx(6 / 11)  # recall stays at a half
    assert second_best.integrate == 0


def test_regions_to_ignore_are_not_known() -> None:
    dont_care = Judged(
        Detections(boxes_at((0, 0), (50, 0)), labels=[DONT_CARE, 0]), Detections(boxes_at((0, 0), (50, 0)), [0.9, 0.8])
    )
    assert tao_ap([dont_care]) == tao_ap([ranked("wr", 1)])


def test_limits_are_in_network_pixels_for_found_and_true() -> None:
    p = Judged(Detections(boxes_at((0, 0), (50, 0))), Detections(boxes_at((0, 0), (90, 0))), scale=0.5)
    assert tao_ap([p], limits=BoxLimits(min_height=11)) == TaoAp(None, None)
    assert tao_ap([p], limits=BoxLimits(min_height=10)).sample == tao_ap([p]).sample > 0
    assert tao_ap([p], limits=BoxLimits(max_width=9)) == TaoAp(None, None)


def test_a_class_without_faces_counts_as_nothing() -> None:
    assert tao_ap([ranked("rr", 2)], classes=2).sample == 0.5
    assert tao_ap([]) == tao_ap([row("ff")]) == TaoAp(None, None)


def slow(pictures: list[Judged]) -> tuple[float, float]:
    """The description once more, a face at a time: by score, the best overlap, taken or not, then both areas."""
    faces = [np.rint(p.truth.xyxy[p.counted].astype(float)) for p in pictures]
    found = [
        (float(s), n, np.rint(box.astype(float)))
        for n, p in enumerate(pictures) for box, s in zip(p.found.xyxy, p.found.scores, strict=True)
    ]  # fmt: skip
    found.sort(key=lambda f: -f[0])
    taken, tp, precision, recall = set(), 0, [], []
    for n, (_, picture, box) in enumerate(found, 1):
        overlaps = [float(tao_iou(box[None], face[None])[0]) for face in faces[picture]]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if overlaps and overlaps[best] >= 0.5 and (picture, best) not in taken:
            taken.add((picture, best))
            tp += 1
        precision.append(tp / n)
        recall.append(tp / sum(map(len, faces)))
    levels = sorted(set(recall))
    area = 0.0
    for low, high in pairwise(levels):
        area += (high - low) * max(p for p, r in zip(precision, recall, strict=True) if low <= r < levels[-1])
    sample = np.mean(
        [max((p for p, r in zip(precision, recall, strict=True) if r >= t), default=0) for t in np.linspace(0, 1, 11)]
    )
    return float(sample), area


@pytest.mark.parametrize("seed", range(6))
def test_as_the_description_says_step_by_step(seed: int) -> None:
    pictures = [scene(100 * seed + n) for n in range(30)]
    got = tao_ap(pictures)
    assert (got.sample, got.integrate) == pytest.approx(slow(pictures), abs=1e-12)


def test_ap_of_curves() -> None:
    assert sample_ap(np.zeros(0), np.zeros(0)) == 0
    assert integrate_ap(np.array([1.0]), np.array([1.0])) == 0
