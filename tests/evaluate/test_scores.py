from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from faceir.detections import Detections
from faceir.errors import InputError
from faceir.evaluate import Judged, Scores, evaluate
from tests.evaluate.scenes import boxes_at, row, scene

NONE = Detections()


seeds = st.integers(0, 2**31)


# --- empty first


def test_no_picture_at_all() -> None:
    scores = evaluate([])
    assert (scores.pictures, scores.faces, scores.tp, scores.fp, scores.fn) == (0, 0, 0, 0, 0)
    for rate in (scores.precision, scores.recall, scores.accuracy, scores.ap, scores.recall_at_p99):
        assert (rate.value, rate.low, rate.high) == (None, None, None)
    assert scores.threshold is None
    assert scores.by_source == ()


def test_no_truth_and_nothing_found() -> None:
    scores = evaluate([Judged(NONE, NONE)] * 3)
    assert scores.pictures == 3
    assert (scores.precision.value, scores.recall.value, scores.accuracy.value, scores.ap.value) == (None,) * 4
    assert scores.threshold_source == "nothing was found to choose it by"


def test_no_truth_but_false_alarms() -> None:
    scores = evaluate([row("ff")] * 3, threshold=0.5)
    assert (scores.fp, scores.precision.value, scores.accuracy.value) == (6, 0, 0)
    assert (scores.recall.value, scores.ap.value, scores.recall_at_p99.value) == (None, None, None)


def test_faces_but_nothing_found() -> None:
    scores = evaluate([row("mm")] * 3)
    assert (scores.fn, scores.recall.value, scores.accuracy.value, scores.ap.value) == (6, 0, 0, 0)
    assert (scores.precision.value, scores.recall_at_p99.value) == (None, None)
    assert scores.recall.high == pytest.approx(0.39, abs=0.01)  # 0 of 6 does not prove 0


# --- counts and curve


def test_a_face_that_does_not_count_costs_nothing() -> None:
    tiny = Judged(Detections(boxes_at((0, 0), (50, 50))), Detections(boxes_at((0, 0))), np.array([False, True]))
    scores = evaluate([tiny], threshold=0.5, rounds=0)
    assert (scores.faces, scores.tp, scores.fp, scores.fn, scores.ignored) == (1, 0, 0, 1, 1)


def test_what_is_found_below_the_least_height_counts_only_when_it_is_right() -> None:
    truth = Detections(boxes_at((0, 0)))
    x1, y1, x2, y2 = truth.xyxy[0].tolist()
    lower = [x1, y1 + 0.3 * (y2 - y1), x2, y2]  # 0.7 of its height, and of its IoU
    found = Detections([lower, [200, 0, 210, 10], [300, 0, 340, 40]], [0.9, 0.9, 0.9])
    p = Judged(truth, found, scale=0.5, least_height=0.4 * (y2 - y1))
    scores = evaluate([p], threshold=0.5, rounds=0)
    assert 0.5 * 10 < p.least_height < 0.5 * 40
    assert (scores.tp, scores.fp, scores.fn, scores.ignored) == (1, 1, 0, 1)


@given(seeds)
def test_unasked_for_small_ones_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = replace(scene(seed), least_height=12.0)
    corner = rng.uniform(500, 900, (9, 2))
    specks = Detections(np.concatenate([corner, corner + 11], axis=1), rng.random(9))
    more = replace(p, found=Detections.concat([p.found, specks]))
    a, b = (evaluate([q], threshold=0.5, rounds=0) for q in (p, more))
    assert (a.tp, a.fp, a.fn, a.ap, a.recall_at_p99) == (b.tp, b.fp, b.fn, b.ap, b.recall_at_p99)


@pytest.mark.parametrize("bad", [np.ones(2), np.ones(3, np.bool_), np.zeros((2, 1), np.bool_)])
def test_a_bad_mask_is_told(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"img7: counted is .* wanted bool \[2\]"):
        evaluate([Judged(Detections(boxes_at((0, 0), (50, 50))), NONE, bad, name="img7")])


