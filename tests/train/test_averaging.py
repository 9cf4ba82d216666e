"""The average of the weights, against its formula."""

import torch

from faceir.train.averaging import Averaged
from faceir.train.model import GridBoxNet
from tests.train.conftest import TINY


def test_it_is_the_moving_average_of_weights_and_statistics():
    torch.manual_seed(0)
    net = GridBoxNet(TINY).to(memory_format=torch.channels_last)
    averaged = Averaged(net, 0.4)
    names = ("block_1a.conv_1.weight", "bn_conv1.running_var")
    wanted = {name: net.state_dict()[name].clone() for name in names}
    for step in range(1, 6):
        with torch.no_grad():
            for name in names:
                net.state_dict()[name].add_(torch.rand(()))
            net.bn_conv1.num_batches_tracked += 1
        averaged.update(step)
        keep = min(0.4, (1 + step) / (10 + step))
        for name in names:
            wanted[name] = keep * wanted[name] + (1 - keep) * net.state_dict()[name]
    for name in names:
        assert torch.allclose(averaged.net.state_dict()[name], wanted[name], atol=1e-6)
    assert averaged.net.bn_conv1.num_batches_tracked == 5
    assert not averaged.net.training
    assert not any(p.requires_grad for p in averaged.net.parameters())
