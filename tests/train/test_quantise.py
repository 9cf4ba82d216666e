"""INT8: ranges hold what they should, the QDQ net answers as the float one in two runtimes."""

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch

from faceir.contract import METADATA_KEY, Contract
from faceir.errors import InputError
from faceir.fit import Fit, to_blob
from faceir.train import quantise as q
from faceir.train.export import export
from faceir.train.model import Architecture, GridBoxNet

SIZE = (96, 64)
pytestmark = pytest.mark.filterwarnings("ignore")  # of torch.onnx's own making


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("int8")
    torch.manual_seed(0)
    net = GridBoxNet(Architecture.resnet18(width_multiplier=0.25))
    pictures = [np.random.default_rng(n).integers(0, 256, (SIZE[1], SIZE[0])).astype(np.uint8) for n in range(12)]
    net.train()
    with torch.no_grad():  # statistics as after a training
        for _ in range(300):
            net(torch.from_numpy(to_blob(np.stack(pictures))))
    export(net, Contract(fit=Fit(SIZE)), folder / "float.onnx")
    ranges = q.calibrate(folder / "float.onnx", pictures)
    return q.quantise(folder / "float.onnx", folder / "int8.onnx", ranges), folder / "float.onnx", ranges, pictures


def answers(path, pictures, runtime):
    x = to_blob(np.stack(pictures))
    names = ["output_cov/Sigmoid", "output_bbox/BiasAdd"]
    if runtime == "onnxruntime":
        return onnxruntime.InferenceSession(path).run(names, {"input_1": x})
    core = openvino.Core()
    result = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)
    return [result[name] for name in names]


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_int8_answers_as_float(nets, runtime):
    int8, plain, _, pictures = nets
    for got, wanted in zip(answers(int8, pictures, runtime), answers(plain, pictures, runtime), strict=True):
        error = np.abs(got - wanted).mean() / np.abs(wanted - wanted.mean()).mean()
        assert error < 0.15


def test_every_body_convolution_is_int8_and_the_contract_stays(nets):
    model = onnx.load(nets[0])
    by_output = {name: node.op_type for node in model.graph.node for name in node.output}
    quantised = [
        n for n in model.graph.node
        if n.op_type == "Conv" and all(by_output.get(i) == "DequantizeLinear" for i in n.input[:2])
    ]  # fmt: skip
    assert len(quantised) == 1 + 8 * 3  # stem, and three a unit
    assert {p.key for p in model.metadata_props} == {METADATA_KEY}
    assert nets[0].stat().st_size < 0.35 * nets[1].stat().st_size


def test_the_picture_loses_nothing(nets):
    scale = next(i for i in onnx.load(nets[0]).graph.initializer if i.name == "input_1/scale")
    assert onnx.numpy_helper.to_array(scale) == np.float32(1 / 255)


def test_a_range_holds_its_percentile():
    values = np.random.default_rng(0).exponential(1, 200_000).astype(np.float32)
    histogram = q._Histogram()
    for part in np.array_split(values, 7):
        histogram.add(part)
    for percentile in (90, 99, 99.9):
        found = histogram.range(percentile)
        assert found.high == pytest.approx(np.percentile(values, percentile), rel=0.02)
        assert not found.signed
    assert histogram.range(100).high >= values.max()
    histogram.add(np.array([-20.0], np.float32))
    assert histogram.range(99).signed


def test_no_picture_no_range(nets):
    with pytest.raises(InputError, match="got no picture"):
        q.calibrate(nets[1], [])
