"""Quantisation-aware training: a net that computes what its INT8 file will, so that it learns to live with the levels.

Rounded are the tensors that `faceir.train.quantise` gives a pair in the scheme `u8`, and in its way: the weights of the
body after BN is folded into them, a scale each output channel; the picture to 1/255; what the body's convolutions read,
and the shortcuts. Both heads stay in float. Gradients pass a rounding as if it were none, and stop where a value
saturates (the straight-through estimator of Bengio et al., 2013; Jacob et al., 2018).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the field's name for it
from torch import Tensor, nn

from faceir.contract import INPUT_NAME
from faceir.fit import INPUT_SCALE
from faceir.train import distributed
from faceir.train.model import UNIT_NAMES, GridBoxNet, ResidualUnit, conv2d
from faceir.train.quantise import PERCENTILE

__all__ = ["DECAY", "RANGES_KEY", "START_BATCHES", "QuantisedNet", "Rounding", "calibrate"]

RANGES_KEY = "activation_ranges"
"""Of a checkpoint's `data`: tensor of the exported file -> greatest |x| kept, and whether there are negative ones."""
DECAY = 0.999
"""Share of itself that a range keeps with every batch, as in TAO."""
START_BATCHES = 8
"""Batches that the ranges start from."""
_SEEN = 1 << 18
"""Values of a tensor that are looked at: the 26 greatest of them tell the percentile."""
_LEAST = 1e-6
"""Range of a tensor that is always zero."""


class Rounding(nn.Module):
    """One tensor's 8 bits: 0..255 steps of `high` / 255, or with a sign -128..127 of `high` / 127."""

    high: Tensor

    def __init__(self, signed: bool = False) -> None:
        super().__init__()
        self.signed = signed
        self.register_buffer("high", torch.zeros(()))
        self.batches_seen: int | None = None
        """Of the pass in which the ranges start and values go through as they are; None after it."""

    def forward(self, x: Tensor) -> Tensor:
        """`x` rounded; in training the range follows it first."""
        if self.batches_seen is not None:
            self.batches_seen += 1
            self.high.lerp_(_reach(x), 1 / self.batches_seen)  # the mean of all
            return x
        if self.training:
            self.high.lerp_(_reach(x), 1 - DECAY)
        low, levels = (-128, 127) if self.signed else (0, 255)
        scale = self.high.clamp(min=_LEAST) / levels
        return torch.fake_quantize_per_tensor_affine(x, scale, _zeros(scale), low, levels)


@torch.no_grad()
def _reach(x: Tensor) -> Tensor:
    """The percentile of |x| by pixels evenly chosen of all pictures and channels; the mean over all processes."""
    step = 1
    while x.numel() > _SEEN * step * step:
        step += 1
    seen = x[:, :, ::step, ::step].abs().flatten()
    reach = seen.topk(int(seen.numel() * (1 - PERCENTILE / 100)) + 1).values[-1]
    distributed.average([reach])  # so that all processes keep the same range
    return reach


def _zeros(scale: Tensor) -> Tensor:
    return torch.zeros_like(scale, dtype=torch.int32)


class _Unit(ResidualUnit):
    """A residual unit that rounds; its input is rounded already."""

    def __init__(self, like: ResidualUnit, last: bool) -> None:
        project = like.conv_shortcut is not None
        first = like.conv_1
        super().__init__(first.in_channels, first.out_channels, like.conv_2.out_channels, first.stride[0], project)
        # What `X_q` rounds is the output of X, whose name the exported tensor has.
        self.relu_1_q = Rounding()
        self.bn_shortcut_q = Rounding(signed=True) if project else None
        self.relu_q = nn.Identity() if last else Rounding()

    def forward(self, x: Tensor) -> Tensor:
        """`[N,C,H,W]` to `[N,out,H/stride,W/stride]`."""
        y = self.relu_1_q(self.relu_1(_convolve(x, self.conv_1, self.bn_1)))
        y = _convolve(y, self.conv_2, self.bn_2)
        if self.conv_shortcut is not None and self.bn_shortcut is not None and self.bn_shortcut_q is not None:
            x = self.bn_shortcut_q(_convolve(x, self.conv_shortcut, self.bn_shortcut))
        out: Tensor = self.relu_q(self.relu(y + x))
        return out


