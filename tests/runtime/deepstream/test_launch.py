from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from faceir.detections import Detections
from faceir.errors import InputError, MissingExtra, SpecError
from faceir.flow import Image
from faceir.runtime.deepstream.app_config import AppConfig, read_app
from faceir.runtime.deepstream.launch import App
from faceir.runtime.deepstream.model import Net, find_net
from faceir.runtime.live.state import StreamState
from faceir.runtime.live.watch import debug_rows
from faceir.runtime.sinks import RtspServer
from tests.runtime.deepstream import samples
from tests.runtime.sinks.test_messages import wait_for

FRAMES = 12
PRIMARY = """[property]
net-scale-factor=0.0039215697906911373
onnx-file=square.onnx
labelfile-path=labels_facedetectir.txt
infer-dims=3;240;384
num-detected-classes=1
cluster-mode=2
maintain-aspect-ratio=1
[class-attrs-all]
pre-cluster-threshold=0.6
nms-iou-threshold=0.5
"""
APP = """[application]
enable-perf-measurement=1
perf-measurement-interval-sec=1
gie-kitti-output-dir=dumps
kitti-track-output-dir=tracks
[source0]
enable=1
type=3
uri=file://film.mp4
[streammux]
batch-size=1
batched-push-timeout=40000
width=384
height=240
[sink0]
enable=1
type=3
container=1
codec=1
bitrate=1000000
output-file=out.mp4
[osd]
enable=1
border-width=3
text-size=10
[primary-gie]
enable=1
config-file=config_infer_primary_facedetectir.txt
[tracker]
enable=1
"""


@pytest.fixture
def folder(tmp_path: Path, square_model: Path, square_picture: Callable[..., Image]) -> Path:
    """A film of 12 pictures with a bright square, and a model that finds it."""
    (tmp_path / "square.onnx").write_bytes(square_model.read_bytes())
    write_film(tmp_path / "film.mp4", [square_picture()] * FRAMES)
    return tmp_path


