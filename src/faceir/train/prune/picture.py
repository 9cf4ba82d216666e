"""A plan as a picture: every layer before and after."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceir.train.prune.cost import cost, describe
from faceir.train.prune.plan import Plan

__all__ = ["draw"]

_BEFORE, _AFTER = "#c9ced6", "#2563a8"


def draw(
    plan: Plan,
    size_wh: tuple[int, int],
    path: str | Path,
    times_ms: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Path:
    """Write a PNG with channels, parameters, MACs and, when `times_ms` (before, after) are given, ms of each layer."""
    from matplotlib.figure import Figure  # without pyplot: no window, no global state

    rows = describe(plan, size_wh)
    panels: list[tuple[str, list[tuple[float, float]]]] = [
        ("channels", [row.channels for row in rows]),
        ("parameters, thousands", [(row.params[0] / 1e3, row.params[1] / 1e3) for row in rows]),
        (f"MMAC at {size_wh[0]}x{size_wh[1]}", [(row.macs[0] / 1e6, row.macs[1] / 1e6) for row in rows]),
    ]
    if times_ms:
        panels.append(("expected ms", list(zip(*times_ms, strict=True))))
    figure = Figure(figsize=(3 + 2.6 * len(panels), 0.27 * len(rows) + 1.2), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True)
    for axis, (title, pairs) in zip(axes, panels, strict=True):
        _bars(axis, title, pairs)
    axes[0].set_yticks(range(len(rows)), [row.name for row in rows], fontsize=8)
    axes[0].invert_yaxis()
    before, after = cost(plan.before, size_wh), cost(plan.after, size_wh)
    figure.suptitle(
        f"{before.params:,} to {after.params:,} parameters ({after.params / before.params:.1%}), "
        f"{before.macs / 1e6:,.0f} to {after.macs / 1e6:,.0f} MMAC ({after.macs / before.macs:.1%})",
        fontsize=10,
    )
    path = Path(path)
    part = path.with_name(path.name + ".part")
    figure.savefig(part, format="png", dpi=110)
    os.replace(part, path)
    return path


def _bars(axis: Any, title: str, pairs: Sequence[tuple[float, float]]) -> None:
    """One figure of all layers, before in grey and after on top of it."""
    axis.barh(range(len(pairs)), [before for before, _ in pairs], 0.8, color=_BEFORE, label="before")
    axis.barh(range(len(pairs)), [after for _, after in pairs], 0.5, color=_AFTER, label="after")
    axis.set_title(title, fontsize=9)
    axis.tick_params(axis="x", labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    if title == "channels":
        axis.legend(fontsize=7, frameon=False)
