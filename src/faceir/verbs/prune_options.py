"""What `faceir prune` was asked for: the rule, the target, and where its evidence comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceir.errors import InputError
from faceir.verbs.terminal import progress_bar

if TYPE_CHECKING:
    from rich.console import Console

    from faceir.train.checkpoint import Checkpoint
    from faceir.train.loader import Batch
    from faceir.train.loop import Training
    from faceir.train.prune import LayerTimes, Plan
    from faceir.verbs.gate import Gate

__all__ = ["TARGETS", "Choice", "Rounds"]

TARGETS = ("--keep-macs", "--keep-params", "--latency-ms")


@dataclass
class Choice:
    """What chooses the channels, as typed."""

    options: dict[str, Any]
    """Of the rule: those that were given."""
    apply: Path | None = None
    """A plan that takes the place of a rule."""
    spec: Path | None = None
    batches: int = 20
    restate_bn: bool = False
    precision: str = "f32"
    threads: int = 1

    @property
    def target(self) -> str | None:
        """The option that names what is to be reached."""
        return next((option for option in TARGETS if option in self.options), None)

    def check(self) -> None:
        """Raise `InputError` for options that do not go together."""
        given = [option for option in TARGETS if option in self.options]
        if len(given) > 1:
            raise InputError(", ".join(given), "are given together", "one of them")
        if self.apply and self.options:
            raise InputError(
                "--apply", f"{self.apply} says what to keep, and so does {next(iter(self.options))}", "one of them"
            )
        for option in ("--threshold", "--equalization"):
            if given and option in self.options:
                raise InputError(option, f"goes not with {given[0]}, which finds its own threshold", "one of them")
        if "--importance" in self.options and not given:
            raise InputError("--importance", f"goes with {', '.join(TARGETS)}", "one of them")
        if self.spec is None and (self.restate_bn or self.options.get("--importance") == "taylor"):
            option = "--restate-bn" if self.restate_bn else "--importance taylor"
            raise InputError(option, "needs pictures", "an experiment spec", "add -e SPEC")

    def clock(self, loaded: Checkpoint) -> LayerTimes:
        """Times of layers on this machine."""
        from faceir.train.prune import LayerTimes

        return LayerTimes(loaded.contract.fit.size_wh, self.precision, self.threads)

    def plan(self, loaded: Checkpoint, clock: LayerTimes | None, console: Console, target: float | None = None) -> Plan:
        """The plan for `loaded`; `target` in place of the one typed."""
        from faceir.train import prune as pruning

        options = {option.removeprefix("--").replace("-", "_"): value for option, value in self.options.items()}
        if "exclude" in options:
            options["excluded"] = options.pop("exclude")
        if not self.target:
            return pruning.make_plan(loaded.net, **options)
        if target is not None:
            options[self.target.removeprefix("--").replace("-", "_")] = target
        options["scale"] = options.pop("normalizer", None)
        if options.get("importance") == "taylor":
            loss = pruning.loss_of(self.training, loaded.net)
            options["by_data"] = pruning.taylor(loaded.net, self.evidence(console, "taylor"), loss)
        return pruning.plan_for(loaded.net, loaded.contract.fit.size_wh, clock=clock, **options)

    @cached_property
    def training(self) -> Training:
        """The training of the spec, whose net is not used."""
        import torch

        from faceir import spec as specs
        from faceir.train import setup

        assert self.spec is not None
        experiment = specs.load(self.spec, ["model_config.pretrained_model_file=", "model_config.load_graph=false"])
        specs.check(experiment)
        return setup.make_training(experiment, setup.find_data(experiment), torch.device("cpu"))

    def evidence(self, console: Console, what: str) -> Iterator[Batch]:
        """Batches of the spec's training, with a bar."""
        from faceir.train.prune import spread

        with progress_bar(console) as bar:
            task = bar.add_task(what, total=self.batches, rate="batches")
            for batch in spread(self.training.samples, self.batches):
                yield batch
                bar.advance(task)


@dataclass(frozen=True)
class Rounds:
    """Pruning and retraining in turns."""

    model: Path
    out: Path | None
    rounds: int
    retrain: Path | None
    results: Path | None
    choice: Choice
    gate: Gate | None
    key: str | None = None
