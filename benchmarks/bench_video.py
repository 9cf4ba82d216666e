"""How much of PyAV's bare decoding rate `faceir detect` keeps on a 1080p H.264 file.

    python benchmarks/bench_video.py --model model.onnx [--seconds 10] [--rounds 5] [--draw]

Makes the clip itself: a moving smooth scene with sensor-like noise, about 8 Mbit/s, seeded. Decoding
alone and detection to JSON lines take turns in one process, so that both see the same machine; the
table has medians. CPU time is of all threads, and is what another program on the machine changes least.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from faceir.contract import Contract
from faceir.errors import ModelError
from faceir.runtime.detector import Detector
from faceir.runtime.pipeline import run
from faceir.runtime.sinks import AnnotatedVideo, JsonLines
from faceir.runtime.sources import open_source

SIZE_WH = (1920, 1080)
RATE = 30
BIT_RATE = 8_000_000
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16")


def write_clip(path: Path, seconds: float, size_wh: tuple[int, int] = SIZE_WH, bit_rate: int = BIT_RATE) -> Path:
    """The clip: limited-range luma from 16 to 235, blurred blobs that drift, noise of 4 gray levels."""
    rng = np.random.default_rng(0)
    width, height = size_wh
    scene = cv2.GaussianBlur(rng.integers(0, 256, (height, width), dtype=np.uint8), (0, 0), 25)
    scene = cv2.normalize(scene, np.empty(0), 20, 220, cv2.NORM_MINMAX).astype(np.int16)
    noise = [rng.normal(0, 4, (height, width)).astype(np.int16) for _ in range(5)]
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = bit_rate
        stream.options = {"preset": "veryfast"}
        for n in range(round(seconds * RATE)):
            luma = np.clip(np.roll(scene, (2 * n, 3 * n), (0, 1)) + noise[n % len(noise)], 16, 235).astype(np.uint8)
            planes = np.concatenate([luma, np.full((height // 2, width), 128, np.uint8)])
            for packet in stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def decode_only(path: Path) -> int:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        return sum(1 for _ in container.decode(stream))


def detect(path: Path, detector: Detector, out: Path, draw: bool = False) -> int:
    with open_source(path) as source, JsonLines(out / "detections.jsonl") as lines:
        if not draw:
            return run(source, detector, (), [lines]).frames
        with AnnotatedVideo(out / "drawn.mp4", source.rate) as video:
            return run(source, detector, (), [lines, video]).frames


def timed(work: Callable[[], int]) -> tuple[float, float]:
    """Frames per second, and CPU milliseconds a frame."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    frames = work()
    return frames / (time.perf_counter() - wall_s), (time.process_time() - cpu_s) / frames * 1e3


def machine() -> str:
    """CPU, cores and the instructions that matter to inference."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    name = next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), "")
    flags = next((line.split(":")[1].split() for line in text.splitlines() if line.startswith("flags")), [])
    cores = text.count("processor\t") or "?"
    return f"{name or platform.processor()}, {cores} cores, {' '.join(f for f in _FLAGS if f in flags)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, nargs="+", help="ONNX files; default: the packaged one")
    parser.add_argument("--seconds", type=float, default=10, help="length of the clip")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads for inference; 0 = all cores")
    parser.add_argument("--precision", default="auto", choices=["auto", "f32", "bf16", "f16"])
    parser.add_argument("--draw", action="store_true", help="also with faces drawn and encoded")
    given = parser.parse_args()
    options = {"threads": given.threads, "precision": given.precision, "favour": "throughput"}
    detectors = []
    for model in given.model or [None]:
        try:
            detectors.append(Detector(model, **options))
        except ModelError:  # random weights for speed alone need no contract
            detectors.append(Detector(model, contract=Contract(), **options))
    console = Console()
    console.print(machine())
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        clip = write_clip(out / "clip.mp4", given.seconds)
        mbit_s = clip.stat().st_size * 8 / given.seconds / 1e6
        console.print(f"{SIZE_WH[0]}x{SIZE_WH[1]}, {given.seconds:g} s at {RATE} fps, {mbit_s:.1f} Mbit/s, H.264")
        work: dict[str, Callable[[], int]] = {"decode only": lambda: decode_only(clip)}
        for detector in detectors:
            name = f"{detector.path.name}, {detector.describe().precision}"
            work[f"detect, {name}"] = lambda d=detector: detect(clip, d, out)  # type: ignore[misc]
            if given.draw:
                work[f"detect and draw, {name}"] = lambda d=detector: detect(clip, d, out, draw=True)  # type: ignore[misc]
        results: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
        for _ in range(given.rounds):
            for name, do in work.items():
                results[name].append(timed(do))
    table = Table(f"median of {given.rounds}", box=None)
    for heading in ("fps", "range", "of decoding", "CPU ms/frame"):
        table.add_column(heading, justify="right")
    base = results["decode only"]
    for name, each in results.items():
        fps = [f for f, _ in each]
        # Each round's own ratio: neighbours in time saw the same machine.
        share = statistics.median(f / b for (f, _), (b, _) in zip(each, base, strict=True))
        cpu_ms = statistics.median(c for _, c in each)
        table.add_row(
            name,
            f"{statistics.median(fps):.0f}",
            f"{min(fps):.0f}..{max(fps):.0f}",
            f"{share:.0%}",
            f"{cpu_ms:.1f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
