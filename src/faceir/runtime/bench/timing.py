"""Times: percentiles and throughput of one thing, and the ratio of two things measured in alternation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import numpy.typing as npt

__all__ = ["Block", "Load", "Ratio", "Segment", "Step", "Timing", "compare", "measure", "ratio", "warm_up"]

Step = Callable[[], object]
"""One call of what is timed: an inference, or a whole `detect()`."""
_RESAMPLES = 4000


@dataclass(frozen=True)
class Load:
    """What is timed: `steps` side by side, a thread each, every call of one working on `pictures` pictures."""

    steps: tuple[Step, ...]
    pictures: int = 1


@dataclass(frozen=True)
class Timing:
    """Latencies of single steps in ms, and how many pictures came out of them a second."""

    steps_ms: npt.NDArray[np.float64]
    wall_s: float
    cpu_s: float
    """Work of all threads of this process: what other programs on the machine change least."""
    pictures: int
    """Of all steps together."""

    @property
    def per_second(self) -> float:
        """Pictures a second."""
        return self.pictures / self.wall_s

    def to_dict(self) -> dict[str, float]:
        """Latency of a step and CPU time of a picture in ms, throughput in pictures a second."""
        p50, p90, p99 = np.percentile(self.steps_ms, (50, 90, 99))
        least, mean = self.steps_ms.min(), self.steps_ms.mean()
        named = {"min_ms": least, "mean_ms": mean, "p50_ms": p50, "p90_ms": p90, "p99_ms": p99}
        return {name: round(float(value), 4) for name, value in named.items()} | {
            "cpu_ms": round(1e3 * self.cpu_s / self.pictures, 4),
            "per_second": round(self.per_second, 2),
            "steps": len(self.steps_ms),
        }


@dataclass(frozen=True)
class Ratio:
    """Time of A divided by time of B, and its 95 % bootstrap interval; below 1, A is faster."""

    value: float
    low: float
    high: float
    blocks: int

    @property
    def real(self) -> bool:
        """Whether the interval leaves no doubt about which is faster."""
        return not self.low <= 1 <= self.high

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def verdict(self, a: str, b: str) -> str:
        """In words, never more than the interval allows."""
        if not self.real:
            return f"no difference shown between {a} and {b}: the interval of their ratio holds 1"
        if self.value < 1:
            return f"{a} is {1 / self.value:.2f} times as fast as {b} [{1 / self.high:.2f}, {1 / self.low:.2f}]"
        return f"{b} is {self.value:.2f} times as fast as {a} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True)
class Segment:
    """What a picture took in one stretch of a comparison, in ms."""

    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True)
class Block:
    """One round of A B B A. What drifts evenly falls out of the ratio."""

    a: tuple[Segment, Segment]
    b: tuple[Segment, Segment]


def warm_up(load: Load, seconds: float) -> None:
    """Run for `seconds`, at least two steps each, timing nothing."""
    _run(load, seconds, 2)


def measure(load: Load, duration_s: float, iterations: int = 10) -> Timing:
    """Run for `duration_s`, at least `iterations` steps each."""
    return _run(load, duration_s, iterations)


def compare(a: Load, b: Load, duration_s: float, blocks: int = 20) -> Iterator[Block]:
    """`blocks` rounds of A B B A, then of B A A B, and so on, about `duration_s` in all; a block as it is done.

    A segment's wall time is its median step's when one step runs at a time, else the whole stretch's: where
    steps share cores, the time of one says little.
    """
    segment_s = duration_s / (4 * blocks)
    alone = len(a.steps) == len(b.steps) == 1

    def stretch(load: Load) -> Segment:
        timing = _run(load, segment_s, 3)
        wall_ms = float(np.median(timing.steps_ms)) / load.pictures if alone else 1e3 / timing.per_second
        return Segment(wall_ms, 1e3 * timing.cpu_s / timing.pictures)

    for n in range(blocks):
        first, second = (a, b) if n % 2 == 0 else (b, a)
        outer_1, inner_1, inner_2, outer_2 = (stretch(load) for load in (first, second, second, first))
        outer, inner = (outer_1, outer_2), (inner_1, inner_2)
        yield Block(outer, inner) if n % 2 == 0 else Block(inner, outer)


def ratio(blocks: Sequence[Block], by: Callable[[Segment], float] = attrgetter("wall_ms")) -> Ratio:
    """Median over blocks of A's time over B's, its interval by resampling whole blocks."""

    def mean_log(side: tuple[Segment, Segment]) -> float:
        return float(np.mean([np.log(max(by(segment), 1e-9)) for segment in side]))

    logs = np.array([mean_log(block.a) - mean_log(block.b) for block in blocks])
    drawn = np.random.default_rng(0).integers(0, len(logs), (_RESAMPLES, len(logs)))
    low, high = np.exp(np.percentile(np.median(logs[drawn], axis=1), (2.5, 97.5)))
    return Ratio(float(np.exp(np.median(logs))), float(low), float(high), len(logs))


def _run(load: Load, duration_s: float, least: int) -> Timing:
    """All steps of `load` side by side until the time is over and each has run `least` times."""
    taken: list[list[float]] = [[] for _ in load.steps]
    problems: list[BaseException] = []
    start_s, cpu_start_s = time.perf_counter(), time.process_time()

    def work(n: int) -> None:
        try:
            taken[n] = _repeat(load.steps[n], start_s + duration_s, least)
        except BaseException as error:  # carried to the caller's thread
            problems.append(error)

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(1, len(load.steps))]
    for thread in threads:
        thread.start()
    work(0)
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    wall_s, cpu_s = time.perf_counter() - start_s, time.process_time() - cpu_start_s
    steps_ms = np.concatenate(taken) * 1e3
    return Timing(steps_ms, wall_s, cpu_s, len(steps_ms) * load.pictures)


def _repeat(step: Step, until_s: float, least: int) -> list[float]:
    """Seconds of each run of `step`."""
    clock = time.perf_counter
    taken: list[float] = []
    now_s = clock()
    while now_s < until_s or len(taken) < least:
        step()
        before_s, now_s = now_s, clock()
        taken.append(now_s - before_s)
    return taken
