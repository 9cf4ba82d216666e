"""Any to any: what both formats can say comes back, what the target cannot is counted, nothing is left half-written."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceir.boxes import clip
from faceir.data.convert import REPORT, Plan, parse_mapping
from faceir.data.convert import convert as run
from faceir.data.formats import guess
from faceir.data.kitti import walk
from faceir.data.pack import pack
from faceir.data.targets import TARGETS
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from tests.data.label_files import SIZE_WH, convert, faces, read_all, write_kitti

ATOL = {"kitti": 0.001, "coco": 0.002, "voc": 0.001, "yolo": 1e-4, "wider": 0.51, "csv": 0.0}
"""Pixels; float32 adds some 1e-5."""
SAYS = {
    "kitti": {"occlusion", "dont_care"},
    "coco": {"occlusion", "truncation", "track_ids", "dont_care"},
    "voc": {"occlusion", "truncation", "track_ids", "dont_care"},
    "yolo": set(),
    "wider": {"dont_care"},
    "csv": {"occlusion", "truncation", "track_ids", "dont_care"},
}
BOX = Detections([[10, 20, 50, 70]], occlusion=[3], truncation=[0.25])


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(faces(), min_size=1, max_size=3), st.sampled_from(list(TARGETS)), st.sampled_from(list(TARGETS)))
def test_there_and_back_by_any_two_formats(some: list[Detections], first: str, second: str) -> None:
    """From CSV, which holds all exactly, by `first` to `second`: what both can say is what it was."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_kitti(folder / "kitti", some)
        convert(folder / "kitti", folder / "csv", "csv")
        _put_exactly(folder / "csv" / "labels.csv", some)
        convert(folder / "csv", folder / "a", first)
        convert(folder / "a", folder / "b", second)
        found, classes = read_all(folder / "b", second)
    assert set(found) == {f"p{n}" for n in range(len(some))}
    says, atol = SAYS[first] & SAYS[second], ATOL[first] + ATOL[second] + 1e-4
    for n, given_faces in enumerate(some):
        wanted, came = _sayable(given_faces, {first, second}), found[f"p{n}"].faces
        np.testing.assert_array_less(np.abs(came.xyxy - wanted.xyxy), atol + _grown(wanted, {first, second}))
        names = [classes.named(label).lower() for label in came.labels.tolist()]
        assert names == [{-1: "dontcare", 0: "face", 1: "person_face"}[label] for label in wanted.labels.tolist()]
        for column in says - {"dont_care"}:
            sure = wanted.labels != DONT_CARE
            np.testing.assert_array_equal(getattr(came, column)[sure], getattr(wanted, column)[sure], column)


def _grown(wanted: Detections, formats: set[str]) -> Any:
    """`[N,4]`: by what WIDER's whole pixels may move the edges of a side that is below one pixel, as it becomes one."""
    low = wanted.xyxy[:, 2:] - wanted.xyxy[:, :2] < 1
    return 0.5 * np.tile(low, 2) * ("wider" in formats)


def _put_exactly(path: Path, some: list[Detections]) -> None:
    """Write the faces as they are, as KITTI cannot."""
    names = {-1: "DontCare", 0: "face", 1: "Person_face"}
    lines = [path.read_text().splitlines()[0]]
    for n, found in enumerate(some):
        head = f"images/cam/p{n}.png,cam,,{SIZE_WH[0]},{SIZE_WH[1]}"
        lines += [
            ",".join(map(str, [head, names[label], *box, occlusion, truncation, track, 1.0]))
            for label, box, occlusion, truncation, track in zip(
                found.labels.tolist(), found.xyxy.tolist(), found.occlusion.tolist(), found.truncation.tolist(),
                found.track_ids.tolist(), strict=True,
            )
        ] or [f"{head},,,,,,,,,"]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")


def _sayable(found: Detections, forms: set[str]) -> Detections:
    """What remains of faces by the words of docs/data.md."""
    if "wider" in forms:
        found = found[found.labels != 1]
    if "yolo" in forms:
        found = found[found.labels != DONT_CARE]
        cut = clip(found.xyxy, SIZE_WH)
        found = found.with_boxes(cut)[(cut[:, 2:] - cut[:, :2]).min(axis=1, initial=np.inf) >= 0.002]
    return found


