from __future__ import annotations

import gc
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from faceir.errors import FaceirError, InputError, StreamError
from faceir.flow import Frame, Image
from faceir.runtime import sources
from faceir.runtime.pictures import read_picture
from faceir.runtime.sources import Source, Video, _CameraClock, expand, open_source

MakeVideo = Callable[..., Path]
Camera = Callable[..., tuple[str, subprocess.Popen[str]]]


def noise(width: int = 60, height: int = 40) -> Image:
    coarse = np.random.default_rng(0).integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def encoded(ending: str, image: np.ndarray | None = None) -> bytes:
    image = noise() if image is None else image
    return bytes(cv2.imencode(ending, image)[1].tobytes())


def frames_of(where: str | Path, **rest: object) -> list[Frame]:
    with open_source(where, **rest) as source:  # type: ignore[arg-type]
        return list(source)


def until_error(source: Source) -> tuple[int, InputError]:
    """How many frames came before the error, and the error."""
    count = 0
    try:
        for _ in source:
            count += 1
    except InputError as error:
        return count, error
    raise AssertionError("it ended well")


# Pictures


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif", ".ppm", ".jpg", ".webp"])
def test_colour_pictures_come_as_rgb(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes(encoded(ending))
    (frame,) = frames_of(path)
    error = np.abs(frame.rgb.astype(int) - noise()[:, :, ::-1])
    assert error.max() == 0 if ending in (".png", ".bmp", ".tif", ".ppm") else error.mean() < 10
    assert (frame.source, frame.index, frame.time_s, frame.events) == (str(path), 0, 0.0, ())


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif", ".pgm"])
def test_gray_pictures_stay_gray(tmp_path: Path, ending: str) -> None:
    gray = noise()[:, :, 0]
    (tmp_path / f"a{ending}").write_bytes(encoded(ending, gray))
    image, _ = read_picture(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(image, gray)


@pytest.mark.parametrize(
    ("brightest", "bits"), [(0, 10), (255, 10), (1023, 10), (1024, 12), (4000, 12), (16383, 14), (65535, 16)]
)
@pytest.mark.parametrize("ending", [".png", ".tif", ".pgm"])
def test_sixteen_bit_pictures_are_taken_for_the_least_sensor_depth(
    tmp_path: Path, ending: str, brightest: int, bits: int
) -> None:
    deep = np.linspace(0, brightest, 300).astype(np.uint16).reshape(15, 20)
    (tmp_path / f"a{ending}").write_bytes(encoded(ending, deep))
    (frame,) = frames_of(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(frame.gray, deep >> (bits - 8))
    assert frame.events == (f"16-bit samples taken for {bits}-bit ones",)


def test_a_picture_with_alpha_loses_it(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(".png", np.full((4, 5, 4), (10, 20, 30, 40), np.uint8)))
    image, _ = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(image, np.full((4, 5, 3), (30, 20, 10)))


def test_exif_orientation_is_obeyed(tmp_path: Path) -> None:
    data = encoded(".jpg")
    turned = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
    segment = b"Exif\x00\x00" + turned
    data = data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:]
    (tmp_path / "a.jpg").write_bytes(data)
    assert read_picture(tmp_path / "a.jpg")[0].shape == (60, 40, 3)


ENDINGS = [".jpg", ".png", ".bmp", ".tif", ".ppm", ".webp"]


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("ending", ENDINGS)
def test_pictures_cut_short_are_errors(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], ending: str, share: float
) -> None:
    data = encoded(ending)
    path = tmp_path / f"a{ending}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"cut short|cannot be decoded"):
        frames_of(path)
    assert "libpng" not in capfd.readouterr().err


def test_a_jpeg_with_something_behind_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(".jpg") + bytes(100))
    assert read_picture(tmp_path / "a.jpg")[0].shape == (40, 60, 3)


def test_a_png_with_a_flipped_bit_is_an_error(tmp_path: Path) -> None:
    data = bytearray(encoded(".png"))
    data[len(data) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError, match="cut short or damaged"):
        read_picture(tmp_path / "a.png")


