"""Quantise-dequantise pairs in an exported ONNX file, for ONNX Runtime and OpenVINO or for TensorRT.

* Scheme `u8`: activations that are never negative are uint8 with zero point 0 and all 256 levels, the others int8
  and symmetric. The picture's scale is exactly 1/255, so that 8-bit input, however dark, loses nothing. Weights
  are stored as int8. ONNX Runtime is fast with this one only.
* Scheme `s8`: activations are int8, symmetric, scale = range / 127, as TensorRT wants and DLA computes. Weights are
  stored as float32 with a pair behind them, as TensorRT before 10 reads no other.

Weights have a scale for each output channel (axis 0), biases stay in float32, and so do both heads, as in TAO.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME
from faceir.errors import InputError, ModelError
from faceir.fit import INPUT_SCALE
from faceir.train.quantise.ranges import Range

__all__ = ["FLOAT_LAYERS_KEY", "SCHEMES", "layers", "quantise"]

SCHEMES = ("u8", "s8")
FLOAT_LAYERS_KEY = "float_layers"
"""Key of an ONNX file's metadata: JSON list of the body's layers that were left in float, if any."""


def layers(path: str | Path) -> tuple[str, ...]:
    """Names of the body's convolutions in their order, as in the checkpoint: `conv1`, `block_1a.conv_1`, ..."""
    graph = _load(path).graph
    return tuple(_layer(node) for node in graph.node if _is_body(node, graph))


def quantise(
    source: str | Path,
    target: str | Path,
    ranges: Mapping[str, Range],
    scheme: str = "u8",
    float_layers: Iterable[str] = (),
) -> Path:
    """Write the float ONNX file `source` with quantise-dequantise pairs to `target`, whole or not at all.

    Every convolution of the body reads a pair for its input and for its weights, but for the `float_layers`;
    the shortcut that is added to a quantised convolution is paired too, so that the sum can be part of it.
    Raises `InputError` for a scheme or layer that does not exist, `ModelError` when a tensor has no range.
    """
    if scheme not in SCHEMES:
        raise InputError("--scheme", f"is {scheme!r}", " or ".join(SCHEMES))
    model = _load(source)
    kept = tuple(dict.fromkeys(float_layers))
    known = [_layer(node) for node in model.graph.node if _is_body(node, model.graph)]
    unknown = [name for name in kept if name not in known]
    if unknown:
        raise InputError("--float-layers", f"the net has no layer {', '.join(unknown)}", ", ".join(known))
    _Writer(model.graph, ranges, scheme, kept).write(source)
    if kept:
        entry = model.metadata_props.add()
        entry.key, entry.value = FLOAT_LAYERS_KEY, json.dumps(kept)
    onnx.checker.check_model(model, full_check=True)
    target = Path(target)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".quantise-") as folder:
        onnx.save(model, Path(folder) / target.name)
        os.replace(Path(folder) / target.name, target)
    return target


def _load(path: str | Path) -> onnx.ModelProto:
    model = onnx.load(path)
    if any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        raise ModelError(path, "is quantised already", "a float ONNX file or a checkpoint")
    return model


class _Writer:
    """Rewrites one graph in place."""

    def __init__(self, graph: onnx.GraphProto, ranges: Mapping[str, Range], scheme: str, kept: tuple[str, ...]) -> None:
        self.graph, self.ranges, self.scheme = graph, ranges, scheme
        self.body = [n for n in graph.node if _is_body(n, graph) and _layer(n) not in kept]
        self.sums = {n.output[0] for n in self.body}  # what is added to one of these is paired
        self.producer = {name: n for n in graph.node for name in n.output}
        self.weights = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        self.added: list[onnx.TensorProto] = []

    def write(self, where: object) -> None:
        reads = {id(n): [0] for n in self.body} | {
            id(n): [i] for n in self.graph.node if n.op_type == "Add" and (i := self._shortcut(n)) is not None
        }
        paired = {n.input[i] for n in self.graph.node for i in reads.get(id(n), ())}
        lacks = sorted(paired - set(self.ranges))
        if lacks:
            raise ModelError(where, f"no range is given for {', '.join(lacks)}", "ranges of this very file")
        nodes = self._pair(INPUT_NAME) if INPUT_NAME in paired else []
        body = {id(n) for n in self.body}
        for node in self.graph.node:
            for i in reads.get(id(node), ()):
                node.input[i] = f"{node.input[i]}/dq"
            if id(node) in body:
                nodes += self._weight(node)
            nodes.append(node)
            nodes += [new for name in node.output if name in paired for new in self._pair(name)]
        rest = [i for i in self.graph.initializer if i.name in self.weights]
        del self.graph.node[:], self.graph.initializer[:]
        self.graph.node.extend(nodes)
        self.graph.initializer.extend([*rest, *self.added])

    def _shortcut(self, node: onnx.NodeProto) -> int | None:
        """Which input of a residual addition is paired: the one that is not the quantised 3x3 convolution's."""
        main = [i for i, name in enumerate(node.input) if name in self.sums and self._kernel(name) > 1]
        return 1 - main[0] if main else None

    def _kernel(self, name: str) -> int:
        return int(self.weights[self.producer[name].input[1]].shape[-1])

    def _pair(self, name: str) -> list[onnx.NodeProto]:
        known = self.ranges[name]
        signed = known.signed or self.scheme == "s8"
        levels, kind = (127, np.int8) if signed else (255, np.uint8)
        scale = INPUT_SCALE if name == INPUT_NAME and not signed else max(known.high, 1e-6) / levels
        return self._quantise(name, np.asarray(scale, np.float32), kind(0))

    def _quantise(self, name: str, scale: npt.NDArray[np.float32], zero: npt.ArrayLike) -> list[onnx.NodeProto]:
        """A pair behind `name`; a scale of more than one number is one for each channel of axis 0."""
        by = [f"{name}/scale", f"{name}/zero"]
        self.added += [numpy_helper.from_array(scale, by[0]), numpy_helper.from_array(np.asarray(zero), by[1])]
        axis = {"axis": 0} if scale.ndim else {}
        return [
            helper.make_node("QuantizeLinear", [name, *by], [f"{name}/q"], name=f"{name}/quantise", **axis),
            helper.make_node("DequantizeLinear", [f"{name}/q", *by], [f"{name}/dq"], name=f"{name}/dequantise", **axis),
        ]

    def _weight(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """The nodes that give a convolution `node` its quantised weight `[out,in,k,k]`."""
        name = node.input[1]
        weight = self.weights[name]
        scale = np.maximum(np.abs(weight).max(axis=(1, 2, 3)), 1e-8).astype(np.float32) / np.float32(127)
        pair = self._quantise(name, scale, np.zeros(len(scale), np.int8))
        node.input[1] = f"{name}/dq"
        if self.scheme == "s8":
            return pair
        del self.weights[name]
        levels = np.clip(np.rint(weight / scale[:, None, None, None]), -127, 127).astype(np.int8)
        self.added.append(numpy_helper.from_array(levels, f"{name}/q"))
        return pair[1:]


def _layer(node: onnx.NodeProto) -> str:
    return str(node.input[1]).removesuffix(".weight")


def _is_body(node: onnx.NodeProto, graph: onnx.GraphProto) -> bool:
    """Whether it is a convolution that gives no output, neither directly nor through the sigmoid."""
    if node.op_type != "Conv" or node.output[0] == BBOX_NAME:
        return False
    return not any(COV_NAME in n.output for n in graph.node if node.output[0] in n.input)
