"""A look at a camera, and what is wrong with it: `examine` a source, read the `Report`."""

from __future__ import annotations

from faceir.runtime.doctor.finding import Finding
from faceir.runtime.doctor.report import Report, examine

__all__ = ["Finding", "Report", "examine"]
