"""The judge of a training, against the judge of everything and by hand."""

import numpy as np
import pytest

from faceir.contract import Contract
from faceir.data import kitti
from faceir.data.guidelines import Rules
from faceir.detections import DONT_CARE, Detections
from faceir.evaluate import Judged, evaluate
from faceir.evaluate import judge as judge_all
from faceir.fit import Fit
from faceir.train.detector import TorchDetector
from faceir.train.model import Architecture, GridBoxNet
from faceir.train.validate import Bounds, Judge, eleven_points, within
from tests.train.conftest import SIZE

CONTRACT = Contract(fit=Fit(SIZE))


def found(*scores_and_boxes) -> Detections:
    scores, boxes = zip(*scores_and_boxes, strict=True)
    return Detections(np.array(boxes, np.float32), np.array(scores, np.float32))


A, B, C = [0, 0, 20, 20], [30, 0, 50, 20], [60, 0, 80, 20]


def test_eleven_points_by_hand():
    judged = [Judged(Detections([A, B, C]), found((0.9, A), (0.8, [0, 40, 20, 60]), (0.7, B)))]
    # recall 1/3 at precision 1, 2/3 at 2/3: four points of 1 (0 to 0.3), three of 2/3 (0.4 to 0.6), four of 0
    assert eleven_points(judged, 0.5) == pytest.approx((4 * 1 + 3 * 2 / 3) / 11)
    assert eleven_points([Judged(Detections(), found((0.9, A)))], 0.5) is None
    assert eleven_points([Judged(Detections([A]), Detections())], 0.5) == 0
    ignored = Judged(Detections([A], labels=[DONT_CARE]), found((0.9, A)))
    assert eleven_points([ignored, *judged], 0.5) == pytest.approx(6 / 11)


def test_each_box_is_held_against_the_bounds_of_its_own_class():
    boxes = Detections([A, A, A], labels=[0, 1, DONT_CARE])
    scale = np.array([2.0, 1.0])  # 40 x 20 network pixels
    assert within((Bounds((30, 10)), Bounds((0, 25))), boxes, scale).tolist() == [True, False, True]
    assert within((Bounds(), Bounds(max_wh=(39, 99))), boxes, scale).tolist() == [True, False, True]
    assert within((), boxes, scale).all()
    assert within((Bounds(),), Detections(), scale).shape == (0,)


def judge(disc_set, **rest) -> Judge:
    return Judge(kitti.find(disc_set), CONTRACT, Rules(), {"face": "face"}, **rest)


@pytest.fixture
def seeing(monkeypatch):
    """A detector that sees each disc, 2 px beside its place, and one thing more."""

    def call(self, images):
        seen = []
        for gray in images:
            ys, xs = np.nonzero(gray > 150)
            box = [xs.min() - 2, ys.min(), xs.max() + 3, ys.max() + 1]
            seen.append(found((0.9, box), (0.5, [0, 0, 9, 30])))
        return seen

    monkeypatch.setattr(TorchDetector, "__call__", call)


def test_it_agrees_with_the_judge_of_everything(disc_set, seeing):
    net = GridBoxNet(Architecture.resnet18(width_multiplier=0.125))
    ours = judge(disc_set)(net)
    items = kitti.find(disc_set)
    other = evaluate(judge_all(items, TorchDetector(net, CONTRACT), CONTRACT.fit, Rules()), rounds=0)
    assert ours["ap"] == pytest.approx(other.ap.value)
    assert ours["accuracy"] == pytest.approx(other.accuracy.value)
    assert ours["threshold"] == other.threshold


def test_overlaps_bounds_and_points_are_the_spec_s(disc_set, seeing):
    net = GridBoxNet(Architecture.resnet18(width_multiplier=0.125))
    assert judge(disc_set)(net)["recall"] == 1
    assert judge(disc_set, overlaps=(0.97,))(net)["recall"] == 0
    assert judge(disc_set, bounds=(Bounds((20.0, 0.0)),))(net)["precision"] == 1  # the thing of 9 px does not count
    assert judge(disc_set, bounds=(Bounds((90.0, 0.0)),))(net)["ap"] is None
    assert judge(disc_set, eleven_point=True)(net)["ap"] == pytest.approx(1)


def test_an_unreadable_picture_is_left_out(disc_set, seeing, caplog):
    (disc_set / "images" / "3.png").write_bytes(b"")
    assert judge(disc_set)(GridBoxNet(Architecture.resnet18(width_multiplier=0.125)))["recall"] == 1
    assert "3.png: is empty" in caplog.text


def test_several_classes_are_judged_apart_and_averaged(disc_set, monkeypatch):
    for n, path in enumerate(sorted((disc_set / "labels").iterdir())):
        if n % 2:
            path.write_text(path.read_text().replace("face", "hand"))

    def call(self, images):  # sees all discs, and calls all of them faces
        seen = []
        for gray in images:
            ys, xs = np.nonzero(gray > 150)
            seen.append(found((0.9, [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])))
        return seen

    monkeypatch.setattr(TorchDetector, "__call__", call)
    two = Contract(("face", "hand"), Fit(SIZE), CONTRACT.cluster * 2)
    both = Judge(kitti.find(disc_set), two, Rules(), {"face": "face", "hand": "hand"}, (0.5, 0.5), (Bounds(), Bounds()))
    scores = both(GridBoxNet(Architecture.resnet18(2, 0.125)))
    assert scores["ap hand"] == 0
    assert scores["ap face"] == pytest.approx(0.5)  # half of what was found as faces are hands
    assert scores["ap"] == pytest.approx((scores["ap face"] + scores["ap hand"]) / 2)


def test_a_class_without_faces_has_no_numbers(disc_set, seeing):
    """What is found of it is wrong, but says nothing of how good the others are."""
    two = Contract(("face", "hand"), CONTRACT.fit, CONTRACT.cluster * 2)
    judge_two = Judge(kitti.find(disc_set), two, Rules(), {"face": "face"}, (0.5, 0.5), (Bounds(), Bounds()))
    alone, both = judge(disc_set)(net := GridBoxNet(Architecture.resnet18(width_multiplier=0.125))), judge_two(net)
    assert both == alone | {"ap face": alone["ap"], "ap hand": None}
