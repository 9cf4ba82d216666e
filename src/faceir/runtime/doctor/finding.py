"""One thing that is wrong with a camera, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Severity"]

Severity = Literal["problem", "warning", "note"]
"""`problem`: faces are lost by it; `warning`: some may be; `note`: good to know."""


@dataclass(frozen=True)
class Finding:
    """What was found, as the table, the picture and the JSON show it."""

    name: str
    """For programs: `emitter-strobes`, `out-of-focus` and so on; see `docs/doctor.md`."""
    severity: Severity
    says: str
    """What is wrong, in a sentence."""
    measured: float | None
    """The number behind it."""
    unit: str
    """Of `measured`, and what it is."""
    wanted: str
    do: str
    """What to change, the likeliest first."""
    frame: int | None = None
    """Number in the look of a frame that shows it."""
