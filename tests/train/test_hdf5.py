"""TAO's Keras files: the net that they hold computes the same here, and what is no such net says so."""

from contextlib import suppress

import h5py
import numpy as np
import pytest
import torch

from faceir.errors import ModelError, SpecError
from faceir.train import hdf5, pretrained, provenance, setup
from faceir.train.model import Architecture, GridBoxNet
from tests.train.conftest import TINY
from tests.train.keras_files import PRUNED, keras_graph, keras_layers, random_net, whole, write
from tests.train.test_setup import CPU, load

PLAIN_B = Architecture(8, ((16, 8), (8, 8), (8, 16), (24, 16), (32, 24), (8, 24), (16, 40), (8, 40)), 1, False)


def same(a: GridBoxNet, b: GridBoxNet) -> bool:
    x = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        return all(torch.allclose(one, other, atol=1e-5) for one, other in zip(a(x), b(x), strict=True))


@pytest.mark.parametrize("architecture", [TINY, PRUNED, PLAIN_B], ids=["tiny", "pruned", "without all_projections"])
@pytest.mark.parametrize("alone", [False, True], ids=["whole", "weights alone"])
@pytest.mark.parametrize(
    "layout", [{}, {"again": "_1"}, {"inside": "model_1"}, {"inside": "model_1", "again": "_2"}], ids=str
)
def test_a_net_in_taos_layout_is_the_same_net(tmp_path, architecture, alone, layout):
    net = random_net(architecture)
    path = write(tmp_path / "a.hdf5", keras_layers(net), None if alone else keras_graph(net), **layout)
    opened = pretrained.open_net(path).net
    assert opened.architecture == architecture
    assert same(net, opened)
    assert hdf5.read_hdf5(path).size_wh == (None if alone else (96, 64))


def test_newer_keras_names_no_number(tmp_path):
    net = random_net()
    graph = keras_graph(net)
    graph[0]["config"] = {"name": "input_1", "batch_shape": [None, 64, 96, 3]}
    path = write(tmp_path / "a.h5", keras_layers(net, number=""), graph)
    assert same(net, pretrained.open_net(path).net)
    assert hdf5.read_hdf5(path).size_wh == (96, 64)


def test_what_a_convolution_lacks_changes_nothing(tmp_path):
    net, layers = random_net(), {}
    for name, weights in keras_layers(net).items():
        layers[name] = {k: w for k, w in weights.items() if name.startswith("output") or not k.startswith("bias")}
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith(".bias") and "conv" in name.split(".")[-2] and "bn" not in name:
                parameter.zero_()
    assert same(net, pretrained.open_net(write(tmp_path / "a.hdf5", layers, None)).net)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_parameters()
            torch.nn.init.constant_(module.weight, (1 + module.eps) ** 0.5)
    kernels = {name: weights for name, weights in layers.items() if "bn_" not in name}
    assert same(net, pretrained.open_net(write(tmp_path / "b.hdf5", kernels, None)).net)


def test_a_stem_for_one_channel_takes_three_equal_ones(tmp_path):
    net, layers = random_net(), keras_layers(random_net())
    layers["conv1"]["kernel:0"] = layers["conv1"]["kernel:0"].sum(2, keepdims=True)
    opened = pretrained.open_net(write(tmp_path / "a.hdf5", layers, None)).net
    x = torch.rand(2, 1, 64, 96)
    with torch.inference_mode():
        assert torch.allclose(net(x)[1], opened(x.expand(-1, 3, -1, -1))[1], atol=1e-5)


def test_half_floats_become_float32(tmp_path):
    layers = {n: {k: w.astype(np.float16) for k, w in ws.items()} for n, ws in keras_layers(random_net()).items()}
    tensors = hdf5.read_hdf5(write(tmp_path / "a.hdf5", layers, None)).tensors
    assert {t.dtype for t in tensors.values()} == {torch.float32}


@pytest.mark.parametrize("load_graph", ["true", "false"])
def test_it_is_a_source_of_weights(tmp_path, disc_set, load_graph):
    net = random_net(TINY)
    spec = load(
        tmp_path, disc_set, f"model_config.pretrained_model_file={whole(tmp_path / 'Resnet18.HDF5', net)}",
        f"model_config.load_graph={load_graph}",
    )  # fmt: skip
    training = setup.make_training(spec, setup.find_data(spec), CPU)
    assert same(net, training.net.eval())
    told = training.data["pretrained"]
    assert told["file"] == "Resnet18.HDF5"
    assert {fate for _, _, fate in told["layers"]} == {"loaded"}
    assert training.data["inherited"]["sets"] == {"weights of Resnet18.HDF5": 0}


