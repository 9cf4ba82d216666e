from __future__ import annotations

from dataclasses import replace

import pytest

from faceir.contract import Contract
from faceir.data.sources import Source, Sources, Terms
from faceir.errors import InputError
from faceir.evaluate.document import Evaluation
from faceir.evaluate.interval import Rate
from faceir.evaluate.slices import Dimension, Slice
from faceir.report.card import ModelFile, render, stated_of, trained, weak_spots
from tests.report.conftest import NASTY, Night

CHECKPOINT = ModelFile(
    "night.safetensors", "checkpoint", 1_350_000, "ab" * 32, Contract(name="night_v1").with_threshold(0.7), 664_000,
    416_000_000, {"pictures": 14, "sets": {"cars": 9, "web": 5}, "pruned": {"macs": 0.28, "params": 0.23}}, 700,
)  # fmt: skip
ONNX = ModelFile("night.onnx", "ONNX, INT8", 700_000, "cd" * 32, Contract(name="night_v1").with_threshold(0.7))
SOURCES = Sources(
    {
        "cars": Source("a | place", "free", "colour", 10, 12, "by hand", "cars"),
        "web": Source("elsewhere", "research"),
        "exam": Source("a camera", "research", "near-infrared", use="validation"),
    },
    {"free": Terms("any use", True), "research": Terms("to study")},
    {"bias": "Bias as a person saw it.", "limits": "* Limits as a person saw them."},
)


def of(night: Night, *evaluations: Evaluation, files: tuple[ModelFile, ...] = (ONNX, CHECKPOINT)) -> str:
    return render(files, evaluations or (night.evaluation,), SOURCES, "faceir 9")


def test_every_section_is_there(night: Night) -> None:
    card = of(night)
    assert [line[3:] for line in card.splitlines() if line.startswith("## ")] == [
        "What it is", "How to use it", "Intended use", "Misuse", "How good it is", "Limits", "What it learnt from",
        "Ethics and bias", "Versions",
    ]  # fmt: skip
    assert card.startswith("# Model card: night_v1\n")
    assert "| night.onnx | ONNX, INT8 | 0.7 | - | - | 0.7 | cdcdcdcdcdcdcdcd |" in card
    assert "| night.safetensors | checkpoint | 1.4 | 0.66 M | 0.42 G | 0.7 | abababababababab |" in card
    assert "pruned to 28 % of its multiply-accumulates" in card
    assert "Bias as a person saw it." in card
    assert "* Limits as a person saw them." in card
    assert "training step 700" in card
    assert "\n\n\n" not in card


def test_numbers_are_those_of_the_evaluation(night: Night) -> None:
    s, card = night.evaluation.scores, of(night)
    assert f"Missed: {s.fn} of {s.faces} faces" in card
    assert f"{100 * (s.recall.value or 0):.1f} % [{100 * (s.recall.low or 0):.1f}, " in card
    assert "Under faults of the camera" in card
    assert "| darkness | 0.5 share of light | 7 |" in card
    assert (night.evaluation.model.name in card) is False
    assert "not a file of this card" not in card  # the checkpoint's hash is that of the evaluation


def test_tables_hold_together_and_names_are_text(night: Night) -> None:
    card = of(night)
    assert NASTY not in card
    columns = 0
    for line in card.splitlines():
        cells = line.replace("\\|", "").count("|")
        assert not columns or not line.startswith("|") or cells == columns, line
        columns = cells if line.startswith("|") else 0
    assert r"a \| place" in card


def test_terms_decide_about_business(night: Night) -> None:
    assert "These terms do not allow weights for business: research." in of(night)
    free = replace(CHECKPOINT, data={"sets": {"cars": 9}})
    assert "All of these terms allow weights for business." in of(night, files=(free,))
    unknown = of(night, files=(replace(CHECKPOINT, data={"sets": {"cars": 9, "attic": 2}}),))
    assert "do not allow weights for business: not stated." in unknown
    assert "| attic | 2 | - | - | not stated |" in unknown


