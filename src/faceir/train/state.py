"""What changes as a training goes: kept on disk, so that a killed run goes on as if it had not been."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from faceir.errors import ModelError
from faceir.train import checkpoint, distributed
from faceir.train.averaging import Averaged
from faceir.train.loss import AutoWeights
from faceir.train.model import GridBoxNet

__all__ = ["RESUME_NAME", "State", "Watcher"]

log = logging.getLogger(__name__)
RESUME_NAME = "resume.safetensors"


class Watcher(Protocol):
    """Follows the validations, and may end the training."""

    @property
    def finished(self) -> bool:
        """Whether the training ends here."""
        ...

    def observe(self, epochs_done: int, score: float) -> None:
        """Take note of a validation; higher is better."""
        ...

    def state(self) -> dict[str, Any]:
        """Plain values for JSON."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        ...


@dataclass
class State:
    """The moving parts of a run."""

    net: GridBoxNet
    optimiser: torch.optim.Optimizer
    weights: AutoWeights
    adapter: nn.Module | None = None
    """Of distillation; trained, but not part of the net."""
    averaged: Averaged | None = None
    watchers: Sequence[Watcher] = ()
    best: float = -math.inf
    """Score of the best checkpoint so far."""
    step: int = 0
    """Steps done."""
    scaler: torch.amp.GradScaler | None = None
    """Of the loss against underflow, with FP16."""

    @property
    def judged(self) -> GridBoxNet:
        """The net to judge and to save: the average where there is one."""
        return self.averaged.net if self.averaged else self.net

    @property
    def finished(self) -> bool:
        """Whether a watcher has ended the training."""
        return any(watcher.finished for watcher in self.watchers)

    def save(self, folder: Path) -> None:
        """Write everything to `folder`, whole or not at all; of several processes the first one does."""
        if not distributed.leads():
            return
        tensors = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        if self.adapter is not None:
            tensors |= {f"adapter.{name}": value for name, value in self.adapter.state_dict().items()}
        if self.averaged is not None:
            tensors |= {f"ema.{name}": value for name, value in self.averaged.net.state_dict().items()}
        names = [name for name, _ in trained(self.net, self.adapter)]
        for index, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{names[index]}.{key}": value for key, value in moments.items()}
        tensors |= {f"weights.{key}": value for key, value in self.weights.state_dict().items()}
        header = {
            "format": 1,
            "kind": "resume",
            "step": self.step,
            "names": names,
            "best": self.best if math.isfinite(self.best) else None,
            "watchers": [watcher.state() for watcher in self.watchers],
            "scaler": self.scaler.state_dict() if self.scaler else None,
        }
        checkpoint.write_tensors(folder / RESUME_NAME, tensors, header)

    def resume(self, folder: Path) -> None:
        """Continue from `folder` when there is something to continue; raises `ModelError` when it is of another run."""
        path = folder / RESUME_NAME
        if not path.exists():
            return
        tensors, header = checkpoint.read_tensors(path)
        if header.get("kind") != "resume" or header["names"] != [n for n, _ in trained(self.net, self.adapter)]:
            raise ModelError(
                path, "belongs to another net or spec", "the state of this run", "choose an empty results folder"
            )
        try:
            self.net.load_state_dict(_part(tensors, "net."))
            if self.adapter is not None:
                self.adapter.load_state_dict(_part(tensors, "adapter."))
            if self.averaged is not None:
                self.averaged.net.load_state_dict(_part(tensors, "ema.") or _part(tensors, "net."))
        except RuntimeError as error:
            raise ModelError(
                path,
                f"belongs to a net of other widths ({str(error).splitlines()[-1].strip()})",
                do="choose an empty results folder",
            ) from None
        self._restore_moments(_part(tensors, "adam."))
        self.weights.load_state_dict(_part(tensors, "weights."))
        self.best = -math.inf if header.get("best") is None else header["best"]
        for watcher, state in zip(self.watchers, header.get("watchers", []), strict=False):
            watcher.restore(state)
        if self.scaler and header.get("scaler"):
            self.scaler.load_state_dict(header["scaler"])
        self.step = int(header["step"])
        log.info("resumed at step %d from %s", self.step, path)

    def _restore_moments(self, moments: dict[str, Tensor]) -> None:
        state = {}
        for index, (name, parameter) in enumerate(trained(self.net, self.adapter)):
            if f"{name}.step" not in moments:  # Adam knows nothing of it yet
                continue
            # The fused kernel walks moments in the parameter's memory order, so they must be laid out as it is.
            laid = {
                key: torch.empty_like(parameter).copy_(moments[f"{name}.{key}"]) for key in ("exp_avg", "exp_avg_sq")
            }
            state[index] = {"step": moments[f"{name}.step"], **laid}
        self.optimiser.load_state_dict({"state": state, "param_groups": self.optimiser.state_dict()["param_groups"]})


def trained(net: nn.Module, adapter: nn.Module | None) -> Iterator[tuple[str, nn.Parameter]]:
    """All parameters that learn, by name, in the optimiser's order."""
    yield from ((name, p) for name, p in net.named_parameters() if p.requires_grad)
    if adapter is not None:
        yield from ((f"adapter.{name}", p) for name, p in adapter.named_parameters())


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
