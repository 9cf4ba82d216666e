"""`runs/`: the whole life of a model, on a few made-up pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
