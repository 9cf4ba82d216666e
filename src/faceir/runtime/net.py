"""A GridBox ONNX or OpenVINO file as an OpenVINO model: read, held against its contract, rewired to take gray bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from faceir import gridbox, sealed
from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME, METADATA_KEY, Contract
from faceir.errors import ModelError
from faceir.fit import INPUT_SCALE
from faceir.flow import Image
from faceir.inference import core, openvino

__all__ = ["check_tensors", "compile_net", "core", "on_gray", "put", "read", "read_contract"]


def read(path: Path, key: str | None = None) -> Any:
    """The OpenVINO model in `path`, of ONNX or OpenVINO's own (.xml with its .bin); `key` opens a sealed one.

    Raises `ModelError` for a file that holds none.
    """
    if path.suffix.lower() == ".xml":
        return _read_ir(path)
    opened = sealed.open_model(path, key) if sealed.is_sealed(path) else None
    with path.open("rb") if opened is None else io.BytesIO(opened) as file:
        _check_whole(file, path)
    try:
        return core().read_model(path if opened is None else opened)
    except RuntimeError as error:
        raise ModelError(path, "cannot be read as ONNX", "an ONNX model that faceir export wrote") from error


def _read_ir(path: Path) -> Any:
    weights = path.with_suffix(".bin")
    if not weights.is_file():
        raise ModelError(path, f"lacks its weights, {weights.name}", "both beside each other", "copy both")
    try:
        return core().read_model(path, weights)
    except RuntimeError as error:
        raise ModelError(path, "cannot be read as an OpenVINO model", "one that openvino.save_model wrote") from error


def _check_whole(file: BinaryIO, path: Path) -> None:
    """Raise `ModelError` at `path` unless `file`'s top-level protobuf fields fill it exactly and one is a graph.

    OpenVINO would try its other readers on a broken file and print their complaints.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    seen = set()
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


def _varint(file: BinaryIO) -> int:
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
    """The contract in the file's metadata, which OpenVINO keeps under `framework`, or in a NAME.json beside it."""
    if net.has_rt_info(["framework", METADATA_KEY]):
        return Contract.from_json(net.get_rt_info(["framework", METADATA_KEY]).astype(str), path)
    beside = path.with_suffix(".json")
    if path.suffix.lower() == ".xml" and beside.is_file():
        return Contract.from_json(beside.read_text(encoding="utf-8", errors="replace"), beside)
    raise ModelError(
        path,
        f"carries no contract (metadata {METADATA_KEY!r})",
        "a model that faceir export wrote",
        "or say what it is: Detector(path, contract=Contract(...))",
    )


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
        INPUT_NAME: (net.inputs[0], *(("u8", [1, height, width]) if contract.fused else ("f32", [3, height, width]))),
        COV_NAME: (_output(net, COV_NAME, path), "f32", [classes, h, w]),
        BBOX_NAME: (_output(net, BBOX_NAME, path), "f32", [4 * classes, h, w]),
    }
    for name, (port, kind, tail) in wanted.items():
        shape = port.get_partial_shape()
        given = [d.get_length() if d.is_static else -1 for d in shape] if shape.rank.is_static else []
        fits = len(given) == 4 and all(d in (-1, n) for d, n in zip(given[1:], tail, strict=True))
        if not fits or port.get_element_type().get_type_name() != kind:
            raise ModelError(
                path,
                f"{name!r} is {port.get_element_type().get_type_name()} {given}".replace("-1", "?"),
                f"{kind} [N, {', '.join(map(str, tail))}] as its contract says",
            )


def on_gray(net: Any, size_wh: tuple[int, int]) -> Any:
    """`net` (changed in place) as a model of one canvas of bytes, which `put` fills; outputs are coverage, then boxes.

    A file that takes three channels of floats becomes the graph of a fused one, where that loses nothing, and an int8
    stem reads 2 x 2 pixels as four channels (`_space_to_depth`).
    Batch 1 on purpose: requests side by side are as fast as batches on a CPU, wait for nobody, and
    make a list give exactly what its pictures give.
    """
    ov = openvino()
    ops = ov.opset13
    old = net.inputs[0]
    canvas = ops.parameter([1, 1, size_wh[1], size_wh[0]], np.uint8, name="canvas")
    targets = list(old.get_target_inputs())
    if old.get_element_type() == ov.Type.u8:
        for target in targets:
            target.replace_source_output(canvas.output(0))
    elif len(targets) != 1 or not (_fold_float(targets[0], canvas) or _fold_quantised(targets[0], canvas)):
        gray = ops.multiply(ops.convert(canvas, "f32"), ops.constant(np.float32(INPUT_SCALE)))
        three = ops.concat([gray, gray, gray], 1)
        for target in targets:
            target.replace_source_output(three.output(0))
    outputs = [_output(net, COV_NAME, Path()), _output(net, BBOX_NAME, Path())]
    model = ov.Model(outputs, [_space_to_depth(canvas) or canvas], "faceir")
    model.validate_nodes_and_infer_types()
    return model


def put(canvas: Image, data: Any) -> None:
    """Write a canvas uint8 `[H,W]` into `data` uint8, one picture of the input of an `on_gray` model."""
    if data.shape[-1] != 4:
        np.copyto(data[0], canvas)
        return
    pairs = np.ascontiguousarray(canvas).view(np.uint16)
    np.stack((pairs[0::2], pairs[1::2]), axis=2, out=data.view(np.uint16))


