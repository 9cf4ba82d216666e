"""ONNX: DeepStream's names and shapes, any batch, torch's results in two other runtimes, what TensorRT can read."""

import numpy as np
import onnx
import onnx_graphsurgeon
import onnxruntime
import pytest
import torch

from faceir.contract import METADATA_KEY, Contract
from faceir.errors import ModelError
from faceir.train.export import OPSET, PARITY_LIMIT, export, onnx_file, parity

pytestmark = pytest.mark.slow

TENSORRT_OPS = {
    "Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "Constant", "Conv", "ConvTranspose",
    "DequantizeLinear", "Div", "Elu", "Flatten", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Identity", "LeakyRelu",
    "MatMul", "Max", "MaxPool", "Min", "Mul", "PRelu", "Pad", "QuantizeLinear", "ReduceMean", "Relu", "Reshape",
    "Resize", "Sigmoid", "Slice", "Softmax", "Split", "Sub", "Sum", "Tanh", "Transpose",
}  # fmt: skip
"""Of the operators that TensorRT's ONNX parser reads (8.5 and later), those a convolutional detector could want."""


def test_names_shapes_and_contract(nets):
    model = onnx.load(nets.plain)

    def shapes(values):
        return {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}

    assert shapes(model.graph.input) == {"input_1": ["N", 3, 64, 96]}
    assert shapes(model.graph.output) == {
        "output_bbox/BiasAdd": ["N", 4, 4, 6],
        "output_cov/Sigmoid": ["N", 1, 4, 6],
    }
    stated = {p.key: p.value for p in model.metadata_props}
    assert set(stated) == {METADATA_KEY}
    assert Contract.from_json(stated[METADATA_KEY]) == nets.contract
    assert {n.op_type for n in model.graph.node} == {"Conv", "Relu", "Add", "Sigmoid"}  # BN folded
    assert [(o.domain, o.version) for o in model.opset_import] == [("", OPSET)]
    assert nets.written.parity < PARITY_LIMIT
    assert nets.written.runtimes == ("OpenVINO", "ONNX Runtime")


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_onnx_runtime_agrees_with_torch(nets, batch):
    session = onnxruntime.InferenceSession(nets.plain)
    x = np.random.default_rng(batch).random((batch, 3, 64, 96), np.float32)
    bbox, cov = session.run(["output_bbox/BiasAdd", "output_cov/Sigmoid"], {"input_1": x})
    with torch.inference_mode():
        wanted_cov, wanted_bbox = nets.net(torch.from_numpy(x))
    assert np.abs(cov - wanted_cov.numpy()).max() < PARITY_LIMIT
    assert np.abs(bbox - wanted_bbox.numpy()).max() < PARITY_LIMIT


@pytest.mark.parametrize("kind", ["plain", "s8"])
def test_the_structure_is_one_that_tensorrt_reads(nets, kind):
    """Known operators, nothing dynamic but the batch, constant weights, symmetric int8 with constant scales."""
    graph = onnx_graphsurgeon.import_onnx(onnx.shape_inference.infer_shapes(onnx.load(getattr(nets, kind))))
    assert graph.nodes
    assert {node.op for node in graph.nodes} <= TENSORRT_OPS
    assert not [node for node in graph.nodes if node.domain not in (None, "", "ai.onnx")]
    for node in graph.nodes:
        for tensor in node.outputs:
            batch, *rest = tensor.shape if "weight" not in tensor.name else ("N", *tensor.shape)
            assert isinstance(batch, str)
            assert all(isinstance(n, int) and n > 0 for n in rest), tensor
        if node.op == "Conv":
            weight = node.inputs[1]
            while not isinstance(weight, onnx_graphsurgeon.Constant):
                assert weight.inputs[0].op in ("QuantizeLinear", "DequantizeLinear")
                weight = weight.inputs[0].inputs[0]
            assert weight.values.dtype == np.float32
            assert isinstance(node.inputs[2], onnx_graphsurgeon.Constant)
        if node.op in ("QuantizeLinear", "DequantizeLinear"):
            scale, zero = (tensor.values for tensor in node.inputs[1:])
            assert (scale > 0).all()
            assert zero.dtype == np.int8
            assert not zero.any()
    assert len({tensor.name for node in graph.nodes for tensor in node.outputs}) == len(graph.nodes)


@pytest.mark.parametrize("difference", [0.1, float("nan")])
def test_a_file_that_disagrees_is_not_put_in_place(nets, tmp_path, monkeypatch, difference):
    (tmp_path / "m.onnx").write_bytes(b"old")
    monkeypatch.setattr(onnx_file, "_to_onnx", lambda *_: onnx.load(nets.plain))
    monkeypatch.setattr(parity, "differences", lambda *_: {"OpenVINO": 0.0, "ONNX Runtime": difference})
    with pytest.raises(ModelError, match=r"m\.onnx: differs from torch by .* in ONNX Runtime"):
        export(nets.net, nets.contract, tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1
