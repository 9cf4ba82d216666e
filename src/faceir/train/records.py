"""What a run writes for those who watch: `metrics.jsonl`, and TensorBoard scalars and pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from faceir import boxes, gridbox
from faceir.train.model import GridBoxNet

__all__ = ["Progress", "Records", "Visualiser", "drawn"]

_SCALARS = ("loss", "cov_cost", "bbox_cost", "distil_cost", "grad_norm", "rate", "step_s", "wait_s")


@dataclass(frozen=True)
class Progress:
    """What a step tells whoever watches."""

    step: int
    total_steps: int
    epoch: int
    loss: float
    cov_cost: float
    bbox_cost: float
    rate: float
    step_s: float
    wait_s: float
    """Of `step_s`, spent waiting for data."""
    skipped: tuple[str, ...] = ()
    scores: dict[str, Any] | None = None
    """Of the validation after this step."""
    distil_cost: float | None = None
    """What the teacher adds to the loss; None without one."""
    grad_norm: float | None = None
    """Before clipping; None without clipping."""


@dataclass(frozen=True)
class Visualiser:
    """`training_config.visualizer`: how often numbers are written, and pictures with what the net says of them."""

    scalars_per_epoch: int = 0
    """0: a record every 20 steps."""
    picture_epochs: int = 0
    """Epochs between pictures; 0 draws none."""
    num_images: int = 3
    thresholds: tuple[float, ...] = (0.005,)
    """Of coverage, a class: cells at or below are not drawn."""


class Records:
    """A line and a point every few steps, and at each validation; pictures at the end of some epochs."""

    def __init__(self, results: Path, how: Visualiser, steps_per_epoch: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        results.mkdir(parents=True, exist_ok=True)
        self.how = how
        self.every = max(steps_per_epoch // how.scalars_per_epoch, 1) if how.scalars_per_epoch else 20
        path = results / "metrics.jsonl"
        cut_off = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")  # by a full disk
        self.file = path.open("a", encoding="utf-8")
        self.file.write("\n" if cut_off else "")
        self.board = SummaryWriter(str(results / "events"))

    def write(self, report: Progress) -> None:
        """Record a step, if it is due."""
        if report.step % self.every and report.scores is None and not report.skipped:
            return
        row = {key: value for key, value in vars(report).items() if value not in (None, ())}
        self.file.write(json.dumps(row) + "\n")
        self.file.flush()
        for key in _SCALARS:
            if (value := getattr(report, key)) is not None:
                self.board.add_scalar(f"train/{key}", value, report.step)
        for key, value in (report.scores or {}).items():
            if isinstance(value, int | float):
                self.board.add_scalar(f"validation/{key}", value, report.step)

    def draws(self, epoch: int) -> bool:
        """Whether pictures are due at the end of `epoch`, counted from 0."""
        return bool(self.how.picture_epochs) and epoch % self.how.picture_epochs == 0

    def draw(self, net: GridBoxNet, pictures: torch.Tensor, step: int) -> None:
        """Show the first of `pictures` uint8 `[N,1,H,W]` with the boxes that `net` sees in them."""
        for n, picture in enumerate(drawn(net, pictures[: self.how.num_images], self.how.thresholds)):
            self.board.add_image(f"predictions/{n}", picture, step, dataformats="HWC")

    def close(self) -> None:
        """Finish both files."""
        self.file.close()
        self.board.close()


def drawn(net: GridBoxNet, pictures: torch.Tensor, thresholds: tuple[float, ...]) -> list[np.ndarray]:
    """Each picture uint8 RGB `[H,W,3]`, every cell's box above its class's threshold drawn, brighter with coverage."""
    import cv2

    device = net.conv1.weight.device
    with torch.inference_mode():
        cov, bbox = net(pictures.to(device).float() / 255)
    shown = []
    for picture, c, b in zip(pictures[:, 0].numpy(), cov.cpu().numpy(), bbox.cpu().numpy(), strict=True):
        canvas = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
        seen = gridbox.decode(c, b, (picture.shape[1], picture.shape[0]), np.array(thresholds, np.float32))
        for n in np.argsort(seen.cov):
            x1, y1, x2, y2 = np.round(boxes.clip(seen.xyxy[n : n + 1], picture.shape[::-1])[0]).astype(int).tolist()
            cv2.rectangle(canvas, (x1, y1), (x2, y2), (0, int(80 + 175 * min(float(seen.cov[n]), 1.0)), 0), 1)
        shown.append(np.asarray(canvas))
    return shown
