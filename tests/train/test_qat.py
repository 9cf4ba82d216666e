"""Quantisation-aware training: what is trained is what the INT8 file computes, and its ranges come along."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from faceir import spec as specs
from faceir.contract import Contract
from faceir.errors import SpecError
from faceir.fit import Fit, to_blob
from faceir.train import checkpoint, loop, qat, setup
from faceir.train import quantise as q
from faceir.train.checkpoint import Checkpoint
from faceir.train.export import export
from faceir.train.export.fused import equal_channels
from faceir.train.model import Architecture, GridBoxNet
from tests.train.conftest import SIZE, TINY, make_training
from tests.train.quantise.conftest import answers
from tests.train.specs import disc_spec

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # warnings of torch.onnx's own making
PICTURES = [np.random.default_rng(n).integers(0, 256, (SIZE[1], SIZE[0])).astype(np.uint8) for n in range(8)]
BATCH = torch.from_numpy(np.stack(PICTURES))[:, None].float() / 255


def finished(architecture: Architecture = TINY) -> GridBoxNet:
    """A net with statistics as after a training."""
    torch.manual_seed(0)
    net = GridBoxNet(architecture).train()
    with torch.no_grad():
        for _ in range(60):
            net(BATCH)
        net.output_cov.bias.fill_(-0.3)
    return net.eval()


def quantised(net: GridBoxNet | None = None) -> qat.QuantisedNet:
    made = qat.QuantisedNet(net or finished())
    qat.calibrate(made, [BATCH[:4], BATCH[4:]])
    return made.eval()


def int8_file(net: qat.QuantisedNet, folder: Path) -> Path:
    """As `faceir calibrate` makes it of the net's checkpoint."""
    whole = export(net.plain(), Contract(fit=Fit(SIZE)), folder / "whole.onnx").path
    ranges = {name: q.Range(high, signed) for name, (high, signed) in net.ranges().items()}
    return q.quantise(equal_channels(whole, folder / "equal.onnx"), folder / "int8.onnx", ranges)


@pytest.mark.parametrize("all_projections", [True, False])
def test_the_int8_file_computes_what_was_trained(tmp_path, all_projections):
    """Node by node as the net, but for values at the edge between two levels, which spread; optimisers round elsewhere.

    The float net is further off than each of them.
    """
    net = quantised(finished(Architecture.resnet18(width_multiplier=0.125, all_projections=all_projections)))
    path = int8_file(net, tmp_path)
    with torch.inference_mode():
        wanted, plain = ([grid.numpy() for grid in one(BATCH)] for one in (net, net.plain()))
    for runtime, limit in (("node by node", 0.02), ("openvino", 0.02), ("onnxruntime", 0.1)):
        for got, trained, unrounded in zip(answers(path, PICTURES, runtime), wanted, plain, strict=True):
            spread = np.abs(trained - trained.mean()).mean()
            assert np.abs(got - trained).mean() < limit * spread, runtime
            assert np.abs(got - trained).mean() < np.abs(trained - unrounded).mean(), runtime


def test_the_stem_is_exact(tmp_path):
    """Before small differences can spread: weights and levels of the first layer are those of the file."""
    net = quantised()
    model = onnx.load(int8_file(net, tmp_path))
    stored = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    weight, _ = qat._fold(net.conv1, net.bn_conv1)
    rounded = qat._round_weight(weight.mean(1, keepdim=True)).detach().numpy()
    scale = stored["conv1.weight/scale"][:, None, None, None]
    np.testing.assert_array_equal(np.rint(rounded / scale), stored["conv1.weight/q"][:, :1])
    for name, (high, signed) in net.ranges().items():
        if name != "input_1":
            assert stored[f"{name}/scale"] == np.float32(high / (127 if signed else 255)), name


def test_one_channel_and_three_equal_ones_are_the_same():
    net = quantised()
    with torch.inference_mode():
        for one, three in zip(net(BATCH), net(torch.from_numpy(to_blob(np.stack(PICTURES)))), strict=True):
            assert torch.allclose(one, three, atol=1e-4)


