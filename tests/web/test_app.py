"""The routes, asked as a program would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import cv2
import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from faceir.runtime.live.state import Hang
from faceir.web import Server, make_app
from tests.web.doubles import FakeEngine, make_stream


@contextmanager
def asking(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of a real server."""
    with Server(app, port=0) as server, httpx.Client(base_url=server.url) as client:
        yield client


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def client(engine: FakeEngine) -> Iterator[httpx.Client]:
    with asking(make_app(engine, make_stream)) as client:
        yield client


def test_streams_show_their_state_and_no_password(client: httpx.Client) -> None:
    door, yard = client.get("/streams").json()
    assert (door["name"], door["condition"], door["faces"]) == ("door", "playing", 7)
    assert yard["last_error"] == "rtsp://cam/1: no answer"
    assert yard["sink_errors"] == ["Messages: http://hook/?token=*** is away"]
    assert "hunter2" not in client.get("/streams/yard cam/debug").text + client.get("/metrics").text


def test_a_name_that_holds_a_secret_is_shown_without(client: httpx.Client, engine: FakeEngine) -> None:
    name = "rtsp://bob:hunter2@gate/1?token=hunter2"
    engine.known[name] = replace(engine.known["door"], name=name, shows=f"{name} in colour")
    (*_, gate), metrics = client.get("/streams").json(), client.get("/metrics").text
    assert (gate["name"], gate["shows"]) == ("rtsp://gate/1?token=***", "rtsp://gate/1?token=*** in colour")
    assert 'faceir_frames_decoded_total{stream="rtsp://gate/1?token=***"} 20.0' in metrics
    for told in (client.get("/streams").text, metrics, client.get("/streams/attic/picture.jpg").text):
        assert "gate" in told
        assert "hunter2" not in told


def test_streams_come_and_go(client: httpx.Client, engine: FakeEngine) -> None:
    answer = client.post("/streams", json={"name": "gate", "uri": "rtsp://cam/2"})
    assert (answer.status_code, answer.json()) == (201, {"name": "gate"})
    assert "gate" in engine.known
    again = client.post("/streams", json={"name": "gate", "uri": "rtsp://cam/2"})
    assert again.status_code == 409
    assert client.delete("/streams/yard cam").status_code == 204
    assert [s["name"] for s in client.get("/streams").json()] == ["door", "gate"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"name": "a", "uri": "ftp://joe:secret@cam/"}, 400, "ftp://cam/: is no camera"),
        ({"name": "../x", "uri": "rtsp://cam"}, 422, "pattern"),
        ({"name": "a" * 65, "uri": "rtsp://cam"}, 422, "at most 64"),
        ({"name": "a"}, 422, "Field required"),
        ({"name": "a", "uri": "rtsp://cam", "colour": 1}, 422, "not permitted"),
    ],
)
def test_what_is_wrong_is_said(client: httpx.Client, body: dict[str, object], status: int, words: str) -> None:
    answer = client.post("/streams", json=body)
    assert answer.status_code == status
    assert words in answer.text
    assert "secret" not in answer.text


def test_without_a_maker_nothing_can_be_added(engine: FakeEngine) -> None:
    with asking(make_app(engine)) as client:
        assert client.post("/streams", json={"name": "a", "uri": "rtsp://cam"}).status_code == 403


