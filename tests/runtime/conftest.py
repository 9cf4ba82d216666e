"""Media that the tests make themselves, and a real RTSP camera."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

SERVER = Path(__file__).with_name("rtsp_server.py")
Start = Callable[..., subprocess.Popen[str]]
SYSTEM_PYTHON = "/usr/bin/python3"
APT = (
    "apt-get install -y --no-install-recommends gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
    " gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-rtsp gir1.2-gst-plugins-base-1.0"
    " gir1.2-gst-rtsp-server-1.0 python3-gi"
)


def write_video(
    path: Path,
    frames: int = 20,
    size_wh: tuple[int, int] = (96, 64),
    rate: Fraction | int = 25,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    rotation: int = 0,
    options: dict[str, str] | None = None,
    source_format: str = "gray",
    start: int = 0,
) -> Path:
    """A video whose top-left quarter is brighter than the rest, and gets brighter with every frame."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size_wh
        stream.pix_fmt = pixel_format
        if codec == "libx264":
            stream.options = {"crf": "10"}
        if rotation:
            stream.set_display_rotation(rotation)
        for n in range(frames):
            image = np.full((size_wh[1], size_wh[0]), 40, np.uint8)
            image[: size_wh[1] // 2, : size_wh[0] // 2] = 100 + 5 * n % 120
            if source_format == "rgb24":
                image = np.stack([image, image // 2, 255 - image], axis=2)
            frame = av.VideoFrame.from_ndarray(image, format=source_format)
            frame.pts = start + n
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow tests here hold real servers, clocks and sockets to a timetable on a machine that may be busy: one that
    fails is tried once more, and the summary counts it ("1 rerun"). What is wrong fails twice."""
    for item in items:
        if item.path.is_relative_to(SERVER.parent) and item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def make_video() -> Callable[..., Path]:
    """`write_video`."""
    return write_video


@pytest.fixture(scope="session")
def rtsp_server() -> Start:
    """Starts the server's process: `rtsp_server(seconds)`."""
    if not shutil.which(SYSTEM_PYTHON):
        pytest.skip(f"no {SYSTEM_PYTHON} for a real RTSP server; {APT}")
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True, check=False).returncode:
        pytest.skip(f"no real RTSP server here; {APT}")

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen([SYSTEM_PYTHON, str(SERVER), *arguments], stdout=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def camera(
    rtsp_server: Callable[..., subprocess.Popen[str]],
) -> Iterator[Callable[..., tuple[str, subprocess.Popen[str]]]]:
    """Starts cameras, `camera(seconds)`, each with its address and process; all are gone after the test."""
    started = []

    def start(*arguments: str) -> tuple[str, subprocess.Popen[str]]:
        process = rtsp_server(*arguments)
        started.append(process)
        assert process.stdout is not None
        return f"rtsp://127.0.0.1:{process.stdout.readline().strip()}", process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
