"""What covering the faces of a frame costs, as a share of finding them.

    python benchmarks/bench_redact.py [--model model.onnx] [--size 1920x1080] [--faces 4] [--rounds 50]

Detection and every way of covering take turns on the same decoded picture, so that all see the same machine; the
share is of the quickest rounds, which a busy machine changes least. `detect` has one thread. Faces are a quarter of
the picture's height, side by side. What makes RGB of a video's YUV is not counted, as all that draws needs it too.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from faceir.detections import Detections
from faceir.flow import FAILED, Frame
from faceir.runtime.detector import Detector
from faceir.runtime.redact import Redactor, RedactParams


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall time."""
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


def faces(count: int, size_wh: tuple[int, int]) -> Detections:
    width, height = size_wh
    lefts = (np.arange(count) + 0.3) * width / count
    top, face_h = 0.3 * height, 0.25 * height
    xyxy = np.stack([lefts, np.full(count, top), lefts + 0.8 * face_h, np.full(count, top + face_h)], axis=1)
    return Detections(xyxy.astype(np.float32))


def measure(detector: Detector, size_wh: tuple[int, int], count: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each round, by what was done."""
    width, height = size_wh
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    seen = Frame.of(rgb, detections=faces(count, size_wh))
    failed = Frame.of(rgb, events=(FAILED,))
    for frame in (seen, failed):
        assert frame.rgb.shape[:2] == frame.gray.shape  # decoded before anything is timed
    works: dict[str, Callable[[], object]] = {"detect": lambda: detector.detect(seen.gray)}
    for mode in ("blur", "pixelate", "solid"):
        for shape in ("box", "ellipse"):
            params = RedactParams(mode, shape=shape)
            works[f"{mode}, {shape}"] = lambda params=params: Redactor(params)(seen)  # type: ignore[misc]
    works["whole frame"] = lambda: Redactor()(failed)
    works["a copy of the picture"] = rgb.copy
    for work in works.values():
        work()
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            took[name].append(timed(work))
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="default: the packaged one")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--faces", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=50)
    given = parser.parse_args()
    width, height = (int(v) for v in given.size.split("x"))
    detector = Detector(given.model, threads=1)
    took = measure(detector, (width, height), given.faces, given.rounds)
    console = Console()
    console.print(f"{width} x {height}, {given.faces} faces; {detector.describe()}", soft_wrap=True)
    table = Table("what", box=None)
    for heading in ("median ms", "least ms", "of detect"):
        table.add_column(heading, justify="right")
    for name, times in took.items():
        share = min(times) / min(took["detect"])
        table.add_row(name, f"{1e3 * statistics.median(times):.2f}", f"{1e3 * min(times):.2f}", f"{share:.0%}")
    console.print(table)


if __name__ == "__main__":
    main()
