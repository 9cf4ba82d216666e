"""The check page: text is text, it fetches nothing, and in a browser its corrections are saved and applied."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.data import kitti
from faceir.data.check.corrections import plan, read_corrections, write
from faceir.data.check.finding import RULES
from faceir.data.check.rejected import read_rejections
from faceir.data.check.run import check_labels
from faceir.report.check_page import render, sheets

CHROMIUM = Path("/usr/bin/chromium")
TAIL = " 0 0 0 0 0 0 0\n"
GOOD = "face 0 0 0 100 50 140 100" + TAIL
TEXTS = {
    "twice": GOOD + "face 0 0 0 101 51 141 101" + TAIL,
    "outside": GOOD + "face 0 0 0 350 50 390 100" + TAIL,
    "capital": "FACE 0 0 0 100 50 140 100" + TAIL,
    "<b>&": "f<script>alert(1)</script> 0 0 0 100 50 140 100" + TAIL,
    "good": GOOD,
    "unknown": GOOD.replace("face 0 0", "face 0 -1"),
}


@pytest.fixture
def folder(tmp_path):
    for name in ("images", "labels"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for name, text in TEXTS.items():
        cv2.imwrite(str(tmp_path / "data" / "images" / f"{name}.png"), np.full((240, 384), 90, np.uint8))
        (tmp_path / "data" / "labels" / f"{name}.txt").write_text(text)
    return tmp_path / "data"


def page_of(folder, most=200):
    checked = check_labels(kitti.find(folder), folder, ("face",), RULES, 1)
    return render(checked, sheets(checked.ranked(), kitti.find(folder), folder, most), "data <x>")


class _Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.scripts, self.addresses = 0, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        self.addresses += [value for name, value in attrs if name in ("src", "href")]


def test_names_are_text_and_nothing_comes_from_elsewhere(folder):
    page = page_of(folder)
    tags = _Tags(page)
    assert tags.scripts == 2
    assert all(address.startswith("data:") for address in tags.addresses)
    assert "<script>alert" not in page
    assert "data &lt;x&gt;" in page


def test_the_worst_first_and_no_more_than_asked_for(folder):
    page = page_of(folder)
    assert "occlusion-missing" in page  # in the table; it asks for no decision
    shown = re.findall(r"<h3>images/(.*?)\.png</h3>", page)
    assert shown == ["twice", "outside", "&lt;b&gt;&amp;", "capital"]
    assert re.findall(r"<h3>images/(.*?)\.png</h3>", page_of(folder, 1)) == ["twice"]


def test_a_picture_that_cannot_be_shown_is_listed(folder):
    (folder / "images" / "good.png").write_bytes(b"no picture")
    page = page_of(folder)
    assert "This picture cannot be shown." in page
    assert "picture-unreadable" in page


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs a browser: {CHROMIUM} is not here")
def test_in_a_browser(folder, tmp_path):
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    file = tmp_path / "check.html"
    file.write_text(page_of(folder), encoding="utf-8")
    told, fetched = [], []
    with api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        tab = browser.new_page()
        tab.on("console", lambda message: told.append(message.text))
        tab.on("pageerror", lambda error: told.append(str(error)))
        tab.on("request", lambda request: fetched.append(request.url))
        tab.goto(file.as_uri())
        status = tab.locator("#status")
        count = tab.locator(".finding").count()
        assert status.inner_text() == f"0 accepted, 0 rejected of {count}"
        tab.keyboard.press("j")
        first = tab.locator(".finding:focus")
        assert first.get_attribute("data-code") == "box-duplicate"
        assert tab.locator("rect.lit").count() == 1
        tab.keyboard.press("a")  # and on to the next finding
        assert tab.locator(".finding:focus").get_attribute("data-code") == "box-outside"
        assert status.inner_text().startswith("1 accepted")
        tab.keyboard.press("a")
        assert tab.locator(".finding:focus").get_attribute("data-code") == "class-unknown"
        tab.keyboard.press("r")
        tab.locator("[data-code=class-case] .accept").click()
        tab.locator("[data-code=class-case]").focus()
        tab.keyboard.press("u")
        assert status.inner_text() == f"2 accepted, 1 rejected of {count}"
        tab.locator("#rule").select_option("class-case")
        assert tab.locator("article:visible").count() == 1
        tab.locator("#rule").select_option("")
        assert tab.locator("article:visible").count() == 4
        tab.reload()
        assert status.inner_text() == f"2 accepted, 1 rejected of {count}"
        with tab.expect_download() as saved:
            tab.locator("#save").click()
        saved.value.save_as(tmp_path / "corrections.json")
        assert saved.value.suggested_filename == "corrections.json"
        browser.close()
    assert told == []
    assert all(url.startswith(("data:", "blob:", file.as_uri())) for url in fetched)
    (rejected,) = json.loads((tmp_path / "corrections.json").read_text())["rejected"]
    assert rejected["code"] == "class-unknown"
    assert len(rejected["xyxy"]) == 4
    assert read_rejections(tmp_path / "corrections.json", folder)[1] == 0  # none without the box it means
    given = read_corrections(tmp_path / "corrections.json")
    write(folder, given, plan(folder, given))
    assert (folder / "labels" / "twice.txt").read_text() == GOOD
    assert "350 50 384.000" not in (folder / "labels" / "outside.txt").read_text()
    assert "384.000" in (folder / "labels" / "outside.txt").read_text()
    assert (folder / "labels" / "capital.txt").read_text() == TEXTS["capital"]
    assert plan(folder, given).texts == {}