@pytest.mark.parametrize("target", list(TARGETS))
def test_every_format_tells_what_it_cannot_say(tmp_path: Path, target: str) -> None:
    ignored = Detections([[1, 2, 30, 40], [5, 5, 20, 20]], labels=[DONT_CARE, 1], occlusion=[-1, 4])
    folder = write_kitti(tmp_path / "set", [BOX, ignored, Detections()])
    result = convert(folder, tmp_path / "out", target)
    lines = [json.loads(line) for line in (tmp_path / "out" / REPORT).read_text().splitlines()]
    named = Counter[str]()
    for line in lines:
        named[line["what"]] += line["faces"]
        assert Path(line["where"]).is_file()
    assert named == result.lost
    assert (result.pictures, result.faces) == (3, 1 if target == "wider" else 2)
    if target == "yolo":
        assert result.lost == {"DontCare region": 1, "occlusion": 2, "truncation": 1}
    if target == "wider":
        assert result.lost["occlusion but for none, partial, heavy"] == 1
        assert result.lost['face of a class other than "face"'] == 1
    pictures = list((tmp_path / "out").rglob("*.png"))
    assert sorted(p.read_bytes() for p in pictures) == sorted(p.read_bytes() for p in folder.rglob("*.png"))
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_faces_at_the_edge_are_cut_and_those_beyond_it_left_out(tmp_path: Path) -> None:
    some = Detections(
        [[-5, 10, 20, 30], [500, 10, 520, 30], [500, 10, 520, 30], [10, 10, 20, 20]], labels=[0, 0, DONT_CARE, 0]
    )
    result = convert(write_kitti(tmp_path / "set", [some]), tmp_path / "out", "yolo")
    assert result.lost == {
        "part of a face outside the picture": 1,
        "face outside the picture": 1,
        "DontCare region": 1,
    }
    (entry,) = read_all(tmp_path / "out")[0].values()
    np.testing.assert_allclose(entry.faces.xyxy, [[0, 10, 20, 30], [10, 10, 20, 20]], atol=1e-4)


def test_classes_are_renamed_and_others_left_out(tmp_path: Path) -> None:
    some = Detections([[1, 2, 30, 40], [5, 5, 20, 20]], labels=[0, 1])
    folder = write_kitti(tmp_path / "set", [some])
    result = convert(folder, tmp_path / "out", "csv", mapping={"PERSON_face": "head"})
    assert result.classes == ["head"]
    assert result.lost == {"class face, which --map does not name": 1}
    found, classes = read_all(tmp_path / "out")
    assert (classes.names, found["p0"].faces.xyxy.tolist()) == (["head"], [[5, 5, 20, 20]])
    convert(folder, tmp_path / "ignored", "csv", mapping={"face": "DontCare"})
    assert read_all(tmp_path / "ignored")[0]["p0"].faces.labels.tolist() == [DONT_CARE]


def test_what_is_broken_is_named_and_the_rest_converted(tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "set", [BOX] * 4)
    (folder / "cam" / "labels" / "p1.txt").write_text("face 0 0\n")
    (folder / "cam" / "images" / "p2.png").write_bytes(b"")
    (folder / "cam" / "labels" / "q.txt").write_text("")
    result = convert(folder, tmp_path / "out", "yolo")
    assert (result.pictures, result.skips) == (1 + 1, 3)
    skipped = [json.loads(line) for line in (tmp_path / "out" / REPORT).read_text().splitlines()]
    where = [line["where"] for line in skipped if line["kind"] == "skipped"]
    assert [Path(w).name for w in where] == ["p1.txt:1", "p2.png", "q.txt"]
    assert sorted(p.stem for p in (tmp_path / "out" / "labels").rglob("*.txt")) == ["p0", "p3"]


