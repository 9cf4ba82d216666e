from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from faceir.runtime.bench import machine
from faceir.runtime.bench.machine import Watch, look

CPUINFO = """processor\t: 0
model name\t: Some Xeon
flags\t\t: fpu avx2 avx512f avx512_vnni amx_int8 amx_tile

processor\t: 1
model name\t: Another
flags\t\t: fpu
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\n"


@pytest.mark.parametrize(
    ("text", "isa", "amx"),
    [
        (CPUINFO, ("AVX2", "AVX512", "AVX512-VNNI", "AMX-INT8"), True),
        (ARM, ("NEON", "NEON-DOTPROD", "NEON-I8MM"), False),
        ("", (), False),
    ],
)
def test_what_proc_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, isa: tuple[str, ...], amx: bool
) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    governed = tmp_path / "cpu0" / "cpufreq"
    governed.mkdir(parents=True)
    (governed / "scaling_governor").write_text("powersave\n")
    monkeypatch.setattr(machine, "_PROC", tmp_path)
    monkeypatch.setattr(machine, "_SYS_CPU", tmp_path)
    found = look()
    assert (found.isa, found.amx, found.governor) == (isa, amx, "powersave")
    assert "governor powersave" in str(found)
    if text == CPUINFO:
        assert found.cpu == "Some Xeon"


def test_without_proc_nothing_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_PROC", tmp_path / "none")
    monkeypatch.setattr(machine, "_SYS_CPU", tmp_path / "none")
    assert Watch().others() == 0
    assert "no known ISA, governor not told" in str(look())


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="no /proc/stat here")
def test_others_are_seen_and_we_are_not_others() -> None:
    burn = "import time; t = time.process_time()\nwhile time.process_time() - t < 0.4: pass"
    watch = Watch()
    subprocess.run([sys.executable, "-c", burn], check=True)
    cores, wall_s = watch.others(), watch._now()[0] - watch._start[0]
    assert cores * wall_s > 0.3  # seconds of work
