"""Whole `detect()` of a three-channel graph run plainly against the fused graph, alternating:

    python benchmarks/bench_fused.py -m models/pruned_v1.safetensors --pictures FOLDER

Plainly: a float32 blob of three channels is made of every canvas and given to the file as it is. Fused: `Detector` on
the file that `faceir export --fused` writes. Both decode and cluster, on one thread; float and INT8; pictures of the
network's size, and as they are, where shrinking them costs both the same. Times are of the processor, so that what
else runs on the machine matters less. The ratio is of medians, its interval the 2.5 and 97.5 percentiles of a
bootstrap over pairs of runs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from faceir.contract import BBOX_NAME, COV_NAME, Contract
from faceir.data import kitti
from faceir.detections import Detections
from faceir.fit import to_blob
from faceir.flow import Image
from faceir.inference import core
from faceir.runtime.detector import Detector
from faceir.train import checkpoint, quantise
from faceir.train.export import export
from faceir.train.export.fused import equal_channels, fuse


def plain_detect(path: Path, contract: Contract) -> Callable[[Image], Detections]:
    """`detect()` without any of the runtime's rewiring, on one thread in the precision that `Detector` takes."""
    able = core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    config = {
        "INFERENCE_PRECISION_HINT": "bf16" if "BF16" in able else "f32",
        "INFERENCE_NUM_THREADS": 1,
        "PERFORMANCE_HINT": "LATENCY",
    }
    width, height = contract.fit.size_wh
    net = core().read_model(path)
    net.reshape([1, 3, height, width])
    request = core().compile_model(net, "CPU", config).create_infer_request()
    blob = request.get_input_tensor().data

    def detect(image: Image) -> Detections:
        canvas, place = contract.fit.apply(image)
        np.copyto(blob, to_blob(canvas[None]))
        request.infer()
        cov, bbox = (request.get_tensor(name).data[0] for name in (COV_NAME, BBOX_NAME))
        return contract.read(cov, bbox, place)

    return detect


def compare(name: str, plain: Path, fused: Path, contract: Contract, pictures: list[Image], rounds: int) -> None:
    first, second = plain_detect(plain, contract), Detector(fused, threads=1).detect
    took_ms = np.empty((rounds, 2))
    for n in range(-10, rounds):  # ten to warm up
        picture = pictures[n % len(pictures)]
        order = ((0, first), (1, second)) if n % 2 else ((1, second), (0, first))
        for which, detect in order:
            start = time.process_time()
            detect(picture)
            if n >= 0:
                took_ms[n, which] = (time.process_time() - start) * 1e3
    rng = np.random.default_rng(0)
    drawn = np.median(took_ms[rng.integers(rounds, size=(1000, rounds))], axis=1)
    low, high = np.percentile(100 * (1 - drawn[:, 1] / drawn[:, 0]), [2.5, 97.5])
    before, after = np.median(took_ms, axis=0)
    saved = 100 * (1 - after / before)
    print(
        f"{name:21} three channels {before:.2f} ms, fused {after:.2f} ms: saves {saved:.0f} % [{low:.0f}, {high:.0f}]"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", default="models/pruned_v1.safetensors")
    parser.add_argument("--pictures", type=Path, required=True, help="folder of pictures, to calibrate and run on")
    parser.add_argument("--rounds", type=int, default=300)
    given = parser.parse_args()
    loaded = checkpoint.load(given.model)
    found = sorted(p for p in given.pictures.rglob("*") if p.suffix.lower() in kitti.PICTURE_SUFFIXES)[:50]
    pictures = [kitti.read_image(path, colour=False) for path in found]
    canvases = [loaded.contract.fit.apply(picture)[0] for picture in pictures]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = export(loaded.net, loaded.contract, folder / "plain.onnx").path
        equal = equal_channels(plain, folder / "equal.onnx")
        int8 = quantise.quantise(equal, folder / "int8.onnx", quantise.calibrate(equal, canvases))
        for kind, path in (("float", plain), ("int8", int8)):
            fused = fuse(path, folder / f"{kind}_fused.onnx")
            for size, shown in (("network's size", canvases), ("as they are", pictures)):
                compare(f"{kind}, {size}", path, fused, loaded.contract, shown, given.rounds)


if __name__ == "__main__":
    main()
