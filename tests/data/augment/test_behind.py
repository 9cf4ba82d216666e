"""Heads behind nearer ones: nothing of the nearer is touched, and the box goes round what is seen."""

import numpy as np
import pytest

from faceir.data.augment.behind import beside, nearer, tuck, veil
from faceir.data.augment.scene import Layer
from faceir.detections import DONT_CARE, Detections

SIZE_WH = (200, 120)
FACE = Detections([[60, 30, 120, 110]])


def head(x1, y1, x2, y2):
    """A white layer over all of a face's box."""
    whole = np.full((y2 - y1, x2 - x1), 255, np.uint8)
    return Layer((x1, y1), whole, whole), Detections([[x1, y1, x2, y2]])


def front(left):
    """Something nearer from column `left` on."""
    mask = np.zeros(SIZE_WH[::-1], np.uint8)
    mask[:, left:] = 255
    return mask


def test_only_clearly_higher_faces_are_nearer():
    rng = np.random.default_rng(0)
    assert nearer(Detections(), 20, SIZE_WH, rng) is None
    assert nearer(FACE, 70, SIZE_WH, rng) is None
    mask = nearer(FACE, 20, SIZE_WH, rng)
    assert mask.shape == SIZE_WH[::-1]
    assert (mask[40:100, 75:105] == 255).all()
    assert (mask[:20, :20] == 0).all()


@pytest.mark.parametrize(("left", "right_edge"), [(200, 40), (30, 30), (28, 28)])
def test_the_box_ends_where_the_nearer_begins(left, right_edge):
    layer, face = tuck(*head(20, 40, 40, 70), front(left))
    assert face.xyxy[0].tolist() == [20, 40, right_edge, 70]
    assert face.labels[0] == 0
    assert (layer.alpha[:, max(left - 20 + 2, 0) :] == 0).all()
    assert (layer.alpha[:, : left - 20 - 2] == 255).all()


def test_a_sliver_is_ignored_and_nothing_is_nothing():
    assert tuck(*head(20, 40, 40, 70), front(24))[1].labels[0] == DONT_CARE
    assert tuck(*head(20, 40, 40, 70), front(21)) is None
    assert tuck(*head(20, 40, 40, 70), front(0)) is None


def test_half_hidden_is_level_5():
    assert tuck(*head(20, 40, 40, 70), front(30))[1].occlusion[0] == 5


def test_beside_is_at_the_faces_side_and_needs_one():
    rng = np.random.default_rng(0)
    assert beside(Detections(), 20, rng) is None
    assert beside(FACE, 70, rng) is None
    for _ in range(50):
        x, y = beside(FACE, 20, rng)
        assert 25 <= abs(x - 90) <= 60
        assert 30 <= y <= 110


def test_a_veil_keeps_outline_and_mean_and_takes_contrast():
    rng = np.random.default_rng(0)
    light = rng.integers(60, 180, (30, 24)).astype(np.uint8)
    layer = Layer((3, 4), np.full((30, 24), 255, np.uint8), light)
    spread = []
    for _ in range(20):
        seen = veil(layer, 20, rng)
        assert seen.xy == layer.xy
        assert np.array_equal(seen.alpha, layer.alpha)
        assert seen.light.mean() == pytest.approx(light.mean(), abs=2)
        spread.append(seen.light.std() / light.std())
    assert min(spread) < 0.5
    assert max(spread) <= 1.01
