from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import Frame, Sink
from faceir.runtime.sinks import AnnotatedPictures, AnnotatedVideo, JsonLines, KittiLabels, Many, Names
from faceir.runtime.sources import open_source


def frame(
    index: int = 0, size_wh: tuple[int, int] = (96, 64), source: str = "film.mp4", time_s: float | None = None
) -> Frame:
    image = np.full((size_wh[1], size_wh[0]), 50 + index, np.uint8)
    found = Detections([[10, 20, 30, 50.123456]], [0.91234], track_ids=[7])
    time_s = index / 25 if time_s is None else time_s
    return Frame.of(image, detections=found, source=source, index=index, time_s=time_s)


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


SINKS: dict[str, tuple[Callable[[Path], Sink], list[str]]] = {
    "video": (lambda out: AnnotatedVideo(out / "film.mp4"), ["film.mp4"]),
    "pictures": (lambda out: AnnotatedPictures(out), ["film.png"]),
    "json lines": (lambda out: JsonLines(out / "d.jsonl"), ["d.jsonl"]),
    "labels": (lambda out: KittiLabels(out), ["labels/film.txt"]),
    "many": (lambda out: Many([AnnotatedVideo(out / "a.mkv"), JsonLines(out / "d.jsonl")]), ["a.mkv", "d.jsonl"]),
}


@pytest.mark.parametrize("name", SINKS)
def test_files_carry_their_name_only_when_whole(tmp_path: Path, name: str) -> None:
    make, wanted = SINKS[name]
    out = tmp_path / "made" / "on demand"
    with make(out) as sink:
        sink.write(frame())
        if name not in ("pictures", "labels"):  # each of theirs is whole at once
            assert not set(wanted) & set(files(out))
    assert files(out) == wanted


@pytest.mark.parametrize("name", ["video", "json lines", "many"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_nothing_half_written(tmp_path: Path, name: str, error: type[BaseException]) -> None:
    make, _ = SINKS[name]
    with pytest.raises(error), make(tmp_path) as sink:  # noqa: PT012
        for n in range(30):
            sink.write(frame(n))
        raise error
    assert files(tmp_path) == []


def test_an_exception_keeps_the_file_of_the_run_before(tmp_path: Path) -> None:
    with JsonLines(tmp_path / "d.jsonl") as sink:
        sink.write(frame())
    before = (tmp_path / "d.jsonl").read_text()
    with pytest.raises(RuntimeError), JsonLines(tmp_path / "d.jsonl"):
        raise RuntimeError
    assert (tmp_path / "d.jsonl").read_text() == before


@pytest.mark.parametrize("name", SINKS)
def test_no_frames(tmp_path: Path, name: str) -> None:
    make, _ = SINKS[name]
    with make(tmp_path):
        pass
    assert files(tmp_path) == (["d.jsonl"] if name in ("json lines", "many") else [])


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001)])
@pytest.mark.parametrize("size_wh", [(96, 64), (97, 65)])
@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".mov"])
def test_a_video_reads_back(tmp_path: Path, rate: Fraction, size_wh: tuple[int, int], ending: str) -> None:
    path = tmp_path / f"a{ending}"
    with AnnotatedVideo(path, rate) as sink:
        for n in range(40):
            sink.write(frame(n, size_wh, time_s=float(n / rate)))
    with open_source(path) as source:
        frames = list(source)
        assert float(source.rate or 0) == pytest.approx(float(rate), rel=1e-3)
    assert len(frames) == 40
    np.testing.assert_allclose([f.time_s for f in frames], [float(n / rate) for n in range(40)], atol=1.1e-3)
    assert frames[0].gray.shape == (size_wh[1] + size_wh[1] % 2, size_wh[0] + size_wh[0] % 2)
    assert frames[0].rgb[60, 90].tolist() == pytest.approx([50] * 3, abs=4)
    green = frames[0].rgb[40:45, 10].mean(axis=0)
    assert green[1] > green[0] + 30


def test_gaps_and_repeated_times_keep_every_frame(tmp_path: Path) -> None:
    times = [0.0, 0.0, 0.04, 0.04, 0.03, 1.5, 1.5, 9.0]
    with AnnotatedVideo(tmp_path / "a.mp4") as sink:
        for n, time_s in enumerate(times):
            sink.write(frame(n, time_s=time_s))
    with av.open(str(tmp_path / "a.mp4")) as container:
        stamps = [f.time for f in container.decode(video=0)]
    np.testing.assert_allclose(stamps, np.maximum.accumulate(times), atol=1e-3)


