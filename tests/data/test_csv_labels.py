"""CSV: numbers come back to the bit, headers of other programs, and rows that are wrong or apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from faceir.data import csv_labels
from faceir.data.entry import Classes, Entry
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import Frame
from tests.data.label_files import CLASSES, faces

HEAD = ",".join(csv_labels.COLUMNS)


def read(path: Path, text: str) -> list[Entry | Exception]:
    path.write_text(text)
    return list(csv_labels.read(path, Classes()))


@given(found=faces())
def test_there_and_back_to_the_bit(tmp_path_factory: pytest.TempPathFactory, found: Detections) -> None:
    folder = tmp_path_factory.mktemp("csv")
    with csv_labels.Writer(folder / "labels.csv", Classes(CLASSES)) as writer:
        for name in ("a.png", "b, c.png"):
            frame = Frame.of(np.zeros((9, 12), np.uint8), detections=found, source=str(folder / name))
            writer.write(frame, "cam", "val")
    a, b = csv_labels.read(folder / "labels.csv", Classes(CLASSES))
    assert isinstance(a, Entry)
    assert isinstance(b, Entry)
    assert a.faces == b.faces == found
    assert (b.item.picture, b.item.source, b.split, b.size_wh) == (folder / "b, c.png", "cam", "val", (12, 9))


@pytest.mark.parametrize(
    "text",
    [
        "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,9,9,head,1,2,3,4\n",
        "a.jpg,1,2,3,4,head\n",
        "\ufeffimage_path, label ,x1,y1,x2,y2\na.jpg,head,1,2,3,4\n\n",
    ],
)
def test_files_of_other_programs(tmp_path: Path, text: str) -> None:
    (entry,) = read(tmp_path / "l.csv", text)
    assert isinstance(entry, Entry)
    assert entry.item.picture == tmp_path / "a.jpg"
    assert entry.faces == Detections([[1, 2, 3, 4]])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "l.csv:1: lacks the columns picture, x1, x2, y1, y2"),
        ("picture,x1,x1,y1,x2,y2\n", "names a column twice"),
        ("\n", "lacks the columns"),
        ("a.jpg,1,2,3,4,f\nb.jpg,1,2,3,4,f\na.jpg,1,2,3,4,f\n", "l.csv:3: 'a.jpg' had rows above"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path / "l.csv", text)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a.jpg,,,,,face,1,2,x,4,,,,", "x2 is 'x'"),
        ("a.jpg,,,,,face,5,2,1,4,,,,", "inverted"),
        ("a.jpg,,,,,face,1,2,3,4,12,,,", "occlusion 12"),
        ("a.jpg,,,,,face,1,2,3,4,1.5,,,", "occlusion is '1.5'"),
        ("a.jpg,,,,,face,1,2,3", "has 9 columns"),
        ("a.jpg,,,w,,face,1,2,3,4,,,,", "width is 'w'"),
        (",,,,,face,1,2,3,4,,,,", "names no picture"),
    ],
)
def test_a_broken_row_costs_its_picture(tmp_path: Path, row: str, says: str) -> None:
    error, entry = read(tmp_path / "l.csv", f"{HEAD}\n{row}\nb.jpg,,,,,face,1,2,3,4,,,,\n")
    assert isinstance(error, InputError)
    assert isinstance(entry, Entry)
    assert says in str(error)
    assert error.where.endswith("l.csv:2")