BAD_FILES: dict[str, tuple[str, bytes | None, str]] = {
    "missing picture": ("a.png", None, "does not exist"),
    "missing video": ("a.mp4", None, "does not exist"),
    "empty picture": ("a.jpg", b"", "is empty (0 bytes)"),
    "empty video": ("a.mp4", b"", "is empty (0 bytes)"),
    "text as picture": ("a.png", b"not a picture", "cannot be decoded"),
    "text as video": ("a.mp4", b"not a video " * 500, "is not a video"),
    "text": ("a.txt", b"just words " * 500, "wanted a video or a picture"),
    "code": ("a.py", b"print(1)\n" * 500, "is not a video"),
    "zeros": ("a.mkv", bytes(100_000), "is not a video"),
    "no pixels": ("a.pgm", b"P5\n0 0\n255\n", "cannot be decoded"),
    "floats": ("a.tif", encoded(".tif", np.zeros((4, 4), np.float32)), "has float32 samples"),
    "signed": ("a.tif", encoded(".tif", np.zeros((4, 4), np.int16)), "samples"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_say_what_is_wrong(tmp_path: Path, name: str) -> None:
    file_name, data, said = BAD_FILES[name]
    path = tmp_path / file_name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        frames_of(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_sound_without_pictures_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame) + stream.encode())
    with pytest.raises(InputError, match="has no video stream"):
        open_source(tmp_path / "a.wav")


# Folders and globs


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


# Video files

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
    monkeypatch.setattr(sources, "STREAM_TIMEOUT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        start_s = time.monotonic()
        with pytest.raises(StreamError, match="nothing within 1 s"):
            open_source(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/a.mp4")
    assert time.monotonic() - start_s < 4


def test_an_unknown_host_is_a_stream_error() -> None:
    with pytest.raises(StreamError):
        open_source("rtsp://no.such.host.invalid/cam")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *rest: object, **named: object) -> None:
            super().__init__(*rest, directory=str(tmp_path), **named)  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_over_http(tmp_path: Path, make_video: MakeVideo, web: str) -> None:
    make_video(tmp_path / "a.mp4", frames=12, options={"movflags": "faststart"})
    frames = frames_of(f"{web}/a.mp4")
    assert len(frames) == 12
    assert frames[-1].time_s == pytest.approx(11 / 25)  # media time: it has a length, so it is no camera


def test_a_missing_file_over_http(web: str) -> None:
    with pytest.raises(StreamError, match="404"):
        open_source(f"{web}/none.mp4")


def test_camera_time_is_steady_although_the_network_is_not() -> None:
    """A second of frames at once, then jitter, then a camera clock that is set back; 100 ppm slow all the time."""
    clock, rng = _CameraClock(), np.random.default_rng(0)
    media = np.concatenate([np.arange(900) / 30, np.arange(900) / 30])
    true = 1.7e9 + np.arange(1800) / 30 * 1.0001
    arrival = np.maximum.accumulate(np.maximum(true + 0.02 + rng.exponential(0.05, 1800), true[30]))
    times = np.array([clock.time_s(m, a) for m, a in zip(media, arrival, strict=True)])
    assert (np.diff(times) >= 0).all()
    assert (times <= arrival).all()
    late = (times - true)[[*range(60, 900), *range(960, 1800)]]
    assert late.min() > 0
    assert late.max() < 0.06
    assert clock.time_s(None, 1.8e9) == 1.8e9


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
    monkeypatch.setattr(sources, "STREAM_TIMEOUT_S", 2.0)
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
    monkeypatch.setattr(sources, "STREAM_TIMEOUT_S", 2.0)
    address, _ = camera()
    with pytest.raises(StreamError, match=said):
        open_source(f"{address}{mount}")


def test_a_video_can_be_closed_in_the_middle(tmp_path: Path, make_video: MakeVideo) -> None:
    with Video(make_video(tmp_path / "a.mp4")) as video:
        next(iter(video))