def write_film(path: Path, pictures: Sequence[Image]) -> None:
    """Gray pictures of 384 x 240 as 25 a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 384, 240, "yuv420p"
        stream.options = {"crf": "5"}
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray")))
        container.mux(stream.encode())


def read_film(path: Path) -> list[npt.NDArray[np.uint8]]:
    """Its pictures, RGB."""
    with av.open(str(path)) as film:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in film.decode(video=0)]


def config(folder: Path, app: str = APP, primary: str = PRIMARY) -> AppConfig:
    return read_app(samples.write(folder, app=app, primary_text=primary))


def app_of(config: AppConfig) -> App:
    return App(config, find_net(config.infer), threads=1)


def run(config: AppConfig, said: list[str] | None = None, until: threading.Event | None = None) -> list[StreamState]:
    return app_of(config).run(until, said.append if said is not None else None)


def test_a_file_from_end_to_end(folder: Path) -> None:
    said: list[str] = []
    (state,) = run(config(folder), said)
    assert (state.name, state.condition, state.frames_out, state.faces) == ("source0", "ended", FRAMES, FRAMES)
    assert state.sink_errors == ()
    pictures = read_film(folder / "out.mp4")
    assert len(pictures) == FRAMES
    assert pictures[5].shape == (240, 384, 3)
    red = (pictures[5][..., 0].astype(int) - pictures[5][..., 2]) > 80
    assert red.any(), "the box has border-color's default"
    assert sorted(path.name for path in (folder / "dumps").iterdir()) == [f"00_000_{n:06d}.txt" for n in range(FRAMES)]
    words = (folder / "dumps" / "00_000_000005.txt").read_text().split()
    assert words[0] == "Face"
    assert words[1:4] == ["0.0", "0", "0.0"]
    assert np.allclose([float(w) for w in words[4:8]], [88, 56, 152, 120], atol=2)
    assert len(words) == 16
    tracked = (folder / "tracks" / "00_000_000005.txt").read_text().split()
    assert int(tracked[1]) < 2**32
    assert tracked[5:9] == words[4:8]
    assert said[1].startswith("**PERF:  FPS 0 (Avg)")
    assert sum(line.startswith("**PERF:") for line in said) >= 2


def test_the_engine_waits_as_long_as_the_watchdog_s_group_says(folder: Path) -> None:
    engine = app_of(config(folder, APP + "[watchdog]\nstall-s=0.5\npatience-s=30\nleave-s=60\n")).engine
    assert (engine._stall_s, engine._patience_s, engine._leave_s) == (0.5, 30.0, 60.0)


def test_the_stages_of_a_film_s_last_frame(folder: Path) -> None:
    app = app_of(config(folder))
    (state,) = app.run()
    assert state.passage is not None
    assert state.passage.detector_ms > 0
    assert state.passage.together >= 1
    rows = dict(debug_rows(state, app.engine.last("source0")))
    took, together = state.passage.detector_ms, state.passage.together
    assert rows["detector"] == f"asked; 0 not asked, 0 failed in all; this frame took {took:.1f} ms, {together} at once"
    assert rows["sinks"].endswith("; waiting: AnnotatedVideo 0, KittiDump 0, KittiDump 0")


def test_two_streams_of_one_file(folder: Path) -> None:
    app = APP.replace("type=3\nuri", "type=3\nnum-sources=2\nuri").replace("output-file", "source-id=1\noutput-file")
    states = run(config(folder, app))
    assert [(s.name, s.frames_out, s.faces) for s in states] == [
        ("source0-0", FRAMES, FRAMES), ("source0-1", FRAMES, FRAMES)]  # fmt: skip
    assert len(list((folder / "dumps").glob("00_001_*.txt"))) == FRAMES
    assert (folder / "out.mp4").exists()


def test_interval_and_filters_act(folder: Path) -> None:
    primary = PRIMARY.replace("cluster-mode=2", "cluster-mode=2\ninterval=2")
    app = APP.replace("[tracker]\nenable=1", "")
    (state,) = run(config(folder, app, primary))
    assert (state.unseen, state.faces) == (8, 4)
    for line, faces in (("detected-min-w=70", 0), ("detected-max-h=63", 0), ("roi-top-offset=60", 0),
                        ("detected-min-w=60\nroi-top-offset=50", FRAMES)):  # fmt: skip
        (state,) = run(config(folder, app, PRIMARY + line + "\n"))
        assert state.faces == faces, line


def test_a_loop_runs_until_it_is_told_to_end(folder: Path) -> None:
    until = threading.Event()
    timer = threading.Timer(1.5, until.set)
    timer.start()
    (state,) = run(config(folder, APP + "[tests]\nfile-loop=1\n"), until=until)
    timer.join()
    assert state.frames_out > 2 * FRAMES
    with av.open(str(folder / "out.mp4")) as film:
        assert len(list(film.decode(video=0))) > 2 * FRAMES


def test_tiles_of_two_streams(folder: Path) -> None:
    tiles = "[tiled-display]\nenable=1\nrows=1\ncolumns=2\nwidth=800\nheight=300\n"
    app = APP.replace("type=3\nuri", "type=3\nnum-sources=2\nuri") + tiles + "[tests]\nfile-loop=1\n"
    until = threading.Event()
    timer = threading.Timer(1.5, until.set)
    timer.start()
    first, second = run(config(folder, app), until=until)
    timer.join()
    assert abs(first.frames_out - second.frames_out) <= 4
    assert first.frames_out <= 1.5 * 25 + 4, "they run at the film's pace"
    pictures = read_film(folder / "out.mp4")
    assert pictures[-1].shape == (300, 800, 3)
    for half in (pictures[-1][:, :400], pictures[-1][:, 400:]):
        assert (half > 200).all(axis=2).any(), "the bright square"
        assert (half[..., 0].astype(int) - half[..., 2] > 80).any(), "its red box"


@pytest.mark.slow
def test_an_rtsp_server(folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        with RtspServer(0):
            pass
    except MissingExtra as error:
        pytest.skip(str(error))
    app = APP.replace("type=3\ncontainer=1", f"type=4\nrtsp-port={port}") + "[tests]\nfile-loop=1\n"
    until = threading.Event()
    states: list[StreamState] = []
    runner = threading.Thread(target=lambda: states.extend(run(config(folder, app), until=until)))
    runner.start()
    try:
        seen = _look(f"rtsp://127.0.0.1:{port}/ds-test")
    finally:
        until.set()
        runner.join(30)
    assert len(seen) == 40
    for picture in seen:
        assert (picture[..., 0].astype(int) - picture[..., 2] > 80).any(), "the red box"
        assert picture[:40].mean() == pytest.approx(20, abs=5), "the dark upper part"
        assert picture[-40:].mean() == pytest.approx(20, abs=5), "the lower one, also in pictures between key frames"
    assert states[0].sink_errors == ()


def _look(url: str, count: int = 40) -> list[npt.NDArray[np.uint8]]:
    """The first pictures of a stream that is about to begin."""
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        try:
            with av.open(url, options={"rtsp_transport": "tcp", "timeout": "5000000"}) as stream:
                pictures = (np.asarray(f.to_ndarray(format="rgb24"), np.uint8) for f in stream.decode(video=0))
                return list(islice(pictures, count))
        except av.FFmpegError:
            time.sleep(0.3)
    return []


@pytest.mark.slow
def test_an_rtsp_camera(folder: Path, camera: Callable[..., tuple[str, object]]) -> None:
    url, _ = camera()
    app = APP.replace("type=3\nuri=file://film.mp4", f"type=4\nuri={url}/cam").replace("out.mp4", "cam.mkv")
    until = threading.Event()
    timer = threading.Timer(6, until.set)
    timer.start()
    (state,) = run(config(folder, app), until=until)
    timer.join()
    assert state.frames_out > 10
    with av.open(str(folder / "cam.mkv")) as film:
        assert len(list(film.decode(video=0))) > 10


def test_a_missing_file_is_the_stream_s_fault(folder: Path) -> None:
    app = APP.replace("output-file", "source-id=0\noutput-file") + "[source1]\nenable=1\ntype=2\nuri=file://none.mp4\n"
    good, bad = run(config(folder, app))
    assert (good.condition, good.frames_out) == ("ended", FRAMES)
    assert bad.condition == "failed"
    assert "none.mp4" in bad.last_error


def test_weak_faces_carry_tracks_on_and_reach_nobody_else(folder: Path, square_picture: Callable[..., Image]) -> None:
    strong, weak = square_picture(), square_picture(high=147)
    for picture in (strong, weak):
        picture[56:120, 264:328] = 147  # a weak face that never was a strong one
    write_film(folder / "film.mp4", [strong] * 4 + [weak] * 4 + [strong] * 4)
    primary = PRIMARY.replace("threshold=0.6", "threshold=0.15\npost-cluster-threshold=0.6")
    (alone,) = run(config(folder, APP.replace("[tracker]\nenable=1", ""), primary))
    assert alone.faces == 8
    (tracked,) = run(config(folder, APP, primary))
    assert tracked.faces == FRAMES
    lines = [path.read_text().splitlines() for path in sorted((folder / "tracks").iterdir())]
    assert {len(faces) for faces in lines} == {1}
    assert float(lines[5][0].split()[-1]) < 0.6, "its own score"
    assert {faces[0].split()[1] for faces in lines[1:]} == {"1"}


REDACT = "[redact]\nmode=solid\n[tests]\n"


def test_nobody_sees_what_is_redacted(folder: Path) -> None:
    for primary, faces in ((PRIMARY, FRAMES), (PRIMARY + "detected-min-w=70\n", 0)):
        (folder / "out.mp4").unlink(missing_ok=True)
        app = app_of(config(folder, APP.replace("[osd]\nenable=1", "[osd]\nenable=0") + REDACT, primary))
        (state,) = app.run()
        assert (state.frames_out, state.faces, state.lost) == (FRAMES, faces, 0)
        last = app.engine.last("source0")
        assert last is not None
        assert last.rgb.max() < 60
        assert last.gray.max() < 60
        pictures = read_film(folder / "out.mp4")
        assert len(pictures) == FRAMES
        assert max(picture.max() for picture in pictures) < 60, "the bright square"


class Failing:
    """Finds nothing from the start; later raises, then does not answer in time."""

    concurrency = 1

    def __init__(self) -> None:
        self._asked = 0

    def submit(self, _: Image) -> Failing:
        self._asked += 1
        if self._asked in (5, 6):
            raise RuntimeError("out of memory")
        return self

    def done(self) -> bool:
        return self._asked != 10

    def result(self) -> Detections:
        if self._asked == 10:
            time.sleep(3)
        return Detections([[88, 56, 152, 120]], [0.9])


def test_a_detector_that_dies_or_stalls_shows_no_face(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Net, "open", lambda *_: Failing())
    (state,) = run(config(folder, APP.replace("[osd]\nenable=1", "[osd]\nenable=0") + REDACT))
    assert state.failed >= 3
    assert state.frames_out == FRAMES
    assert max(picture.max() for picture in read_film(folder / "out.mp4")) < 60


def test_lines_and_zones_count(folder: Path, square_picture: Callable[..., Image]) -> None:
    write_film(folder / "film.mp4", [square_picture(cell_xy=(n, 0)) for n in range(FRAMES)])
    places = "[line0]\nname=middle\npoints=0.5;0;0.5;1\n[zone0]\npoints=0.5;0;1;0;1;1;0.5;1\n"
    app = app_of(config(folder, APP + places))
    app.run()
    line, zone = app.totals("source0")
    assert line == "middle: 0 in, 1 out"
    assert zone.startswith("zone0: 1 entered, 0 left, 0.")


def test_dark_frames_are_not_looked_at(folder: Path, square_picture: Callable[..., Image]) -> None:
    lit = square_picture()
    write_film(folder / "film.mp4", [lit, lit // 64] * (FRAMES // 2))
    (state,) = run(replace(config(folder), dark_gate=True))
    assert state.dark == state.unseen == FRAMES // 2


def test_streams_come_and_go_while_it_runs(folder: Path) -> None:
    tiles = "[tiled-display]\nenable=1\nrows=1\ncolumns=2\nwidth=800\nheight=300\n"
    app = app_of(config(folder, APP.replace("type=3\nuri", "type=3\nnum-sources=2\nuri") + tiles))
    with pytest.raises(InputError, match="is not a camera"):
        app.stream("more", str(folder / "film.mp4"))
    until = threading.Event()
    runner = threading.Thread(target=app.run, args=(until,), kwargs={"stay": True})
    runner.start()
    try:
        app.engine.add(app.stream("more", str(folder / "film.mp4"), allow_files=True))
        wait_for(lambda: [s.condition for s in app.engine.states()] == ["ended"] * 3)
        wait_for(lambda: app.engine.states()[2].frames_out == FRAMES)
        assert runner.is_alive()
        app.engine.remove("more")
        assert len(app.engine.states()) == 2
    finally:
        until.set()
        runner.join(20)
    assert len(list((folder / "dumps").glob("00_002_*.txt"))) == FRAMES
    assert (folder / "out.mp4").exists()


@pytest.mark.slow
def test_messages(folder: Path) -> None:
    pytest.importorskip("paho", reason="pip install paho-mqtt")
    sink = (
        "[sink1]\nenable=1\ntype=6\nmsg-broker-proto-lib=libnvds_mqtt_proto.so\nmsg-broker-conn-str=localhost;1\n"
        "topic=faces\nmsg-conv-payload-type=1\nmsg-conv-frame-interval=4\n"
    )
    (state,) = run(config(folder, APP + sink))
    assert state.frames_out == FRAMES
    assert b"88|56|152|120" in re.sub(rb"\.\d+", b"", next(folder.glob(".*.spool*")).read_bytes()), "kept for a broker"


def test_what_cannot_be_set_up_is_told_before(folder: Path) -> None:
    with pytest.raises(InputError, match=r"read by \[source0\]"):
        app_of(config(folder, APP.replace("out.mp4", "film.mp4")))
    with pytest.raises(SpecError, match="is for stream 7"):
        app_of(config(folder, APP.replace("output-file", "source-id=7\noutput-file")))
    with pytest.raises(InputError, match="pixel_format"):
        app_of(config(folder, APP.replace("type=3\nuri", "type=1\nvideo-format=XYZ\nuri")))


def test_why_a_stream_does_not_come_is_told_once(tmp_path: Path, square_model: Path) -> None:
    (tmp_path / "square.onnx").write_bytes(square_model.read_bytes())
    absent = APP.replace("uri=file://film.mp4", "camera-v4l2-dev-node=999").replace("type=3\ncamera", "type=1\ncamera")
    config = read_app(
        samples.write(tmp_path, app=absent.replace("measurement=1", "measurement=0"), primary_text=PRIMARY)
    )
    until, warned = threading.Event(), list[str]()

    def warn(line: str) -> None:
        warned.append(line)
        threading.Timer(2.5, until.set).start()

    App(config, find_net(config.infer), threads=1).run(until, warn=warn)
    assert warned == ["source0 (/dev/video999): reconnecting: No such file or directory"]
