"""A moving average of the weights, which is judged and saved in the place of the net itself."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from faceir.train.model import GridBoxNet

__all__ = ["Averaged"]


class Averaged:
    """Exponential moving average of a net's weights and BN statistics (Polyak and Juditsky, 1992).

    After step n the average keeps min(decay, (1 + n) / (10 + n)) of itself, so that the random weights of
    the start are soon forgotten (as in TensorFlow's ExponentialMovingAverage).
    """

    def __init__(self, net: GridBoxNet, decay: float) -> None:
        self.decay = decay
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        """The average, in evaluation mode."""
        self._from, self._to = (_floating(one) for one in (net, self.net))
        self._counts = [(a, b) for a, b in _pairs(net, self.net) if not a.is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the net after `step` steps, counted from 1."""
        keep = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._to, self._from, 1 - keep)
        for count, copied in self._counts:
            copied.copy_(count)


def _floating(net: GridBoxNet) -> list[Tensor]:
    return [t for t in net.state_dict().values() if t.is_floating_point()]


def _pairs(a: GridBoxNet, b: GridBoxNet) -> list[tuple[Tensor, Tensor]]:
    return list(zip(a.state_dict().values(), b.state_dict().values(), strict=True))
