"""Milliseconds of a net on this machine, in OpenVINO: layers measured once and remembered, whole nets for proof."""

from __future__ import annotations

import json
import math
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from faceir.errors import InputError
from faceir.fit import INPUT_SCALE
from faceir.inference import core, openvino
from faceir.train.model import UNIT_NAMES, Architecture
from faceir.train.prune.cost import Layer, layers

__all__ = ["PRECISIONS", "LayerTimes", "cache_folder"]

PRECISIONS = ("f32", "int8")
_COPIES, _BUILDS, _WINDOWS, _RUNS = 4, 3, 3, 5
"""Of a layer, side by side in one graph; graphs; windows in the life of a graph; runs that are timed together."""
_RESOLUTION_S = 1e-6
"""Of OpenVINO's own clock."""
_NET_RUNS, _NET_S = 60, 1.5
"""A whole net is run so often, or for so long."""


def cache_folder() -> Path:
    """The user's folder for what can be measured again: `$XDG_CACHE_HOME/faceir`, by default below `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "faceir"


@dataclass
class LayerTimes:
    """Times of layers on this machine, measured when first asked for and kept in a JSON file.

    All times are the least of many runs: what the machine needs when nothing disturbs it. Nets have one gray
    channel in, as the runtime runs them, and random weights: time does not depend on their values.
    """

    size_wh: tuple[int, int]
    precision: str = "f32"
    """`f32` or `int8`; the heads stay in float."""
    threads: int = 1
    folder: Path | None = None
    """Of the table; None: `cache_folder()`."""

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise InputError("precision", f"is {self.precision!r}", " or ".join(PRECISIONS))
        if self.threads < 1:
            raise InputError("threads", f"is {self.threads}", "1 or more")
        machine = str(core().get_property("CPU", "FULL_DEVICE_NAME"))
        self.machine = f"{machine.strip()}, OpenVINO {openvino().__version__.partition('-')[0]}"
        name = re.sub(r"[^A-Za-z0-9.]+", "_", self.machine)
        self.path = (self.folder or cache_folder()) / f"layer_times_{name}_{self.precision}_{self.threads}.json"
        self._known = self._read()

    def layer_ms(self, layer: Layer) -> float:
        """Of one layer inside a net."""
        layer = _as_run(layer)
        width, height = layer.size_in_wh
        shape = f"{layer.kernel}x{layer.kernel}/{layer.step} {layer.channels_in}>{layer.channels} {width}x{height}"
        shape += " head" if layer.head else ""
        if shape not in self._known:
            self._known[shape] = round(_measure_layer(layer, self._config(), self.precision == "int8"), 6)
        return self._known[shape]

    def layers_ms(self, architecture: Architecture) -> list[float]:
        """Of each layer, in the order of `cost.layers`; new ones are measured and the table is written."""
        before = len(self._known)
        found = [self.layer_ms(layer) for layer in layers(architecture, self.size_wh)]
        if len(self._known) > before:
            self._write()
        return found

    def net_ms(self, architecture: Architecture) -> float:
        """Predicted: the sum over the layers."""
        return sum(self.layers_ms(architecture))

    def measured_ms(self, architecture: Architecture) -> float:
        """Of the whole net, built and run: with what lies between the layers, and without what is fused away."""
        compiled = core().compile_model(
            _net(architecture, self.size_wh, self.precision == "int8"), "CPU", self._config()
        )
        request = compiled.create_infer_request()
        width, height = self.size_wh
        request.infer({0: np.random.default_rng(0).integers(0, 256, (1, 1, height, width), np.uint8)})
        least, end = math.inf, time.perf_counter() + _NET_S
        for _ in range(_NET_RUNS):
            began = time.perf_counter()
            request.infer()
            now = time.perf_counter()
            least = min(least, now - began)
            if now > end:
                break
        return 1e3 * least

    def _config(self) -> dict[str, Any]:
        return {
            "INFERENCE_NUM_THREADS": self.threads,
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }

    def _read(self) -> dict[str, float]:
        """The table of earlier runs; one that cannot be read is measured again."""
        try:
            stated = json.loads(self.path.read_text(encoding="utf-8"))
            return {str(shape): float(ms) for shape, ms in stated["layers_ms"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def _write(self) -> None:
        """Whole or not at all; a folder that cannot be written costs the memory, not the run."""
        stated = {"machine": self.machine, "precision": self.precision, "threads": self.threads}
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        with suppress(OSError):
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps({**stated, "layers_ms": self._known}, indent=1), encoding="utf-8")
            os.replace(part, self.path)


def _as_run(layer: Layer) -> Layer:
    """The picture's three equal channels are one to the runtime."""
    return replace(layer, channels_in=1) if layer.name == "conv1" else layer


