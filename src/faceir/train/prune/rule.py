"""Which channels stay: TAO's rule by a threshold, and a search of the threshold that meets a target."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

import numpy as np

from faceir.errors import InputError
from faceir.train.model import Architecture, GridBoxNet
from faceir.train.prune.cost import cost
from faceir.train.prune.importance import (
    EQUALIZATIONS,
    IMPORTANCES,
    NORMALIZERS,
    SCALES,
    Figures,
    Stat,
    figures,
    merged,
    scaled,
)
from faceir.train.prune.plan import Plan
from faceir.train.prune.wiring import wiring

__all__ = ["DEFAULT_SCALES", "Clock", "make_plan", "plan_for"]

DEFAULT_SCALES = {"l2": "max", "bn": "none", "taylor": "energy"}
"""Of each importance, what `plan_for` divides a layer's figures by unless told otherwise."""
_LATENCY_TRIES, _LATENCY_SLACK = 5, 0.03
"""Corrections of a predicted time by a measured one, and the share below the target that needs none."""


class Clock(Protocol):
    """What tells the time of a net, `latency.LayerTimes` for one."""

    def net_ms(self, architecture: Architecture) -> float:
        """Predicted."""

    def measured_ms(self, architecture: Architecture) -> float:
        """Of the built net."""


def make_plan(
    net: GridBoxNet,
    *,
    threshold: float = 0.1,
    normalizer: str = "max",
    equalization: str = "union",
    granularity: int = 8,
    min_filters: int = 16,
    excluded: Collection[str] = (),
) -> Plan:
    """TAO's rule: of each group the filters whose normalised kernel norm is above `threshold`, the strongest first.

    `normalizer` divides a layer's L2 norms by their maximum (`max`), or by their own L2 norm and multiplies
    by their number (`L2`). A group's layers are merged channel by channel by their maximum (`union`),
    minimum (`intersection`), or mean. At least `min_filters` stay, in whole multiples of `granularity`
    (rounded up, or all). A group with a layer named in `excluded` (TAO's names) stays whole.
    Raises `InputError` for a choice or layer that does not exist, `ModelError` when the net holds NaN.
    """
    _check_choice("normalizer", normalizer, NORMALIZERS)
    _check_choice("equalization", equalization, EQUALIZATIONS)
    if not math.isfinite(threshold):
        raise InputError("threshold", f"is {threshold}", "a number, 0.1 for example")
    limits = _Limits(granularity, min_filters, _spared(net.architecture, excluded))
    stats = _stats(figures(net, "l2"), normalizer, equalization)
    rule = {
        "by": "threshold",
        "threshold": threshold,
        "normalizer": normalizer,
        "equalization": equalization,
        **_limits_stated(limits, excluded),
    }
    return Plan(net.architecture, _kept(stats, threshold, limits), rule)


def plan_for(
    net: GridBoxNet,
    size_wh: tuple[int, int],
    *,
    keep_macs: float | None = None,
    keep_params: float | None = None,
    latency_ms: float | None = None,
    clock: Clock | None = None,
    importance: str = "l2",
    scale: str | None = None,
    by_data: Figures | None = None,
    granularity: int = 8,
    min_filters: int = 8,
    excluded: Collection[str] = (),
) -> Plan:
    """The plan that keeps the largest share not above `keep_macs` of the multiply-accumulates, or of the parameters.

    Shares are 0..1 of this net at `size_wh` pixels. With `latency_ms` the net is as large as `clock` allows: its
    predicted times lead the search, the built net is measured, and the search goes on by the corrected prediction;
    `rule` then holds `predicted_ms` and `measured_ms`.
    One threshold for all groups is searched. `importance` of a channel is its kernel's L2 norm (`l2`), the size of its
    BN's gamma (`bn`), or what the loss says, given as `by_data` (`taylor`); `scale` makes layers comparable
    (`importance.scaled`), by default as `DEFAULT_SCALES` says; a group's channel counts as its most important member.
    Raises `InputError` for a target out of reach.
    """
    _check_choice("importance", importance, IMPORTANCES)
    scale = scale or DEFAULT_SCALES[importance]
    _check_choice("scale", scale, SCALES)
    name, target = _target(keep_macs, keep_params, latency_ms)
    if (importance == "taylor") != (by_data is not None):
        raise InputError("importance", f"is {importance}", "by_data, from taylor(), with taylor and with it alone")
    limits = _Limits(granularity, min_filters, _spared(net.architecture, excluded))
    search = _Search(net.architecture, _stats(by_data or figures(net, importance), scale, "union"), limits)
    before, measured = cost(net.architecture, size_wh), dict[str, float]()
    if name == "latency_ms":
        if clock is None:
            raise InputError("latency_ms", "goes with a clock", "LayerTimes(size_wh)")
        threshold, measured = _by_clock(search, clock, target)
    elif name == "keep_macs":
        threshold = search.largest(name, lambda a: cost(a, size_wh).macs / before.macs, target)
    else:
        threshold = search.largest(name, lambda a: cost(a, size_wh).params / before.params, target)
    rule = {
        "by": name,
        name: target,
        **measured,
        "size_wh": list(size_wh),
        "importance": importance,
        "scale": scale,
        "threshold": threshold,
        **_limits_stated(limits, excluded),
    }
    return Plan(net.architecture, search.kept(threshold), rule)


