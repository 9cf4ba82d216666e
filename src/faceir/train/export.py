"""Checkpoint to ONNX: DeepStream's tensor names, a dynamic batch, the contract in the metadata, parity checked."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch

from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME, METADATA_KEY, Contract
from faceir.errors import ModelError
from faceir.inference import core
from faceir.train.model import GridBoxNet

__all__ = ["OPSET", "PARITY_LIMIT", "Exported", "export"]

log = logging.getLogger(__name__)
OPSET = 17
"""Read by TensorRT 8.5 and later, ONNX Runtime and OpenVINO."""
PARITY_LIMIT = 1e-4
"""Largest difference allowed between torch and the exported file, in the outputs' own units."""


@dataclass(frozen=True)
class Exported:
    """What was written, and how far it is from the net."""

    path: Path
    bytes: int
    parity: float
    """Largest difference over both outputs on random pictures, float32."""


def export(net: GridBoxNet, contract: Contract, path: str | Path) -> Exported:
    """Write `net` to an ONNX file with input `input_1` `[N,3,H,W]` and the two GridBox outputs, BN folded.

    The file is run against the net on a batch of one and of three before it takes the place of `path`;
    raises `ModelError`, leaving `path` as it was, when they differ by more than `PARITY_LIMIT`.
    """
    path = Path(path)
    net = net.eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        part = Path(folder) / path.name
        model = _to_onnx(net, contract)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, part)
        parity = _parity(net, contract, part)
        if parity > PARITY_LIMIT:
            raise ModelError(path, f"the ONNX net differs from torch by {parity:.1e}", f"at most {PARITY_LIMIT:.0e}")
        os.replace(part, path)
    return Exported(path, path.stat().st_size, parity)


def _to_onnx(net: GridBoxNet, contract: Contract) -> onnx.ModelProto:
    width, height = contract.fit.size_wh
    sample = torch.zeros(2, 3, height, width)
    # The exporter reports its stages on stdout and warns about packages that are not needed here.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            net,
            (sample,),
            input_names=[INPUT_NAME],
            output_names=[COV_NAME, BBOX_NAME],
            dynamic_shapes={"x": {0: torch.export.Dim("N")}},
            opset_version=18,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    model = onnx.version_converter.convert_version(model, OPSET)
    model.graph.output.sort(key=lambda output: output.name)  # boxes first, as TAO exports them
    for key in list(model.metadata_props):
        model.metadata_props.remove(key)
    for node in model.graph.node:  # the exporter's stack traces would double the file
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    onnx.helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    model.producer_name = "faceir"
    return model


def _parity(net: GridBoxNet, contract: Contract, path: Path) -> float:
    """Largest difference between the net and the file at `path`, both in float32."""
    compiled = core().compile_model(core().read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    width, height = contract.fit.size_wh
    rng = np.random.default_rng(0)
    worst = 0.0
    for batch in (1, 3):
        x = rng.random((batch, 3, height, width), np.float32)
        with torch.inference_mode():
            cov, bbox = net(torch.from_numpy(x))
        result = compiled(x)
        for name, wanted in ((COV_NAME, cov), (BBOX_NAME, bbox)):
            got: npt.NDArray[np.float32] = result[name]
            worst = max(worst, float(np.abs(got - wanted.numpy()).max()))
    return worst