def test_wall_time_starts_at_the_first_frame(tmp_path: Path) -> None:
    with AnnotatedVideo(tmp_path / "a.mp4") as sink:
        for n in range(5):
            sink.write(frame(n, time_s=1.7e9 + n / 10))
    with av.open(str(tmp_path / "a.mp4")) as container:
        np.testing.assert_allclose([f.time for f in container.decode(video=0)], np.arange(5) / 10, atol=1e-3)


def test_a_frame_of_another_size_is_scaled(tmp_path: Path) -> None:
    with AnnotatedVideo(tmp_path / "a.mp4") as sink:
        sink.write(frame(0))
        sink.write(frame(1, (200, 100)))
    with open_source(tmp_path / "a.mp4") as source:
        assert [f.gray.shape for f in source] == [(64, 96)] * 2


def test_json_lines(tmp_path: Path) -> None:
    empty = Frame.of(np.zeros((4, 6), np.uint8), source="a.png", events=("something",))
    with JsonLines(tmp_path / "d.jsonl", ("person",)) as sink:
        sink.write(frame(3))
        sink.write(empty)
    first, second = map(json.loads, (tmp_path / "d.jsonl").read_text().splitlines())
    assert first == {
        "source": "film.mp4",
        "index": 3,
        "time_s": 0.12,
        "width": 96,
        "height": 64,
        "faces": [{"xyxy": [10.0, 20.0, 30.0, 50.12], "score": 0.9123, "label": "person", "track_id": 7}],
    }
    assert (second["faces"], second["events"], second["width"]) == ([], ["something"], 6)


def test_kitti_labels(tmp_path: Path) -> None:
    with KittiLabels(tmp_path, numbered=True) as sink:
        sink.write(frame(123))
        sink.write(frame(4).with_detections(Detections()))
    assert files(tmp_path) == ["labels/film_000004.txt", "labels/film_000123.txt"]
    assert (tmp_path / "labels/film_000004.txt").read_text() == ""
    fields = (tmp_path / "labels/film_000123.txt").read_text().split()
    assert len(fields) == 16
    assert fields[0] == "face"
    assert [float(v) for v in fields[4:8]] == pytest.approx([10, 20, 30, 50.123], abs=0.01)
    assert float(fields[15]) == pytest.approx(0.9123, abs=1e-4)


@pytest.mark.parametrize(
    ("source", "written"),
    [("x/a.jpg", "a.jpg"), ("a.PNG", "a.png"), ("a.pgm", "a.png"), ("a.tif", "a.tif"), ("a", "a.png")],
)
def test_pictures_keep_their_format_where_it_has_colour(tmp_path: Path, source: str, written: str) -> None:
    with AnnotatedPictures(tmp_path) as sink:
        sink.write(frame(source=source))
    assert files(tmp_path) == [written]
    image = cv2.imread(str(tmp_path / written))
    assert image is not None
    assert image.shape == (64, 96, 3)


def test_names_never_meet() -> None:
    names = Names()
    sources = ["a/x.png", "b/x.jpg", "X.mp4", "x-2.png", "rtsp://cam:554/x", "rtsp://cam:554/x?ch=2", "/"]
    stems = [names.stem(s) for s in sources]
    assert stems == ["x", "x-2", "X-3", "x-2-2", "cam_554_x", "cam_554_x-2", "input"]
    assert [names.stem(s) for s in sources] == stems


def test_inputs_are_never_overwritten(tmp_path: Path) -> None:
    picture, video = tmp_path / "a.png", tmp_path / "a.mp4"
    picture.write_bytes(b"mine")
    video.write_bytes(b"mine")
    with pytest.raises(InputError, match="is the input itself"), AnnotatedPictures(tmp_path) as pictures:
        pictures.write(frame(source=str(picture)))
    with pytest.raises(InputError, match="is the input itself"), AnnotatedVideo(video) as sink:
        sink.write(frame(source=str(video)))
    assert picture.read_bytes() == video.read_bytes() == b"mine"
    assert files(tmp_path) == ["a.mp4", "a.png"]


@pytest.mark.parametrize("name", SINKS)
def test_a_place_that_cannot_be_written_to(tmp_path: Path, name: str) -> None:
    make, _ = SINKS[name]
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be made"), make(tmp_path / "file") as sink:
        sink.write(frame())


def test_video_endings() -> None:
    with pytest.raises(InputError, match=r"has ending '.gif'; wanted .mp4"):
        AnnotatedVideo("a.gif")


def test_many_leaves_all_when_one_cannot_be_entered(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    first, second = JsonLines(tmp_path / "a.jsonl"), JsonLines(tmp_path / "file" / "b.jsonl")
    with pytest.raises(InputError), Many([first, second]):
        raise AssertionError
    assert files(tmp_path) == ["file"]
