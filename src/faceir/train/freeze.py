"""Parts of a net that a training leaves as they were loaded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from torch import nn

from faceir.train.model import GridBoxNet

__all__ = ["Frozen", "choose"]

_HEADS = ("output_cov", "output_bbox")


@dataclass(frozen=True)
class Frozen:
    """Modules of a net, by name."""

    weights: frozenset[str] = frozenset()
    """Convolutions and BNs whose weights stay."""
    statistics: frozenset[str] = frozenset()
    """BNs that use and keep the running statistics as they were loaded."""

    def train(self, net: GridBoxNet) -> GridBoxNet:
        """The net set to training, but for what is frozen (changed in place)."""
        net.train()
        for name in self.weights:
            net.get_submodule(name).requires_grad_(False)
        for name in self.statistics:
            net.get_submodule(name).eval()
        return net


def choose(
    net: GridBoxNet, blocks: Collection[int] = (), bn: bool = False, loaded: Collection[str] | None = None
) -> Frozen:
    """What to freeze of `net`: the convolutions of `blocks` (0 the stem, 1 to 4), the statistics of every `bn`.

    `loaded` names layers that came from a file: they are frozen whole, but never the two outputs, without which
    nothing would be left to learn.
    """
    convs = {name for name, m in net.named_modules() if isinstance(m, nn.Conv2d)}
    bns = {name for name, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)}
    weights = {name for name in convs if _block(name) in blocks}
    statistics = set(bns) if bn else set()
    if loaded is not None:
        whole = set(loaded) - set(_HEADS)
        weights |= whole
        statistics |= whole & bns
    return Frozen(frozenset(weights), frozenset(statistics))


def _block(name: str) -> int:
    """Number of the block that a convolution is part of; -1 for the outputs."""
    if name == "conv1":
        return 0
    return int(name.removeprefix("block_")[0]) if name.startswith("block_") else -1
