"""Weights to start from: a checkpoint or an ONNX file, matched by name and shape, with a table of what fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor

from faceir.contract import METADATA_KEY, Contract
from faceir.errors import ModelError, need_file
from faceir.train import checkpoint
from faceir.train.checkpoint import Checkpoint
from faceir.train.model import UNIT_NAMES, Architecture, GridBoxNet

__all__ = ["Row", "architecture_of", "fit_in", "open_net", "read_onnx", "with_heads"]

HEADS = ("output_cov", "output_bbox")


@dataclass(frozen=True)
class Row:
    """What became of one layer of the net (convolution or BN)."""

    layer: str
    parameters: int
    """Of the layer; its BN statistics count."""
    loaded: bool
    reason: str = ""
    """Why not."""


def fit_in(net: GridBoxNet, tensors: dict[str, Tensor]) -> list[Row]:
    """Copy what fits of `tensors` by name and shape into `net` (changed in place), a layer whole or not at all."""
    ours = net.state_dict()
    layers: dict[str, list[str]] = {}
    for name in ours:
        layers.setdefault(name.rpartition(".")[0], []).append(name)
    rows: list[Row] = []
    fits: dict[str, Tensor] = {}
    for layer, names in layers.items():
        size = sum(ours[name].numel() for name in names if not name.endswith("num_batches_tracked"))
        theirs = [name for name in names if name in tensors]
        wrong = [name for name in theirs if tensors[name].shape != ours[name].shape]
        if len(theirs) < len(names):
            rows.append(Row(layer, size, False, "not in the file"))
        elif wrong:
            came, wanted = list(tensors[wrong[0]].shape), list(ours[wrong[0]].shape)
            rows.append(Row(layer, size, False, f"{wrong[0].rpartition('.')[2]} is {came} there, {wanted} here"))
        else:
            rows.append(Row(layer, size, True))
            fits |= {name: tensors[name] for name in names}
    net.load_state_dict({**ours, **fits})
    return rows


def open_net(path: str | Path) -> Checkpoint:
    """The net of a checkpoint or of an ONNX file that holds one of ours, with its contract where it has one.

    Raises `ModelError` for an ONNX file with another net: that is a source of weights only (`read_onnx`).
    """
    if Path(path).suffix != ".onnx":
        return checkpoint.load(path)
    model = _onnx_model(path)
    tensors = read_onnx(path)
    try:
        net = GridBoxNet(architecture_of(tensors))
    except KeyError as missing:
        raise ModelError(path, f"has no tensor {missing}", "an ONNX file that faceir exported") from None
    rows = fit_in(net, tensors)
    if lacking := [row.layer for row in rows if not row.loaded]:
        raise ModelError(path, f"lacks {', '.join(lacking[:3])}", "an ONNX file that faceir exported")
    stated = {one.key: one.value for one in model.metadata_props}
    contract = Contract.from_json(stated[METADATA_KEY], path) if METADATA_KEY in stated else Contract()
    return Checkpoint(net.eval(), contract)


def architecture_of(tensors: dict[str, Tensor]) -> Architecture:
    """Widths as the kernels' shapes tell them; raises `KeyError` for a kernel that is missing."""
    units = tuple((len(tensors[f"{unit}.conv_1.weight"]), len(tensors[f"{unit}.conv_2.weight"])) for unit in UNIT_NAMES)
    project = "block_1b.conv_shortcut.weight" in tensors
    return Architecture(len(tensors["conv1.weight"]), units, len(tensors["output_cov.weight"]), project)


def read_onnx(path: str | Path) -> dict[str, Tensor]:
    """Tensors of an ONNX file under our names, float32.

    In our own files batch normalisation is folded into the convolutions, and zero biases are left out. Both are
    undone: BN becomes the identity (scale sqrt(variance + epsilon), variance 1, mean and shift 0), so that the net
    computes what the file does. Initialisers of other names stay as they are and fit wherever name and shape do.
    """
    model = _onnx_model(path)
    tensors: dict[str, Tensor] = {}
    for one in model.graph.initializer:
        values = onnx.numpy_helper.to_array(one)
        if values.dtype in (np.float32, np.float16, np.float64):
            tensors[one.name] = torch.from_numpy(values.astype(np.float32))
    for node in model.graph.node:  # what folding made of a bias has a name of the exporter's choice
        if node.op_type == "Conv" and len(node.input) > 2 and node.input[2] in tensors:
            tensors[f"{node.input[1].removesuffix('.weight')}.bias"] = tensors[node.input[2]]
    eps = GridBoxNet(Architecture.resnet18(width_multiplier=0.125)).bn_conv1.eps
    for name in [n for n in tensors if n.endswith(".weight") and tensors[n].dim() == 4]:
        layer, channels = name.removesuffix(".weight"), len(tensors[name])
        if layer != "conv1" and not layer.startswith("block_") and layer not in HEADS:
            continue
        tensors.setdefault(f"{layer}.bias", torch.zeros(channels))
        bn = "" if layer in HEADS else "bn_conv1" if layer == "conv1" else layer.replace("conv_", "bn_")
        if bn and f"{bn}.weight" not in tensors:
            one, zero = torch.ones(channels), torch.zeros(channels)
            tensors |= {f"{bn}.weight": one * (1 + eps) ** 0.5, f"{bn}.bias": zero}
            tensors |= {f"{bn}.running_mean": zero, f"{bn}.running_var": one}
            tensors[f"{bn}.num_batches_tracked"] = torch.tensor(0)
    return tensors


def _onnx_model(path: str | Path) -> onnx.ModelProto:
    need_file(path, "an ONNX file", ModelError)
    try:
        return onnx.load(str(path))
    except Exception as error:  # protobuf's DecodeError is of no public base
        raise ModelError(path, f"is no ONNX file ({error})", "a whole .onnx file") from None


def with_heads(net: GridBoxNet, classes: int) -> GridBoxNet:
    """The trunk of `net`, pruned or not, under fresh outputs for `classes` classes."""
    fresh = GridBoxNet(replace(net.architecture, num_classes=classes))
    trunk = {name: t for name, t in net.state_dict().items() if not name.startswith(HEADS)}
    fresh.load_state_dict(fresh.state_dict() | trunk)
    return fresh