def test_gradients_pass_and_stop_where_values_saturate():
    rounding = qat.Rounding().eval()
    rounding.high.fill_(2.0)
    x = torch.tensor([[[[-1.0, 0.5, 1.9, 3.0]]]], requires_grad=True)
    rounded = rounding(x)
    assert torch.allclose(rounded, torch.tensor([0.0, 0.5, 1.9, 2.0]), atol=1 / 255)
    rounded.sum().backward()
    assert x.grad.flatten().tolist() == [0, 1, 1, 0]
    net = quantised().train()
    sum(grid.square().mean() for grid in net.logits(BATCH)).backward()
    idle = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert not idle


def test_ranges_follow_in_training_only():
    net = quantised()
    before = net.ranges()
    net(2 * BATCH)
    assert net.ranges() == before
    net.train()(2 * BATCH.clamp(max=0.5))
    after = net.ranges()
    assert after["input_1"] == [1.0, False]
    moved = [after[name][0] / before[name][0] - 1 for name in before if name != "input_1"]
    assert max(map(abs, moved)) < 0.01  # 0.999 stays
    assert any(moved)


def qat_training(folder, steps=12):
    training = make_training(
        folder, steps, ema_decay=0.9, validate=lambda net: {"ap": float(type(net) is qat.QuantisedNet)},
        validation_epochs=frozenset(range(9)),
    )  # fmt: skip
    return replace(training, net=qat.QuantisedNet(finished()))


def test_a_broken_run_equals_an_unbroken_one_bit_for_bit(disc_set, tmp_path):
    reports = list(loop.run(qat_training(disc_set), tmp_path / "whole"))
    assert reports[-1].scores == {"ap": 1.0}  # judged with its rounding
    for report in loop.run(qat_training(disc_set), tmp_path / "broken"):
        if report.step == 7:
            break
    list(loop.run(qat_training(disc_set), tmp_path / "broken"))
    for name in ("model.epoch-3.safetensors", loop.RESUME_NAME):
        whole, broken = (checkpoint.read_tensors(tmp_path / run / name) for run in ("whole", "broken"))
        assert whole[1] == broken[1]
        assert all(torch.equal(value, broken[0][key]) for key, value in whole[0].items())


def test_from_the_spec_to_a_checkpoint_with_ranges_and_not_twice(disc_set, tmp_path):
    checkpoint.save(tmp_path / "m.safetensors", Checkpoint(finished(), Contract(fit=Fit(SIZE))))
    (tmp_path / "spec.txt").write_text(disc_spec(disc_set))
    spec = specs.load(tmp_path / "spec.txt")
    for change in ("training_config.enable_qat=true", f"model_config.pretrained_model_file={tmp_path}/m.safetensors",
                   "model_config.load_graph=true", "training_config.num_epochs=1"):  # fmt: skip
        spec = specs.override(spec, change)
    specs.check(spec)
    training = setup.make_training(spec, setup.find_data(spec), torch.device("cpu"))
    list(loop.run(training, tmp_path / "run"))
    made = tmp_path / "run" / "model.epoch-1.safetensors"
    loaded = checkpoint.load(made)
    assert loaded.data[qat.RANGES_KEY] == training.net.ranges()
    names = {o for n in onnx.load(export(loaded.net, loaded.contract, tmp_path / "m.onnx").path).graph.node
             for o in n.output}  # fmt: skip
    assert loaded.data[qat.RANGES_KEY].keys() - {"input_1"} < names
    again = specs.override(spec, f"model_config.pretrained_model_file={made}")
    with pytest.raises(SpecError, match="comes from quantisation-aware training already"):
        setup.make_training(again, setup.find_data(again), torch.device("cpu"))
    wider = specs.override(specs.override(spec, "model_config.load_graph=false"), "model_config.width_multiplier=0.25")
    with pytest.raises(SpecError, match=r"lacks|no layer fits"):
        setup.make_training(wider, setup.find_data(wider), torch.device("cpu"))
    with pytest.raises(SpecError, match="FP32"):
        specs.check(specs.override(spec, "training_config.precision=BF16"))
