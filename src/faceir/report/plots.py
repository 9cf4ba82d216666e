"""Curves and bars as SVG inside a page, drawn in its style sheet's colours: light, dark and in print.

Built as trees of elements, so that a name is text whatever it holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from xml.etree import ElementTree

__all__ = ["SHARES", "Axis", "Line", "Point", "bar", "chart", "ticks"]

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 26, 44
_Element = ElementTree.Element


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` along one side."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    """Value and what to write there."""
    log: bool = False

    def share(self, value: float) -> float:
        """0..1 of the way from `low` to `high`; what lies beyond is put at the end."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, low))
        return min(max((value - low) / (high - low), 0.0), 1.0)


SHARES = tuple((n / 5, f"{20 * n}") for n in range(6))
"""Ticks of an axis in per cent of values 0..1."""


@dataclass(frozen=True)
class Point:
    """A value and its interval; None = cannot be given, and the line has a gap."""

    x: float
    y: float | None
    low: float | None = None
    high: float | None = None
    faint: bool = False
    """From so little that it says little: hollow."""


@dataclass(frozen=True)
class Line:
    """One curve."""

    name: str
    points: Sequence[Point]
    look: str = "a"
    """Class of the style sheet: a, b, c; "guide" for what was not measured."""
    dots: bool = True


def chart(title: str, x: Axis, y: Axis, lines: Sequence[Line]) -> str:
    """An SVG element with axes, grid, curves, and a legend where there is more than one curve.

    `title` is what a screen reader says of it.
    """
    svg = _svg(title, WIDTH, HEIGHT, "chart")
    for value, text in x.ticks:
        at = _across(x, value)
        _add(svg, "line", "grid", x1=at, x2=at, y1=TOP, y2=HEIGHT - BOTTOM)
        _add(svg, "text", "tick", text, x=at, y=HEIGHT - BOTTOM + 15, **{"text-anchor": "middle"})
    for value, text in y.ticks:
        at = _up(y, value)
        _add(svg, "line", "grid", x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at)
        _add(svg, "text", "tick", text, x=LEFT - 6, y=at + 4, **{"text-anchor": "end"})
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    _add(svg, "text", "label", x.label, x=middle_x, y=HEIGHT - 8, **{"text-anchor": "middle"})
    turned = {"text-anchor": "middle", "transform": f"rotate(-90 14 {middle_y})"}
    _add(svg, "text", "label", y.label, x=14, y=middle_y, **turned)
    for line in lines:
        _draw(svg, x, y, line)
    named = [line for line in lines if line.name]
    for n, line in enumerate(named):
        at = LEFT + n * (WIDTH - LEFT - RIGHT) / len(named)
        _add(svg, "line", f"line {line.look}", x1=at, x2=at + 18, y1=12, y2=12)
        _add(svg, "text", "tick", line.name, x=at + 23, y=16)
    return ElementTree.tostring(svg, encoding="unicode")


def bar(title: str, value: float | None, low: float | None, high: float | None, faint: bool = False) -> str:
    """An SVG element with a share 0..1 as a bar and its interval as a whisker, for a cell of a table."""
    svg = _svg(title, 164, 14, "bar")
    _add(svg, "rect", "ground", x=2, y=2, width=160, height=10)
    if value is not None:
        _add(svg, "rect", "value faint" if faint else "value", x=2, y=2, width=160 * value, height=10)
    if low is not None and high is not None:
        _add(svg, "path", "whisker", d=f"M{_n(2 + 160 * low)} 7H{_n(2 + 160 * high)}"
             f"M{_n(2 + 160 * low)} 3v8M{_n(2 + 160 * high)} 3v8")  # fmt: skip
    return ElementTree.tostring(svg, encoding="unicode")


def _draw(svg: _Element, x: Axis, y: Axis, line: Line) -> None:
    known = [[(p, p.y) for p in run if p.y is not None] for _, run in groupby(line.points, lambda p: p.y is not None)]
    for run in filter(None, known):
        path = "M" + "L".join(f"{_n(_across(x, p.x))} {_n(_up(y, value))}" for p, value in run)
        _add(svg, "path", f"line {line.look}", d=path)
    if not line.dots:
        return
    for p, value in (both for run in known for both in run):
        at = _across(x, p.x)
        if p.low is not None and p.high is not None:
            _add(svg, "line", f"whisker {line.look}", x1=at, x2=at, y1=_up(y, p.low), y2=_up(y, p.high))
        _add(svg, "circle", f"dot {line.look}{' faint' if p.faint else ''}", cx=at, cy=_up(y, value), r=3.5)


def _across(axis: Axis, value: float) -> float:
    return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT)


def _up(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM)


def _svg(title: str, width: int, height: int, look: str) -> _Element:
    box = {"viewBox": f"0 0 {width} {height}", "width": str(width), "height": str(height)}
    svg = _Element("svg", {**box, "class": look, "role": "img", "aria-label": title})
    ElementTree.SubElement(svg, "title").text = title
    return svg


def _add(parent: _Element, kind: str, look: str, text: str | None = None, **values: float | str) -> None:
    stated = {name: value if isinstance(value, str) else _n(value) for name, value in values.items()}
    ElementTree.SubElement(parent, kind, {"class": look, **stated}).text = text


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def ticks(values: Iterable[float]) -> tuple[tuple[float, str], ...]:
    """Ticks that say their value."""
    return tuple((value, f"{value:g}") for value in values)
