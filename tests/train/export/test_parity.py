"""Differences are seen where there are some, and not where there are none."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from faceir.train.export import parity

pytestmark = pytest.mark.slow


def test_a_changed_weight_is_seen_by_every_runtime(nets, tmp_path):
    model = onnx.load(nets.plain)
    weight = next(i for i in model.graph.initializer if i.name == "conv1.weight")
    changed = numpy_helper.to_array(weight).copy()
    changed[:, 1] += 0.1  # of one input channel
    weight.CopyFrom(numpy_helper.from_array(changed, weight.name))
    onnx.save(model, tmp_path / "m.onnx")
    found = parity.differences(nets.net, nets.contract, tmp_path / "m.onnx")
    assert set(found) == {"OpenVINO", "ONNX Runtime"}
    assert min(found.values()) > 1e-3


def test_a_nan_is_seen(nets, tmp_path):
    model = onnx.load(nets.plain)
    bias = next(i for i in model.graph.initializer if i.name == "output_bbox.bias")
    bias.CopyFrom(numpy_helper.from_array(np.full(4, np.nan, np.float32), bias.name))
    onnx.save(model, tmp_path / "m.onnx")
    found = parity.differences(nets.net, nets.contract, tmp_path / "m.onnx")
    assert np.isnan(list(found.values())).all()


def test_coverage_change(nets):
    same = parity.coverage_change(nets.plain, nets.plain, nets.pictures)
    assert same == (0, 0)
    for int8 in (nets.u8, nets.s8):
        change = parity.coverage_change(nets.plain, int8, nets.pictures)
        assert 0 < change.mean < change.greatest
        assert change.mean < 0.05
    assert parity.coverage_change(nets.plain, nets.u8, []) == pytest.approx((0, 0))
