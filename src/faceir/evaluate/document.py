"""Everything that was measured of a detector as one value, and as one JSON document that states its format."""

from __future__ import annotations

import json
import os
import types
import typing
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from faceir.errors import InputError, need_file
from faceir.evaluate.coco import Coco
from faceir.evaluate.curve import PrCurve
from faceir.evaluate.gallery import Example
from faceir.evaluate.operating import OperatingPoint
from faceir.evaluate.paired import Paired
from faceir.evaluate.reliability import Reliability
from faceir.evaluate.scores import Scores
from faceir.evaluate.sizes import SizeCurve
from faceir.evaluate.slices import Dimension
from faceir.evaluate.stress import Stress
from faceir.evaluate.tao import TaoAp
from faceir.evaluate.tracks import Video

__all__ = ["FORMAT", "KIND", "Dataset", "Evaluation", "Model", "Settings"]

KIND = "evaluation"
FORMAT = 1
"""Raised when a reader of the former would go wrong; new fields alone do not raise it."""


@dataclass(frozen=True)
class Model:
    """What was judged."""

    name: str
    """File name, or what the detector is called."""
    sha256: str = ""
    """Of the file; "" = not a file."""
    size: int = 0
    """Bytes of the file."""
    contract: dict[str, Any] | None = None
    """The model's own: classes, input, clustering."""


@dataclass(frozen=True)
class Dataset:
    """What it was judged on."""

    name: str
    """The folder's name, no path."""
    fingerprint: str
    """Hash of the pictures' names and their true faces after the filters: equal = the same exam."""
    pictures: int
    faces: int
    """True faces that count."""
    regions_ignored: int
    """Labelled regions that do not, `DontCare` or by the filters."""
    left_out: int
    """Pictures that could not be read."""
    groups: int
    """What was resampled: groups of pictures, or pictures."""
    sources: dict[str, int]
    """Pictures of each."""


@dataclass(frozen=True)
class Settings:
    """How it was judged. Two evaluations compare when all but `group`, `rounds` and `seed` are equal."""

    threshold_rule: str = "given"
    """"given", "the model's own", "the spec's", or "best accuracy on these pictures"."""
    threshold: float | None = None
    """When given."""
    iou_threshold: float = 0.5
    min_height: float = 16.0
    """Network pixels."""
    max_occlusion: int = 5
    min_visible: float = 0.6
    split: str = ""
    terms: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    group: str = ""
    rounds: int = 1000
    seed: int = 0
    at: str = ""
    """Size "384x240" at which every picture was shown, whose pixels all heights count; empty = the network's."""
    spec: str = ""
    """What an experiment spec asked for beyond the above: box limits, overlaps of several classes, clustering."""


@dataclass(frozen=True)
class Evaluation:
    """What a report, a model card or a gate needs; docs/evaluation.md explains each number."""

    software: str
    """"faceir 0.1.0"."""
    date: str
    """Day, ISO 8601, UTC."""
    model: Model
    dataset: Dataset
    settings: Settings
    scores: Scores
    tao: TaoAp
    coco: Coco
    operating: tuple[OperatingPoint, ...]
    pr_curve: PrCurve
    sizes: tuple[SizeCurve, ...]
    slices: tuple[Dimension, ...]
    """Beyond `scores.by_height` and `scores.by_source`."""
    reliability: Reliability
    misses: tuple[Example, ...]
    false_alarms: tuple[Example, ...]
    notes: tuple[str, ...] = ()
    """What cannot be given and why, one sentence each."""
    paired: Paired | None = None
    stress: Stress | None = None
    video: Video | None = None

    def to_json(self) -> str:
        """Indented JSON with `kind` and `format`; what cannot be given is null."""
        return json.dumps({"kind": KIND, "format": FORMAT, **asdict(self)}, indent=1, allow_nan=False) + "\n"

    def write(self, path: str | Path) -> None:
        """The JSON as a file, whole or not at all."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(self.to_json(), encoding="utf-8")
        os.replace(part, path)

    @staticmethod
    def from_json(text: str, where: object = "evaluation") -> Evaluation:
        """What `to_json` wrote; unknown fields are passed over, and missing ones have their default.

        Raises `InputError` when it is another kind or format of document, or none.
        """
        wanted = "the JSON that `faceir evaluate --json` writes"
        try:
            stated = json.loads(text)
            if not isinstance(stated, dict) or stated.get("kind") != KIND:
                raise InputError(where, "is no evaluation", wanted)
            if stated.get("format") != FORMAT:
                raise InputError(
                    where, f"is an evaluation of format {stated.get('format')}", f"{FORMAT}", "use its faceir"
                )
            evaluation: Evaluation = _built(Evaluation, stated, "evaluation")
        except (json.JSONDecodeError, ValueError, TypeError, KeyError) as error:
            raise InputError(where, f"cannot be read ({error})", wanted) from None
        return evaluation

    @staticmethod
    def read(path: str | Path) -> Evaluation:
        """The evaluation in a file."""
        path = need_file(path, "the JSON that `faceir evaluate --json` writes")
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InputError(path, f"cannot be read ({error})", "a JSON file") from None
        return Evaluation.from_json(text, path)


def _built(kind: Any, value: Any, where: str) -> Any:
    """`value` of JSON as a value of the type `kind`: dataclasses, tuples, dicts, optional and plain ones."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in inner:
            return None
        (kind,) = (one for one in inner if one is not type(None))
        return _built(kind, value, where)
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise TypeError(f"{where} is {type(value).__name__}, not an object")
        hints = typing.get_type_hints(kind)
        known = [f.name for f in fields(kind) if f.name in value]
        return kind(**{name: _built(hints[name], value[name], f"{where}.{name}") for name in known})  # type: ignore[operator]
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError(f"{where} is {type(value).__name__}, not a list")
        each = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_built(t, v, f"{where}[{n}]") for n, (t, v) in enumerate(zip(each, value, strict=True)))
    if origin is dict:
        if not isinstance(value, dict):
            raise TypeError(f"{where} is {type(value).__name__}, not an object")
        return {key: _built(inner[1], v, f"{where}.{key}") for key, v in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{where} is {json.dumps(value)}, not {kind.__name__}")
    return value
