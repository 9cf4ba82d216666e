"""A tiny net with statistics as after a training, exported once, in float and in both schemes of INT8."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from faceir.contract import Contract
from faceir.fit import Fit, to_blob
from faceir.flow import Image
from faceir.train import quantise
from faceir.train.export import Exported, export
from faceir.train.export.fused import equal_channels
from faceir.train.model import Architecture, GridBoxNet

SIZE = (96, 64)


class Nets(NamedTuple):
    net: GridBoxNet
    contract: Contract
    written: Exported
    plain: Path
    u8: Path
    s8: Path
    pictures: list[Image]


@pytest.fixture(scope="session")
def nets(tmp_path_factory) -> Nets:
    folder = tmp_path_factory.mktemp("export")
    torch.manual_seed(0)
    net = GridBoxNet(Architecture.resnet18(width_multiplier=0.125))
    pictures = [np.random.default_rng(n).integers(0, 256, (SIZE[1], SIZE[0])).astype(np.uint8) for n in range(8)]
    net.train()
    with torch.no_grad():
        for _ in range(50):
            net(torch.from_numpy(to_blob(np.stack(pictures))))
        net.output_cov.bias.fill_(-0.3)  # zeros would not be exported
        net.output_bbox.bias.fill_(0.6)  # boxes that have an area
    net.eval()
    contract = Contract(fit=Fit(SIZE), name="tiny")
    written = export(net, contract, folder / "tiny.onnx")
    equal = equal_channels(written.path, folder / "equal.onnx")
    ranges = quantise.calibrate(equal, pictures)
    u8, s8 = (quantise.quantise(equal, folder / f"{s}.onnx", ranges, scheme=s) for s in ("u8", "s8"))
    return Nets(net, contract, written, written.path, u8, s8, pictures)
