"""Stored detections: found by name, and told with counts where they are not of these pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceir.data import kitti, stored
from faceir.detections import Detections
from faceir.errors import InputError

FACE = {"face": "face"}
LINE = "face 0.00 0 0.00 10.0 20.0 30.0 50.0 0 0 0 0 0 0 0"
PICTURE = np.zeros((60, 80), np.uint8)


def item(name: str, folder: str = "a") -> kitti.Item:
    return kitti.Item(Path(f"/data/{folder}/images/{name}.jpg"), Path(f"/data/{folder}/labels/{name}.txt"), folder)


def at(x: float) -> Detections:
    return Detections([[x, 1, x + 9, 12]], scores=[0.5])


def folder_of(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_nothing_stored_and_nothing_asked() -> None:
    none = stored.Stored("x", {}, complete=False)
    none.check([])
    assert none.detect_items([], []) == []
    assert none.detect_items([item("p")], [PICTURE]) == [Detections()]


@pytest.mark.parametrize("layout", ["{}.txt", "labels/{}.txt", "a/labels/{}.txt"])
def test_layouts_of_a_folder(tmp_path: Path, layout: str) -> None:
    found = stored.read_kitti(
        folder_of(tmp_path, {layout.format("p"): LINE + " 0.5\n", layout.format("q"): ""}), FACE, ("face",)
    )
    found.check([item("p"), item("q")])
    one, none = found.detect_items([item("p"), item("q")], [PICTURE, PICTURE])
    assert (one.xyxy.tolist(), one.scores.tolist(), len(none)) == ([[10, 20, 30, 50]], [0.5], 0)


def test_folders_decide_where_names_are_shared() -> None:
    found = stored.Stored("x", {"a/labels/p.txt": at(1), "b/labels/p.txt": at(2)}, complete=True)
    items = [item("p", "b"), item("p", "a")]
    found.check(items)
    assert [d.xyxy[0, 0] for d in found.detect_items(items, [PICTURE] * 2)] == [2, 1]
    with pytest.raises(InputError, match="2 of its entries could be"):
        found.check([item("p", "c")])


def test_a_dot_in_a_name_without_suffix_is_kept() -> None:
    found = stored.Stored("x", {"cam.12.5": at(1)}, complete=True)
    assert len(found.detect_items([item("cam.12.5")], [PICTURE])[0]) == 1


@pytest.mark.parametrize(
    ("names", "asked", "says"),
    [
        (["x", "y"], ["p", "q"], "names none of the 2 pictures: it has 'x' and 1 more, they are 'p'"),
        (["p"], ["p", "q", "r"], "lacks 2 of 3 pictures, such as 'q'"),
    ],
)
def test_names_that_do_not_belong_together_are_counted(names: list[str], asked: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        stored.Stored("x", dict.fromkeys(names, at(1)), complete=True).check([item(name) for name in asked])


def test_one_entry_for_several_pictures_is_told() -> None:
    with pytest.raises(InputError, match="1 of its names stand for several pictures, such as 'p' for 2"):
        stored.Stored("x", {"p": at(1)}, complete=True).check([item("p", "a"), item("p", "b")])


def test_where_empty_pictures_are_left_out_absence_means_nothing_found() -> None:
    found = stored.Stored("x", {"p": at(1)}, complete=False)
    found.check([item("p"), item("q")])
    assert [len(d) for d in found.detect_items([item("p"), item("q")], [PICTURE] * 2)] == [1, 0]


def test_boxes_of_another_size_are_told() -> None:
    found = stored.Stored("x", {"p": Detections.concat([at(1), at(300), at(500)])}, complete=True)
    with pytest.raises(InputError, match=r"2 of 3 boxes of 'p.jpg' lie outside its 80 x 60 pixels"):
        found.detect_items([item("p")], [PICTURE])


def test_they_are_no_detector_of_other_pictures() -> None:
    with pytest.raises(InputError, match="cannot see other pictures"):
        stored.Stored("x", {}, complete=True)([PICTURE])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{LINE}\n{LINE} 0.5\n", "1 of 2 lines have 15 fields and so no score"),
        (f"{LINE} 0.5\n{LINE} 14.1\n{LINE} -2\n", "2 of 3 scores lie outside 0..1, such as 14.1"),
        (f"{LINE} 0.5\n".replace("face", "car"), r"no line is of a wanted class, but of car \(1\); wanted face"),
        (f"{LINE} 0.5 7\n", "p.txt:1: has 17 fields"),
        (f"{LINE} high\n", "p.txt:1: .*is not a number"),
    ],
)
def test_wrong_files_are_told(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        stored.read_kitti(folder_of(tmp_path, {"p.txt": text}), FACE, ("face",))


def test_a_folder_without_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no detections"):
        stored.read_kitti(tmp_path, FACE, ("face",))
