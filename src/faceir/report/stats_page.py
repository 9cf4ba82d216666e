"""The numbers of a data set as a picture of plots and as one web page."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceir.data.stats import LOOKS, Histogram, Stats
from faceir.errors import need
from faceir.report.files import template

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw", "render", "write_png"]

_COLOUR = "#1f5fbf"


def draw(stats: Stats, title: str) -> bytes:
    """All plots as one PNG. Raises `MissingExtra` without matplotlib."""
    need("report")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 11), layout="constrained")
    FigureCanvasAgg(figure)
    places: Any = figure.subplots(4, 3).ravel()
    figure.suptitle(f"{title}: {stats.pictures:,} pictures, {stats.faces:,} faces")
    for axes, histogram in zip(places, stats.histograms(), strict=False):
        _bars(axes, histogram)
    heat = places[6].imshow(stats.heat(), aspect="auto", cmap="viridis", extent=(0, 100, 100, 0))
    places[6].set(title="middle of the faces", xlabel="% of the width", ylabel="% of the height")
    figure.colorbar(heat, ax=places[6])
    looks = np.array(stats.looks, np.float64).reshape(-1, len(LOOKS))
    for axes, name, values in zip(places[7:], LOOKS, looks.T, strict=False):
        axes.hist(values, bins=40, color=_COLOUR)
        axes.set(title=f"{name} of {stats.looked_at:,} pictures", ylabel="pictures")
    for axes in places[7 + len(LOOKS) :]:
        axes.set_axis_off()
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=100, metadata={"Software": None})
    return out.getvalue()


def _bars(axes: Axes, histogram: Histogram) -> None:
    axes.bar(range(len(histogram.parts)), histogram.counts, color=_COLOUR)
    axes.set_xticks(range(len(histogram.parts)), histogram.parts, rotation=45, ha="right", fontsize=8)
    axes.set_title(f"{histogram.name}{f', {histogram.unit}' if histogram.unit else ''}")


def write_png(data: bytes, path: str | Path) -> None:
    """The plots as a file, whole or not at all; its folder is made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)


def render(stats: Stats, plots: bytes, title: str) -> str:
    """The page as HTML text."""
    return template("stats.html.j2", escape=True).render(
        title=title,
        s=stats,
        histograms=stats.histograms(),
        looks=stats.look_quantiles(),
        plots=base64.b64encode(plots).decode(),
    )
