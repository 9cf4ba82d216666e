"""Pruning: which channels stay, as a plan to be read and edited before anything is cut; the rule is TAO's."""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from faceir.errors import FaceirError, InputError, ModelError
from faceir.train.model import UNIT_NAMES, Architecture, GridBoxNet

__all__ = [
    "EQUALIZATIONS",
    "IMPORTANCES",
    "NORMALIZERS",
    "Cost",
    "Group",
    "Plan",
    "Row",
    "apply",
    "cost",
    "describe",
    "groups",
    "make_plan",
    "plan_for",
    "shares",
]

NORMALIZERS = ("max", "L2")
EQUALIZATIONS = ("union", "intersection", "arithmetic_mean", "geometric_mean")
IMPORTANCES = ("l2", "bn")

_Stat = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Conv:
    """One convolution: where its input comes from and which group its filters belong to."""

    path: str
    """Of the module in the net."""
    bn: str
    """Path of the BN behind it; empty for the heads."""
    source: str
    """Group of its input's channels; empty for the picture."""
    group: str
    """Group of its filters; empty for the heads, whose filters all stay."""
    kernel: int
    stride: int
    """Input pixels of the net to one pixel of this convolution's output."""

    @property
    def name(self) -> str:
        """As TAO names the layer: `block_1a_conv_1`."""
        return self.path.replace(".", "_")


@lru_cache(maxsize=2)
def _wiring(all_projections: bool) -> tuple[_Conv, ...]:
    """Every convolution of the net in the order of computation; groups, costs and the cut all follow from it."""
    convs = [_Conv("conv1", "bn_conv1", "", "conv1", 7, 2)]
    source = "conv1"
    for unit in UNIT_NAMES:
        block = unit[:-1]
        stride = {"block_1": 4, "block_2": 8}.get(block, 16)
        # An identity shortcut adds unit a's channels to unit b's, so that all of a block stay or go together.
        mid, out = f"{unit}_conv_1", unit if all_projections else block
        convs.append(_Conv(f"{unit}.conv_1", f"{unit}.bn_1", source, mid, 3, stride))
        convs.append(_Conv(f"{unit}.conv_2", f"{unit}.bn_2", mid, out, 3, stride))
        if all_projections or unit.endswith("a"):
            convs.append(_Conv(f"{unit}.conv_shortcut", f"{unit}.bn_shortcut", source, out, 1, stride))
        source = out
    return (*convs, _Conv("output_bbox", "", source, "", 1, 16), _Conv("output_cov", "", source, "", 1, 16))


def _widths(a: Architecture) -> dict[str, int]:
    """Channels of each group; raises `ModelError` when a block's identity shortcut joins unequal widths."""
    widths = {"conv1": a.stem}
    for unit, (mid, out) in zip(UNIT_NAMES, a.units, strict=True):
        widths[f"{unit}_conv_1"] = mid
        group = unit if a.all_projections else unit[:-1]
        if widths.setdefault(group, out) != out:
            raise ModelError(unit, f"its identity shortcut adds {widths[group]} channels to {out}", "equal widths")
    return widths


@dataclass(frozen=True)
class Group:
    """Convolutions whose filters meet in a sum, and so stay or go together."""

    name: str
    layers: tuple[str, ...]
    channels: int


def groups(architecture: Architecture) -> tuple[Group, ...]:
    """The prunable groups in the order of computation.

    The stem `conv1` and each unit's first convolution (`block_1a_conv_1`) stand alone. A unit's second
    convolution and its shortcut are one (`block_1a`); without all projections those of a whole block are (`block_1`).
    """
    layers: dict[str, list[str]] = {}
    for conv in _wiring(architecture.all_projections):
        if conv.group:
            layers.setdefault(conv.group, []).append(conv.name)
    widths = _widths(architecture)
    return tuple(Group(name, tuple(members), widths[name]) for name, members in layers.items())


