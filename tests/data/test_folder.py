"""Labelled pictures of a folder: as they lie, or as a manifest lists them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.data.folder import Filter, find
from faceir.errors import InputError

LINE = "face 0.00 0 0.00 10.0 20.0 30.0 50.0 0 0 0 0 0 0 0"


def make_set(top: Path, names: tuple[str, ...] = ("b", "a")) -> Path:
    for name in names:
        (top / "images").mkdir(parents=True, exist_ok=True)
        (top / "labels").mkdir(exist_ok=True)
        cv2.imwrite(str(top / "images" / f"{name}.jpg"), np.full((40, 60, 3), 90, np.uint8))
        (top / "labels" / f"{name}.txt").write_text(LINE + "\n")
    return top


def test_a_folder_and_a_folder_of_folders(tmp_path):
    one = make_set(tmp_path / "one")
    make_set(tmp_path / "two", ("c",))
    assert [item.picture.name for item in find(one)] == ["a.jpg", "b.jpg"]
    assert [(i.source, i.picture.name) for i in find(tmp_path)] == [
        ("one", "a.jpg"), ("one", "b.jpg"), ("two", "c.jpg"),
    ]  # fmt: skip


def test_kitti_s_own_folder_names(tmp_path):
    make_set(tmp_path)
    (tmp_path / "images").rename(tmp_path / "image_2")
    (tmp_path / "labels").rename(tmp_path / "label_2")
    items = find(tmp_path)
    assert [item.label.exists() for item in items] == [True, True]


def test_a_manifest_chooses(tmp_path):
    make_set(tmp_path / "one")
    (tmp_path / "manifest.csv").write_text(
        "picture,set,terms,split\none/images/a.jpg,one,free,train\none/images/b.jpg,one,research,val\n"
    )
    assert [i.picture.name for i in find(tmp_path, Filter(split="val"))] == ["b.jpg"]
    assert [i.picture.name for i in find(tmp_path, Filter(terms=["free"]))] == ["a.jpg"]
    with pytest.raises(InputError, match="holds no labelled picture"):
        find(tmp_path, Filter(exclude_set=["one"]))
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(manifest.read_text(), encoding="utf-8-sig")
    assert len(find(tmp_path)) == 2


def test_bad_folders(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        find(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no labelled picture"):
        find(tmp_path)
    make_set(tmp_path)
    with pytest.raises(InputError, match=r"manifest\.csv: does not exist"):
        find(tmp_path, Filter(split="val"))
    (tmp_path / "manifest.csv").write_text("picture,set\n")
    with pytest.raises(InputError, match="lacks the column split, terms"):
        find(tmp_path)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (b"one/images/a.jpg,one,free", "line 3 has other columns"),
        (b"one/images/a.jpg,one,free,train,more", "line 3 has other columns"),
        (b",one,free,train", "line 3 names no picture"),
        (b"one/a\0.jpg,one,free,train", r"line 3 names no picture|cannot be read"),
        (b"one/\xff.jpg,one,free,train", "cannot be read"),
    ],
)
def test_a_broken_manifest(tmp_path, row, told):
    make_set(tmp_path / "one")
    head = b"picture,set,terms,split\none/images/b.jpg,one,free,train\n"
    (tmp_path / "manifest.csv").write_bytes(head + row + b"\n")
    with pytest.raises(InputError, match=rf"manifest\.csv: .*({told})"):
        find(tmp_path)
