"""Pascal VOC: what is written is XML that another parser reads; what is broken is named."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from faceir.data import voc
from faceir.data.entry import Classes, Entry
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from faceir.flow import Frame

OBJECT = (
    "<object><name>{name}</name>{more}"
    "<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>30</xmax><ymax>50</ymax></bndbox></object>"
)


def write(folder: Path, text: str, name: str = "a") -> Path:
    path = folder / "Annotations" / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(folder: Path) -> tuple[list[Entry | Exception], Classes]:
    classes = Classes()
    return list(voc.read(folder, classes)), classes


def test_elementtree_finds_what_was_written(tmp_path: Path) -> None:
    faces = Detections(
        [[1.5, 2, 30, 40.125], [0, 0, 5, 5]], labels=[0, DONT_CARE], occlusion=[4, -1], truncation=[0.5, -1]
    )
    source = str(tmp_path / "JPEGImages" / "a&b.jpg")
    with voc.Writer(tmp_path, Classes(["<face>"])) as writer:
        writer.write(Frame.of(np.zeros((60, 80), np.uint8), detections=faces, source=source))
    root = ElementTree.parse(tmp_path / "Annotations" / "a&b.xml").getroot()
    assert (root.findtext("filename"), root.findtext("size/width"), root.findtext("size/height")) == (
        "a&b.jpg",
        "80",
        "60",
    )
    one, other = root.findall("object")
    assert [float(edge.text or "") for edge in one.find("bndbox") or ()] == [1.5, 2, 30, 40.125]
    assert one.findtext("bndbox/ymin") == "2"
    assert [one.findtext(flag) for flag in ("name", "truncated", "occluded", "difficult")] == ["<face>", "1", "1", "0"]
    assert other.findtext("difficult") == "1"


def test_flags_levels_and_the_first_pixel(tmp_path: Path) -> None:
    """A flag of 0 is level 0, of 1 no level; difficult is to be ignored; PASCAL's own files count from 1."""
    more = "<occluded>1</occluded><truncated>0</truncated>"
    things = OBJECT.format(name="Face", more=more) + OBJECT.format(name="face", more="<difficult>1</difficult>")
    write(tmp_path, f"<annotation><filename>x.png</filename>{things}</annotation>")
    of_pascal = "<source><annotation>PASCAL VOC2007</annotation></source>"
    write(tmp_path, f"<annotation>{of_pascal}{OBJECT.format(name='face', more='')}</annotation>", "b")
    (first, second), classes = read(tmp_path)
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert first.item.picture == tmp_path / "JPEGImages" / "x.png"
    assert classes.names == ["Face"]
    assert first.faces.labels.tolist() == [0, DONT_CARE]
    assert (first.faces.occlusion[0], first.faces.truncation[0]) == (-1, 0)
    assert first.faces.xyxy[0].tolist() == [10, 20, 30, 50]
    assert second.faces.xyxy.tolist() == [[9, 19, 30, 50]]


def test_splits_are_lists_of_names(tmp_path: Path) -> None:
    for name in ("a", "b c", "d"):
        write(tmp_path, "<annotation/>", name)
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a  1\nb c\n")
    (lists / "val.txt").write_text("d -1\n")
    entries, _ = read(tmp_path)
    assert [entry.split for entry in entries if isinstance(entry, Entry)] == ["train", "train", "val"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<annotation>", "is no XML"),
        ("", "is no XML"),
        ("<html/>", "is <html>; wanted <annotation>"),
        ('<!DOCTYPE a [<!ENTITY b "b">]><annotation>&b;</annotation>', "defines entities"),
        (f"<annotation>{OBJECT.format(name='', more='')}</annotation>", "object 1: has no name"),
        (f"<annotation>{OBJECT.format(name='f', more='').replace('10', 'x')}</annotation>", "object 1: xmin is 'x'"),
        (f"<annotation>{OBJECT.format(name='f', more='').replace('10', '90')}</annotation>", "inverted or empty"),
        (f"<annotation>{OBJECT.format(name='f', more='').replace('10', 'nan')}</annotation>", "xmin is nan"),
        ("<annotation><object><name>f</name></object></annotation>", "xmin is None"),
        (f"<annotation>{OBJECT.format(name='f', more='<occlusion>12</occlusion>')}</annotation>", "occlusion 12"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    (error,), _ = read(tmp_path)
    assert isinstance(error, InputError)
    assert says in str(error)
    assert str(path) in error.where
