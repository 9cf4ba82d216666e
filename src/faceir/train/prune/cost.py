"""What a net costs, layer by layer, told from its widths alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from faceir.train.model import Architecture
from faceir.train.prune.plan import Plan
from faceir.train.prune.wiring import widths, wiring

__all__ = ["Cost", "Layer", "Row", "cost", "describe", "layers", "shares"]


@dataclass(frozen=True)
class Cost:
    """What a layer or net costs."""

    params: int
    """As `count_params` counts: BN's running mean and variance included."""
    macs: int
    """As `count_macs` counts: multiply-accumulates of the convolutions for one picture of three channels."""


@dataclass(frozen=True)
class Row:
    """One layer of a plan, each figure before and after; a BN counts with its convolution."""

    name: str
    channels: tuple[int, int]
    params: tuple[int, int]
    macs: tuple[int, int]


@dataclass(frozen=True)
class Layer:
    """A convolution with its BN."""

    name: str
    channels_in: int
    channels: int
    kernel: int
    step: int
    size_in_wh: tuple[int, int]
    """Of its input's grid."""
    head: bool
    """Gives an output of the net; never quantised."""
    cost: Cost


def layers(architecture: Architecture, size_wh: tuple[int, int]) -> list[Layer]:
    """Every convolution in the order of computation, for pictures of `size_wh` pixels."""
    channels = {"": 3} | widths(architecture)
    heads = {"output_bbox": 4 * architecture.num_classes, "output_cov": architecture.num_classes}
    found = []
    for conv in wiring(architecture.all_projections):
        filters = channels[conv.group] if conv.group else heads[conv.name]
        weights = filters * channels[conv.source] * conv.kernel**2
        pixels = math.prod(math.ceil(side / conv.stride) for side in size_wh)
        params = weights + filters + (4 * filters if conv.bn else 0)
        width, height = (math.ceil(side * conv.step / conv.stride) for side in size_wh)
        found.append(
            Layer(
                conv.name, channels[conv.source], filters, conv.kernel, conv.step, (width, height),
                not conv.group, Cost(params, weights * pixels),
            )
        )  # fmt: skip
    return found


def cost(architecture: Architecture, size_wh: tuple[int, int]) -> Cost:
    """Cost of a net at `size_wh` pixels."""
    costs = [layer.cost for layer in layers(architecture, size_wh)]
    return Cost(sum(c.params for c in costs), sum(c.macs for c in costs))


def shares(plan: Plan, size_wh: tuple[int, int]) -> tuple[float, float]:
    """Shares 0..1 of the parameters and of the multiply-accumulates at `size_wh` that a plan keeps."""
    before, after = cost(plan.before, size_wh), cost(plan.after, size_wh)
    return after.params / before.params, after.macs / before.macs


def describe(plan: Plan, size_wh: tuple[int, int]) -> list[Row]:
    """A row a layer, in the order of computation, at `size_wh` pixels."""
    return [
        Row(a.name, (a.channels, b.channels), (a.cost.params, b.cost.params), (a.cost.macs, b.cost.macs))
        for a, b in zip(layers(plan.before, size_wh), layers(plan.after, size_wh), strict=True)
    ]
