from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.evaluate import Judged
from faceir.evaluate.assess import assess
from faceir.evaluate.document import Settings
from faceir.evaluate.matching import look
from faceir.evaluate.measures import Look
from faceir.evaluate.slices import Slice, named, partitions
from tests.evaluate.scenes import boxes_at, scene

QUICK = Settings(rounds=20)


def sliced(pictures: list[Judged]) -> dict[str, dict[str, Slice]]:
    made = assess(pictures, 0.5, QUICK)
    return {d.name: {part.name: part for part in d.parts} for d in made.slices}


def test_names_of_edges() -> None:
    assert named((1, 2.5, 4)) == ("<1", "1-2.5", "2.5-4", ">=4")


def test_by_hand() -> None:
    truth = Detections(
        [[0, 0, 20, 20], [80, 0, 100, 40], [40, 70, 60, 100]], occlusion=[0, 3, -1], truncation=[0, 0.1, -1]
    )
    found = Detections([[0, 0, 20, 20], [40, 40, 60, 60]], [0.9, 0.8])
    dark = Look(20, 10, 3, 0.15)
    p = Judged(truth, found, size_wh=(100, 100), look=dark, about=(("modality", "nir"),), source="cabin")
    other = Judged(Detections(), Detections(), size_wh=(100, 100), look=replace(dark, brightness=100))
    got = sliced([p, other])
    assert {name: (s.tp, s.fp, s.fn, s.pictures) for name, s in got["position"].items()} == {
        "top left": (1, 0, 0, 1), "top right": (0, 0, 1, 1),
        "middle centre": (0, 1, 0, 0), "bottom centre": (0, 0, 1, 1),
    }  # fmt: skip
    assert {name: (s.tp, s.fp, s.fn) for name, s in got["share"].items()} == {
        "0.2-0.4": (1, 1, 1),
        "0.4-0.7": (0, 0, 1),
    }
    assert {name: (s.tp, s.fp, s.fn) for name, s in got["occlusion"].items()} == {
        "unknown": (0, None, 1), "0": (1, None, 0), "3": (0, None, 1)
    }  # fmt: skip
    assert (got["occlusion"]["0"].recall.value, got["occlusion"]["0"].precision.value) == (1, None)
    assert set(got["truncation"]) == {"unknown", "whole", "cut < 20 %"}
    assert {name: (s.tp, s.fp, s.fn, s.pictures) for name, s in got["brightness"].items()} == {
        "<32": (1, 1, 2, 1), "96-128": (0, 0, 0, 1)
    }  # fmt: skip
    assert got["brightness"]["96-128"].recall.value is None
    assert list(got["modality"]) == ["nir"]
    assert list(got["noise"]) == ["2-4"]
    assert list(got["sharpness"]) == ["0.1-0.2"]


def test_what_is_not_known_is_not_sliced() -> None:
    got = sliced([scene(n) for n in range(5)])
    assert set(got) == set()  # no size, no look, no level, no manifest


@pytest.mark.parametrize("name", ["share", "position", "brightness"])
def test_parts_add_up(name: str) -> None:
    rng = np.random.default_rng(0)
    pictures = [
        replace(scene(n), size_wh=(250, 250), look=Look(*rng.uniform(0, 200, 3), 0.5)) for n in range(30)
    ]  # fmt: skip
    whole = assess(pictures, 0.5, QUICK)
    parts = sliced(pictures)[name].values()
    for count in ("tp", "fp", "fn", "faces"):
        assert sum(getattr(part, count) for part in parts) == getattr(whole.scores, count)


def test_small_ones_are_marked() -> None:
    p = Judged(Detections(boxes_at(*[(n * 30.0, 0) for n in range(29)])), Detections())
    assert assess([p], 0.5, QUICK).scores.by_height[2].small
    one_more = Judged(Detections(boxes_at((0, 90))), Detections())
    assert not assess([p, one_more], 0.5, QUICK).scores.by_height[2].small


def test_an_empty_set_has_no_parts() -> None:
    seen = look([])
    assert all(p.counts(seen, 0.5).sum() == 0 for p in partitions(seen))
