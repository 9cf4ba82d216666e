"""What one training sample costs: reading, the view and its parts; median CPU time of one thread per sample.

    python benchmarks/bench_augment.py -e SPEC [--samples 300] [--rounds 5] [--against SPEC]

With --against, the views of another spec are timed in the same run, in turns, and the ratio is printed: machines are
noisy, ratios less so. Every part that can be switched off is timed by what the view costs less without it.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from faceir import spec as specs
from faceir.data import kitti
from faceir.data.augment import Augmentation, Occluders, ViewKind, view
from faceir.data.infrared import InfraredParams
from faceir.detections import Detections
from faceir.train import setup

CALM = InfraredParams(**{name: 0.0 for name in InfraredParams.__dataclass_fields__ if name.endswith("probability")})


@dataclass(frozen=True)
class Work:
    """Pictures in memory, what is made of them, and where donors come from."""

    pictures: list[tuple[np.ndarray, Detections]]
    kind: ViewKind
    donor: Callable[[np.random.Generator], tuple[np.ndarray, Detections]]

    def time_ms(self, how: Augmentation, round_: int) -> float:
        """CPU time per view."""
        start = time.thread_time()
        for n, (image, truth) in enumerate(self.pictures):
            view(image, truth, self.kind, how, np.random.default_rng((round_, n)), self.donor)
        return 1e3 * (time.thread_time() - start) / len(self.pictures)


def prepared(path: Path, samples: int) -> tuple[Work, Augmentation, Callable[[], float]]:
    """The work of a spec, its augmentation, and a function that times reading."""
    spec = specs.load(path)
    items = setup.find_data(spec).training
    mapping, classes = dict(spec.dataset_config.target_class_mapping), specs.class_names(spec)

    def read(item: kitti.Item) -> tuple[np.ndarray, Detections]:
        frame = kitti.read_frame(item, mapping, classes)
        return frame.rgb, frame.detections

    chosen = [items[n] for n in np.random.default_rng(0).permutation(len(items))[:samples]]

    def time_reading_ms() -> float:
        start = time.thread_time()
        for item in chosen:
            read(item)
        return 1e3 * (time.thread_time() - start) / len(chosen)

    kind = setup.phases(spec)[0].kinds[0]
    work = Work([read(item) for item in chosen], kind, lambda rng: read(items[int(rng.integers(len(items)))]))
    return work, setup.augmentation(spec), time_reading_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-e", "--spec", type=Path, required=True)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    work, how, time_reading = prepared(given.spec, given.samples)
    cases: dict[str, Callable[[int], float]] = {
        "reading": lambda n: time_reading(),
        "view": lambda n: work.time_ms(how, n),
        "view without occluders": lambda n: work.time_ms(replace(how, occluders=Occluders()), n),
        "view without the camera's faults": lambda n: work.time_ms(replace(how, infrared=CALM), n),
        "view without both": lambda n: work.time_ms(replace(how, occluders=Occluders(), infrared=CALM), n),
    }
    if given.against:
        other, its, _ = prepared(given.against, given.samples)
        cases["view of the other spec"] = lambda n: other.time_ms(its, n)
    times = {name: [] for name in cases}
    for n in range(-1, given.rounds):  # the first round warms up
        for name, case in cases.items():
            taken = case(max(n, 0))
            if n >= 0:
                times[name].append(taken)
    print(f"{work.kind.size_wh[0]}x{work.kind.size_wh[1]}, {len(work.pictures)} pictures, {given.rounds} rounds")
    print("| what | ms | of the view |")
    print("|---|---|---|")
    whole = median(times["view"])
    for name, values in times.items():
        print(f"| {name} | {median(values):.2f} | {100 * median(values) / whole:.0f} % |")


if __name__ == "__main__":
    main()
