"""Viewers by WebRTC: peers in Python, and a real browser."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

pytest.importorskip("aiortc", reason="needs the extra webrtc")

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from fastapi import HTTPException

from faceir.web import Server, make_app, webrtc
from faceir.web.webrtc import Viewers
from tests.web.doubles import FakeEngine, frame, make_stream
from tests.web.test_server import CHROMIUM


def peer() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


async def offer(viewer: RTCPeerConnection, *kinds: str) -> str:
    for kind in kinds:
        viewer.addTransceiver(kind, "recvonly")
    await viewer.setLocalDescription(await viewer.createOffer())
    return viewer.localDescription.sdp


async def watch(viewer: RTCPeerConnection, sdp: str, answer: Callable[[str], Awaitable[dict[str, str]]]) -> Any:
    """The track that `viewer` is shown."""
    tracks: list[Any] = []
    viewer.on("track", tracks.append)
    await viewer.setRemoteDescription(RTCSessionDescription(**await answer(sdp)))
    return tracks[0]


async def until(true: Callable[[], bool], within_s: float = 8.0) -> None:
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s, "it never came true"
        await asyncio.sleep(0.01)


async def drain(track: Any) -> None:
    while True:
        await track.recv()


def bound(sdp: str) -> list[tuple[str, int]]:
    """Which of the addresses that an answer gives are taken, IPv4 only; all are again once their peer is closed."""
    words = [line.split() for line in sdp.splitlines() if line.startswith("a=candidate") and "." in line.split()[4]]
    taken = []
    for where in [(word[4], int(word[5])) for word in words]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(where)
            except OSError:
                taken.append(where)
    return taken


def level(picture: Any) -> float:
    """Mean brightness 0..255 of what was received, above the face."""
    return float(picture.to_ndarray(format="rgb24")[1:5].mean())


@contextmanager
def moving(engine: FakeEngine, fps: float = 25.0) -> Iterator[None]:
    """The stream "door" shows a new picture, of another brightness, `fps` times a second."""
    over = threading.Event()

    def feed() -> None:
        number = 0
        while not over.wait(1 / fps):
            number += 1
            engine.frames["door"] = frame(number, 40 + number * 20 % 200)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_two_viewers_see_each_new_picture_and_leave() -> None:
    engine = FakeEngine()
    app = make_app(engine, token="t0ken")

    async def look(url: str) -> None:
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": "Bearer t0ken"}) as client:

            async def answer(sdp: str) -> dict[str, str]:
                said = await client.post("/streams/door/webrtc", json={"type": "offer", "sdp": sdp, "width": 80})
                assert said.status_code == 200, said.text
                ways = [line for line in said.json()["sdp"].splitlines() if line.startswith("a=candidate")]
                assert ways
                assert all("typ host" in way for way in ways), "no server elsewhere was asked"
                return dict(said.json())

            both = peer(), peer()
            tracks = [await watch(viewer, await offer(viewer, "video"), answer) for viewer in both]
            for wanted in (200, 60):
                engine.frames["door"] = frame(wanted, wanted)
                for track in tracks:
                    for _ in range(50):
                        picture = await asyncio.wait_for(track.recv(), 8)
                        if abs(level(picture) - wanted) < 8:
                            break
                    else:
                        pytest.fail(f"brightness {wanted} never came")
                    assert (picture.width, picture.height) == (80, 60)
            assert len(app.state.viewers) == 2
            await both[0].close()
            await until(lambda: len(app.state.viewers) == 1)
            engine.remove("door")
            del engine.frames["door"]
            await until(lambda: len(app.state.viewers) == 0)
            with pytest.raises(MediaStreamError):
                await asyncio.wait_for(drain(tracks[1]), 8)
            await both[1].close()

    with Server(app, port=0, token="t0ken") as server:
        asyncio.run(look(server.url))


def test_the_server_ends_though_somebody_watches() -> None:
    app = make_app(FakeEngine())

    async def look(server: Server) -> None:
        viewer = peer()
        async with httpx.AsyncClient(base_url=server.url) as client:

            async def answer(sdp: str) -> dict[str, str]:
                return dict((await client.post("/streams/door/webrtc", json={"type": "offer", "sdp": sdp})).json())

            track = await watch(viewer, await offer(viewer, "video"), answer)
            await asyncio.wait_for(track.recv(), 8)
        start_s = time.monotonic()
        await asyncio.to_thread(server.__exit__)
        assert time.monotonic() - start_s < 4
        assert len(app.state.viewers) == 0
        await viewer.close()

    with Server(app, port=0) as server:
        asyncio.run(look(server))


def test_who_is_slow_gets_the_newest_picture_and_holds_nobody() -> None:
    engine = FakeEngine()

    async def look() -> None:
        track = webrtc._track(engine, "door", 0)
        times, seen = [], []
        for n in range(4):
            for number in range(10):  # as fast as they come, whoever looks
                engine.frames["door"] = frame(10 * n + number, 50 + 10 * n + number)
            picture = await track.recv()
            seen.append(level(picture))
            times.append(picture.pts)
        assert np.allclose(seen, [59, 69, 79, 89], atol=3)
        assert times == sorted(set(times))

    asyncio.run(look())


def test_a_picture_that_stands_still_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "_AGAIN_S", 0.2)

    async def look() -> None:
        track = webrtc._track(FakeEngine(), "door", 0)
        first, second = await track.recv(), await track.recv()
        assert 0.2 <= (second.pts - first.pts) / 90_000 < 1

    asyncio.run(look())


def test_there_are_never_more_than_the_most() -> None:
    async def look() -> None:
        viewers, first, second = Viewers(FakeEngine(), most=1), peer(), peer()
        offers = await offer(first, "video"), await offer(second, "video")
        answers = await asyncio.gather(*(viewers.answer("door", sdp, 0) for sdp in offers), return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, HTTPException)]
        assert [error.status_code for error in refused] == [503]
        assert "1 viewers" in refused[0].detail
        assert len(viewers) == 1
        for side in (viewers, first, second):
            await side.close()
        assert len(viewers) == 0

    asyncio.run(look())


def test_who_never_comes_through_gives_up_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "_CONNECT_S", 0.1)

    async def look() -> None:
        viewers, viewer = Viewers(FakeEngine()), peer()
        await viewers.answer("door", await offer(viewer, "video"), 0)
        assert len(viewers) == 1
        await until(lambda: len(viewers) == 0)
        await viewers.close()
        await viewer.close()

    asyncio.run(look())


@pytest.mark.parametrize("leaves", ["while it is closed", "as it is closed", "before"])
def test_who_is_away_holds_no_socket(leaves: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "_CONNECT_S", 60.0 if leaves == "as it is closed" else 0.0)

    async def look() -> None:
        viewers, viewer = Viewers(FakeEngine()), peer()
        said = await viewers.answer("door", await offer(viewer, "video"), 0)
        assert bound(said["sdp"])
        while leaves == "while it is closed" and len(viewers):  # to the very step at which it begins to leave
            await asyncio.sleep(0)
        if leaves == "before":
            await until(lambda: not bound(said["sdp"]))
        await viewers.close()
        assert not bound(said["sdp"])
        await viewer.close()

    asyncio.run(look())


def test_it_takes_nothing_from_a_viewer() -> None:
    async def look() -> None:
        viewers, viewer = Viewers(FakeEngine()), peer()
        viewer.addTransceiver("audio", "sendrecv")
        said = await viewers.answer("door", await offer(viewer, "video"), 0)
        media = said["sdp"].split("m=")[1:]
        assert [("a=inactive" in part, "a=sendonly" in part) for part in media] == [(True, False), (False, True)]
        await viewers.close()
        await viewer.close()

    asyncio.run(look())


@pytest.mark.parametrize("kinds", [(), ("audio",)])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda sdp: sdp,
        lambda sdp: sdp[: len(sdp) // 2],
        lambda sdp: "v=0",
        lambda sdp: sdp.replace("BUNDLE ", "BUNDLE x "),  # a peer made of it cannot even be closed
    ],
)
def test_an_offer_that_wants_no_video_is_refused_in_words(kinds: tuple[str, ...], spoil: Callable[[str], str]) -> None:
    async def look() -> None:
        viewers, viewer = Viewers(FakeEngine()), peer()
        if not kinds:
            viewer.createDataChannel("x")
        with pytest.raises(HTTPException, match="cannot be answered") as refused:
            await viewers.answer("door", spoil(await offer(viewer, *kinds)), 0)
        assert refused.value.status_code == 400
        assert len(viewers) == 0
        await viewers.close()
        await viewer.close()

    asyncio.run(look())


def test_the_same_rules_hold_as_for_the_other_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"type": "offer", "sdp": "v=0"}
    with Server(make_app(FakeEngine(), token="t0ken"), port=0) as server:
        where = f"{server.url}/streams/door/webrtc"
        mine = {"Authorization": "Bearer t0ken"}
        assert httpx.post(where, json=body).status_code == 401
        assert httpx.post(where, json=body, headers={**mine, "Origin": "http://evil.example"}).status_code == 403
        assert httpx.post(where.replace("door", "attic"), json=body, headers=mine).status_code == 404
        for wrong in ({"type": "answer"}, {"width": 0}, {"sdp": ""}, {"sdp": "x" * 70_000}):
            assert httpx.post(where, json=body | wrong, headers=mine).status_code == 422
        assert httpx.post(where, json=body, headers=mine).status_code == 400
        monkeypatch.setattr("faceir.web.app.installed", lambda: False)
        missing = httpx.post(where, json=body, headers=mine)
        assert missing.status_code == 501
        assert "pip install 'faceir[webrtc]'" in missing.json()["detail"]
        assert "canWebrtc = false" in httpx.get(server.url).text


@pytest.mark.slow
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs a browser: {CHROMIUM} is not here")
def test_the_page_plays_it_and_says_so() -> None:
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    engine, told = FakeEngine(), []
    app = make_app(engine, make_stream, token="t0ken")
    look = """(() => {
        const video = document.querySelector("article video"), canvas = document.createElement("canvas");
        if (!video) return [0, 0, 0, "", ""];
        canvas.width = canvas.height = 8;
        const pen = canvas.getContext("2d");
        pen.drawImage(video, 0, 0, 20, 20, 0, 0, 8, 8);
        return [video.videoWidth, video.currentTime, pen.getImageData(4, 4, 1, 1).data[0],
            document.querySelector(".by").textContent, document.querySelector(".by").title];
    })()"""

    def wait_for(true: Callable[[list[Any]], bool]) -> list[Any]:
        for _ in range(200):
            seen: list[Any] = tab.evaluate(look)
            if true(seen):
                return seen
            tab.wait_for_timeout(50)
        pytest.fail(f"it never came true: {seen}, {told}")

    with moving(engine), Server(app, port=0, token="t0ken") as server, api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        tab = browser.new_page()
        tab.on("pageerror", lambda error: told.append(str(error)))
        tab.goto(server.url)
        tab.get_by_label("Token").fill("t0ken")
        tab.get_by_label("Token").press("Enter")
        wait_for(lambda seen: seen[3] == "WebRTC" and seen[0] == 160)
        first_s, levels = tab.evaluate(look)[1], set()
        wait_for(lambda seen: levels.add(seen[2] // 10) or len(levels) >= 4)  # type: ignore[func-returns-value]
        assert wait_for(lambda seen: seen[1] > first_s + 1)
        tab.goto("about:blank")
        for _ in range(100):
            if not len(app.state.viewers):
                break
            tab.wait_for_timeout(50)
        assert len(app.state.viewers) == 0
        app.state.viewers._most = 0
        tab.goto(server.url)
        assert "viewers are here already" in wait_for(lambda seen: seen[3] == "pictures" and seen[4])[4]
        browser.close()
    assert told == []
