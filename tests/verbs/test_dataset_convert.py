"""`faceir dataset convert`: what it prints, splits that keep together what belongs together, one-line mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import pytest

from faceir.cli import main
from faceir.data.kitti import walk
from tests.data.test_duplicates import picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four cameras of five pictures; each camera's last picture is another print of the next camera's first."""
    for camera in range(4):
        for name in ("images", "labels"):
            (tmp_path / "set" / f"cam{camera}" / name).mkdir(parents=True)
        for n in range(5):
            seed = camera * 4 + n if n < 4 else (camera + 1) * 4 % 16
            path = tmp_path / "set" / f"cam{camera}" / "images" / f"person{n % 2}_{camera}{n}.jpg"
            cv2.imwrite(str(path), picture(seed), [cv2.IMWRITE_JPEG_QUALITY, 60 + 5 * n])
            line = "face 0.25 3 0 30 20 60 60 0 0 0 0 0 0 0\nDontCare 0 0 0 1 1 5 5 0 0 0 0 0 0 0\n"
            (path.parent.parent / "labels" / f"{path.stem}.txt").write_text(line)
    return tmp_path / "set"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main(["dataset", "convert", *map(str, arguments)])
    return int(end.value.code or 0)


def splits(out: Path) -> dict[str, str]:
    return {item.picture.stem: item.about["split"] for item in walk(out)}


def test_what_the_target_cannot_say_is_printed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "-o", tmp_path / "out", "--to", "yolo") == 0
    said = capsys.readouterr().out
    for line in (
        "20 pictures, 20 faces (face), kitti to yolo",
        "yolo cannot say: occlusion: 20",
        "yolo cannot say: DontCare region: 20",
        "yolo cannot say: truncation: 20",
    ):
        assert line in said
    assert len((tmp_path / "out" / "conversion.jsonl").read_text().splitlines()) == 60
    assert run(tmp_path / "out", "-o", tmp_path / "back", "--to", "coco", "--map", "face=head", "--no-pictures") == 0
    assert "20 faces (head), yolo to coco" in capsys.readouterr().out


def test_a_split_by_group_keeps_cameras_together(folder: Path, tmp_path: Path) -> None:
    """Then near-duplicates across are listed; moved, they join cameras: here all four, so that nothing validates."""
    out = tmp_path / "out"
    split = ("--to", "kitti", "--split-val", 25, "--group-by", "source")
    assert run(folder, "-o", out, *split, "--near-duplicates", "list") == 0
    sides = {}
    for item in walk(out):
        sides.setdefault(item.source, set()).add(item.about["split"])
    assert sorted(map(sorted, sides.values())) == [["train"]] * 3 + [["val"]]
    lines = [json.loads(line) for line in (out / "conversion.jsonl").read_text().splitlines()]
    near = [line for line in lines if line["kind"] == "near-duplicate"]
    assert len(near) == 2  # the camera's first with the one before, its last with the one after
    assert run(folder, "-o", tmp_path / "moved", *split, "--near-duplicates", "move") == 0
    assert set(splits(tmp_path / "moved").values()) == {"train"}


def test_near_duplicates_are_kept_on_one_side(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for mode in ("random", "tao"):
        options = ("--split-val", 40, "--split-mode", mode, "--near-duplicates")
        assert run(folder, "-o", tmp_path / mode, "--to", "kitti", *options, "move") == 0
        assert re.search(r"near-duplicates: 4 pairs, 0 of them across", capsys.readouterr().out)
        assert list(splits(tmp_path / mode).values()).count("val") >= 4


def test_tao_and_sequences(folder: Path, tmp_path: Path) -> None:
    assert run(folder, "-o", tmp_path / "tao", "--to", "kitti", "--split-val", 25, "--split-mode", "tao") == 0
    assert {stem for stem, split in splits(tmp_path / "tao").items() if split == "val"} == {
        f"person{n % 2}_0{n}" for n in range(5)
    }
    stems = sorted(splits(tmp_path / "tao"))
    (tmp_path / "s.json").write_text(json.dumps({stem[:7]: [s for s in stems if s[:7] == stem[:7]] for stem in stems}))
    sequence = ("--split-mode", "sequence", "--split-sequences", tmp_path / "s.json", "--split-folds", 2)
    assert run(folder, "-o", tmp_path / "seq", "--to", "kitti", *sequence) == 0
    assert {(stem[:7], split) for stem, split in splits(tmp_path / "seq").items()} == {
        ("person0", "val"),
        ("person1", "train"),
    }


def test_skipped_pictures_are_named_and_the_exit_code_is_1(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = next((folder / "cam0" / "labels").iterdir())
    broken.write_text("face 1 2 3\n")
    assert run(folder, "-o", tmp_path / "out", "--to", "csv") == 1
    shown = capsys.readouterr()
    assert f"{broken}:1" in shown.err
    assert "19 pictures" in shown.out
    assert "skipped: 1" in shown.out


def test_mistakes_are_one_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    for options, part in (
        (("--copy", "--link"), "one of them"),
        (("--map", "face"), "OLD=NEW"),
        (("--group-by", "source"), "--split-val 20"),
        (("--near-duplicates", "move"), "--split-val 20"),
        (("--split-mode", "sequence"), "--split-sequences FILE"),
        (("--split-val", 20, "--group-by", "person"), "no 'person'"),
        (("--split-sequences", "x"), "--split-mode sequence"),
        (("--from", "voc"), "nothing could be converted"),
        (("--images", tmp_path), "no --images"),
    ):
        assert run(folder, "-o", out, "--to", "coco", *options) == 1
        error = capsys.readouterr().err
        assert part in error
        assert len(error.strip().splitlines()) == 1
        assert not out.exists()
