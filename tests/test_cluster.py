from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import sklearn
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from faceir import boxes
from faceir import cluster as clustering
from faceir.boxes import FloatArray
from faceir.cluster import ClusterParams
from faceir.contract import Contract
from faceir.detections import Detections
from faceir.errors import FaceirError, SpecError

ALGORITHMS = ("group_rectangles", "dbscan", "nms", "hybrid", "none")
Cells = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
LabelArray = npt.NDArray[np.int64]


def cluster(xyxy: FloatArray, cov: FloatArray, labels: LabelArray, params: Sequence[ClusterParams]) -> Detections:
    return Detections(*clustering.cluster(xyxy, cov, labels, params))


def run(xyxy: object, cov: object, params: ClusterParams) -> Detections:
    xyxy, cov = np.array(xyxy, np.float32).reshape(-1, 4), np.array(cov, np.float32)
    return cluster(xyxy, cov, np.zeros(len(cov), np.int64), (params,))


def scene(seed: int, cells: int = 40, faces: int = 4) -> Cells:
    """Candidates jittered about some faces; coverage in 1/64, so that sums are exact in any order."""
    rng = np.random.default_rng(seed)
    centre, size = rng.uniform(30, 300, (faces, 2)), rng.uniform(20, 90, (faces, 2))
    of = rng.integers(0, faces, cells)
    corner = centre[of] + rng.normal(0, 4, (cells, 2))
    extent = np.maximum(size[of] + rng.normal(0, 6, (cells, 2)), 2)
    xyxy = np.concatenate([corner, corner + extent], axis=1).astype(np.float32)
    return xyxy, (rng.integers(1, 65, cells) / 64).astype(np.float32)


seeds = st.integers(0, 2**32 - 1)


# --- empty first


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_gives_nothing(algorithm: str) -> None:
    assert run([], [], ClusterParams(algorithm)) == Detections()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_all_filtered_out_gives_nothing(algorithm: str) -> None:
    xyxy, cov = scene(0)
    assert run(xyxy, cov, ClusterParams(algorithm, confidence_threshold=1e6)) == Detections()


def test_no_class_gives_nothing() -> None:
    xyxy, cov = scene(0)
    assert cluster(xyxy, cov, np.zeros(len(cov), np.int64), ()) == Detections()


# --- oracles


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 60), st.sampled_from([0.1, 0.3, 0.5, 0.9]))
def test_nms_is_opencvs(seed: int, cells: int, iou_threshold: float) -> None:
    xyxy, cov = scene(seed, cells)
    cov = np.random.default_rng(seed).permutation(np.linspace(0.1, 0.9, cells)).astype(np.float32)  # no ties
    # OpenCV keeps scores above its threshold, we keep those from it up: one that no score hits.
    kept = cv2.dnn.NMSBoxes(boxes.to_xywh(xyxy).tolist(), cov.tolist(), 0.2501, iou_threshold)
    found = run(xyxy, cov, ClusterParams("nms", confidence_threshold=0.2501, nms_iou_threshold=iou_threshold))
    np.testing.assert_array_equal(found.xyxy, xyxy[np.array(kept, int)])
    np.testing.assert_array_equal(found.scores, cov[np.array(kept, int)])


def scikit_learns(xyxy: FloatArray, eps: float, min_samples: float, weight: FloatArray | None) -> LabelArray:
    """DBSCAN's group of each box by 1 - IoU, -1 = noise; without `weight` it counts boxes."""
    with sklearn.config_context(skip_parameter_validation=True):  # which wants whole min_samples from 1 up
        oracle = DBSCAN(eps=float(np.float32(eps)), min_samples=min_samples, metric="precomputed")
        label: LabelArray = oracle.fit(1 - boxes.iou(xyxy, xyxy), sample_weight=weight).labels_
    return label


