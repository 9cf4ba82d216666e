"""Checkpoints: there and back, whole or not at all."""

import pytest
import torch

from faceir.contract import Contract
from faceir.errors import ModelError
from faceir.train import checkpoint
from faceir.train.checkpoint import Checkpoint
from faceir.train.model import Architecture, GridBoxNet

TINY = Architecture(8, ((8, 16),) * 8)


def make() -> Checkpoint:
    return Checkpoint(GridBoxNet(TINY).eval(), Contract(name="tiny"), "spec", 7, {"ap": 0.5}, {"pictures": 3})


def test_there_and_back_from_the_path_alone(tmp_path):
    one = make()
    checkpoint.save(tmp_path / "m.safetensors", one)
    back = checkpoint.load(tmp_path / "m.safetensors")
    assert back.net.architecture == TINY
    assert (back.contract, back.spec, back.step, back.scores, back.data) == (
        one.contract, "spec", 7, {"ap": 0.5}, {"pictures": 3},
    )  # fmt: skip
    for a, b in zip(one.net.state_dict().values(), back.net.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert list(tmp_path.iterdir()) == [tmp_path / "m.safetensors"]


def test_half_is_half_the_size_and_nearly_the_same(tmp_path):
    one = make()
    checkpoint.save(tmp_path / "full.safetensors", one)
    checkpoint.save(tmp_path / "half.safetensors", one, half=True)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.6 * (tmp_path / "full.safetensors").stat().st_size
    x = torch.rand(1, 3, 32, 32)
    back = checkpoint.load(tmp_path / "half.safetensors").net
    assert torch.allclose(one.net(x)[0], back(x)[0], atol=2e-3)


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.3, 0.99])
def test_a_cut_file_is_told_from_a_whole_one(tmp_path, keep):
    path = tmp_path / "m.safetensors"
    checkpoint.save(path, make())
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ModelError, match=r"m\.safetensors: is (cut off|empty)"):
        checkpoint.load(path)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ModelError, match="does not exist"):
        checkpoint.load(tmp_path / "none.safetensors")
    with pytest.raises(ModelError, match="is a folder"):
        checkpoint.load(tmp_path)
    checkpoint.write_tensors(tmp_path / "r.safetensors", {}, {"kind": "resume", "format": 1})
    with pytest.raises(ModelError, match="is a resume"):
        checkpoint.load(tmp_path / "r.safetensors")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    checkpoint.save(path, make())
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(ModelError, match="No space left"):
        checkpoint.save(path, make())
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_sealed_checkpoint_is_the_plain_one(tmp_path, monkeypatch):
    pytest.importorskip("cryptography")
    monkeypatch.delenv("FACEIR_KEY", raising=False)
    net = GridBoxNet(TINY).eval()
    path = tmp_path / "closed.safetensors"
    checkpoint.save(path, Checkpoint(net, Contract(), "a spec", 7), key="tlt_encode")
    opened = checkpoint.load(path, "tlt_encode")
    assert (opened.spec, opened.step) == ("a spec", 7)
    for name, tensor in net.state_dict().items():
        assert torch.equal(opened.net.state_dict()[name], tensor)
    assert b"a spec" not in path.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["closed.safetensors"]
    for key, said in ((None, "is sealed"), ("other", "a wrong key")):
        with pytest.raises(ModelError, match=said):
            checkpoint.load(path, key)


def test_a_flipped_bit_is_noticed(tmp_path):
    net = GridBoxNet(Architecture.resnet18(width_multiplier=0.125))
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, Checkpoint(net, Contract()))
    data = bytearray(path.read_bytes())
    data[-1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="not those that were written"):
        checkpoint.load(path)
