"""What a person rejected is kept, read back as it was, and void when what it was said of is no longer there."""

import json

import pytest

from faceir.data.check.finding import Finding
from faceir.data.check.rejected import FILE, Rejection, keep, read_rejected, read_rejections, without
from faceir.errors import InputError
from tests.data.check.samples import folder, line

BOX = (10.0, 20.0, 30.0, 45.126)
HEAD = "picture,rule,box,sha256\n"
PICTURE, SHA = "set/images/0.png", "0" * 64


def finding(code="box-size", xyxy=BOX, picture=PICTURE):
    return Finding(code, picture, "set/labels/0.txt", "", xyxy=xyxy)


@pytest.mark.parametrize("xyxy", [BOX, None])
def test_there_and_back(tmp_path, xyxy):
    items = folder(tmp_path, [line(BOX), line(BOX)])
    one = Rejection(PICTURE, "box-size", xyxy)
    assert keep(tmp_path, [one]) == keep(tmp_path, [one]) == 1
    others = [finding("box-aspect", xyxy), finding("box-size", None if xyxy else BOX)]
    others.append(finding(xyxy=xyxy, picture="set/images/1.png"))
    assert without([finding(xyxy=xyxy), *others], read_rejected(tmp_path), items, tmp_path) == others
    assert keep(tmp_path, [Rejection(PICTURE, "box-aspect", xyxy)]) == 2
    assert without([finding(xyxy=xyxy), *others], read_rejected(tmp_path), items, tmp_path) == others[1:]


def test_a_label_that_changes_voids_what_was_said_of_the_whole_picture(tmp_path):
    items = folder(tmp_path, [""])
    keep(tmp_path, [Rejection(PICTURE, "label-empty", None), Rejection(PICTURE, "face-unlabelled", BOX)])
    both = [finding("label-empty", None), finding("face-unlabelled")]
    assert without(both, read_rejected(tmp_path), items, tmp_path) == []
    items[0].label.write_text(line((50, 10, 60, 20)))
    assert without(both, read_rejected(tmp_path), items, tmp_path) == both[:1]
    items[0].picture.write_bytes(items[0].picture.read_bytes() + b"0")
    assert without(both, read_rejected(tmp_path), items, tmp_path) == both


def test_nothing_rejected_writes_nothing(tmp_path):
    assert keep(tmp_path, []) == 0
    assert not (tmp_path / FILE).exists()
    assert read_rejected(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", None),
        (HEAD, None),
        (f"{HEAD}\na,box-size,,{SHA}\n", None),
        ("a,b\n", ":1: is 'a,b'; wanted the heading"),
        (f"{HEAD}a,box-size,{SHA}\n", ":2: has 3 fields"),
        (f"{HEAD}a,no-rule,,{SHA}\n", ":2: names the rule 'no-rule'"),
        (f"{HEAD}a,box-size,,{SHA}\na,box-size,1 2 3,{SHA}\n", ":3: has the box"),
        (f"{HEAD}a,box-size,1 2 3 nan,{SHA}\n", ":2: has the box"),
        (f"{HEAD}a,box-size,1 2 3 4,{SHA[1:]}\n", ":2: has sha256"),
        (f'{HEAD}"a,box-size,,{SHA}\n', ":2: is no CSV"),
        (f"{HEAD}\udcff,box-size,,{SHA}\n", ":2: is no UTF-8"),
    ],
)
def test_what_is_no_file_of_rejections(tmp_path, text, part):
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    if part is None:
        read_rejected(tmp_path)
        return
    with pytest.raises(InputError) as error:
        read_rejected(tmp_path)
    assert part in str(error.value)


@pytest.mark.parametrize(
    "entry",
    [
        "x",
        {},
        {"picture": PICTURE, "code": "no-rule", "xyxy": None},
        {"picture": PICTURE, "code": "box-size", "xyxy": "1234"},
        {"picture": PICTURE, "code": "box-size", "xyxy": [1, 2, 3]},
        {"picture": "../0.png", "code": "box-size", "xyxy": None},
        {"picture": "set/images/9.png", "code": "box-size", "xyxy": None},
    ],
)
def test_rejections_that_are_none(tmp_path, entry):
    folder(tmp_path, [line(BOX)])
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"format": 1, "files": [], "rejected": [entry]}))
    with pytest.raises(InputError, match=r"rejected\[0\]"):
        read_rejections(path, tmp_path)
