from __future__ import annotations

import gc
import signal
import socket
import time
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceir.errors import FaceirError, InputError, StreamError
from faceir.runtime.sources import Video, open_source, video
from tests.runtime.sources.media import Camera, MakeVideo, frames_of, until_error

# Everything here can be encoded by the libraries in PyAV's wheel.
FORMATS = [
    ("a.mp4", "libx264", "yuv420p"),
    ("a.mp4", "libx264", "yuvj420p"),
    ("a.mkv", "libx264", "yuv422p"),
    ("a.mkv", "libx264", "yuv444p"),
    ("a.mp4", "libx264", "gray"),
    ("a.mp4", "libx264", "nv12"),
    ("a.mkv", "libx264", "yuv420p10le"),
    ("a.mp4", "libx265", "yuv420p"),
    ("a.avi", "mjpeg", "yuvj420p"),
    ("a.avi", "ffv1", "gray10le"),
    ("a.avi", "rawvideo", "yuyv422"),
    ("a.avi", "rawvideo", "bgr24"),
    ("a.ts", "mpeg2video", "yuv420p"),
]


@pytest.mark.parametrize(("name", "codec", "pixel_format"), FORMATS)
@pytest.mark.parametrize("size_wh", [(96, 64), (70, 50)])  # the second has padding behind each line
def test_gray_is_pyavs_gray_up_to_range(
    tmp_path: Path, make_video: MakeVideo, name: str, codec: str, pixel_format: str, size_wh: tuple[int, int]
) -> None:
    path = make_video(tmp_path / name, codec=codec, pixel_format=pixel_format, size_wh=size_wh, frames=6)
    with av.open(str(path)) as container:
        theirs = [(f.to_ndarray(format="gray"), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    ours = frames_of(path)
    assert len(ours) == len(theirs) == 6
    for frame, (gray, rgb) in zip(ours, theirs, strict=True):
        assert frame.gray.dtype == np.uint8
        assert frame.gray.shape == gray.shape == (size_wh[1], size_wh[0])
        full = gray.astype(float)
        limited = full * (235 - 16) / 255 + 16
        error = min(np.abs(frame.gray - full).max(), np.abs(frame.gray - limited).max())
        assert error <= 2
        np.testing.assert_allclose(frame.rgb.astype(int), rgb.astype(int), atol=2)


def test_the_y_plane_is_not_copied(tmp_path: Path, make_video: MakeVideo) -> None:
    (frame, *_) = frames_of(make_video(tmp_path / "a.mp4"))
    assert frame.gray.base is not None
    assert not frame.gray.flags.owndata


def test_frames_outlive_the_source(tmp_path: Path, make_video: MakeVideo) -> None:
    frames = frames_of(make_video(tmp_path / "a.mp4", frames=30))
    gc.collect()
    levels = [float(f.gray[:20, :20].mean()) for f in frames]
    # 100, 105, ... in full range, times 219 / 255 and plus 16 in the file's
    np.testing.assert_allclose(levels[:20], [16 + (100 + 5 * n % 120) * 219 / 255 for n in range(20)], atol=2)
    assert frames[0].rgb.shape == (64, 96, 3)


@pytest.mark.parametrize("rate", [25, Fraction(30000, 1001), 60])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_time_stamps_are_true(tmp_path: Path, make_video: MakeVideo, name: str, rate: Fraction | int) -> None:
    path = make_video(tmp_path / name, rate=rate, frames=20, start=0 if name != "a.ts" else 50)
    with open_source(path) as source:
        frames = list(source)
        assert source.rate == pytest.approx(float(rate), rel=1e-3)
        assert not source.live
        assert source.frames is None or abs(source.frames - 20) <= 2
    assert [f.index for f in frames] == list(range(20))
    np.testing.assert_allclose([f.time_s for f in frames], [n / float(rate) for n in range(20)], atol=1e-3)


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_rotation_is_obeyed(tmp_path: Path, make_video: MakeVideo, rotation: int) -> None:
    path = make_video(tmp_path / "a.mp4", rotation=rotation)
    frame = frames_of(path)[0]
    upright = frames_of(make_video(tmp_path / "b.mp4"))[0]
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).rotation % 360 == rotation % 360
    turns = rotation // 90 % 4  # FFmpeg counts counterclockwise
    np.testing.assert_array_equal(frame.gray, np.rot90(upright.gray, turns))
    np.testing.assert_array_equal(frame.rgb, np.rot90(upright.rgb, turns))


CUTS = [
    ("a.mp4", {"movflags": "faststart"}),
    ("a.mp4", {"movflags": "frag_keyframe+empty_moov"}),
    ("a.mkv", {}),
    ("a.avi", {}),
]


@pytest.mark.parametrize(("name", "options"), CUTS)
def test_a_video_cut_short_gives_its_frames_then_the_error(
    tmp_path: Path, make_video: MakeVideo, name: str, options: dict[str, str]
) -> None:
    codec, pixel_format = ("mjpeg", "yuvj420p") if name == "a.avi" else ("libx264", "yuv420p")
    whole = make_video(tmp_path / name, frames=100, codec=codec, pixel_format=pixel_format, options=options)
    assert len(frames_of(whole)) == 100
    data = whole.read_bytes()
    cut = tmp_path / f"cut{whole.suffix}"
    cut.write_bytes(data[: len(data) * 6 // 10])
    with open_source(cut) as source:
        count, error = until_error(source)
    assert 20 < count < 90
    assert str(error).startswith(f"{cut}: is cut short") or "breaks off" in str(error)


def test_an_mp4_without_its_index_is_an_error(tmp_path: Path, make_video: MakeVideo) -> None:
    data = make_video(tmp_path / "a.mp4", frames=50).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="is not a video"):
        open_source(tmp_path / "cut.mp4")


def test_damaged_packets_are_reported_at_the_end(tmp_path: Path, make_video: MakeVideo) -> None:
    data = bytearray(make_video(tmp_path / "a.mp4", frames=60, options={"movflags": "faststart"}).read_bytes())
    data[-len(data) // 3 : -len(data) // 5] = b"\xff" * (len(data) // 3 - len(data) // 5 + 1)
    (tmp_path / "bad.mp4").write_bytes(data)
    with open_source(tmp_path / "bad.mp4") as source:
        count, error = until_error(source)
    assert "packets could not be decoded" in str(error)
    assert count > 10


def test_sound_without_pictures_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame) + stream.encode())
    with pytest.raises(InputError, match="has no video stream"):
        open_source(tmp_path / "a.wav")


def test_a_video_can_be_closed_in_the_middle(tmp_path: Path, make_video: MakeVideo) -> None:
    with Video(make_video(tmp_path / "a.mp4")) as video:
        next(iter(video))


# Again and again


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.h264", "a.avi"])
def test_a_file_is_played_several_times(tmp_path: Path, make_video: MakeVideo, name: str) -> None:
    codec, pixel_format = ("mjpeg", "yuvj420p") if name == "a.avi" else ("libx264", "yuv420p")
    path = make_video(tmp_path / name, frames=10, codec=codec, pixel_format=pixel_format)
    (once, _), (thrice, promised) = ((list(v), v.frames) for v in (Video(path), Video(path, loops=3)))
    assert promised in (None, 30, 33)  # a transport stream's length is guessed
    assert len(once) == 10
    assert [f.index for f in thrice] == list(range(30))
    np.testing.assert_allclose(np.diff([f.time_s for f in thrice]), 0.04, atol=1e-3)
    for n, frame in enumerate(thrice):
        np.testing.assert_array_equal(frame.gray, once[n % 10].gray)


def test_a_file_is_played_for_ever(tmp_path: Path, make_video: MakeVideo) -> None:
    with Video(make_video(tmp_path / "a.mp4", frames=5), loops=None) as video:
        assert video.frames is None
        frames = list(islice(video, 52))
    assert [f.index for f in frames] == list(range(52))
    assert frames[-1].time_s == pytest.approx(51 / 25)


@pytest.mark.parametrize("every", [1, 2, 3, 7, 100])
def test_each_so_manyth_frame(tmp_path: Path, make_video: MakeVideo, every: int) -> None:
    path = make_video(tmp_path / "a.mp4", frames=20)
    with Video(path, loops=2, every=every) as video:
        frames = list(video)
        assert video.frames == len(frames)
    assert [f.index for f in frames] == list(range(0, 40, every))
    np.testing.assert_allclose([f.time_s for f in frames], [f.index / 25 for f in frames], atol=1e-3)


@pytest.mark.parametrize("rest", [{"loops": 0}, {"every": 0}, {"bits": 3}])
def test_what_cannot_be_played(tmp_path: Path, make_video: MakeVideo, rest: dict[str, int]) -> None:
    with pytest.raises(InputError):
        Video(make_video(tmp_path / "a.mp4", frames=1), **rest)


def test_frames_know_when_they_were_decoded(tmp_path: Path, make_video: MakeVideo) -> None:
    before_s = time.monotonic()
    arrivals = [f.arrived_s for f in frames_of(make_video(tmp_path / "a.mp4"))]
    assert before_s <= arrivals[0]
    assert arrivals == sorted(arrivals)
    assert arrivals[-1] <= time.monotonic()


# Anything at all


def only_our_errors(path: Path) -> None:
    try:
        for frame in islice(Video(path), 30):
            assert frame.gray.ndim == 2
            assert frame.rgb.ndim == 3
    except FaceirError as error:
        assert str(path) in str(error)  # noqa: PT017  # or it plays


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(min_size=1, max_size=2000),
    head=st.sampled_from(
        [b"", b"\0\0\0\x18ftypisom", b"\x1aE\xdf\xa3", b"RIFF\xff\xff\0\0AVI ", b"G", b"\0\0\0\x01g", b"FLV\x01"]
    ),
)
def test_any_bytes_are_a_video_or_our_error(tmp_path: Path, head: bytes, data: bytes) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(head + data)
    only_our_errors(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, make_video: MakeVideo) -> dict[str, bytes]:
    """Small videos of several kinds."""
    folder = tmp_path_factory.mktemp("whole")
    kinds = {"mp4": "libx264", "mkv": "libx264", "ts": "mpeg2video", "avi": "mjpeg", "h264": "libx264"}
    return {
        ending: make_video(
            folder / f"a.{ending}", frames=8, codec=codec, pixel_format="yuvj420p" if codec == "mjpeg" else "yuv420p"
        ).read_bytes()
        for ending, codec in kinds.items()
    }


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ending=st.sampled_from(["mp4", "mkv", "ts", "avi", "h264"]),
    damages=st.lists(st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=40)), min_size=1, max_size=6),
)
def test_any_damage_is_survived(
    tmp_path: Path, whole: dict[str, bytes], ending: str, damages: list[tuple[float, bytes]]
) -> None:
    data = bytearray(whole[ending])
    for where, bad in damages:
        at = int(where * len(data))
        data[at : at + len(bad)] = bad
    path = tmp_path / f"a.{ending}"
    path.write_bytes(data)
    only_our_errors(path)


