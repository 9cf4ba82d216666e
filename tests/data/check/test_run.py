"""A whole folder: counts, processes, and what a detector adds."""

import cv2
import numpy as np
import pytest

from faceir.data.check.finding import RULES
from faceir.data.check.label_rules import LABEL_RULES
from faceir.data.check.run import check_alike, check_labels, check_seen, codes_of
from faceir.data.check.seen_rules import SEEN_RULES
from faceir.data.folder import find
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.fit import Fit
from faceir.testing import FakeDetector
from tests.data.check.samples import folder, line

ALL = frozenset(RULES)


def test_labels_of_a_folder(tmp_path):
    items = folder(tmp_path, [line((10, 10, 30, 35)), None, "", line((10, 10, 130, 35))])
    (tmp_path / "set" / "images" / "0.png").write_bytes(b"no picture")
    (tmp_path / "set" / "labels" / "9.txt").write_text("")
    checked = check_labels(items, tmp_path, ("face",), ALL, 1)
    found = {(f.code, f.picture or f.label) for f in checked.findings}
    assert found == {
        ("picture-unreadable", "set/images/0.png"),
        ("label-missing", "set/images/1.png"),
        ("label-empty", "set/images/2.png"),
        ("box-outside", "set/images/3.png"),
        ("cut-at-edge", "set/images/3.png"),
        ("label-orphan", "set/labels/9.txt"),
    }
    assert (checked.pictures, checked.boxes) == (4, 2)
    assert checked.ranked()[0].severity == "error"
    assert checked.sha256["set/labels/1.txt"] is None
    assert checked.counts()["box-outside"] == (1, 1)
    some = check_labels(items, tmp_path, ("face",), codes_of("label-empty, label-missing"), 1)
    assert set(some.counts()) == {"label-empty", "label-missing"}


def test_a_label_file_of_two_pictures(tmp_path):
    """Of one name but for the ending, or listed twice: corrections of one would fall on the other."""
    items = folder(tmp_path, [line((10, 10, 30, 35)), ""])
    items[0].picture.with_suffix(".jpg").write_bytes(items[0].picture.read_bytes())
    first, second = check_labels([*find(tmp_path), items[1]], tmp_path, ("face",), codes_of("label-shared"), 1).findings
    assert (first.picture, first.words) == ("set/images/0.png", "has the label file of set/images/0.jpg")
    assert (second.picture, second.words) == ("set/images/1.png", "is listed twice")
    assert check_labels(items, tmp_path, ("face",), ALL, 1).counts().keys() == {"label-empty"}


@pytest.mark.slow
def test_processes_give_what_one_gives(tmp_path):
    items = folder(
        tmp_path, [line((10, 10, 30, 35)) if n % 3 else "" for n in range(400)], np.zeros((50, 60), np.uint8)
    )
    ticks = []
    one, two = (check_labels(items, tmp_path, ("face",), ALL, n, ticks.append) for n in (1, 2))
    assert one.findings == two.findings
    assert one.sha256 == two.sha256
    assert sum(ticks) == 800


def test_pictures_that_are_there_twice(tmp_path):
    items = folder(tmp_path, ["", ""])
    items[1].picture.write_bytes(items[0].picture.read_bytes())
    assert [f.code for f in check_alike(items, tmp_path, ALL, 1)] == ["picture-duplicate"]
    assert check_alike(items, tmp_path, codes_of("box-size"), 1) == []


def test_what_a_detector_adds(tmp_path):
    image = np.zeros((240, 384), np.uint8)
    items = folder(tmp_path, ["", line((100, 50, 140, 100)), ""], image)
    items[2].picture.write_bytes(b"no picture")

    def brightest(_):
        return Detections([[150, 60, 190, 110], [190, 60, 234, 110]], [0.9, 0.9])

    checked = check_seen(items, tmp_path, ("face",), ALL, FakeDetector(brightest), Fit())
    assert {f.code for f in checked.findings} == {"face-unseen", "face-unlabelled"}
    assert len(checked.left_out) == 1
    assert checked.pictures == 2
    assert checked.too_small == 0
    low = folder(tmp_path / "low", [line((100, 50, 110, 62))], image)
    assert check_seen(low, tmp_path, ("face",), ALL, FakeDetector(brightest), Fit()).too_small == 1


def test_the_habit_of_a_set_is_told(tmp_path):
    image = np.zeros((240, 384), np.uint8)
    cv2.rectangle(image, (180, 90), (203, 119), 255, -1)
    items = folder(tmp_path, [line((174, 82, 210, 128))] * 25, image)
    found = FakeDetector(lambda shown: _box_of(shown))
    checked = check_seen(items, tmp_path, ("face",), ALL, found, Fit())
    (finding,) = checked.findings
    assert finding.code == "boxes-loose"
    assert "1.5" in finding.words


def _box_of(image):
    ys, xs = np.nonzero(image > 128)
    return Detections([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], [0.9]) if len(ys) else Detections()


def test_every_rule_says_what_has_to_be_asked_for():
    """A rule that is looked for without being asked needs no option, one that needs a detector says so."""
    assert not [code for code in LABEL_RULES if RULES[code].option]
    assert {RULES[code].option for code in (*SEEN_RULES, "boxes-loose")} == {"--detector default"}
    assert {code for code, rule in RULES.items() if rule.option == "--duplicates"} == {
        "picture-duplicate", "picture-alike", "picture-across-splits",
    }  # fmt: skip


def test_codes():
    assert codes_of("") == ALL
    assert codes_of("box-size,class-case") == {"box-size", "class-case"}
    with pytest.raises(InputError, match="'x' is no rule"):
        codes_of("x")
