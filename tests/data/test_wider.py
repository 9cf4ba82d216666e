"""WIDER FACE: text and .mat tell the same, levels there and back, and a broken line costs its picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceir.data import wider
from faceir.data.entry import Classes, Entry
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from faceir.flow import Frame

TEXT = (
    "0--Parade/a.jpg\n2\n10 20 30 40 1 0 0 0 2 1 \n50 60 7 8 0 0 0 1 0 0 \n"
    "0--Parade/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \n"
    "1--Run/c.jpg\n1\n1 2 3 4 0 0 0 0 1 0\n"
)


def listing(tmp_path: Path, text: str = TEXT) -> Path:
    path = tmp_path / "wider_face_split" / "wider_face_val_bbx_gt.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def read(path: Path) -> list[Entry | Exception]:
    return list(wider.read(path, Classes()))


def test_text(tmp_path: Path) -> None:
    a, b, c = read(listing(tmp_path))
    assert isinstance(a, Entry)
    assert isinstance(b, Entry)
    assert isinstance(c, Entry)
    assert a.faces.xyxy.tolist() == [[10, 20, 40, 60], [50, 60, 57, 68]]
    assert (a.faces.labels.tolist(), a.faces.occlusion.tolist()) == ([0, DONT_CARE], [6, 0])
    assert (a.split, a.item.source, dict(a.unsaid)) == ("val", "0--Parade", {"blur": 1, "pose": 1})
    assert (len(b.faces), c.faces.occlusion.tolist()) == (0, [2])
    assert wider.lists(tmp_path) == [listing(tmp_path)]


def test_levels_there_and_back() -> None:
    assert [wider.level(n) for n in range(-1, 10)] == [0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2]
    assert [wider.level(level) for level in (0, 2, 6)] == [0, 1, 2]


def test_a_broken_line_costs_its_picture_and_no_other(tmp_path: Path) -> None:
    text = TEXT.replace("50 60 7 8 0 0 0 1 0 0", "50 60 x 8 0 0 0 1 0 0")
    error, b, c = read(listing(tmp_path, text))
    assert isinstance(error, InputError)
    assert error.where.endswith("bbx_gt.txt:4")
    assert [e.item.picture.stem for e in (b, c) if isinstance(e, Entry)] == ["b", "c"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a.jpg\n2\n1 2 3 4\n", ":4: a.jpg has 1 of 2 faces"),
        ("a.jpg\nb.jpg\n0\n0 0 0 0\n", ":2: is 'b.jpg'; wanted the number of faces of a.jpg"),
        ("a.jpg\n-1\n", "the number of faces"),
        ("a.jpg\n99999999999\n", "the number of faces"),
        ("a.jpg\n1\n1 2 3\n", "has 3 fields"),
        ("a.jpg\n1\n1 2 -3 4\n", "inverted"),
        ("a.jpg\n1\n1 2 3 4 0 0 0 0 7 0\n", "occlusion 7"),
        ("a.jpg\n0\n1 2 3 4\n", "no faces and a line of one"),
        ("hello\n", "the path of a picture"),
    ],
)
def test_broken_lists_are_told(tmp_path: Path, text: str, says: str) -> None:
    error = read(listing(tmp_path, text))[0]
    assert isinstance(error, InputError)
    assert says in str(error)


def test_faces_without_area_are_counted_and_the_picture_kept(tmp_path: Path) -> None:
    (entry,) = read(listing(tmp_path, "a.jpg\n2\n1 2 3 4\n5 5 0 9\n"))
    assert isinstance(entry, Entry)
    assert (len(entry.faces), dict(entry.unsaid)) == (1, {"face without area": 1})


def test_after_an_error_there_is_no_list(tmp_path: Path) -> None:
    frame = Frame.of(np.zeros((9, 9), np.uint8), detections=Detections([[0, 0, 5, 5]]), source="a.jpg")
    unwritable = Frame.of(np.zeros((9, 9), np.uint8), detections=Detections([[0, 0, 5, 5]], labels=[7]), source="b.jpg")

    def write() -> None:
        with wider.Writer(tmp_path, Classes(["face"])) as writer:
            writer.write(frame)
            writer.write(unwritable)

    with pytest.raises(IndexError):
        write()
    assert not list(tmp_path.rglob("*.*"))
