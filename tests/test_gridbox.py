from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir import gridbox
from faceir.boxes import FloatArray
from faceir.detections import DONT_CARE
from faceir.gridbox import Grids, RasterParams, decode, grid_shape, rasterise

SIZE_WH = (384, 240)
NONE = np.zeros((0, 4), np.float32)
ANY = np.zeros(1, np.float32)  # threshold: every covered cell


def box_strategy(width: int = 384, height: int = 240) -> st.SearchStrategy[list[float]]:
    """Boxes from 2 pixels up, some partly outside the picture."""

    def box(x: float, y: float, w: float, h: float) -> list[float]:
        return [x, y, x + w, y + h]

    side = st.floats(2, 200, width=32)
    return st.builds(box, st.floats(-50, width, width=32), st.floats(-50, height, width=32), side, side)


def one(*box: float, size_wh: tuple[int, int] = SIZE_WH, params: RasterParams | None = None) -> Grids:
    return rasterise(np.array([box], np.float32), np.zeros(1, np.int64), size_wh, (params or RasterParams(),))


# --- a literal reading of reference 2.1 to 2.3: one sample point at a time


def literal_rasterise(
    xyxy: FloatArray, labels: list[int], size_wh: tuple[int, int], params: tuple[RasterParams, ...]
) -> Grids:
    w, h = math.ceil(size_wh[0] / 16), math.ceil(size_wh[1] / 16)
    cov = np.zeros((len(params), h, w), np.float32)
    norm = np.zeros((len(params), h, w), np.float32)
    bbox = np.zeros((4 * len(params), h, w), np.float32)
    for n in sorted(range(len(xyxy)), key=lambda n: xyxy[n][3]):
        c, p = labels[n], params[labels[n]]
        x1, y1, x2, y2 = (float(v) for v in xyxy[n])
        gx1, gy1, gx2, gy2 = x1 / 16, y1 / 16, x2 / 16, y2 / 16
        cx, cy = gx1 + p.cov_center_x * (gx2 - gx1), gy1 + p.cov_center_y * (gy2 - gy1)
        sx = cx - gx1 if p.cov_center_x < 0.5 else gx2 - cx
        sy = cy - gy1 if p.cov_center_y < 0.5 else gy2 - cy
        ax, ay = max(p.cov_radius_x * sx, 0.1), max(p.cov_radius_y * sy, 0.1)
        if ax < p.bbox_min_radius:
            ay = p.bbox_min_radius * ay / ax
            ax = p.bbox_min_radius
        if ay < p.bbox_min_radius:
            ax = p.bbox_min_radius * ax / ay
            ay = p.bbox_min_radius
        dx = max((1 - p.deadzone_radius) * ax + p.deadzone_radius * sx, ax)
        dy = max((1 - p.deadzone_radius) * ay + p.deadzone_radius * sy, ay)
        inv_area = 1 / max(4 * ax * ay, 1)
        for j in range(h):
            for i in range(w):
                in_cov = in_dead = 0
                for l in range(4):  # noqa: E741  # the reference's name
                    for k in range(4):
                        x, y = i + (k + 0.5) / 4 - cx, j + (l + 0.5) / 4 - cy
                        in_cov += (x / ax) ** 2 + (y / ay) ** 2 < 1
                        in_dead += (x / dx) ** 2 + (y / dy) ** 2 < 1
                a, share = in_dead / 16, in_cov / 16
                if a > 0 and a >= cov[c, j, i]:
                    cov[c, j, i] = norm[c, j, i] = 0
                    bbox[4 * c : 4 * c + 4, j, i] = 0
                if share > 0 and share >= cov[c, j, i]:
                    gx, gy = i * 16 + 0.5, j * 16 + 0.5
                    cov[c, j, i], norm[c, j, i] = share, share * inv_area
                    bbox[4 * c : 4 * c + 4, j, i] = (gx - x1) / 35, (gy - y1) / 35, (x2 - gx) / 35, (y2 - gy) / 35
    return Grids(cov, bbox, norm)