class QuantisedNet(GridBoxNet):
    """A finished net with INT8 rounding, under the same names; BN's statistics stay as they are in `plain`.

    They have to: what is folded into a weight before it is rounded must be what the file's weight has.
    """

    def __init__(self, plain: GridBoxNet) -> None:
        super().__init__(plain.architecture)
        self.activation_1_q = Rounding()
        for name in UNIT_NAMES:
            unit = plain.get_submodule(name)
            assert isinstance(unit, ResidualUnit)
            self.add_module(name, _Unit(unit, last=name == UNIT_NAMES[-1]))
        ours = self.state_dict()
        self.load_state_dict(ours | plain.state_dict())

    def features(self, x: Tensor) -> Tensor:
        """The last feature map, `[N,C,H/16,W/16]`."""
        scale = x.new_tensor(INPUT_SCALE)
        x = torch.fake_quantize_per_tensor_affine(x, scale, _zeros(scale), 0, 255)
        # The file's filters are averaged over the channels of gray, so one filter on their mean does for three.
        weight, bias = _fold(self.conv1, self.bn_conv1)
        weight = 3 * _round_weight(weight.mean(1, keepdim=True))
        x = F.conv2d(x.mean(1, keepdim=True), weight, bias, self.conv1.stride, self.conv1.padding)
        x = self.activation_1_q(self.activation_1(x))
        for name in UNIT_NAMES:
            x = self.get_submodule(name)(x)
        return x

    def roundings(self) -> Iterator[tuple[str, Rounding]]:
        """Every rounding of an activation but the picture's, by the tensor's name in the exported file."""
        for name, module in self.named_modules():
            if isinstance(module, Rounding):
                yield name.removesuffix("_q"), module

    def ranges(self) -> dict[str, list[Any]]:
        """What a checkpoint says under `RANGES_KEY`."""
        learnt = {name: [max(float(one.high), _LEAST), one.signed] for name, one in self.roundings()}
        return {INPUT_NAME: [1.0, False], **learnt}

    def plain(self) -> GridBoxNet:
        """The net without its roundings, a copy."""
        net = GridBoxNet(self.architecture)
        wanted = net.state_dict().keys()
        net.load_state_dict({name: t for name, t in self.state_dict().items() if name in wanted})
        return net.eval()


@torch.no_grad()
def calibrate(net: QuantisedNet, pictures: Iterable[Tensor]) -> None:
    """Start the ranges of `net` (changed in place) from batches `[N,1,H,W]` 0..1, which it sees in float."""
    roundings = [one for _, one in net.roundings()]
    for one in roundings:
        one.batches_seen = 0
    for batch in pictures:
        net.logits(batch)
    for one in roundings:
        one.batches_seen = None


def _fold(conv: nn.Conv2d, bn: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight `[out,in,k,k]` and bias `[out]` of a convolution and the BN behind it, by its running statistics."""
    assert conv.bias is not None
    assert bn.running_mean is not None
    assert bn.running_var is not None
    gain = bn.weight * torch.rsqrt(bn.running_var + bn.eps)
    return conv.weight * gain[:, None, None, None], bn.bias + (conv.bias - bn.running_mean) * gain


def _round_weight(weight: Tensor) -> Tensor:
    """`[out,in,k,k]` in levels -127..127 of each output channel's own scale."""
    scale = weight.detach().abs().amax(dim=(1, 2, 3)).clamp(min=1e-8) / 127
    return torch.fake_quantize_per_channel_affine(weight, scale, _zeros(scale), 0, -127, 127)


def _convolve(x: Tensor, conv: nn.Conv2d, bn: nn.BatchNorm2d) -> Tensor:
    weight, bias = _fold(conv, bn)
    return conv2d(x, _round_weight(weight), bias, conv.stride[0], int(conv.padding[0]))
