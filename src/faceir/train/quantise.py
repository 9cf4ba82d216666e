"""INT8: activation ranges from pictures, then a QDQ copy of an exported ONNX file.

Activations after ReLU and the picture itself are never negative, so they take all 256 levels (uint8,
zero point 0); the picture's scale is exactly 1/255, so that 8-bit input, however dark, loses nothing.
Weights are int8, symmetric, a scale for each output channel. Both heads stay in float32, as in TAO.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME
from faceir.errors import InputError
from faceir.fit import INPUT_SCALE, to_blob
from faceir.flow import Image
from faceir.inference import core

__all__ = ["Range", "calibrate", "quantise"]

_BINS = 2048
PERCENTILE = 99.99
"""Share of the activations inside the range, per cent; the rest saturates."""


@dataclass(frozen=True)
class Range:
    """What a tensor's values span: 0..`high` when it is not `signed`, else -`high`..`high`."""

    high: float
    signed: bool


def calibrate(path: str | Path, canvases: Iterable[Image], percentile: float = PERCENTILE) -> dict[str, Range]:
    """Range of every tensor that `quantise` will quantise, by the net's answer to `canvases`.

    `canvases` are uint8 gray pictures `[H,W]` of the network's size, as `Fit.apply` gives; they are gone
    through once: the histogram of a tensor widens as greater values come. Raises `InputError` for none.
    """
    model = onnx.load(path)
    names = [name for name in _activations(model.graph) if name != INPUT_NAME]
    counts = {name: _Histogram() for name in names}
    for values in _run(path, names, canvases):
        for name, value in values.items():
            counts[name].add(value)
    if not counts[names[0]].total:
        raise InputError("calibration", "got no picture", "some hundred pictures like those to be seen later")
    return {INPUT_NAME: Range(1.0, False)} | {name: h.range(percentile) for name, h in counts.items()}


def quantise(source: str | Path, target: str | Path, ranges: Mapping[str, Range]) -> Path:
    """Write the ONNX file `source` with quantise-dequantise pairs to `target`, whole or not at all."""
    model = onnx.load(source)
    graph = model.graph
    constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    replaced: dict[str, str] = {}  # tensor -> its dequantised twin
    added: list[onnx.TensorProto] = []

    def pair(name: str) -> None:
        known = ranges[name]
        levels, kind = (127, np.int8) if known.signed else (255, np.uint8)
        scale = INPUT_SCALE if name == INPUT_NAME else max(known.high, 1e-6) / levels
        added.append(numpy_helper.from_array(np.float32(scale), f"{name}/scale"))
        added.append(numpy_helper.from_array(kind(0), f"{name}/zero"))
        by = [f"{name}/scale", f"{name}/zero"]
        nodes.append(helper.make_node("QuantizeLinear", [name, *by], [f"{name}/q"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{name}/q", *by], [f"{name}/dq"]))
        replaced[name] = f"{name}/dq"

    if INPUT_NAME in ranges:
        pair(INPUT_NAME)
    for node in graph.node:
        body = node.op_type == "Conv" and not _is_head(node, graph)
        if body:
            weight = constants.pop(node.input[1])
            nodes.append(_int8_weight(node.input[1], weight, added))
            node.input[1] = f"{node.input[1]}/dq"
        for n, name in enumerate(node.input):
            if name in replaced and (body or node.op_type == "Add"):
                node.input[n] = replaced[name]
        nodes.append(node)
        for name in node.output:
            if name in ranges:
                pair(name)
    kept = [i for i in graph.initializer if i.name in constants]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *added])
    onnx.checker.check_model(model, full_check=True)
    target = Path(target)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".quantise-") as folder:
        onnx.save(model, Path(folder) / target.name)
        os.replace(Path(folder) / target.name, target)
    return target


def _activations(graph: onnx.GraphProto) -> list[str]:
    """Tensors to quantise: what the body's convolutions read, and what joins them in a residual addition."""
    names = [node.input[0] for node in graph.node if node.op_type == "Conv" and not _is_head(node, graph)]
    producer = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type == "Add":
            shortcut = [n for n in node.input if producer[n].op_type == "Conv" and _kernel(producer[n], graph) == 1]
            names += shortcut
    return list(dict.fromkeys(names))


def _kernel(node: onnx.NodeProto, graph: onnx.GraphProto) -> int:
    """Side of a convolution's kernel."""
    return next(int(i.dims[-1]) for i in graph.initializer if i.name == node.input[1])


def _is_head(node: onnx.NodeProto, graph: onnx.GraphProto) -> bool:
    """Whether a convolution gives an output, directly or through the sigmoid."""
    readers = [n for n in graph.node if node.output[0] in n.input]
    return node.output[0] == BBOX_NAME or any(COV_NAME in n.output for n in readers)


def _int8_weight(name: str, weight: npt.NDArray[np.float32], added: list[onnx.TensorProto]) -> onnx.NodeProto:
    """Store `weight` `[out,in,k,k]` as int8 with a scale a channel; the node that gives it back."""
    scale = np.maximum(np.abs(weight).max(axis=(1, 2, 3)), 1e-8) / 127
    levels = np.clip(np.rint(weight / scale[:, None, None, None]), -127, 127).astype(np.int8)
    added.append(numpy_helper.from_array(levels, f"{name}/q"))
    added.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}/scale"))
    added.append(numpy_helper.from_array(np.zeros(len(scale), np.int8), f"{name}/zero"))
    return helper.make_node("DequantizeLinear", [f"{name}/q", f"{name}/scale", f"{name}/zero"], [f"{name}/dq"], axis=0)


def _run(path: str | Path, names: list[str], canvases: Iterable[Image]) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
    """Values of the named tensors for each picture, in float32."""
    model = core().read_model(path)
    model.add_outputs(names)
    compiled = core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for canvas in canvases:
        result = compiled(to_blob(canvas[None]))
        yield {name: result[name] for name in names}


class _Histogram:
    """Counts of |x| in equal bins; the range doubles, its bins merged in pairs, when a greater value comes."""

    def __init__(self) -> None:
        self.counts = np.zeros(_BINS, np.int64)
        self.high = 0.0
        self.signed = False
        self.total = 0

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count one picture's values."""
        self.signed |= bool(values.min() < 0)
        size = np.abs(values)
        top = float(size.max())
        if not self.high:
            self.high = max(top, 1e-6)
        while top > self.high:
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.concatenate([merged, np.zeros(_BINS // 2, np.int64)])
            self.high *= 2
        self.counts += np.histogram(size, _BINS, (0, self.high))[0]
        self.total += size.size

    def range(self, percentile: float) -> Range:
        """The least range that holds `percentile` of the values."""
        reached = np.searchsorted(np.cumsum(self.counts), self.total * percentile / 100)
        return Range(float(self.high * min(int(reached) + 1, _BINS) / _BINS), self.signed)
