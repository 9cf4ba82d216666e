"""ResNet18 GridBox: the DetectNet_v2 net, with every channel count stated, so that a pruned one is the same class."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the field's name for it
from torch import Tensor, nn

from faceir.errors import ModelError

__all__ = ["Architecture", "GridBoxNet", "conv2d", "count_macs", "count_params"]

_ONEDNN_BLOCK = 16  # channels
_BN_EPS, _BN_MOMENTUM = 1e-3, 0.01  # Keras: epsilon 1e-3, momentum 0.99
_STAGES = ((1, 64, 2), (2, 128, 2), (3, 256, 2), (4, 512, 1))  # block, channels, stride of its first unit
UNIT_NAMES = tuple(f"block_{block}{unit}" for block, _, _ in _STAGES for unit in "ab")


@dataclass(frozen=True)
class Architecture:
    """Channel counts of every convolution; what a checkpoint stores and a net is rebuilt from."""

    stem: int = 64
    units: tuple[tuple[int, int], ...] = tuple((c, c) for _, c, _ in _STAGES for _ in "ab")
    """Of each residual unit, block_1a to block_4b: channels of its first convolution, and of its output."""
    num_classes: int = 1
    all_projections: bool = True
    """Every unit has a 1x1 shortcut; else only the first of each block (whose width or stride changes)."""

    @staticmethod
    def resnet18(num_classes: int = 1, width_multiplier: float = 1.0, all_projections: bool = True) -> Architecture:
        """The full net, or one with every channel count multiplied by `width_multiplier` (0..1], in whole eights."""
        full = Architecture()

        def width(channels: int) -> int:
            return max(8, round(channels * width_multiplier / 8) * 8)

        units = tuple((width(mid), width(out)) for mid, out in full.units)
        return Architecture(width(full.stem), units, num_classes, all_projections)

    @staticmethod
    def from_dict(stated: dict[str, Any]) -> Architecture:
        """The architecture that `to_dict` stated; raises `ModelError` when a key is missing."""
        try:
            units = tuple((int(mid), int(out)) for mid, out in stated["units"])
            if len(units) != len(UNIT_NAMES):
                raise ValueError(f"{len(units)} units instead of {len(UNIT_NAMES)}")
            return Architecture(int(stated["stem"]), units, int(stated["num_classes"]), bool(stated["all_projections"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError("architecture", f"cannot be read ({error})", "stem, units, num_classes") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """`F.conv2d`, safe in bf16 on the CPU.

    torch 2.13's gradient of a strided 1x1 convolution of fewer than 16 channels in bf16 writes beyond its memory and
    ends the process (oneDNN). The same numbers come from the pixels that the stride leaves, without a stride.
    """
    if (
        stride > 1
        and weight.shape[2:] == (1, 1)
        and weight.shape[1] < _ONEDNN_BLOCK
        and torch.is_autocast_enabled("cpu")
    ):
        x, stride = x[..., ::stride, ::stride], 1
    return F.conv2d(x, weight, bias, stride, padding)


class _Convolution(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight, self.bias, self.stride[0], int(self.padding[0]))


def _conv(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return _Convolution(channels_in, channels_out, kernel, stride, padding=kernel // 2)  # with bias, also before BN


def _bn(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_BN_EPS, momentum=_BN_MOMENTUM)


class ResidualUnit(nn.Module):
    """conv-BN-ReLU-conv-BN, plus the shortcut, ReLU."""

    def __init__(self, channels_in: int, mid: int, out: int, stride: int, project: bool) -> None:
        super().__init__()
        self.conv_1, self.bn_1, self.relu_1 = _conv(channels_in, mid, 3, stride), _bn(mid), nn.ReLU(inplace=True)
        self.conv_2, self.bn_2 = _conv(mid, out, 3), _bn(out)
        self.conv_shortcut = _conv(channels_in, out, 1, stride) if project else None
        self.bn_shortcut = _bn(out) if project else None
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """`[N,C,H,W]` to `[N,out,H/stride,W/stride]`."""
        y = self.bn_2(self.conv_2(self.relu_1(self.bn_1(self.conv_1(x)))))
        if self.conv_shortcut is not None and self.bn_shortcut is not None:
            x = self.bn_shortcut(self.conv_shortcut(x))
        out: Tensor = self.relu(y + x)
        return out


class GridBoxNet(nn.Module):
    """Input `[N,3,H,W]` 0..1, H and W multiples of 16; output coverage `[N,K,H/16,W/16]` and boxes `[N,4K,H/16,W/16]`.

    A gray input `[N,1,H,W]` means three equal channels and gives the same result for a third of the stem's work.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = a = architecture
        self.conv1, self.bn_conv1, self.activation_1 = _conv(3, a.stem, 7, 2), _bn(a.stem), nn.ReLU(inplace=True)
        strides = [stride if unit == "a" else 1 for _, _, stride in _STAGES for unit in "ab"]
        channels = a.stem
        for name, (mid, out), stride in zip(UNIT_NAMES, a.units, strides, strict=True):
            project = a.all_projections or name.endswith("a")
            self.add_module(name, ResidualUnit(channels, mid, out, stride, project))
            channels = out
        self.output_bbox = nn.Conv2d(channels, 4 * a.num_classes, 1)
        self.output_cov = nn.Conv2d(channels, a.num_classes, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)  # Glorot, as Keras; no prior bias on the coverage head
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def features(self, x: Tensor) -> Tensor:
        """The last feature map, `[N,C,H/16,W/16]`."""
        if x.shape[1] == 1:
            x = F.conv2d(x, self.conv1.weight.sum(1, keepdim=True), self.conv1.bias, 2, self.conv1.padding)
        else:
            x = self.conv1(x)
        x = self.activation_1(self.bn_conv1(x))
        for name in UNIT_NAMES:
            x = self.get_submodule(name)(x)
        return x

    def logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Coverage before its sigmoid, and boxes, both float32: what the loss wants."""
        x = self.features(x)
        return self.output_cov(x).float(), self.output_bbox(x).float()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Coverage 0..1 and boxes."""
        cov, bbox = self.logits(x)
        return torch.sigmoid(cov), bbox


def count_params(net: nn.Module) -> int:
    """Parameters as Keras counts them: BN's running mean and variance included."""
    return sum(p.numel() for p in net.parameters()) + sum(
        b.numel() for name, b in net.named_buffers() if not name.endswith("num_batches_tracked")
    )


def count_macs(net: GridBoxNet, size_wh: tuple[int, int]) -> int:
    """Multiply-accumulates of all convolutions for one three-channel picture of `size_wh` pixels."""
    total = 0

    def add(module: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d)
        per_pixel = module.weight[0].numel() * module.out_channels
        total += per_pixel * output.shape[-1] * output.shape[-2]

    hooks = [m.register_forward_hook(add) for m in net.modules() if isinstance(m, nn.Conv2d)]
    was_training = net.training
    device = net.conv1.weight.device
    try:
        net.eval()
        with torch.no_grad():
            net(torch.zeros(1, 3, size_wh[1], size_wh[0], device=device))
    finally:
        net.train(was_training)
        for hook in hooks:
            hook.remove()
    return total
