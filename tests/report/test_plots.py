from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from faceir.report.plots import BOTTOM, HEIGHT, LEFT, RIGHT, SHARES, TOP, WIDTH, Axis, Line, Point, bar, chart, ticks

UNIT = Axis("x", 0, 1, SHARES)


def drawn(*lines: Line, x: Axis = UNIT) -> ElementTree.Element:
    return ElementTree.fromstring(chart("curve", x, UNIT, lines))


def by_class(svg: ElementTree.Element, kind: str, look: str) -> list[ElementTree.Element]:
    return [e for e in svg.iter(kind) if look in e.get("class", "").split()]


@pytest.mark.parametrize(
    ("axis", "value", "share"),
    [
        (UNIT, 0.25, 0.25),
        (UNIT, -3, 0),
        (UNIT, 7, 1),
        (Axis("x", 8, 128, (), log=True), 32, 0.5),
        (Axis("x", 8, 128, (), log=True), 0, 0),
    ],
)
def test_where_values_lie(axis: Axis, value: float, share: float) -> None:
    assert axis.share(value) == pytest.approx(share)


def test_corners_of_the_plot() -> None:
    svg = drawn(Line("a", [Point(0, 0), Point(1, 1)]))
    dots = [(float(e.get("cx", "")), float(e.get("cy", ""))) for e in svg.iter("circle")]
    assert dots == [(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, TOP)]
    (path,) = by_class(svg, "path", "line")
    assert path.get("d") == f"M{LEFT} {HEIGHT - BOTTOM}L{WIDTH - RIGHT} {TOP}"


def test_a_gap_where_nothing_is_known() -> None:
    svg = drawn(Line("a", [Point(0, 0.5), Point(0.2, 0.5), Point(0.4, None), Point(0.6, 0.5, 0.4, 0.9, faint=True)]))
    assert len(by_class(svg, "path", "line")) == 2
    assert (len(list(svg.iter("circle"))), len(by_class(svg, "circle", "faint"))) == (3, 1)
    assert len(by_class(svg, "line", "whisker")) == 1
    assert "nan" not in ElementTree.tostring(svg, encoding="unicode").lower()


def test_no_point_at_all_is_an_empty_plot() -> None:
    svg = drawn(Line("a", []), Line("b", [Point(0.1, None)]))
    assert not list(svg.iter("circle"))
    assert len(by_class(svg, "text", "tick")) == 2 * len(SHARES) + 2


def test_it_is_named_and_names_are_text() -> None:
    text = chart("<script>", Axis("</svg>", 0, 1, ticks([0.5])), UNIT, [Line("&", [])])
    svg = ElementTree.fromstring(text)
    assert (svg.get("role"), svg.get("aria-label"), svg.findtext("title")) == ("img", "<script>", "<script>")
    assert not re.search(r"<script|</svg>.", text)


def test_bars() -> None:
    svg = ElementTree.fromstring(bar("recall", 0.5, 0.25, 0.75, faint=True))
    assert [e.get("width") for e in by_class(svg, "rect", "faint")] == ["80"]
    (whisker,) = by_class(svg, "path", "whisker")
    assert (whisker.get("d") or "").startswith("M42 7H122")
    unknown = ElementTree.fromstring(bar("recall", None, None, None))
    assert [e.get("class") for e in unknown.iter("rect")] == ["ground"]
