"""From spec to training: data found, labels checked, TAO's spec run on folders."""

import shutil

import numpy as np
import pytest
import torch

from faceir import spec as specs
from faceir.contract import Contract
from faceir.errors import SpecError
from faceir.fit import Fit
from faceir.train import checkpoint, loop, setup
from faceir.train.checkpoint import Checkpoint
from faceir.train.export import export
from faceir.train.mask import LabelFilter, LossMask
from faceir.train.model import Architecture, GridBoxNet
from tests.train.specs import disc_spec

CPU = torch.device("cpu")


def load(tmp_path, disc_set, *overrides):
    path = tmp_path / "spec.txt"
    path.write_text(disc_spec(disc_set))
    spec = specs.load(path, overrides)
    specs.check(spec)
    return spec


def test_a_spec_becomes_a_training(tmp_path, disc_set):
    spec = load(tmp_path, disc_set)
    training = setup.make_training(spec, setup.find_data(spec), CPU)
    assert training.net.architecture == Architecture.resnet18(width_multiplier=0.125)
    assert training.contract.fit.size_wh == (96, 64)
    assert training.steps_per_epoch == 2
    assert training.samples.total_steps == 6
    assert training.classes[0].initial_weight == (2.0, 1.0)
    assert (training.data["pictures"], training.data["sets"]) == (6, {"discs": 6})
    assert training.total_steps == 6
    assert training.validate is None
    assert specs.load(_written(tmp_path, training.spec)) == spec  # the checkpoint's copy says the same


def _written(tmp_path, text):
    path = tmp_path / "again.txt"
    path.write_text(text)
    return path


