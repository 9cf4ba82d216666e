"""Which labelled faces count."""

import numpy as np

from faceir.data.guidelines import Rules, ignore_by_rules
from faceir.detections import DONT_CARE, Detections


def test_each_rule_ignores_its_own_and_unknown_breaks_none():
    truth = Detections(
        [[0, 0, 10, 20]] * 3 + [[0, 0, 10, 7]] + [[0, 0, 10, 20]],
        occlusion=np.array([5, 6, -1, 0, 0]),
        truncation=np.array([0.4, 0.0, -1.0, 0.0, 0.41]),
    )
    labels = ignore_by_rules(truth, Rules()).labels.tolist()
    assert labels == [0, DONT_CARE, 0, DONT_CARE, DONT_CARE]


def test_height_is_measured_at_network_scale():
    truth = Detections([[0, 0, 10, 20]])
    assert ignore_by_rules(truth, Rules(min_height=8), scale_y=0.3).labels.tolist() == [DONT_CARE]
    assert ignore_by_rules(Detections(), Rules()) == Detections()