def test_counts_by_hand() -> None:
    scores = evaluate([row("hhm"), row("f"), row("hmf"), row("")], threshold=0.5, rounds=0)
    assert (scores.pictures, scores.faces, scores.tp, scores.fp, scores.fn) == (4, 5, 3, 2, 2)
    assert scores.precision.value == scores.recall.value == pytest.approx(3 / 5)
    assert scores.accuracy.value == pytest.approx(3 / 7)
    assert scores.threshold_source == "given"


def test_precision_99_8_and_recall_96_4_are_an_accuracy_of_96_21() -> None:
    pictures = [row("h" * 499 + "f")] * 241 + [row("m" * 499)] * 9  # 99.8 % = 499/500, 96.4 % = 241/250
    scores = evaluate(pictures, threshold=0.5, rounds=0)
    assert scores.precision.value == pytest.approx(0.998)
    assert scores.recall.value == pytest.approx(0.964)
    assert round(100 * (scores.accuracy.value or 0), 2) == 96.21


def ranked(letters: str, faces: int) -> Judged:
    """One picture with `faces` faces: found ones in descending score 0.999, 0.998 .., r = right, w = wrong."""
    found = [(n * 50.0, 0.0) for n in range(len(letters))]
    truth = [at for at, letter in zip(found, letters, strict=True) if letter == "r"]
    truth += [(n * 50.0, 900.0) for n in range(faces - len(truth))]
    scores = 0.999 - 0.001 * np.arange(len(letters))
    return Judged(Detections(boxes_at(*truth)), Detections(boxes_at(*found), scores))


@pytest.mark.parametrize(
    ("letters", "faces", "ap"),
    [
        ("r", 1, 1),
        ("w", 1, 0),
        ("wr", 1, 1 / 2),
        ("rw", 1, 1),
        ("rwr", 2, (1 + 2 / 3) / 2),
        ("rwr", 4, (1 + 2 / 3) / 4),
        ("wrr", 2, 2 / 3),  # the envelope lifts 1/2 to 2/3
        ("wwrrr", 3, 3 / 5),
        ("rwwrw", 2, (1 + 2 / 4) / 2),
    ],
)
def test_ap_by_hand(letters: str, faces: int, ap: float) -> None:
    assert evaluate([ranked(letters, faces)], rounds=0).ap.value == pytest.approx(ap)


def test_equal_scores_are_one_step_in_whatever_order_they_come() -> None:
    right, wrong = row("h"), row("f")
    for pictures in ([right, wrong], [wrong, right]):
        assert evaluate(pictures, rounds=0).ap.value == 0.5


def test_recall_at_99_percent_precision() -> None:
    assert evaluate([ranked("rrwr", 4)], rounds=0).recall_at_p99.value == 0.5
    assert evaluate([ranked("wrrr", 3)], rounds=0).recall_at_p99.value is None
    assert evaluate([ranked("w" + "r" * 99, 100)], rounds=0).recall_at_p99.value == 0.99


def test_the_best_threshold_is_chosen_and_told() -> None:
    scores = evaluate([ranked("rrwrw", 3)], rounds=0)  # accuracies 1/3, 2/3, 2/4, 3/4, 3/5
    assert (scores.tp, scores.fp, scores.fn) == (3, 1, 0)
    assert scores.threshold == pytest.approx(0.996)
    assert scores.threshold_source == "best accuracy on these pictures"
    again = evaluate([ranked("rrwrw", 3)], threshold=scores.threshold, rounds=0)
    assert replace(again, threshold_source=scores.threshold_source) == scores


def test_a_score_equal_to_the_threshold_is_kept() -> None:
    p = Judged(Detections(boxes_at((0, 0))), Detections(boxes_at((0, 0)), [0.7]))  # 0.7 as float32 is below 0.7
    assert evaluate([p], threshold=0.7, rounds=0).tp == 1
    assert evaluate([p], threshold=0.70001, rounds=0).tp == 0


