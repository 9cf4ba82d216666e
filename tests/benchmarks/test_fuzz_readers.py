"""The fuzzing script says what it lacks, and its whole inputs are read."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "fuzz_readers.py"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=120)


def test_without_atheris_it_says_what_to_type() -> None:
    lacking = f"import runpy, sys; sys.modules['atheris'] = None; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    came = run("-c", lacking)
    assert came.returncode == 1
    assert came.stderr == "error: atheris is not installed; type: pip install atheris\n"


@pytest.mark.slow
@pytest.mark.parametrize("target", ["kitti", "shards"])
def test_it_runs(target: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    came = run(str(SCRIPT), target, "--seconds", "1", "--keep", str(tmp_path))
    assert came.returncode == 0, came.stderr
    assert "stat::number_of_executed_units" in came.stderr
    assert list(tmp_path.iterdir()) == []
