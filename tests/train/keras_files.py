"""Our nets written as TAO 5 writes its own: Keras HDF5, by the layer names and the layout of DetectNet_v2."""

import json
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import nn

from faceir.train.model import Architecture, GridBoxNet
from tests.train.test_widen import lively

PRUNED = Architecture(8, ((8, 16), (24, 16), (16, 24), (8, 24), (40, 32), (16, 32), (24, 40), (8, 40)), 2)


def random_net(architecture: Architecture = PRUNED) -> GridBoxNet:
    """A net whose biases and BN do something."""
    net = lively(architecture)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                module.bias.uniform_(-0.3, 0.3)
    return net


def keras_layers(net: GridBoxNet, number: str = ":0") -> dict[str, dict[str, np.ndarray]]:
    """Of each layer with weights: its Keras name, and the weights by theirs."""
    layers = {}
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            kinds = {"kernel": module.weight.permute(2, 3, 1, 0), "bias": module.bias}
        elif isinstance(module, nn.BatchNorm2d):
            kinds = {"gamma": module.weight, "beta": module.bias}
            kinds |= {"moving_mean": module.running_mean, "moving_variance": module.running_var}
        else:
            continue
        layers[name.replace(".", "_")] = {f"{kind}{number}": t.detach().numpy() for kind, t in kinds.items()}
    return layers


def keras_graph(net: GridBoxNet, size_wh: tuple[int, int] = (96, 64)) -> list[dict]:
    """The layers of `model_config`, as far as a reader looks."""
    shape = [None, net.conv1.in_channels, size_wh[1], size_wh[0]]
    layers = [{"class_name": "InputLayer", "config": {"name": "input_1", "batch_input_shape": shape}}]
    for name, module in net.named_modules():
        keras_name = name.replace(".", "_")
        if isinstance(module, nn.Conv2d):
            activation = "sigmoid" if name == "output_cov" else "linear"
            config = {"name": keras_name, "strides": list(module.stride), "activation": activation}
            layers.append({"class_name": "Conv2D", "config": config})
        elif isinstance(module, nn.BatchNorm2d):
            config = {"name": keras_name, "epsilon": module.eps, "momentum": 0.99}
            layers.append({"class_name": "BatchNormalization", "config": config})
        elif isinstance(module, nn.ReLU):
            layers.append({"class_name": "Activation", "config": {"name": keras_name, "activation": "relu"}})
    return layers


def write(
    path: Path, layers: dict[str, dict[str, np.ndarray]], graph: list[dict] | None, *, inside: str = "", again: str = ""
) -> Path:
    """A Keras file: whole with a `graph`, of weights alone without; all `inside` one layer; `again` counts loads."""
    root = "model_weights/" if graph is not None else ""
    with h5py.File(path, "w") as file:
        for layer, weights in layers.items():
            for name, values in weights.items():
                file[f"{root}{inside or layer}/{layer}{again}/{name}"] = values
        if graph is not None:
            if inside:
                graph = [graph[0], {"class_name": "Model", "config": {"name": inside, "layers": graph}}]
            file.attrs["model_config"] = json.dumps({"class_name": "Model", "config": {"layers": graph}}).encode()
    return path


def whole(path: Path, net: GridBoxNet) -> Path:
    """`net` as `resnet18_detector.hdf5` holds one."""
    return write(path, keras_layers(net), keras_graph(net))
