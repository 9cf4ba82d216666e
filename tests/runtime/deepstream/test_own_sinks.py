from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import av
import pytest

from faceir.errors import InputError, SpecError
from faceir.runtime.deepstream.app_config import AppConfig, read_app
from faceir.runtime.deepstream.own_sinks import HlsConfig, LinesConfig, WebhookConfig
from faceir.runtime.deepstream.plan import plan
from tests.runtime.deepstream import samples
from tests.runtime.deepstream.test_launch import APP, FRAMES, app_of, config, folder, run
from tests.runtime.sinks.test_messages import web

__all__ = ["folder", "web"]  # fixtures

HOOK = "[webhook0]\nurl=https://example.com/x?token=word\nheaders=Authorization: Bearer word;X-A: b\n"


def read(folder: Path, more: str) -> AppConfig:
    return read_app(samples.write(folder, app=samples.APP + more))


def test_keys_and_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "").own_sinks == ()
    made = read(
        tmp_path,
        "[csv1]\noutput-file=a.csv\nsource-id=0\n[jsonl0]\noutput-file=out/a.jsonl\n[csv2]\nenable=0\n"
        "[hls0]\noutput-folder=www\ncodec=2\nbitrate=500000\nsegment-s=1\nkeep=3\n[hls1]\noutput-folder=w2\n"
        f"{HOOK}timeout-s=2\nframe-interval=5\nfaces-only=1\n",
    )
    assert made.own_sinks == (
        LinesConfig("jsonl0", None, "jsonl", tmp_path / "out" / "a.jsonl"),
        LinesConfig("csv1", 0, "csv", tmp_path / "a.csv"),
        HlsConfig("hls0", None, tmp_path / "www", "h265", 500_000, 1.0, 3),
        HlsConfig("hls1", None, tmp_path / "w2", "h264", 0, 2.0, 6),
        WebhookConfig(
            "webhook0", None, "https://example.com/x?token=word",
            (("Authorization", "Bearer word"), ("X-A", "b")), 2.0, 5, True,
        ),
    )  # fmt: skip
    shown = {step.title: step.lines for step in plan(made, "net", None).sinks}
    assert shown["jsonl0"] == (str(tmp_path / "out" / "a.jsonl"), "a line of JSON a frame")
    assert shown["csv1"][1:] == ("a row a face", "of stream 0 alone")
    assert shown["hls0"] == (str(tmp_path / "www" / "STREAM" / "index.m3u8"), "h265, 0.5 Mbit/s, 3 segments of 1 s")
    assert shown["webhook0"] == ("https://example.com/x?token=***", "our schema, every 5th frame that has faces")


def test_the_yaml_form(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="pip install pyyaml")
    samples.write(tmp_path)
    path = tmp_path / "app.yml"
    path.write_text(
        "primary-gie:\n  enable: 1\n  config-file: config_infer_primary_facedetectir.txt\n"
        "source0:\n  enable: 1\n  type: 3\n  uri: file://film.mp4\n"
        "jsonl0:\n  output-file: a.jsonl\nwebhook0:\n  url: http://localhost:80/\n  headers: ['A: b', 'C: d;e']\n"
    )
    lines, hook = read_app(path).own_sinks
    assert lines == LinesConfig("jsonl0", None, "jsonl", tmp_path / "a.jsonl")
    assert isinstance(hook, WebhookConfig)
    assert hook.headers == (("A", "b"), ("C", "d;e"))


