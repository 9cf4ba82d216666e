"""How far each tensor's values reach: one pass over pictures fills histograms, from which every method reads."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME
from faceir.errors import InputError
from faceir.fit import to_blob
from faceir.flow import Image
from faceir.inference import core

__all__ = ["METHODS", "PERCENTILE", "Histogram", "Range", "calibrate", "choose", "observe", "run"]

METHODS = ("entropy", "percentile", "minmax")
PERCENTILE = 99.99
"""Share of the activations inside the range, per cent; the rest saturates."""
_FINE = 1 << 15
"""Bins of a histogram: the greatest value lies in their upper half, so 2048 cut from them are true ones."""
_BINS, _LEVELS = 2048, 128
"""Of the entropy method: bins up to the greatest value, and levels of an int8's positive half."""
_LEAST = 1e-6
"""Range of a tensor that is always zero."""
_LEAST_EXPONENT = -32
"""Of the power of two that a histogram ends at; far below it float32 has no number for the bins' scale."""


@dataclass(frozen=True)
class Range:
    """What a tensor's values span: 0..`high` when it is not `signed`, else -`high`..`high`."""

    high: float
    signed: bool


def calibrate(
    path: str | Path, canvases: Iterable[Image], method: str = "percentile", percentile: float = PERCENTILE
) -> dict[str, Range]:
    """Range of every tensor in the float ONNX file at `path`, by the net's answer to `canvases`.

    `canvases` are uint8 gray pictures `[H,W]` of the network's size, as `Fit.apply` gives; they are gone
    through once and their order does not matter. Raises `InputError` for none.
    """
    _check(method, percentile)  # before the long work
    return choose(observe(path, canvases), method, percentile)


def observe(path: str | Path, canvases: Iterable[Image]) -> dict[str, Histogram]:
    """Histogram of every tensor that a node gives; raises `InputError` when there is no picture."""
    names = [name for node in onnx.load(path).graph.node for name in node.output]
    seen = {name: Histogram() for name in names}
    for values in run(path, canvases, names):
        for name, value in values.items():
            seen[name].add(value)
    if not seen[names[0]].total:
        raise InputError("calibration", "got no picture", "some hundred pictures like those to be seen later")
    return seen


def choose(
    seen: Mapping[str, Histogram], method: str = "percentile", percentile: float = PERCENTILE
) -> dict[str, Range]:
    """The ranges that one of `METHODS` reads from histograms.

    Input and coverage span 0..1 always and no box is clipped: a coverage cut at a half, as entropy would have it, would
    reach no threshold.

    `percentile`: least range that holds so many per cent of the values. `minmax`: all of them. `entropy`: the
    range whose 128 levels tell least less than the values themselves (`Histogram.entropy`).
    """
    _check(method, percentile)
    made = {INPUT_NAME: Range(1.0, False)}
    for name, histogram in seen.items():
        if name == COV_NAME:
            high = 1.0
        elif name == BBOX_NAME or method == "minmax":
            high = histogram.top
        else:
            high = histogram.entropy() if method == "entropy" else histogram.percentile(percentile)
        made[name] = Range(max(high, _LEAST), histogram.signed)
    return made


def _check(method: str, percentile: float) -> None:
    if method not in METHODS:
        raise InputError("--method", f"is {method!r}", ", ".join(METHODS))
    if not 0 < percentile <= 100:
        raise InputError("--percentile", f"is {percentile:g}", "more than 0, at most 100; 99.99, say")


def run(
    path: str | Path, canvases: Iterable[Image], names: Iterable[str]
) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
    """Values of the named tensors for each picture, computed in float32 but for what the file quantises."""
    wanted = list(names)
    model = core().read_model(path)
    given = {name for output in model.outputs for name in output.get_names()}
    model.add_outputs([name for name in wanted if name not in given])
    compiled = core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for canvas in canvases:
        result: Any = compiled(to_blob(canvas[None]))
        yield {name: result[name] for name in wanted}


class Histogram:
    """Counts of |x| in equal bins from 0 to a power of two, which doubles when a greater value comes.

    As bins are merged in pairs then, the counts are the same in whichever order the values came.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(_FINE, np.int64)
        self.high = 0.0
        """Upper edge of the last bin."""
        self.top = 0.0
        """Greatest |x|."""
        self.signed = False
        self.total = 0

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count one picture's values."""
        self.signed |= bool(values.min() < 0)
        size = np.abs(values).ravel()
        self.total += size.size
        self.top = max(self.top, float(size.max()))
        if self.top and self.top >= self.high:  # a value on the edge has no bin below it
            self._widen(math.ldexp(1.0, max(math.frexp(self.top)[1], _LEAST_EXPONENT)))  # the power of two above it
        scale = np.float32(_FINE / self.high) if self.high else np.float32(0)
        self.counts += np.bincount((size * scale).astype(np.int32), minlength=_FINE)

    def _widen(self, high: float) -> None:
        if self.high:
            merged = min(round(high / self.high), _FINE)
            counts = self.counts.reshape(-1, merged).sum(axis=1)
            self.counts = np.concatenate([counts, np.zeros(_FINE - len(counts), np.int64)])
        self.high = high

    def percentile(self, percentile: float) -> float:
        """The least edge below which `percentile` per cent of the values lie, at most the greatest value."""
        reached = int(np.searchsorted(np.cumsum(self.counts), self.total * percentile / 100))
        return min(self.high * min(reached + 1, _FINE) / _FINE, self.top)

    def entropy(self) -> float:
        """The clipping range with the least Kullback-Leibler divergence, as TensorRT's entropy calibrators seek it.

        Of 2048 bins up to the greatest value the first n = 128..2048 are tried: P are their counts, with all beyond
        added to the last; Q the same counts (without those beyond) merged into 128 levels and spread evenly over
        each level's bins that are not empty. The exact zeros that ReLU makes would outweigh all else: the first bin
        counts as much as the second. (S. Migacz, 8-bit inference with TensorRT, GTC 2017.)
        """
        if not self.top:
            return 0.0
        edges = np.linspace(0, self.top, _BINS + 1)
        below = np.interp(edges, np.linspace(0, self.high, _FINE + 1), np.concatenate([[0], np.cumsum(self.counts)]))
        counts = np.diff(np.rint(below))
        counts[0] = counts[1]
        beyond = np.append(np.cumsum(counts[::-1])[::-1], 0)
        least, best = np.inf, _BINS
        for n in range(_LEVELS, _BINS + 1):
            divergence = _divergence(counts[:n], beyond[n])
            if divergence <= least:
                least, best = divergence, n
        return float(edges[best])


def _divergence(counts: npt.NDArray[np.float64], beyond: float) -> float:
    """KL(P || Q) of clipping a histogram `[n]`, with `beyond` values outside it, to 128 levels; inf where Q lacks P."""
    filled = counts > 0
    level = np.arange(len(counts)) * _LEVELS // len(counts)
    merged = np.bincount(level, counts, _LEVELS) / np.maximum(np.bincount(level, filled, _LEVELS), 1)
    q = merged[level][filled]
    p = counts[filled]
    if not len(p):
        return np.inf
    if beyond:
        if not filled[-1]:
            return np.inf
        p = np.append(p[:-1], p[-1] + beyond)
    p, q = p / p.sum(), q / q.sum()
    return float(p @ np.log(p / q))