def _target(keep_macs: float | None, keep_params: float | None, latency_ms: float | None) -> tuple[str, float]:
    """The one target that is given."""
    stated = {"keep_macs": keep_macs, "keep_params": keep_params, "latency_ms": latency_ms}
    given = [(name, value) for name, value in stated.items() if value is not None]
    if len(given) != 1:
        names = ", ".join(name for name, _ in given) or "target"
        raise InputError(names, "are given together" if given else "none is given", f"one of {', '.join(stated)}")
    name, target = given[0]
    if name == "latency_ms" and not 0 < target < math.inf:
        raise InputError(name, f"is {target}", "milliseconds above 0")
    if name != "latency_ms" and not 0 < target <= 1:
        raise InputError(name, f"is {target}", "a share above 0, up to 1")
    return name, target


def _by_clock(search: _Search, clock: Clock, target_ms: float) -> tuple[float, dict[str, float]]:
    """The threshold of the largest net found that needs at most `target_ms` when measured, and both its times."""
    factor, best, least = 1.0, None, math.inf
    for _ in range(_LATENCY_TRIES):
        try:
            threshold = search.largest("latency_ms", lambda a, f=factor: f * clock.net_ms(a), target_ms)  # type: ignore[misc]
        except InputError:
            if best is None:
                raise
            break
        architecture = search.architecture(threshold)
        predicted, measured = clock.net_ms(architecture), clock.measured_ms(architecture)
        least = min(least, measured)
        if measured <= target_ms and (best is None or measured > best[1]["measured_ms"]):
            best = threshold, {"predicted_ms": round(predicted, 4), "measured_ms": round(measured, 4)}
        if (1 - _LATENCY_SLACK) * target_ms <= measured <= target_ms or architecture == search.before:
            break
        factor = measured / predicted
    if best is None:
        raise InputError(
            "latency_ms", f"is {target_ms:g}; the built nets took {least:.3f} ms and more", "a net that holds it",
            "a quieter machine, or a little more time",
        )  # fmt: skip
    return best


@dataclass(frozen=True)
class _Search:
    """One threshold for all groups."""

    before: Architecture
    stats: Mapping[str, Stat]
    limits: _Limits

    def kept(self, threshold: float) -> dict[str, tuple[int, ...]]:
        return _kept(self.stats, threshold, self.limits)

    def architecture(self, threshold: float) -> Architecture:
        return Plan(self.before, self.kept(threshold)).after

    def largest(self, name: str, value: Callable[[Architecture], float], most: float) -> float:
        """The least threshold whose net's `value` is at most `most`; raises `InputError`, naming the target."""
        # Channels change only where the threshold passes a figure: trying those is an exact search.
        thresholds = [-1.0, *np.unique(np.concatenate(list(self.stats.values()))).tolist()]
        at = bisect_left(thresholds, True, key=lambda threshold: value(self.architecture(threshold)) <= most)
        if at == len(thresholds):
            reached = value(self.architecture(thresholds[-1]))
            raise InputError(
                name, f"is {most}", f"at least {math.ceil(1e4 * reached) / 1e4}",
                "or lower min_filters or granularity, or exclude fewer layers",
            )  # fmt: skip
        return float(thresholds[at])


@dataclass(frozen=True)
class _Limits:
    """What holds a cut back."""

    granularity: int
    min_filters: int
    spared: frozenset[str]
    """Groups that stay whole."""

    def __post_init__(self) -> None:
        for name, value in (("granularity", self.granularity), ("min_filters", self.min_filters)):
            if value < 1:
                raise InputError(name, f"is {value}", "1 or more")


def _limits_stated(limits: _Limits, excluded: Collection[str]) -> dict[str, Any]:
    return {"granularity": limits.granularity, "min_filters": limits.min_filters, "excluded": sorted(excluded)}


def _check_choice(name: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise InputError(name, f"is {value!r}", " or ".join(choices))


def _spared(architecture: Architecture, excluded: Collection[str]) -> frozenset[str]:
    """The groups that `excluded` layers belong to; a head may be named, though it stays anyway."""
    group_of = {conv.name: conv.group for conv in wiring(architecture.all_projections)}
    for name in excluded:
        if name not in group_of:
            close = get_close_matches(name, group_of, 3) or list(group_of)
            raise InputError("excluded", f"this net has no layer {name!r}", " or ".join(close))
    return frozenset(group_of[name] for name in excluded)


def _stats(found: Figures, scale: str, equalization: str) -> dict[str, Stat]:
    """One comparable figure `[C]` a channel of each group."""
    return {group: merged([scaled(stat, scale) for stat in layers], equalization) for group, layers in found.items()}


def _kept(stats: Mapping[str, Stat], threshold: float, limits: _Limits) -> dict[str, tuple[int, ...]]:
    """Indices that stay, by TAO's count: above the threshold, at least so many, in whole multiples, at most all."""
    kept = {}
    for group, stat in stats.items():
        channels, step = len(stat), limits.granularity
        count = max(int((stat > threshold).sum()), min(limits.min_filters, channels))
        count = min(math.ceil(count / step) * step, channels)
        if group in limits.spared:
            count = channels
        strongest = np.argsort(-stat, kind="stable")[:count]
        kept[group] = tuple(sorted(strongest.tolist()))
    return kept