def _measure_layer(layer: Layer, config: dict[str, Any], int8: bool) -> float:
    """ms of a layer with its bias, without the changes of format that stand around it only here."""
    graph = _Graph(int8)
    width, height = layer.size_in_wh
    x = graph.ops.parameter([1, layer.channels_in, height, width], np.float32)
    quantised = graph.activation(x)
    outs = [graph.activation(graph.conv(quantised, layer)) for _ in range(_COPIES)]
    model = openvino().Model(outs, [x], "layer")
    picture = np.random.default_rng(0).random((1, layer.channels_in, height, width), np.float32)
    least = math.inf
    for _ in range(_BUILDS):
        request = core().compile_model(model, "CPU", config | {"PERF_COUNT": True}).create_infer_request()
        request.infer({0: picture})
        # OpenVINO tells the mean over all runs of a graph, in whole microseconds: the longer it runs, the coarser
        # is a difference of two means. So graphs live shortly.
        before, runs = _conv_s(request), 1
        for _ in range(_WINDOWS):
            for _ in range(_RUNS):
                request.infer()
            after = _conv_s(request)
            least = min(least, ((runs + _RUNS) * after - runs * before) / _RUNS)
            before, runs = after, runs + _RUNS
    return 1e3 * max(least / _COPIES, _RESOLUTION_S)


def _conv_s(request: Any) -> float:
    """Mean time in convolutions of a run, s."""
    return float(sum(i.real_time.total_seconds() for i in request.profiling_info if i.node_type == "Convolution"))


def _net(architecture: Architecture, size_wh: tuple[int, int], int8: bool) -> Any:
    """The whole net from uint8 `[1,1,H,W]` to coverage and boxes."""
    graph, ops = _Graph(int8), openvino().opset13
    by_name = {layer.name: _as_run(layer) for layer in layers(architecture, size_wh)}
    canvas = ops.parameter([1, 1, size_wh[1], size_wh[0]], np.uint8)
    gray = ops.multiply(ops.convert(canvas, "f32"), ops.constant(np.float32(INPUT_SCALE)))
    x = graph.activation(ops.relu(graph.conv(graph.activation(gray), by_name["conv1"])))
    for unit in UNIT_NAMES:
        y = graph.activation(ops.relu(graph.conv(x, by_name[f"{unit}_conv_1"])))
        y = graph.conv(y, by_name[f"{unit}_conv_2"])
        shortcut = by_name.get(f"{unit}_conv_shortcut")
        if shortcut:
            x = graph.activation(graph.conv(x, shortcut), signed=True)
        x = graph.activation(ops.relu(ops.add(y, x)))
    outputs = [ops.sigmoid(graph.conv(x, by_name["output_cov"])), graph.conv(x, by_name["output_bbox"])]
    return openvino().Model(outputs, [canvas], "net")


class _Graph:
    """OpenVINO nodes with random weights and, in INT8, quantised as `quantise` does."""

    def __init__(self, int8: bool) -> None:
        self.ops, self.int8, self.rng = openvino().opset13, int8, np.random.default_rng(0)

    def conv(self, x: Any, layer: Layer) -> Any:
        """A convolution with bias."""
        shape = (layer.channels, layer.channels_in, layer.kernel, layer.kernel)
        weight = self.rng.uniform(-1, 1, shape).astype(np.float32) / np.float32(math.prod(shape[1:]))
        filters = self.ops.constant(weight)
        if self.int8 and not layer.head:
            filters = self._quantised(filters, np.abs(weight).max(axis=(1, 2, 3), keepdims=True), signed=True)
        strides, pads = [layer.step] * 2, [layer.kernel // 2] * 2
        y = self.ops.convolution(x, filters, strides, pads, pads, [1, 1])
        bias = self.rng.uniform(0, 1, (1, layer.channels, 1, 1)).astype(np.float32)
        return self.ops.add(y, self.ops.constant(bias))

    def activation(self, x: Any, signed: bool = False) -> Any:
        """`x` in 8 bits."""
        return self._quantised(x, np.float32(2), signed) if self.int8 else x

    def _quantised(self, x: Any, high: Any, signed: bool) -> Any:
        top, bottom = self.ops.constant(high), self.ops.constant(-high if signed else np.zeros_like(high))
        return self.ops.fake_quantize(x, bottom, top, bottom, top, 255 if signed else 256)
