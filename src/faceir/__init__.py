"""faceir: an open infrared face detector, from labels to live video."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faceir.detections import Detections
from faceir.errors import FaceirError
from faceir.flow import Frame

if TYPE_CHECKING:
    from faceir.runtime.detector import Detector

__all__ = ["Detections", "Detector", "FaceirError", "Frame", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "Detector":  # loads OpenVINO, so only when asked for
        from faceir.runtime.detector import Detector

        return Detector
    raise AttributeError(f"module 'faceir' has no attribute {name!r}")