two_params = (
    RasterParams(),
    RasterParams(cov_center_x=0.3, cov_center_y=0.6, cov_radius_x=1, cov_radius_y=0.7, deadzone_radius=0.4),
)
small = st.lists(st.tuples(box_strategy(100, 70), st.integers(0, 1)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(small, st.sampled_from([0.0, 0.5, 1.0]))
def test_rasterise_equals_the_literal_one(faces: list[tuple[list[float], int]], min_radius: float) -> None:
    params = (two_params[0], RasterParams(**{**vars(two_params[1]), "bbox_min_radius": min_radius}))
    xyxy = np.array([box for box, _ in faces], np.float32).reshape(-1, 4)
    labels = [label for _, label in faces]
    size_wh = (100, 70)  # not a multiple of 16
    got, wanted = (
        rasterise(xyxy, np.array(labels, np.int64), size_wh, params),
        literal_rasterise(xyxy, labels, size_wh, params),
    )
    np.testing.assert_array_equal(got.cov, wanted.cov)
    np.testing.assert_allclose(got.cov_norm, wanted.cov_norm, rtol=1e-6)
    np.testing.assert_array_equal(got.bbox, wanted.bbox)


# --- rasterise


def test_no_face_gives_zero_grids_of_the_right_shape() -> None:
    grids = rasterise(NONE, np.zeros(0, np.int64), SIZE_WH, (RasterParams(),) * 3)
    assert [g.shape for g in grids] == [(3, 15, 24), (12, 15, 24), (3, 15, 24)]
    assert all(g.dtype == np.float32 and not g.any() for g in grids)


@pytest.mark.parametrize(
    ("size_wh", "grid"), [((384, 240), (15, 24)), ((16, 16), (1, 1)), ((17, 15), (1, 2)), ((960, 544), (34, 60))]
)
def test_grid_shape_rounds_up(size_wh: tuple[int, int], grid: tuple[int, int]) -> None:
    assert grid_shape(size_wh) == grid


def test_a_small_face_gets_the_smallest_disc() -> None:
    grids = one(100, 100, 110, 110)
    assert grids.cov.sum() == pytest.approx(math.pi, abs=0.3)  # radius 1 cell
    np.testing.assert_allclose(grids.cov_norm[grids.cov > 0], grids.cov[grids.cov > 0] / 4)


def test_the_nearer_face_wins_where_two_overlap() -> None:
    far, near = [100, 60, 180, 140], [110, 70, 190, 150]
    params = (RasterParams(),)
    for order in ([far, near], [near, far]):
        grids = rasterise(np.array(order, np.float32), np.zeros(2, np.int64), SIZE_WH, params)
        cell = gridbox.decode(grids.cov, grids.bbox, SIZE_WH, np.array([0.99], np.float32))
        assert near in cell.xyxy.round(2).tolist()
        assert far not in cell.xyxy.round(2).tolist()


def test_the_dead_zone_erases_but_does_not_cover() -> None:
    alone = one(100, 60, 180, 140)
    both = rasterise(np.array([[100, 60, 180, 140], [120, 62, 240, 172]], np.float32), np.zeros(2, np.int64), SIZE_WH)
    erased = (alone.cov > 0) & (both.cov == 0)
    assert erased.any()
    assert not both.bbox[:, erased[0]].any()
    assert not both.cov_norm[erased].any()


def test_classes_have_planes_of_their_own() -> None:
    xyxy = np.array([[100, 60, 180, 140], [110, 70, 190, 150]], np.float32)
    both = rasterise(xyxy, np.array([0, 1]), SIZE_WH, two_params)
    for c in range(2):
        alone = rasterise(xyxy[c : c + 1], np.zeros(1, np.int64), SIZE_WH, two_params[c : c + 1])
        np.testing.assert_array_equal(both.cov[c], alone.cov[0])
        np.testing.assert_array_equal(both.bbox[4 * c : 4 * c + 4], alone.bbox)


def test_a_region_to_ignore_is_not_drawn() -> None:
    grids = rasterise(np.array([[100, 60, 180, 140]], np.float32), np.array([DONT_CARE]), SIZE_WH, two_params)
    assert not any(g.any() for g in grids)


@pytest.mark.parametrize("box", [(-200, -200, -100, -100), (500, 20, 600, 100), (50, 400, 90, 460)])
def test_a_face_outside_the_picture_is_not_drawn(box: tuple[float, ...]) -> None:
    assert not one(*box).cov.any()


# --- there and back


@settings(max_examples=200, deadline=None)
@given(box_strategy())
def test_there_and_back(box: list[float]) -> None:
    grids = one(*box)
    found = decode(grids.cov, grids.bbox, SIZE_WH, ANY)
    assert len(found.cov) == np.count_nonzero(grids.cov)
    wanted = np.clip(np.array(box, np.float32), 0, [384, 240, 384, 240])
    np.testing.assert_allclose(found.xyxy, np.tile(wanted, (len(found.cov), 1)), atol=1e-3)


def test_a_face_in_the_picture_always_covers_a_whole_cell_or_more() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        x, y, w, h = rng.uniform([0, 0, 4, 4], [340, 200, 40, 40])
        assert one(x, y, x + w, y + h).cov.max() >= 0.75


# --- decode


def test_decode_of_an_empty_grid() -> None:
    cov, bbox = np.zeros((2, 15, 24), np.float32), np.ones((8, 15, 24), np.float32)
    found = decode(cov, bbox, SIZE_WH, np.zeros(2, np.float32))  # 0 is not above 0
    assert found.xyxy.shape == (0, 4)
    assert found.xyxy.dtype == found.cov.dtype == np.float32
    assert found.labels.dtype == np.int64


def test_decode_by_hand_and_clipped() -> None:
    cov, bbox = np.zeros((1, 15, 24), np.float32), np.zeros((4, 15, 24), np.float32)
    cov[0, 3, 5], bbox[:, 3, 5] = 0.5, [1, 1, 2, 2]
    cov[0, 0, 0], bbox[:, 0, 0] = 0.7, [9, 9, 99, 99]  # past all edges
    cov[0, 14, 23], bbox[:, 14, 23] = 0.9, [-2, -2, -3, -3]  # inverted, then past the right and bottom edges
    found = decode(cov, bbox, SIZE_WH, np.array([0.2], np.float32))
    assert found.xyxy.tolist() == [[0, 0, 384, 240], [45.5, 13.5, 150.5, 118.5], [384, 240, 384, 240]]
    np.testing.assert_allclose(found.cov, [0.7, 0.5, 0.9])


def test_decode_keeps_classes_and_their_thresholds_apart() -> None:
    rng = np.random.default_rng(0)
    cov = rng.uniform(0, 1, (3, 15, 24)).astype(np.float32)
    bbox = rng.normal(1, 1, (12, 15, 24)).astype(np.float32)
    thresholds = np.array([0.2, 0.9, 0.5], np.float32)
    found = decode(cov, bbox, SIZE_WH, thresholds)
    for c in range(3):
        alone = decode(cov[c : c + 1], bbox[4 * c : 4 * c + 4], SIZE_WH, thresholds[c : c + 1])
        np.testing.assert_array_equal(found.xyxy[found.labels == c], alone.xyxy)
        np.testing.assert_array_equal(found.cov[found.labels == c], alone.cov)
    assert (np.diff(found.labels) >= 0).all()


def test_decode_reads_views_and_leaves_its_input_alone() -> None:
    rng = np.random.default_rng(0)
    cov, bbox = rng.uniform(0, 1, (1, 24, 15)).astype(np.float32), rng.normal(1, 1, (4, 24, 15)).astype(np.float32)
    before = cov.copy(), bbox.copy()
    strided = decode(cov.transpose(0, 2, 1), bbox.transpose(0, 2, 1), SIZE_WH, ANY)
    plain = decode(cov.transpose(0, 2, 1).copy(), bbox.transpose(0, 2, 1).copy(), SIZE_WH, ANY)
    for a, b in zip(strided, plain, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(cov, before[0])
    np.testing.assert_array_equal(bbox, before[1])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_decoded_boxes_are_upright_and_inside(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cov, bbox = rng.uniform(0, 1, (1, 15, 24)).astype(np.float32), rng.normal(0, 5, (4, 15, 24)).astype(np.float32)
    xyxy = decode(cov, bbox, SIZE_WH, ANY).xyxy
    assert (xyxy[:, :2] <= xyxy[:, 2:]).all()
    assert (xyxy >= 0).all()
    assert (xyxy <= [384, 240, 384, 240]).all()
