"""What an engine tells of each of its streams: one frozen snapshot, for tables, metrics, pages and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Condition", "StreamState"]

Condition = Literal["connecting", "playing", "reconnecting", "ended", "failed", "removed"]
"""`reconnecting`: it was lost and is tried again; `ended`: a file at its end; `failed`: given up, see `last_error`."""


@dataclass(frozen=True)
class StreamState:
    """One stream at one moment. Counters run since it was added; rates and latencies are of the last seconds."""

    name: str
    condition: Condition
    since_s: float
    """How long it has been in this condition, seconds."""
    frames_in: int = 0
    """Decoded."""
    frames_out: int = 0
    """Given to the sinks."""
    dropped: int = 0
    """Decoded, but too old when their turn came; live streams only."""
    dark: int = 0
    """Held back by the gate for dark frames."""
    faces: int = 0
    """On all frames together."""
    reconnects: int = 0
    fps_in: float = 0.0
    fps_out: float = 0.0
    latency_p50_ms: float = 0.0
    """From the decoded picture to the sinks."""
    latency_p99_ms: float = 0.0
    age_s: float = 0.0
    """Since the last frame arrived, seconds; 0 before the first."""
    last_error: str = ""
    sink_errors: tuple[str, ...] = ()
    """One line for each sink that failed and is left out or tried again."""
