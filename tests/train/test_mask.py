"""Where the loss counts, cell by cell."""

import numpy as np
import pytest

from faceir.detections import DONT_CARE, Detections
from faceir.train.mask import LabelFilter, LossMask, ignored

TRUTH = Detections([[16, 16, 40, 30], [48, 32, 60, 60], [0, 0, 5, 5]], labels=np.array([0, 1, DONT_CARE]))
EMPTY = np.zeros((2, 4, 6), np.float32)


def test_ignored_regions_are_masked_unless_a_face_is_there():
    truth = Detections([[16, 16, 40, 30], [0, 0, 5, 5]], labels=np.array([DONT_CARE, 0]))
    cov = np.zeros((1, 4, 6), np.float32)
    assert ignored(truth, cov)[0].sum() == 24 - 2
    cov[0, 1, 1] = 0.5
    mask = ignored(truth, cov)
    assert mask[0, 1].tolist() == [1, 1, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("how", "chosen"),
    [
        (LabelFilter(), [0, 1]),
        (LabelFilter(min_wh=(20, 0)), [0]),
        (LabelFilter(max_wh=(0, 20)), [0]),
        (LabelFilter(min_wh=(20, 20)), []),
        (LabelFilter(region=(44, 0, 96, 64)), [1]),
        (LabelFilter(region=(0, 0, 96, 31)), [0]),
        (LabelFilter(region=(44, 0, 0, 0)), [1]),
        (LabelFilter(region=(40, 0, 48, 64)), []),  # edges touch, nothing overlaps
    ],
)
def test_labels_are_chosen_by_size_or_place(how, chosen):
    assert how.choose(TRUTH, Detections(), ()).tolist() == TRUTH.xyxy[chosen].tolist()


def test_labels_are_chosen_by_the_name_in_the_file():
    others = Detections([[0, 0, 9, 9], [1, 1, 9, 9]], labels=np.array([0, 1]))
    how = LabelFilter(source_classes=("hand",))
    assert how.choose(TRUTH, others, ("doll", "hand")).tolist() == [[1, 1, 9, 9]]


def test_masks_are_of_the_classes_and_objectives_that_are_named():
    one = LabelFilter(classes=(1,), objectives=("bbox",), min_wh=(20, 0))
    cov, bbox = LossMask((one,), 0.5).masks(TRUTH, Detections(), EMPTY)
    assert cov.min() == 1
    assert bbox[0].min() == 1
    wanted = np.ones((4, 6))
    wanted[1, 1:3] = 0.5
    assert np.array_equal(bbox[1], wanted)


def test_ground_truth_can_be_spared():
    cov = EMPTY.copy()
    cov[0, 1, 1] = 0.25
    spared = LossMask((LabelFilter(min_wh=(20, 0)),), 0.0, preserve_ground_truth=True)
    for mask in spared.masks(TRUTH, Detections(), cov):
        assert mask[0, 1].tolist() == [1, 1, 0, 1, 1, 1]
        assert mask[1, 1].tolist() == [1, 0, 0, 1, 1, 1]
