"""Both flavours of QDQ: the structure that TensorRT wants, and two runtimes against a reference in numpy and torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_graphsurgeon as gs
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME, METADATA_KEY
from faceir.errors import InputError, ModelError
from faceir.fit import to_blob
from faceir.train import quantise as q
from tests.train.quantise.conftest import Exported, answers, make_exported

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # warnings of torch.onnx's own making
LAYERS = 1 + 8 * 3  # stem, and three a unit
SOME_FLOAT = ("conv1", "block_2a.conv_2", "block_3b.conv_shortcut")


@pytest.fixture(scope="module")
def ranges(exported: Exported) -> dict[str, q.Range]:
    return q.calibrate(exported.path, exported.pictures)


@pytest.fixture(scope="module")
def made(exported: Exported, ranges: dict[str, q.Range]) -> dict[str, Path]:
    folder = exported.path.parent
    paths = {scheme: q.quantise(exported.path, folder / f"{scheme}.onnx", ranges, scheme) for scheme in q.SCHEMES}
    paths["mixed"] = q.quantise(exported.path, folder / "mixed.onnx", ranges, "s8", SOME_FLOAT)
    return paths


def fake(x: npt.NDArray[np.float32], scale: Any, low: int, high: int) -> npt.NDArray[np.float32]:
    return (np.clip(np.rint(x / np.float32(scale)), low, high) * np.float32(scale)).astype(np.float32)


def reference(path: Path, x: npt.NDArray[np.float32], ranges: dict[str, q.Range], scheme: str) -> list[Any]:
    """The float graph walked in float32, with every quantised tensor rounded as the scheme says."""
    graph = onnx.load(path).graph
    values: dict[str, npt.NDArray[np.float32]] = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    values[INPUT_NAME] = x

    def rounded(name: str) -> npt.NDArray[np.float32]:
        known = ranges[name]
        if known.signed or scheme == "s8":
            return fake(values[name], known.high / 127, -128, 127)
        return fake(values[name], known.high / 255, 0, 255)

    for node in graph.node:
        name = node.output[0]
        if node.op_type == "Conv":
            head = "output" in node.input[1]
            weight = values[node.input[1]]
            scale = np.abs(weight).max(axis=(1, 2, 3), keepdims=True) / 127
            stated = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            values[name] = F.conv2d(
                torch.from_numpy(values[node.input[0]] if head else rounded(node.input[0])),
                torch.from_numpy(weight.copy() if head else fake(weight, scale, -127, 127)),
                torch.from_numpy(values[node.input[2]].copy()) if len(node.input) > 2 else None,
                stated["strides"], stated["pads"][0],
            ).numpy()  # fmt: skip
        elif node.op_type == "Relu":
            values[name] = np.maximum(values[node.input[0]], 0)
        elif node.op_type == "Add":
            values[name] = values[node.input[0]] + rounded(node.input[1])
        else:
            values[name] = 1 / (1 + np.exp(-values[node.input[0]]))
    return [values[COV_NAME], values[BBOX_NAME]]


def distance(got: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> float:
    return float(np.abs(got - wanted).mean() / np.abs(wanted - wanted.mean()).mean())


@pytest.mark.parametrize(("runtime", "limit"), [("node by node", 0.02), ("openvino", 0.02), ("onnxruntime", 0.1)])
@pytest.mark.parametrize("scheme", q.SCHEMES)
def test_int8_answers_as_the_reference(
    exported: Exported, made: dict[str, Path], ranges: dict[str, q.Range], scheme: str, runtime: str, limit: float
) -> None:
    """Optimisers round elsewhere (onnxruntime's quantises the biases), and one level more or less spreads from
    layer to layer: scales changed by 1e-5 move this untrained net by up to 0.07."""
    wanted = reference(exported.path, to_blob(np.stack(exported.pictures)), ranges, scheme)
    plain = answers(exported.path, exported.pictures, runtime)
    for got, rounded, unrounded in zip(answers(made[scheme], exported.pictures, runtime), wanted, plain, strict=True):
        assert distance(got, rounded) < limit
        assert 0.003 < distance(got, unrounded) < 0.2


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_batch_is_its_pictures(exported: Exported, made: dict[str, Path], runtime: str) -> None:
    batch = answers(made["s8"], exported.pictures[:3], runtime)
    for n in range(3):
        for many, one in zip(batch, answers(made["s8"], exported.pictures[n : n + 1], runtime), strict=True):
            np.testing.assert_allclose(many[n], one[0], atol=1e-4)


def test_the_picture_loses_nothing_in_u8(made: dict[str, Path]) -> None:
    scale = next(i for i in onnx.load(made["u8"]).graph.initializer if i.name == "input_1/scale")
    assert onnx.numpy_helper.to_array(scale) == np.float32(1 / 255)


@pytest.mark.parametrize("scheme", ["u8", "s8", "mixed"])
def test_structure(made: dict[str, Path], scheme: str) -> None:
    """Every quantised convolution has a pair on input and weight, its sum has one on the shortcut; heads are float."""
    graph = gs.import_onnx(onnx.load(made[scheme]))
    kept = SOME_FLOAT if scheme == "mixed" else ()

    def paired(tensor: gs.Tensor) -> bool:
        return bool(tensor.inputs) and tensor.inputs[0].op == "DequantizeLinear"

    convs = [n for n in graph.nodes if n.op == "Conv"]
    assert len(convs) == LAYERS + 2
    for conv in convs:
        weight = conv.inputs[1]
        name = (weight.name.removesuffix("/dq")).removesuffix(".weight")
        quantised = name not in (*kept, "output_cov", "output_bbox")
        assert [paired(t) for t in conv.inputs] == [quantised, quantised, False][: len(conv.inputs)], name
        if quantised:
            _, scale, zero = weight.inputs[0].inputs
            assert scale.shape == zero.shape == [conv.outputs[0].shape[1]]
            assert weight.inputs[0].attrs["axis"] == 0
            assert not zero.values.any()
    for add in (n for n in graph.nodes if n.op == "Add"):
        main = add.inputs[0].inputs[0].inputs[1].name
        assert [paired(t) for t in add.inputs] == [False, main.removesuffix(".weight") not in kept], main
    for node in (n for n in graph.nodes if n.op == "QuantizeLinear"):
        assert np.asarray(node.inputs[2].values).dtype == np.int8 or scheme == "u8"
        assert not np.any(node.inputs[2].values)
        assert len(node.outputs[0].outputs) == 1
        assert node.outputs[0].outputs[0].outputs[0].outputs, "a pair that nobody reads"


def test_weights_are_stored_as_each_reader_wants(exported: Exported, made: dict[str, Path]) -> None:
    """Bytes for ONNX Runtime; float32 behind a pair for TensorRT before 10, which refuses int8 weights."""
    kinds = {
        scheme: {i.name: i.data_type for i in onnx.load(made[scheme]).graph.initializer} for scheme in ("u8", "s8")
    }
    assert kinds["u8"]["conv1.weight/q"] == onnx.TensorProto.INT8
    assert "conv1.weight" not in kinds["u8"]
    assert kinds["s8"]["conv1.weight"] == onnx.TensorProto.FLOAT
    for stored in kinds.values():
        assert stored["conv1.weight_bias"] == onnx.TensorProto.FLOAT
    assert made["u8"].stat().st_size < 0.45 * exported.path.stat().st_size


def test_metadata(made: dict[str, Path]) -> None:
    stated = {p.key: p.value for p in onnx.load(made["mixed"]).metadata_props}
    assert set(stated) == {METADATA_KEY, "float_layers"}
    assert json.loads(stated["float_layers"]) == list(SOME_FLOAT)
    assert {p.key for p in onnx.load(made["u8"]).metadata_props} == {METADATA_KEY}


def test_all_layers_in_float_is_the_float_net(exported: Exported, ranges: dict[str, q.Range], tmp_path: Path) -> None:
    names = q.layers(exported.path)
    assert len(names) == LAYERS
    assert names[:2] == ("conv1", "block_1a.conv_1")
    plain = q.quantise(exported.path, tmp_path / "plain.onnx", ranges, "s8", names)
    assert [n.op_type for n in onnx.load(plain).graph.node] == [n.op_type for n in onnx.load(exported.path).graph.node]


def test_identity_shortcuts_are_paired_once(tmp_path: Path) -> None:
    """What is both a convolution's input and a shortcut has one pair, read by both."""
    plain = make_exported(tmp_path / "float.onnx", all_projections=False)
    ranges = q.calibrate(plain.path, plain.pictures)
    graph = onnx.load(q.quantise(plain.path, tmp_path / "s8.onnx", ranges, "s8")).graph
    outputs = [name for node in graph.node for name in node.output]
    assert len(outputs) == len(set(outputs))
    adds = [n for n in graph.node if n.op_type == "Add"]
    assert [sum(name.endswith("/dq") for name in n.input) for n in adds] == [1] * 8
    for got, wanted in zip(
        answers(tmp_path / "s8.onnx", plain.pictures, "onnxruntime"),
        answers(plain.path, plain.pictures, "onnxruntime"),
        strict=True,
    ):
        assert distance(got, wanted) < 0.25


def test_what_cannot_be_done_is_said(
    exported: Exported, made: dict[str, Path], ranges: dict[str, q.Range], tmp_path: Path
) -> None:
    out = tmp_path / "x.onnx"
    with pytest.raises(InputError, match="--scheme"):
        q.quantise(exported.path, out, ranges, "s4")
    with pytest.raises(InputError, match=r"no layer conv9; wanted conv1, block_1a"):
        q.quantise(exported.path, out, ranges, float_layers=["conv9"])
    with pytest.raises(ModelError, match="is quantised already"):
        q.quantise(made["u8"], out, ranges)
    with pytest.raises(ModelError, match="no range is given for"):
        q.quantise(exported.path, out, {INPUT_NAME: q.Range(1, False)})
    assert not list(tmp_path.iterdir())
