"""The plan as a picture."""

import cv2
import pytest

from faceir.train.prune import Plan, describe, draw
from tests.train.prune.nets import ODD_BLOCKS, ODDER, SIZE, whole


@pytest.mark.parametrize("architecture", [ODDER, ODD_BLOCKS])
def test_a_plan_is_drawn(tmp_path, architecture):
    plan = Plan(architecture, {**whole(architecture), "conv1": (1, 2)})
    layers = len(describe(plan, SIZE))
    plain = cv2.imread(str(draw(plan, SIZE, tmp_path / "plan.png")))
    timed = cv2.imread(str(draw(plan, SIZE, tmp_path / "timed.png", ([1.0] * layers, [0.5] * layers))))
    assert timed.shape[0] == plain.shape[0]
    assert timed.shape[1] > plain.shape[1]  # a panel more
    assert plain.std() > 10
    assert sorted(p.name for p in tmp_path.iterdir()) == ["plan.png", "timed.png"]
