from __future__ import annotations

import base64
import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faceir import errors
from faceir.detections import Detections
from faceir.errors import InputError, MissingExtra
from faceir.flow import Frame
from faceir.runtime.sinks import Kafka, Messages, Mqtt, Webhook, deepstream_minimal
from faceir.runtime.sinks import messages as messages_module

PICTURE = np.zeros((4, 4), np.uint8)


def frame(index: int, source: str = "cam", found: Detections | None = None, time_s: float = 1.7e9) -> Frame:
    return Frame.of(PICTURE, source=source, index=index, time_s=time_s, detections=found or Detections())


def wait_for(what: Callable[[], Any], timeout_s: float = 10.0) -> None:
    until_s = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < until_s, "waited in vain"
        time.sleep(0.01)


class Post:
    """A carrier that can be told to be away, and to take `at_once` messages at most."""

    def __init__(self) -> None:
        self.away, self.at_once, self.refused = False, 100, 0
        self.got: list[bytes] = []

    def deliver(self, messages: Sequence[bytes], timeout_s: float) -> int:
        if self.away:
            raise ConnectionError("nobody there")
        self.got += messages[: self.at_once]
        return min(len(messages), self.at_once)

    def close(self) -> None:
        pass

    def indices(self) -> list[int]:
        return [json.loads(m)["index"] for m in self.got]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages_module, "_RETRY_S", (0.02, 0.1))


@pytest.mark.parametrize("at_once", [1, 7, 100])
def test_every_message_once_and_in_order(tmp_path: Path, at_once: int) -> None:
    post = Post()
    post.at_once = at_once
    with Messages(post, tmp_path / "s") as sink:
        for n in range(50):
            sink.write(frame(n))
            post.away = n % 20 > 10
        post.away = False
    assert post.indices() == list(range(50))
    assert (sink.state.waiting, sink.state.delivered, sink.state.lost) == (0, 50, 0)
    assert list(tmp_path.iterdir()) == []


def test_what_waits_goes_out_in_the_next_run(tmp_path: Path) -> None:
    post = Post()
    post.away = True
    with Messages(post, tmp_path / "s", linger_s=0) as sink:
        for n in range(5):
            sink.write(frame(n))
        wait_for(lambda: sink.state.last_error == "nobody there")
        assert sink.state.waiting == 5
    post.away = False
    with Messages(post, tmp_path / "s") as sink:
        sink.write(frame(5))
    assert post.indices() == list(range(6))


def test_the_limit_keeps_the_oldest_and_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    post = Post()
    post.away = True
    with caplog.at_level(logging.WARNING), Messages(post, tmp_path / "s", limit_bytes=1000, linger_s=0) as sink:
        for n in range(50):
            sink.write(frame(n))
        kept = sink.state.waiting
        assert kept + sink.state.lost == 50
        assert 5 < kept < 20
        post.away = False
        wait_for(lambda: sink.state.waiting == 0)
        sink.write(frame(50))
        wait_for(lambda: sink.state.waiting == 0)
    assert post.indices() == [*range(kept), 50]
    assert [r.message for r in caplog.records if "its limit" in r.message] == [
        f"{tmp_path / 's'}: 1000 bytes wait, which is its limit; new messages are lost"
    ]


def test_an_error_that_nobody_foresaw_is_told_and_tried_again(tmp_path: Path) -> None:
    post, deliver = Post(), Post.deliver
    post.deliver = lambda *_: 1 // 0  # type: ignore[method-assign]
    with Messages(post, tmp_path / "s") as sink:
        sink.write(frame(0))
        wait_for(lambda: "by zero" in sink.state.last_error)
        post.deliver = lambda *given: deliver(post, *given)  # type: ignore[method-assign]
    assert post.indices() == [0]


def test_write_does_not_wait_for_who_takes_it(tmp_path: Path) -> None:
    post = Post()
    free = threading.Event()
    post.deliver = lambda messages, timeout_s: free.wait(20) and len(messages)  # type: ignore[method-assign,assignment,return-value]
    with Messages(post, tmp_path / "s") as sink:
        start_s = time.perf_counter()
        for n in range(200):
            sink.write(frame(n))
        assert time.perf_counter() - start_s < 5
        free.set()


def test_which_frames_are_told(tmp_path: Path) -> None:
    post = Post()
    with Messages(post, tmp_path / "s", every=3) as sink:
        for n in range(20):
            sink.write(frame(n, "ab"[n % 2]))
    assert post.indices() == [0, 1, 6, 7, 12, 13, 18, 19]
    post.got.clear()
    with Messages(post, tmp_path / "s", faces_only=True) as sink:
        sink.write(frame(0))
        sink.write(frame(1, found=Detections([[1, 2, 3, 4]])))
    assert post.indices() == [1]
    with pytest.raises(InputError, match="1 or more"):
        Messages(post, tmp_path / "s", every=0)


def test_deepstreams_minimal_schema() -> None:
    found = Detections([[1.5, 2, 30.25, 1234.5678], [0, 0, 1, 1]], [0.9, 0.8], track_ids=[957, -1])
    assert deepstream_minimal(frame(12, "front", found, 1523422799.828), ("face",)) == {
        "version": "4.0",
        "id": "12",
        "@timestamp": "2018-04-11T04:59:59.828Z",
        "sensorId": "front",
        "objects": ["957|1.5|2|30.25|1234.57|face", f"{2**64 - 1}|0|0|1|1|face"],
    }
    film = deepstream_minimal(frame(0, time_s=3.0))
    assert film["objects"] == []
    assert re.fullmatch(r"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", film["@timestamp"])


