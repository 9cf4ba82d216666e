from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from faceir.errors import InputError, MissingExtra, SpecError
from faceir.flow import Image
from faceir.runtime.deepstream.app_config import AppConfig, read_app
from faceir.runtime.deepstream.launch import App
from faceir.runtime.deepstream.model import find_net
from faceir.runtime.live.state import StreamState
from faceir.runtime.sinks import RtspServer
from tests.runtime.deepstream import samples

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
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 384, 240, "yuv420p"
        stream.options = {"crf": "5"}
        for _ in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(square_picture(), format="gray")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return tmp_path


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
    with av.open(str(folder / "out.mp4")) as film:
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
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
    with av.open(str(folder / "out.mp4")) as film:
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
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
    assert seen is not None
    assert (seen[..., 0].astype(int) - seen[..., 2] > 80).any(), "the red box"
    assert states[0].sink_errors == ()


def _look(url: str) -> npt.NDArray[np.uint8] | None:
    """The first picture of a stream that is about to begin."""
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        try:
            with av.open(url, options={"rtsp_transport": "tcp", "timeout": "5000000"}) as stream:
                for frame in stream.decode(video=0):
                    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
        except av.FFmpegError:
            time.sleep(0.3)
    return None


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
