"""DetectNet_v2's loss: weighted coverage BCE, coverage-normalised L1 boxes, weights that follow their costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["OBJECTIVES", "AutoWeights", "TargetClass", "Targets", "costs", "giou", "regulariser"]

OBJECTIVES = ("cov", "bbox")
_EPS = 1e-5


@dataclass(frozen=True)
class TargetClass:
    """`cost_function_config.target_classes` of one class."""

    name: str = "face"
    class_weight: float = 1.0
    coverage_foreground_weight: float = 0.05
    initial_weight: tuple[float, float] = (1.0, 10.0)
    """Of coverage and boxes, in epoch 0."""
    weight_target: tuple[float, float] = (1.0, 10.0)
    """The proportion of coverage and box cost that the automatic weights tend to."""


@dataclass(frozen=True)
class Targets:
    """Grids of a batch, float32: what `gridbox.rasterise` gives, and where the loss counts."""

    cov: Tensor
    """`[N,K,h,w]`"""
    bbox: Tensor
    """`[N,4K,h,w]`"""
    cov_norm: Tensor
    """`[N,K,h,w]`"""
    mask: Tensor
    """`[N,K,h,w]`, factor of the loss in each cell: 0 in ignored regions, else the picture's source weight."""
    bbox_mask: Tensor | None = None
    """`[N,K,h,w]`, the factor for boxes, where it is not `mask`."""

    def to(self, device: torch.device) -> Targets:
        """The same on `device`."""
        moved = {k: t.to(device, non_blocking=True) for k, t in vars(self).items() if t is not None}
        return Targets(**moved)


def costs(
    cov_logits: Tensor,
    bbox: Tensor,
    targets: Targets,
    classes: Sequence[TargetClass],
    giou_weight: float = 0.0,
    focal_gamma: float = 0.0,
) -> Tensor:
    """Cost of each class and objective, `[K,2]` in the order of `OBJECTIVES`, unweighted.

    Coverage: mean of mask * w * BCE with epsilon 1e-5, w = foreground weight where the target is above
    0.5, else its complement. Boxes: mean of mask * cov_norm * |difference|. Means run over all cells.
    Beyond TAO, `giou_weight` times the mean of mask * cov_norm * (1 - GIoU) joins the boxes' cost: the
    plain difference is in pixels, and so leaves small faces with boxes that are large errors to them.
    `focal_gamma` multiplies each cell's BCE by |target - p| to this power (Lin et al., 2017, for targets between
    0 and 1 as Li et al., 2020): cells that are nearly right count less, and 0 is TAO's cost.
    """
    p = torch.sigmoid(cov_logits)
    bce = -(targets.cov * torch.log(p + _EPS) + (1 - targets.cov) * torch.log(1 - p + _EPS))
    if focal_gamma:
        # The floor keeps the slope finite where p is the target: that of x ** gamma is not, for gamma below 1.
        bce = bce * (targets.cov - p).abs().clamp(min=_EPS) ** focal_gamma
    foreground = torch.tensor([c.coverage_foreground_weight for c in classes], device=p.device)[:, None, None]
    weight = torch.where(targets.cov > 0.5, foreground, 1 - foreground)
    cov_cost = (targets.mask * weight * bce).mean(dim=(0, 2, 3))
    n, k, h, w = targets.cov.shape
    found, true = bbox.view(n, k, 4, h, w), targets.bbox.view(n, k, 4, h, w)
    weight = (targets.mask if targets.bbox_mask is None else targets.bbox_mask) * targets.cov_norm
    bbox_cost = (weight[:, :, None] * (found - true).abs()).mean(dim=(0, 2, 3, 4))
    if giou_weight:
        bbox_cost = bbox_cost + giou_weight * (weight * (1 - giou(found, true))).mean(dim=(0, 2, 3))
    return torch.stack([cov_cost, bbox_cost], dim=1)


def giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU, -1..1, of boxes told as distances left, top, right, bottom of one point.

    `[N,K,4,h,w]` both to `[N,K,h,w]` (Rezatofighi et al., 2019).
    """
    low, high = torch.minimum(a, b), torch.maximum(a, b)
    shared = (low[:, :, 0] + low[:, :, 2]).clamp(min=0) * (low[:, :, 1] + low[:, :, 3]).clamp(min=0)
    hull = (high[:, :, 0] + high[:, :, 2]).clamp(min=0) * (high[:, :, 1] + high[:, :, 3]).clamp(min=0)
    areas = [(x[:, :, 0] + x[:, :, 2]).clamp(min=0) * (x[:, :, 1] + x[:, :, 3]).clamp(min=0) for x in (a, b)]
    union = areas[0] + areas[1] - shared
    return shared / (union + _EPS) - (hull - union) / (hull + _EPS)


class AutoWeights:
    """Weight of each class and objective, `[K,2]`; at each epoch's end they follow the epoch's costs.

    The total is sum(class weight * objective weight * cost), class weights normalised to sum 1.
    """

    def __init__(
        self,
        classes: Sequence[TargetClass],
        enabled: bool = True,
        min_weight: float = 1e-4,
        max_weight: float = 0.9999,
    ) -> None:
        self.enabled, self.min_weight, self.max_weight = enabled, min_weight, max_weight
        class_weight = torch.tensor([c.class_weight for c in classes], dtype=torch.float64)
        initial = torch.tensor([c.initial_weight for c in classes], dtype=torch.float64)
        self.target = torch.tensor([c.weight_target for c in classes], dtype=torch.float64)
        self.class_weight = class_weight / class_weight.sum()
        self.objective_weight = initial / initial.sum(dim=1, keepdim=True)
        self.sums = torch.zeros_like(self.target)

    def total(self, costs: Tensor) -> Tensor:
        """The weighted loss, a scalar, of `costs` `[K,2]`; remembers them for the epoch's end."""
        self.sums += costs.detach().to("cpu", torch.float64)
        weight = (self.class_weight[:, None] * self.objective_weight).to(costs.device, costs.dtype)
        return (weight * costs).sum()

    def end_epoch(self) -> None:
        """Weights that bring the objectives' shares to their targets; an epoch without any cost changes nothing."""
        if self.enabled:
            wish = torch.where(self.sums > 0, self.target / self.sums.clamp(min=1e-300), 0)
            total = wish.sum(dim=1, keepdim=True)
            new = (wish / total.clamp(min=1e-300)).clamp(self.min_weight, self.max_weight)
            self.objective_weight = torch.where(total > 0, new, self.objective_weight)
        self.sums.zero_()

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"objective_weight": self.objective_weight, "sums": self.sums}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.objective_weight, self.sums = state["objective_weight"].clone(), state["sums"].clone()


def regulariser(net: nn.Module, kind: str, weight: float) -> Tensor:
    """weight * sum |x| (`L1`) or sum x^2 (`L2`) over kernels and biases of convolutions that learn; 0 for `NO_REG`."""
    if kind == "NO_REG" or weight == 0:
        return torch.zeros(())
    parameters: list[Tensor] = [
        p for m in net.modules() if isinstance(m, nn.Conv2d) for p in m.parameters() if p.requires_grad
    ]
    if not parameters:
        return torch.zeros(())
    norms = torch._foreach_norm(parameters, 1 if kind == "L1" else 2)
    return weight * torch.stack([n if kind == "L1" else n * n for n in norms]).sum()
