"""The loss, against numbers worked out by hand from the reference's formulas."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir.boxes import area, intersection, iou
from faceir.train.loss import AutoWeights, TargetClass, Targets, costs, giou, regulariser
from faceir.train.model import Architecture, GridBoxNet


def one_cell(cov=1.0, bbox=(0.1, 0.2, 0.3, 0.4), norm=0.5, mask=1.0) -> Targets:
    t = torch.zeros(1, 1, 1, 2)
    targets = Targets(t.clone(), torch.zeros(1, 4, 1, 2), t.clone(), torch.ones_like(t))
    targets.cov[0, 0, 0, 0] = cov
    targets.bbox[0, :, 0, 0] = torch.tensor(bbox)
    targets.cov_norm[0, 0, 0, 0] = norm
    targets.mask[0, 0, 0, 0] = mask
    return targets


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_costs_by_hand():
    logits = torch.tensor([[[[logit(0.8), logit(0.3)]]]])
    bbox = torch.zeros(1, 4, 1, 2)
    cov_cost, bbox_cost = costs(logits, bbox, one_cell(), [TargetClass(coverage_foreground_weight=0.05)])[0]
    eps = 1e-5
    by_hand = (0.05 * -math.log(0.8 + eps) + 0.95 * -math.log(0.7 + eps)) / 2
    assert cov_cost == pytest.approx(by_hand, rel=1e-5)
    assert bbox_cost == pytest.approx(0.5 * (0.1 + 0.2 + 0.3 + 0.4) / 8, rel=1e-5)


def test_a_soft_target_at_one_half_counts_as_background():
    logits = torch.tensor([[[[logit(0.5), -30.0]]]])
    cost = costs(logits, torch.zeros(1, 4, 1, 2), one_cell(cov=0.5), [TargetClass()])[0, 0]
    assert cost == pytest.approx(0.95 * math.log(2) / 2, rel=1e-3)


def test_masked_cells_cost_nothing():
    cost = costs(torch.full((1, 1, 1, 2), -30.0), torch.ones(1, 4, 1, 2), one_cell(mask=0.0), [TargetClass()])
    assert torch.allclose(cost, torch.zeros(1, 2), atol=2e-5)


def test_classes_do_not_mix():
    one = one_cell()
    two = Targets(
        *(
            torch.cat([getattr(one, f), torch.zeros_like(getattr(one, f))], 1)
            for f, t in vars(one).items()
            if t is not None
        )
    )
    two.mask[:] = 1
    logits, bbox = torch.rand(1, 1, 1, 2), torch.rand(1, 4, 1, 2)
    alone = costs(logits, bbox, one, [TargetClass()])
    both = costs(
        torch.cat([logits, logits + 1], 1), torch.cat([bbox, bbox], 1), two, [TargetClass(), TargetClass("hand")]
    )
    assert torch.allclose(alone[0], both[0])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0.125, 5, width=32), min_size=8, max_size=8))
def test_giou_of_distances_is_giou_of_boxes(sides):
    a, b = torch.tensor(sides[:4]), torch.tensor(sides[4:])
    boxes = [torch.cat([-x[:2], x[2:]]).numpy()[None] for x in (a, b)]
    low, high = np.minimum(*boxes)[0], np.maximum(*boxes)[0]
    hull = (high[2] - low[0]) * (high[3] - low[1])
    shared = intersection(*boxes)[0, 0]
    union = area(boxes[0])[0] + area(boxes[1])[0] - shared
    by_hand = iou(*boxes)[0, 0] - (hull - union) / hull
    got = giou(a.view(1, 1, 4, 1, 1), b.view(1, 1, 4, 1, 1)).item()
    assert got == pytest.approx(by_hand, abs=1e-3)


def test_the_giou_term_joins_the_boxes_cost():
    bbox = torch.tensor((0.1, 0.2, 0.3, 0.4)).view(1, 4, 1, 1).repeat(1, 1, 1, 2)
    logits = torch.zeros(1, 1, 1, 2)
    assert costs(logits, bbox, one_cell(), [TargetClass()], 2.0)[0, 1].item() == pytest.approx(0, abs=1e-4)
    plain, with_term = (costs(logits, 2 * bbox, one_cell(), [TargetClass()], w)[0, 1].item() for w in (0.0, 2.0))
    assert with_term - plain == pytest.approx(2 * 0.5 * (1 - 0.25) / 2, rel=1e-3)


def test_weights_follow_the_costs_of_the_epoch():
    weights = AutoWeights([TargetClass()])
    assert weights.objective_weight[0].tolist() == pytest.approx([1 / 11, 10 / 11])
    assert float(weights.total(torch.tensor([[0.2, 0.4]]))) == pytest.approx(0.2 / 11 + 4 / 11)
    weights.total(torch.tensor([[0.2, 0.1]]))
    weights.end_epoch()
    u = np.array([1 / 0.4, 10 / 0.5])  # target / sum of the epoch's costs
    assert weights.objective_weight[0].tolist() == pytest.approx((u / u.sum()).tolist())


def test_weights_stay_without_costs_and_when_switched_off():
    for weights, cost in ((AutoWeights([TargetClass()]), 0.0), (AutoWeights([TargetClass()], enabled=False), 0.5)):
        weights.total(torch.full((1, 2), cost))
        weights.end_epoch()
        assert weights.objective_weight[0].tolist() == pytest.approx([1 / 11, 10 / 11])


def test_weights_are_clamped_without_renormalising():
    weights = AutoWeights([TargetClass()], min_weight=0.2, max_weight=0.7)
    weights.total(torch.tensor([[1.0, 1e-6]]))
    weights.end_epoch()
    assert weights.objective_weight[0].tolist() == pytest.approx([0.2, 0.7])


def test_auto_weighting_of_two_classes_by_hand():
    """Each class by its own costs; the class weights 1 and 8 stay out of it (TAO's 3.2 and 3.3)."""
    one = TargetClass("mask", 1.0, 0.05, (1.0, 10.0), (1.0, 10.0))
    two = TargetClass("no-mask", 8.0, 0.05, (1.0, 1.0), (1.0, 3.0))
    weights = AutoWeights([one, two])
    batches = torch.tensor([[[0.2, 0.4], [0.01, 0.02]], [[0.4, 0.1], [0.03, 0.02]]])
    # 1/9 (1/11 0.2 + 10/11 0.4) + 8/9 (1/2 0.01 + 1/2 0.02)
    assert weights.total(batches[0]).item() == pytest.approx((0.2 / 11 + 4 / 11) / 9 + 8 / 9 * 0.015)
    weights.total(batches[1])
    weights.end_epoch()
    # class one: u = 1 / 0.6, 10 / 0.5 -> 1.6667, 20; class two: 1 / 0.04, 3 / 0.04 -> 25, 75
    assert weights.objective_weight[0].tolist() == pytest.approx([1.6666667 / 21.6666667, 20 / 21.6666667])
    assert weights.objective_weight[1].tolist() == pytest.approx([0.25, 0.75])
    assert weights.sums.sum() == 0
    after = (0.2 * 1.6666667 + 0.4 * 20) / 21.6666667 / 9 + 8 / 9 * (0.01 * 0.25 + 0.02 * 0.75)
    assert weights.total(batches[0]).item() == pytest.approx(after)


def test_boxes_may_have_a_mask_of_their_own():
    targets = one_cell()
    alone = Targets(**{**vars(targets), "bbox_mask": torch.zeros_like(targets.mask)})
    logits, bbox = torch.zeros(1, 1, 1, 2), torch.zeros(1, 4, 1, 2)
    both, cov_only = (costs(logits, bbox, t, [TargetClass()])[0] for t in (targets, alone))
    assert cov_only[0] == both[0] > 0
    assert cov_only[1] == 0 < both[1]


def test_a_source_weight_is_a_factor_of_both_costs():
    single, double = one_cell(), one_cell()
    double.mask[:] = 2
    logits, bbox = torch.zeros(1, 1, 1, 2), torch.zeros(1, 4, 1, 2)
    a, b = (costs(logits, bbox, t, [TargetClass()]) for t in (single, double))
    assert torch.allclose(2 * a, b)


def test_the_focal_term_by_hand_and_off():
    logits = torch.tensor([[[[logit(0.8), logit(0.3)]]]])
    cost = costs(logits, torch.zeros(1, 4, 1, 2), one_cell(), [TargetClass()], focal_gamma=2.0)[0, 0]
    by_hand = (0.05 * 0.2**2 * -math.log(0.8) + 0.95 * 0.3**2 * -math.log(0.7)) / 2
    assert cost.item() == pytest.approx(by_hand, rel=1e-3)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_the_focal_term_has_a_finite_slope_where_the_net_is_right(gamma):
    logits = torch.tensor([[[[40.0, 0.0]]]], requires_grad=True)
    costs(logits, torch.zeros(1, 4, 1, 2), one_cell(), [TargetClass()], focal_gamma=gamma).sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_class_weights_are_shares():
    weights = AutoWeights([TargetClass("mask", 1.0), TargetClass("no-mask", 8.0)])
    assert weights.class_weight.tolist() == pytest.approx([1 / 9, 8 / 9])


def test_the_regulariser_counts_kernels_and_biases_of_convolutions_alone():
    net = GridBoxNet(Architecture.resnet18(width_multiplier=0.125))
    parameters = [p for m in net.modules() if isinstance(m, torch.nn.Conv2d) for p in (m.weight, m.bias)]
    l1, l2 = (regulariser(net, kind, 1e-3) for kind in ("L1", "L2"))
    assert l1.item() == pytest.approx(1e-3 * sum(p.abs().sum().item() for p in parameters), rel=1e-4)
    assert l2.item() == pytest.approx(1e-3 * sum((p**2).sum().item() for p in parameters), rel=1e-4)
    assert regulariser(net, "NO_REG", 1e-3).item() == 0
    l1.backward()
    assert torch.allclose(net.conv1.weight.grad, 1e-3 * net.conv1.weight.sign())
    assert net.bn_conv1.weight.grad is None
