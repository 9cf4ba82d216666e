"""A training step against the bare forward, backward and optimiser of the same net.

    python benchmarks/bench_train_step.py [--width 0.5] [--batch 16] [--device cuda]

Both sides alternate on the same batches; what is told is the median ratio, since machines are shared. Then each
switch beyond TAO against the plain step, and the share of a run's time that is spent waiting for data.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch

from faceir.contract import Contract
from faceir.data import kitti
from faceir.data.augment import Augmentation, ViewKind
from faceir.data.guidelines import Rules
from faceir.fit import Fit
from faceir.gridbox import RasterParams
from faceir.train import loop
from faceir.train.distil import Distillation, Teacher
from faceir.train.loader import Batch, Phase, Samples
from faceir.train.loss import AutoWeights, TargetClass
from faceir.train.model import Architecture, GridBoxNet
from faceir.train.schedule import SoftStart


def pictures(folder: Path, number: int) -> Path:
    """Pictures of 1280x720 with a bright face-like ellipse each."""
    rng = np.random.default_rng(0)
    for sub in ("images", "labels"):
        (folder / sub).mkdir()
    for n in range(number):
        image = cv2.resize(rng.integers(0, 90, (90, 160, 3)).astype(np.uint8), (1280, 720))
        x, y, r = (int(v) for v in (rng.integers(200, 1000), rng.integers(200, 500), rng.integers(30, 190)))
        cv2.ellipse(image, (x, y), (int(0.8 * r), r), 0, 0, 360, (190, 190, 200), -1)
        cv2.imwrite(str(folder / "images" / f"{n}.jpg"), image)
        box = f"{x - 0.8 * r} {y - r} {x + 0.8 * r} {y + r}"
        (folder / "labels" / f"{n}.txt").write_text(f"face 0 0 0 {box} 0 0 0 0 0 0 0\n")
    return folder


def training(folder: Path, given: argparse.Namespace, steps: int) -> loop.Training:
    size = (384, 240)
    items = kitti.find(folder)
    look = Augmentation(infrared_probability=0.85, rotate_max_rad=0.35, rotate_probability=0.5)
    samples = Samples(
        items, [1.0] * len(items), {"face": "face"}, ("face",), (RasterParams(),), look,
        (Phase(0.0, (ViewKind(size),), (1.0,)),), Rules(), given.batch, steps,
    )  # fmt: skip
    torch.manual_seed(0)
    classes = (TargetClass(),)
    precision, _ = loop.choose_precision(given.precision, torch.device(given.device))
    return loop.Training(
        GridBoxNet(Architecture.resnet18(1, given.width)), samples, classes, AutoWeights(classes),
        SoftStart(1e-5, 1e-4), Contract(fit=Fit(size)), steps, regulariser=("L1", 3e-9), precision=precision,
        num_workers=given.workers, device=torch.device(given.device),
    )  # fmt: skip


def bare(t: loop.Training) -> Callable[[Batch], None]:
    """The least that any training does: no targets of ours, no regulariser, no bookkeeping."""
    net = t.net.to(t.device, memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(net.parameters(), 1e-5, fused=True)

    def step(batch: Batch) -> None:
        x = (batch.pictures.to(t.device).float() / 255).contiguous(memory_format=torch.channels_last)
        with torch.autocast(t.device.type, torch.bfloat16, t.precision == "BF16"):
            cov, bbox = net.logits(x)
        optimiser.zero_grad(set_to_none=True)
        (cov.square().mean() + bbox.square().mean()).backward()
        optimiser.step()

    return step


def whole(t: loop.Training) -> Callable[[Batch], None]:
    """The step of the loop."""
    state = t.start(1e-5)
    steps = count(1)

    def step(batch: Batch) -> None:
        loop._step(t, state, iter([batch]))
        if state.averaged is not None:
            state.averaged.update(next(steps))

    return step


def ratio(a: Callable[[Batch], None], b: Callable[[Batch], None], batches: list[Batch], rounds: int, sync: bool) -> str:
    """How much longer `a` takes than `b`: median of the rounds' ratios with their quartiles, and median times."""
    took = np.empty((rounds + 2, 2))
    for n in range(rounds + 2):
        for side in (0, 1) if n % 2 else (1, 0):
            if sync:
                torch.cuda.synchronize()
            began = time.perf_counter()
            (a, b)[side](batches[n % len(batches)])
            if sync:
                torch.cuda.synchronize()
            took[n, side] = time.perf_counter() - began
    took = took[2:]
    low, middle, high = np.percentile(took[:, 0] / took[:, 1], [25, 50, 75])
    a_ms, b_ms = np.median(took, axis=0) * 1e3
    return f"{middle:.3f} ({low:.3f} to {high:.3f}); {a_ms:.1f} ms against {b_ms:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=float, default=0.5, help="width_multiplier")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--precision", default="AUTO", choices=["AUTO", "FP32", "BF16"])
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = pictures(Path(folder), 64)
        plain = training(data, given, 3 * given.rounds)
        batches = [plain.samples[n] for n in range(4)]
        sync = given.device != "cpu"
        print(f"width {given.width}, batch {given.batch}, {plain.precision}, {given.device}, {given.rounds} rounds")

        def fresh() -> loop.Training:
            return training(data, given, 3 * given.rounds)

        print(f"step / bare:              {ratio(whole(fresh()), bare(fresh()), batches, given.rounds, sync)}")
        for name, change in (
            ("EMA", {"ema_decay": 0.999}),
            ("clipping", {"clip_norm": 1.0}),
            ("GIoU and focal", {"giou_weight": 1.0, "focal_gamma": 2.0}),
        ):
            changed = replace(fresh(), **change)
            print(f"step with {name:<15} {ratio(whole(changed), whole(fresh()), batches, given.rounds, sync)}")
        student = fresh()
        teacher = Teacher(GridBoxNet(Architecture.resnet18(1, given.width)), student.net, Distillation(1, 1, 1))
        taught = whole(replace(student, teacher=teacher))
        print(f"step with a like teacher  {ratio(taught, whole(fresh()), batches, given.rounds, sync)}")
        reports = list(loop.run(plain, Path(folder) / "run"))[given.rounds :]
        share = sum(r.wait_s for r in reports) / sum(r.step_s for r in reports)
        print(f"waiting for data:         {100 * share:.1f} % of the step, {given.workers} loader processes")


if __name__ == "__main__":
    main()
