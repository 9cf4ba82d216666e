"""The fused graph says what the three-channel one says of gray pictures, in every runtime."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME, METADATA_KEY, Contract
from faceir.errors import ModelError
from faceir.fit import to_blob
from faceir.inference import core
from faceir.runtime import net
from faceir.runtime.detector import Detector
from faceir.train import quantise
from faceir.train.export import parity
from faceir.train.export.fused import equal_channels, fuse

pytestmark = pytest.mark.slow


def answers(path, x, runtime):
    """Coverage and boxes of the file as it is."""
    if runtime == "onnxruntime":
        return onnxruntime.InferenceSession(path).run([COV_NAME, BBOX_NAME], {INPUT_NAME: x})
    result = core().compile_model(core().read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)
    return [result[COV_NAME], result[BBOX_NAME]]


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
@pytest.mark.parametrize(("kind", "limit"), [("plain", 1e-5), ("u8", 5e-2)])
def test_it_says_the_same(nets, tmp_path, runtime, kind, limit):
    """Quantised, a value at the edge between two levels may go the other way: scales and biases are rounded apart."""
    three = getattr(nets, kind)
    one = fuse(three, tmp_path / "one.onnx")
    canvases = np.stack(nets.pictures)
    wanted, got = answers(three, to_blob(canvases), runtime), answers(one, canvases[:, None], runtime)
    for a, b in zip(wanted, got, strict=True):
        assert np.abs(a - b).max() < limit
        assert np.abs(a - b).mean() < limit / 10


def test_its_contract_and_input(nets, tmp_path):
    for source in (nets.plain, nets.u8):
        model = onnx.load(fuse(source, tmp_path / "one.onnx"))
        tensor = model.graph.input[0].type.tensor_type
        assert tensor.elem_type == onnx.TensorProto.UINT8
        assert [d.dim_param or d.dim_value for d in tensor.shape.dim] == ["N", 1, 64, 96]
        contract = Contract.from_json(next(p.value for p in model.metadata_props if p.key == METADATA_KEY))
        assert contract.fused
        assert contract.name == "tiny"
    readers = [node.op_type for node in model.graph.node if INPUT_NAME in node.input]
    assert readers == ["DequantizeLinear"]  # bytes need no quantising


def test_it_is_held_against_torch(nets, tmp_path):
    one = fuse(nets.plain, tmp_path / "one.onnx")
    assert max(parity.differences(nets.net, replace(nets.contract, fused=True), one).values()) < 1e-5


@pytest.mark.parametrize("precision", ["f32", "auto"])
@pytest.mark.parametrize("kind", ["plain", "u8"])
def test_the_runtime_makes_the_same_graph_of_both(nets, tmp_path, kind, precision):
    """Bit for bit: folding a three-channel file as it is loaded, and fusing it beforehand."""
    three = getattr(nets, kind)
    both = Detector(three, precision=precision), Detector(fuse(three, tmp_path / "one.onnx"), precision=precision)
    for canvas in nets.pictures:
        grids = []
        for detector in both:
            pending = detector.submit(canvas)
            grids.append([grid.copy() for grid in pending._request.wait()])
        for a, b in zip(*grids, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["plain", "u8"])
def test_an_int8_stem_over_squares_of_pixels_says_the_same(nets, tmp_path, monkeypatch, kind):
    """Bit for bit as over one channel; a float one is left alone. Also pictures that are windows of larger ones."""
    one = fuse(getattr(nets, kind), tmp_path / "one.onnx")
    squares = Detector(one, precision="f32")
    monkeypatch.setattr(net, "_space_to_depth", lambda canvas: None)
    plain = Detector(one, precision="f32")
    shapes = [list(detector._compiled.inputs[0].shape) for detector in (plain, squares)]
    assert shapes == [[1, 1, 64, 96], [1, 32, 48, 4] if kind == "u8" else [1, 1, 64, 96]]
    for canvas in nets.pictures:
        wide = np.repeat(canvas, 2, axis=1)
        for picture in (canvas, wide[:, ::2]):
            grids = [[grid.copy() for grid in d.submit(picture)._request.wait()] for d in (plain, squares)]
            for a, b in zip(*grids, strict=True):
                np.testing.assert_array_equal(a, b)


def test_a_list_is_its_pictures(nets, tmp_path):
    detector = Detector(fuse(nets.u8, tmp_path / "one.onnx"), threshold=0.0)
    assert any(len(found) for found in detector.detect(nets.pictures))
    assert detector.detect(nets.pictures) == [detector.detect(picture) for picture in nets.pictures]


def test_equal_channels_change_nothing_for_gray(nets, tmp_path):
    equal = equal_channels(nets.plain, tmp_path / "equal.onnx")
    gray = to_blob(np.stack(nets.pictures))
    for a, b in zip(answers(nets.plain, gray, "openvino"), answers(equal, gray, "openvino"), strict=True):
        assert np.abs(a - b).max() < 1e-5
    colour = np.random.default_rng(0).random((1, 3, 64, 96), np.float32)
    seen = answers(equal, colour, "openvino")
    as_gray = answers(equal, np.repeat(colour.mean(axis=1, keepdims=True), 3, axis=1), "openvino")
    assert np.abs(seen[1] - as_gray[1]).max() < 1e-5


def test_what_cannot_be_fused_says_so(nets, tmp_path):
    with pytest.raises(ModelError, match="quantised for TensorRT"):
        fuse(nets.s8, tmp_path / "one.onnx")
    ranges = quantise.calibrate(nets.plain, nets.pictures)
    unequal = quantise.quantise(nets.plain, tmp_path / "unequal.onnx", ranges)
    with pytest.raises(ModelError, match="differ between the three channels"):
        fuse(unequal, tmp_path / "one.onnx")
    with pytest.raises(ModelError, match="three channels"):
        fuse(fuse(nets.plain, tmp_path / "twice.onnx"), tmp_path / "one.onnx")
    assert not (tmp_path / "one.onnx").exists()
    stem_in_float = quantise.quantise(
        equal_channels(nets.plain, tmp_path / "e.onnx"), tmp_path / "f.onnx", ranges, float_layers=["conv1"]
    )
    fuse(stem_in_float, tmp_path / "one.onnx")


def test_an_unequal_quantised_file_runs_as_it_is(nets, tmp_path):
    """Its int8 filters do not add up to int8: the runtime gives it three channels and loses nothing."""
    ranges = quantise.calibrate(nets.plain, nets.pictures)
    for scheme in ("u8", "s8"):
        path = quantise.quantise(nets.plain, tmp_path / "m.onnx", ranges, scheme=scheme)
        pending = Detector(path, precision="f32").submit(nets.pictures[0])
        wanted = answers(path, to_blob(nets.pictures[0][None]), "openvino")
        for got, grid in zip(pending._request.wait(), wanted, strict=True):
            np.testing.assert_allclose(got, grid[0], atol=1e-5)