def test_a_picture_is_the_last_frame_drawn(client: httpx.Client) -> None:
    answer = client.get("/streams/door/picture.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (120, 160, 3)
    assert abs(int(image[5, 5, 1]) - 90) < 4
    assert int(image[60, 40, 1]) > 150  # the edge of the face's box is green
    small = cv2.imdecode(
        np.frombuffer(client.get("/streams/door/picture.jpg?width=80").content, np.uint8), cv2.IMREAD_COLOR
    )
    assert small is not None
    assert small.shape == (60, 80, 3)


def test_no_picture_is_said_in_words(client: httpx.Client) -> None:
    missing = client.get("/streams/yard cam/picture.jpg")
    assert missing.status_code == 404
    assert missing.json()["detail"] == "yard cam has shown no frame so far; it is reconnecting"
    unknown = client.get("/streams/attic/picture.jpg")
    assert unknown.status_code == 404
    assert unknown.json()["detail"] == "there is no stream called attic; there are: door, yard cam"
    assert client.get("/streams/attic/live.mjpg").status_code == client.delete("/streams/attic").status_code == 404


def test_debug_says_what_each_stage_did(client: httpx.Client) -> None:
    door = {row["stage"]: row["says"] for row in client.get("/streams/door/debug").json()}
    assert door["detector"].startswith("asked")
    assert door["faces"] == "1: 0.80 (50 x 70 px)"
    yard = client.get("/streams/yard cam/debug")
    assert yard.json()[0] == {"stage": "source", "says": "reconnecting for 2 s: rtsp://cam/1: no answer"}
    assert client.get("/streams/attic/debug").status_code == 404


def test_what_hangs_is_in_the_state_and_in_the_metrics(client: httpx.Client, engine: FakeEngine) -> None:
    hangs = Hang("sink Hls", 12.5), Hang("sink Hls", 3.0), Hang("detector", 4.0)
    engine.known["door"] = replace(engine.known["door"], hanging=hangs)
    assert client.get("/streams").json()[0]["hanging"][0] == {"part": "sink Hls", "for_s": 12.5}
    families = {f.name: f for f in text_string_to_metric_families(client.get("/metrics").text)}
    samples = families["faceir_stream_hanging_seconds"].samples
    assert {(s.labels["stream"], s.labels["part"]): s.value for s in samples} == {
        ("door", "sink Hls"): 12.5,
        ("door", "detector"): 4.0,
    }


def test_metrics_are_read_by_prometheus(client: httpx.Client) -> None:
    answer = client.get("/metrics")
    families = {f.name: f for f in text_string_to_metric_families(answer.text)}
    decoded = families["faceir_frames_decoded"]
    assert decoded.type == "counter"
    assert {s.labels["stream"]: s.value for s in decoded.samples} == {"door": 20, "yard cam": 0}
    assert families["faceir_frames_decoded"].samples[0].name == "faceir_frames_decoded_total"
    conditions = {
        (s.labels["stream"], s.labels["condition"]) for s in families["faceir_stream_condition"].samples if s.value
    }
    assert conditions == {("door", "playing"), ("yard cam", "reconnecting")}
    assert {s.labels["quantile"] for s in families["faceir_stream_latency_seconds"].samples} == {"0.5", "0.99"}
    for family in families.values():
        assert family.documentation
        assert family.name.startswith("faceir_")


def test_the_token_is_asked_for(engine: FakeEngine) -> None:
    with asking(make_app(engine, make_stream, token="s3cret")) as client:
        paths = ("/streams", "/metrics", "/streams/door/picture.jpg", "/streams/door/live.mjpg")
        assert {client.get(path).status_code for path in paths} == {401}
        assert client.post("/streams", json={"name": "a", "uri": "rtsp://c"}).status_code == 401
        assert client.delete("/streams/door").status_code == 401
        assert client.get("/streams", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/streams", headers={"Authorization": "Basic s3cret"}).status_code == 401
        assert client.get("/streams", headers={"Authorization": "Bearer s3cret"}).status_code == 200
        assert client.get("/").status_code == 200  # the page asks for it
        assert client.get("/health").json() == {"ok": True, "streams": 2, "playing": 1}


def test_other_sites_get_nothing(client: httpx.Client, engine: FakeEngine) -> None:
    rebound = client.get("/streams", headers={"Host": "evil.example"})
    assert rebound.status_code == 403
    forged = client.delete("/streams/door", headers={"Origin": "http://evil.example"})
    assert forged.status_code == 403
    assert "door" in engine.known
    assert client.delete("/streams/door", headers={"Origin": str(client.base_url).rstrip("/")}).status_code == 204
    assert client.get("/streams", headers={"Host": "[::1]:8000"}).status_code == 200


def test_the_page_fetches_from_nowhere_else(client: httpx.Client) -> None:
    answer = client.get("/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "NONCE" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert len(answer.content) < 12_000
