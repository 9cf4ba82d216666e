"""The model card: what the files, the evaluations and the sources say of a model, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from faceir.contract import Contract
from faceir.data.sources import Source, Sources, parse_sources
from faceir.evaluate.document import Evaluation
from faceir.evaluate.slices import SMALL, Slice
from faceir.report import wording
from faceir.report.files import template

__all__ = ["ModelFile", "Trained", "render", "stated_of", "trained", "weak_spots"]


@dataclass(frozen=True)
class ModelFile:
    """One file of the model and what is known of it."""

    name: str
    """Of the file."""
    kind: str
    """"checkpoint", "ONNX, INT8" and so on."""
    size: int
    """Bytes."""
    sha256: str
    contract: Contract
    params: int | None = None
    macs: int | None = None
    """Multiply-accumulates for one picture."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What a checkpoint says it learnt from: `pictures`, `sets` (name to pictures), `faces` (by name), `sources`, the
    `sets` and `sources` of `inherited` weights; the same of its `validation`; and how it was `pruned`."""
    step: int = 0

    @property
    def threshold(self) -> float:
        """The least score that the file itself states."""
        return self.contract.cluster[0].confidence_threshold


@dataclass(frozen=True)
class Trained:
    """One set that weights learnt from, or were validated on; `source` is None where nobody stated it."""

    name: str
    pictures: int
    faces: int | None
    """None where the checkpoint does not say."""
    source: Source | None


def trained(files: Sequence[ModelFile], sources: Sources) -> list[Trained]:
    """The sets of all `files`, by name; a set of several files counts with its most pictures."""
    pictures: dict[str, int] = {}
    faces: dict[str, int] = {}
    for part in chain.from_iterable((file.data, file.data.get("inherited", {})) for file in files):
        for most, stated in ((pictures, part.get("sets", {})), (faces, part.get("faces", {}))):
            for name, count in stated.items():
                most[name] = max(count, most.get(name, 0))
    return [Trained(name, pictures[name], faces.get(name), sources.sets.get(name)) for name in sorted(pictures)]


def validated(files: Sequence[ModelFile], sources: Sources) -> list[Trained]:
    """The sets that the trainings of `files` were validated on; `sources` wins over what a checkpoint states of them.

    Raises `InputError` for a checkpoint whose sources cannot be read.
    """
    pictures: dict[str, int] = {}
    for file in files:
        part = file.data.get("validation", {})
        sources = sources.over(parse_sources(part.get("sources", {}), file.name))
        for name, count in part.get("sets", {}).items():
            pictures[name] = max(count, pictures.get(name, 0))
    return [Trained(name, pictures[name], None, sources.sets.get(name)) for name in sorted(pictures)]


def stated_of(files: Sequence[ModelFile], given: Sources) -> Sources:
    """What is known of the sets: of `given`, and beyond it of the checkpoints; raises `InputError` for a broken one."""
    for file in files:
        for part in (file.data, file.data.get("inherited", {})):
            given = given.over(parse_sources(part.get("sources", {}), file.name))
    return given


def weak_spots(evaluation: Evaluation) -> Iterator[tuple[str, Slice]]:
    """Parts with faces enough whose recall lies surely below that of all: its interval ends below the other's."""
    over_all = evaluation.scores.recall
    named = [("height, px", evaluation.scores.by_height), ("source", evaluation.scores.by_source)]
    named += [(f"{d.name}{f', {d.unit}' if d.unit else ''}", d.parts) for d in evaluation.slices if d.name != "source"]
    for name, parts in named:
        for part in parts:
            high = part.recall.high
            if part.faces >= SMALL and high is not None and over_all.low is not None and high < over_all.low:
                yield name, part


def render(files: Sequence[ModelFile], evaluations: Sequence[Evaluation], sources: Sources, software: str) -> str:
    """The card as Markdown text; the first of `files` is the one that a user would take. Raises `MissingExtra`."""
    sets = trained(files, sources)
    watched = validated(files, sources)
    terms: dict[str, list[Trained]] = {}
    for one in sets:
        terms.setdefault(one.source.terms if one.source else "not stated", []).append(one)
    text = template("card.md.j2", escape=False).render(
        title=", ".join(dict.fromkeys(_cell(file.contract.name or file.name) for file in files)),
        files=files,
        first=files[0],
        evaluations=[(e, wording.chosen(e.dataset, e.settings), list(weak_spots(e))) for e in evaluations],
        hashes={file.sha256 for file in files},
        sets=sets,
        terms=terms,
        sources=sources,
        study=sorted(name for name in terms if name not in sources.terms or not sources.terms[name].business),
        forbidden=[one.name for one in sets if one.source and one.source.use == "validation"],
        watched=watched,
        validation={
            name: s
            for name, s in sources.sets.items()
            if s.use == "validation" and not any(name == one.name for one in (*sets, *watched))
        },
        software=software,
        small=SMALL,
        cell=_cell,
        percent=wording.percent,
        sized=wording.sized,
        score=wording.score,
        usable=wording.usable,
        dash=wording.DASH,
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _cell(value: object) -> str:
    """Text for Markdown that is neither markup nor the end of a table's cell."""
    text = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([|`*\[\]\\])", r"\\\1", text)
