"""AP and recall of a model on labelled pictures as they are, and in the dark, with noise, blurred, over-exposed.

    python benchmarks/conditions.py -m MODEL.onnx [MODEL.onnx ...] -d FOLDER [--split val] SET [SET ...]

The faults are applied at the network's scale: dark = 12 % of the light and noise of sigma 3 (of 255), noise = sigma
28, blur = Gaussian sigma 2.5, over = gain 2.2 plus 30. Faces from --min-height network pixels count.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from faceir.data import kitti
from faceir.data.guidelines import Rules
from faceir.evaluate import LEAST_SCORE, Rate, evaluate, judge
from faceir.flow import Image
from faceir.runtime.detector import Detector

Light = np.ndarray
FAULTS: dict[str, Callable[[Light, np.random.Generator], Light]] = {
    "clear": lambda light, rng: light,
    "dark": lambda light, rng: light * 0.12 + rng.normal(0, 3, light.shape),
    "noise": lambda light, rng: light + rng.normal(0, 28, light.shape),
    "blur": lambda light, rng: cv2.GaussianBlur(light, (0, 0), 2.5),
    "over": lambda light, rng: light * 2.2 + 30,
}


class Faulty:
    """A detector whose camera has a fault, at the network's scale."""

    def __init__(self, detector: Detector, fault: str) -> None:
        self.detector, self.fault, self.rng = detector, FAULTS[fault], np.random.default_rng(0)

    def __call__(self, images: list[Image]) -> list:
        fit = self.detector.contract.fit
        canvases, places = fit.batch(images)
        seen = []
        for canvas, place in zip(canvases, places, strict=True):
            w, h = (round(n * s) for n, s in zip(place.image_wh, place.scale_xy, strict=True))
            canvas = canvas.copy()  # the black margin stays black
            canvas[:h, :w] = np.clip(self.fault(canvas[:h, :w].astype(np.float32), self.rng) + 0.5, 0, 255)
            seen.append(canvas)
        return [
            found.with_boxes(place.to_image(found.xyxy))
            for found, place in zip(self.detector(seen), places, strict=True)
        ]


def percent(rate: Rate) -> str:
    if rate.value is None:
        return "-"
    interval = "" if rate.low is None else f" [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"
    return f"{100 * rate.value:.1f}{interval}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", nargs="+", type=Path, default=[None])
    parser.add_argument("-d", "--dataset", type=Path, required=True)
    parser.add_argument("--split", default="")
    parser.add_argument("--min-height", type=float, default=16)
    parser.add_argument("--faults", nargs="+", default=list(FAULTS), choices=list(FAULTS))
    parser.add_argument("sets", nargs="+")
    given = parser.parse_args()
    items = kitti.find(given.dataset, kitti.Filter(given.split))
    print("| model | set | faults | faces | threshold | AP | precision | recall | recall at 99 % precision |")
    print("|---|---|---|---|---|---|---|---|---|")
    for path in given.model:
        detector = Detector(path, favour="throughput")
        threshold = detector.contract.cluster[0].confidence_threshold
        detector.contract = detector.contract.with_threshold(LEAST_SCORE)
        for name in given.sets:
            mine = [item for item in items if item.source == name]
            for fault in given.faults:
                judged = judge(mine, Faulty(detector, fault), detector.contract.fit, Rules(given.min_height))
                judged = (replace(one, found=one.found[one.found.xyxy[:, 2] > one.found.xyxy[:, 0]]) for one in judged)
                s = evaluate(judged, threshold)
                rates = " | ".join(map(percent, (s.ap, s.precision, s.recall, s.recall_at_p99)))
                print(
                    f"| {detector.path.stem} | {name} | {fault} | {s.faces} | {threshold:.2f} | {rates} |", flush=True
                )


if __name__ == "__main__":
    main()
