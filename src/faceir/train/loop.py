"""The training loop: a loop. What it needs is made from the experiment spec in `train/setup.py`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from faceir.contract import Contract
from faceir.errors import ModelError, SpecError
from faceir.train import checkpoint, distributed
from faceir.train.averaging import Averaged
from faceir.train.checkpoint import Checkpoint
from faceir.train.distil import Teacher
from faceir.train.freeze import Frozen
from faceir.train.loader import Batch, Samples, batches
from faceir.train.loss import AutoWeights, TargetClass, costs, regulariser
from faceir.train.model import GridBoxNet
from faceir.train.qat import RANGES_KEY, START_BATCHES, QuantisedNet, calibrate
from faceir.train.records import Progress, Records, Visualiser
from faceir.train.schedule import Schedule
from faceir.train.state import RESUME_NAME, State, Watcher, trained

__all__ = ["BEST_NAME", "RESUME_NAME", "Progress", "Training", "choose_precision", "overfit", "run"]

BEST_NAME = "model.best.safetensors"
SCORE = "ap"
"""Of the validation's scores, the one that chooses the best checkpoint and tries the patience."""


@dataclass
class Training:
    """Everything a run is made of; `net`, `weights` and `watchers` change as it goes."""

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
    focal_gamma: float = 0.0
    regulariser: tuple[str, float] = ("NO_REG", 0.0)
    adam: tuple[float, float, float] = (0.9, 0.999, 1e-8)
    """beta1, beta2, epsilon"""
    accumulate: int = 1
    """Batches a step."""
    clip_norm: float = 0.0
    """Largest norm of all gradients together; 0 leaves them."""
    ema_decay: float = 0.0
    """Of the average of the weights that is judged and saved; 0 judges and saves the net itself."""
    frozen: Frozen = Frozen()
    teacher: Teacher | None = None
    watchers: Sequence[Watcher] = ()
    visualiser: Visualiser = Visualiser()
    precision: str = "FP32"
    """`FP32`, `BF16` or `FP16`"""
    precision_reason: str = "the default"
    cost_scaling: tuple[float, float, float] = (20.0, 0.005, 1.0)
    """With FP16, what the loss is multiplied by: exponent of 2 at the start, added after a good step, taken off after
    one whose gradients overflowed."""
    checkpoint_interval: int = 10
    """Epochs"""
    keep_checkpoints: int = 3
    resume_interval: int = 500
    """Steps between saves of the state that a killed run continues from."""
    num_workers: int = 2
    validate: Callable[[GridBoxNet], dict[str, Any]] | None = None
    validation_epochs: frozenset[int] = frozenset()
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def total_steps(self) -> int:
        """Updates of the weights in the whole training."""
        return self.samples.total_steps // self.accumulate

    def start(self, fixed_rate: float = 1.0) -> State:
        """The state of a run that has not begun."""
        net = self.net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.frozen.train(net)
        if isinstance(net, QuantisedNet):  # before the average is made, which starts from the same ranges
            calibrate(net, (_pictures(self, self.samples[n]) for n in range(min(START_BATCHES, self.total_steps))))
        distributed.sync(net)
        adapter = self.teacher.to(self.device).adapter if self.teacher else None
        parameters = [p for _, p in trained(net, adapter)]
        optimiser = torch.optim.Adam(parameters, fixed_rate, self.adam[:2], self.adam[2], fused=True)
        averaged = Averaged(net, self.ema_decay) if self.ema_decay else None
        return State(net, optimiser, self.weights, adapter, averaged, self.watchers, scaler=self._scaler())

    def _scaler(self) -> torch.amp.GradScaler | None:
        if self.precision != "FP16":
            return None
        start, more, less = self.cost_scaling
        more, less = max(more, 1e-9), max(less, 1e-9)  # torch wants factors that are not 1
        return torch.amp.GradScaler(self.device.type, 2**start, 2**more, 2**-less, growth_interval=1)


