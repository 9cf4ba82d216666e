"""A tiny net, exported in float, with the pictures it is calibrated on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
import torch

from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME, Contract
from faceir.fit import Fit, to_blob
from faceir.flow import Image
from faceir.inference import core
from faceir.train.export import export
from faceir.train.model import Architecture, GridBoxNet

SIZE = (96, 64)


@dataclass(frozen=True)
class Exported:
    """A float ONNX file of a net whose BN statistics fit the pictures."""

    path: Path
    pictures: list[Image]


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return make_exported(tmp_path_factory.mktemp("int8") / "float.onnx")


def make_exported(path: Path, all_projections: bool = True) -> Exported:
    torch.manual_seed(0)
    net = GridBoxNet(Architecture.resnet18(width_multiplier=0.125, all_projections=all_projections))
    pictures = [np.random.default_rng(n).integers(0, 256, (SIZE[1], SIZE[0])).astype(np.uint8) for n in range(8)]
    net.train()
    with torch.no_grad():  # statistics as after a training
        for _ in range(200):
            net(torch.from_numpy(to_blob(np.stack(pictures))))
    export(net, Contract(fit=Fit(SIZE)), path)
    return Exported(path, pictures)


def answers(path: Path, pictures: list[Image], runtime: str) -> list[npt.NDArray[np.float32]]:
    """Coverage and boxes by `openvino`, `onnxruntime`, or `node by node`: onnxruntime without its optimisers."""
    x = to_blob(np.stack(pictures))
    names = [COV_NAME, BBOX_NAME]
    if runtime != "openvino":
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        if runtime == "node by node":
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        return [np.asarray(a) for a in onnxruntime.InferenceSession(path, options).run(names, {INPUT_NAME: x})]
    result = core().compile_model(core().read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)
    return [result[name].copy() for name in names]
