"""An evaluation with every part filled in, and the pictures that it is of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from faceir.contract import Contract
from faceir.data import kitti
from faceir.evaluate import Judged
from faceir.evaluate.assess import assess
from faceir.evaluate.document import Evaluation, Model, Settings
from faceir.evaluate.measures import Look
from faceir.evaluate.stress import FaultCurve, Grade, Stress
from tests.evaluate.scenes import scene
from tests.evaluate.test_tracks import film

NASTY = "<img src=x onerror=alert(1)>"
"""What no page may run and no card may show as markup."""


class Night(NamedTuple):
    """Pictures in a folder, and what was found in them."""

    folder: Path
    judged: Sequence[Judged]
    evaluation: Evaluation


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    folder = tmp_path_factory.mktemp("night")
    rng = np.random.default_rng(0)
    known = {"size_wh": (250, 250), "look": Look(80, 30, 2, 0.3), "about": (("modality", "nir"),)}
    judged = []
    for part in ("images", "labels"):
        (folder / "set" / part).mkdir(parents=True)
    for n in range(20):
        picture = folder / "set" / "images" / f"{NASTY}{n}.jpg"
        cv2.imwrite(str(picture), rng.integers(0, 255, (250, 250), np.uint8))
        p = replace(scene(n), name=str(picture), **known)  # type: ignore[arg-type]
        label = folder / "set" / "labels" / f"{picture.stem}.txt"
        label.write_text(kitti.format_lines(p.truth, ("face",), with_scores=False))
        judged.append(p)
    settings, model = Settings(rounds=20), Model(f"{NASTY}.onnx", "ab" * 32, 123, json.loads(Contract().to_json()))
    other = ("other.onnx", [replace(p, found=p.found[p.found.scores > 0.3]) for p in judged], None)
    made = assess(judged, 0.5, settings, model, f"night {NASTY}", str(folder), left_out=2, other=other)
    filmed = assess(film("hmmh"), 0.5, settings)
    rate = made.scores.ap
    grades = (Grade(1.0, 60, rate, rate, rate, rate), Grade(0.5, 7, rate, rate, replace(rate, value=None), rate))
    stress = Stress(20, 0.5, "given", 0, (FaultCurve("darkness", "share of light", grades),))
    return Night(folder, judged, replace(made, stress=stress, video=filmed.video))


@pytest.fixture(scope="session")
def empty() -> Evaluation:
    """Of no picture at all."""
    return assess([], 0.5, Settings(rounds=5), Model("none.onnx"))