def test_it_can_teach(tmp_path, disc_set):
    path = whole(tmp_path / "a.hdf5", random_net(PLAIN_B))
    spec = load(tmp_path, disc_set, f"training_config.distillation.teacher_model_file={path}")
    teacher = setup.make_training(spec, setup.find_data(spec), CPU).teacher
    assert teacher is not None
    assert teacher.net.architecture == PLAIN_B


def test_a_pruned_one_brings_its_widths_and_fresh_outputs_where_allowed(tmp_path, disc_set):
    net = random_net(PRUNED)
    file = f"model_config.pretrained_model_file={whole(tmp_path / 'a.hdf5', net)}"
    spec = load(tmp_path, disc_set, file, "model_config.load_graph=true")
    with pytest.raises(SpecError, match="net has 2 classes"):
        setup.make_training(spec, setup.find_data(spec), CPU)
    spec.model_config.allow_loaded_model_modification = True
    made = setup.make_training(spec, setup.find_data(spec), CPU).net
    assert made.architecture.units == PRUNED.units
    assert torch.equal(made.block_4b.conv_2.weight, net.block_4b.conv_2.weight)


def test_start_weights_without_outputs_give_the_trunk(tmp_path, disc_set):
    net = random_net(TINY)
    layers = {name: weights for name, weights in keras_layers(net).items() if not name.startswith("output")}
    path = write(tmp_path / "resnet18.hdf5", layers, keras_graph(net))
    spec = load(tmp_path, disc_set, f"model_config.pretrained_model_file={path}")
    training = setup.make_training(spec, setup.find_data(spec), CPU)
    fresh = [layer for layer, _, fate in training.data["pretrained"]["layers"] if fate != "loaded"]
    assert fresh == ["output_bbox", "output_cov"]
    assert torch.equal(training.net.block_1a.bn_2.running_var, net.block_1a.bn_2.running_var)
    with pytest.raises(ModelError, match=r"no tensor 'output_cov.weight'"):
        pretrained.open_net(path)


def test_one_trained_with_qat_is_no_finished_net_but_a_start(tmp_path, disc_set):
    net = random_net(TINY)
    graph, layers = keras_graph(net), keras_layers(net)
    for layer in graph:
        if layer["class_name"] == "Conv2D" and not layer["config"]["name"].startswith("output"):
            layer["class_name"] = "QuantizedConv2D"
        if layer["class_name"] == "Activation":
            layer |= {"class_name": "ReLU", "config": {"name": layer["config"]["name"], "max_value": 6.0}}
    layers["conv1"]["scaling_factor:0"] = np.float32(6)
    layers["input_1_qdq"] = {"scaling_factor:0": np.float32(1)}
    path = write(tmp_path / "qat.hdf5", layers, graph)
    assert hdf5.read_hdf5(path).quantised
    with pytest.raises(ModelError, match="with enable_qat: its ReLUs stopped at 6"):
        pretrained.open_net(path)
    spec = load(tmp_path, disc_set, f"model_config.pretrained_model_file={path}", "model_config.load_graph=true")
    training = setup.make_training(spec, setup.find_data(spec), CPU)
    assert training.data["caution"].startswith("qat.hdf5 was trained by TAO with enable_qat")
    assert torch.equal(training.net.conv1.weight, net.conv1.weight)


def _edited(kind, **changes):
    """An editing of the graph: `changes` in the settings of its first layer of `kind`."""

    def edit(graph, layers):
        next(one for one in graph if one["class_name"] == kind)["config"].update(changes)

    return edit


def _pooled(graph, layers):
    graph.insert(4, {"class_name": "MaxPooling2D", "config": {"name": "max_pooling2d_1"}})


def _strided(graph, layers):
    next(one for one in graph if one["config"]["name"] == "block_4a_conv_1")["config"]["strides"] = [2, 2]


def _resnet10(graph, layers):
    for name in [name for name in layers if name[6:8] in ("1b", "2b", "3b", "4b")]:
        del layers[name]


def _resnet34(graph, layers):
    layers["block_1c_conv_1"] = layers["block_1b_conv_1"]


def _other(graph, layers):
    for name in list(layers):
        layers[name.replace("block_", "stage")] = layers.pop(name)


def _one_pixel(graph, layers):
    layers["block_2a_conv_1"]["kernel:0"] = layers["block_2a_conv_1"]["kernel:0"][:1, :1]


def _flat(graph, layers):
    layers["conv1"]["kernel:0"] = layers["conv1"]["kernel:0"].reshape(7, -1)


def _integers(graph, layers):
    layers["bn_conv1"]["gamma:0"] = np.ones(8, np.int32)


def _twice(graph, layers):
    layers["conv1"]["conv1/bias:0"] = np.zeros(8, np.float32)


