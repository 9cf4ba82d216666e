"""A real server: a film over a socket, and the page in a browser."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import httpx
import pytest

from faceir.errors import InputError
from faceir.runtime.live.course import Stream
from faceir.runtime.live.engine import Engine
from faceir.testing import FakeDetector, ListSource
from faceir.web import Server, make_app
from tests.web.doubles import FACE, FakeEngine, frame, make_stream

CHROMIUM = Path("/usr/bin/chromium")


def test_it_starts_serves_and_stops() -> None:
    with Server(make_app(FakeEngine()), port=0) as server:
        assert httpx.get(f"{server.url}/health").json()["ok"] is True
        url = server.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")


def test_others_are_let_in_only_with_a_token() -> None:
    with pytest.raises(InputError, match="token"):
        Server(make_app(FakeEngine()), "0.0.0.0")
    with Server(make_app(FakeEngine(), token="t"), "0.0.0.0", 0, "t") as server:
        port = server.url.rsplit(":", 1)[1]
        assert httpx.get(f"http://127.0.0.1:{port}/streams").status_code == 401


def test_a_port_that_is_taken_is_said() -> None:
    with Server(make_app(FakeEngine()), port=0) as server:
        port = int(server.url.rsplit(":", 1)[1])
        with pytest.raises(InputError, match=f"127.0.0.1:{port}: cannot be served on"):
            Server(make_app(FakeEngine()), port=port)


def test_the_film_shows_each_new_frame_and_ends_with_the_stream() -> None:
    engine = FakeEngine()
    parts = 0
    with (
        Server(make_app(engine), port=0) as server,
        httpx.stream("GET", f"{server.url}/streams/door/live.mjpg") as film,
    ):
        assert film.headers["content-type"].startswith("multipart/x-mixed-replace; boundary=")
        seen = b""
        for data in film.iter_bytes():
            seen += data
            if seen.count(b"\xff\xd9") > parts:
                parts += 1
                if parts == 3:
                    engine.remove("door")
                    del engine.frames["door"]
                else:
                    engine.frames["door"] = frame(parts, 90 + 40 * parts)
    assert parts == 3
    assert seen.count(b"--faceir-frame\r\n") == 3


def test_a_film_that_is_watched_does_not_hold_up_the_end() -> None:
    start_s = time.monotonic()
    with Server(make_app(FakeEngine()), port=0) as server:
        ready = threading.Event()

        def watch() -> None:
            try:
                with httpx.stream("GET", f"{server.url}/streams/door/live.mjpg") as film:
                    for _ in film.iter_bytes():
                        ready.set()
            except httpx.HTTPError:
                pass

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        assert ready.wait(5)
    thread.join(5)
    assert not thread.is_alive()
    assert time.monotonic() - start_s < 8


def test_with_the_real_engine() -> None:
    pictures = [frame(n).gray for n in range(30)]
    engine = Engine(FakeDetector([FACE]))
    app = make_app(engine, lambda name, uri: Stream(name, lambda: ListSource(pictures, name=name)))  # type: ignore[arg-type]
    with engine, Server(app, port=0) as server:
        assert httpx.post(f"{server.url}/streams", json={"name": "list", "uri": "x"}).status_code == 201
        for _ in range(100):
            state = httpx.get(f"{server.url}/streams").json()[0]
            if state["condition"] == "ended":
                break
            time.sleep(0.05)
        assert (state["frames_out"], state["faces"]) == (30, 30)
        assert httpx.get(f"{server.url}/streams/list/picture.jpg").content[:2] == b"\xff\xd8"
        assert httpx.post(f"{server.url}/streams", json={"name": "list", "uri": "x"}).status_code == 409
        assert httpx.delete(f"{server.url}/streams/list").status_code == 204
        assert httpx.get(f"{server.url}/streams").json() == []


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs a browser: {CHROMIUM} is not here")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser(scheme: str) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    engine = FakeEngine()
    told: list[str] = []
    fetched: list[str] = []
    with Server(make_app(engine, make_stream, token="t0ken"), port=0) as server, api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        tab = browser.new_page(color_scheme=scheme)
        tab.on("console", lambda m: told.append(m.text))
        tab.on("pageerror", lambda error: told.append(str(error)))
        tab.on("dialog", lambda dialog: dialog.accept())
        tab.on("request", lambda request: fetched.append(request.url))
        tab.goto(server.url)
        tab.get_by_label("Token").fill("t0ken")
        tab.get_by_label("Token").press("Enter")
        tab.get_by_text("1 of 2 playing").wait_for()
        for _ in range(100):  # the page's policy forbids Playwright's own way of waiting, as it evaluates text
            if tab.evaluate("document.querySelector('article img').naturalWidth") == 160:
                break
            tab.wait_for_timeout(50)
        else:
            pytest.fail("no picture came")
        assert tab.locator("article").count() == 2
        assert "rtsp://cam/1: no answer" in tab.locator("article").nth(1).inner_text()
        engine.frames["door"] = frame(1, 200)
        tab.get_by_label("Name of the new stream").fill("<b>gate</b>")
        tab.get_by_label("Address of the new stream").fill("rtsp://cam/2")
        tab.get_by_role("button", name="Add").click()
        assert "name:" in tab.get_by_role("alert").inner_text()
        tab.get_by_label("Name of the new stream").fill("gate")
        tab.get_by_role("button", name="Add").click()
        tab.get_by_role("heading", name="gate").wait_for()
        tab.get_by_label("Remove gate").click()
        tab.get_by_role("heading", name="gate").wait_for(state="detached")
        ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", ground))) > 600) == (scheme == "light")
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        browser.close()
    # The browser itself tells of the token that it had not, and of the name that was refused.
    assert {re.findall(r"status of (\d+)", words)[0] for words in told} == {"401", "422"}, told
    assert {url for url in fetched if not url.startswith((server.url, "data:", "blob:"))} == set()
