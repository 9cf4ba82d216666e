"""OpenVINO, opened when first asked for and without its telemetry; below both wings, as both run nets on it."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

__all__ = ["core", "openvino"]


@cache
def openvino() -> Any:
    """The openvino module, imported without its telemetry, which writes an id to ~/intel and calls home."""
    if "openvino" not in sys.modules and "openvino_telemetry" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # as if it were not installed
        try:
            import openvino
        finally:
            del sys.modules["openvino_telemetry"]
    import openvino

    return openvino


@cache
def core() -> Any:
    """OpenVINO's core, one a process."""
    return openvino().Core()
