"""A plan as a picture: boxes from left to right, arrows between them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from faceir.errors import InputError, need
from faceir.runtime.deepstream.plan import Plan, Step

__all__ = ["save_picture"]

_MOST = 6
"""Boxes on top of each other."""
_LETTERS = 34
"""A line of a box."""
_BOX_W, _GAP_W, _LINE_H, _GAP_H = 2.7, 0.5, 0.19, 0.25  # inches
_COLOURS = ("#dbe9f6", "#e8e8e8", "#dff0d8")  # sources, what lies between, sinks
_ENDINGS = (".png", ".svg", ".pdf")


def save_picture(plan: Plan, path: Path, title: str) -> None:
    """Draw `plan` to `path`, a .png, .svg or .pdf; raises `InputError`, or `MissingExtra` without matplotlib."""
    if path.suffix.lower() not in _ENDINGS:
        raise InputError(path, f"has ending {path.suffix!r}", " ".join(_ENDINGS))
    need("report")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = [_few(plan.sources), *_stacks(plan.line), _few(plan.sinks)]
    colours = [_COLOURS[0], *[_COLOURS[1]] * (len(columns) - 2), _COLOURS[2]]
    heights = [sum(_height(step) for step in column) + _GAP_H * (len(column) - 1) for column in columns]
    width, height = len(columns) * (_BOX_W + _GAP_W) + _GAP_W, max(heights, default=0) + 4 * _GAP_H
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.set_axis_off()
    axes.text(_GAP_W, height - 0.1, title, va="top", fontsize=9, weight="bold")
    middle = (height - 2 * _GAP_H) / 2
    before: list[tuple[float, float]] = []
    for number, (column, colour) in enumerate(zip(columns, colours, strict=True)):
        left, top = _GAP_W + number * (_BOX_W + _GAP_W), middle + heights[number] / 2
        ports = []
        for step in column:
            tall = _height(step)
            _box(axes, left, top - tall, tall, step, colour)
            ports.append((left, top - tall / 2))
            top -= tall + _GAP_H
        for x, y in before:
            for port in ports:
                axes.annotate("", port, (x, y), arrowprops={"arrowstyle": "->", "color": "#555555"})
        before = [(x + _BOX_W, y) for x, y in ports] or before
    part = path.with_name(f".{path.name}.part")
    try:
        figure.savefig(part, format=path.suffix[1:].lower(), dpi=110)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(path, f"cannot be written ({error.strerror})", "a writable folder") from error


def _few(steps: Sequence[Step]) -> list[Step]:
    """At most `_MOST`, and how many more there are."""
    if len(steps) <= _MOST:
        return list(steps)
    return [*steps[: _MOST - 1], Step(f"and {len(steps) - _MOST + 1} more")]


def _stacks(line: Sequence[Step]) -> list[list[Step]]:
    """Each step a column of its own, but clusterings, which stand side by side."""
    columns: list[list[Step]] = []
    for step in line:
        if step.title.startswith("cluster ") and columns and columns[-1][0].title.startswith("cluster "):
            columns[-1].append(step)
        else:
            columns.append([step])
    return [_few(column) for column in columns]


def _text(step: Step) -> list[str]:
    return [part for line in step.lines for part in wrap(line, _LETTERS) or [""]]


def _height(step: Step) -> float:
    return _LINE_H * (len(_text(step)) + 1) + 0.16


def _box(axes: Any, left: float, bottom: float, tall: float, step: Step, colour: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left, bottom), _BOX_W, tall, facecolor=colour, edgecolor="#555555", linewidth=0.8))
    plain = {"va": "top", "parse_math": False}  # a $ in a path is a $
    axes.text(left + 0.1, bottom + tall - 0.07, step.title, fontsize=8.5, weight="bold", **plain)
    for number, text in enumerate(_text(step), 1):
        axes.text(left + 0.1, bottom + tall - 0.07 - number * _LINE_H, text, fontsize=7.5, **plain)
