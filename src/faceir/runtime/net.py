"""A GridBox ONNX file as an OpenVINO model: read, held against its contract, rewired to take gray bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from faceir import gridbox
from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME, METADATA_KEY, Contract
from faceir.errors import ModelError
from faceir.fit import INPUT_SCALE
from faceir.inference import core, openvino

__all__ = ["check_tensors", "compile_net", "core", "on_gray", "read", "read_contract"]


def read(path: Path) -> Any:
    """The OpenVINO model in `path`; raises `ModelError` for a file that holds none."""
    _check_whole(path)
    try:
        return core().read_model(path)
    except RuntimeError as error:
        raise ModelError(path, "cannot be read as ONNX", "an ONNX model that faceir export wrote") from error


def _check_whole(path: Path) -> None:
    """Raise `ModelError` unless the top-level protobuf fields of `path` fill it exactly and one is a graph.

    OpenVINO would try its other readers on a broken file and print their complaints.
    """
    size = path.stat().st_size
    seen = set()
    with path.open("rb") as file:
        while file.tell() < size:
            tag = _varint(file)
            field, wire = tag >> 3, tag & 7
            if wire not in (0, 2) or not 1 <= field <= 32:  # all that onnx.ModelProto has
                raise ModelError(path, "is not an ONNX model", "an ONNX model that faceir export wrote")
            length = _varint(file)
            if wire == 2:
                if file.tell() + length > size:
                    raise ModelError(path, "is cut short or not an ONNX model", do="fetch or export it again")
                file.seek(length, 1)
            seen.add(field)
    if 7 not in seen:  # ModelProto.graph
        raise ModelError(path, "holds no ONNX graph", "an ONNX model that faceir export wrote")


def _varint(file: Any) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            break
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            break
    return value


def read_contract(net: Any, path: Path) -> Contract:
    """The contract in the file's metadata, which OpenVINO keeps under `framework`."""
    if not net.has_rt_info(["framework", METADATA_KEY]):
        raise ModelError(
            path,
            f"carries no contract (metadata {METADATA_KEY!r})",
            "a model that faceir export wrote",
            "or say what it is: Detector(path, contract=Contract(...))",
        )
    return Contract.from_json(net.get_rt_info(["framework", METADATA_KEY]).astype(str), path)


def _output(net: Any, name: str, path: Path) -> Any:
    for output in net.outputs:
        if {name, f"{name}:0"} & output.get_names():
            return output
    found = ", ".join(sorted(n for output in net.outputs for n in output.get_names()))
    raise ModelError(path, f"has no output {name!r} but {found or 'none'}", f"{COV_NAME!r} and {BBOX_NAME!r}")


def check_tensors(net: Any, contract: Contract, path: Path) -> None:
    """Raise `ModelError` unless inputs and outputs have the contract's names and shapes."""
    width, height = contract.fit.size_wh
    classes, (h, w) = len(contract.classes), gridbox.grid_shape(contract.fit.size_wh)
    if len(net.inputs) != 1:
        raise ModelError(path, f"has {len(net.inputs)} inputs", f"one, {INPUT_NAME!r}")
    wanted = {
        INPUT_NAME: (net.inputs[0], [3, height, width]),
        COV_NAME: (_output(net, COV_NAME, path), [classes, h, w]),
        BBOX_NAME: (_output(net, BBOX_NAME, path), [4 * classes, h, w]),
    }
    for name, (port, tail) in wanted.items():
        shape = port.get_partial_shape()
        given = [d.get_length() if d.is_static else -1 for d in shape] if shape.rank.is_static else []
        fits = len(given) == 4 and all(d in (-1, n) for d, n in zip(given[1:], tail, strict=True))
        if not fits or port.get_element_type() != openvino().Type.f32:
            raise ModelError(
                path,
                f"{name!r} is {port.get_element_type().get_type_name()} {given}".replace("-1", "?"),
                f"f32 [N, {', '.join(map(str, tail))}] as its contract says",
            )


def on_gray(net: Any, size_wh: tuple[int, int]) -> Any:
    """`net` (changed in place) as a model of uint8 `[1,1,H,W]` whose outputs are coverage, then boxes.

    Batch 1 on purpose: requests side by side are as fast as batches on a CPU, wait for nobody, and
    make a list give exactly what its pictures give.
    """
    ov = openvino()
    ops = ov.opset13
    old = net.inputs[0]
    canvas = ops.parameter([1, 1, size_wh[1], size_wh[0]], np.uint8, name="canvas")
    gray = ops.multiply(ops.convert(canvas, "f32"), ops.constant(np.float32(INPUT_SCALE)))
    targets = list(old.get_target_inputs())
    if len(targets) == 1 and _reads_constant_filters(targets[0]):
        # A convolution of three equal channels is one of a single channel with summed filters: 8 to
        # 10 % less time for the whole net at half and quarter width.
        first = targets[0].get_node()
        filters = first.input_value(1).get_node().data
        first.input(1).replace_source_output(ops.constant(filters.sum(axis=1, keepdims=True)).output(0))
        targets[0].replace_source_output(gray.output(0))
    else:
        three = ops.concat([gray, gray, gray], 1)
        for target in targets:
            target.replace_source_output(three.output(0))
    outputs = [_output(net, COV_NAME, Path()), _output(net, BBOX_NAME, Path())]
    model = ov.Model(outputs, [canvas], "faceir")
    model.validate_nodes_and_infer_types()
    return model


def _reads_constant_filters(target: Any) -> bool:
    node = target.get_node()
    if node.get_type_name() != "Convolution" or target.get_index() != 0:
        return False
    filters = node.input_value(1).get_node()
    return bool(filters.get_type_name() == "Constant" and filters.data.dtype == np.float32)


def compile_net(net: Any, path: Path, config: dict[str, Any]) -> Any:
    """`net` compiled for the CPU; raises `ModelError` when OpenVINO cannot."""
    try:
        return core().compile_model(net, "CPU", config)
    except RuntimeError as error:
        raise ModelError(path, f"OpenVINO cannot compile it ({_first_line(error)})") from error


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line and not line.startswith("Exception from")]
    return lines[0][:200] if lines else type(error).__name__
