"""What the teacher adds: nothing where the student says the same, the textbook's value elsewhere."""

import copy
import math

import pytest
import torch

from faceir.train.distil import Distillation, Teacher, terms
from faceir.train.model import Architecture, GridBoxNet
from tests.train.conftest import TINY


def test_a_student_that_is_its_teacher_has_nothing_to_learn():
    torch.manual_seed(0)
    student = GridBoxNet(TINY).eval()
    teacher = Teacher(copy.deepcopy(student), student, Distillation(1.0, 1.0, 1.0, "block_3b"))
    pictures = torch.rand(2, 1, 32, 48)
    with teacher.watching(student):
        loss = teacher.loss(pictures, student.logits(pictures))
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-9)
    for name, parameter in student.named_parameters():
        assert parameter.grad is None or parameter.grad.abs().max() < 1e-6, name
    assert all(p.grad is None for p in teacher.net.parameters())


def test_terms_by_hand():
    cov, cov_t = torch.zeros(1, 1, 1, 2), torch.tensor([[[[math.log(4.0), -30.0]]]])  # the teacher says 0.8 and 0
    bbox, bbox_t = torch.zeros(1, 4, 1, 2), torch.ones(1, 4, 1, 2)
    cov_term, bbox_term = terms((cov, bbox), (cov_t, bbox_t)).tolist()
    divergence = 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)
    assert cov_term == pytest.approx((divergence + math.log(2)) / 2, rel=1e-5)
    assert bbox_term == pytest.approx(0.8 * 4 / 8, rel=1e-5)


def test_each_class_s_coverage_weighs_its_own_boxes():
    cov_t = torch.tensor([30.0, -30.0])[None, :, None, None]
    bbox = torch.zeros(1, 8, 1, 1)
    far = bbox.clone()
    far[:, 4:] = 1  # the boxes of the class that the teacher does not see
    assert terms((cov_t, far), (cov_t, bbox))[1] < 1e-9


@pytest.mark.parametrize(("width", "channels"), [(0.25, 64), (0.125, 32)])
def test_features_of_other_widths_pass_an_adapter_that_learns(width, channels):
    torch.manual_seed(1)
    student, large = GridBoxNet(TINY), GridBoxNet(Architecture.resnet18(width_multiplier=width))
    teacher = Teacher(large, student, Distillation(0.0, 0.0, 1.0, "block_3b"))
    assert teacher.adapter.out_channels == channels
    pictures = torch.rand(2, 1, 32, 48)
    with teacher.watching(student):
        loss = teacher.loss(pictures, student.logits(pictures))
    loss.backward()
    assert teacher.adapter.weight.grad.abs().max() > 0
    assert student.conv1.weight.grad.abs().max() > 0
    assert not student.block_4a.conv_1.weight.grad.any()  # behind the layer that is compared
    assert not student.block_3b._forward_hooks
