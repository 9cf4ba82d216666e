"""Light: falls off as physics says, and near faces get more of it."""

import numpy as np
import pytest

from faceir.data.infrared import lamp

FLAT = np.full((160, 208), 100, np.float32)


def test_a_face_twice_as_high_is_lit_more():
    near, far = [20, 40, 80, 118], [140, 50, 160, 76]
    faces = np.array([far, near], np.float32)
    ratios = []
    for seed in range(20):
        lit = lamp.by_distance(FLAT, faces, np.random.default_rng(seed))
        means = [lit[int(y1) : int(y2), int(x1) : int(x2)].mean() for x1, y1, x2, y2 in (near, far)]
        ratios.append(means[0] / means[1])
        assert lit[:20, 180:].mean() < means[0]
    assert min(ratios) > 1
    assert np.median(ratios) > 2


def test_light_by_distance_is_not_one_vignette():
    """The same place is bright under a near face and dark beside it."""
    left, right = (
        lamp.by_distance(FLAT, np.array([box], np.float32), np.random.default_rng(3))
        for box in ([20, 30, 60, 80], [140, 30, 180, 80])
    )
    assert left[55, 40] > 1.2 * left[55, 160]
    assert right[55, 160] > 1.2 * right[55, 40]


def test_pictures_without_faces_are_lit_alike():
    spread = [lamp.by_distance(FLAT, np.zeros((0, 4), np.float32), np.random.default_rng(s)).std() for s in range(10)]
    assert min(spread) > 1


def test_a_vignette_leaves_the_share_it_was_asked_for():
    for corner in (0.3, 0.9):
        seen = lamp.vignette(FLAT, corner)
        assert seen[80, 104] == pytest.approx(100, rel=0.02)
        assert seen[0, 0] == pytest.approx(100 * corner, rel=0.12)


@pytest.mark.parametrize("shape", [(1, 1), (7, 9), (240, 384)])
def test_any_size_is_lit(shape):
    flat = np.full(shape, 50, np.float32)
    for light in (
        lamp.illuminate(flat, np.random.default_rng(0)),
        lamp.by_distance(flat, np.zeros((0, 4), np.float32), np.random.default_rng(0)),
        lamp.vignette(flat, 0.5),
    ):
        assert light.shape == shape
        assert light.dtype == np.float32
        assert np.isfinite(light).all()
