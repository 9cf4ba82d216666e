from __future__ import annotations

from pathlib import Path

import pytest

from faceir.errors import SpecError
from faceir.runtime.deepstream.keyfile import parse
from faceir.runtime.deepstream.source_config import SourceConfig, read_sources, resolve_uri


def sources(text: str, path: str = "/dir/app.txt") -> tuple[SourceConfig, ...]:
    return read_sources(parse(text.encode(), path))


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("file:///a/film.mp4", "/a/film.mp4"),
        ("file://localhost/film.mp4", "/dir/film.mp4"),
        ("file:///a%20b/100%25.mp4", "/a b/100%.mp4"),
        ("file://../film.mp4", "/dir/../film.mp4"),
        ("film.mp4", "/dir/film.mp4"),
        ("file:/a%20b/film.mp4", "/a b/film.mp4"),
        ("file:film.mp4", "/dir/file:film.mp4"),
        ("/film.mp4", "/film.mp4"),
        ("rtsp://user:secret@camera:554/1?x=%20", "rtsp://user:secret@camera:554/1?x=%20"),
        ("HTTP://camera/live.m3u8", "HTTP://camera/live.m3u8"),
        ("file:///film_%d.mp4", "/film_2.mp4"),
        ("rtsp://camera/%03d", "rtsp://camera/002"),
    ],
)
def test_uris(uri: str, wanted: str) -> None:
    assert resolve_uri(uri, "/dir/app.txt", "x:1", 2) == wanted


@pytest.mark.parametrize("uri", ["ftp://host/a", "rtsp://", "rtsp:///a", "http://[", "://"])
def test_uris_that_are_none(uri: str) -> None:
    with pytest.raises(SpecError, match="x:1"):
        resolve_uri(uri, "/dir/app.txt", "x:1")


def test_a_password_is_not_told() -> None:
    with pytest.raises(SpecError) as error:
        resolve_uri("ftp://user:secret@host/a", "/dir/app.txt", "x:1")
    assert "secret" not in str(error.value)


def test_sources_come_in_the_order_of_their_numbers() -> None:
    text = "[source10]\nenable=1\nuri=c\n[source2]\nenable=1\nuri=b\n[source1]\nenable=0\n[source0]\nenable=1\nuri=a\n"
    assert [(s.name, s.where) for s in sources(text)] == [
        ("source0", "/dir/a"), ("source2", "/dir/b"), ("source10", "/dir/c")]  # fmt: skip


def test_one_group_may_be_several() -> None:
    made = sources("[source0]\nenable=1\ntype=3\nnum-sources=3\nuri=file:///a/%d.mp4\n")
    assert [(s.name, s.where) for s in made] == [(f"source0-{n}", f"/a/{n}.mp4") for n in range(3)]
    assert len(sources("[source0]\nenable=1\ntype=2\nnum-sources=3\nuri=file:///a/%d.mp4\n")) == 1
    with pytest.raises(SpecError, match="more than 1024"):
        sources("".join(f"[source{n}]\nenable=1\nnum-sources=1000\nuri=a\n" for n in range(2)))


def test_a_camera_at_this_machine() -> None:
    (camera,) = sources(
        "[source0]\nenable=1\ntype=1\ncamera-width=640\ncamera-height=480\ncamera-fps-n=30\ncamera-fps-d=2\n"
        "camera-v4l2-dev-node=3\nvideo-format=yuy2\n"
    )
    assert (camera.kind, camera.where, camera.size_wh, camera.fps, camera.pixel_format) == (
        "v4l2", "/dev/video3", (640, 480), 15.0, "YUYV")  # fmt: skip
    with pytest.raises(SpecError, match="CSI"):
        sources("[source0]\nenable=1\ntype=5\n")


def test_an_rtsp_camera() -> None:
    (camera,) = sources(
        "[source0]\nenable=1\ntype=4\nuri=rtsp://camera/1\nlatency=200\nselect-rtp-protocol=1\n"
        "rtsp-reconnect-interval-sec=7\nrtsp-reconnect-attempts=3\ndrop-frame-interval=5\n"
    )
    assert (camera.protocol, camera.latency_ms, camera.reconnect_s, camera.reconnect_attempts) == ("udp", 200, 7.0, 3)
    assert camera.every == 5
    with pytest.raises(SpecError, match="no address of RTSP"):
        sources("[source0]\nenable=1\ntype=4\nuri=file:///a.mp4\n")


def test_a_list_of_sources() -> None:
    made = sources(
        "[source-list]\nnum-source-bins=2\nlist=file:///a;rtsp://b/c;file:///never\nsensor-id-list=left\n"
        "[source-attr-all]\nenable=1\ntype=3\nnum-sources=1\nlatency=300\n"
    )
    assert [(s.name, s.where, s.latency_ms) for s in made] == [
        ("left", "/a", 300), ("source-list-1", "rtsp://b/c", 300)]  # fmt: skip
    (door,) = sources("[source-list]\nlist=rtsp://me:hidden@b/c\nsensor-id-list=rtsp://me:hidden@b/c\n"
                      "[source-attr-all]\nenable=1\ntype=3\nnum-sources=1\n")  # fmt: skip
    assert (door.name, door.where) == ("rtsp://b/c", "rtsp://me:hidden@b/c")
    with pytest.raises(SpecError, match="list has 1") as error:
        sources("[source-list]\nnum-source-bins=2\nlist=file:///a\n")
    assert error.value.where == "/dir/app.txt:2"


def test_a_table_of_sources(tmp_path: Path) -> None:
    table = tmp_path / "sources.csv"
    table.write_text("enable,type,uri,num-sources\n1,3,file://a.mp4,1\n0,3,file://b.mp4,1\n\n1,2,rtsp://c/d,\n")
    app = str(tmp_path / "app.yml")
    made = sources("[source]\ncsv-file-path=sources.csv\n", app)
    assert [(s.name, s.where) for s in made] == [("source0", str(tmp_path / "a.mp4")), ("source2", "rtsp://c/d")]
    table.write_text("enable,type,uri\n1,3,file://a.mp4\n1,9,file://b.mp4\n")
    with pytest.raises(SpecError) as error:
        sources("[source]\ncsv-file-path=sources.csv\n", app)
    assert error.value.where == f"{table}:3"
    with pytest.raises(SpecError, match="does not exist"):
        sources("[source]\ncsv-file-path=none.csv\n", app)
    table.write_text(
        "# whose it is, and\n# what may be done with it\nenable,type,uri\n#1,3,file://a.mp4\n1,3,file://b.mp4\n"
    )
    assert [s.where for s in sources("[source]\ncsv-file-path=sources.csv\n", app)] == [str(tmp_path / "b.mp4")]
    table.write_text("1,3,file://a.mp4\n")
    with pytest.raises(SpecError, match="no header") as error:
        sources("[source]\ncsv-file-path=sources.csv\n", app)
    assert error.value.where == f"{table}:1"


@pytest.mark.parametrize(
    "text",
    ["", "[source0]\nenable=1\n", "[source0]\nenable=1\nuri=\n", "[source0]\nenable=1\nuri=ftp://x/y\n"],
)
def test_what_is_missing_is_told(text: str) -> None:
    with pytest.raises(SpecError, match=r"/dir/app\.txt"):
        sources(text)