def assert_faces_of(found: Detections, label: LabelArray, xyxy: FloatArray, cov: FloatArray) -> None:
    """The faces are the coverage-weighted means of the groups."""
    expected = []
    for group in range(label.max() + 1):
        w = cov[label == group].astype(np.float64)
        expected.append((*(w @ xyxy[label == group] / w.sum()), (w**2).sum() / w.sum()))
    wanted = np.array(sorted(expected, key=lambda row: -row[4])).reshape(-1, 5)
    assert len(found) == len(wanted)
    np.testing.assert_allclose(found.scores, wanted[:, 4], atol=1e-5)
    # by score only up to rounding, so compare as sets of boxes
    order = np.lexsort(found.xyxy.round(2).T), np.lexsort(wanted[:, :4].round(2).T)
    np.testing.assert_allclose(found.xyxy[order[0]], wanted[order[1], :4], atol=2e-3)


EPS = st.sampled_from([0.1, 0.3, 0.5])


@settings(max_examples=80, deadline=None)
@given(seeds, st.integers(1, 60), EPS, st.sampled_from([0.05, 0.5, 1.0, 3.0]))
def test_dbscan_with_a_sum_of_coverage_is_scikit_learns(seed: int, cells: int, eps: float, min_samples: float) -> None:
    """As TAO calls it."""
    xyxy, cov = scene(seed, cells)
    found = run(xyxy, cov, ClusterParams("dbscan", eps=eps, min_samples=min_samples))
    assert_faces_of(found, scikit_learns(xyxy, eps, min_samples, cov), xyxy, cov)


@settings(max_examples=80, deadline=None)
@given(seeds, st.integers(1, 60), EPS, st.integers(0, 9))
def test_dbscan_with_a_number_of_boxes_is_scikit_learns(seed: int, cells: int, eps: float, min_boxes: int) -> None:
    """As DeepStream's minBoxes, on boxes whose groups differ in size."""
    xyxy, cov = scene(seed, cells)
    found = run(xyxy, cov, ClusterParams("dbscan", eps=eps, min_samples=0, min_boxes=min_boxes))
    assert_faces_of(found, scikit_learns(xyxy, eps, min_boxes, None), xyxy, cov)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(0, 60), st.sampled_from(["dbscan", "hybrid"]), st.integers(-1, 1))
def test_one_box_or_none_asks_for_nothing(seed: int, cells: int, algorithm: str, min_boxes: int) -> None:
    xyxy, cov = scene(seed, cells)
    params = ClusterParams(algorithm, min_samples=0.8)  # type: ignore[arg-type]
    assert run(xyxy, cov, replace(params, min_boxes=min_boxes)) == run(xyxy, cov, params)


def test_a_core_has_both_the_boxes_and_their_coverage() -> None:
    same = [[0, 0, 10, 20]] * 3
    for min_boxes, min_samples, faces in ((3, 1.5, 1), (4, 1.5, 0), (3, 1.6, 0), (4, 0.0, 0)):
        for algorithm in ("dbscan", "hybrid"):
            params = ClusterParams(algorithm, min_samples=min_samples, min_boxes=min_boxes)  # type: ignore[arg-type]
            assert len(run(same, [0.5] * 3, params)) == faces


def test_a_contract_of_before_min_boxes_is_what_it_was() -> None:
    stated = json.loads(Contract(cluster=(ClusterParams("dbscan"),)).to_json())
    del stated["cluster"][0]["min_boxes"]
    assert Contract.from_json(json.dumps(stated)).cluster == (ClusterParams("dbscan"),)