def choose_precision(wanted: str, device: torch.device) -> tuple[str, str]:
    """Precision of the training and the reason, to print before it starts; `wanted` is AUTO, FP32, BF16 or FP16."""
    if wanted == "FP16" and device.type != "cuda":
        raise SpecError(
            "training_config.precision", "is FP16, which a CPU computes slower than FP32", "AUTO, FP32 or BF16",
            "BF16 is the fast one where the CPU has it",
        )  # fmt: skip
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
    Of several processes each yields the same reports, and the first one writes.
    """
    t = training
    state = t.start()
    state.resume(results)
    distributed.agree("the step to continue from", state.step)
    records = Records(results, t.visualiser, t.steps_per_epoch) if distributed.leads() else None
    data = batches(t.samples, state.step * t.accumulate, t.num_workers)
    try:
        while state.step < t.total_steps and not state.finished:
            report, last = _train_step(t, state, data)
            if report.step % t.steps_per_epoch == 0 or report.step == t.total_steps:
                report = _end_epoch(t, state, report, results)
                if records and records.draws(report.epoch):
                    records.draw(state.judged.eval(), last.pictures, report.step)
                    t.frozen.train(state.net)
                state.save(results)
            elif report.step % t.resume_interval == 0:
                state.save(results)
            if records:
                records.write(report)
            try:
                yield report
            except GeneratorExit:  # whoever watches stops listening, between two steps
                state.save(results)
                raise
    finally:
        if records:
            records.close()


def _train_step(t: Training, state: State, data: Iterator[Batch]) -> tuple[Progress, Batch]:
    """The next step of the schedule, and its last batch."""
    began = time.perf_counter()
    rate = t.schedule.rate(state.step / t.total_steps)
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    wait_s = 0.0

    def arriving() -> Iterator[Batch]:
        nonlocal wait_s
        for _ in range(t.accumulate):
            asked = time.perf_counter()
            batch = next(data)
            wait_s += time.perf_counter() - asked
            seen.append(batch)
            yield batch

    seen: list[Batch] = []
    done = _step(t, state, arriving())
    epoch = state.step // t.steps_per_epoch
    state.step += 1
    if state.averaged is not None:
        state.averaged.update(state.step)
    report = Progress(
        state.step, t.total_steps, epoch, done.loss, *done.cost, rate, time.perf_counter() - began, wait_s,
        done.skipped, None, done.distil, done.grad_norm,
    )  # fmt: skip
    return report, seen[-1]


class _Done(NamedTuple):
    """What one update found; means over its batches and processes."""

    loss: float
    cost: tuple[float, float]
    """Of coverage and boxes, over all classes."""
    distil: float | None
    grad_norm: float | None
    skipped: tuple[str, ...]


def _step(t: Training, state: State, arriving: Iterator[Batch]) -> _Done:
    """One update of the weights from the mean gradient of `t.accumulate` batches.

    Raises `ModelError`, leaving the weights as they were, when the loss is no number.
    """
    state.optimiser.zero_grad(set_to_none=True)
    found: list[Tensor] = []
    skipped: list[str] = []
    for batch in arriving:
        loss, cost, distil = _loss(t, state.net, batch)
        part = loss / t.accumulate if t.accumulate > 1 else loss
        (state.scaler.scale(part) if state.scaler else part).backward()  # type: ignore[no-untyped-call]
        taught = loss.new_zeros(()) if distil is None else distil
        found.append(
            torch.stack([loss.detach(), *cost.detach().sum(dim=0), taught, taught.new_tensor(len(batch.skipped))])
        )
        skipped += batch.skipped
    told = torch.stack(found).mean(dim=0)
    distributed.average([told])
    mean_loss, cov_cost, bbox_cost, mean_taught, bad = told.tolist()
    if not math.isfinite(mean_loss):
        raise ModelError(
            f"step {state.step + 1}", f"the loss is {mean_loss}", "a finite loss",
            "lower training_config.learning_rate; the same command continues from the last saved step",
        )  # fmt: skip
    norm = _update(t, state)
    named = tuple(distributed.gathered(skipped)) if bad else ()
    return _Done(mean_loss, (cov_cost, bbox_cost), mean_taught if t.teacher else None, norm, named)


def _update(t: Training, state: State) -> float | None:
    """Change the weights by the gradients of all processes; their norm when it is to be clipped."""
    parameters = [p for group in state.optimiser.param_groups for p in group["params"]]
    distributed.average([p.grad for p in parameters if p.grad is not None])
    distributed.average([state.weights.sums])
    norm = None
    if t.clip_norm:
        if state.scaler:
            state.scaler.unscale_(state.optimiser)
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, t.clip_norm))
    if state.scaler:
        state.scaler.step(state.optimiser)
        state.scaler.update()
    else:
        state.optimiser.step()
    return norm


def _pictures(t: Training, batch: Batch) -> Tensor:
    """What the net is given of a batch: `[N,1,H,W]`, 0..1."""
    pictures = batch.pictures.to(t.device, non_blocking=True).float().div_(255)
    return pictures.contiguous(memory_format=torch.channels_last)


def _loss(t: Training, net: GridBoxNet, batch: Batch) -> tuple[Tensor, Tensor, Tensor | None]:
    """Loss of one batch, its costs `[K,2]`, and the teacher's part."""
    pictures = _pictures(t, batch)
    targets = batch.targets.to(t.device)
    distil = None
    half = torch.float16 if t.precision == "FP16" else torch.bfloat16
    with torch.autocast(t.device.type, half, enabled=t.precision != "FP32"):
        if t.teacher is None:
            cov, bbox = net.logits(pictures)
        else:
            with t.teacher.watching(net):
                cov, bbox = net.logits(pictures)
                distil = t.teacher.loss(pictures, (cov, bbox))
    cost = costs(cov, bbox, targets, t.classes, t.giou_weight, t.focal_gamma)
    loss = t.weights.total(cost)
    if t.regulariser[0] != "NO_REG":
        loss = loss + regulariser(net, *t.regulariser)
    if distil is None:
        return loss, cost, None
    return loss + distil, cost, distil.detach()