def test_existing_output_and_folders_within_are_refused(tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "set", [BOX])
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "x").write_text("mine")
    for out in (tmp_path / "there", folder / "sub", folder):
        with pytest.raises(InputError, match=r"exists|lies within"):
            convert(folder, out, "coco")
    assert (tmp_path / "there" / "x").read_text() == "mine"
    (folder / "cam" / "images" / "p0.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"nothing could be converted, 1 skipped, first: .*p0\.png"):
        convert(folder, tmp_path / "new", "coco")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set", "there"]


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "set", [BOX, BOX])

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Plan(folder, "kitti", tmp_path / "out", "voc"), stop)
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_pictures_are_linked_or_left(tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "set", [BOX])
    convert(folder, tmp_path / "link", "kitti", pictures="link")
    (linked,) = (tmp_path / "link").rglob("*.png")
    assert linked.is_symlink()
    assert linked.resolve() == (folder / "cam" / "images" / "p0.png").resolve()
    convert(folder, tmp_path / "none", "coco", pictures="none")
    assert not list((tmp_path / "none").rglob("*.png"))
    assert read_all(tmp_path / "none")[0]["p0"].frame().gray.shape == SIZE_WH[::-1]


def test_shards_and_sets_of_one_name(tmp_path: Path) -> None:
    """Two sets hold p0: in a flat format the second has a number; names and sets cannot lead out of the folder."""
    folder = write_kitti(tmp_path / "set", [BOX, BOX])
    other = write_kitti(tmp_path / "other", [Detections()])
    (other / "cam").rename(folder / "cam2")
    rows = "".join(
        f"cam{c}/images/p0.png,../../x{c},free,{s},night\n" for c, s in (("", "train"), ("2", "val"))
    )  # fmt: skip
    (folder / "manifest.csv").write_text(f"picture,set,terms,split,light\n{rows}")
    pack(walk(folder), folder, tmp_path / "shards")
    result = convert(tmp_path / "shards", tmp_path / "voc", "voc")
    assert {p.stem for p in (tmp_path / "voc").rglob("*.xml")} == {"p0", "p0-2"}
    assert result.splits == {"train": 1, "val": 1}
    assert {e.split for e in read_all(tmp_path / "voc")[0].values()} == {"train", "val"}
    convert(folder, tmp_path / "kitti", "kitti")
    assert sorted(p.relative_to(tmp_path / "kitti").as_posix() for p in (tmp_path / "kitti").rglob("*.png")) == [
        "x/images/p0.png",
        "x2/images/p0.png",
    ]
    assert [item.about["light"] for item in walk(tmp_path / "kitti")] == ["night"] * 2


def test_provenance_goes_along(tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "set", [BOX])
    (folder / "sources.toml").write_text("[sets]\n")
    convert(folder, tmp_path / "out", "coco")
    assert (tmp_path / "out" / "sources.toml").read_text() == "[sets]\n"


def test_mapping_is_told_apart() -> None:
    assert parse_mapping(["a = b", "c=d"]) == {"a": "b", "c": "d"}
    for wrong in ("a", "a=", "=b", "a=b=c"):
        with pytest.raises(InputError, match="OLD=NEW"):
            parse_mapping([wrong])


def test_written_folders_are_recognised(tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "set", [BOX])
    for target in TARGETS:
        convert(folder, tmp_path / target, target)
        assert guess(tmp_path / target) == target


def test_size_of_a_picture_that_a_flag_turns(tmp_path: Path) -> None:
    """The label's shares are of the picture as it is decoded, on its side."""
    data = cv2.imencode(".jpg", np.zeros((40, 80), np.uint8))[1].tobytes()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    turned = data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]
    for name in ("images", "labels"):
        (tmp_path / "yolo" / name).mkdir(parents=True)
    (tmp_path / "yolo" / "images" / "a.jpg").write_bytes(turned)
    (tmp_path / "yolo" / "labels" / "a.txt").write_text("0 0.5 0.5 1 1\n")
    (entry,) = read_all(tmp_path / "yolo")[0].values()
    assert entry.frame().gray.shape == (80, 40) == entry.size_wh[::-1]
    assert entry.faces.xyxy.tolist() == [[0, 0, 40, 80]]
