"""Batches for training: every sample is a function of (seed, its number), so that any step can be repeated."""

from __future__ import annotations

import signal
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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
from faceir.train.mask import LossMask, ignored
from faceir.train.order import LARGE, Mixed, Shuffled, shuffled
from faceir.train.prepare import Preparation, drop_small

__all__ = ["Batch", "Mixture", "Phase", "Samples", "batches"]


@dataclass(frozen=True)
class Phase:
    """From this share of the training on, each batch is one of `kinds`, drawn with `weights`."""

    from_progress: float
    kinds: tuple[ViewKind, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Mixture:
    """How often each source is drawn from; as it stands here, every picture comes once in a pass."""

    source_of: Sequence[int] = ()
    """Number of the source of each picture, ascending."""
    shares: tuple[float, ...] = ()
    """Of each source in the pictures drawn, relative; empty: by the number of its pictures."""

    def order(self, pictures: int, seed: int, epoch: int) -> np.ndarray | Shuffled | Mixed:
        """Picture numbers of one pass, as many as there are pictures; of more than `LARGE`, each as it is asked for.

        With shares, each source is gone through in an order of its own, pass after pass, so that all its pictures
        come equally often.
        """
        rng = np.random.default_rng((seed, 2, epoch))
        if not self.shares:
            return rng.permutation(pictures) if pictures <= LARGE else shuffled(pictures, seed, 2, epoch)
        wish = pictures * np.array(self.shares) / sum(self.shares)
        # Whole numbers that sum to the pictures and follow the shares over the passes.
        edges = np.round(np.cumsum(wish)).astype(int)
        counts = np.diff(edges, prepend=0)
        if pictures > LARGE:
            return Mixed(self.source_of, tuple(counts.tolist()), seed, epoch)
        drawn = [
            self._stream(source, epoch * count, count, seed) for source, count in enumerate(counts.tolist()) if count
        ]
        return rng.permutation(np.concatenate(drawn))

    def _stream(self, source: int, first: int, count: int, seed: int) -> np.ndarray:
        """`count` picture numbers of an endless walk over a source, from number `first` on."""
        members = np.arange(bisect_left(self.source_of, source), bisect_right(self.source_of, source))
        passes = range(first // len(members), (first + count) // len(members) + 1)
        walk = np.concatenate([np.random.default_rng((seed, 4, source, n)).permutation(members) for n in passes])
        start = first - passes[0] * len(members)
        return walk[start : start + count]


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
    """Batches of the whole training."""
    seed: int = 0
    mixture: Mixture = Mixture()
    preparation: Preparation = Preparation()
    least_wh: tuple[float, float] = (0.0, 0.0)
    """Network pixels; smaller boxes are dropped after augmentation."""
    loss_mask: LossMask = LossMask()
    part: tuple[int, int] = (0, 1)
    """Number of this process and of all that train together; one after the other their batches are one large one."""

    def __len__(self) -> int:
        return self.total_steps

    def kind(self, step: int) -> ViewKind:
        """What the pictures of `step` look like."""
        phase = [p for p in self.phases if p.from_progress <= step / self.total_steps][-1]
        rng = np.random.default_rng((self.seed, 1, step))
        return phase.kinds[rng.choice(len(phase.kinds), p=np.array(phase.weights) / sum(phase.weights))]

    def order(self, epoch: int) -> np.ndarray | Shuffled | Mixed:
        """Picture numbers in the order of one pass."""
        return self.mixture.order(len(self.items), self.seed, epoch)

    def __getitem__(self, step: int) -> Batch:
        kind = self.kind(step)
        rank, processes = self.part
        first = (step * processes + rank) * self.batch_size
        numbers = range(first, first + self.batch_size)
        orders = {n: self.order(n) for n in {number // len(self.items) for number in numbers}}
        pictures, planes, skipped = [], [], []
        for number in numbers:
            index = int(orders[number // len(self.items)][number % len(self.items)])
            rng = np.random.default_rng((self.seed, 3, number))
            picture, truth, others, bad = self._sample(index, kind, rng)
            skipped += bad
            pictures.append(picture)
            planes.append(self._targets(truth, others, kind, np.float32(self.item_weights[index])))
        targets = Targets(*(torch.from_numpy(np.stack(plane)) for plane in zip(*planes, strict=True)))
        return Batch(torch.from_numpy(np.stack(pictures))[:, None], targets, tuple(skipped))

    def _targets(
        self, truth: Detections, others: Detections, kind: ViewKind, weight: np.float32
    ) -> tuple[FloatArray, ...]:
        """Grids and masks of one picture, in the order of `Targets`."""
        known = ignore_by_rules(truth, self.rules)
        grid = gridbox.rasterise(*_drawn(known), kind.size_wh, self.raster)
        mask = ignored(known, grid.cov) * weight
        if not self.loss_mask.filters:
            return grid.cov, grid.bbox, grid.cov_norm, mask
        cov, bbox = self.loss_mask.masks(truth, others, grid.cov)
        return grid.cov, grid.bbox, grid.cov_norm, mask * cov, mask * bbox

    def _sample(
        self, index: int, kind: ViewKind, rng: np.random.Generator
    ) -> tuple[np.ndarray, Detections, Detections, list[str]]:
        """One picture as the net will see it, its labels and those of the mask's source classes.

        An unreadable picture is named and the next one taken instead.
        """
        skipped: list[str] = []
        for attempt in range(10):
            item = self.items[(index + attempt) % len(self.items)]
            try:
                frame = kitti.read_frame(item, self.class_mapping, self.classes)
                labels = Detections.concat([frame.detections, self._others(item)])
                prepared = self.preparation.apply(frame.rgb, labels)
                picture, labels = view(*prepared, kind, self.augmentation, rng, self._another)
                truth, others = labels[labels.track_ids < 0], labels[labels.track_ids >= 0]
                others = replace(others, labels=others.track_ids)
                return picture, drop_small(truth, self.least_wh), others, skipped
            except InputError as error:
                skipped.append(str(error))
        raise InputError(skipped[-1], "and the nine pictures before it could not be used", "readable pictures")

    def _another(self, rng: np.random.Generator) -> tuple[np.ndarray, Detections]:
        """Any other picture with its faces, for augmentation to borrow from."""
        frame = kitti.read_frame(self.items[int(rng.integers(len(self.items)))], self.class_mapping, self.classes)
        return self.preparation.apply(frame.rgb, frame.detections)

    def _others(self, item: kitti.Item) -> Detections:
        """Boxes of the mask's source classes. Their index travels as track id, as nothing is tracked in training;
        as `DONT_CARE` they are moved and cut with the faces, but nothing zooms at them.
        """
        names = self.loss_mask.source_classes
        if not names:
            return Detections()
        found = kitti.read_truth(item, {name: name for name in names}, names)
        index = np.where(found.labels == DONT_CARE, _index(names, "dontcare"), found.labels)
        return replace(found, labels=np.full(len(found), DONT_CARE), track_ids=index)[index >= 0]


def _index(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else -1


def _drawn(truth: Detections) -> tuple[FloatArray, np.ndarray]:
    care = truth.labels != DONT_CARE
    return truth.xyxy[care], truth.labels[care]


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
