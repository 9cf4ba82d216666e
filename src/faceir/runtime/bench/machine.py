"""What a time was measured on, and who else was at work meanwhile: without both it means little."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BUSY_SHARE", "Machine", "Watch", "look"]

BUSY_SHARE = 0.1
"""Share of all cores, 0..1, from which the work of others makes times doubtful."""
_FLAGS = {
    "AVX2": "avx2",
    "AVX512": "avx512f",
    "AVX512-VNNI": "avx512_vnni",
    "AVX512-BF16": "avx512_bf16",
    "AVX-VNNI": "avx_vnni",
    "AMX-INT8": "amx_int8",
    "AMX-BF16": "amx_bf16",
    "NEON": "asimd",
    "NEON-DOTPROD": "asimddp",
    "NEON-I8MM": "i8mm",
}  # as people call them -> as /proc/cpuinfo does
_PROC = Path("/proc")
_SYS_CPU = Path("/sys/devices/system/cpu")


@dataclass(frozen=True)
class Machine:
    """A computer, as far as it bears on speed."""

    node: str
    """Its name in the network."""
    system: str
    cpu: str
    cores: int
    """That this process may use."""
    isa: tuple[str, ...]
    """Instructions for neural nets."""
    governor: str
    """How the clock is governed; empty = not told, as in most virtual machines."""

    @property
    def amx(self) -> bool:
        """Whether it multiplies matrices in tiles, which makes INT8 some four times faster."""
        return "AMX-INT8" in self.isa

    def __str__(self) -> str:
        governor = f"governor {self.governor}" if self.governor else "governor not told"
        return f"{self.node}: {self.cpu}, {self.cores} cores, {' '.join(self.isa) or 'no known ISA'}, {governor}"


def look() -> Machine:
    """The machine that this runs on."""
    text = _read(_PROC / "cpuinfo")
    said = dict(_pair(line) for line in reversed(text.splitlines()) if ":" in line)  # the first core's words win
    flags = set((said.get("flags") or said.get("Features") or "").split())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        platform.node(),
        platform.platform(terse=True),
        said.get("model name") or platform.processor() or platform.machine(),
        cores,
        tuple(name for name, flag in _FLAGS.items() if flag in flags),
        _read(_SYS_CPU / "cpu0" / "cpufreq" / "scaling_governor").strip(),
    )


class Watch:
    """Tells how busy other programs kept the machine since it was made."""

    def __init__(self) -> None:
        self._start = self._now()

    def others(self) -> float:
        """Cores that others kept busy on average, a stolen one counting as busy; 0 where nobody can tell."""
        (wall, busy, own), (wall_0, busy_0, own_0) = self._now(), self._start
        return max(0.0, (busy - busy_0) - (own - own_0)) / max(wall - wall_0, 1e-9) if busy_0 else 0.0

    def _now(self) -> tuple[float, float, float]:
        """Seconds: of the wall clock, of work on all cores, of this process' own work."""
        first = next(iter(_read(_PROC / "stat").splitlines()), "")
        ticks = [int(n) for n in first.split()[1:9]]  # user nice system idle iowait irq softirq steal
        busy = (sum(ticks) - sum(ticks[3:5])) / os.sysconf("SC_CLK_TCK") if ticks else 0.0
        return time.monotonic(), busy, time.process_time()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key.strip(), value.strip()
