"""What the live engine costs: films against bare decoding, many cameras at once, added latency, memory.

    python benchmarks/bench_live.py [--rounds 3] [--seconds 5] [--only films cameras latency memory] [--full]

All makes its own pictures. Both sides of a ratio take turns in one process, so that they see the same machine.
`--full` takes long enough for numbers to be quoted (10 rounds, 60 s of cameras, 30 minutes of memory).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from bench_video import SIZE_WH, decode_only, machine, timed, write_clip
from rich.console import Console
from rich.table import Table

from faceir.detections import Detections
from faceir.flow import Frame, Image
from faceir.runtime.detector import Detector
from faceir.runtime.live.engine import Engine, Stream
from faceir.runtime.pipeline import run
from faceir.runtime.sinks import JsonLines
from faceir.runtime.sources import open_source
from faceir.testing import FakeDetector

SMALL_WH = (384, 240)
CAMERA_WH = (640, 480)
CAMERAS, FPS = 16, 25
CONSOLE = Console()


class Camera:
    """A paced source in memory: `fps` frames a second, out of step with its fellows, until `seconds` are over."""

    live = True
    rate: Fraction | None = Fraction(FPS)
    frames: int | None = None

    def __init__(self, name: str, pictures: list[Image], seconds: float, offset_s: float = 0.0) -> None:
        self.name, self._pictures, self._seconds, self._offset_s = name, pictures, seconds, offset_s

    def __iter__(self) -> Iterator[Frame]:
        start_s = time.monotonic() + self._offset_s
        for n in range(round(self._seconds * FPS)):
            time.sleep(max(start_s + n / FPS - time.monotonic(), 0))
            image = self._pictures[n % len(self._pictures)]
            yield Frame.of(image, source=self.name, index=n, time_s=time.time(), arrived_s=time.monotonic())

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Ages:
    """A sink that notes how old each frame is when it gets it."""

    def __init__(self) -> None:
        self.ages_ms: list[float] = []

    def write(self, frame: Frame) -> None:
        self.ages_ms.append((time.monotonic() - frame.arrived_s) * 1e3)

    def __enter__(self) -> Ages:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def pictures() -> list[Image]:
    """Twenty-five noisy pictures of a smooth scene."""
    rng = np.random.default_rng(0)
    width, height = CAMERA_WH
    scene = cv2.GaussianBlur(rng.integers(0, 256, (height, width), dtype=np.uint8), (0, 0), 15).astype(np.float32)
    return [np.clip(scene + rng.normal(0, 4, scene.shape), 0, 255).astype(np.uint8) for _ in range(25)]


def films(detector: Detector, seconds: float, rounds: int) -> None:
    """Frames per second of one film, and the share of bare decoding."""
    table = Table("", "fps", "of decoding", "CPU ms/frame", title=f"one film, median of {rounds}", box=None)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "faces.jsonl"

        def straight(clip: Path) -> int:
            with open_source(clip) as source, JsonLines(out) as lines:
                return run(source, detector, (), [lines]).frames

        def engine(clip: Path) -> int:
            engine = Engine(detector)
            engine.add(Stream("film", lambda: open_source(clip), sinks=(JsonLines(out),)))
            engine.run()
            (state,) = engine.states()
            assert state.condition == "ended", state.last_error
            assert len(out.read_text().splitlines()) == state.frames_in
            return state.frames_out

        for size_wh, bit_rate, times in ((SIZE_WH, 8_000_000, 1), (SMALL_WH, 600_000, 6)):
            clip = write_clip(Path(folder) / f"{size_wh[0]}.mp4", seconds * times, size_wh, bit_rate)
            work: dict[str, Callable[[Path], int]] = {"decode only": decode_only, "run": straight, "engine": engine}
            seen = [[timed(partial(do, clip)) for do in work.values()] for _ in range(rounds)]
            for n, name in enumerate(work):
                fps, cpu_ms = (statistics.median(r[n][i] for r in seen) for i in (0, 1))
                share = statistics.median(r[n][0] / r[0][0] for r in seen)
                row = f"{size_wh[0]}x{size_wh[1]} {name}", f"{fps:.0f}", f"{share:.0%}", f"{cpu_ms:.2f}"
                table.add_row(*row)
    CONSOLE.print(table)


def cameras(detector: Detector, seconds: float) -> None:
    """Sixteen cameras: ages at the sinks, and how fairly frames were dropped."""
    ages, images = Ages(), pictures()
    engine = Engine(detector)
    for n in range(CAMERAS):
        offset_s = n / CAMERAS / FPS
        engine.add(
            Stream(f"cam{n}", lambda n=n, o=offset_s: Camera(f"cam{n}", images, seconds, o), sinks=(ages,))  # type: ignore[misc]
        )
    engine.run()
    states = engine.states()
    frames_in, dropped = sum(s.frames_in for s in states), sum(s.dropped for s in states)
    out = [s.frames_out for s in states]
    assert frames_in == sum(out) + dropped
    p50, p99, most = np.percentile(ages.ages_ms, [50, 99, 100])
    CONSOLE.print(
        f"{CAMERAS} cameras of {FPS} fps, {CAMERA_WH[0]}x{CAMERA_WH[1]}: age p50 {p50:.1f}, p99 {p99:.1f}, most "
        f"{most:.1f} ms; {dropped} of {frames_in} frames dropped; a stream got {min(out)} to {max(out)} frames"
    )


def latency(detector: Detector, seconds: float) -> None:
    """One live stream: what the engine adds to inference alone, each paced as a camera is."""
    images = pictures()

    def through(engine: Engine) -> list[float]:
        ages = Ages()
        engine.add(Stream("cam", lambda: Camera("cam", images, seconds), sinks=(ages,)))
        engine.run()
        return ages.ages_ms

    alone_ms = []
    for frame in Camera("cam", images, seconds):
        detector.submit(frame.gray).result()
        alone_ms.append((time.monotonic() - frame.arrived_s) * 1e3)
    nothing = FakeDetector([Detections()])
    work = {
        "inference alone": alone_ms,
        "engine, into the sink": through(Engine(detector)),
        "engine without inference, into the sink": through(Engine(nothing)),
    }
    table = Table("one camera", "p50 ms", "p99 ms", box=None)
    for name, ages_ms in work.items():
        table.add_row(name, *(f"{age:.2f}" for age in np.percentile(ages_ms, [50, 99])))
    CONSOLE.print(table)


def resident_mb() -> float:
    """Memory of this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def memory(detector: Detector, minutes: float) -> None:
    """Resident memory of cameras, one of them with a sink that hangs, and streams that come and go."""
    images, samples = pictures(), []
    gate = threading.Event()

    class Hanging(Ages):
        def write(self, frame: Frame) -> None:
            gate.wait()

    class Nowhere(Ages):
        def write(self, frame: Frame) -> None:
            pass

    seconds = minutes * 60
    engine = Engine(detector, leave_s=0.5)
    for n in range(CAMERAS):
        sink = Hanging() if n == 0 else Nowhere()
        engine.add(Stream(f"cam{n}", lambda n=n: Camera(f"cam{n}", images, seconds + 60), sinks=(sink,)))  # type: ignore[misc]
    with engine:
        start_s = time.monotonic()
        while (passed_s := time.monotonic() - start_s) < seconds:
            engine.add(Stream("guest", lambda: Camera("guest", images, 5), sinks=(Nowhere(),)))
            time.sleep(min(seconds / 50, 5))
            engine.remove("guest")
            samples.append((passed_s / 60, resident_mb()))
        gate.set()
    later = np.array(samples[len(samples) // 4 :])  # what is taken once, when it starts, is no growth
    slope = np.polyfit(later[:, 0], later[:, 1], 1)[0]
    CONSOLE.print(f"memory over {minutes:g} minutes: {later[-1, 1]:.0f} MB, {slope:+.2f} MB/min")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="an ONNX file; default: the packaged one")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads for inference; 0 = all cores")
    parser.add_argument("--favour", default="throughput", choices=["latency", "throughput"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="length of films and of camera runs")
    parser.add_argument("--minutes", type=float, default=0.5, help="of looking at memory")
    parser.add_argument("--only", nargs="+", default=["films", "cameras", "latency", "memory"])
    parser.add_argument("--full", action="store_true")
    given = parser.parse_args()
    if given.full:
        given.rounds, given.seconds, given.minutes = 10, 60.0, 30.0
    detector = Detector(given.model, threads=given.threads, favour=given.favour)
    CONSOLE.print(machine())
    CONSOLE.print(f"{detector.path.name}: {detector.describe()}; in flight {detector.concurrency}")
    work: dict[str, Callable[[], None]] = {
        "films": lambda: films(detector, min(given.seconds, 10), given.rounds),
        "cameras": lambda: cameras(detector, given.seconds),
        "latency": lambda: latency(detector, given.seconds),
        "memory": lambda: memory(detector, given.minutes),
    }
    for name in given.only:
        work[name]()


if __name__ == "__main__":
    main()
