"""A data set of six pictures with one bright disc each, and a tiny net."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from faceir.contract import Contract
from faceir.data import kitti
from faceir.data.augment import Augmentation, ViewKind
from faceir.data.guidelines import Rules
from faceir.fit import Fit
from faceir.gridbox import RasterParams
from faceir.train.loader import Phase, Samples
from faceir.train.loop import Training
from faceir.train.loss import AutoWeights, TargetClass
from faceir.train.model import Architecture, GridBoxNet
from faceir.train.schedule import SoftStart

SIZE = (96, 64)
TINY = Architecture.resnet18(width_multiplier=0.125)


@pytest.fixture(autouse=True)
def one_thread():
    """Bit-for-bit tests want one order of additions; two cores share the test run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def disc_set(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (tmp_path / "discs" / folder).mkdir(parents=True)
    for n in range(6):
        picture = rng.integers(0, 60, (64, 96, 3)).astype(np.uint8)
        x, y, r = rng.integers(25, 70), rng.integers(22, 42), int(rng.integers(10, 20))
        cv2.circle(picture, (int(x), int(y)), r, (220, 220, 220), -1)
        cv2.imwrite(str(tmp_path / "discs" / "images" / f"{n}.png"), picture)
        line = f"face 0 0 0 {x - r} {y - r} {x + r + 1} {y + r + 1} 0 0 0 0 0 0 0\n"
        (tmp_path / "discs" / "labels" / f"{n}.txt").write_text(line)
    return tmp_path / "discs"


def make_samples(folder: Path, steps: int = 12, phases: tuple[Phase, ...] | None = None, seed: int = 1) -> Samples:
    items = kitti.find(folder)
    return Samples(
        items, [1.0] * len(items), {"face": "face"}, ("face",), (RasterParams(),), Augmentation(),
        phases or (Phase(0.0, (ViewKind(SIZE),), (1.0,)),), Rules(), batch_size=4, total_steps=steps, seed=seed,
    )  # fmt: skip


def make_training(folder: Path, steps: int = 12, **rest) -> Training:
    torch.manual_seed(0)
    classes = (TargetClass(coverage_foreground_weight=0.5),)
    settings = {"steps_per_epoch": 4, "checkpoint_interval": 1, "num_workers": 0, "resume_interval": 2} | rest
    return Training(
        GridBoxNet(TINY), make_samples(folder, steps), classes, AutoWeights(classes), SoftStart(1e-5, 2e-3),
        Contract(fit=Fit(SIZE)), **settings,
    )  # fmt: skip
