from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from faceir import cli, registry, sealed
from faceir.runtime.detector import DEFAULT_MODEL

PACKAGED = Path(DEFAULT_MODEL).stem
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `faceir models`: exit code, stdout, stderr."""
    monkeypatch.setenv(registry.FOLDER_VARIABLE, str(tmp_path / "local"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["models", *map(str, arguments)])
        told = capfd.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return run


def test_a_model_comes_and_goes(models: Run, square_model: Path, tmp_path: Path) -> None:
    assert models("add", "squares", square_model, "--about", "bright squares")[0] == 0
    code, out, _ = models("list")
    assert code == 0
    assert PACKAGED in out
    assert "bright squares" in out
    stated = json.loads(models("info", "squares")[1])
    assert (stated["about"], stated["where"]) == ("bright squares", "local")
    assert json.loads(models("list", "--json")[1])[-1] == stated
    assert models("path", "squares")[1].strip() == str(tmp_path / "local" / "squares.onnx")
    assert models("verify")[0] == 0
    (tmp_path / "local" / "squares.onnx").write_bytes(b"changed")
    code, out, err = models("verify")
    assert code == 1
    assert f"{PACKAGED}: whole" in out
    assert "was changed" in err
    assert models("remove", "squares")[0] == 0
    assert models("path", "squares")[0] == 1


def test_from_an_index(models: Run, square_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models("add", "squares", square_model)
    shelf = tmp_path / "local" / "index.json"
    monkeypatch.setenv(registry.FOLDER_VARIABLE, str(tmp_path / "other"))
    assert "squares" in models("list", "--index", shelf)[1]
    assert "squares" not in models("list")[1]
    assert models("add", "squares", "--index", shelf.as_uri())[0] == 0
    assert models("verify", "squares")[0] == 0
    for wrong in (("add", "x"), ("add", "x", square_model, "--index", shelf)):
        code, _, err = models(*wrong)
        assert (code, "takes a FILE or --index URL" in err) == (1, True)


def test_seal_and_unseal(models: Run, square_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, back = tmp_path / "closed.onnx", tmp_path / "back.onnx"
    monkeypatch.setenv(sealed.KEY_VARIABLE, "key")
    assert models("seal", "-m", square_model, "-o", closed)[0] == 1  # no variable seals by accident
    assert models("seal", "-m", square_model, "-o", closed, "-k", "tlt_encode")[0] == 0
    assert sealed.is_sealed(closed)
    assert models("unseal", "-m", closed, "-o", back)[0] == 1
    assert not back.exists()
    assert models("unseal", "-m", closed, "-o", back, "-k", "tlt_encode")[0] == 0
    assert back.read_bytes() == square_model.read_bytes()
    assert "is not a sealed model" in models("unseal", "-m", back, "-o", closed, "-k", "key")[2]