@dataclass(frozen=True)
class Plan:
    """Which channels of a net stay; raises `InputError` at birth when they are not channels of that net."""

    before: Architecture
    kept: Mapping[str, tuple[int, ...]]
    """Of each group of `groups(before)`: indices of the channels that stay, ascending."""
    rule: dict[str, Any] = field(default_factory=dict)
    """What chose them, in plain values for JSON."""

    def __post_init__(self) -> None:
        _check_kept(self.before, self.kept, "plan")

    @property
    def after(self) -> Architecture:
        """The architecture of the pruned net."""
        kept, b = {name: len(indices) for name, indices in self.kept.items()}, self.before
        units = tuple((kept[f"{u}_conv_1"], kept[u if b.all_projections else u[:-1]]) for u in UNIT_NAMES)
        return Architecture(kept["conv1"], units, b.num_classes, b.all_projections)

    def to_json(self) -> str:
        """JSON that `from_json` reads back, a group a line, to be edited by hand."""
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(list(kept))}" for name, kept in self.kept.items())
        return (
            f'{{\n "format": 1,\n "kind": "pruning plan",\n "before": {json.dumps(self.before.to_dict())},\n'
            f' "rule": {json.dumps(self.rule)},\n "kept": {{\n{lines}\n }}\n}}\n'
        )

    @staticmethod
    def from_json(text: str, where: object = "plan") -> Plan:
        """The plan in `text`, also one that was edited; raises `InputError`, naming `where`, when it is not legal."""
        try:
            stated = json.loads(text)
            if (stated["kind"], stated["format"]) != ("pruning plan", 1):
                raise ValueError(f"it is a {stated['kind']} of format {stated['format']}")
            before, rule = Architecture.from_dict(stated["before"]), dict(stated["rule"])
            kept = {str(name): tuple(indices) for name, indices in stated["kept"].items()}
            _check_kept(before, kept, where)
            return Plan(before, kept, rule)
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, FaceirError) as error:
            raise InputError(where, f"cannot be read ({error})", "a pruning plan of format 1") from error


def _check_kept(before: Architecture, kept: Mapping[str, tuple[int, ...]], where: object) -> None:
    widths = _widths(before)
    if kept.keys() != widths.keys():
        name = min(kept.keys() ^ widths.keys())
        came = f"has no group {name}" if name in widths else f"has a group {name}, which this net has not"
        raise InputError(where, came, ", ".join(widths))
    for name, indices in kept.items():
        span = f"indices 0..{widths[name] - 1}, ascending, each once"
        if not indices:
            raise InputError(where, f"group {name} keeps no channel", f"at least one of {span}")
        for index in indices:
            if type(index) is not int or not 0 <= index < widths[name]:  # True is an int to isinstance
                raise InputError(where, f"group {name} has index {index!r}", span)
        for one, two in pairwise(indices):
            if two <= one:
                raise InputError(where, f"group {name} has index {two} behind {one}", span)


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
    for name, value, choices in (
        ("normalizer", normalizer, NORMALIZERS),
        ("equalization", equalization, EQUALIZATIONS),
    ):
        _check_choice(name, value, choices)
    if not math.isfinite(threshold):
        raise InputError("threshold", f"is {threshold}", "a number, 0.1 for example")
    limits = _Limits(granularity, min_filters, _spared(net.architecture, excluded))
    stats = {
        group: _merged([_normalised(norms, normalizer) for norms in layers], equalization)
        for group, layers in _by_group(net, "l2").items()
    }
    rule = {
        "by": "threshold",
        "threshold": threshold,
        "normalizer": normalizer,
        "equalization": equalization,
        "granularity": granularity,
        "min_filters": min_filters,
        "excluded": sorted(excluded),
    }
    return Plan(net.architecture, _kept(stats, threshold, limits), rule)


