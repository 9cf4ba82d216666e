"""`faceir dataset stats`: tables, files, and one line for each mistake."""

import json

import cv2
import numpy as np
import pytest

from faceir.cli import main


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["dataset", "stats", *map(str, arguments)])
    return end.value.code


@pytest.fixture
def folder(tmp_path):
    for name in ("images", "labels"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for n in range(3):
        cv2.imwrite(str(tmp_path / "data" / "images" / f"{n}.png"), np.full((240, 384), 40 + 60 * n, np.uint8))
        text = "face 0 0 0 100 50 140 100 0 0 0 0 0 0 0\n" * n
        (tmp_path / "data" / "labels" / f"{n}.txt").write_text(text)
    return tmp_path / "data"


def test_tables_and_files(folder, tmp_path, capsys):
    out, png, page = (tmp_path / name for name in ("a.json", "a.png", "a.html"))
    assert run("-d", folder, "--json", out, "--png", png, "--html", page) == 0
    assert "3 pictures with 3 faces" in capsys.readouterr().out
    document = json.loads(out.read_text())
    assert (document["dataset"], document["faces"], document["looked_at"]) == ("data", 3, 3)
    assert cv2.imread(str(png)) is not None
    assert "data:image/png" in page.read_text()


@pytest.mark.slow
def test_shards_are_counted_like_their_folder(folder, tmp_path):
    (folder / "labels" / "0.txt").unlink()
    rng = np.random.default_rng(0)
    cv2.imwrite(str(folder / "images" / "1.png"), rng.integers(0, 255, (120, 200, 3), np.uint8))
    with pytest.raises(SystemExit):
        main(["dataset", "pack", "-d", str(folder), "-o", str(tmp_path / "shards" / "data"), "--per-shard", "2"])
    made = []
    for where in (folder, tmp_path / "shards" / "data"):
        out, page = where.with_suffix(".json"), where.with_suffix(".html")
        assert run("-d", where, "--json", out, "--html", page, "--sample", "2") == 0
        made.append((json.loads(out.read_text()), page.read_text()))
    assert made[0] == made[1]
    assert made[0][0]["looked_at"] == 2


def test_what_cannot_be_read_is_named(folder, capsys):
    (folder / "labels" / "1.txt").write_text("nonsense")
    assert run("-d", folder) == 1
    assert "1.txt" in capsys.readouterr().err


def test_mistakes_are_one_line(folder, tmp_path, capsys):
    for arguments, part in (
        (("-d", tmp_path / "none"), "is not a folder"),
        (("-d", folder, "--source", "x"), "no picture is of x"),
    ):
        assert run(*arguments) == 1
        error = capsys.readouterr().err
        assert part in error
        assert len(error.strip().splitlines()) == 1
