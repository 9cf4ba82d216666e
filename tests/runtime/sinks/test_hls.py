from __future__ import annotations

from pathlib import Path

import av
import pytest

from faceir.errors import InputError
from faceir.runtime.sinks import Coding, Hls
from tests.runtime.sinks.conftest import SmallDisk
from tests.runtime.sinks.test_video import picture


@pytest.mark.parametrize("codec", ["h264", pytest.param("h265", marks=pytest.mark.slow)])
def test_a_playlist_plays_and_stays_short(tmp_path: Path, codec: str) -> None:
    with Hls(tmp_path, coding=Coding(codec), segment_s=1, keep=3) as sink:  # type: ignore[arg-type]
        for n in range(250):
            sink.write(picture(n, time_s=1.7e9 + n / 25, arrived_s=9 + n / 25))
            if n == 120:  # a player that comes in the middle
                early = sink.playlist("cam").read_text()
    assert early.count("#EXTINF:1.0") == 3
    assert "#EXT-X-ENDLIST" not in early
    with av.open(str(tmp_path / "cam" / "index.m3u8")) as container:
        assert len(list(container.decode(video=0))) == pytest.approx(75, abs=25)
    assert len(list((tmp_path / "cam").iterdir())) <= 8  # of ten segments
    assert not list(tmp_path.rglob("*.tmp"))


def test_each_stream_has_its_own(tmp_path: Path) -> None:
    with Hls(tmp_path) as sink:
        for n in range(10):
            sink.write(picture(n, source="rtsp://a/x"))
            sink.write(picture(n, (128, 96), source="b"))
    for source, width in (("rtsp://a/x", 96), ("b", 128)):
        with av.open(str(sink.playlist(source))) as container:
            assert {f.width for f in container.decode(video=0)} == {width}


def test_a_restart_goes_on(tmp_path: Path) -> None:
    for _ in range(2):
        with Hls(tmp_path, segment_s=0.5, keep=20) as sink:
            for n in range(26):
                sink.write(picture(n))
    text = sink.playlist("cam").read_text()
    assert "#EXT-X-DISCONTINUITY" in text
    assert text.count(".ts") >= 4


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be made"), Hls(tmp_path / "file") as sink:
        sink.write(picture(0))
    with pytest.raises(InputError, match="HLS"):
        Hls(tmp_path, keep=1)


def test_a_full_disk_is_told_and_the_stream_goes_on_when_there_is_room(tmp_path: Path, small_disk: SmallDisk) -> None:
    with Hls(tmp_path, segment_s=0.5, keep=20) as sink:
        with pytest.raises(InputError, match="the disk is full"):  # noqa: PT012  # which picture is the first
            for n in range(300):
                sink.write(picture(n))
        small_disk.free = 10**9
        before = sink.playlist("cam").read_text().count("#EXTINF")
        for n in range(300, 340):
            sink.write(picture(n))
    assert sink.playlist("cam").read_text().count("#EXTINF") > before