@pytest.fixture
def web() -> Iterator[SimpleNamespace]:
    """A web server whose next answers are `answers`, then 204, and what it was sent."""
    told = SimpleNamespace(answers=[], got=[], headers=[], location="", gets=0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = told.answers.pop(0) if told.answers else 204
            if code < 300:
                told.got.append(json.loads(body))
                told.headers.append(dict(self.headers))
            self.send_response(code)
            if 300 <= code < 400:
                self.send_header("Location", told.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            told.gets += 1
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/faces"
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_gets_all_once_whatever_it_answers(tmp_path: Path, web: SimpleNamespace) -> None:
    web.answers = [204, 500, 503, 200, 429, 201]
    with Messages(Webhook(web.url, {"Authorization": "Bearer x"}), tmp_path / "s", linger_s=10) as sink:
        for n in range(6):
            sink.write(frame(n))
    assert [m["index"] for m in web.got] == list(range(6))
    assert web.headers[0]["Content-Type"] == "application/json"
    assert web.headers[0]["Authorization"] == "Bearer x"


def test_a_webhook_that_refuses_stops_nothing(tmp_path: Path, web: SimpleNamespace) -> None:
    web.answers = [204, 400, 404, 204]
    with Messages(Webhook(web.url), tmp_path / "s", linger_s=10) as sink:
        for n in range(4):
            sink.write(frame(n))
    assert [m["index"] for m in web.got] == [0, 3]
    assert (sink.state.refused, sink.state.waiting) == (2, 0)


def test_a_webhook_that_is_away(tmp_path: Path) -> None:
    with Messages(Webhook("http://127.0.0.1:9/"), tmp_path / "s", linger_s=0) as sink:
        sink.write(frame(0))
        wait_for(lambda: sink.state.last_error)
        assert "webhook cannot be reached" in sink.state.last_error
        assert sink.state.waiting == 1
    with pytest.raises(InputError, match="begins with http"):
        Webhook("mqtt://a")


def test_a_webhook_logs_in_and_never_shows_with_what(
    tmp_path: Path, web: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    web.answers = [404, 503, 204]
    url = web.url.replace("://", "://me:hid%40d%3A%2Fen%C3%B6@")
    with Messages(Webhook(url, {"X-A": "b"}), tmp_path / "s", linger_s=10) as sink:
        for n in range(3):
            sink.write(frame(n))
    assert [m["index"] for m in web.got] == [1, 2]
    for headers in web.headers:
        assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == "me:hid@d:/enö"
        assert headers["X-A"] == "b"
    for shown in (caplog.text, repr(sink.state)):
        assert "hid" not in shown
    with pytest.raises(InputError, match=r"the 2\. of its headers is none") as caught:
        Webhook(web.url, {"X-A": "b", "Authorization": "hidden\r\nX-B: c"})
    assert "hidden" not in str(caught.value)


def test_a_webhook_goes_nowhere_else(tmp_path: Path, web: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    """A GET elsewhere, without the message, would be taken for delivered, and bring the login along."""
    web.answers, web.location = [301, 302, 204], f"{web.url}?token=hidden"
    with Messages(Webhook(web.url, {"Authorization": "Bearer x"}), tmp_path / "s", linger_s=10) as sink:
        for n in range(3):
            sink.write(frame(n))
    assert [m["index"] for m in web.got] == [2]
    assert (sink.state.refused, web.gets) == (2, 0)
    assert f"301 Moved Permanently, see {web.url}?token=***" in caplog.text


class FakeProducer:
    """As confluent_kafka.Producer: told of each message's fate in `flush`."""

    down = True
    got: list[bytes] = []  # noqa: RUF012

    def __init__(self, settings: dict[str, str]) -> None:
        assert settings["bootstrap.servers"] == "a:9092"
        self._waiting: list[tuple[bytes, Callable[[Any, Any], None]]] = []

    def produce(self, topic: str, message: bytes, on_delivery: Callable[[Any, Any], None]) -> None:
        assert topic == "faces"
        self._waiting.append((message, on_delivery))

    def flush(self, timeout_s: float) -> int:
        for message, told in self._waiting:
            if not FakeProducer.down:
                FakeProducer.got.append(message)
            told("timed out" if FakeProducer.down else None, None)
        self._waiting.clear()
        return 0


def test_kafka(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(Producer=FakeProducer, __spec__=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "confluent_kafka", fake)
    with Messages(Kafka("a:9092", "faces"), tmp_path / "s", linger_s=5) as sink:
        for n in range(4):
            sink.write(frame(n))
        wait_for(lambda: sink.state.last_error == "Kafka: timed out")
        FakeProducer.down = False
    assert [json.loads(m)["index"] for m in FakeProducer.got] == [0, 1, 2, 3]


def test_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"paho; type: pip install 'faceir\[mqtt\]'"):
        Mqtt("a", "b")
    with pytest.raises(MissingExtra, match=r"pip install 'faceir\[kafka\]'"):
        Kafka("a:9092", "b")
