"""Whole `detect()` of our model on one gray 384x240 picture against YuNet and our own unpruned float nets, one thread.

    python benchmarks/bench_yunet.py [--model MODEL] [--seconds 5] [--blocks 20] [--json FILE]

YuNet n runs in ONNX Runtime, with its padding, decoding and NMS (`peers.py`), where `../shared/peers` has it. The
unpruned nets are float32 in OpenVINO, as our model is: half width with its released weights, full width with random
ones, as speed does not ask for their values. Each pair takes turns, A B B A, in one process. Ratios are the other's
time over ours, so above 1 ours is faster; CPU time is what other programs on the machine change least.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from peers import FIT, SHARED, USUAL_SCORE, YuNet
from rich.console import Console
from rich.table import Table

from faceir.contract import Contract
from faceir.data.kitti import read_image
from faceir.flow import Image
from faceir.runtime.bench.machine import BUSY_SHARE, Watch, look
from faceir.runtime.bench.targets import synthetic
from faceir.runtime.bench.timing import Load, compare, ratio, warm_up
from faceir.runtime.detector import Detector
from faceir.train import checkpoint
from faceir.train.export import export
from faceir.train.model import Architecture, GridBoxNet

ROOT = Path(__file__).parents[1]
WARM_UP_S = 0.5


def unpruned(folder: Path) -> Iterator[tuple[str, Path]]:
    """The float32 nets that ours came from, as ONNX files."""
    half = checkpoint.load(ROOT / "models" / "half_v0.safetensors")
    yield "half width, float32, OpenVINO", export(half.net, half.contract, folder / "half.onnx").path
    full = GridBoxNet(Architecture.resnet18())
    yield "full width (random), float32, OpenVINO", export(full, Contract(), folder / "full.onnx").path


def others(folder: Path, picture: Image) -> Iterator[tuple[str, Callable[[], object]]]:
    """A step of each that is compared with ours."""
    yunet = SHARED / "peers" / "yunet_n_dynamic.onnx"
    if yunet.exists():
        peer = YuNet(yunet, USUAL_SCORE)
        yield "YuNet n, ONNX Runtime", lambda: peer([picture])
    for name, path in unpruned(folder):
        detector = Detector(path, threads=1, precision="f32")
        yield name, lambda detector=detector: detector.detect(picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="ONNX file or name; default: the packaged one")
    parser.add_argument("--picture", type=Path, help="default: a synthetic one")
    parser.add_argument("--seconds", type=float, default=5, help="time for each of a pair")
    parser.add_argument("--blocks", type=int, default=20, help="rounds of A B B A")
    parser.add_argument("--json", type=Path, help="write the ratios here")
    given = parser.parse_args()
    console, machine = Console(width=126, highlight=False), look()
    ours = Detector(given.model, threads=1)
    picture = synthetic(FIT.size_wh) if given.picture is None else FIT.apply(read_image(given.picture, colour=False))[0]
    console.print(f"{machine}: a machine {'with' if machine.amx else 'without'} AMX")
    console.print(f"{ours.path.name} on {ours.describe()}; whole detect(), {len(ours.detect(picture))} faces found")
    table = Table("against", "its CPU ms", "ours", "ratio of wall time", "ratio of CPU time", box=None, pad_edge=False)
    rows, watch = [], Watch()
    with tempfile.TemporaryDirectory() as folder:
        for name, step in others(Path(folder), picture):
            a, b = Load((step,)), Load((lambda: ours.detect(picture),))
            warm_up(a, WARM_UP_S)
            warm_up(b, WARM_UP_S)
            blocks = list(compare(a, b, 2 * given.seconds, given.blocks))
            wall, cpu = ratio(blocks), ratio(blocks, lambda segment: segment.cpu_ms)
            its_ms = min(segment.cpu_ms for block in blocks for segment in block.a)
            our_ms = min(segment.cpu_ms for block in blocks for segment in block.b)
            table.add_row(name, f"{its_ms:.2f}", f"{our_ms:.2f}", str(wall), str(cpu))
            rows.append({"against": name, "wall": vars(wall), "cpu": vars(cpu)})
    console.print(table)
    if (busy := watch.others()) > BUSY_SHARE * machine.cores:
        console.print(f"other programs kept {busy:.1f} of {machine.cores} cores busy: trust the ratio of CPU time")
    if given.json:
        given.json.write_text(
            json.dumps({"machine": vars(machine), "others_cores": busy, "ratios": rows}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
