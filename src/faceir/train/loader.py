"""Batches for training: every sample is a function of (seed, its number), so that any step can be repeated."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from faceir import gridbox
from faceir.boxes import FloatArray
from faceir.data import kitti
from faceir.data.augment import Augmentation, ViewKind, view
from faceir.data.guidelines import Rules, ignore_by_rules
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from faceir.gridbox import RasterParams
from faceir.train.loss import Targets

__all__ = ["Batch", "Phase", "Samples", "batches", "loss_mask"]


@dataclass(frozen=True)
class Phase:
    """From this share of the training on, each batch is one of `kinds`, drawn with `weights`."""

    from_progress: float
    kinds: tuple[ViewKind, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Batch:
    """One step's pictures uint8 `[N,1,H,W]` and targets; `skipped` names pictures that could not be read."""

    pictures: Tensor
    targets: Targets
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class Samples(Dataset[Batch]):
    """All steps of a training; `samples[step]` makes that step's batch."""

    items: Sequence[kitti.Item]
    item_weights: Sequence[float]
    """Loss weight of each picture, its source's."""
    class_mapping: dict[str, str]
    classes: tuple[str, ...]
    raster: tuple[RasterParams, ...]
    augmentation: Augmentation
    phases: tuple[Phase, ...]
    rules: Rules
    batch_size: int
    total_steps: int
    seed: int = 0

    def __len__(self) -> int:
        return self.total_steps

    def kind(self, step: int) -> ViewKind:
        """What the pictures of `step` look like."""
        phase = [p for p in self.phases if p.from_progress <= step / self.total_steps][-1]
        rng = np.random.default_rng((self.seed, 1, step))
        return phase.kinds[rng.choice(len(phase.kinds), p=np.array(phase.weights) / sum(phase.weights))]

    def order(self, epoch: int) -> np.ndarray:
        """Picture numbers in the order of one pass over all of them."""
        return np.random.default_rng((self.seed, 2, epoch)).permutation(len(self.items))

    def __getitem__(self, step: int) -> Batch:
        kind = self.kind(step)
        numbers = range(step * self.batch_size, (step + 1) * self.batch_size)
        passes = {n // len(self.items): None for n in numbers}
        orders = {p: self.order(p) for p in passes}
        pictures, grids, masks, skipped = [], [], [], []
        for number in numbers:
            index = int(orders[number // len(self.items)][number % len(self.items)])
            rng = np.random.default_rng((self.seed, 3, number))
            picture, truth, bad = self._sample(index, kind, rng)
            skipped += bad
            grid = gridbox.rasterise(*_drawn(truth), kind.size_wh, self.raster)
            pictures.append(picture)
            grids.append(grid)
            masks.append(loss_mask(truth, grid.cov) * np.float32(self.item_weights[index]))
        cov, bbox, norm = (torch.from_numpy(np.stack(planes)) for planes in zip(*grids, strict=True))
        targets = Targets(cov, bbox, norm, torch.from_numpy(np.stack(masks)))
        return Batch(torch.from_numpy(np.stack(pictures))[:, None], targets, tuple(skipped))

    def _sample(self, index: int, kind: ViewKind, rng: np.random.Generator) -> tuple[np.ndarray, Detections, list[str]]:
        """One picture as the net will see it; an unreadable one is named and the next taken instead."""
        skipped: list[str] = []
        for attempt in range(10):
            item = self.items[(index + attempt) % len(self.items)]
            try:
                frame = kitti.read_frame(item, self.class_mapping, self.classes)
                picture, truth = view(frame.rgb, frame.detections, kind, self.augmentation, rng)
                return picture, ignore_by_rules(truth, self.rules), skipped
            except InputError as error:
                skipped.append(str(error))
        raise InputError(skipped[-1], "and the nine pictures before it could not be used", "readable pictures")


def _drawn(truth: Detections) -> tuple[FloatArray, np.ndarray]:
    care = truth.labels != DONT_CARE
    return truth.xyxy[care], truth.labels[care]


def loss_mask(truth: Detections, cov: FloatArray) -> FloatArray:
    """1 where the loss counts, 0 in cells that a `DONT_CARE` box touches and no face covers: `[K,h,w]`."""
    mask = np.ones_like(cov)
    for x1, y1, x2, y2 in truth.xyxy[truth.labels == DONT_CARE] / gridbox.STRIDE:
        mask[:, max(int(y1), 0) : int(np.ceil(y2)), max(int(x1), 0) : int(np.ceil(x2))] = 0
    mask[cov > 0] = 1
    return mask


def batches(samples: Samples, start_step: int, num_workers: int) -> Iterator[Batch]:
    """Batches from `start_step` on, made by `num_workers` processes (0: in this one)."""
    steps = range(start_step, samples.total_steps)
    loader: DataLoader[Batch] = DataLoader(
        samples,
        batch_size=None,
        sampler=steps,
        num_workers=num_workers,
        prefetch_factor=4 if num_workers else None,
        worker_init_fn=_quiet_worker,
        # A fork of a process with threads (torch's, OpenVINO's) inherits locks that nobody will open.
        multiprocessing_context="spawn" if num_workers else None,
    )
    return iter(loader)


def _quiet_worker(_: int) -> None:
    """One thread a worker, as the cores belong to the net; signals to the group are for the parent to answer."""
    import cv2

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