def plan_for(
    net: GridBoxNet,
    size_wh: tuple[int, int],
    *,
    keep_macs: float | None = None,
    keep_params: float | None = None,
    importance: str = "l2",
    granularity: int = 8,
    min_filters: int = 8,
    excluded: Collection[str] = (),
) -> Plan:
    """The plan that keeps the largest share not above `keep_macs` of the multiply-accumulates, or of the parameters.

    One threshold for all groups is searched. `importance` of a filter is its kernel's L2 norm over the layer's
    largest (`l2`, as `make_plan` by `max` and `union`), or the size of its BN's gamma, as it is (`bn`, for nets
    trained with a penalty on gamma); a group's channel counts as its most important member.
    Shares are 0..1 of this net at `size_wh` pixels; raises `InputError` when one is out of reach.
    """
    _check_choice("importance", importance, IMPORTANCES)
    if (keep_macs is None) == (keep_params is None):
        raise InputError("keep_macs, keep_params", "both or none are given", "one of them")
    name, target = ("keep_macs", keep_macs) if keep_params is None else ("keep_params", keep_params)
    assert target is not None
    if not 0 < target <= 1:
        raise InputError(name, f"is {target}", "a share above 0, up to 1")
    limits = _Limits(granularity, min_filters, _spared(net.architecture, excluded))
    stats = {
        group: _merged([_normalised(s, "max") if importance == "l2" else s for s in layers], "union")
        for group, layers in _by_group(net, importance).items()
    }
    # Channels change only where the threshold passes a statistic: trying those values is an exact search.
    thresholds = [-1.0, *np.unique(np.concatenate(list(stats.values()))).tolist()]

    def share(threshold: float) -> float:
        params, macs = shares(Plan(net.architecture, _kept(stats, threshold, limits)), size_wh)
        return params if keep_macs is None else macs

    at = bisect_left(thresholds, True, key=lambda threshold: share(threshold) <= target)
    if at == len(thresholds):
        raise InputError(
            name, f"is {target}", f"at least {math.ceil(1e4 * share(thresholds[-1])) / 1e4}",
            "or lower min_filters or granularity, or exclude fewer layers",
        )  # fmt: skip
    rule = {
        "by": name,
        name: target,
        "size_wh": list(size_wh),
        "importance": importance,
        "threshold": thresholds[at],
        "granularity": granularity,
        "min_filters": min_filters,
        "excluded": sorted(excluded),
    }
    return Plan(net.architecture, _kept(stats, thresholds[at], limits), rule)


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


