"""Real infrared pictures: nothing is wrong with them, and faults put on them are found."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.data import infrared
from faceir.flow import Image
from faceir.runtime.doctor import examine
from tests.runtime.doctor.camera import Camera

DATA = Path(__file__).parents[4] / "shared" / "data"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (DATA / "ir_val").is_dir(), reason=f"needs infrared pictures in {DATA}"),
]


def _pictures(name: str, step: int) -> list[Image]:
    files = sorted((DATA / name / "images").glob("*"))[::step]
    return [np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), np.uint8) for file in files]


@pytest.mark.parametrize(
    ("name", "step"), [("ir_val", 3), ("ir_val_driver", 3), ("ir_val_room", 2), ("nir_scenes", 30)]
)
def test_good_pictures_have_no_problem(name: str, step: int) -> None:
    warned = 0
    pictures = _pictures(name, step)
    for picture in pictures:
        report = examine(Camera([picture], None))
        assert report.healthy, report.findings
        warned += any(f.severity == "warning" for f in report.findings)
    assert warned <= 0.15 * len(pictures)


@pytest.mark.parametrize("name", ["ir_val", "ir_val_driver", "ir_val_room"])
def test_faults_are_found(name: str) -> None:
    rng = np.random.default_rng(0)
    pictures = _pictures(name, 6)
    larger = max(pictures[0].shape[1] / 384, pictures[0].shape[0] / 240, 1)  # than the network sees it
    noisy = [infrared.sense(p.astype(np.float32), rng, 24 * larger) for p in pictures]
    dark = [infrared.sense(p * np.float32(0.06), rng, 1) for p in pictures]
    soft = [np.asarray(cv2.GaussianBlur(p, (0, 0), 4 * larger), np.uint8) for p in pictures]
    for made, wanted in ((noisy, "noisy"), (dark, "emitter-off"), (soft, "out-of-focus")):
        report = examine(Camera(made, None))
        assert wanted in [f.name for f in report.findings if f.severity == "problem"], report.findings
