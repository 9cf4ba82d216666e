"""Weights to start from: a checkpoint, ONNX or TAO's file, matched by name and shape, with a table of what fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor

from faceir.contract import METADATA_KEY, Contract
from faceir.errors import ModelError, need_file
from faceir.train import checkpoint, hdf5
from faceir.train.checkpoint import Checkpoint
from faceir.train.model import UNIT_NAMES, Architecture, GridBoxNet

__all__ = [
    "CLOSED",
    "Row",
    "architecture_of",
    "fit_in",
    "is_foreign",
    "open_net",
    "read_onnx",
    "read_weights",
    "with_heads",
]

HEADS = ("output_cov", "output_bbox")
CLOSED = (".tlt", ".etlt", ".ckzip")
"""Endings of models that TAO encrypts."""


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


def is_foreign(path: str | Path) -> bool:
    """Whether `path` is no checkpoint by its ending, so that it holds a net and nothing of what that learnt from."""
    return Path(path).suffix.lower() in (".onnx", *hdf5.SUFFIXES)


def open_net(path: str | Path, key: str | None = None, to_learn: bool = False) -> Checkpoint:
    """The net of a checkpoint (`key` opens a sealed one), or of a file of ONNX or of TAO that holds one of ours.

    The contract is the file's where it has one, else the default one. `to_learn` lets a net pass that does not compute
    quite what the file did, as one trained by TAO with `enable_qat`; its `data` then say so under `caution`.
    Raises `ModelError` for a file with another net: that is a source of weights only (`read_weights`).
    """
    if Path(path).suffix.lower() in CLOSED:
        raise ModelError(path, "is encrypted, and only TAO reads it", "a checkpoint, an .onnx file or TAO's .hdf5")
    if not is_foreign(path):
        return checkpoint.load(path, key)
    if Path(path).suffix.lower() in hdf5.SUFFIXES:
        wanted, (tensors, data) = hdf5.WANTED, _open_hdf5(path, to_learn)
        contract = Contract()
    else:
        wanted, tensors, data = "an ONNX file that faceir exported", read_onnx(path), {}
        stated = {one.key: one.value for one in _onnx_model(path).metadata_props}
        contract = Contract.from_json(stated[METADATA_KEY], path) if METADATA_KEY in stated else Contract()
    units = {name.partition(".")[0] for name in tensors if name.startswith("block_")}
    if further := sorted(units - set(UNIT_NAMES)):
        raise ModelError(path, f"has {further[0]}, a deeper net's", wanted)
    try:
        net = GridBoxNet(architecture_of(tensors))
    except KeyError as missing:
        raise ModelError(path, f"has no tensor {missing}", wanted) from None
    if lacking := [row for row in fit_in(net, tensors) if not row.loaded]:
        raise ModelError(path, f"its {lacking[0].layer} does not fit: {lacking[0].reason}", wanted)
    return Checkpoint(net.eval(), contract, data=data)


def _open_hdf5(path: str | Path, to_learn: bool) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors of TAO's file, and what to beware of; raises `ModelError` where they are not the whole net."""
    model = hdf5.read_hdf5(path)
    if model.differs:
        raise ModelError(
            path, model.differs, f"{hdf5.WANTED} without pooling", "set load_graph: false to start from its weights"
        )
    if not model.quantised:
        return _completed(model.tensors), {}
    caution = "trained by TAO with enable_qat: its ReLUs stopped at 6, those here do not"
    if not to_learn:
        raise ModelError(
            path,
            f"was {caution}",
            "a net trained without",
            "train it on here, with load_graph: true, or name the former",
        )
    return _completed(model.tensors), {"caution": f"{Path(path).name} was {caution}"}


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Tensors of any file that `open_net` takes, or of part of such a net, under our names; raises `ModelError`."""
    if Path(path).suffix.lower() in hdf5.SUFFIXES:
        return _completed(hdf5.read_hdf5(path).tensors)
    return read_onnx(path) if is_foreign(path) else open_net(path).net.state_dict()


def architecture_of(tensors: dict[str, Tensor]) -> Architecture:
    """Widths as the kernels' shapes tell them; raises `KeyError` for a kernel that is missing."""
    units = tuple((len(tensors[f"{unit}.conv_1.weight"]), len(tensors[f"{unit}.conv_2.weight"])) for unit in UNIT_NAMES)
    project = "block_1b.conv_shortcut.weight" in tensors
    return Architecture(len(tensors["conv1.weight"]), units, len(tensors["output_cov.weight"]), project)


def read_onnx(path: str | Path) -> dict[str, Tensor]:
    """Tensors of an ONNX file under our names, float32.

    In our own files batch normalisation is folded into the convolutions, and zero biases are left out. Both are
    undone. Initialisers of other names stay as they are and fit wherever name and shape do.
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
    return _completed(tensors)


def _completed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """`tensors` and what their convolutions lack: zero biases, and BN that changes nothing.

    That is scale sqrt(variance + epsilon), variance 1, mean and shift 0: the net computes what the file does.
    """
    whole = dict(tensors)
    eps = GridBoxNet(Architecture.resnet18(width_multiplier=0.125)).bn_conv1.eps
    for name in [n for n in tensors if n.endswith(".weight") and tensors[n].dim() == 4]:
        layer, channels = name.removesuffix(".weight"), len(tensors[name])
        if layer != "conv1" and not layer.startswith("block_") and layer not in HEADS:
            continue
        whole.setdefault(f"{layer}.bias", torch.zeros(channels))
        bn = "" if layer in HEADS else "bn_conv1" if layer == "conv1" else layer.replace("conv_", "bn_")
        if not bn:
            continue
        if not any(f"{bn}.{part}" in tensors for part in ("weight", "running_mean", "running_var")):
            one, zero = torch.ones(channels), torch.zeros(channels)
            whole |= {f"{bn}.weight": one * (1 + eps) ** 0.5, f"{bn}.bias": zero}
            whole |= {f"{bn}.running_mean": zero, f"{bn}.running_var": one}
        whole.setdefault(f"{bn}.num_batches_tracked", torch.tensor(0))
    return whole


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