def _space_to_depth(canvas: Any) -> Any:
    """Let an int8 stem over `canvas` `[1,1,H,W]` read uint8 `[1,H/2,W/2,4]`: that input, or None without such a stem.

    The sums stay the same: a filter of 7 x 7 over one channel is one of 4 x 4 over the four pixels of every 2 x 2, with
    zeros in its eighth row and column. A CPU multiplies int8 in fours along the channels, of which one leaves three
    idle. Channels come last, as its convolutions want them. Floats gain nothing.
    """
    *scaled, stem = _chain(canvas, ("Parameter", "Convert", "Subtract", "Multiply"))
    if stem.get_type_name() != "Convolution" or len(scaled) > 4:
        return None
    filters, how = stem.input_value(1).get_node(), stem.get_attributes()
    scale, gray_scale = _scale(filters), _scale(scaled[-1])
    if np.isnan(scale).any() or np.isnan(gray_scale).any():
        return None
    levels, (height, width) = _constant(filters.input_value(0)), list(canvas.get_output_shape(0))[2:]
    if levels is None or levels.dtype != np.int8 or levels.shape[1:] != (1, 7, 7) or height % 2 or width % 2:
        return None
    if how["strides"] != [2, 2] or how["pads_begin"] != [3, 3] or how["pads_end"] != [3, 3]:
        return None
    even = np.pad(levels, [(0, 0), (0, 0), (1, 0), (1, 0)])  # the filter starts in the middle of a square
    four = even.reshape(-1, 4, 2, 4, 2).transpose(0, 2, 4, 1, 3).reshape(-1, 4, 4, 4)
    ops = openvino().opset13
    squares = ops.parameter([1, height // 2, width // 2, 4], np.uint8, name="canvas")
    gray = ops.multiply(ops.convert(squares, "f32"), ops.constant(np.float32(gray_scale)))
    weights = ops.multiply(ops.convert(ops.constant(four), "f32"), ops.constant(scale))
    new = ops.convolution(ops.transpose(gray, [0, 3, 1, 2]), weights, [1, 1], [2, 2], [1, 1], [1, 1])
    stem.output(0).replace(new.output(0))
    return squares


def _chain(node: Any, kinds: tuple[str, ...]) -> list[Any]:
    """`node` and what reads it first and alone, up to and with the first that is not of `kinds`, if it goes so far."""
    chain = [node]
    while chain[-1].get_type_name() in kinds:
        readers = list(chain[-1].output(0).get_target_inputs())
        if len(readers) != 1 or readers[0].get_index() != 0:
            break
        chain.append(readers[0].get_node())
    return chain


def _fold_float(target: Any, canvas: Any) -> bool:
    """Let the convolution at `target` read bytes of one channel: filters summed over the channels, by 255.

    8 to 10 % less time for the whole net at half and quarter width.
    """
    stem = target.get_node()
    filters = _constant(stem.input_value(1)) if stem.get_type_name() == "Convolution" else None
    if filters is None or filters.dtype.kind != "f" or target.get_index() != 0:
        return False
    ops = openvino().opset13
    summed = (filters.sum(axis=1, keepdims=True, dtype=np.float64) * INPUT_SCALE).astype(np.float32)
    stem.input(1).replace_source_output(ops.constant(summed).output(0))
    target.replace_source_output(ops.convert(canvas, "f32").output(0))
    return True


def _fold_quantised(target: Any, canvas: Any) -> bool:
    """The same behind a quantise-dequantise pair, if bytes pass it unchanged and the channels' int8 filters are equal.

    Three equal levels add up to one at three times the scale. 20 % less time for the whole net at quarter width.
    """
    *pair, stem = _chain(target.get_node(), ("FakeQuantize", "Convert", "Subtract", "Multiply"))
    ov = openvino()
    as_bytes = len(pair) > 1 and pair[0].get_type_name() == "FakeQuantize" and pair[1].get_element_type() == ov.Type.u8
    if not as_bytes or stem.get_type_name() != "Convolution" or not np.allclose(_scale(pair[-1]), INPUT_SCALE):
        return False
    filters = stem.input_value(1).get_node()
    levels, scale = _constant(filters.input_value(0)), _scale(filters)
    if levels is None or levels.dtype != np.int8 or np.isnan(scale).any() or (levels != levels[:, :1]).any():
        return False
    ops = ov.opset13
    one = ops.multiply(ops.convert(ops.constant(levels[:, :1].copy()), "f32"), ops.constant(scale * np.float32(3)))
    stem.input(1).replace_source_output(one.output(0))
    gray = ops.multiply(ops.convert(canvas, "f32"), ops.constant(np.float32(INPUT_SCALE)))
    stem.input(0).replace_source_output(gray.output(0))
    return True


def _scale(node: Any) -> Any:
    """What a dequantising multiplication multiplies by; NaN for one with a zero point, or another node."""
    if node.get_type_name() != "Multiply":
        return np.nan
    before = node.input_value(0).get_node()
    if before.get_type_name() == "Subtract" and np.any(_constant(before.input_value(1)) != 0):
        return np.nan
    scale = _constant(node.input_value(1))
    return np.nan if scale is None else scale


def _constant(output: Any) -> Any:
    """The array behind `output`, also behind conversions, zero points and a reshape; None if it is computed."""
    node = output.get_node()
    if node.get_type_name() == "Reshape":
        inner = _constant(node.input_value(0))
        return None if inner is None else inner.reshape(tuple(node.get_output_shape(0)))
    if node.get_type_name() in ("Convert", "Subtract"):
        return _constant(node.input_value(0))
    return node.data if node.get_type_name() == "Constant" else None


def compile_net(net: Any, path: Path, config: dict[str, Any]) -> Any:
    """`net` compiled for the CPU; raises `ModelError` when OpenVINO cannot."""
    try:
        return core().compile_model(net, "CPU", config)
    except RuntimeError as error:
        raise ModelError(path, f"OpenVINO cannot compile it ({_first_line(error)})") from error


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line and not line.startswith("Exception from")]
    return lines[0][:200] if lines else type(error).__name__
