from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.data import kitti
from faceir.data.guidelines import Rules
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from faceir.evaluate import Judged, evaluate, judge
from faceir.evaluate.judged import film_of, group_of, key_of
from faceir.fit import Fit
from faceir.testing import FakeDetector


def test_judge_reads_a_folder_and_leaves_out_what_cannot_be_read(tmp_path):
    truths = {"a": [[10.0, 10, 60, 70]], "b": [[0.0, 0, 10, 5]], "c": []}
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for name, boxes_ in truths.items():
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.zeros((120, 192), np.uint8))
        lines = kitti.format_lines(Detections(boxes_), ("face",), with_scores=False)
        (tmp_path / "labels" / f"{name}.txt").write_text(lines)
    (tmp_path / "images" / "d.png").write_bytes(b"")
    problems: list[InputError] = []

    sees_nothing = FakeDetector([Detections()])
    seen = list(
        judge(kitti.find(tmp_path), sees_nothing, Fit((384, 240)), Rules(16), on_problem=problems.append, batch=2)
    )
    assert [Path(j.name).stem for j in seen] == ["a", "b", "c"]
    assert [j.scale for j in seen] == [2.0] * 3
    assert seen[1].truth.labels.tolist() == [DONT_CARE]  # ten network pixels high
    assert [Path(p.where).name for p in problems] == ["d.png"]
    assert evaluate(seen).fn == 1
    with pytest.raises(InputError, match=r"d\.png"):
        list(judge(kitti.find(tmp_path), sees_nothing, Fit(), Rules()))


def item(tmp_path: Path, name: str = "a.png", **about: str) -> kitti.Item:
    (tmp_path / "set" / "images").mkdir(parents=True, exist_ok=True)
    (tmp_path / "set" / "labels").mkdir(exist_ok=True)
    picture = tmp_path / "set" / "images" / name
    cv2.imwrite(str(picture), np.full((120, 192), 50, np.uint8))
    return kitti.Item(picture, tmp_path / "set" / "labels" / (picture.stem + ".txt"), "set", about)


def judged(some: kitti.Item, found: Detections | None = None, **rest: object) -> Judged:
    return next(iter(judge([some], FakeDetector([found or Detections()]), Fit(), Rules(), **rest)))  # type: ignore[arg-type]


def test_what_is_known_of_a_picture(tmp_path: Path) -> None:
    p = judged(item(tmp_path, "cabin_0012.png", modality="nir", sequence="c1", person="7"), group="person")
    assert (p.group, p.sequence, p.frame, p.size_wh) == ("7", "c1", 12, (192, 120))
    assert p.about == (("modality", "nir"),)
    assert p.look is not None
    assert (p.look.brightness, p.look.contrast, p.look.sharpness) == (50, 0, 0)
    assert (p.scale, p.scale_x) == (2, 2)
    assert key_of(p, 0) == "set/images/cabin_0012.png"


@pytest.mark.parametrize(
    ("name", "film", "frame"),
    [("cabin_000123.jpg", "set/cabin", 123), ("a-b-7.png", "set/a-b", 7), ("0004.png", "set/", 4), ("face.png", "", 0)],
)
def test_films_by_name(tmp_path: Path, name: str, film: str, frame: int) -> None:
    some = item(tmp_path, name)
    assert film_of(some, by_name=True) == (film, frame)
    assert film_of(some, by_name=False)[0] == ""
    assert judged(some, group="sequence").sequence == group_of(some, "sequence") == film
    assert judged(some).sequence == ""


def test_a_column_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--group: 'person' is not a column .* wanted set, sequence, modality"):
        judged(item(tmp_path, modality="nir"), group="person")
    assert judged(item(tmp_path), group="set").group == "set"


def test_detections_of_another_size_or_class_are_told(tmp_path: Path) -> None:
    some = item(tmp_path)
    with pytest.raises(InputError, match=r"a\.png: a face at \[400.0, .* lies beside the picture of 192x120"):
        judged(some, Detections([[400, 10, 460, 70]]))
    with pytest.raises(InputError, match=r"a\.png: a found face is of class 1; wanted 0\.\.0 \(face\)"):
        judged(some, Detections([[10, 10, 60, 70]], labels=[1]))


def test_labels_of_another_size_are_told(tmp_path: Path) -> None:
    some = item(tmp_path)
    some.label.write_text(kitti.format_lines(Detections([[10, 300, 60, 370]]), ("face",), with_scores=False))
    with pytest.raises(InputError, match=r"a\.txt: a face at .* lies beside the picture"):
        judged(some)
