"""Learning rate over a training, and when to end it early; what changes in them is plain values, to be resumed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Patience", "Schedule", "SoftStart", "UntilPlateau", "between"]


class Schedule(Protocol):
    """Learning rate at `progress`, the share 0..1 of all steps that are done."""

    @property
    def max_rate(self) -> float:
        """The largest rate."""
        ...

    def rate(self, progress: float) -> float:
        """The rate there."""
        ...


def between(low: float, high: float, t: float) -> float:
    """The rate at `t` 0..1 of the way from `low` to `high` in log space, as TAO's: exp(ln low + t ln(high / low))."""
    return math.exp(math.log(low) + t * (math.log(high) - math.log(low)))


@dataclass(frozen=True)
class SoftStart:
    """The rate climbs until `soft_start`, stays until `annealing`, falls to the end; both shares of the training 0..1.

    Ramps are linear in log space, as TAO's. With `cosine` the fall is half a cosine wave of the rate itself
    (Loshchilov and Hutter, 2017).
    """

    min_rate: float
    max_rate: float
    soft_start: float = 0.1
    annealing: float = 0.7
    cosine: bool = False

    def rate(self, progress: float) -> float:
        """Learning rate at `progress` 0..1."""
        if progress < self.soft_start:
            return between(self.min_rate, self.max_rate, progress / self.soft_start)
        if progress <= self.annealing:
            return self.max_rate
        left = (1 - progress) / (1 - self.annealing)
        if self.cosine:
            return self.min_rate + (self.max_rate - self.min_rate) * (1 - math.cos(math.pi * left)) / 2
        return between(self.min_rate, self.max_rate, left)


@dataclass
class Patience:
    """Ends a training after so many epochs without a better validation; 0 never does."""

    epochs: int = 0
    best: float = -math.inf
    best_epoch: int = 0
    """Epochs done when `best` was reached."""
    finished: bool = False

    def observe(self, epochs_done: int, score: float) -> None:
        """Take note of a validation; a higher score is better."""
        if score > self.best:
            self.best, self.best_epoch = score, epochs_done
        self.finished = bool(self.epochs) and epochs_done - self.best_epoch >= self.epochs

    def state(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"best": self.best, "best_epoch": self.best_epoch, "finished": self.finished}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self.best, self.best_epoch, self.finished = state["best"], state["best_epoch"], state["finished"]


@dataclass
class UntilPlateau:
    """TAO's early-stopping schedule: the rate climbs, stays until validation stops getting better, falls, and ends.

    After `patience_epochs` without a better validation it falls from `max_rate` to `min_rate` within
    `annealing_epochs`, and after as many without a better one again the training ends. TAO watches the cost on the
    validation pictures; this watches the same score as the choice of the best checkpoint.
    """

    min_rate: float
    max_rate: float
    soft_start_epochs: int
    annealing_epochs: int
    patience_epochs: int
    num_epochs: int
    """The longest that it may last."""
    falls_from: int | None = None
    """Epochs done when the fall began."""
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        self.patience.epochs = self.patience_epochs

    def rate(self, progress: float) -> float:
        """Learning rate at `progress` 0..1 of `num_epochs`."""
        epoch = progress * self.num_epochs
        if epoch < self.soft_start_epochs:
            return between(self.min_rate, self.max_rate, epoch / self.soft_start_epochs)
        if self.falls_from is None:
            return self.max_rate
        gone = (epoch - self.falls_from) / self.annealing_epochs if self.annealing_epochs else 1.0
        return between(self.min_rate, self.max_rate, max(1 - gone, 0.0))

    @property
    def finished(self) -> bool:
        """Whether the second patience is over."""
        return self.falls_from is not None and self.patience.finished

    def observe(self, epochs_done: int, score: float) -> None:
        """Take note of a validation; a higher score is better. The climb and the fall wear no patience."""
        fallen = self.falls_from is not None and epochs_done >= self.falls_from + self.annealing_epochs
        steady = self.falls_from is None and epochs_done > self.soft_start_epochs
        if not (fallen or steady):
            self.patience.best_epoch = epochs_done
        self.patience.observe(epochs_done, score)
        if steady and self.patience.finished:
            self.falls_from = epochs_done
            self.patience.best_epoch, self.patience.finished = epochs_done, False

    def state(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return self.patience.state() | {"falls_from": self.falls_from}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self.patience.restore(state)
        self.falls_from = state["falls_from"]
