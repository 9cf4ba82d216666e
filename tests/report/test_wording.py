from __future__ import annotations

from dataclasses import replace

import pytest

from faceir.evaluate.document import Evaluation, Settings
from faceir.evaluate.interval import Rate
from faceir.report import wording
from tests.report.conftest import Night


@pytest.mark.parametrize(
    ("rate", "short", "between"),
    [
        (Rate(0.514, 0.459, 0.563), "51.4 % [45.9, 56.3]", "45.9 to 56.3 %"),
        (Rate(1.0), "100.0 %", ""),
        (Rate(None), "-", ""),
        (Rate(0.0, 0.0, 0.2), "0.0 % [0.0, 20.0]", "0.0 to 20.0 %"),
    ],
)
def test_rates(rate: Rate, short: str, between: str) -> None:
    assert (wording.sized(rate), wording.interval(rate)) == (short, between)


def test_thresholds() -> None:
    assert [wording.score(v) for v in (None, 0.98, 0.123456, 0.0)] == ["-", "0.98", "0.123", "0"]


def test_which_pictures(night: Night) -> None:
    of = replace(night.evaluation.dataset, name="d")
    assert wording.chosen(of, Settings()) == "d"
    chosen = Settings(split="val", terms=("free", "cc"), source=("a",))
    assert wording.chosen(of, chosen) == "d, split val, terms free + cc, sets a"


def test_usable_sizes(night: Night) -> None:
    pixels, share = night.evaluation.sizes
    said = wording.usable(
        replace(night.evaluation, sizes=(replace(pixels, usable_from=32.0), replace(share, usable_from=0.16)))
    )
    assert said == (
        "From 32 pixels at the network's scale up, at least 90 % of the faces are found. "
        "From 16 % of the picture's height up, at least 90 % of the faces are found."
    )
    assert wording.usable(replace(night.evaluation, sizes=(replace(pixels, usable_from=None),))).startswith("No height")


def test_the_headline_counts_up(night: Night, empty: Evaluation) -> None:
    recall, precision, accuracy, alarms, ap = wording.figures(night.evaluation)
    s = night.evaluation.scores
    assert f"{s.tp} of the {s.faces} faces" in recall.words
    assert f"{s.tp} of the {s.tp + s.fp} boxes" in precision.words
    assert f"{s.tp} right of {s.tp + s.fp + s.fn}" in accuracy.words
    assert float(alarms.value) == pytest.approx(s.fp / s.pictures, rel=0.01)
    assert ap.interval.endswith(" %")
    assert [f.value for f in wording.figures(empty)] == ["-"] * 5