def literal_group_rectangles(
    xywh: npt.NDArray[np.float64], group_threshold: int, eps: float, whole_pixels: bool
) -> npt.NDArray[np.float64]:
    """OpenCV 4's groupRectangles, loop by loop, `[G,4]` x, y, w, h; `whole_pixels` as OpenCV, which has no others."""

    def near(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> bool:
        delta = eps * (min(a[2], b[2]) + min(a[3], b[3])) * 0.5
        sides = (a[0] - b[0], a[1] - b[1], a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3])
        return all(abs(side) <= delta for side in sides)

    group = list(range(len(xywh)))
    for i in range(len(xywh)):
        for j in range(i):
            if group[i] != group[j] and near(xywh[i], xywh[j]):
                group = [group[j] if g == group[i] else g for g in group]
    to_pixel = np.rint if whole_pixels else (lambda x: x)
    kind = np.float32 if whole_pixels else np.float64
    kept = []
    for g in dict.fromkeys(group):
        member = xywh[np.array(group) == g]
        if len(member) > group_threshold:
            kept.append((to_pixel(member.sum(axis=0).astype(kind) * kind(1 / len(member))), len(member)))
    out = []
    for i, (a, count_a) in enumerate(kept):
        for j, (b, count_b) in enumerate(kept):
            dx, dy = to_pixel(b[2] * eps), to_pixel(b[3] * eps)
            if (
                i != j
                and a[0] >= b[0] - dx
                and a[1] >= b[1] - dy
                and a[0] + a[2] <= b[0] + b[2] + dx
                and a[1] + a[3] <= b[1] + b[3] + dy
                and (count_b > max(3, count_a) or count_a < 3)
            ):
                break
        else:
            out.append(a)
    return np.array(out).reshape(-1, 4)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 50), st.integers(1, 3), st.sampled_from([0.11, 0.23, 0.51]))
def test_group_rectangles_is_opencvs_in_floating_point(seed: int, cells: int, threshold: int, eps: float) -> None:
    xyxy, cov = scene(seed, cells)
    found = run(xyxy, cov, ClusterParams("group_rectangles", group_threshold=threshold, eps=eps))
    wanted = literal_group_rectangles(boxes.to_xywh(xyxy).astype(np.float64), threshold, eps, whole_pixels=False)
    assert len(found) == len(wanted)
    got = boxes.to_xywh(found.xyxy)
    np.testing.assert_allclose(
        got[np.lexsort(got.round(2).T)], wanted[np.lexsort(wanted.round(2).T)].reshape(-1, 4), atol=2e-3
    )


@pytest.mark.skipif(not hasattr(cv2, "groupRectangles"), reason="OpenCV 5 has no groupRectangles")
def test_the_literal_group_rectangles_is_opencvs() -> None:
    for seed in range(30):
        xywh = np.rint(boxes.to_xywh(scene(seed)[0])).astype(int)
        wanted, _ = cv2.groupRectangles(xywh.tolist(), 1, 0.3)
        got = literal_group_rectangles(xywh.astype(np.float64), 1, 0.3, whole_pixels=True)
        assert sorted(map(tuple, got)) == sorted(map(tuple, wanted))


@pytest.mark.parametrize(
    ("xywh", "threshold", "eps", "wanted"),
    [  # what OpenCV 4.14 returned
        ([[10, 10, 40, 50], [12, 11, 40, 50], [11, 12, 42, 51]], 1, 0.2, [[11, 11, 41, 50]]),
        ([[10, 10, 40, 50], [12, 11, 40, 50], [200, 90, 30, 30]], 1, 0.2, [[11, 10, 40, 50]]),
        ([[10, 10, 40, 50], [12, 11, 40, 50]], 2, 0.2, []),
    ],
)
def test_group_rectangles_by_hand(xywh: list[list[int]], threshold: int, eps: float, wanted: list[list[int]]) -> None:
    xyxy = boxes.from_xywh(np.array(xywh, np.float32))
    found = run(xyxy, np.full(len(xyxy), 0.5), ClusterParams("group_rectangles", group_threshold=threshold, eps=eps))
    assert len(found) == len(wanted)
    np.testing.assert_allclose(boxes.to_xywh(found.xyxy), np.array(wanted, np.float32).reshape(-1, 4), atol=0.51)


