"""What is frozen, by name."""

import pytest

from faceir.train import freeze
from faceir.train.model import GridBoxNet
from tests.train.conftest import TINY


@pytest.mark.parametrize(
    ("blocks", "convs"), [((), 0), ((0,), 1), ((1,), 6), ((0, 4), 7), ((0, 1, 2, 3, 4), 25)], ids=str
)
def test_blocks_are_their_convolutions(blocks, convs):
    net = GridBoxNet(TINY)
    frozen = freeze.choose(net, blocks)
    assert len(frozen.weights) == convs
    assert not frozen.statistics
    frozen.train(net)
    learning = {name for name, p in net.named_parameters() if p.requires_grad}
    assert len(learning) == len(list(net.parameters())) - 2 * convs
    assert net.bn_conv1.training


def test_statistics_alone_leave_scale_and_shift_to_learn():
    net = GridBoxNet(TINY)
    freeze.choose(net, bn=True).train(net)
    assert not net.block_3a.bn_2.training
    assert net.block_3a.bn_2.weight.requires_grad
    assert net.training


def test_what_was_loaded_is_frozen_whole_but_for_the_outputs():
    net = GridBoxNet(TINY)
    freeze.choose(net, loaded=["conv1", "bn_conv1", "output_cov"]).train(net)
    frozen = {name for name, p in net.named_parameters() if not p.requires_grad}
    assert frozen == {"conv1.weight", "conv1.bias", "bn_conv1.weight", "bn_conv1.bias"}
    assert not net.bn_conv1.training
    assert net.block_1a.bn_1.training
