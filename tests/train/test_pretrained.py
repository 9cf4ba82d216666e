"""Weights from files: by name and shape, from checkpoints and from ONNX, whose net they then are."""

import numpy as np
import onnx
import pytest
import torch

from faceir.contract import Contract
from faceir.errors import ModelError
from faceir.fit import Fit
from faceir.train import checkpoint, pretrained
from faceir.train.checkpoint import Checkpoint
from faceir.train.export import export
from faceir.train.model import Architecture, GridBoxNet
from tests.train.conftest import TINY
from tests.train.test_widen import lively

CONTRACT = Contract(fit=Fit((96, 64)))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A net whose BN does something, and the ONNX file that it became."""
    net = lively(TINY)
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    export(net, CONTRACT, path)
    return net, path


@pytest.mark.slow
def test_our_onnx_file_becomes_the_net_that_it_is(exported):
    net, path = exported
    opened = pretrained.open_net(path)
    assert opened.net.architecture == TINY
    assert opened.contract == CONTRACT
    x = torch.rand(3, 1, 64, 96)
    with torch.inference_mode():
        for a, b in zip(net(x), opened.net(x), strict=True):
            assert torch.allclose(a, b, atol=1e-4)


@pytest.mark.slow
def test_every_layer_of_our_onnx_file_fits_a_fresh_net(exported):
    net, path = exported
    fresh = GridBoxNet(TINY).eval()
    rows = pretrained.fit_in(fresh, pretrained.read_onnx(path))
    assert all(row.loaded for row in rows)
    x = torch.rand(2, 1, 64, 96)
    with torch.inference_mode():
        assert torch.allclose(net(x)[1], fresh(x)[1], atol=1e-4)


def test_a_foreign_onnx_file_gives_what_fits_by_name_and_shape(tmp_path):
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(8, 3, 7, 7)).astype(np.float32)
    tensors = {"conv1.weight": kernel, "block_1a.conv_1.weight": np.zeros((9, 8, 3, 3), np.float32), "x": np.zeros(3)}
    made = [onnx.numpy_helper.from_array(value, name) for name, value in tensors.items()]
    graph = onnx.helper.make_graph([], "foreign", [], [], made)
    onnx.save(onnx.helper.make_model(graph), tmp_path / "foreign.onnx")
    net = GridBoxNet(TINY)
    rows = {r.layer: r for r in pretrained.fit_in(net, pretrained.read_onnx(tmp_path / "foreign.onnx"))}
    assert torch.equal(net.conv1.weight, torch.from_numpy(kernel))
    assert {name for name, row in rows.items() if row.loaded} == {"conv1", "bn_conv1"}
    assert rows["block_1a.conv_1"].reason == "weight is [9, 8, 3, 3] there, [8, 8, 3, 3] here"
    assert rows["output_cov"].reason == "not in the file"
    with pytest.raises(ModelError, match="an ONNX file that faceir exported"):
        pretrained.open_net(tmp_path / "foreign.onnx")


def test_what_is_no_model_says_so(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="is no ONNX file"):
        pretrained.read_onnx(tmp_path / "a.onnx")
    with pytest.raises(ModelError, match="does not exist"):
        pretrained.open_net(tmp_path / "b.onnx")


def test_a_checkpoint_of_other_widths_fits_where_it_fits(tmp_path):
    torch.manual_seed(0)
    other = GridBoxNet(Architecture(8, ((8, 8), (8, 8), (16, 16), (16, 16), (32, 32), (32, 32), (48, 64), (64, 64))))
    checkpoint.save(tmp_path / "other.safetensors", Checkpoint(other, CONTRACT))
    net = GridBoxNet(TINY)
    rows = pretrained.fit_in(net, pretrained.open_net(tmp_path / "other.safetensors").net.state_dict())
    missed = {row.layer for row in rows if not row.loaded}
    assert missed == {"block_4a.conv_1", "block_4a.bn_1", "block_4a.conv_2"}
    assert torch.equal(net.block_4b.conv_1.weight, other.block_4b.conv_1.weight)
    assert sum(row.parameters for row in rows) == sum(
        t.numel() for name, t in net.state_dict().items() if not name.endswith("num_batches_tracked")
    )


def test_fresh_outputs_keep_the_trunk():
    net = GridBoxNet(TINY)
    two = pretrained.with_heads(net, 2)
    assert two.architecture.num_classes == 2
    assert torch.equal(net.block_4b.conv_2.weight, two.block_4b.conv_2.weight)
    assert two.output_bbox.weight.shape[0] == 8