# --- by hand


def test_nms_keeps_the_better_of_two_that_overlap() -> None:
    found = run([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], [0.6, 0.9, 0.3], ClusterParams("nms"))
    assert found.xyxy.tolist() == [[1, 0, 11, 10], [50, 50, 60, 60]]
    np.testing.assert_allclose(found.scores, [0.9, 0.3])


def test_nms_overlap_at_the_threshold_is_kept() -> None:
    two = [[0, 0, 10, 10], [0, 5, 10, 15]]  # IoU exactly 1/3
    assert len(run(two, [0.9, 0.8], ClusterParams("nms", nms_iou_threshold=float(np.float32(1 / 3))))) == 2
    assert len(run(two, [0.9, 0.8], ClusterParams("nms", nms_iou_threshold=0.33))) == 1


def test_equal_scores_keep_the_order_of_the_candidates() -> None:
    apart = [[x, 0, x + 10, 10] for x in (60, 20, 40, 0)]
    for algorithm in ("nms", "none", "hybrid", "dbscan"):
        found = run(apart, [0.5] * 4, ClusterParams(algorithm, min_samples=0.1))
        assert found.xyxy[:, 0].tolist() == [60, 20, 40, 0]


def test_dbscan_score_is_the_mean_and_its_threshold_the_sum() -> None:
    same = [[0, 0, 10, 20]] * 3
    cov = [0.5, 0.75, 0.75]  # sum 2, sum of squares 1.375
    assert run(same, cov, ClusterParams("dbscan", confidence_threshold=2.0)).scores.tolist() == [0.6875]
    assert len(run(same, cov, ClusterParams("dbscan", confidence_threshold=2.01))) == 0


def test_dbscan_drops_a_lone_weak_cell_and_keeps_it_at_a_fraction() -> None:
    lone = [[0, 0, 10, 20]]
    assert len(run(lone, [0.6], ClusterParams("dbscan", min_samples=1))) == 0
    assert len(run(lone, [0.6], ClusterParams("dbscan", min_samples=0.05))) == 1
    assert len(run(lone, [1.0], ClusterParams("dbscan", min_samples=1))) == 1


def test_dbscan_chains_neighbours_into_one_face() -> None:
    chain = [[x, 0, x + 20, 20] for x in range(0, 40, 2)]  # the ends do not touch, each step has IoU 0.82
    found = run(chain, [0.5] * len(chain), ClusterParams("dbscan", eps=0.2, min_samples=0.5))
    np.testing.assert_allclose(found.xyxy, [[19, 0, 39, 20]], rtol=1e-6)


def test_hybrid_keeps_two_of_a_group_that_barely_overlap() -> None:
    chain = [[x, 0, x + 20, 20] for x in range(0, 40, 2)]
    params = ClusterParams("hybrid", eps=0.2, min_samples=0.5, nms_iou_threshold=0.3)
    cov = np.linspace(0.9, 0.5, len(chain))
    assert run(chain, cov, params) == run(chain, cov, replace(params, algorithm="nms"))
    assert len(run(chain, cov, params)) > 1
    assert len(run(chain, cov, replace(params, min_samples=1e3))) == 0  # all noise


def test_group_rectangles_without_a_group_size_leaves_the_boxes_alone() -> None:
    xyxy, cov = scene(3)
    assert run(xyxy, cov, ClusterParams("group_rectangles", group_threshold=0)) == run(xyxy, cov, ClusterParams("none"))


def test_group_rectangles_scores_the_best_of_the_group() -> None:
    found = run([[0, 0, 20, 20], [1, 0, 21, 20]], [0.25, 0.75], ClusterParams("group_rectangles"))
    assert found.scores.tolist() == [0.75]
    assert found.xyxy.tolist() == [[0.5, 0, 20.5, 20]]


