"""How far an exported file is from the net, in every runtime that is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME, Contract
from faceir.fit import INPUT_SCALE, to_blob
from faceir.flow import Image
from faceir.inference import core
from faceir.train.model import GridBoxNet

__all__ = ["Coverage", "coverage_change", "differences"]

_Floats: TypeAlias = npt.NDArray[np.float32]
_Run: TypeAlias = Callable[[npt.NDArray[Any]], tuple[_Floats, _Floats]]
"""Network input to coverage `[N,K,h,w]` and boxes `[N,4K,h,w]`."""


def differences(net: GridBoxNet, contract: Contract, path: Path) -> dict[str, float]:
    """Largest difference over both outputs between `net` and the file at `path`, in float32, for each runtime.

    On random pictures, one and then three at once. ONNX Runtime is asked where it is installed and the file is ONNX.
    """
    width, height = contract.fit.size_wh
    runs = _runs(path)
    rng = np.random.default_rng(0)
    worst = dict.fromkeys(runs, 0.0)
    for batch in (1, 3):
        given: npt.NDArray[Any]
        if contract.fused:
            given = rng.integers(0, 256, (batch, 1, height, width), np.uint8)
            seen = given.astype(np.float32) * np.float32(INPUT_SCALE)
        else:  # unequal channels, so that no weight goes unseen
            given = seen = rng.random((batch, 3, height, width), np.float32)
        with torch.inference_mode():
            wanted = [grid.numpy() for grid in net(torch.from_numpy(seen))]
        for name, run in runs.items():
            far = [float(np.abs(got - grid).max()) for got, grid in zip(run(given), wanted, strict=True)]
            worst[name] = float(np.max([worst[name], *far]))  # unlike max(), keeps a NaN
    return worst


class Coverage(NamedTuple):
    """How much coverage grids differ, 0..1."""

    mean: float
    greatest: float


def coverage_change(before: Path, after: Path, canvases: Iterable[Image]) -> Coverage:
    """Coverage of two files, fused or not, on `canvases` (uint8 gray `[H,W]` of the network's size)."""
    runs = [_runs(path)["OpenVINO"] for path in (before, after)]
    fused = [_is_fused(path) for path in (before, after)]
    changes = []
    for canvas in canvases:
        blob = to_blob(canvas[None])
        first, second = (run(canvas[None, None] if whole else blob)[0] for run, whole in zip(runs, fused, strict=True))
        changes.append(np.abs(first - second))
    return Coverage(float(np.mean(changes)), float(np.max(changes))) if changes else Coverage(0.0, 0.0)


def _is_fused(path: Path) -> bool:
    return bool(core().read_model(path).inputs[0].get_element_type().get_type_name() == "u8")


def _runs(path: Path) -> dict[str, _Run]:
    compiled = core().compile_model(core().read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def in_openvino(x: npt.NDArray[Any]) -> tuple[_Floats, _Floats]:
        result = compiled(x)
        return result[COV_NAME], result[BBOX_NAME]

    runs: dict[str, _Run] = {"OpenVINO": in_openvino}
    if path.suffix == ".onnx" and find_spec("onnxruntime"):
        session = import_module("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])

        def in_onnx_runtime(x: npt.NDArray[Any]) -> tuple[_Floats, _Floats]:
            cov, bbox = session.run([COV_NAME, BBOX_NAME], {INPUT_NAME: x})
            return cov, bbox

        runs["ONNX Runtime"] = in_onnx_runtime
    return runs
