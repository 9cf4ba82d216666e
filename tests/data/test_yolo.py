"""YOLO: shares of the picture, names of classes as other programs write them, labels without pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.data import yolo
from faceir.data.entry import Classes, Entry
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from faceir.flow import Frame


def folder(tmp_path: Path, label: str | None = "0 0.5 0.5 0.25 0.5\n", name: str = "images/a.png") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((100, 200), np.uint8))
    if label is not None:
        labels = Path(str(path.parent).replace("images", "labels"))
        labels.mkdir(parents=True, exist_ok=True)
        (labels / f"{path.stem}.txt").write_text(label)
    return tmp_path


def read(where: Path) -> tuple[list[Entry | Exception], Classes]:
    classes = Classes()
    return list(yolo.read(where, classes)), classes


def test_shares_become_pixels(tmp_path: Path) -> None:
    polygon = "1 0.1 0.2 0.3 0.2 0.2 0.8\n"
    (entry,), classes = read(folder(tmp_path, f"0 0.5 0.5 0.25 0.5\n\n{polygon}1 0.5 0.5 1 1 0.75\n"))
    assert isinstance(entry, Entry)
    np.testing.assert_allclose(entry.faces.xyxy, [[75, 25, 125, 75], [20, 20, 60, 80], [0, 0, 200, 100]], atol=1e-4)
    assert entry.faces.scores.tolist() == [1, 1, 0.75]
    assert classes.names == ["0", "1"]


def test_what_is_written_lies_in_the_picture(tmp_path: Path) -> None:
    faces = Detections([[-20, 10, 20, 50], [1, 1, 9, 9], [300, 0, 310, 9]], labels=[1, DONT_CARE, 0])
    source = str(tmp_path / "images" / "train" / "cam" / "a.png")
    with yolo.Writer(tmp_path, Classes(["face", 'a "b"'])) as writer:
        writer.write(Frame.of(np.zeros((100, 200), np.uint8), detections=faces, source=source))
    text = (tmp_path / "labels" / "train" / "cam" / "a.txt").read_text()
    assert [float(v) for v in text.split()] == [1, 0.05, 0.3, 0.1, 0.4]
    assert yolo.read_names(tmp_path) == ["face", 'a "b"']
    assert "train: images/train" in (tmp_path / "data.yaml").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "names: [a, 'b c', \"d\"]",
        "nc: 3\nnames:\n- a\n- b c # two words\n- d\ntrain: x",
        "names:\n  0: a\n  2: d\n  1: 'b c'\n",
        "names: {0: a, 1: b c, 2: d}  # all",
        "names: [\n  a,\n  b c,\n  d\n]\n",
    ],
)
def test_names_as_programs_write_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "data.yaml").write_text(text)
    assert yolo.read_names(tmp_path) == ["a", "b c", "d"]


def test_names_that_cannot_be_read(tmp_path: Path) -> None:
    for text, says in (("nc: 3", "no names"), ("names: face", "has the names"), ("names:\n 0: a\n 2: b", "numbers")):
        (tmp_path / "data.yaml").write_text(text)
        with pytest.raises(InputError, match=says):
            yolo.read_names(tmp_path)


def test_splits_sets_and_missing_labels(tmp_path: Path) -> None:
    folder(tmp_path, None, "images/train/a.png")
    folder(tmp_path, "", "images/val/cam/b.png")
    (tmp_path / "labels" / "val" / "cam" / "lost.txt").write_text("")
    (a, b, lost), _ = read(tmp_path)
    assert isinstance(a, Entry)
    assert isinstance(b, Entry)
    assert (a.split, a.item.source, dict(a.unsaid)) == ("train", "", {"no label file": 1})
    assert (b.split, b.item.source, dict(b.unsaid)) == ("val", "cam", {})
    assert "lost.txt: has no picture" in str(lost)


def test_layout_of_a_folder_a_split(tmp_path: Path) -> None:
    (entry,), _ = read(folder(tmp_path, name="valid/images/a.png"))
    assert isinstance(entry, Entry)
    assert (entry.split, len(entry.faces)) == ("val", 1)


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("0 0.5 0.5\n", "a.txt:1: has 3 fields"),
        ("0 0.5 0.5 0.2 0.2\nface 0 0 0 0\n", "a.txt:2: has the class 'face'"),
        ("0 50 50 20 20\n", "outside the picture"),
        ("0 0.5 0.5 0 0.2\n", "inverted or empty"),
        ("0 0.5 nan 0.1 0.2\n", "a field is nan"),
        ("0 0.5 0.5 0.1 0.2 7\n", "score 7"),
        ("-1 0.5 0.5 0.1 0.2\n", "has the class '-1'"),
    ],
)
def test_broken_lines_are_named(tmp_path: Path, label: str, says: str) -> None:
    (error,), _ = read(folder(tmp_path, label))
    assert isinstance(error, InputError)
    assert says in str(error)


def test_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder images"):
        list(yolo.read(tmp_path, Classes()))