def test_height_confidence_and_top_k_filters() -> None:
    tall = [[0, 0, 10, 4], [20, 0, 30, 5], [40, 0, 50, 40], [60, 0, 70, 40]]
    cov = [0.9, 0.8, 0.5, 0.25]
    params = ClusterParams("none", min_height=4)
    np.testing.assert_allclose(run(tall, cov, params).scores, [0.8, 0.5, 0.25])  # a height of 4 is dropped
    assert run(tall, cov, replace(params, confidence_threshold=0.5)).scores.min() == 0.5  # 0.5 is kept
    np.testing.assert_allclose(run(tall, cov, replace(params, top_k=1)).scores, [0.8])
    assert len(run(tall, cov, replace(params, top_k=0))) == 0


def test_a_coverage_past_one_scores_one() -> None:
    for algorithm in ALGORITHMS:
        found = run([[0, 0, 10, 10]] * 2, [1.004, 1.004], ClusterParams(algorithm))
        assert (found.scores == 1).all()
        assert len(found) > 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_empty_boxes_and_broken_nets(algorithm: str) -> None:
    assert len(run([[5, 5, 5, 5]] * 3, [0.5] * 3, ClusterParams(algorithm))) == 0
    with pytest.raises(FaceirError, match="NaN"):
        run([[0, np.nan, 10, np.nan]] * 2, [0.9, 0.9], ClusterParams(algorithm, min_samples=0.1, group_threshold=0))


def test_bad_params_are_named() -> None:
    with pytest.raises(SpecError, match=r"kmeans.*dbscan"):
        ClusterParams("kmeans")  # type: ignore[arg-type]
    for bad in ("0.3", None, float("nan")):
        with pytest.raises(SpecError, match=r"eps.*a number"):
            ClusterParams(eps=bad)  # type: ignore[arg-type]
    assert ClusterParams(eps=np.float32(0.5)).eps == 0.5  # type: ignore[arg-type]


# --- properties


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(0, 50), st.sampled_from(ALGORITHMS))
def test_order_range_and_input_unchanged(seed: int, cells: int, algorithm: str) -> None:
    xyxy, cov = scene(seed, cells)
    before = xyxy.copy(), cov.copy()
    found = run(xyxy, cov, ClusterParams(algorithm))
    assert (np.diff(found.scores) <= 0).all()
    assert len(found) <= cells
    np.testing.assert_array_equal(xyxy, before[0])
    np.testing.assert_array_equal(cov, before[1])
    if len(found):  # a face lies where candidates lie
        assert (found.xyxy.min(axis=0) >= xyxy.min(axis=0) - 1e-3).all()
        assert (found.xyxy.max(axis=0) <= xyxy.max(axis=0) + 1e-3).all()


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from(ALGORITHMS))
def test_permuting_candidates_changes_nothing(seed: int, algorithm: str) -> None:
    xyxy, _ = scene(seed, 30)
    rng = np.random.default_rng(seed)
    cov = rng.permutation(np.linspace(0.3, 0.99, 30)).astype(np.float32)  # no ties
    # Every candidate a core: which group a DBSCAN border point joins depends on the order, by definition.
    params = ClusterParams(algorithm, min_samples=0.1)
    shuffle = rng.permutation(30)
    a, b = run(xyxy, cov, params), run(xyxy[shuffle], cov[shuffle], params)
    assert len(a) == len(b)
    np.testing.assert_allclose(a.xyxy, b.xyxy, atol=2e-3)
    np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from(ALGORITHMS), st.sampled_from([0.25, 2.0, 8.0]))