def _check_choice(name: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise InputError(name, f"is {value!r}", " or ".join(choices))


def _spared(architecture: Architecture, excluded: Collection[str]) -> frozenset[str]:
    """The groups that `excluded` layers belong to; a head may be named, though it stays anyway."""
    group_of = {conv.name: conv.group for conv in _wiring(architecture.all_projections)}
    for name in excluded:
        if name not in group_of:
            close = get_close_matches(name, group_of, 3) or list(group_of)
            raise InputError("excluded", f"this net has no layer {name!r}", " or ".join(close))
    return frozenset(group_of[name] for name in excluded)


def _by_group(net: GridBoxNet, importance: str) -> dict[str, list[_Stat]]:
    """Of each group, of each of its layers: a figure `[C]` for every filter, not yet normalised."""
    state, stats = net.state_dict(), dict[str, list[_Stat]]()
    for conv in _wiring(net.architecture.all_projections):
        if not conv.group:
            continue
        if importance == "bn":
            figures = state[f"{conv.bn}.weight"].double().abs()
        else:
            figures = state[f"{conv.path}.weight"].double().flatten(1).norm(dim=1)
        if not figures.isfinite().all():
            raise ModelError(conv.name, "its weights are not finite", "a net that was trained to the end")
        stats.setdefault(conv.group, []).append(figures.cpu().numpy())
    return stats


def _normalised(norms: _Stat, normalizer: str) -> _Stat:
    if not norms.any():
        return norms  # a dead layer: nothing is above any threshold
    scaled: _Stat = norms / norms.max() if normalizer == "max" else norms / np.linalg.norm(norms) * len(norms)
    return scaled


def _merged(layers: list[_Stat], equalization: str) -> _Stat:
    """One figure `[C]` a channel from those of all layers of a group."""
    stacked = np.stack(layers)
    match equalization:
        case "union":
            merged = stacked.max(0)
        case "intersection":
            merged = stacked.min(0)
        case "arithmetic_mean":
            merged = stacked.mean(0)
        case _:
            merged = stacked.prod(0) ** (1 / len(layers))
    figures: _Stat = merged
    return figures


def _kept(stats: Mapping[str, _Stat], threshold: float, limits: _Limits) -> dict[str, tuple[int, ...]]:
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


def apply(net: GridBoxNet, plan: Plan) -> GridBoxNet:
    """A net of `plan.after` with the channels that stay; it shares no memory with `net`, which is not changed.

    In evaluation mode it computes what `net` would, were gamma and beta of the channels that go zero.
    Raises `ModelError` when the plan was made for other widths.
    """
    if net.architecture != plan.before:
        raise ModelError("plan", "was made for a net of other widths", "one of this net", "make a new plan")
    state, cut = net.state_dict(), dict[str, Tensor]()
    device = net.conv1.weight.device
    index = {group: torch.tensor(kept, device=device) for group, kept in plan.kept.items()}

    def take(tensor: Tensor, dim: int, group: str) -> Tensor:
        return tensor.index_select(dim, index[group]) if group else tensor.clone()

    for conv in _wiring(plan.before.all_projections):
        cut[f"{conv.path}.weight"] = take(take(state[f"{conv.path}.weight"], 0, conv.group), 1, conv.source)
        cut[f"{conv.path}.bias"] = take(state[f"{conv.path}.bias"], 0, conv.group)
        if conv.bn:
            for name in ("weight", "bias", "running_mean", "running_var"):
                cut[f"{conv.bn}.{name}"] = take(state[f"{conv.bn}.{name}"], 0, conv.group)
            cut[f"{conv.bn}.num_batches_tracked"] = state[f"{conv.bn}.num_batches_tracked"].clone()
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
        pruned = GridBoxNet(plan.after)
    pruned.load_state_dict(cut, assign=True)
    return pruned.train(net.training)


@dataclass(frozen=True)
class Cost:
    """What a layer or net costs."""

    params: int
    """As `count_params` counts: BN's running mean and variance included."""
    macs: int
    """As `count_macs` counts: multiply-accumulates of the convolutions for one picture of three channels."""


@dataclass(frozen=True)
class Row:
    """One layer of a plan, each figure before and after; a BN counts with its convolution."""

    name: str
    channels: tuple[int, int]
    params: tuple[int, int]
    macs: tuple[int, int]


def cost(architecture: Architecture, size_wh: tuple[int, int]) -> Cost:
    """Cost of a net at `size_wh` pixels, computed from its widths alone."""
    layers = [layer for _, _, layer in _layers(architecture, size_wh)]
    return Cost(sum(layer.params for layer in layers), sum(layer.macs for layer in layers))


def shares(plan: Plan, size_wh: tuple[int, int]) -> tuple[float, float]:
    """Shares 0..1 of the parameters and of the multiply-accumulates at `size_wh` that a plan keeps."""
    before, after = cost(plan.before, size_wh), cost(plan.after, size_wh)
    return after.params / before.params, after.macs / before.macs


def describe(plan: Plan, size_wh: tuple[int, int]) -> list[Row]:
    """A row a layer, in the order of computation, at `size_wh` pixels."""
    before, after = _layers(plan.before, size_wh), _layers(plan.after, size_wh)
    return [
        Row(name, (wide, narrow), (old.params, new.params), (old.macs, new.macs))
        for (name, wide, old), (_, narrow, new) in zip(before, after, strict=True)
    ]


def _layers(architecture: Architecture, size_wh: tuple[int, int]) -> list[tuple[str, int, Cost]]:
    """Name, filters and cost of each convolution with its BN."""
    widths = {"": 3} | _widths(architecture)
    heads = {"output_bbox": 4 * architecture.num_classes, "output_cov": architecture.num_classes}
    layers = []
    for conv in _wiring(architecture.all_projections):
        filters = widths[conv.group] if conv.group else heads[conv.name]
        weights = filters * widths[conv.source] * conv.kernel**2
        pixels = math.prod(math.ceil(side / conv.stride) for side in size_wh)
        params = weights + filters + (4 * filters if conv.bn else 0)
        layers.append((conv.name, filters, Cost(params, weights * pixels)))
    return layers
