"""The first pass: groups, hashes, and pairs across splits, which are named."""

from __future__ import annotations

from pathlib import Path

import cv2

from faceir.data.entry import Entry
from faceir.data.kitti import Item
from faceir.data.survey import survey
from faceir.detections import Detections
from faceir.errors import InputError
from tests.data.test_duplicates import picture


def entries(folder: Path) -> list[Entry | InputError]:
    """Two prints of one picture in both splits, another one, one that is none, and an error of the reader."""
    for name, image in (("a.png", picture(1)), ("b.jpg", picture(1)), ("c.png", picture(2)), ("e.png", picture(1) * 0)):
        cv2.imwrite(str(folder / name), image)
    (folder / "d.png").write_bytes(b"nothing")
    made: list[Entry | InputError] = [InputError("x", "is wrong")]
    for n, name in enumerate(("a.png", "b.jpg", "c.png", "d.png", "e.png")):
        about = {"split": "val" if n == 1 else "train"}
        made.append(Entry(Item(folder / name, folder / "l", f"cam{n % 2}", about), Detections()))
    return made


def test_what_is_found(tmp_path: Path) -> None:
    calls: list[int] = []
    found = survey(entries(tmp_path), lambda item: item.source, True, lambda: calls.append(1))
    assert (found.groups, len(calls)) == ([0, 1, 0, 1, 0], 6)
    assert (sorted(found.hashes), found.flat) == ([0, 1, 2], 1)
    assert [Path(error.where).name for error in found.unhashed] == ["d.png"]
    pairs = found.near_pairs(4)
    assert pairs.tolist() == [[0, 1]]
    (line,) = found.crossing(pairs, found.splits)
    assert (Path(line["where"]).name, Path(line["other"]).name, line["splits"]) == ("a.png", "b.jpg", ["train", "val"])
    assert list(found.crossing(pairs, ["train"] * 5)) == []


def test_without_hashes_no_picture_is_opened(tmp_path: Path) -> None:
    made = entries(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    found = survey(made, None, False)
    assert found.groups == [0, 1, 2, 3, 4]
    assert not found.unhashed
    assert found.near_pairs(4).shape == (0, 2)
