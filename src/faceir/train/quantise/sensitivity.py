"""Which layers INT8 hurts: each is quantised alone, and what changes in the outputs is measured."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceir.contract import BBOX_NAME, COV_NAME
from faceir.flow import Image
from faceir.train.quantise.qdq import layers, quantise
from faceir.train.quantise.ranges import Range, run

__all__ = ["Sensitivity", "measure", "most_sensitive", "signal_to_noise", "write_json"]

_SILENCE_DB = 200.0
"""Stated for outputs that do not differ at all."""


@dataclass(frozen=True)
class Sensitivity:
    """What the net loses when this layer alone is quantised: its input, its weights and what is added to it."""

    layer: str
    cov_db: float
    """Signal to quantisation noise of the coverage grid, decibels; less is worse."""
    bbox_db: float
    """The same of the box grid where the float net sees a face (coverage >= 0.1; everywhere if it sees none)."""
    accuracy: float | None = None
    """0..1, of the net with this layer alone quantised."""


def measure(
    path: str | Path,
    ranges: Mapping[str, Range],
    canvases: Sequence[Image],
    scheme: str = "u8",
    accuracy: Callable[[Path], float] | None = None,
) -> Iterator[Sensitivity]:
    """The sensitivity of every layer of the float file at `path`, in their order, on `canvases`.

    `accuracy` judges an ONNX file, if asked for.
    """
    names = layers(path)
    wanted = _grids(path, canvases)
    with tempfile.TemporaryDirectory(prefix="faceir-sensitivity-") as folder:
        for name in names:
            alone = quantise(path, Path(folder) / "alone.onnx", ranges, scheme, [n for n in names if n != name])
            cov_db, bbox_db = _compare(_grids(alone, canvases), wanted)
            made = Sensitivity(name, cov_db, bbox_db)
            yield replace(made, accuracy=accuracy(alone)) if accuracy else made


def most_sensitive(table: Sequence[Sensitivity]) -> list[str]:
    """Layers in the order in which to give up INT8: least accuracy first where it was judged, then most noise."""

    def harm(one: Sensitivity) -> tuple[float, float]:
        return (1.0 if one.accuracy is None else one.accuracy, min(one.cov_db, one.bbox_db))

    return [one.layer for one in sorted(table, key=harm)]


def signal_to_noise(float_path: str | Path, int8_path: str | Path, canvases: Sequence[Image]) -> tuple[float, float]:
    """Signal to noise of a quantised file's coverage and boxes against the float file's, decibels."""
    return _compare(_grids(int8_path, canvases), _grids(float_path, canvases))


def write_json(path: str | Path, table: Sequence[Sensitivity]) -> None:
    """The table as JSON, a list in the order of the net."""
    path = Path(path)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps([asdict(one) for one in table], indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)


_Grids = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def _grids(path: str | Path, canvases: Sequence[Image]) -> _Grids:
    """Coverage `[N,K,h,w]` and boxes `[N,4K,h,w]`."""
    seen = [
        (values[COV_NAME].copy(), values[BBOX_NAME].copy()) for values in run(path, canvases, (COV_NAME, BBOX_NAME))
    ]
    cov, bbox = zip(*seen, strict=True)
    return np.concatenate(cov), np.concatenate(bbox)


def _compare(got: _Grids, wanted: _Grids) -> tuple[float, float]:
    faces = np.repeat(wanted[0] >= 0.1, 4, axis=1)
    faces = faces if faces.any() else np.ones_like(faces)
    return _decibels(got[0], wanted[0]), _decibels(got[1][faces], wanted[1][faces])


def _decibels(got: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> float:
    noise = float(np.square(got - wanted, dtype=np.float64).sum())
    signal = float(np.square(wanted, dtype=np.float64).sum())
    if not noise or not signal:
        return 0.0 if noise else _SILENCE_DB
    return min(10 * float(np.log10(signal / noise)), _SILENCE_DB)
