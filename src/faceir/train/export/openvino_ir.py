"""OpenVINO IR: an .xml file with its .bin beside it, the contract inside."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from faceir.inference import core, openvino

__all__ = ["weights_path", "write"]


def weights_path(path: Path) -> Path:
    """Where the weights of the IR at `path` lie."""
    return path.with_suffix(".bin")


def write(source: Path, path: Path, half: bool = False) -> Path:
    """Write the ONNX file `source` as IR to `path` (.xml) and its .bin; `half` stores float16 weights.

    The ONNX metadata, which holds the contract, stays where OpenVINO keeps it, in `framework` of the rt_info.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        part = Path(folder) / path.name
        openvino().save_model(core().read_model(source), part, compress_to_fp16=half)
        os.replace(weights_path(part), weights_path(path))
        os.replace(part, path)
    return path
