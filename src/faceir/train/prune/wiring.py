"""The net's convolutions: what feeds each, and which filters stay or go together; all else follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from faceir.errors import ModelError
from faceir.train.model import UNIT_NAMES, Architecture

__all__ = ["Conv", "Group", "groups", "widths", "wiring"]


@dataclass(frozen=True)
class Conv:
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
    step: int
    """Its own stride: pixels of its input to one of its output."""

    @property
    def name(self) -> str:
        """As TAO names the layer: `block_1a_conv_1`."""
        return self.path.replace(".", "_")


@lru_cache(maxsize=2)
def wiring(all_projections: bool) -> tuple[Conv, ...]:
    """Every convolution of the net in the order of computation."""
    convs = [Conv("conv1", "bn_conv1", "", "conv1", 7, 2, 2)]
    source, before = "conv1", 2
    for unit in UNIT_NAMES:
        block = unit[:-1]
        stride = {"block_1": 4, "block_2": 8}.get(block, 16)
        step = stride // before
        # An identity shortcut adds unit a's channels to unit b's, so that all of a block stay or go together.
        mid, out = f"{unit}_conv_1", unit if all_projections else block
        convs.append(Conv(f"{unit}.conv_1", f"{unit}.bn_1", source, mid, 3, stride, step))
        convs.append(Conv(f"{unit}.conv_2", f"{unit}.bn_2", mid, out, 3, stride, 1))
        if all_projections or unit.endswith("a"):
            convs.append(Conv(f"{unit}.conv_shortcut", f"{unit}.bn_shortcut", source, out, 1, stride, step))
        source, before = out, stride
    return (*convs, *(Conv(head, "", source, "", 1, 16, 1) for head in ("output_bbox", "output_cov")))


def widths(a: Architecture) -> dict[str, int]:
    """Channels of each group; raises `ModelError` when a block's identity shortcut joins unequal widths."""
    found = {"conv1": a.stem}
    for unit, (mid, out) in zip(UNIT_NAMES, a.units, strict=True):
        found[f"{unit}_conv_1"] = mid
        group = unit if a.all_projections else unit[:-1]
        if found.setdefault(group, out) != out:
            raise ModelError(unit, f"its identity shortcut adds {found[group]} channels to {out}", "equal widths")
    return found


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
    for conv in wiring(architecture.all_projections):
        if conv.group:
            layers.setdefault(conv.group, []).append(conv.name)
    channels = widths(architecture)
    return tuple(Group(name, tuple(members), channels[name]) for name, members in layers.items())
