"""A plan of which channels stay, to be read and edited before anything is cut; and the cut."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from faceir.errors import FaceirError, InputError, ModelError
from faceir.train.model import UNIT_NAMES, Architecture, GridBoxNet
from faceir.train.prune.wiring import widths, wiring

__all__ = ["Plan", "apply"]


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
    channels = widths(before)
    if kept.keys() != channels.keys():
        name = min(kept.keys() ^ channels.keys())
        came = f"has no group {name}" if name in channels else f"has a group {name}, which this net has not"
        raise InputError(where, came, ", ".join(channels))
    for name, indices in kept.items():
        span = f"indices 0..{channels[name] - 1}, ascending, each once"
        if not indices:
            raise InputError(where, f"group {name} keeps no channel", f"at least one of {span}")
        for index in indices:
            if type(index) is not int or not 0 <= index < channels[name]:  # True is an int to isinstance
                raise InputError(where, f"group {name} has index {index!r}", span)
        for one, two in pairwise(indices):
            if two <= one:
                raise InputError(where, f"group {name} has index {two} behind {one}", span)


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

    for conv in wiring(plan.before.all_projections):
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
