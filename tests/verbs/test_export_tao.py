"""`faceir export` of what TAO 5 saved: to a checkpoint, and on to what any checkpoint becomes."""

import pytest

pytest.importorskip("torch", reason="exports")

import torch

from faceir import spec as specs
from faceir.cli import main
from faceir.train import checkpoint, setup
from tests.train.conftest import TINY
from tests.train.keras_files import random_net, whole
from tests.train.specs import disc_spec


@pytest.fixture
def run(tmp_path, capsys):
    """Types `faceir export -m a.hdf5 -o NAME`, a net and a spec beside it; its exit code and what it said."""
    net = random_net(TINY)
    whole(tmp_path / "a.hdf5", net)
    (tmp_path / "spec.txt").write_text(disc_spec(tmp_path))

    def type_it(name, *rest):
        code = 0
        try:
            main([str(a) for a in ("export", "-m", tmp_path / "a.hdf5", "-o", tmp_path / name, *rest)])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out + said.err

    type_it.net = net
    return type_it


def test_it_becomes_a_checkpoint_with_the_contract_of_its_spec(run, tmp_path):
    code, said = run("a.safetensors", "--format", "checkpoint", "-e", tmp_path / "spec.txt")
    assert (code, "wrote " in said, "beware" in said) == (0, True, False)
    loaded = checkpoint.load(tmp_path / "a.safetensors")
    x = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        assert torch.allclose(run.net(x)[1], loaded.net(x)[1], atol=1e-6)
    assert loaded.contract == setup.contract(specs.load(tmp_path / "spec.txt"), "a")
    assert specs.load(tmp_path / "spec.txt") == specs.load(_written(tmp_path, loaded.spec))
    assert loaded.data["inherited"]["sets"] == {"weights of a.hdf5": 0}


def _written(tmp_path, text):
    path = tmp_path / "again.txt"
    path.write_text(text)
    return path


def test_a_key_seals_it(run, tmp_path):
    code, _ = run("a.safetensors", "--format", "checkpoint", "-e", tmp_path / "spec.txt", "-k", "secret")
    assert code == 0
    assert checkpoint.load(tmp_path / "a.safetensors", "secret").net.architecture == TINY
    assert b"secret" not in (tmp_path / "a.safetensors").read_bytes()


def test_another_size_is_told_and_the_spec_counts(run, tmp_path):
    text = (tmp_path / "spec.txt").read_text().replace("output_image_width: 96", "output_image_width: 128")
    (tmp_path / "spec.txt").write_text(text)
    _, said = run("a.safetensors", "--format", "checkpoint", "-e", tmp_path / "spec.txt")
    assert "beware: made for pictures of 96x64, here 128x64 as " in said
    assert checkpoint.load(tmp_path / "a.safetensors").contract.fit.size_wh == (128, 64)


def test_what_does_not_go_together(run, tmp_path):
    spec = tmp_path / "spec.txt"
    assert "-e: goes with TAO's .hdf5" in run("a.onnx")[1]
    assert "-o: is a.onnx; wanted a name that ends with .safetensors" in run("a.onnx", "--format", "checkpoint")[1]
    assert "checkpoint is written in fp32 only" in run("a.safetensors", "--format", "checkpoint", "--fused")[1]
    two = specs.load(spec)
    for config in (two.postprocessing_config, two.bbox_rasterizer_config):
        config.target_class_config["hand"].CopyFrom(config.target_class_config["face"])
    two.cost_function_config.target_classes.add().CopyFrom(two.cost_function_config.target_classes[0])
    two.cost_function_config.target_classes[1].name = "hand"
    spec.write_text(specs.to_text(two))
    code, said = run("a.safetensors", "--format", "checkpoint", "-e", spec)
    assert (code, "has outputs for 1 classes; wanted 2, the target_classes of" in said) == (1, True)
    (tmp_path / "a.tlt").write_bytes(b"sealed")
    code, said = run("a.safetensors", "--format", "checkpoint", "-e", spec, "-m", tmp_path / "a.tlt")
    assert (code, "a.tlt: is encrypted, and only TAO reads it" in said) == (1, True)
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of torch.onnx's own making
def test_it_becomes_onnx_at_once(run, tmp_path):
    code, said = run("a.onnx", "-e", tmp_path / "spec.txt")
    assert code == 0, said
    assert "of torch in OpenVINO" in said