def coco_ap(pictures: list[Judged], recalls: np.ndarray) -> float:
    """pycocotools' AP at IoU 0.5; regions to ignore are its crowds."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found = [], []
    for n, p in enumerate(pictures):
        for box, counts in zip(p.truth.xyxy.tolist(), p.counted if p.counted is not None else [], strict=True):
            x1, y1, x2, y2 = box
            area = (x2 - x1) * (y2 - y1)
            truth.append(
                {
                    "id": len(truth) + 1,
                    "image_id": n,
                    "category_id": 0,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": area,
                    "iscrowd": int(not counts),
                    "ignore": int(not counts),
                }
            )
        for box, score in zip(p.found.xyxy.tolist(), p.found.scores.tolist(), strict=True):
            x1, y1, x2, y2 = box
            found.append({"image_id": n, "category_id": 0, "bbox": [x1, y1, x2 - x1, y2 - y1], "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": n} for n in range(len(pictures))],
            "categories": [{"id": 0, "name": "face"}],
            "annotations": truth,
        }
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(found), "bbox")
        judge.params.iouThrs, judge.params.recThrs = np.array([0.5]), recalls
        judge.params.maxDets, judge.params.areaRng, judge.params.areaRngLbl = [1000], [[0, 1e10]], ["all"]
        judge.evaluate()
        judge.accumulate()
    return float(judge.eval["precision"][0, :, 0, 0, 0].mean())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("whole", [True, False])
def test_ap_is_pycocotools_at_a_fine_recall_grid(seed: int, whole: bool) -> None:
    pictures = [scene(1000 * seed + n, whole) for n in range(60)]
    got = evaluate(pictures, rounds=0).ap.value
    # The middles of 20,000 recall steps sum to the area under the staircase; COCO's own 101 points are coarser.
    assert got == pytest.approx(coco_ap(pictures, (np.arange(20_000) + 0.5) / 20_000), abs=1e-4)
    assert got == pytest.approx(coco_ap(pictures, np.linspace(0, 1, 101)), abs=0.01)


# --- intervals


def test_intervals_are_near_wilsons_for_independent_faces() -> None:
    rng = np.random.default_rng(0)
    pictures = [row("h" if hit else "m") for hit in rng.random(400) < 0.8]
    recall = evaluate(pictures, threshold=0.5).recall
    assert recall.value is not None
    wilson = binomtest(round(recall.value * 400), 400).proportion_ci(0.95, "wilson")
    assert recall.low == pytest.approx(wilson.low, abs=0.01)
    assert recall.high == pytest.approx(wilson.high, abs=0.01)


def test_intervals_are_wider_when_faces_of_a_picture_fail_together() -> None:
    rng = np.random.default_rng(0)
    pictures = [row(("h" if hit else "m") * 10) for hit in rng.random(100) < 0.8]
    recall = evaluate(pictures, threshold=0.5).recall
    wilson = binomtest(round((recall.value or 0) * 1000), 1000).proportion_ci(0.95, "wilson")
    assert (recall.high or 0) - (recall.low or 0) > 2 * (wilson.high - wilson.low)


def test_a_flawless_run_is_not_called_certain() -> None:
    scores = evaluate([row("h")] * 50)
    wilson = binomtest(50, 50).proportion_ci(0.95, "wilson")
    assert scores.recall.value == 1
    assert (scores.recall.low, scores.recall.high) == pytest.approx((wilson.low, 1))
    assert scores.precision == scores.accuracy == scores.recall
    assert (scores.ap.value, scores.ap.low, scores.ap.high) == (1, None, None)


def test_no_rounds_no_intervals() -> None:
    scores = evaluate([row("hhm"), row("f")], threshold=0.5, rounds=0)
    assert (scores.recall.low, scores.recall.high, scores.ap.low) == (None, None, None)


def test_the_seed_decides_the_intervals() -> None:
    pictures = [scene(n) for n in range(40)]
    assert evaluate(pictures, rounds=100) == evaluate(pictures, rounds=100)
    assert evaluate(pictures, rounds=100).ap != evaluate(pictures, rounds=100, seed=1).ap


def test_ap_lies_in_its_interval() -> None:
    ap = evaluate([scene(n) for n in range(60)], rounds=300).ap
    assert ap.low is not None
    assert ap.high is not None
    assert ap.value is not None
    assert ap.low < ap.value < ap.high


# --- slices


def test_heights_are_those_the_network_saw() -> None:
    at = [(0.0, 0.0), (200.0, 0.0), (400.0, 0.0), (600.0, 0.0)]
    sizes = [20.0, 64.0, 100.0, 40.0]
    box = [boxes_at(corner, size=size)[0] for corner, size in zip(at, sizes, strict=True)]
    p = Judged(Detections(box[:3]), Detections([box[0], box[2], box[3]], [0.9, 0.9, 0.9]), scale=0.25)
    slices = {s.name: s for s in evaluate([p], threshold=0.5, rounds=0).by_height}
    assert list(slices) == ["<8", "8-16", "16-32", "32-64", "64-128", ">=128"]
    assert [(s.tp, s.fp, s.fn) for s in slices.values()] == [(1, 0, 0), (0, 1, 0), (1, 0, 1), *[(0, 0, 0)] * 3]
    assert slices["16-32"].recall.value == 0.5
    assert slices["8-16"].recall.value is None  # no face of this height
    assert slices["64-128"].precision.value is None


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_slices_add_up_to_the_whole(seed: int) -> None:
    scores = evaluate([scene(seed + n) for n in range(8)], rounds=0)
    for parts in (scores.by_height, scores.by_source):
        for count in ("tp", "fp", "fn", "faces"):
            assert sum(getattr(part, count) for part in parts) == getattr(scores, count)
    assert scores.tp + scores.fn == scores.faces


def test_a_source_is_judged_as_if_alone() -> None:
    pictures = [scene(n) for n in range(30)]
    whole = evaluate(pictures, threshold=0.4, rounds=0)
    assert [part.name for part in whole.by_source] == ["s0", "s1"]
    for part in whole.by_source:
        alone = evaluate([p for p in pictures if p.source == part.name], threshold=0.4, rounds=0)
        assert (part.tp, part.fp, part.fn, part.recall) == (alone.tp, alone.fp, alone.fn, alone.recall)


# --- properties


@settings(deadline=None, max_examples=30)
@given(seeds, st.randoms(use_true_random=False))
def test_permuting_pictures_changes_no_score(seed: int, random: object) -> None:
    pictures = [scene(seed + n) for n in range(6)]
    shuffled = list(pictures)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    a, b = evaluate(pictures, rounds=0), evaluate(shuffled, rounds=0)
    assert a.ap.value == pytest.approx(b.ap.value)
    assert replace(a, ap=b.ap) == b


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_judging_each_picture_twice_changes_no_rate(seed: int) -> None:
    pictures = [scene(seed + n) for n in range(5)]
    once, twice = evaluate(pictures, rounds=0), evaluate(pictures * 2, rounds=0)
    assert twice.faces == 2 * once.faces
    assert (twice.precision, twice.recall, twice.accuracy) == (once.precision, once.recall, once.accuracy)
    assert twice.ap.value == pytest.approx(once.ap.value)
    assert twice.threshold == once.threshold


def test_the_truth_itself_is_found_flawless() -> None:
    p = scene(1, whole=True)
    scores = evaluate([Judged(p.truth, p.truth)], rounds=0)
    assert scores.precision.value == scores.recall.value == scores.accuracy.value == scores.ap.value == 1


def test_pictures_may_be_a_generator() -> None:
    assert evaluate((scene(n) for n in range(5)), rounds=0) == evaluate([scene(n) for n in range(5)], rounds=0)


def test_json_is_plain() -> None:
    def check(scores: Scores) -> None:
        stated = json.loads(scores.to_json())
        assert stated == json.loads(json.dumps(scores.as_dict()))
        assert "NaN" not in scores.to_json()
        assert set(stated) >= {"pictures", "faces", "threshold_source", "ap", "by_height", "by_source"}

    check(evaluate([]))
    check(evaluate([scene(n) for n in range(5)], rounds=10))


@pytest.mark.slow
def test_ten_thousand_pictures_are_judged_in_time() -> None:
    import time

    pictures = [scene(n) for n in range(2000)] * 5
    start = time.perf_counter()
    evaluate(pictures)
    assert time.perf_counter() - start < 20
