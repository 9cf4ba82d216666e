from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from faceir.evaluate.document import Evaluation
from faceir.report.page import render
from faceir.report.pictures import gallery
from tests.report.conftest import NASTY, Night

CHROMIUM = Path("/usr/bin/chromium")
_VOID = {"meta", "link", "img", "br", "image", "line", "rect", "path", "circle"}


class _Outline(HTMLParser):
    """Elements in order, whether all are closed, and what their attributes point to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(night: Night) -> str:
    return render(night.evaluation, gallery(night.evaluation, night.folder, night.judged))


def test_it_is_whole_and_needs_nothing_else(page: str) -> None:
    outline = _Outline(page)
    assert outline.open == []
    tags = {tag for tag, _ in outline.seen}
    assert not tags & {"script", "img", "iframe", "object"}
    for tag, attributes in outline.seen:
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert "url(" not in page
    assert not re.search(r"https?://", page)
    assert len(page) < 3_000_000


def test_names_are_text(page: str) -> None:
    assert NASTY not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.onnx" in page


def test_every_part_is_there(page: str, night: Night) -> None:
    e = night.evaluation
    headings = re.findall(r"<h2[^>]*>([^<]*)", page)
    assert headings == [
        "In short", "Against other.onnx", "Counts", "Curves", "Choosing a threshold",
        "Where it is good and where it fails", "Under faults of the camera", "In films", "The worst, to look at",
        "Other measures, and how it was judged",
    ]  # fmt: skip
    assert f"{e.scores.tp} of the {e.scores.faces} faces that count were found, {e.scores.fn} were missed." in page
    assert f"{100 * (e.scores.recall.value or 0):.1f} %" in page
    assert page.count('class="chart"') == 5
    parts = [part for d in e.slices for part in d.parts]
    assert page.count('class="bar"') == len(parts) + 1 + len(e.scores.by_height) + len(e.scores.by_source)
    assert e.paired is not None
    verdict = e.paired.verdict if e.paired.verdict in ("better", "worse") else "neither better nor worse"
    assert f"<strong>{verdict}" in page


def test_each_picture_can_be_opened_and_is_described(page: str) -> None:
    outline = _Outline(page)
    opened = {a["popovertarget"] for tag, a in outline.seen if tag == "button"}
    assert opened == {a["id"] for tag, a in outline.seen if "popover" in a}
    assert all(a.get("aria-label") for tag, a in outline.seen if tag == "svg")
    ids = [a["id"] for _, a in outline.seen if "id" in a]
    assert len(ids) == len(set(ids))


def test_without_pictures_there_is_none(night: Night) -> None:
    page = render(night.evaluation)
    assert "data:image" not in page
    assert "popovertarget" not in page
    assert night.evaluation.misses[0].picture.split("/")[-1] not in page


def test_parts_that_were_not_measured_are_left_out(night: Night) -> None:
    page = render(replace(night.evaluation, paired=None, stress=None, video=None))
    assert not re.search("Against other|Under faults|In films", page)


def test_what_cannot_be_given_is_a_dash(empty: Evaluation) -> None:
    page = render(empty)
    assert _Outline(page).open == []
    assert "There is no picture: nothing can be given." in page
    assert not re.search(r"<b>(0|100|nan)", page)
    assert "<b>-</b>" in page


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs a browser: {CHROMIUM} is not here")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser(page: str, tmp_path: Path, scheme: str) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    told: list[str] = []
    fetched: list[str] = []
    with api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        tab = browser.new_page(color_scheme=scheme)
        tab.on("console", lambda message: told.append(message.text))
        tab.on("pageerror", lambda error: told.append(str(error)))
        tab.on("dialog", lambda dialog: told.append("dialog") or dialog.dismiss())
        tab.on("request", lambda request: fetched.append(request.url))
        tab.goto(file.as_uri())
        assert tab.locator("[popover]:popover-open").count() == 0
        tab.locator(".gallery button").nth(1).click()
        large = tab.locator("[popover]:popover-open")
        assert large.count() == 1
        size = large.locator("svg").bounding_box()
        assert size is not None
        assert size["width"] > 400
        assert large.locator("rect.truth, rect.missed").count() > 0
        assert tab.evaluate("document.activeElement.textContent") == "Close"
        tab.keyboard.press("Escape")
        assert tab.locator("[popover]:popover-open").count() == 0
        tab.keyboard.press("Enter")  # the focus is back on the small picture
        assert tab.locator("[popover]:popover-open").count() == 1
        tab.locator("[popover]:popover-open button").click()
        assert tab.locator("[popover]:popover-open").count() == 0
        ground, ink = tab.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        assert (sum(map(int, re.findall(r"\d+", ground))) > 600) == (scheme == "light")
        assert (sum(map(int, re.findall(r"\d+", ink))) > 600) == (scheme == "dark")
        assert len(tab.pdf()) > 10_000
        browser.close()
    assert told == []
    assert [url for url in fetched if not url.startswith("data:")] == [file.as_uri()]
