"""A torch net as a `Detector`, to judge a checkpoint by the same code as everything else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from faceir.contract import Contract
from faceir.detections import Detections
from faceir.flow import Image
from faceir.train import checkpoint
from faceir.train.model import GridBoxNet

__all__ = ["TorchDetector"]


class TorchDetector:
    """Finds faces with a net in evaluation mode; `precision` is `FP32` or `BF16`."""

    def __init__(self, net: GridBoxNet, contract: Contract, precision: str = "FP32", batch: int = 16) -> None:
        self.net, self.contract, self.precision, self.batch = net, contract, precision, batch
        self.device = net.conv1.weight.device

    @staticmethod
    def load(path: str | Path) -> TorchDetector:
        """The detector of a checkpoint file."""
        loaded = checkpoint.load(path)
        return TorchDetector(loaded.net, loaded.contract)

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Faces of each picture, uint8 gray `[H,W]` or RGB `[H,W,3]`."""
        found: list[Detections] = []
        for start in range(0, len(images), self.batch):
            canvases, places = self.contract.fit.batch(images[start : start + self.batch])
            x = torch.from_numpy(canvases)[:, None].to(self.device).float() / 255
            x = x.contiguous(memory_format=torch.channels_last)
            with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, self.precision == "BF16"):
                cov, bbox = self.net(x)
            grids = zip(cov.float().cpu().numpy(), bbox.float().cpu().numpy(), places, strict=True)
            found += [self.contract.read(c, b, place) for c, b, place in grids]
        return found
