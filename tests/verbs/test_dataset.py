"""`faceir dataset view`: a sheet of what is there, or one line on what is not."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.cli import main


@pytest.fixture
def folder(tmp_path):
    for name in ("images", "labels"):
        (tmp_path / "set" / name).mkdir(parents=True)
    for n in range(5):
        cv2.imwrite(str(tmp_path / "set" / "images" / f"{n}.png"), np.full((90, 120, 3), 40 * n, np.uint8))
        line = "face 0.00 0 0.00 30 20 60 60 0 0 0 0 0 0 0\n"
        (tmp_path / "set" / "labels" / f"{n}.txt").write_text(line if n else "")
    return tmp_path / "set"


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["dataset", "view", *map(str, arguments)])
    return end.value.code


def test_a_sheet_of_what_is_stored(folder, tmp_path, capsys):
    out = tmp_path / "sheet.png"
    assert run("-d", folder, "-o", out, "-n", 4) == 0
    assert "4 of 5 pictures" in capsys.readouterr().out
    assert cv2.imread(str(out)).any()
    first = out.read_bytes()
    assert run("-d", folder, "-o", out, "-n", 4) == 0
    assert out.read_bytes() == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set", "sheet.png"]


def test_a_sheet_of_what_training_sees(folder, tmp_path):
    spec = Path(__file__).parents[2] / "specs" / "train_ir_half.txt"
    out = tmp_path / "sheet.png"
    assert run("-d", folder, "-o", out, "--augmented", "-e", spec, "-n", 3) == 0
    assert cv2.imread(str(out)).shape[1] > 3 * 384


def test_mistakes_are_one_line(folder, tmp_path, capsys):
    for arguments, part in (
        (("-d", folder, "-o", tmp_path / "a.bmp"), ".png"),
        (("-d", folder, "-o", tmp_path / "a.png", "--augmented"), "add -e SPEC"),
        (("-d", folder, "-o", tmp_path / "a.png", "--source", "x"), "no picture is of x"),
        (("-d", tmp_path / "none", "-o", tmp_path / "a.png"), "is not a folder"),
    ):
        assert run(*arguments) == 1
        error = capsys.readouterr().err
        assert part in error
        assert len(error.strip().splitlines()) == 1


def test_an_unreadable_picture_is_named_and_the_others_shown(folder, tmp_path, capsys):
    (folder / "images" / "2.png").write_bytes(b"no picture")
    assert run("-d", folder, "-o", tmp_path / "a.png") == 1
    shown = capsys.readouterr()
    assert "2.png" in shown.err
    assert "4 of 5" in shown.out
