"""The training loop: a loop. What it needs is made from the experiment spec in `train/setup.py`."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from faceir.contract import Contract
from faceir.errors import ModelError
from faceir.train import checkpoint
from faceir.train.checkpoint import Checkpoint
from faceir.train.loader import Batch, Samples, batches
from faceir.train.loss import AutoWeights, TargetClass, costs, regulariser
from faceir.train.model import GridBoxNet

__all__ = ["Progress", "Schedule", "Training", "choose_precision", "overfit", "run"]

log = logging.getLogger(__name__)
RESUME_NAME = "resume.safetensors"


@dataclass(frozen=True)
class Schedule:
    """Soft-start annealing: the rate climbs, stays, falls, in log space; shares of the training 0..1."""

    min_rate: float
    max_rate: float
    soft_start: float = 0.1
    annealing: float = 0.7

    def rate(self, progress: float) -> float:
        """Learning rate at `progress` 0..1, exp(ln min + t (ln max - ln min))."""
        if progress < self.soft_start:
            t = progress / self.soft_start
        elif progress > self.annealing:
            t = (1 - progress) / (1 - self.annealing)
        else:
            t = 1.0
        return math.exp(math.log(self.min_rate) + t * (math.log(self.max_rate) - math.log(self.min_rate)))


@dataclass(frozen=True)
class Progress:
    """What a step tells whoever watches."""

    step: int
    total_steps: int
    epoch: int
    loss: float
    cov_cost: float
    bbox_cost: float
    rate: float
    step_s: float
    wait_s: float
    """Of `step_s`, spent waiting for data."""
    skipped: tuple[str, ...] = ()
    scores: dict[str, Any] | None = None
    """Of the validation after this step."""


@dataclass
class Training:
    """Everything a run is made of; `net` and `weights` change as it goes."""

    net: GridBoxNet
    samples: Samples
    classes: tuple[TargetClass, ...]
    weights: AutoWeights
    schedule: Schedule
    contract: Contract
    steps_per_epoch: int
    spec: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    giou_weight: float = 0.0
    regulariser: tuple[str, float] = ("NO_REG", 0.0)
    adam: tuple[float, float, float] = (0.9, 0.999, 1e-8)
    """beta1, beta2, epsilon"""
    precision: str = "FP32"
    """`FP32` or `BF16`"""
    precision_reason: str = "the default"
    checkpoint_interval: int = 10
    """Epochs"""
    keep_checkpoints: int = 3
    resume_interval: int = 500
    """Steps between saves of the state that a killed run continues from."""
    num_workers: int = 2
    validate: Callable[[GridBoxNet], dict[str, Any]] | None = None
    validation_epochs: frozenset[int] = frozenset()
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


def choose_precision(wanted: str, device: torch.device) -> tuple[str, str]:
    """Precision of the training and the reason, to print before it starts; `wanted` is AUTO, FP32 or BF16."""
    if wanted != "AUTO":
        return wanted, "the spec asks for it"
    if device.type == "cuda":
        return "BF16", "the GPU multiplies bfloat16 fastest"
    mkldnn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if mkldnn and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return "BF16", "this CPU has bfloat16 instructions"
    return "FP32", "this CPU has no bfloat16 instructions"


def run(training: Training, results: Path) -> Generator[Progress]:
    """Train, yielding after every step; writes checkpoints, `metrics.jsonl` and TensorBoard events to `results`.

    Continues from `results/resume.safetensors` when there is one, with the same samples as an unbroken run.
    """
    t = training
    net = t.net.to(t.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(net.parameters(), lr=1.0, betas=t.adam[:2], eps=t.adam[2], fused=True)
    start = _resume(results / RESUME_NAME, net, optimiser, t.weights)
    total = t.samples.total_steps
    metrics = _Metrics(results)
    data = batches(t.samples, start, t.num_workers)
    try:
        for step in range(start, total):
            report = _train_step(t, net, optimiser, data, step)
            done, ends_epoch = report.step, report.step % t.steps_per_epoch == 0 or report.step == total
            if ends_epoch:
                t.weights.end_epoch()
                if t.validate and (report.epoch in t.validation_epochs or done == total):
                    report = replace(report, scores=t.validate(net))
                    net.train()
                if (report.epoch + 1) % t.checkpoint_interval == 0 or done == total:
                    _save(t, net, results, report.epoch + 1, done, report.scores or {})
            if ends_epoch or done % t.resume_interval == 0:
                _save_resume(results / RESUME_NAME, net, optimiser, t.weights, done)
            metrics.write(report)
            try:
                yield report
            except GeneratorExit:  # whoever watches stops listening, between two steps
                _save_resume(results / RESUME_NAME, net, optimiser, t.weights, done)
                raise
    finally:
        metrics.close()


def _train_step(
    t: Training, net: GridBoxNet, optimiser: torch.optim.Optimizer, data: Iterator[Batch], step: int
) -> Progress:
    """Step number `step` of the schedule, counted from 0."""
    began = time.perf_counter()
    batch = next(data)
    wait_s = time.perf_counter() - began
    total = t.samples.total_steps
    rate = t.schedule.rate(step / total)
    for group in optimiser.param_groups:
        group["lr"] = rate
    loss, cost = _step(t, net, optimiser, batch)
    if not math.isfinite(loss):
        raise ModelError(
            f"step {step + 1}", f"the loss is {loss}", "a finite loss",
            "lower training_config.learning_rate; the same command continues from the last saved step",
        )  # fmt: skip
    cov_cost, bbox_cost = cost.sum(dim=0).tolist()
    step_s = time.perf_counter() - began
    epoch = step // t.steps_per_epoch
    return Progress(step + 1, total, epoch, loss, cov_cost, bbox_cost, rate, step_s, wait_s, batch.skipped)


def _step(t: Training, net: GridBoxNet, optimiser: torch.optim.Optimizer, batch: Batch) -> tuple[float, Tensor]:
    """One update; its loss and costs `[K,2]`."""
    pictures = batch.pictures.to(t.device, non_blocking=True).float().div_(255)
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    targets = replace(batch.targets, **{k: v.to(t.device) for k, v in vars(batch.targets).items()})
    with torch.autocast(t.device.type, torch.bfloat16, enabled=t.precision == "BF16"):
        cov, bbox = net.logits(pictures)
    cost = costs(cov, bbox, targets, t.classes, t.giou_weight)
    loss = t.weights.total(cost)
    if t.regulariser[0] != "NO_REG":
        loss = loss + regulariser(net, *t.regulariser)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach()), cost.detach()


def overfit(training: Training, steps: int = 200) -> Iterator[Progress]:
    """Train on the first batch alone: a net that cannot learn sixteen pictures has a fault, not too little data."""
    t = training
    net = t.net.to(t.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(net.parameters(), lr=t.schedule.max_rate, fused=True)
    batch = t.samples[0]
    for step in range(steps):
        began = time.perf_counter()
        loss, cost = _step(t, net, optimiser, batch)
        took = time.perf_counter() - began
        yield Progress(
            step + 1, steps, 0, loss, float(cost[:, 0].sum()), float(cost[:, 1].sum()), t.schedule.max_rate, took, 0.0
        )


def _save(t: Training, net: GridBoxNet, results: Path, epoch: int, step: int, scores: dict[str, Any]) -> None:
    """A checkpoint of this epoch; the oldest beyond `keep_checkpoints` go."""
    checkpoint.save(
        results / f"model.epoch-{epoch}.safetensors", Checkpoint(net, t.contract, t.spec, step, scores, t.data)
    )
    kept = sorted(results.glob("model.epoch-*.safetensors"), key=lambda p: int(p.stem.rpartition("-")[2]))
    for old in kept[: -t.keep_checkpoints]:
        old.unlink()


def _save_resume(
    path: Path, net: GridBoxNet, optimiser: torch.optim.Optimizer, weights: AutoWeights, step: int
) -> None:
    tensors = {f"net.{name}": value for name, value in net.state_dict().items()}
    names = [name for name, _ in net.named_parameters()]
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{names[index]}.{key}": value for key, value in state.items()}
    tensors |= {f"weights.{key}": value for key, value in weights.state_dict().items()}
    checkpoint.write_tensors(path, tensors, {"format": 1, "kind": "resume", "step": step, "names": names})


def _resume(path: Path, net: GridBoxNet, optimiser: torch.optim.Optimizer, weights: AutoWeights) -> int:
    """The step to continue at; 0 when there is nothing to resume."""
    if not path.exists():
        return 0
    tensors, header = checkpoint.read_tensors(path)
    names = [name for name, _ in net.named_parameters()]
    if header.get("kind") != "resume" or header["names"] != names:
        raise ModelError(
            path, "belongs to another net or spec", "the state of this run", "choose an empty results folder"
        )

    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    try:
        net.load_state_dict(part("net."))
    except RuntimeError as error:
        raise ModelError(
            path,
            f"belongs to a net of other widths ({str(error).splitlines()[-1].strip()})",
            do="choose an empty results folder",
        ) from None
    moments = part("adam.")
    state = {}
    for index, (name, parameter) in enumerate(net.named_parameters()):
        # The fused kernel walks moments in the parameter's memory order, so they must be laid out as it is.
        laid = {key: torch.empty_like(parameter).copy_(moments[f"{name}.{key}"]) for key in ("exp_avg", "exp_avg_sq")}
        state[index] = {"step": moments[f"{name}.step"], **laid}
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    weights.load_state_dict(part("weights."))
    log.info("resumed at step %d from %s", header["step"], path)
    return int(header["step"])


class _Metrics:
    """`metrics.jsonl`, a line every few steps and at each validation, and the same as TensorBoard scalars."""

    EVERY = 20

    def __init__(self, results: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        results.mkdir(parents=True, exist_ok=True)
        self.file = (results / "metrics.jsonl").open("a", encoding="utf-8")
        self.board = SummaryWriter(str(results / "events"))

    def write(self, report: Progress) -> None:
        if report.step % self.EVERY and report.scores is None and not report.skipped:
            return
        row = {key: value for key, value in vars(report).items() if value not in (None, ())}
        self.file.write(json.dumps(row) + "\n")
        self.file.flush()
        for key in ("loss", "cov_cost", "bbox_cost", "rate", "step_s", "wait_s"):
            self.board.add_scalar(f"train/{key}", getattr(report, key), report.step)
        for key, value in (report.scores or {}).items():
            if isinstance(value, int | float):
                self.board.add_scalar(f"validation/{key}", value, report.step)

    def close(self) -> None:
        self.file.close()
        self.board.close()
