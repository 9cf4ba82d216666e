from __future__ import annotations

import pytest

from faceir.errors import SpecError
from faceir.runtime.deepstream.keyfile import parse
from faceir.runtime.deepstream.keys import find_group
from faceir.runtime.deepstream.section import Note, Section, merged, notes
from faceir.runtime.deepstream.tables import APP, INFER


def told(text: str) -> list[str]:
    return [str(note) for note in notes(parse(text.encode(), "x"), APP)]


def section(name: str, text: str) -> Section:
    known = find_group((*INFER, *APP), name)
    assert known is not None
    return Section("dir/x", known, parse(f"[{name}]\n{text}".encode(), "dir/x").get(name))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[osd]\nenable=1", []),
        ("[osdd]\nenable=1", ["x:1: [osdd] is unknown; did you mean [osd]?"]),
        ("[osd]\nborderwidth=1", ["x:2: borderwidth is unknown; did you mean border-width?"]),
        ("[osd]\nfont=Arial", ["x:2: font has no meaning here because there is one font"]),
        ("[dewarper]\nanything=1", ["x:1: [dewarper] has no meaning here because pictures are taken as they come"]),
        ("[source0]\nsmart-record-video-cache=1", [
            "x:2: smart-record-video-cache has no meaning here because a sink of type 3 records all the time, nothing "
            "starts and ends on events"]),
    ],
)  # fmt: skip
def test_what_does_not_act_is_told(text: str, wanted: list[str]) -> None:
    assert told(text) == wanted


def test_each_key_is_told_once() -> None:
    text = "".join(f"[source{n}]\ngpu-id=0\n" for n in range(5)) + "[osd]\ngpu-id=0\n"
    assert [note.split(" has")[0] for note in told(text)] == ["x:2: gpu-id (6 times)"]
    note = Note("unknown", "x:1", "a", "b", times=2)
    assert merged([note, note])[0].times == 4


def test_a_name_like_no_other_is_told_with_all() -> None:
    (note,) = told("[tests]\nqqq=1")
    assert "file-loop, pipeline-recreate-sec" in note
    (note,) = told("[tracker]\nqqq=1")
    assert note.endswith("docs/deepstream.md has all that are known"), "a long list is not read by anybody"


def test_defaults_and_values() -> None:
    s = section("osd", "text-color=0;0;0;1\n")
    assert (s.integer("border-width"), s.flag("display-text"), s.colour("text-color")) == (1, True, (0, 0, 0, 1))
    assert s.colour("text-bg-color") is None
    s = section("property", "onnx-file=../m.onnx\ninfer-dims=3;240;384\nnet-scale-factor=0.5\n")
    assert (str(s.path("onnx-file")), s.items("infer-dims"), s.number("net-scale-factor")) == (
        "dir/../m.onnx", (3, 240, 384), 0.5)  # fmt: skip
    with pytest.raises(SpecError, match="has no num-detected-classes"):
        s.integer("num-detected-classes")


def test_later_groups_win() -> None:
    known = find_group(INFER, "class-attrs-all")
    assert known is not None
    file = parse(b"[class-attrs-all]\ntopk=1\neps=0.5\n[class-attrs-0]\ntopk=2\n", "x")
    s = Section("x", known, *file.groups)
    assert (s.integer("topk"), s.number("eps"), s.number("pre-cluster-threshold")) == (2, 0.5, 0.2)
    assert s.where("topk") == "x:5"


@pytest.mark.parametrize(
    ("group", "line", "words"),
    [
        ("sink0", "type=9", "1, 2, 3, 4, 5, 6"),
        ("sink0", "rtsp-port=70000", "1..65535"),
        ("streammux", "batch-size=many", "a whole number"),
        ("osd", "text-color=1;1;1", "red;green;blue;alpha"),
        ("primary-gie", "bbox-border-color3=9;9;9;9", "red;green;blue;alpha"),
        ("class-attrs-0", "nms-iou-threshold=1.5", "0..1"),
        ("source0", "uri=a\\q", "backslash"),
    ],
)
def test_a_wrong_value_is_told_with_its_line(group: str, line: str, words: str) -> None:
    with pytest.raises(SpecError) as error:
        section(group, line)
    assert error.value.where == "dir/x:2"
    assert line.partition("=")[0] in error.value.came
    assert words in str(error.value)
