"""OpenVINO IR: the contract survives, and the runtime runs it as it runs the ONNX file."""

import numpy as np
import pytest

from faceir.inference import core
from faceir.runtime.detector import Detector
from faceir.runtime.net import read_contract
from faceir.train.export import openvino_ir, parity
from faceir.train.export.fused import fuse

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["plain", "u8", "fused"])
def test_it_is_the_onnx_file(nets, tmp_path, kind):
    source = fuse(nets.u8, tmp_path / "one.onnx") if kind == "fused" else getattr(nets, kind)
    path = openvino_ir.write(source, tmp_path / "m.xml")
    assert openvino_ir.weights_path(path).exists()
    both = Detector(source, precision="f32"), Detector(path, precision="f32")
    assert both[0].contract == both[1].contract
    assert both[1].contract.fused == (kind == "fused")
    for picture in nets.pictures:
        grids = [detector.submit(picture)._request.wait() for detector in both]
        for a, b in zip(*grids, strict=True):
            np.testing.assert_array_equal(a, b)


def test_parity_and_half_weights(nets, tmp_path):
    path = openvino_ir.write(nets.plain, tmp_path / "m.xml")
    assert parity.differences(nets.net, nets.contract, path)["OpenVINO"] < 1e-4
    whole = openvino_ir.weights_path(path).stat().st_size
    half = openvino_ir.write(nets.plain, tmp_path / "m.xml", half=True)
    assert openvino_ir.weights_path(half).stat().st_size < 0.6 * whole
    assert read_contract(core().read_model(half), half) == nets.contract
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.bin", "m.xml"]
