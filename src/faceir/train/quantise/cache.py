"""Scales as files for TensorRT and TAO: the calibration cache's text, and JSON of ranges."""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Mapping
from pathlib import Path

from faceir.errors import InputError
from faceir.train.quantise.ranges import Range

__all__ = ["VERSION", "read", "read_json", "write", "write_json"]

VERSION = 8517
"""TensorRT that the header names: 8.5.1-7, DeepStream 6.2's; the lines are the same in all versions."""
_HEADER = re.compile(r"TRT-\d+-EntropyCalibration2?")
_LINE = re.compile(r"(?P<name>\S.*): (?P<hex>[0-9a-f]{8})")


def write(path: str | Path, ranges: Mapping[str, Range], version: int = VERSION) -> None:
    """TensorRT's calibration cache: a header, then `tensor: scale` a line; int8 value = x / scale.

    A scale is range / 127 as the eight hexadecimal digits of its float32 bits. Signed or not makes no
    difference to TensorRT, whose INT8 is symmetric.
    """
    lines = [f"TRT-{version}-EntropyCalibration2"]
    lines += [f"{name}: {struct.pack('>f', known.high / 127).hex()}" for name, known in ranges.items()]
    _replace(Path(path), "\n".join(lines) + "\n")


def read(path: str | Path) -> dict[str, float]:
    """Scale of every tensor in a calibration cache; raises `InputError` naming the line that is none."""
    first, *lines = _text(path).splitlines() or [""]
    if not _HEADER.fullmatch(first.strip()):
        raise InputError(f"{path}:1", f"reads {first[:60]!r}", f"TRT-{VERSION}-EntropyCalibration2")
    scales = {}
    for number, line in enumerate(lines, 2):
        found = _LINE.fullmatch(line.strip())
        if found:
            scales[found["name"]] = float(struct.unpack(">f", bytes.fromhex(found["hex"]))[0])
        elif line.strip():
            raise InputError(f"{path}:{number}", f"reads {line[:60]!r}", "TENSOR: 8 hexadecimal digits")
    return scales


def write_json(path: str | Path, ranges: Mapping[str, Range]) -> None:
    """TAO's `--cal_json_file`: `{"tensor_scales": {tensor: range}}`, the range being the greatest |x| kept."""
    stated = {"tensor_scales": {name: known.high for name, known in ranges.items()}}
    _replace(Path(path), json.dumps(stated, indent=1) + "\n")


def read_json(path: str | Path) -> dict[str, float]:
    """Range of every tensor in such a JSON file; raises `InputError` for another one."""
    try:
        scales = json.loads(_text(path))["tensor_scales"]
        return {str(name): float(high) for name, high in scales.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(path, f"cannot be read ({error})", '{"tensor_scales": {TENSOR: RANGE}}') from None


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read ({error})", "a text file of scales") from None


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
