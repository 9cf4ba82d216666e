"""Batches of a training and its loss, for what is to be learnt of a net before and after a cut."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from faceir.errors import InputError
from faceir.train.loader import Batch, Samples
from faceir.train.loop import Training
from faceir.train.loss import Targets, costs
from faceir.train.model import GridBoxNet
from faceir.train.prune.importance import Loss

__all__ = ["loss_of", "spread"]


def spread(samples: Samples, count: int) -> Iterator[Batch]:
    """`count` batches at even distances over a whole training, so that each kind of view has its share."""
    for step in np.linspace(0, samples.total_steps, count, endpoint=False).astype(int).tolist():
        yield samples[step]


def loss_of(training: Training, net: GridBoxNet) -> Loss:
    """The training's weighted costs; raises `InputError` when `net` has other classes."""
    if len(training.classes) != net.architecture.num_classes:
        raise InputError(
            "the spec", f"trains {len(training.classes)} classes", f"{net.architecture.num_classes}, as the net has"
        )

    def loss(cov: Tensor, bbox: Tensor, targets: Targets) -> Tensor:
        cost = costs(cov, bbox, targets, training.classes, training.giou_weight, training.focal_gamma)
        return training.weights.total(cost)

    return loss