def _end_epoch(t: Training, state: State, report: Progress, results: Path) -> Progress:
    """New loss weights; then validation, early end and checkpoints, each when it is due."""
    t.weights.end_epoch()
    epochs_done, last = report.epoch + 1, report.step == t.total_steps
    if t.validate and (report.epoch in t.validation_epochs or last):
        report = replace(report, scores=t.validate(state.judged))
        t.frozen.train(state.net)
        score = (report.scores or {}).get(SCORE)
        if score is not None:
            for watcher in state.watchers:
                watcher.observe(epochs_done, score)
            if score > state.best:
                state.best = score
                _write(t, state, results / BEST_NAME, report)
    if epochs_done % t.checkpoint_interval == 0 or last or state.finished:
        _write(t, state, results / f"model.epoch-{epochs_done}.safetensors", report)
        kept = sorted(results.glob("model.epoch-*.safetensors"), key=lambda p: int(p.stem.rpartition("-")[2]))
        for old in kept[: -t.keep_checkpoints] if distributed.leads() else ():
            old.unlink()
    return report


def _write(t: Training, state: State, path: Path, report: Progress) -> None:
    if distributed.leads():
        judged = net = state.judged
        data = t.data
        if isinstance(judged, QuantisedNet):
            net, data = judged.plain(), {**data, RANGES_KEY: judged.ranges()}
        checkpoint.save(path, Checkpoint(net, t.contract, t.spec, report.step, report.scores or {}, data))


def overfit(training: Training, steps: int = 200) -> Iterator[Progress]:
    """Train on the first batch alone: a net that cannot learn sixteen pictures has a fault, not too little data."""
    t = replace(training, accumulate=1)
    rate = t.schedule.max_rate
    state = t.start(rate)
    batch = t.samples[0]
    for _ in range(steps):
        began = time.perf_counter()
        done = _step(t, state, iter([batch]))
        state.step += 1
        yield Progress(state.step, steps, 0, done.loss, *done.cost, rate, time.perf_counter() - began, 0.0)