def test_pretrained_weights_load_by_name_and_shape(tmp_path, disc_set):
    torch.manual_seed(5)
    old = GridBoxNet(Architecture.resnet18(num_classes=2, width_multiplier=0.125))
    spec = load(tmp_path, disc_set)
    checkpoint.save(tmp_path / "old.safetensors", Checkpoint(old, setup.contract(spec)))
    spec.model_config.pretrained_model_file = str(tmp_path / "old.safetensors")
    net = setup.make_training(spec, setup.find_data(spec), CPU).net
    assert torch.equal(net.conv1.weight, old.conv1.weight)
    assert net.output_cov.weight.shape[0] == 1  # two classes do not fit one
    spec.model_config.load_graph = True
    with pytest.raises(SpecError, match="net has 2 classes"):
        setup.make_training(spec, setup.find_data(spec), CPU)
    spec.model_config.allow_loaded_model_modification = True
    training = setup.make_training(spec, setup.find_data(spec), CPU)
    assert torch.equal(training.net.conv1.weight, old.conv1.weight)
    fates = {layer: fate for layer, _, fate in training.data["pretrained"]["layers"]}
    assert [layer for layer, fate in fates.items() if fate != "loaded"] == ["output_bbox", "output_cov"]
    assert fates["output_cov"] == "weight is [2, 64, 1, 1] there, [1, 64, 1, 1] here"


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A tiny net, and the folder with its checkpoint and its ONNX file."""
    folder = tmp_path_factory.mktemp("narrow")
    torch.manual_seed(5)
    net = GridBoxNet(Architecture.resnet18(width_multiplier=0.125)).eval()
    contract = Contract(fit=Fit((96, 64)))
    checkpoint.save(folder / "narrow.safetensors", Checkpoint(net, contract))
    export(net, contract, folder / "narrow.onnx")
    return net, folder


@pytest.mark.slow
def test_a_wider_net_starts_with_the_function_of_a_narrower_one(tmp_path, disc_set, narrow):
    model = "model_config."
    spec = load(
        tmp_path, disc_set, f"{model}pretrained_model_file={narrow[1] / 'narrow.safetensors'}",
        f"{model}width_multiplier=0.25", f"{model}widen_pretrained=true", f"{model}widen_noise=0",
    )  # fmt: skip
    training = setup.make_training(spec, setup.find_data(spec), CPU)
    assert training.net.architecture == Architecture.resnet18(width_multiplier=0.25)
    assert training.data["widened_from"] == narrow[0].architecture.to_dict()
    x = torch.rand(2, 1, 64, 96)
    with torch.inference_mode():
        assert torch.allclose(training.net.eval()(x)[1], narrow[0](x)[1], atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("load_graph", ["true", "false"])
def test_an_onnx_file_is_a_source_of_weights(tmp_path, disc_set, narrow, load_graph):
    spec = load(
        tmp_path, disc_set, f"model_config.pretrained_model_file={narrow[1] / 'narrow.onnx'}",
        f"model_config.load_graph={load_graph}", "model_config.freeze_pretrained_layers=true",
    )  # fmt: skip
    training = setup.make_training(spec, setup.find_data(spec), CPU)
    x = torch.rand(2, 1, 64, 96)
    with torch.inference_mode():
        assert torch.allclose(training.net.eval()(x)[0], narrow[0](x)[0], atol=1e-4)
    training.start()
    learning = {name for name, p in training.net.named_parameters() if p.requires_grad}
    assert learning == {"output_bbox.weight", "output_bbox.bias", "output_cov.weight", "output_cov.bias"}


@pytest.mark.slow
def test_a_teacher_of_other_widths_and_all_that_is_beyond_tao(tmp_path, disc_set, narrow):
    config = "training_config."
    spec = load(
        tmp_path, disc_set, f"{config}distillation.teacher_model_file={narrow[1] / 'narrow.onnx'}",
        f"{config}distillation.feature_weight=1", "model_config.width_multiplier=0.25", f"{config}ema_decay=0.9",
        f"{config}clip_gradient_norm=1", f"{config}accumulate_batches=2", "cost_function_config.focal_gamma=2",
        "cost_function_config.giou_weight=1", "dataset_config.validation_fold=0",
        f"{config}learning_rate.soft_start_cosine_annealing_schedule.max_learning_rate=1e-3",
    )  # fmt: skip
    training = setup.make_training(spec, setup.find_data(spec), CPU)
    assert (training.total_steps, training.samples.total_steps, training.steps_per_epoch) == (3, 6, 1)
    reports = list(loop.run(training, tmp_path / "run"))
    assert [report.step for report in reports] == [1, 2, 3]
    assert all(report.distil_cost > 0 and report.grad_norm > 0 for report in reports)
    assert {"ap", "threshold"} <= reports[-1].scores.keys()
    spec.cost_function_config.target_classes.add().CopyFrom(spec.cost_function_config.target_classes[0])
    spec.cost_function_config.target_classes[1].name = "hand"
    for table in (spec.bbox_rasterizer_config, spec.postprocessing_config):
        table.target_class_config["hand"].CopyFrom(table.target_class_config["face"])
    with pytest.raises(SpecError, match="the teacher has 1 classes"):
        setup.make_training(spec, setup.find_data(spec), CPU)


def test_sources_are_drawn_from_as_the_spec_says(tmp_path, disc_set):
    shutil.copytree(disc_set, tmp_path / "more")
    sources = [f"dataset_config.data_sources.1.image_directory_path={tmp_path / 'more'}"]
    ratio = "dataset_config.data_sources.1.sampling_ratio=3"
    for changes, shares in (
        ([], ()),
        ([ratio], (6.0, 18.0)),
        (["dataset_config.sampling_mode=UNIFORM"], (1.0, 1.0)),
        (["dataset_config.sampling_mode=PROPORTIONAL"], ()),
    ):
        spec = load(tmp_path, disc_set, *sources, *changes)
        assert setup.make_training(spec, setup.find_data(spec), CPU).samples.mixture.shares == shares


def test_filters_of_the_loss_mask(tmp_path, disc_set):
    spec = load(tmp_path, disc_set, "loss_mask_label_filter.mask_multiplier=0.5")
    filters = spec.loss_mask_label_filter.objective_label_filter_configs
    one, two, three = (filters.add() for _ in range(3))
    one.label_filter.bbox_dimensions_label_filter.max_height = 20
    one.objective_names.append("cov")
    two.label_filter.bbox_crop_label_filter.crop_right = 48
    two.target_class_names.append("face")
    three.label_filter.source_class_label_filter.source_class_names.append("Doll")
    specs.check(spec)
    assert setup.make_training(spec, setup.find_data(spec), CPU).samples.loss_mask == LossMask(
        (
            LabelFilter(objectives=("cov",), max_wh=(0, 20)),
            LabelFilter(classes=(0,), region=(0, 0, 48, 0)),
            LabelFilter(source_classes=("doll",)),
        ),
        0.5,
    )


def test_phases_of_crops_and_frames(tmp_path, disc_set):
    crops = [f"augmentation_config.face_crops.{f}" for f in ("probability=0.9", "width=48", "height=48")]
    spec = load(tmp_path, disc_set, *crops, "augmentation_config.face_zoom.enabled=true")
    mixed, last = setup.make_training(spec, setup.find_data(spec), CPU).samples.phases
    assert mixed.kinds[0].size_wh == (48, 48)
    assert np.isclose(sum(mixed.weights), 1)
    assert {k.size_wh for k in last.kinds} == {(96, 64)}
    assert last.from_progress == pytest.approx(0.67)
