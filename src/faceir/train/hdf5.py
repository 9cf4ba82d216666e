"""Models that TAO 5 saved as Keras HDF5: weights of DetectNet_v2's ResNets under our names. Nothing in a file is run.

TAO's names and layout: NVIDIA/tao_tensorflow1_backend, `core/templates` and `cv/detectnet_v2/objectives`. A kernel is
stored `[H,W,in,out]`; its group is the layer's, alone or below that of a model around it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from faceir.errors import ModelError, need_file
from faceir.train.model import Architecture, GridBoxNet

__all__ = ["SUFFIXES", "WANTED", "KerasModel", "read_hdf5"]

SUFFIXES = (".hdf5", ".h5")
WANTED = "a .hdf5 file of DetectNet_v2's ResNet18, as TAO 5 saves it"
_LAYER = re.compile(
    r"(?:(block_\d+[a-z]+)_((?:conv|bn)_(?:\d+|shortcut))|(conv1|bn_conv1|output_cov|output_bbox))(?:_\d+)?"
)
"""One of TAO's; a number behind it counts how often one session loaded the model."""
_WEIGHTS = {
    "kernel": "weight", "bias": "bias",
    "gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var",
}  # fmt: skip
_MAX_NUMBERS = 1 << 26
"""More than any ResNet's largest kernel has; a file may claim what no memory holds."""


@dataclass(frozen=True)
class KerasModel:
    """What a file holds of one of our nets."""

    tensors: dict[str, Tensor]
    """float32, under our names; those of a deeper ResNet's further units too."""
    size_wh: tuple[int, int] | None = None
    """Pixels of its input, where the file says it."""
    differs: str = ""
    """Where its graph is another than ours, with the same weights; empty also for a file of weights alone."""
    quantised: bool = False
    """Trained with `enable_qat`, by TAO's way of it: ReLUs stop at 6, and kernels are rounded to 8 bits."""


def read_hdf5(path: str | Path) -> KerasModel:
    """The weights in a Keras file, whole or of weights alone; raises `ModelError` where it has none of a ResNet."""
    need_file(path, WANTED, ModelError)
    try:
        with h5py.File(path, "r", locking=False) as file:
            found = dict(_datasets(file, path))
            graph = file.attrs.get("model_config")
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:  # h5py's, for what it cannot read
        reason = " ".join(str(error).split())
        raise ModelError(
            path, f"is cut off or no HDF5 file ({reason})", WANTED, "copy it again; an encrypted .tlt stays closed"
        ) from None
    if "conv1.weight" not in found or "block_1a.conv_1.weight" not in found:
        raise ModelError(path, "has no conv1 and block_1a_conv_1 with kernels, so it is another net's", WANTED)
    tensors = {name: torch.from_numpy(_ours(name, values)) for name, values in found.items()}
    if graph is None:
        return KerasModel(tensors)
    try:
        layers = list(_layers(json.loads(graph)))
        quantised = any(kind in ("QDQ", "QuantizedConv2D") for kind, _ in layers)
        return KerasModel(tensors, _input_size(layers), _differs(layers), quantised)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ModelError(path, f"its model_config cannot be read ({error!r})", WANTED) from None


def _datasets(file: Any, path: str | Path) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Our name and values of each weight of a layer that has one of TAO's names."""
    held: list[tuple[str, Any]] = []
    file.visititems(lambda name, one: held.append((name, one)) if isinstance(one, h5py.Dataset) else None)  # no links
    seen: set[str] = set()
    for place, dataset in held:
        *parts, last = place.split("/")
        layer = next((found for part in parts if (found := _LAYER.fullmatch(part))), None)
        weight = _WEIGHTS.get(last.partition(":")[0])
        if layer is None or weight is None or parts[0] == "optimizer_weights":
            continue
        name = ".".join(filter(None, (*layer.groups(), weight)))
        if name in seen:
            raise ModelError(path, f"has {place} twice", "one model")
        seen.add(name)
        if dataset.dtype.kind != "f" or dataset.ndim not in (1, 4) or not 0 < dataset.size <= _MAX_NUMBERS:
            raise ModelError(path, f"{place} is {dataset.dtype} {list(dataset.shape)}", "a kernel or a value a channel")
        if dataset.is_virtual or dataset.external:
            raise ModelError(path, f"{place} lies in another file", "one file with all of its weights")
        yield name, dataset[()]


def _ours(name: str, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """`values` float32 and as torch has them; a stem for one channel as the same for three equal ones."""
    if values.ndim == 4:
        values = values.transpose(3, 2, 0, 1)
    values = values.astype(np.float32)
    if name == "conv1.weight" and values.ndim == 4 and values.shape[1] == 1:
        values = values.repeat(3, axis=1) / 3
    return np.ascontiguousarray(values)


def _layers(model: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and settings of every layer, those of models within the model too."""
    for layer in model["config"]["layers"]:
        if "layers" in layer["config"]:
            yield from _layers(layer)
        else:
            yield layer["class_name"], layer["config"]


def _input_size(layers: list[tuple[str, dict[str, Any]]]) -> tuple[int, int] | None:
    for kind, config in layers:
        shape = list(config.get("batch_input_shape") or config.get("batch_shape") or [])
        if kind == "InputLayer" and len(shape) == 4:
            height, width = shape[2:] if shape[1] in (1, 3) else shape[1:3]
            return (int(width), int(height)) if height and width else None
    return None


def _differs(layers: list[tuple[str, dict[str, Any]]]) -> str:
    """The first thing that our net does in another way with the same weights."""
    here = dict(GridBoxNet(Architecture.resnet18(width_multiplier=0.125)).named_modules())
    eps = here["bn_conv1"].eps
    for kind, config in layers:
        name = config["name"]
        if kind.endswith(("Pooling2D", "LeakyReLU", "ELU", "PReLU")):
            return f"has the layer {name}, {kind}" + (" (use_pooling: true)" if "Pool" in kind else "")
        if kind == "BatchNormalization" and abs(config["epsilon"] - eps) > 1e-9:
            return f"has the epsilon {config['epsilon']} in {name}, not {eps}"
        if kind == "Activation" and config["activation"] != "relu":
            return f"has {config['activation']} as {name}, not relu"
        if kind in ("Conv2D", "QuantizedConv2D") and (found := _LAYER.fullmatch(name)):
            wanted = "sigmoid" if name == "output_cov" else "linear"
            if config["activation"] != wanted:
                return f"has {config['activation']} behind {name}, not {wanted}"
            module = here.get(".".join(filter(None, found.groups())))
            if module is not None and list(config["strides"]) != list(module.stride):
                return f"has the stride {config['strides'][0]} in {name}, not {module.stride[0]}"
    return ""
