"""A wider net computes what the narrower one did."""

import pytest
import torch

from faceir.errors import ModelError
from faceir.train.model import Architecture, GridBoxNet
from faceir.train.widen import widen


def lively(architecture: Architecture) -> GridBoxNet:
    """A net whose BN does something."""
    torch.manual_seed(0)
    net = GridBoxNet(architecture).train()
    with torch.no_grad():
        for _ in range(20):
            net(torch.rand(4, 1, 32, 48))
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
    return net.eval()


@pytest.mark.parametrize("all_projections", [True, False])
@pytest.mark.parametrize("width", [0.125, 0.25, 0.375])
def test_without_noise_the_function_stays(width, all_projections):
    narrow = lively(Architecture.resnet18(1, 0.125, all_projections))
    wide = widen(narrow, Architecture.resnet18(1, width, all_projections)).eval()
    x = torch.rand(3, 1, 48, 64)
    with torch.inference_mode():
        for a, b in zip(narrow.logits(x), wide.logits(x), strict=True):
            assert torch.allclose(a, b, atol=1e-4)


def test_noise_parts_channels_that_else_stay_equal():
    narrow = lively(Architecture.resnet18(1, 0.125))
    x = torch.rand(2, 1, 48, 64)
    twins = []
    for noise in (0.0, 0.01):
        wide = widen(narrow, Architecture.resnet18(1, 0.25), noise).eval()
        far = (narrow.logits(x)[0] - wide.logits(x)[0]).abs().max()
        assert far < (1e-4 if not noise else 1)
        wide.train()
        sum(out.square().mean() for out in wide.logits(x)).backward()
        gradient = wide.block_2a.conv_1.weight.grad
        twins.append(torch.allclose(gradient[:16], gradient[16:], rtol=1e-3, atol=1e-7))
    assert twins == [True, False]


@pytest.mark.parametrize(
    ("to", "part"),
    [
        (Architecture.resnet18(1, 0.125), "at most 8"),
        (Architecture.resnet18(2, 0.5), "1 classes"),
        (Architecture.resnet18(1, 0.5, all_projections=False), "all_projections"),
    ],
)
def test_what_is_no_wider_net_is_refused(to, part):
    with pytest.raises(ModelError, match=part):
        widen(GridBoxNet(Architecture.resnet18(1, 0.25)), to)
