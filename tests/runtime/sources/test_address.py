from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.errors import FaceirError, InputError
from faceir.runtime.sources import addresses, expand, is_device, open_source
from faceir.runtime.sources.address import local
from tests.runtime.sources.media import MakeVideo, encoded, frames_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.png", "a.jpg", "C.PNG", ".hidden.png"):
        (tmp_path / name).write_bytes(encoded(Path(name).suffix.lower()))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "d.png").write_bytes(encoded(".png"))
    return tmp_path


def test_a_folder_gives_its_pictures_sorted_and_no_deeper(folder: Path) -> None:
    assert [Path(f.source).name for f in frames_of(folder)] == ["C.PNG", "a.jpg", "b.png"]


def test_a_glob_gives_what_it_matches(folder: Path) -> None:
    assert [Path(f.source).name for f in frames_of(f"{folder}/*.png")] == ["b.png"]
    assert [Path(p).name for p in expand(f"{folder}/*/*.png")] == ["d.png"]


def test_a_name_with_brackets_is_a_file_first(tmp_path: Path) -> None:
    (tmp_path / "a[1].png").write_bytes(encoded(".png"))
    assert len(frames_of(tmp_path / "a[1].png")) == 1


def test_a_bad_picture_in_a_folder_ends_it_or_is_handed_over(folder: Path) -> None:
    (folder / "abc.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"abc\.png"):
        frames_of(folder)
    bad: list[FaceirError] = []
    assert len(frames_of(folder, on_bad=bad.append)) == 3
    assert [Path(error.where).name for error in bad] == ["abc.png"]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("empty", "holds no pictures or videos"),
        ("none*.png", "matches no file"),
        ("ftp://host/a.mp4", "has scheme ftp://"),
        ("two", "holds 2 videos"),
    ],
)
def test_bad_places(tmp_path: Path, make_video: MakeVideo, where: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "two").mkdir()
    for name in "ab":
        make_video(tmp_path / "two" / f"{name}.mp4", frames=1)
    with pytest.raises(InputError) as caught:
        open_source(where if "://" in where else str(tmp_path / where))
    assert said in str(caught.value)


# Addresses


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ("file:///a/b.mp4", "/a/b.mp4"),
        ("file://localhost/a/b.mp4", "/a/b.mp4"),
        ("FILE:///a%20b/%23.mp4", "/a b/#.mp4"),
        ("file://../films/b.mp4", "../films/b.mp4"),
        ("file:b.mp4", "b.mp4"),
        ("/a%20b.mp4", "/a%20b.mp4"),
        ("rtsp://host/cam", "rtsp://host/cam"),
    ],
)
def test_file_addresses_are_paths(where: str, path: str) -> None:
    assert local(where) == path


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1))
def test_file_addresses_there_and_back(name: str) -> None:
    path = "/" + name
    assert local("file://" + quote(path)) == path


def test_a_file_address_opens(tmp_path: Path, make_video: MakeVideo) -> None:
    path = make_video(tmp_path / "a b.mp4", frames=3)
    assert len(frames_of(path.as_uri())) == 3
    assert expand(path.as_uri()) == [str(path)]
    assert len(frames_of(f"file://{tmp_path}/*.mp4")) == 3
    with pytest.raises(InputError, match="does not exist"):
        open_source(f"file://{tmp_path}/none.mp4")


@pytest.mark.parametrize(
    ("where", "is_one"),
    [("/dev/video0", True), ("/dev/v4l/by-id/usb-IR-0", True), ("/dev/null", False), ("video0", False)],
)
def test_devices(where: str, is_one: bool) -> None:
    assert is_device(where) == is_one
    if is_one:
        assert expand(where) == [where]


@pytest.mark.parametrize(
    ("uri", "count", "wanted"),
    [
        ("rtsp://a/1", 1, ["rtsp://a/1"]),
        ("rtsp://a/1", 3, ["rtsp://a/1"] * 3),
        ("rtsp://a/%d", 2, ["rtsp://a/0", "rtsp://a/1"]),
        ("file:///a_%03d.mp4", 2, ["file:///a_000.mp4", "file:///a_001.mp4"]),
        ("file:///a%20dir/%u.mp4", 2, ["file:///a%20dir/0.mp4", "file:///a%20dir/1.mp4"]),
        ("file:///a%20dir/b.mp4", 1, ["file:///a%20dir/b.mp4"]),
        (" rtsp://a/1; rtsp://b/2;", 1, ["rtsp://a/1", "rtsp://b/2"]),
    ],
)
def test_lists_and_patterns_of_addresses(uri: str, count: int, wanted: list[str]) -> None:
    assert addresses(uri, count) == wanted


def test_folders_of_addresses(tmp_path: Path, make_video: MakeVideo) -> None:
    made = [str(make_video(tmp_path / f"{name}.mp4", frames=1)) for name in "ab"]
    assert addresses(str(tmp_path)) == addresses(f"file://{tmp_path}") == addresses(f"{tmp_path}/?.mp4") == made


@pytest.mark.parametrize(("uri", "count"), [("", 1), (" ; ", 1), ("a.mp4", 0)])
def test_no_addresses_are_an_error(uri: str, count: int) -> None:
    with pytest.raises(InputError):
        addresses(uri, count)


@pytest.mark.parametrize(
    "where", ["rtsp://me:secret@[host/a", "rtsp://me:secret@h\u2100/a", "ftp://me:secret@host/*.mp4"]
)
def test_an_address_that_is_none_raises_no_other_error_and_shows_no_password(where: str) -> None:
    with pytest.raises(InputError) as caught:
        open_source(where)
    assert "secret" not in str(caught.value)
