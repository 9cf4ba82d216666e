"""TorchScript and ExportedProgram: the net's answers and its contract come back from the file."""

import pytest
import torch

from faceir.errors import ModelError
from faceir.train.export import torch_files

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["torchscript", "exported_program"])
def test_there_and_back(nets, tmp_path, kind):
    path = tmp_path / "m.pt"
    far = getattr(torch_files, f"write_{kind}")(nets.net, nets.contract, path)
    assert far < 1e-4
    run, contract = getattr(torch_files, f"read_{kind}")(path)
    assert contract == nets.contract
    x = torch.rand(3, 3, 64, 96, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for got, wanted in zip(run(x), nets.net(x), strict=True):
            assert (got - wanted).abs().max() < 1e-4


def test_what_differs_is_not_put_in_place(nets, tmp_path, monkeypatch):
    monkeypatch.setattr(torch_files, "read_torchscript", lambda part: (lambda x: (x + 1, x), None))
    monkeypatch.setattr(nets.net, "forward", lambda x: (x, x))
    with pytest.raises(ModelError, match="differs from the net"):
        torch_files.write_torchscript(nets.net, nets.contract, tmp_path / "m.pt")
    assert list(tmp_path.iterdir()) == []