# Streams


def test_addresses_hide_their_password() -> None:
    with pytest.raises(StreamError) as caught:
        open_source("rtsp://admin:secret@127.0.0.1:9/cam")
    assert str(caught.value).startswith("rtsp://127.0.0.1:9/cam: no stream (Connection refused)")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_refused_connections_fail_at_once(scheme: str) -> None:
    start_s = time.monotonic()
    with pytest.raises(StreamError, match="Connection refused"):
        open_source(f"{scheme}://127.0.0.1:9/a.mp4")
    assert time.monotonic() - start_s < 3


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_silent_server_times_out(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setattr(video, "STREAM_TIMEOUT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        start_s = time.monotonic()
        with pytest.raises(StreamError, match="nothing within 1 s"):
            open_source(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/a.mp4")
    assert time.monotonic() - start_s < 4


def test_an_unknown_host_is_a_stream_error() -> None:
    with pytest.raises(StreamError):
        open_source("rtsp://no.such.host.invalid/cam")


def test_a_file_over_http(tmp_path: Path, make_video: MakeVideo, web: str) -> None:
    make_video(tmp_path / "a.mp4", frames=12, options={"movflags": "faststart"})
    frames = frames_of(f"{web}/a.mp4")
    assert len(frames) == 12
    assert frames[-1].time_s == pytest.approx(11 / 25)  # media time: it has a length, so it is no camera


def test_a_missing_file_over_http(web: str) -> None:
    with pytest.raises(StreamError, match="404"):
        open_source(f"{web}/none.mp4")


@pytest.mark.slow
def test_a_camera_gives_wall_time(camera: Camera) -> None:
    address, _ = camera()
    before_s = time.time()
    with open_source(f"{address}/cam") as source:
        assert (source.live, source.frames) == (True, None)
        frames = list(islice(source, 40))
    times = np.array([f.time_s for f in frames])
    assert (np.diff(times) >= 0).all()
    assert before_s <= times[0]
    assert times[-1] <= time.time()
    assert [f.index for f in frames] == list(range(40))
    assert frames[0].gray.shape == (240, 320)
    assert frames[0].gray.std() > 10


@pytest.mark.slow
def test_a_camera_that_ends_is_reported_after_its_frames(camera: Camera) -> None:
    address, _ = camera("1.5")
    with open_source(f"{address}/cam") as source:
        count, error = until_error(source)
    assert isinstance(error, StreamError)
    assert f"stopped after {count} frames" in str(error)
    assert 20 <= count <= 45


@pytest.mark.slow
def test_a_camera_that_falls_silent_is_reported_in_time(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "STREAM_TIMEOUT_S", 2.0)
    address, process = camera()
    with open_source(f"{address}/cam") as source:
        frames = iter(source)
        next(frames)
        process.send_signal(signal.SIGSTOP)
        start_s = time.monotonic()
        with pytest.raises(StreamError, match="stopped after"):
            for _ in frames:
                pass
    assert time.monotonic() - start_s < 8
    process.send_signal(signal.SIGCONT)


@pytest.mark.slow
@pytest.mark.parametrize(("mount", "said"), [("/none", "404"), ("/mute", "nothing within 2 s")])
def test_a_camera_without_that_picture(camera: Camera, monkeypatch: pytest.MonkeyPatch, mount: str, said: str) -> None:
    monkeypatch.setattr(video, "STREAM_TIMEOUT_S", 2.0)
    address, _ = camera()
    with pytest.raises(StreamError, match=said):
        open_source(f"{address}{mount}")