def _no_graph(graph, layers):
    graph[:] = [{"class_name": "Conv2D"}]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (_pooled, r"the layer max_pooling2d_1, MaxPooling2D \(use_pooling: true\).*load_graph: false"),
        (_strided, "the stride 2 in block_4a_conv_1, not 1"),
        (_edited("BatchNormalization", epsilon=1e-5), "the epsilon 1e-05 in bn_conv1, not 0.001"),
        (_edited("Activation", activation="elu"), "elu as activation_1, not relu"),
        (_edited("Conv2D", activation="relu"), "relu behind conv1, not linear"),
        (_resnet10, r"no tensor 'block_1b.conv_1.weight'; wanted .*ResNet18"),
        (_resnet34, "has block_1c, a deeper net's; wanted .*ResNet18"),
        (_other, "no conv1 and block_1a_conv_1 with kernels, so it is another net's"),
        (_one_pixel, r"block_2a.conv_1 does not fit: weight is \[16, 16, 1, 1\] there, \[16, 16, 3, 3\] here"),
        (_flat, r"conv1/kernel:0 is float32 \[7, 168\]; wanted a kernel"),
        (_integers, r"bn_conv1/gamma:0 is int32 \[8\]"),
        (_twice, "conv1/conv1/bias:0 twice"),
        (_no_graph, "its model_config cannot be read"),
    ],
)
def test_another_net_says_so(tmp_path, edit, says):
    net = random_net(PRUNED)
    graph, layers = keras_graph(net), keras_layers(net)
    edit(graph, layers)
    with pytest.raises(ModelError, match=says):
        pretrained.open_net(write(tmp_path / "a.hdf5", layers, graph))


def test_what_is_no_hdf5_or_cut_says_so(tmp_path):
    data = whole(tmp_path / "whole.hdf5", random_net(TINY)).read_bytes()
    path = tmp_path / "a.hdf5"
    for broken in (b"not a model", data[: len(data) // 2], data[:100]):
        path.write_bytes(broken)
        with pytest.raises(ModelError, match=r"is cut off or no HDF5 file .*; wanted .*; copy it again"):
            pretrained.open_net(path)
        with pytest.raises(ModelError, match="is cut off or no HDF5 file"):
            pretrained.read_weights(path)
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="is empty"):
        pretrained.open_net(path)
    with pytest.raises(ModelError, match="does not exist"):
        pretrained.open_net(tmp_path / "b.hdf5")


def test_any_byte_that_fell_over_gives_a_net_or_one_of_our_errors(tmp_path):
    data = whole(tmp_path / "whole.hdf5", random_net(TINY)).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(data)
        for place in rng.integers(0, 20000, 20):
            broken[place] = rng.integers(256)
        (tmp_path / "a.hdf5").write_bytes(broken)
        with suppress(ModelError):
            pretrained.open_net(tmp_path / "a.hdf5")


def test_nothing_is_taken_from_other_files_nor_more_than_a_kernel_has(tmp_path):
    net = random_net(TINY)
    other = whole(tmp_path / "other.hdf5", net)
    with h5py.File(tmp_path / "linked.hdf5", "w") as file:
        file["model_weights"] = h5py.ExternalLink(str(other), "model_weights")
    with pytest.raises(ModelError):
        pretrained.open_net(tmp_path / "linked.hdf5")
    layers = keras_layers(net)
    kernel = layers["conv1"].pop("kernel:0")
    path = write(tmp_path / "outside.hdf5", layers, None)
    with h5py.File(path, "a") as file:
        file.create_dataset("conv1/conv1/kernel:0", kernel.shape, "f4", external=[(str(other), 0, kernel.nbytes)])
    with pytest.raises(ModelError, match="lies in another file"):
        pretrained.open_net(path)
    with h5py.File(path, "a") as file:
        del file["conv1/conv1/kernel:0"]
        file.create_dataset("conv1/conv1/kernel:0", (7, 7, 3, 1 << 40), "f4", chunks=(7, 7, 3, 8))
    with pytest.raises(ModelError, match="wanted a kernel or a value a channel"):
        pretrained.open_net(path)


@pytest.mark.parametrize("name", ["a.tlt", "A.ETLT", "a.ckzip"])
def test_what_tao_encrypts_stays_closed(tmp_path, name):
    (tmp_path / name).write_bytes(b"sealed")
    for read in (pretrained.open_net, pretrained.read_weights):
        with pytest.raises(ModelError, match="encrypted, and only TAO reads it"):
            read(tmp_path / name)


def test_it_says_nothing_of_what_it_learnt_from():
    assert provenance.inherited(["there/a.hdf5"])["inherited"]["sets"] == {"weights of a.hdf5": 0}
