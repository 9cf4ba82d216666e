"""A folder in which no labelled picture is found: what lies there is said, and what to type."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.data import formats, layout
from faceir.data.folder import find
from faceir.data.layout import what_lies_in
from faceir.errors import InputError

KITTI = "face 0.00 0 0.00 10.0 20.0 30.0 50.0 0 0 0 0 0 0 0\n"
YOLO = "0 0.5 0.5 0.2 0.2\n"
COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 60, "height": 40}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 20, 15]}],
        "categories": [{"id": 1, "name": "face"}],
    }
)
VOC = "<annotation><filename>a.jpg</filename></annotation>"


def write(top: Path, files: dict[str, str]) -> Path:
    """`files` below `top`: those that end like a picture are one."""
    top.mkdir(exist_ok=True)
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".jpg":
            cv2.imwrite(str(path), np.full((40, 60, 3), 90, np.uint8))
        else:
            path.write_text(text)
    return top


@pytest.mark.parametrize(
    ("files", "came", "do"),
    [
        ({}, "it is empty", ""),
        ({"a/b.bin": ""}, "the one file in it is no picture", ""),
        ({"notes.md": "", "a/b.bin": ""}, "2 files in it are no pictures", ""),
        (
            {"x/y/images/a.jpg": "", "x/y/labels/a.txt": KITTI},
            "x/y/images with 1 picture lies deeper",
            "name {top}/x/y",
        ),
        (
            {"x/y/images/a.jpg": "", "x/z/image_2/a.jpg": "", "x/z/image_2/b.jpg": ""},
            "x/y/images with 1 picture lies deeper, and 1 more",
            "name {top}/x",
        ),
        (
            {"x/y/images/a.jpg": "", "w/z/images/a.jpg": ""},
            "w/z/images with 1 picture lies deeper, and 1 more in several folders",
            "name each of {top}/w, {top}/x",
        ),
        ({"train/a.jpg": "", "annotations/train.json": COCO}, "COCO labels (annotations/train.json)", "{convert}"),
        ({"a.jpg": "", "labels.json": COCO}, "COCO labels (labels.json)", "{convert}"),
        ({"coco/labels.json": COCO}, "COCO labels (coco/labels.json)", "convert {top}/coco -o top-kitti"),
        ({"JPEGImages/a.jpg": "", "Annotations/a.xml": VOC}, "VOC labels (Annotations/a.xml)", "{convert}"),
        ({"wider_face_val_bbx_gt.txt": "", "p/a.jpg": ""}, "WIDER labels (wider_face_val_bbx_gt.txt)", "{convert}"),
        ({"labels.csv": "picture", "p/a.jpg": ""}, "CSV labels (labels.csv)", "{convert}"),
        ({"x-fold-000-of-002": ""}, "TFRecords (x-fold-000-of-002)", "{convert} --images PICTURES"),
        ({"images/val/a.jpg": "", "labels/val/a.txt": YOLO}, "YOLO labels (labels/val/a.txt)", "{convert}"),
        (
            {"images/val/a.jpg": "", "labels/val/a.txt": KITTI},
            "1 picture lies in images/val",
            "give each folder of pictures its own images/ and labels/, such as val/images",
        ),
        (
            {"a.jpg": "", "a.txt": YOLO},
            "1 picture lies directly in it with YOLO labels beside them (a.txt)",
            "{convert}",
        ),
        (
            {"a.jpg": "", "a.txt": KITTI, "b.jpg": ""},
            "with 1 label files beside them",
            "move the pictures into images/",
        ),
        (
            {"a.jpg": "", "b.jpg": "", "Images/c.jpg": ""},
            "2 pictures lie directly in it, and others in 1 more, without a label file beside them",
            "faceir detect {top}/images -o {top} --kitti --no-draw",
        ),
        ({"results.json": "{}", "Images/c.jpg": ""}, "1 picture lies in Images", "move the pictures into images/"),
    ],
)
def test_what_lies_there_and_what_to_type(tmp_path: Path, files: dict[str, str], came: str, do: str) -> None:
    top = write(tmp_path / "top", files)
    told = what_lies_in(top)
    assert came in told[0]
    convert = f"faceir dataset convert {top} -o top-kitti --to kitti"
    assert do.format(top=top, convert=convert) in told[1]
    with pytest.raises(InputError, match="holds no labelled picture") as error:
        find(top)
    assert came in str(error.value)
    assert "wanted images/NAME.jpg and labels/NAME.txt (or image_2, label_2), here or one folder deeper" in str(
        error.value
    )


def test_the_folder_of_the_pictures_itself(tmp_path: Path) -> None:
    top = write(tmp_path / "top", {"image_2/a.jpg": "", "label_2/a.txt": KITTI})
    assert what_lies_in(top / "image_2") == ("it is itself the folder image_2 of the pictures", f"name {top}")


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"train/a.jpg": "", "annotations/train.json": COCO}, "coco"),
        ({"JPEGImages/a.jpg": "", "Annotations/a.xml": VOC}, "voc"),
        ({"wider_face_val_bbx_gt.txt": ""}, "wider"),
        ({"labels.csv": "picture"}, "csv"),
        ({"images/val/a.jpg": "", "labels/val/a.txt": YOLO}, "yolo"),
    ],
)
def test_the_command_finds_the_format_that_was_named(tmp_path: Path, files: dict[str, str], name: str) -> None:
    top = write(tmp_path / "top", files)
    assert what_lies_in(top)[0].startswith(f"it holds {name.upper()} labels")
    assert formats.guess(top) == name


def test_a_large_tree_is_not_walked_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_MOST_FILES", 2)
    files = {f"{a}/{b}/{n}.bin": "" for a in "ab" for b in "ab" for n in range(3)}
    assert what_lies_in(write(tmp_path / "top", files))[0] == "the first 3 files in it are no pictures"
    deep = write(tmp_path / "deep", {"1/2/3/4/5/images/a.jpg": ""})
    assert what_lies_in(deep) == ("no file lies in its first 4 folders down", "")
