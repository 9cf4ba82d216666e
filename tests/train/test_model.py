"""The net: DetectNet_v2's ResNet18, counted."""

import subprocess
import sys

import pytest
import torch

from faceir.errors import ModelError
from faceir.train.model import Architecture, GridBoxNet, count_macs, count_params

TINY = Architecture.resnet18(width_multiplier=0.125)


def test_the_full_net_has_the_parameters_and_macs_of_the_reference():
    net = GridBoxNet(Architecture.resnet18())
    assert count_params(net) == 11_527_557 + 23_296  # convolutions + 4 a BN channel
    assert count_macs(net, (384, 240)) == pytest.approx(5.786e9, rel=1e-4)


def test_without_all_projections():
    net = GridBoxNet(Architecture.resnet18(all_projections=False))
    assert count_params(net) == pytest.approx(11.20e6, rel=2e-3)
    assert count_macs(net, (384, 240)) == pytest.approx(5.62e9, rel=2e-3)


def test_shapes_and_ranges():
    net = GridBoxNet(Architecture.resnet18(num_classes=2, width_multiplier=0.125)).eval()
    with torch.inference_mode():
        cov, bbox = net(torch.rand(2, 3, 240, 384))
    assert cov.shape == (2, 2, 15, 24)
    assert bbox.shape == (2, 8, 15, 24)
    assert ((cov >= 0) & (cov <= 1)).all()


def test_one_channel_means_three_equal_ones():
    net = GridBoxNet(TINY).eval()
    gray = torch.rand(1, 1, 64, 96)
    with torch.inference_mode():
        one, three = net(gray), net(gray.expand(-1, 3, -1, -1))
    for a, b in zip(one, three, strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_a_batch_is_its_pictures():
    net = GridBoxNet(TINY).eval()
    x = torch.rand(3, 3, 32, 48)
    with torch.inference_mode():
        whole = net(x)
        parts = [net(x[n : n + 1]) for n in range(3)]
    assert torch.allclose(whole[0], torch.cat([p[0] for p in parts]), atol=1e-5)


def test_bn_and_bias_are_those_of_keras():
    net = GridBoxNet(TINY)
    assert net.bn_conv1.eps == 1e-3
    assert net.bn_conv1.momentum == 0.01
    assert all(m.bias is not None for m in net.modules() if isinstance(m, torch.nn.Conv2d))


def test_an_architecture_there_and_back():
    odd = Architecture(24, ((8, 16),) * 8, 2, True)
    assert Architecture.from_dict(odd.to_dict()) == odd
    assert GridBoxNet(odd)(torch.rand(2, 3, 32, 32))[0].shape == (2, 2, 2, 2)
    with pytest.raises(ModelError, match="cannot be read"):
        Architecture.from_dict({"stem": 8})


@pytest.mark.parametrize("seed", range(3))
def test_any_widths_give_a_runnable_net(seed):
    generator = torch.Generator().manual_seed(seed)
    widths = (torch.randint(1, 5, (17,), generator=generator) * 8).tolist()
    a = Architecture(widths[0], tuple(zip(widths[1::2], widths[2::2], strict=True)))
    assert GridBoxNet(a).eval()(torch.rand(1, 3, 48, 64))[1].shape == (1, 4, 3, 4)


@pytest.mark.slow
@pytest.mark.parametrize(("channels", "kernel", "stride"), [(8, 1, 2), (15, 1, 2), (16, 1, 2), (8, 1, 1), (8, 3, 2)])
def test_narrow_shortcuts_train_in_bf16(channels, kernel, stride):
    """Without the detour the first two end the process; the child is there so that they would end it alone."""
    code = f"""
import torch
from faceir.train.model import conv2d
x, weight = torch.rand(4, {channels}, 20, 26, requires_grad=True), torch.rand(16, {channels}, {kernel}, {kernel})
x = x.contiguous(memory_format=torch.channels_last)
found = []
for dtype in (torch.bfloat16, torch.float32):
    w = weight.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16):
        y = conv2d(x, w, None, {stride}, {kernel // 2})
    (gx,) = torch.autograd.grad(y.float().square().mean(), x, retain_graph=True)
    found.append((y.float(), gx))
assert all(torch.allclose(a, b, rtol=0.05, atol=0.05 * float(b.abs().max())) for a, b in zip(*found))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
