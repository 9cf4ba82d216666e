"""Several processes train one net: `torchrun` starts them, each takes its part of every batch, sums are shared.

After each step all of them hold the same weights, statistics and moments, so the first one alone writes files, and
a run may go on with other numbers of processes as long as the pictures of a step stay the same.
Alone, every function here gives back what it was given.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from faceir.errors import InputError, ModelError

__all__ = [
    "SyncedBatchNorm",
    "agree",
    "any_of",
    "average",
    "gathered",
    "joined",
    "leads",
    "part",
    "place",
    "processes",
    "rank",
    "sync",
]

T = TypeVar("T")
_PATIENCE = timedelta(hours=2)
"""For a process that waits for the others: one may read a slow disk, but none waits for ever."""


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """In here, this process is one of those that `torchrun` started; without it, one alone."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1 or dist.is_initialized():
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


def place(kind: str) -> torch.device:
    """The device of this process: `cpu`, or the GPU of its number on this machine."""
    if kind != "cuda":
        return torch.device(kind)
    number, there = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if number >= there:
        raise InputError(
            "torchrun", f"starts more processes than the {there} GPUs here", "one a GPU", f"--nproc-per-node {there}"
        )
    return torch.device("cuda", number)


def rank() -> int:
    """Number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def processes() -> int:
    """How many train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def leads() -> bool:
    """Whether this process writes the files."""
    return rank() == 0


def average(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its mean over the processes; all are of one dtype and device."""
    if processes() == 1 or not tensors:
        return
    flat = torch.cat([t.detach().reshape(-1) for t in tensors])
    dist.all_reduce(flat)
    flat /= processes()
    with torch.no_grad():
        for tensor, mean in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))


def any_of(flag: bool) -> bool:
    """Whether `flag` is set in any process; asked by all of them at the same point."""
    if processes() == 1:
        return flag
    count = torch.tensor(int(flag))
    dist.all_reduce(count)
    return bool(count)


def part(items: Sequence[T]) -> Sequence[T]:
    """This process's share of `items`; all shares in the order of the processes are `items`."""
    first, last = (len(items) * n // processes() for n in (rank(), rank() + 1))
    return items[first:last]


def gathered(items: list[T]) -> list[T]:
    """The items of all processes, in the order of the processes."""
    if processes() == 1:
        return items
    lists: list[Any] = [None] * processes()
    dist.all_gather_object(lists, items)
    return [item for one in lists for item in one]


def agree(what: str, value: object) -> None:
    """Raise `ModelError` unless `value` is the same in all processes."""
    values = gathered([value])
    if any(one != value for one in values):
        raise ModelError(
            what, f"is {' and '.join(map(str, values))} in the processes of this run", "the same in all",
            "give them one results folder and one spec, on a disk that all machines see",
        )  # fmt: skip


class SyncedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the pictures of all processes, on any device, as one process would do it.

    torch's own has no CPU kernel. Every process must give as many values a channel as the others.
    """

    def forward(self, input: Tensor) -> Tensor:  # the parameter's name is torch's
        """`[N,C,H,W]` to the same."""
        if not self.training or processes() == 1:
            return super().forward(input)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        x = input.float()
        mine = torch.stack(torch.var_mean(x, dim=(0, 2, 3), correction=0))
        slots = x.new_zeros((processes(), *mine.shape))
        slots[rank()] = mine
        everyones: Tensor = _Summed.apply(slots)  # type: ignore[no-untyped-call]
        variances, means = everyones.unbind(1)
        mean = means.mean(0)
        variance = variances.mean(0) + (means - mean).square().mean(0)
        with torch.no_grad():
            count = x.numel() // x.shape[1] * processes()
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean.detach(), float(self.momentum or 0.0))
            self.running_var.lerp_(variance.detach() * count / (count - 1), float(self.momentum or 0.0))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        return (x * scale[:, None, None] + shift[:, None, None]).to(input.dtype)


class _Summed(torch.autograd.Function):
    """A sum over the processes; so is its gradient, as each one's loss depends on each one's part."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


def sync(net: nn.Module) -> None:
    """Batch normalisation of `net` looks at all processes from now on (changed in place)."""
    if processes() == 1:
        return
    for module in net.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SyncedBatchNorm  # same parameters, same buffers, same names; only forward differs
