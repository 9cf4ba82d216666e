"""The fast graph of our own runtime: the canvas as it is, one channel of bytes, instead of three of floats.

Three equal channels of value / 255 are one channel of values under filters that are summed over the channels and
divided by 255, also at the edges, as zero padding stays zero. So a float graph loses nothing. A quantised one loses
nothing either when the three channels' filters have the same levels, which `equal_channels` sees to: the sum of three
equal levels is one level at three times the scale. Its 8-bit input then needs no quantise node at all.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from faceir.contract import INPUT_NAME, METADATA_KEY, Contract
from faceir.errors import ModelError
from faceir.fit import INPUT_SCALE
from faceir.train.export.onnx_file import state_contract

__all__ = ["equal_channels", "fuse"]


def equal_channels(source: Path, target: Path) -> Path:
    """Write the float ONNX file `source` to `target` with the stem's filters averaged over the three input channels.

    For gray pictures it answers as before; a colour one it sees as the mean of its channels.
    """
    model = onnx.load(source)
    stem = _stem(model.graph, source)
    weights = {i.name: i for i in model.graph.initializer}
    weight = weights[stem.input[1]]
    mean = numpy_helper.to_array(weight).mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    _store(weight, np.repeat(mean, 3, axis=1))
    return _save(model, target)


def fuse(source: Path, target: Path) -> Path:
    """Write the ONNX file `source`, float or u8-quantised, to `target` with input uint8 `[N,1,H,W]`.

    The contract inside says so. Raises `ModelError` for a quantised file that cannot be fused without loss.
    """
    model = onnx.load(source)
    graph = model.graph
    stem = _stem(graph, source)
    weights = {i.name: i for i in graph.initializer}
    if stem.input[0] == INPUT_NAME:
        weight = weights[stem.input[1]]
        summed = numpy_helper.to_array(weight).sum(axis=1, keepdims=True, dtype=np.float64) * INPUT_SCALE
        _store(weight, summed.astype(np.float32))
        graph.node.insert(0, helper.make_node("Cast", [INPUT_NAME], [f"{INPUT_NAME}/float"], to=TensorProto.FLOAT))
        stem.input[0] = f"{INPUT_NAME}/float"
    else:
        _fuse_quantised(graph, stem, weights, source)
    tensor = graph.input[0].type.tensor_type
    tensor.elem_type = TensorProto.UINT8
    tensor.shape.dim[1].dim_value = 1
    del graph.value_info[:]  # shapes of what is no longer there
    stated = {entry.key: entry.value for entry in model.metadata_props}
    state_contract(model, replace(Contract.from_json(stated[METADATA_KEY], source), fused=True))
    return _save(model, target)


def _fuse_quantised(graph: onnx.GraphProto, stem: onnx.NodeProto, weights: dict[str, Any], where: Path) -> None:
    """Fuse a stem whose input and weights come from quantise-dequantise pairs."""
    made_by = {name: node for node in graph.node for name in node.output}
    picture, filters = made_by[stem.input[0]], made_by[stem.input[1]]
    stored = weights.get(filters.input[0])
    levels = numpy_helper.to_array(stored) if stored is not None else np.zeros((1, 3, 1, 1), np.float32)
    zero = numpy_helper.to_array(weights[picture.input[2]])
    if levels.dtype != np.int8 or zero.dtype != np.uint8 or zero != 0:
        raise ModelError(where, "is quantised for TensorRT", "the scheme u8 for a fused graph", "give --scheme u8")
    if (levels != levels[:, :1]).any():
        raise ModelError(where, "the stem's filters differ between the three channels", "a file of faceir export")
    scale = weights[filters.input[1]]
    _store(weights[filters.input[0]], levels[:, :1])
    _store(scale, numpy_helper.to_array(scale) * np.float32(3))
    graph.node.remove(made_by[picture.input[0]])
    picture.input[0] = INPUT_NAME


def _store(tensor: onnx.TensorProto, value: npt.NDArray[Any]) -> None:
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value), tensor.name))


def _stem(graph: onnx.GraphProto, where: Path) -> onnx.NodeProto:
    """The first convolution; raises `ModelError` when the input is not three channels that it alone reads."""
    shape = [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim]
    readers = [node for node in graph.node if INPUT_NAME in node.input]
    while len(readers) == 1 and readers[0].op_type in ("QuantizeLinear", "DequantizeLinear"):
        readers = [node for node in graph.node if readers[0].output[0] in node.input]
    if shape[1:2] != [3] or len(readers) != 1 or readers[0].op_type != "Conv":
        raise ModelError(where, "does not start with one convolution of three channels", "a file of faceir export")
    return readers[0]


def _save(model: onnx.ModelProto, target: Path) -> Path:
    onnx.checker.check_model(model, full_check=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fuse-") as folder:
        onnx.save(model, Path(folder) / target.name)
        os.replace(Path(folder) / target.name, target)
    return target
