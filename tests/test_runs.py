"""`runs/`: the whole life of a model, on a few made-up pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from faceir.contract import Contract
from faceir.train import checkpoint
from faceir.train.model import Architecture, GridBoxNet

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def run(out: Path) -> str:
    faceir = Path(sys.executable).with_name("faceir")
    done = subprocess.run(
        [ROOT / "runs" / "smoke.sh", out],
        env={**os.environ, "FACEIR": str(faceir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_whole_life_of_a_model(tmp_path):
    out = tmp_path / "life"
    told = run(out)
    assert "done before" not in told
    scores = {name: json.loads((out / f"{name}.json").read_text()) for name in ("unpruned", "pruned", "pruned_int8")}
    assert all(one["dataset"]["pictures"] == 10 for one in scores.values())
    assert (out / "deepstream" / "config_infer_primary_faceir.txt").exists()
    assert "made" in (out / "MODEL_CARD.md").read_text()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    again = run(out)
    assert again.count("done before") == len([line for line in told.splitlines() if line.startswith("== ")]) - 1
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before


def test_the_mean_of_two_nets_lies_between_them(tmp_path):
    first, second = (GridBoxNet(Architecture.resnet18(width_multiplier=0.125)) for _ in range(2))
    other = GridBoxNet(Architecture.resnet18(width_multiplier=0.25))
    for name, net in (("first", first), ("second", second), ("other", other)):
        checkpoint.save(tmp_path / f"{name}.safetensors", checkpoint.Checkpoint(net, Contract(), scores={"ap": 1}))

    def mean(*names: str) -> subprocess.CompletedProcess[str]:
        files = [tmp_path / f"{name}.safetensors" for name in names]
        return subprocess.run(
            [sys.executable, ROOT / "runs" / "mean_weights.py", *files, "--share", "0.25", "-o", tmp_path / "mean"],
            capture_output=True,
            text=True,
            check=False,
        )

    assert mean("first", "second").returncode == 0
    found = checkpoint.load(tmp_path / "mean")
    assert not found.scores
    for name, value in found.net.state_dict().items():
        wanted = 0.75 * first.state_dict()[name] + 0.25 * second.state_dict()[name]
        torch.testing.assert_close(value.double(), wanted.double(), msg=name)
    refused = mean("first", "other")
    assert refused.returncode == 1
    assert "other widths" in refused.stderr
    assert "Traceback" not in refused.stderr
