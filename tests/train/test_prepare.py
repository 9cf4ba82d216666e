"""Scale and crop, with their boxes."""

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.errors import InputError
from faceir.train.prepare import Preparation, drop_small

IMAGE = np.arange(40 * 60, dtype=np.uint8).reshape(40, 60)
TRUTH = Detections([[10, 10, 20, 30], [40, 0, 60, 40]])


def test_nothing_asked_nothing_done():
    image, truth = Preparation().apply(IMAGE, TRUTH)
    assert image is IMAGE
    assert truth is TRUTH


def test_scaling_moves_boxes_along():
    image, truth = Preparation((120, 20)).apply(IMAGE, TRUTH)
    assert image.shape == (20, 120)
    assert truth.xyxy.tolist() == [[20, 5, 40, 15], [80, 0, 120, 20]]


def test_a_crop_cuts_faces_at_its_edge_and_drops_those_outside():
    image, truth = Preparation(crop=(15, 5, 35, 25)).apply(IMAGE, TRUTH)
    assert np.array_equal(image, IMAGE[5:25, 15:35])
    assert truth.xyxy.tolist() == [[0, 5, 5, 20]]
    assert truth.truncation.tolist() == pytest.approx([1 - 5 * 15 / 200])


def test_a_crop_beside_the_picture_says_so():
    with pytest.raises(InputError, match="holds nothing"):
        Preparation(crop=(100, 0, 120, 20)).apply(IMAGE, TRUTH)


@pytest.mark.parametrize(("least", "left"), [((1, 1), 2), ((11, 1), 1), ((1, 21), 1), ((99, 1), 0)])
def test_small_boxes_are_dropped(least, left):
    assert len(drop_small(TRUTH, least)) == left
    assert len(drop_small(Detections(), least)) == 0
