"""What a channel is worth: by its kernel, its BN scale, or what the loss says of it; made comparable between layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from faceir.errors import InputError, ModelError
from faceir.train.loader import Batch
from faceir.train.loss import Targets
from faceir.train.model import GridBoxNet
from faceir.train.prune.wiring import wiring

__all__ = [
    "EQUALIZATIONS",
    "IMPORTANCES",
    "NORMALIZERS",
    "SCALES",
    "Figures",
    "figures",
    "merged",
    "restate",
    "scaled",
    "taylor",
]

NORMALIZERS = ("max", "L2")
"""TAO's, which `scaled` knows too."""
SCALES = (*NORMALIZERS, "energy", "rank", "none")
EQUALIZATIONS = ("union", "intersection", "arithmetic_mean", "geometric_mean")
IMPORTANCES = ("l2", "bn", "taylor")

Stat: TypeAlias = npt.NDArray[np.float64]
Figures: TypeAlias = Mapping[str, list[Stat]]
"""Of each group, of each of its layers (one for the whole group by `taylor`): a figure `[C]` for every channel."""
Loss: TypeAlias = Callable[[Tensor, Tensor, Targets], Tensor]
"""Coverage logits, boxes and targets to a scalar."""


def figures(net: GridBoxNet, importance: str) -> Figures:
    """L2 norm of each filter's kernel (`l2`, TAO's), or size of its BN's gamma (`bn`); not yet scaled.

    Raises `ModelError` when the net holds NaN.
    """
    state, found = net.state_dict(), dict[str, list[Stat]]()
    for conv in wiring(net.architecture.all_projections):
        if not conv.group:
            continue
        if importance == "bn":
            stat = state[f"{conv.bn}.weight"].double().abs()
        else:
            stat = state[f"{conv.path}.weight"].double().flatten(1).norm(dim=1)
        if not stat.isfinite().all():
            raise ModelError(conv.name, "its weights are not finite", "a net that was trained to the end")
        found.setdefault(conv.group, []).append(stat.cpu().numpy())
    return found


def taylor(net: GridBoxNet, batches: Iterable[Batch], loss: Loss) -> Figures:
    """How much the loss would change, to first order, if a group's channel fell silent; in the loss's own unit.

    A gate on a channel stands behind its BN, so its gradient is gamma * dL/dgamma + beta * dL/dbeta (Molchanov et al.,
    2019), summed over the BNs whose channels meet in a sum, as these go together; the figure is the root of
    its mean square over `batches`. Taken in evaluation mode: with a batch's own statistics a convolution's
    weight times its gradient sums to zero, as BN takes the scale out again.
    Raises `InputError` when there is no batch or the loss is not finite.
    """
    bns: dict[str, list[torch.nn.BatchNorm2d]] = {}
    for conv in wiring(net.architecture.all_projections):
        if conv.group:
            bn = net.get_submodule(conv.bn)
            assert isinstance(bn, torch.nn.BatchNorm2d)
            bns.setdefault(conv.group, []).append(bn)
    gates = [parameter for members in bns.values() for bn in members for parameter in (bn.weight, bn.bias)]
    squares = {group: torch.zeros_like(members[0].weight, dtype=torch.float64) for group, members in bns.items()}
    was_training, count = net.training, 0
    net.eval()
    try:
        for batch in batches:
            value = loss(*net.logits(_pictures(batch)), batch.targets)
            if not value.isfinite():
                raise InputError(
                    "importance taylor", f"the loss is {float(value.detach())}", "a net and data that go together"
                )
            gradients = iter(torch.autograd.grad(value, gates))
            for group, members in bns.items():
                changes = [bn.weight * next(gradients) + bn.bias * next(gradients) for bn in members]
                squares[group] += torch.stack(changes).sum(dim=0).detach().double() ** 2
            count += 1
    finally:
        net.train(was_training)
    if not count:
        raise InputError("taylor", "got no batch", "some twenty of the training's")
    return {group: [(square / count).sqrt().cpu().numpy()] for group, square in squares.items()}


def restate(net: GridBoxNet, batches: Iterable[Batch]) -> None:
    """Put the mean of `batches` into BN's running statistics (in place), as a cut moves what the next layers see.

    Did more harm than good on mildly cut nets (docs/pruning.md).
    """
    bns = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    momenta, was_training = [bn.momentum for bn in bns], net.training
    for bn in bns:
        bn.reset_running_stats()
        bn.momentum = None  # torch's word for a plain mean over all that came since the reset
    net.train()
    try:
        with torch.no_grad():
            for batch in batches:
                net.features(_pictures(batch))
    finally:
        net.train(was_training)
        for bn, momentum in zip(bns, momenta, strict=True):
            bn.momentum = momentum


def _pictures(batch: Batch) -> Tensor:
    return batch.pictures.float().div_(255).contiguous(memory_format=torch.channels_last)


def scaled(stat: Stat, by: str) -> Stat:
    """A layer's figures `[C]` on a scale that layers share; the order of its channels stays.

    `max`: over the largest. `L2`: over their L2 norm, times their number. `energy`: share 0..1 of the layer's sum of
    squares that is lost when this channel and all weaker ones go. `rank`: the same of the channels' number. `none`: as
    they are.
    """
    if not stat.any():
        return stat  # a dead layer: nothing is above any threshold
    match by:
        case "max":
            found: Stat = stat / stat.max()
        case "L2":
            shares = stat / stat.max()  # first, as squares of very small figures are 0
            found = shares / np.linalg.norm(shares) * len(stat)
        case "energy" | "rank":
            weakest_first = np.argsort(stat, kind="stable")
            lost = np.cumsum(np.sort(stat / stat.max()) ** 2 if by == "energy" else np.ones_like(stat))
            found = np.empty_like(stat)
            found[weakest_first] = lost / lost[-1]
        case _:
            found = stat
    return found


def merged(layers: list[Stat], equalization: str) -> Stat:
    """One figure `[C]` a channel from those of all layers of a group."""
    stacked = np.stack(layers)
    match equalization:
        case "union":
            one = stacked.max(0)
        case "intersection":
            one = stacked.min(0)
        case "arithmetic_mean":
            one = stacked.mean(0)
        case _:
            one = stacked.prod(0) ** (1 / len(layers))
    found: Stat = one
    return found