def test_misspelt_keys_and_groups_are_told(tmp_path: Path) -> None:
    notes = read(tmp_path, "[jsonl0]\noutput-file=a\noutput-fille=b\n[hls0]\noutput-folder=w\nsegments=3\n[webhok0]\n")
    assert [(n.name, n.text) for n in notes.notes if n.kind == "unknown"] == [
        ("output-fille", "did you mean output-file?"),
        ("segments", "did you mean segment-s?"),
        ("[webhok0]", "did you mean [webhookN]?"),
    ]


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("[jsonl0]\n", r":\d+: has no output-file; .*type output-file=jsonl0.jsonl"),
        ("[hls0]\n", "has no output-folder"),
        ("[hls0]\noutput-folder=w\nkeep=1\n", "keep=1; wanted 2.."),
        ("[webhook0]\n", r"\[webhook0\] is ''; wanted an address"),
        ("[webhook0]\nurl=ftp://a:hidden@b/\n", r"is 'ftp://b/'; wanted an address that begins with http"),
        ("[webhook0]\nurl=http://a:hid/hidden@b/\n", r"is 'http://b/'; wanted .*; in user and password write @ as %40"),
        ("[webhook0]\nurl=http://a:hidden@b/\nheaders=Authorization: hidden\n", "a user in its address and an Auth"),
        ("[webhook0]\nurl=http://a%3Ab:hidden@b/\n", "has a user with :"),
        ("[webhook0]\nurl=http://a:hidden/\n", r"is 'http://a:\*\*\*/'"),
        ("[webhook0]\nurl=http:///b\n", "is 'http:///b'"),
        ("[webhook0]\nurl=http://b/?token=hidden x\n", "is 'http://b/"),
        ("[webhook0]\nurl=http://b/\\q?token=hidden\n", r"url=http://b/\\q\?token=\*\*\*; wanted"),
        ("[webhook0]\nurl=http://b/\nheaders=A: hidden\\q\n", r"headers=...; wanted"),
        ("[webhook0]\nhttp://a:hidden@b/\n", "is 'http://b/'; wanted"),
        ("[webhook0]\nurl=http://b/\nheaders=A: b;hidden\n", "the 2. of headers is none"),
        ("[jsonl0]\noutput-file=a\n[csv0]\noutput-file=./a\n", r"\[csv0\] writes to .*a, which is \[jsonl0\] too"),
        ("[csv0]\noutput-file=deepstream_app_source1_facedetectir.txt\n", "this configuration too"),
    ],
)
def test_wrong_values_are_told(tmp_path: Path, group: str, said: str) -> None:
    with pytest.raises(SpecError, match=said) as caught:
        read(tmp_path, group)
    assert "hidden" not in str(caught.value)


def test_a_film_to_all_of_them(folder: Path, web: SimpleNamespace) -> None:
    groups = (
        "[jsonl0]\noutput-file=out/faces.jsonl\n[csv0]\noutput-file=faces.csv\n[hls0]\noutput-folder=www\n"
        f"[webhook0]\nurl={web.url}\nheaders=X-Token: abc\nframe-interval=4\n"
    )
    (state,) = run(config(folder, APP + groups))
    assert (state.frames_out, state.sink_errors) == (FRAMES, ())
    lines = [json.loads(line) for line in (folder / "out" / "faces.jsonl").read_text().splitlines()]
    assert [(line["index"], line["source"], len(line["faces"])) for line in lines] == [
        (n, "source0", 1) for n in range(FRAMES)
    ]
    with (folder / "faces.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    boxes = [[float(row[name]) for name in ("x1", "y1", "x2", "y2")] for row in rows]
    assert boxes == [line["faces"][0]["xyxy"] for line in lines]
    with av.open(str(folder / "www" / "source0" / "index.m3u8")) as film:
        assert sum(1 for _ in film.decode(video=0)) == FRAMES
    assert [headers["X-Token"] for headers in web.headers] == ["abc"] * 3
    assert web.got == lines[::4]


def test_two_streams_share_them_unless_one_is_named(folder: Path) -> None:
    app = APP.replace("type=3\nuri", "type=3\nnum-sources=2\nuri")
    groups = "[jsonl0]\noutput-file=all.jsonl\n[csv0]\noutput-file=one.csv\nsource-id=1\n"
    app_ = app_of(config(folder, app + groups))
    assert "JsonLines" in {type(sink).__name__ for sink in app_.stream("more", "rtsp://camera/").sinks}
    app_.run()
    told = [json.loads(line)["source"] for line in (folder / "all.jsonl").read_text().splitlines()]
    assert sorted(told) == ["source0-0"] * FRAMES + ["source0-1"] * FRAMES
    assert {row.split(",")[0] for row in (folder / "one.csv").read_text().splitlines()[1:]} == {"source0-1"}
    with pytest.raises(SpecError, match=r"\[csv0\] is for stream 5; wanted 0..1"):
        app_of(config(folder, app + groups.replace("source-id=1", "source-id=5")))


def test_a_film_is_not_written_over(folder: Path) -> None:
    before = (folder / "film.mp4").read_bytes()
    with pytest.raises(InputError, match=r"is written by \[csv0\] and read by \[source0\]"):
        app_of(config(folder, APP + "[csv0]\noutput-file=film.mp4\n"))
    assert (folder / "film.mp4").read_bytes() == before
