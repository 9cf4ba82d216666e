"""What a checkpoint says of the pictures that its weights learnt from, its own and those of the weights before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from faceir.data import kitti
from faceir.data.items import count_sets
from faceir.data.sources import Sources, parse_sources
from faceir.train import checkpoint
from faceir.train.pretrained import is_foreign

__all__ = ["inherited", "learnt_from", "validated_on"]


def learnt_from(items: Sequence[kitti.Item], faces: Mapping[str, int], stated: Sources) -> dict[str, Any]:
    """How many pictures and faces of which sets, and what is stated of these sets."""
    sets = count_sets(items)
    return {"pictures": len(items), "sets": dict(sets), "faces": dict(faces), "sources": stated.of(sets).to_dict()}


def validated_on(items: Sequence[kitti.Item], stated: Sources) -> dict[str, Any]:
    """How many pictures of which sets a training was validated on, and what is stated of these sets; {} of none.

    It stands apart from what was learnt from: its terms bind no weights, its notes speak of other pictures.
    """
    sets = count_sets(items)
    told = {"pictures": len(items), "sets": dict(sets), "sources": stated.of(sets).to_dict()}
    return {"validation": told} if items else {}


def inherited(files: Iterable[str]) -> dict[str, Any]:
    """What the weights in `files` learnt from, as those of a training do that starts from them, or is taught by them.

    Weights that do not say so are a set of their own, of no picture, so that nobody takes it for free. An empty name
    is no file. Raises `InputError` for a checkpoint whose sources cannot be read.
    """
    sets: dict[str, int] = {}
    stated = Sources()
    for name in filter(None, files):
        learnt = {} if is_foreign(name) else checkpoint.load(name).data
        before = learnt.get("inherited", {})
        sets |= {**before.get("sets", {}), **(learnt.get("sets") or {f"weights of {Path(name).name}": 0})}
        for part in (learnt, before):
            stated = stated.over(parse_sources(part.get("sources", {}), name))
    return {"inherited": {"sets": sets, "sources": stated.to_dict()}} if sets else {}
