from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceir.contract import Contract
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.evaluate import Judged, evaluate
from faceir.evaluate.assess import assess
from faceir.evaluate.document import Evaluation, Model, Settings
from faceir.evaluate.measures import Look
from faceir.evaluate.stress import FaultCurve, Grade, Stress
from tests.evaluate.scenes import row, scene
from tests.evaluate.test_tracks import film

QUICK = Settings(rounds=30, terms=("free", "free-cc"))


@pytest.fixture(scope="module")
def full() -> Evaluation:
    """With every part filled in."""
    known = {"size_wh": (250, 250), "look": Look(80, 30, 2, 0.3), "about": (("modality", "nir"),)}
    pictures = [replace(scene(n), name=f"/data/night/set/images/{n}.jpg", **known) for n in range(40)] + film("hmmh")
    model = Model("m.onnx", "ab" * 32, 123, json.loads(Contract().to_json()))
    other = ("other.onnx", [replace(p, found=p.found[p.found.scores > 0.3]) for p in pictures], None)
    made = assess(pictures, 0.5, QUICK, model, "night", "/data/night", left_out=2, other=other)
    rate = made.scores.ap
    grade = Grade(2.5, 7, rate, rate, rate, rate)
    return replace(made, stress=Stress(3, 0.5, "given", 0, (FaultCurve("blur", "sigma, px", (grade,)),)))


def test_there_and_back(full: Evaluation, tmp_path: Path) -> None:
    assert None not in (full.paired, full.stress, full.video)
    assert Evaluation.from_json(full.to_json()) == full
    full.write(tmp_path / "new" / "e.json")
    assert Evaluation.read(tmp_path / "new" / "e.json") == full
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["e.json"]


def test_it_says_what_it_is_and_nothing_of_this_machine(full: Evaluation) -> None:
    stated = json.loads(full.to_json())
    assert (stated["kind"], stated["format"]) == ("evaluation", 1)
    assert "/data/night" not in full.to_json()
    assert stated["misses"][0]["picture"].startswith("set/images/")
    assert stated["dataset"]["left_out"] == 2
    assert stated["scores"]["threshold_source"] == "given"


def test_scores_are_those_of_evaluate(full: Evaluation) -> None:
    pictures = [scene(n) for n in range(20)]
    assert replace(assess(pictures, 0.5, QUICK).scores) == evaluate(pictures, 0.5, rounds=30)
    assert assess(pictures, None, QUICK).scores == evaluate(pictures, rounds=30)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.update(kind="plan"), "is no evaluation"),
        (lambda s: s.update(format=2), "is an evaluation of format 2; wanted 1"),
        (lambda s: s.pop("scores"), "cannot be read"),
        (lambda s: s["scores"].update(tp="many"), r"evaluation\.scores\.tp is \"many\", not int"),
        (lambda s: s["scores"].update(by_height=3), r"evaluation\.scores\.by_height is int, not a list"),
        (lambda s: s["misses"][0].update(xyxy=[1, 2]), "cannot be read"),
    ],
)
def test_a_bad_document_is_told(full: Evaluation, change, says: str) -> None:
    stated = json.loads(full.to_json())
    change(stated)
    with pytest.raises(InputError, match=says):
        Evaluation.from_json(json.dumps(stated))


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "null"])
def test_no_document_at_all(text: str) -> None:
    with pytest.raises(InputError):
        Evaluation.from_json(text)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        Evaluation.read(tmp_path / "none.json")
    (tmp_path / "bad.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        Evaluation.read(tmp_path / "bad.json")


def test_newer_fields_are_passed_over(full: Evaluation) -> None:
    stated = json.loads(full.to_json()) | {"weather": "fair"}
    stated["scores"]["mood"] = 1
    assert Evaluation.from_json(json.dumps(stated)) == full


@pytest.mark.parametrize(
    ("pictures", "note"),
    [
        ([], "There is no picture: nothing can be given."),
        ([row("hm")], "a single picture: nothing tells how pictures differ, so there are no intervals."),
        ([row("h", group="a"), row("m", group="a")], "a single group of pictures"),
        ([row("f")] * 30, "No true face counts: recall and average precision cannot be given"),
        ([row("m")] * 30, "Nothing was found at any score: precision cannot be given."),
        ([row("hf"), row("ff")] * 15, "No threshold reaches a precision of 99 %"),
        ([row("h")] * 5, "Only 5 groups of pictures to resample"),
    ],
)
def test_what_cannot_be_given_is_said_and_null(pictures: list[Judged], note: str) -> None:
    made = assess(pictures, 0.5, QUICK)
    assert any(note in said for said in made.notes)
    assert Evaluation.from_json(made.to_json()) == made
    if len(pictures) < 3:
        assert (made.scores.recall.low, made.scores.ap.low) == (None, None)
    if not made.scores.faces:
        assert (made.scores.recall.value, made.scores.ap.value, made.tao.sample, made.coco.ap) == (None,) * 4


def test_the_fingerprint_knows_labels_names_and_filters_not_order_or_model() -> None:
    pictures = [replace(scene(n), name=f"/a/set/images/{n}.jpg") for n in range(6)]
    of = lambda some: assess(some, 0.5, replace(QUICK, rounds=0)).dataset.fingerprint  # noqa: E731
    first = of(pictures)
    assert of(pictures[::-1]) == first
    assert of([replace(p, found=Detections(), name=p.name.replace("/a/", "/b/c/")) for p in pictures]) == first
    assert of(pictures[:5]) != first
    assert of([replace(p, counted=np.ones(len(p.truth), bool)) for p in pictures]) != first
    assert of([replace(pictures[0], name="/a/set/images/x.jpg"), *pictures[1:]]) != first


def test_every_field_is_in_the_docs(full: Evaluation) -> None:
    told = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text("utf-8").split("## The JSON document")[1]

    def names(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*map(names, value.values()))
        return set().union(*map(names, value)) if isinstance(value, list) else set()

    stated = json.loads(full.to_json())
    stated["model"]["contract"], stated["dataset"]["sources"] = None, {}  # names of others
    assert {name for name in names(stated) if f"`{name}`" not in told and f'"{name}"' not in told} == set()
