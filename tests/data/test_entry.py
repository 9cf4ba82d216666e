"""Classes grow, boxes are checked one by one, sizes are stated or looked up."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.data.entry import Classes, Entry, Faces, find_picture, number
from faceir.data.kitti import Item
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError


def test_classes_are_numbered_as_they_come_in_any_case() -> None:
    classes = Classes(["Face"])
    assert [classes.label(name) for name in ("face", "hand", "FACE", "DontCare")] == [0, 1, 0, DONT_CARE]
    assert (classes.names, classes.named(1), classes.named(DONT_CARE)) == (["Face", "hand"], "hand", "DontCare")


def test_faces() -> None:
    faces = Faces()
    assert faces.detections() == Detections()
    faces.add((1, 2, 3, 4), 1, occlusion=9, track_id=2**53 + 1)
    assert faces.detections() == Detections([[1, 2, 3, 4]], labels=[1], occlusion=[9], track_ids=[2**53 + 1])


@pytest.mark.parametrize(
    ("box", "rest"),
    [
        ((1, 2, 1, 4), {}),
        ((1, 2, 1e39, 4), {}),
        ((1e9, 2, 1e9 + 1, 4), {}),  # no width left in float32
        ((float("nan"), 2, 3, 4), {}),
        ((1, 2, 3, 4), {"occlusion": 10}),
        ((1, 2, 3, 4), {"truncation": float("nan")}),
        ((1, 2, 3, 4), {"track_id": 2**63}),
    ],
)
def test_faces_that_cannot_be(box: tuple[float, ...], rest: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Faces().add(box, 0, **rest)  # type: ignore[arg-type]


def test_numbers() -> None:
    assert number(" 1e3", "a", "x") == 1000
    for text in ("", "nan", "-inf", "1,5", None, "0x1"):
        with pytest.raises(InputError, match="a: x is"):
            number(text, "a", "x")


def test_a_picture_knows_its_size_and_loads_when_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.PNG"
    item = Item(path, tmp_path / "a.txt", about={"split": "val"})
    assert Entry(item, Detections(), (3, 4)).size_wh == (3, 4)
    with pytest.raises(InputError, match=r"a\.PNG"):
        _ = Entry(item, Detections()).size_wh
    cv2.imwrite(str(tmp_path / "b.png"), np.full((5, 7, 3), 9, np.uint8))
    (tmp_path / "b.png").rename(path)
    entry = Entry(item, Detections([[1, 1, 2, 2]]))
    assert (entry.size_wh, entry.split, find_picture(tmp_path, "a"), find_picture(tmp_path, "b")) == (
        (7, 5),
        "val",
        path,
        None,
    )
    frame = entry.frame(4)
    assert (frame.gray.shape, frame.rgb.shape, len(frame.detections), frame.index) == ((5, 7), (5, 7, 3), 1, 4)


def test_a_name_that_no_file_can_have() -> None:
    with pytest.raises(InputError, match="zero byte"):
        Entry(Item(Path("a\0b"), Path("l")), Detections())
