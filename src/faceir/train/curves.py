"""`curves.png`: a run on one page, drawn from its `metrics.jsonl`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["CURVES_NAME", "draw", "rows"]

CURVES_NAME = "curves.png"
_BLUE, _ORANGE, _GREEN = "#0072B2", "#D55E00", "#009E73"


def rows(metrics: Path) -> list[dict[str, Any]]:
    """The records by step; of a step that was trained twice, after a kill, the later one; broken lines are left out."""
    found: dict[int, dict[str, Any]] = {}
    for line in metrics.read_text(encoding="utf-8", errors="replace").splitlines() if metrics.exists() else ():
        try:
            row = json.loads(line)
            found[row["step"]] = row
        except (ValueError, KeyError, TypeError):  # a full disk or a kill cut it off
            continue
    return [found[step] for step in sorted(found)]


def draw(results: Path) -> None:
    """Costs, validation and learning rate over the steps as `results/curves.png`; nothing when nothing was recorded."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seen = rows(results / "metrics.jsonl")
    if not seen:
        return
    figure = Figure(figsize=(10, 7.5), layout="constrained")
    FigureCanvasAgg(figure)
    top, middle, bottom = figure.subplots(3, sharex=True, height_ratios=(3, 3, 1))
    steps = [row["step"] for row in seen]
    for key, name, colour in (("cov_cost", "coverage", _BLUE), ("bbox_cost", "boxes", _ORANGE)):
        values = [row[key] for row in seen]
        top.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
        top.plot(steps, _smooth(values), color=colour, label=f"{name} {_smooth(values)[-1]:.3g}")
    top.set(yscale="log", ylabel="cost, smoothed")
    scored = [(row["step"], row["scores"]) for row in seen if row.get("scores")]
    for key, colour in (("ap", _BLUE), ("recall", _ORANGE), ("precision", _GREEN)):
        points = [(step, 100 * scores[key]) for step, scores in scored if scores.get(key) is not None]
        if points:
            middle.plot(
                *zip(*points, strict=True), "o-", color=colour, markersize=4, label=f"{key} {points[-1][1]:.1f} %"
            )
    middle.set(ylim=(0, 101), ylabel="validation, %")
    if not scored:
        middle.text(0.5, 0.5, "no validation yet", ha="center", va="center", transform=middle.transAxes)
    bottom.plot(steps, [row["rate"] for row in seen], color="black", linewidth=1)
    bottom.set(ylabel="learning rate", xlabel=f"step of {seen[-1]['total_steps']}", ylim=(0, None))
    for axes in (top, middle, bottom):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(loc="best", frameon=False)
    part = results / f"{CURVES_NAME}.part"
    try:
        figure.savefig(part, format="png", dpi=100)
        os.replace(part, results / CURVES_NAME)
    finally:
        part.unlink(missing_ok=True)


def _smooth(values: list[float], share: float = 0.05) -> list[float]:
    """Running means over a window of `share` of all values."""
    import numpy as np

    width = max(round(share * len(values)), 1)
    sums = np.cumsum([0.0, *values])
    first = np.maximum(np.arange(len(values)) + 1 - width, 0)
    last = np.arange(len(values)) + 1
    return [float(v) for v in (sums[last] - sums[first]) / (last - first)]