def test_a_checkpoint_states_its_sources_and_a_given_file_wins() -> None:
    held = Sources({"cars": Source("old place", "free"), "web": SOURCES.sets["web"]}, SOURCES.terms, {"bias": "old"})
    data = {"sets": {"cars": 9}, "faces": {"cars": 12}, "sources": held.to_dict(), "inherited": {"sets": {"web": 2}}}
    file = replace(CHECKPOINT, data=data)
    alone = stated_of([ONNX, file], Sources())
    assert alone == held
    card = render([file], [], alone, "faceir 9")
    assert "| cars | 9 | 12 | 0 | free |  |  |  | old place |" in card
    assert "| web | 2 | - | 0 | research |" in card
    assert "These terms do not allow weights for business: research." in card  # for what weights before it learnt from
    given = Sources({"cars": Source("new place", "free")}, {"free": Terms("any use", True)}, {"bias": "new"})
    both = stated_of([file], given)
    assert (both.sets["cars"].origin, both.notes["bias"], "web" in both.sets) == ("new place", "new", True)
    with pytest.raises(InputError, match=r"night\.safetensors: sets is 3"):
        stated_of([replace(CHECKPOINT, data={"sources": {"sets": 3}})], Sources())


def test_what_was_kept_for_validation(night: Night) -> None:
    assert "| exam | 0 | 0 | near-infrared | - |" in of(night).replace("|  |", "| - |")
    cheated = of(night, files=(replace(CHECKPOINT, data={"sets": {"exam": 3}}),))
    assert "**These weights learnt from exam, which were meant for validation" in cheated


def test_what_a_training_was_validated_on_is_told_apart(night: Night) -> None:
    """Its notes and its terms are not those of the weights."""
    held = Sources({"yard": Source("a yard", "secret", shows="walls")}, {"secret": Terms("never")}, {"training": "no"})
    part = {"pictures": 8, "sets": {"yard": 5, "cars": 3, "attic": 1}, "sources": held.to_dict()}
    files = (replace(CHECKPOINT, data={"sets": {"cars": 9}, "validation": part}),)
    card = of(night, files=files)
    assert "| yard | 5 | secret |  |  | walls | a yard |" in card
    assert "| cars | 3 | free | colour | by hand |" in card
    assert "| attic | 1 | not stated |" in card
    assert "All of these terms allow weights for business." in card
    known = replace(SOURCES, sets={**SOURCES.sets, "yard": Source("given", "free", use="validation")})
    card = render(files, [night.evaluation], known, "faceir 9")
    assert "| yard | 5 | free |  |  |  | given |" in card
    assert card.count("yard") == 1
    assert "| exam | 0 |" in card


def test_little_is_known(empty: Evaluation) -> None:
    card = render([ONNX], [], Sources(), "faceir 9")
    assert "No evaluation was given" in card
    assert "do not say what they learnt from" in card
    assert "was not measured here" in card
    assert "no figure by group can be given" in card
    nothing = render([ONNX], [empty], Sources(), "faceir 9")
    assert "There is no picture: nothing can be given." in nothing
    assert "none.onnx (not a file of this card)" in nothing


def test_sets_of_several_files_count_once() -> None:
    other = replace(CHECKPOINT, data={"sets": {"cars": 7, "more": 1}})
    assert [(t.name, t.pictures) for t in trained([CHECKPOINT, other], SOURCES)] == [
        ("cars", 9),
        ("more", 1),
        ("web", 5),
    ]


@pytest.mark.parametrize(
    ("faces", "recall", "weak"),
    [
        (30, Rate(0.2, 0.1, 0.4), True),
        (29, Rate(0.2, 0.1, 0.4), False),
        (30, Rate(0.2, 0.1, 0.6), False),
        (30, Rate(0.1), False),
    ],
)
def test_weak_spots_are_sure_ones(night: Night, faces: int, recall: Rate, weak: bool) -> None:
    part = Slice("9", faces, 1, None, faces - 1, Rate(None), recall, Rate(None))
    scores = replace(night.evaluation.scores, recall=Rate(0.6, 0.5, 0.7), by_height=(), by_source=())
    e = replace(night.evaluation, scores=scores, slices=(Dimension("occlusion", "level", (part,)),))
    assert list(weak_spots(e)) == ([("occlusion, level", part)] if weak else [])
