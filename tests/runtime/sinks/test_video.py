from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import pytest

from faceir.errors import InputError
from faceir.flow import Frame
from faceir.runtime.sinks import AnnotatedVideo, Coding
from faceir.runtime.sinks.encode import steady_s
from tests.runtime.sinks.conftest import SmallDisk

RECORDER = Path(__file__).with_name("recorder.py")


def picture(n: int, size_wh: tuple[int, int] = (96, 64), **rest: Any) -> Frame:
    noise = np.random.default_rng(n % 7).integers(0, 255, (size_wh[1], size_wh[0], 3), np.uint8)
    return Frame.of(noise, **{"source": "cam", "index": n, "time_s": n / 25} | rest)


def decoded(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(f.time or 0) for f in container.decode(video=0)]


def record(path: Path, codec: str, how: str) -> str:
    done = subprocess.run(
        [sys.executable, str(RECORDER), str(path), codec, how], capture_output=True, text=True, check=False
    )
    assert done.returncode == (143 if how == "term" else -9), done.stderr
    return done.stdout


@pytest.mark.parametrize("codec", ["h264", pytest.param("h265", marks=pytest.mark.slow)])
@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_killed_by_force_it_plays_but_for_the_last_seconds(tmp_path: Path, codec: str, ending: str) -> None:
    record(tmp_path / f"a{ending}", codec, "kill")
    assert [p.name for p in tmp_path.iterdir()] == [f"a{ending}"]
    times = decoded(tmp_path / f"a{ending}")
    np.testing.assert_allclose(times, np.arange(len(times)) / 25, atol=1.1e-3)
    assert 75 <= len(times) < 150  # the last fragment is lost, and what the encoder held


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_ended_by_a_signal_it_is_finished(tmp_path: Path, ending: str) -> None:
    record(tmp_path / f"a{ending}", "h264", "term")
    assert len(decoded(tmp_path / f"a{ending}")) == 150
    with av.open(str(tmp_path / f"a{ending}")) as container:
        assert container.duration == pytest.approx(6e6, rel=0.01)  # only a finished MKV states it


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_a_file_at_its_limit_says_so_and_plays(tmp_path: Path, ending: str) -> None:
    told = record(tmp_path / f"a{ending}", "h264", "full")
    assert f"a{ending}: cannot be written: it has grown to the largest size" in told
    assert 10 < len(decoded(tmp_path / f"a{ending}")) < 150


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_a_full_disk_is_told_and_the_next_file_begins_when_there_is_room(
    tmp_path: Path, ending: str, small_disk: SmallDisk
) -> None:
    with AnnotatedVideo(tmp_path / f"a{ending}", live=True, coding=Coding(low_delay=True)) as sink:
        with pytest.raises(InputError, match="the disk is full"):  # noqa: PT012  # which picture is the first
            for n in range(300):
                sink.write(picture(n))
        assert 3 < len(decoded(tmp_path / f"a{ending}")) < 300
        for n in range(3):
            with pytest.raises(InputError, match="the disk is full"):
                sink.write(picture(100 + n))
        small_disk.free = 10**9
        for n in range(5):
            sink.write(picture(101 + n))
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"a-2{ending}", f"a{ending}"]
    assert sink.path.name == f"a-2{ending}"
    assert len(decoded(sink.path)) == 5


def test_a_full_disk_at_the_very_end(tmp_path: Path, small_disk: SmallDisk) -> None:
    small_disk.free = 1000  # the head, but not a picture
    with (
        pytest.raises(InputError, match="the disk is full"),
        AnnotatedVideo(tmp_path / "a.mp4", live=True) as sink,
    ):
        sink.write(picture(0))
    assert list(tmp_path.iterdir()) == []  # there was nothing to play


def test_a_full_disk_leaves_no_file_that_was_to_be_whole(tmp_path: Path, small_disk: SmallDisk) -> None:
    with pytest.raises(InputError, match="the disk is full"), AnnotatedVideo(tmp_path / "a.mp4") as sink:  # noqa: PT012
        for n in range(200):
            sink.write(picture(n))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_live_videos_are_finished_whatever_comes(tmp_path: Path, error: type[BaseException] | None) -> None:
    def run() -> None:
        with AnnotatedVideo(tmp_path / "a.mp4", live=True) as sink:
            for n in range(20):
                sink.write(picture(n))
            if error:
                raise error

    if error:
        with pytest.raises(error):
            run()
    else:
        run()
    assert len(decoded(tmp_path / "a.mp4")) == 20


def test_a_recording_of_before_is_kept(tmp_path: Path) -> None:
    for wanted in ("a.mkv", "a-2.mkv", "a-3.mkv"):
        with AnnotatedVideo(tmp_path / "a.mkv", live=True) as sink:
            sink.write(picture(0))
        assert sink.path == tmp_path / wanted
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv"])
def test_codecs(tmp_path: Path, codec: Literal["h264", "h265"], ending: str) -> None:
    with AnnotatedVideo(tmp_path / f"a{ending}", coding=Coding(codec)) as sink:
        for n in range(12):
            sink.write(picture(n))
    with av.open(str(tmp_path / f"a{ending}")) as container:
        assert container.streams.video[0].codec_context.name == {"h264": "h264", "h265": "hevc"}[codec]
        assert len(list(container.decode(video=0))) == 12


def test_bitrates_are_kept(tmp_path: Path) -> None:
    sizes = {}
    for bitrate in (200_000, 800_000):
        with AnnotatedVideo(tmp_path / f"{bitrate}.mp4", coding=Coding(bitrate=bitrate)) as sink:
            for n in range(125):
                sink.write(picture(n, (192, 160)))
        sizes[bitrate] = sink.path.stat().st_size * 8 / 5
        assert sizes[bitrate] == pytest.approx(bitrate, rel=0.35)


def test_players_can_start_every_second(tmp_path: Path) -> None:
    with AnnotatedVideo(tmp_path / "a.mp4", Fraction(50), live=True) as sink:  # what is stated need not be true
        for n in range(50):
            sink.write(picture(n, time_s=n / 10))
    with av.open(str(tmp_path / "a.mp4")) as container:
        keys = [f.time for f in container.decode(video=0) if f.key_frame]
    np.testing.assert_allclose(keys, np.arange(5), atol=1e-3)


def test_a_clock_that_is_set_moves_no_picture(tmp_path: Path) -> None:
    walls = [1.7e9, 1.7e9 + 0.04, 1.7e9 + 3600, 1.6e9, 1.6e9 + 0.04]
    with AnnotatedVideo(tmp_path / "a.mp4", live=True) as sink:
        for n, wall in enumerate(walls):
            sink.write(picture(n, time_s=wall, arrived_s=50 + n / 25))
    np.testing.assert_allclose(decoded(tmp_path / "a.mp4"), np.arange(5) / 25, atol=1e-3)
    assert steady_s(picture(0, time_s=1.7e9)) == 1.7e9  # when nothing else is known


def test_a_film_that_begins_anew_goes_on(tmp_path: Path) -> None:
    with AnnotatedVideo(tmp_path / "a.mp4", Fraction(10), live=True) as sink:
        for n in range(45):
            sink.write(picture(n, time_s=n % 15 / 10))
    np.testing.assert_allclose(decoded(tmp_path / "a.mp4"), np.arange(45) / 10, atol=1e-3)


@pytest.mark.parametrize(
    ("wrong", "told"), [({"codec": "vp9"}, "h264 or h265"), ({"bitrate": 4}, "2000000"), ({"keyframe_s": -1}, "second")]
)
def test_wrong_coding(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Coding(**wrong)
