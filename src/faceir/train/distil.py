"""Learning from a teacher: a finished net tells the student what it sees in the same pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  # the field's name for it
from torch import Tensor, nn

from faceir.train.model import GridBoxNet

__all__ = ["Distillation", "Teacher", "feature_channels", "terms"]


@dataclass(frozen=True)
class Distillation:
    """Weights of the three terms that join the loss, and the layer of the third."""

    cov_weight: float = 1.0
    bbox_weight: float = 1.0
    feature_weight: float = 0.0
    feature_layer: str = "block_3b"
    """A residual unit, whose output is compared."""


def terms(student: tuple[Tensor, Tensor], teacher: tuple[Tensor, Tensor]) -> Tensor:
    """Coverage and box term `[2]` of logits and boxes of student and teacher; 0 where they say the same.

    Coverage: mean of the divergence of the student's probability from the teacher's p, that is BCE against p less
    the entropy of p (Hinton et al., 2015; with two outcomes). Boxes: mean of p * |difference|, as the teacher's boxes
    mean something only where it sees a face.
    """
    (cov, bbox), (cov_t, bbox_t) = student, teacher
    p = torch.sigmoid(cov_t)
    cov_term = (F.binary_cross_entropy_with_logits(cov, p) - F.binary_cross_entropy_with_logits(cov_t, p)).clamp(min=0)
    bbox_term = (p.repeat_interleave(4, dim=1) * (bbox - bbox_t).abs()).mean()
    return torch.stack([cov_term, bbox_term])


def feature_channels(net: GridBoxNet, layer: str) -> int:
    """Channels of the output of residual unit `layer`."""
    convolution = net.get_submodule(layer).conv_2
    assert isinstance(convolution, nn.Conv2d)
    return convolution.out_channels


class Teacher:
    """A frozen net in evaluation mode, and the adapter between its features and the student's.

    The adapter, a 1x1 convolution, starts as the identity (repeated or cut where widths differ), learns with the
    student, is part of a run's state and never of a checkpoint.
    """

    def __init__(self, net: GridBoxNet, student: GridBoxNet, how: Distillation) -> None:
        self.net, self.how = net.eval().requires_grad_(False), how
        self.adapter: nn.Conv2d | None = None
        if how.feature_weight:
            ours, theirs = (feature_channels(one, how.feature_layer) for one in (student, net))
            self.adapter = nn.Conv2d(ours, theirs, 1)
            with torch.no_grad():
                # Channel j of the teacher starts as channel j of the student, in turn where there are fewer.
                self.adapter.weight.copy_((torch.arange(theirs)[:, None] % ours == torch.arange(ours))[..., None, None])
                nn.init.zeros_(self.adapter.bias)  # type: ignore[arg-type]

    def to(self, device: torch.device) -> Teacher:
        """Itself, moved."""
        self.net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.adapter is not None:
            self.adapter.to(device)
        return self

    @contextmanager
    def watching(self, student: GridBoxNet) -> Iterator[Teacher]:
        """Remember the student's features of the forward pass within; call `loss` before leaving."""
        self._seen: list[Tensor] = []
        hooks = []
        if self.adapter is not None:
            for net in (student, self.net):
                unit = net.get_submodule(self.how.feature_layer)
                hooks.append(unit.register_forward_hook(lambda _m, _i, output: self._seen.append(output)))
        try:
            yield self
        finally:
            for hook in hooks:
                hook.remove()
            self._seen = []

    def loss(self, pictures: Tensor, student: tuple[Tensor, Tensor]) -> Tensor:
        """The weighted sum of all terms for `pictures` `[N,1,H,W]`, of which `student` are logits and boxes.

        Features: mean squared difference after the adapter, against the mean square of the teacher's (Romero et al.,
        2015).
        """
        with torch.no_grad():
            said = self.net.logits(pictures)
        cov, bbox = terms(student, said)
        total: Tensor = self.how.cov_weight * cov + self.how.bbox_weight * bbox
        if self.adapter is not None:
            ours, theirs = self._seen
            theirs = theirs.float()
            far = (self.adapter(ours).float() - theirs).square().mean()
            total = total + self.how.feature_weight * far / theirs.square().mean().clamp(min=1e-12)
        return total