def test_scaling_the_picture_scales_the_faces(seed: int, algorithm: str, factor: float) -> None:
    xyxy, cov = scene(seed, 30)
    small, large = run(xyxy, cov, ClusterParams(algorithm)), run(xyxy * factor, cov, ClusterParams(algorithm))
    np.testing.assert_array_equal(small.xyxy * factor, large.xyxy)  # exact: the factor is a power of two
    np.testing.assert_array_equal(small.scores, large.scores)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_classes_do_not_touch_each_other(seed: int) -> None:
    xyxy, cov = scene(seed, 60, faces=3)
    labels = np.random.default_rng(seed).integers(-1, 4, 60)  # -1 and 3 have no params
    params = (ClusterParams("nms"), ClusterParams("dbscan", min_samples=0.5), ClusterParams("none", top_k=3))
    found = cluster(xyxy, cov, labels, params)
    assert (np.diff(found.scores) <= 0).all()
    assert set(found.labels.tolist()) <= {0, 1, 2}
    for c, p in enumerate(params):
        alone = run(xyxy[labels == c], cov[labels == c], p)
        np.testing.assert_array_equal(found.xyxy[found.labels == c], alone.xyxy)
        np.testing.assert_array_equal(found.scores[found.labels == c], alone.scores)


def test_nms_with_vote_averages_what_each_face_suppresses() -> None:
    xyxy = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60], [0, 1, 10, 11]], np.float32)
    cov = np.array([0.8, 0.4, 0.7, 0.4], np.float32)
    params = [ClusterParams("nms", nms_iou_threshold=0.5, nms_vote=True)]
    found = cluster(xyxy, cov, np.zeros(4, np.int64), params)
    assert np.allclose(found.xyxy, [[0.5, 0.25, 10.5, 10.25], [50, 50, 60, 60]])
    assert np.allclose(found.scores, [1 - 0.2 * 0.6 * 0.6, 0.7])
    assert len(cluster(xyxy[:0], cov[:0], np.zeros(0, np.int64), params)) == 0


@given(st.integers(0, 1000))
def test_a_vote_keeps_the_number_of_nms_and_only_adds_to_small_faces_scores(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 100, (30, 2))
    xyxy = np.concatenate([corner, corner + rng.uniform(10, 60, (30, 2))], axis=1).astype(np.float32)
    cov, labels = rng.uniform(0, 1, 30).astype(np.float32), np.zeros(30, np.int64)
    plain, voted = (cluster(xyxy, cov, labels, [ClusterParams("nms", nms_vote=vote)]) for vote in (False, True))
    assert len(plain) == len(voted)
    assert (np.sort(voted.scores) >= np.sort(plain.scores) - 1e-6).all()


def test_the_cells_of_a_large_face_count_less_as_they_say_the_same() -> None:
    def score(size: float, **how: float) -> float:
        xyxy = np.array([[0, 0, size, size]] * 3, np.float32)
        params = ClusterParams("nms", nms_vote=True, **how)  # type: ignore[arg-type]
        return float(cluster(xyxy, np.full(3, 0.5, np.float32), np.zeros(3, np.int64), [params]).scores[0])

    assert score(20) == score(80) == pytest.approx(1 - 0.5**3)  # up to 80 px the least number of cells
    assert score(160) == pytest.approx(1 - 0.5**1.5)  # four times the area: half the weight
    assert score(20, vote_weight=0.2) == pytest.approx(1 - 0.5**0.6)


@given(st.integers(0, 1000), st.floats(0.05, 1))
def test_a_votes_weight_changes_scores_but_not_their_order(seed: int, weight: float) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 100, (30, 2))
    xyxy = np.concatenate([corner, corner + rng.uniform(10, 200, (30, 2))], axis=1).astype(np.float32)
    cov, labels = rng.uniform(0, 0.4, 30).astype(np.float32), np.zeros(30, np.int64)
    one, other = (cluster(xyxy, cov, labels, [ClusterParams("nms", nms_vote=True, vote_weight=w)]) for w in (1, weight))
    np.testing.assert_allclose(other.scores, 1 - (1 - one.scores) ** weight, atol=1e-4)
    assert np.allclose(one.xyxy, other.xyxy)


