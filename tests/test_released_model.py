"""The packaged models: what they promise, that they find faces, and on real infrared pictures how many."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir import Detector
from faceir.data import kitti
from faceir.data.guidelines import Rules
from faceir.detections import Detections
from faceir.evaluate import LEAST_SCORE, Scores, evaluate, judge
from faceir.testing import demo_portraits

DATA = Path(__file__).parents[2] / "shared" / "data"


LEAST = {  # average precision in the night cabin and on the validation split, and most false alarms a picture
    "default": (0.73, 0.89, 0.02),
    "pruned_nano_v1": (0.72, 0.89, 0.02),
    "pruned_free_v1": (0.63, 0.76, 0.05),
}


@pytest.fixture(scope="module", params=LEAST)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def detector(name: str) -> Detector:
    return Detector(None if name == "default" else name)


def test_its_contract(detector):
    assert detector.contract.classes == ("face",)
    assert detector.contract.fit.size_wh == (384, 240)
    assert 0.1 < detector.contract.cluster[0].confidence_threshold < 1


def test_it_is_small(detector):
    assert detector.path.stat().st_size < 9.09e6  # bytes of FaceDetect-IR


@pytest.mark.parametrize("size", [(240, 384), (480, 640), (1080, 1920), (640, 480)])
def test_nothing_is_found_where_nothing_is(detector, size):
    assert len(detector.detect(np.zeros(size, np.uint8))) == 0


@pytest.mark.parametrize("turn", [False, True])
def test_it_finds_the_faces_of_the_demo(detector, turn):
    for portrait in demo_portraits():
        picture = portrait.rgb[:, ::-1] if turn else portrait.rgb
        found = detector.detect(np.ascontiguousarray(picture))
        assert len(found) >= 1
        dark = cv2.convertScaleAbs(picture, alpha=0.2)
        assert len(detector.detect(dark)) >= 1


def scores(detector: Detector, wanted: set[str] | None, min_height: float) -> Scores:
    if not DATA.is_dir():
        pytest.skip(f"the labelled infrared pictures are not here ({DATA})")
    sees_all = Detector(detector.path, threshold=LEAST_SCORE, favour="throughput")
    items = [
        item for item in kitti.find(DATA, kitti.Filter(split="val"))
        if (item.source in wanted if wanted else not item.source.startswith("ir_val"))
    ]  # fmt: skip
    judged = judge(items, sees_all, sees_all.contract.fit, Rules(min_height))
    return evaluate(judged, detector.contract.cluster[0].confidence_threshold, rounds=0)


@pytest.mark.slow
def test_average_precision_with_a_driver_and_in_a_room(detector):
    assert scores(detector, {"ir_val_driver", "ir_val_room"}, 16).ap.value >= 0.99


@pytest.mark.slow
def test_average_precision_in_the_night_cabin(name, detector):
    assert scores(detector, {"ir_val"}, 16).ap.value >= LEAST[name][0]


@pytest.mark.slow
def test_average_precision_on_the_validation_split(name, detector):
    assert scores(detector, None, 32).ap.value >= LEAST[name][1]


@pytest.mark.slow
def test_few_false_alarms_where_there_is_no_face(name, detector):
    sets = {"no_faces", "no_faces_clothes", "nir_scenes", "nir_scenes_hard"}
    s = scores(detector, sets, 16)
    assert s.fp <= LEAST[name][2] * s.pictures


def test_an_empty_list(detector):
    assert detector.detect([]) == []
    assert isinstance(detector.detect(np.zeros((20, 30), np.uint8)), Detections)
