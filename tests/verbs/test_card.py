"""`faceir card` as a user types it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from faceir.cli import main
from faceir.contract import Contract
from tests.conftest import SQUARE, write_square_model
from tests.report.conftest import Night, night  # noqa: F401  # a fixture

MODELS = Path(__file__).parents[2] / "models"
SOURCES = Path(__file__).parents[2] / "docs" / "sources.toml"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main(["card", *map(str, arguments)])
    return int(left.value.code or 0)


def test_of_an_onnx_file(tmp_path: Path, night: Night, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    model = write_square_model(tmp_path / "m.onnx", Contract(name="square"))
    night.evaluation.write(tmp_path / "e.json")
    assert run("-m", model, "-e", tmp_path / "e.json", "-o", tmp_path / "card.md") == 0
    assert "1 files, 1 evaluations, 0 sets" in capsys.readouterr().out.replace("\n", "")
    card = (tmp_path / "card.md").read_text("utf-8")
    weights = 3 * SQUARE * SQUARE + 4
    assert f"| m.onnx | ONNX | 0.1 | {weights / 1e6:.2f} M | {weights * 24 * 15 / 1e9:.2f} G |" in card
    assert "not a file of this card" in card


def test_of_the_released_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="reads a checkpoint")
    checkpoint = MODELS / "pruned_v1.safetensors"
    assert run("-m", "default", "-m", checkpoint, "--sources", SOURCES, "-o", tmp_path / "card.md") == 0
    told = capsys.readouterr()
    assert "2 files, 0 evaluations, 45 sets" in told.out.replace("\n", "")
    assert told.err == ""
    card = (tmp_path / "card.md").read_text("utf-8")
    assert "| 0.66 M | 0.38 G |" in card  # the packaged file, whose stem reads one channel
    assert "| 0.66 M | 0.42 G |" in card  # the checkpoint, whose stem reads three
    assert "19,956 pictures of 45 sets" in card
    assert "do not allow weights for business: research." in card
    assert "not stated" not in card


def test_sets_that_nobody_stated_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="reads a checkpoint")
    assert run("-m", MODELS / "pruned_v1.safetensors", "-o", tmp_path / "card.md") == 0
    assert "nobody states the terms of car_occupants" in capsys.readouterr().err.replace("\n", " ")


def test_without_sources_the_checkpoint_speaks_for_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Origin and terms that training kept, those of earlier weights included; what `--sources` states wins."""
    pytest.importorskip("torch", reason="writes a checkpoint")
    from faceir.data.sources import Source, Sources, Terms
    from faceir.train import checkpoint
    from tests.train.test_checkpoint import make

    terms = {"free": Terms("any use", True), "lent": Terms("for a year")}
    stated = Sources({"cars": Source("a car", "free"), "night": Source("a cabin", "free", use="validation")}, terms)
    before = Sources({"streets": Source("a street", "lent")}, terms)
    data = {
        "pictures": 5, "sets": {"cars": 3, "night": 2}, "faces": {"cars": 4}, "sources": stated.to_dict(),
        "inherited": {"sets": {"streets": 7, "weights of x.onnx": 0}, "sources": before.to_dict()},
    }  # fmt: skip
    checkpoint.save(tmp_path / "m.safetensors", replace(make(), data=data))
    assert run("-m", tmp_path / "m.safetensors", "-o", tmp_path / "card.md") == 0
    told = capsys.readouterr()
    assert "1 files, 0 evaluations, 4 sets" in told.out.replace("\n", "")
    assert "nobody states the terms of weights of x.onnx;" in told.err
    assert "these weights learnt from night, which sources.toml keeps for validation" in told.err
    card = (tmp_path / "card.md").read_text("utf-8")
    assert all(text in card for text in ("a car", "a cabin", "a street", "for a year", "not stated"))
    given = '[terms.bought]\nmeans = "paid for"\n[sets.cars]\norigin = "another car"\nterms = "bought"\n'
    (tmp_path / "s.toml").write_text(given)
    assert run("-m", tmp_path / "m.safetensors", "--sources", tmp_path / "s.toml", "-o", tmp_path / "card.md") == 0
    card = (tmp_path / "card.md").read_text("utf-8")
    assert all(text in card for text in ("another car", "paid for", "a street"))
    assert "a car" not in card


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-m", tmp_path / "none.onnx", "-o", tmp_path / "card.md") == 1
    assert "does not exist" in capsys.readouterr().err
    (tmp_path / "s.toml").write_text("[set]")
    assert run("-m", "default", "--sources", tmp_path / "s.toml", "-o", tmp_path / "card.md") == 1
    assert "the file states set" in capsys.readouterr().err
    assert not (tmp_path / "card.md").exists()
