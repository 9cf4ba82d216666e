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

import onnx
import torch

from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME, METADATA_KEY, Contract
from faceir.errors import ModelError
from faceir.train.export import parity
from faceir.train.model import GridBoxNet

__all__ = ["OPSET", "PARITY_LIMIT", "Exported", "check_parity", "export", "state_contract"]

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
    """Largest difference over both outputs and all runtimes on random pictures, float32."""
    runtimes: tuple[str, ...] = ()
    """Where it was run beside torch."""


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
        found = check_parity(net, contract, part, path)
        os.replace(part, path)
    return Exported(path, path.stat().st_size, max(found.values()), tuple(found))


def check_parity(
    net: GridBoxNet, contract: Contract, part: Path, path: Path, limit: float = PARITY_LIMIT
) -> dict[str, float]:
    """`parity.differences` of the file `part`; raises `ModelError` at `path` for one above `limit`."""
    found = parity.differences(net, contract, part)
    for runtime, difference in found.items():
        if not difference <= limit:  # NaN too
            raise ModelError(path, f"differs from torch by {difference:.1e} in {runtime}", f"at most {limit:.0e}")
    return found


def state_contract(model: onnx.ModelProto, contract: Contract) -> None:
    """Put `contract` into the metadata of `model` (changed in place), in the place of the one there."""
    stated = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, stated | {METADATA_KEY: contract.to_json()})


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
    del model.metadata_props[:]
    for node in model.graph.node:  # the exporter's stack traces would double the file
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    _name_tensors(model.graph)
    state_contract(model, contract)
    model.producer_name = "faceir"
    return model


def _name_tensors(graph: onnx.GraphProto) -> None:
    """Name each tensor after the module that gives it (changed in place): `bn_conv1`, `block_1a.relu_1`.

    Scales of a calibration cache and ranges of a checkpoint go by these names, so they must not be the exporter's,
    which change from one version of torch to the next. A sum is `block_1a.add`.
    """
    fixed = {one.name for one in graph.output}
    names: dict[str, str] = {}
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = names.get(name, name)
        made = _module_of(node)
        if made and node.output[0] not in fixed:
            names[node.output[0]] = made
            node.output[0] = made
    for value in graph.value_info:
        value.name = names.get(value.name, value.name)


def _module_of(node: onnx.NodeProto) -> str:
    """The module whose output a node gives; empty where it gives none of ours."""
    read = str(node.input[0])
    match node.op_type:
        case "Conv":  # BN is folded into it
            layer = str(node.input[1]).removesuffix(".weight")
            return "bn_conv1" if layer == "conv1" else layer.replace(".conv_", ".bn_")
        case "Add":
            return f"{read.partition('.')[0]}.add"
        case "Relu" if read == "bn_conv1":
            return "activation_1"
        case "Relu":
            return read.replace(".bn_", ".relu_").replace(".add", ".relu")
    return ""