@given(st.integers(0, 1000), st.floats(0, 1))
def test_a_votes_share_leads_from_the_best_cells_coverage_to_the_vote(seed: int, share: float) -> None:
    xyxy, cov = scene(seed)

    def found(vote_share: float) -> Detections:
        return run(xyxy, cov, ClusterParams("nms", nms_vote=True, vote_weight=0.2, vote_share=vote_share))

    def in_place(faces: Detections) -> npt.NDArray[np.float32]:
        return faces.scores[np.lexsort(faces.xyxy.T)]

    none, some, whole = in_place(found(0)), in_place(found(share)), in_place(found(1))
    np.testing.assert_allclose(some, none ** (1 - share) * whole**share, rtol=1e-5)
    plain = run(xyxy, cov, ClusterParams("nms"))
    np.testing.assert_allclose(np.sort(none), np.sort(plain.scores), rtol=1e-6)


@given(st.integers(0, 1000), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_threshold_leaves_out_what_it_does_afterwards(seed: int, t: float, share: float, f: float) -> None:
    xyxy, cov = scene(seed)
    all_of_them = ClusterParams("nms", nms_vote=True, vote_weight=0.2, vote_share=share, nested_factor=f)
    everything, some = run(xyxy, cov, all_of_them), run(xyxy, cov, replace(all_of_them, confidence_threshold=t))
    assume(np.abs(everything.scores - t).min() > 1e-6)  # sums round differently
    expected = everything[everything.scores > t]
    np.testing.assert_allclose(some.xyxy, expected.xyxy, rtol=1e-5)
    np.testing.assert_allclose(some.scores, expected.scores, rtol=1e-5)


@pytest.mark.parametrize("name", ["vote_share", "nested_factor"])
@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_an_error(name: str, share: float) -> None:
    with pytest.raises(SpecError, match=name):
        ClusterParams(**{name: share})


@given(st.integers(0, 1000), st.floats(0, 1), st.booleans())
def test_the_weaker_of_two_nested_boxes_is_doubted(seed: int, factor: float, vote: bool) -> None:
    xyxy, cov = scene(seed)
    plain = run(xyxy, cov, ClusterParams("nms", nms_vote=vote, nms_iou_threshold=0.3))
    doubted = run(xyxy, cov, ClusterParams("nms", nms_vote=vote, nms_iou_threshold=0.3, nested_factor=factor))
    expected = []
    for n, box in enumerate(plain.xyxy.astype(np.float64)):  # one by one, as it is said
        area = (box[2] - box[0]) * (box[3] - box[1])
        for other, score in zip(plain.xyxy.astype(np.float64), plain.scores, strict=True):
            sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
            least = min(area, (other[2] - other[0]) * (other[3] - other[1]))
            if score > plain.scores[n] and sides.min() > 0 and sides.prod() > 0.75 * least:
                expected.append(plain.scores[n] * factor)
                break
        else:
            expected.append(plain.scores[n])
    np.testing.assert_allclose(np.sort(doubted.scores), np.sort(expected), rtol=1e-5)
    assert (np.diff(doubted.scores) <= 0).all()


def test_a_face_in_a_face_is_kept_with_less_of_its_score() -> None:
    xyxy, cov = np.array([[0, 0, 100, 120], [30, 30, 60, 70]], np.float32), np.array([0.9, 0.8], np.float32)
    found = run(xyxy, cov, ClusterParams("nms", nested_factor=0.5))
    assert found.scores.tolist() == pytest.approx([0.9, 0.4])
    apart = run(xyxy + np.array([[0], [71]], np.float32), cov, ClusterParams("nms", nested_factor=0.5))
    assert apart.scores.tolist() == pytest.approx([0.9, 0.8])


@pytest.mark.parametrize("weight", [0, -1, float("nan")])
def test_a_vote_weight_that_is_no_positive_number_is_an_error(weight: float) -> None:
    with pytest.raises(SpecError, match="vote_weight"):
        ClusterParams(vote_weight=weight)
