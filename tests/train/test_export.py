"""ONNX: DeepStream's names and shapes, any batch, torch's results in two other runtimes."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from faceir.contract import METADATA_KEY, Contract
from faceir.errors import ModelError
from faceir.train import export as exporting
from faceir.train.export import PARITY_LIMIT, export
from faceir.train.model import Architecture, GridBoxNet

pytestmark = pytest.mark.filterwarnings("ignore")  # of torch.onnx's own making


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    torch.manual_seed(0)
    net = GridBoxNet(Architecture.resnet18(width_multiplier=0.125))
    for module in net.modules():  # statistics as after a training
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    path = tmp_path_factory.mktemp("onnx") / "m.onnx"
    return net, export(net, Contract(name="tiny"), path)


def test_names_shapes_and_contract(exported):
    model = onnx.load(exported[1].path)

    def shapes(values):
        return {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}

    assert shapes(model.graph.input) == {"input_1": ["N", 3, 240, 384]}
    assert shapes(model.graph.output) == {
        "output_bbox/BiasAdd": ["N", 4, 15, 24],
        "output_cov/Sigmoid": ["N", 1, 15, 24],
    }
    stated = {p.key: p.value for p in model.metadata_props}
    assert Contract.from_json(stated[METADATA_KEY]) == Contract(name="tiny")
    assert {n.op_type for n in model.graph.node} == {"Conv", "Relu", "Add", "Sigmoid"}  # BN folded
    assert exported[1].parity < PARITY_LIMIT


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_onnx_runtime_agrees_with_torch(exported, batch):
    net, written = exported
    session = onnxruntime.InferenceSession(written.path)
    x = np.random.default_rng(batch).random((batch, 3, 240, 384), np.float32)
    bbox, cov = session.run(["output_bbox/BiasAdd", "output_cov/Sigmoid"], {"input_1": x})
    with torch.inference_mode():
        wanted_cov, wanted_bbox = net.eval()(torch.from_numpy(x))
    assert np.abs(cov - wanted_cov.numpy()).max() < PARITY_LIMIT
    assert np.abs(bbox - wanted_bbox.numpy()).max() < PARITY_LIMIT


def test_a_file_that_disagrees_is_not_put_in_place(exported, tmp_path, monkeypatch):
    (tmp_path / "m.onnx").write_bytes(b"old")
    monkeypatch.setattr(exporting, "_parity", lambda *_: 0.1)
    with pytest.raises(ModelError, match="differs from torch"):
        export(exported[0], Contract(), tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1
