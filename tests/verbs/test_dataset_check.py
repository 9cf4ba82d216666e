"""`faceir dataset check` and `apply`: exit codes, files, and one line for each mistake of a user."""

import json

import cv2
import numpy as np
import pytest

from faceir.cli import main

TAIL = " 0 0 0 0 0 0 0\n"
GOOD = "face 0 0 0 100 50 140 100" + TAIL


@pytest.fixture
def folder(tmp_path):
    for name in ("images", "labels"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for n in range(3):
        cv2.imwrite(str(tmp_path / "data" / "images" / f"{n}.png"), np.full((240, 384), 40 + 60 * n, np.uint8))
        (tmp_path / "data" / "labels" / f"{n}.txt").write_text(GOOD)
    return tmp_path / "data"


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["dataset", *map(str, arguments)])
    return end.value.code


def test_good_labels(folder, capsys):
    assert run("check", "-d", folder) == 0
    assert "3 pictures with 3 boxes: 0 findings" in capsys.readouterr().out


def test_severity_decides_the_exit_code(folder, capsys):
    (folder / "labels" / "0.txt").write_text(GOOD.replace("face", "cat"))
    assert run("check", "-d", folder) == 0
    assert run("check", "-d", folder, "--fail-on", "warning") == 1
    assert run("check", "-d", folder, "--fail-on", "warning", "--rules", "box-size") == 0
    assert run("check", "-d", folder, "--fail-on", "warning", "--class", "face", "--class", "cat") == 0
    (folder / "labels" / "1.txt").unlink()
    assert run("check", "-d", folder) == 1
    assert "label-missing: images/1.png" in capsys.readouterr().out
    assert run("check", "-d", folder, "--fail-on", "never") == 0


def test_files(folder, tmp_path):
    (folder / "labels" / "0.txt").write_text(GOOD + GOOD)
    (folder / "images" / "2.png").write_bytes((folder / "images" / "1.png").read_bytes())
    out, page = tmp_path / "a.json", tmp_path / "a.html"
    assert run("check", "-d", folder, "--duplicates", "--json", out, "--html", page) == 1
    document = json.loads(out.read_text())
    assert document["format"] == 1
    assert [f["code"] for f in document["findings"]] == ["box-duplicate", "picture-duplicate"]
    assert document["rules"]["box-duplicate"]["findings"] == 1
    assert "images/0.png" in page.read_text()


def test_a_detector_sees_what_lacks_a_label(folder, tmp_path, square_model, square_picture):
    picture = square_picture()
    for n, shown in enumerate((picture, np.zeros_like(picture), np.zeros_like(picture))):
        cv2.imwrite(str(folder / "images" / f"{n}.png"), shown)
    ys, xs = np.nonzero(picture > 128)
    (folder / "labels" / "0.txt").write_text("")
    out = tmp_path / "a.json"
    code = run(
        "check", "-d", folder, "--detector", square_model, "--json", out, "--rules", "face-unlabelled,face-unseen"
    )
    assert code == 0
    found = json.loads(out.read_text())
    assert (found["pictures"], found["boxes"]) == (3, 2)
    unlabelled = [f for f in found["findings"] if f["code"] == "face-unlabelled"]
    assert [f["picture"] for f in unlabelled] == ["images/0.png"]
    np.testing.assert_allclose(unlabelled[0]["xyxy"], (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1), atol=2)
    assert {f["picture"] for f in found["findings"] if f["code"] == "face-unseen"} == {"images/1.png", "images/2.png"}


def test_the_class_as_the_user_spells_it(folder, tmp_path, square_model, square_picture):
    """Labels in other letters are mended to it, and a box that is proposed has it."""
    cv2.imwrite(str(folder / "images" / "2.png"), square_picture())
    (folder / "labels" / "0.txt").write_text(GOOD.replace("face", "Face"))
    (folder / "labels" / "2.txt").write_text("")
    out = tmp_path / "a.json"
    options = ("--class", "Face", "--rules", "class-case,class-unknown,face-unlabelled", "--detector", square_model)
    assert run("check", "-d", folder, "--json", out, *options) == 0
    found = {f["picture"]: (f["code"], f["change"]["text"].split()[0]) for f in json.loads(out.read_text())["findings"]}
    assert found == {"images/1.png": ("class-case", "Face"), "images/2.png": ("face-unlabelled", "Face")}


def test_what_is_cut_short_says_so(folder, tmp_path, capsys):
    for n in range(3):
        (folder / "labels" / f"{n}.txt").write_text(GOOD + GOOD)
    page = tmp_path / "a.html"
    run("check", "-d", folder, "--html", page, "--most", "2")
    assert "2 pictures of 3, the worst; --most 3 shows all" in capsys.readouterr().out
    assert "The 2 worst pictures of 3" in page.read_text()
    run("check", "-d", folder, "--html", page)
    assert "3 pictures\n" in capsys.readouterr().out
    assert "The 3 worst pictures. " in page.read_text()


def test_never_is_never(folder, tmp_path, square_model, capsys):
    """Pictures that cannot be read are told, and named in the JSON, whatever the exit code."""
    for n in range(12):
        (folder / "images" / f"x{n}.png").write_bytes(b"no picture")
    out = tmp_path / "a.json"
    options = ("--rules", "face-unseen", "--detector", square_model, "--json", out)
    assert run("check", "-d", folder, *options, "--fail-on", "never") == 0
    assert "2 more pictures cannot be read" in capsys.readouterr().err
    assert len(json.loads(out.read_text())["left_out"]) == 12
    assert run("check", "-d", folder, *options) == 1


def test_corrections_are_applied(folder, tmp_path, capsys):
    (folder / "labels" / "0.txt").write_text(GOOD + GOOD)
    out, given = tmp_path / "a.json", tmp_path / "corrections.json"
    run("check", "-d", folder, "--json", out)
    document = json.loads(out.read_text())
    (finding,) = document["findings"]
    file = {"label": finding["label"], "sha256": document["labels"][finding["label"]], "changes": [finding["change"]]}
    given.write_text(json.dumps({"format": 1, "files": [file]}))
    assert run("apply", "-d", folder, "--corrections", given, "--dry-run") == 0
    assert "-face" in capsys.readouterr().out
    assert (folder / "labels" / "0.txt").read_text() == GOOD + GOOD
    assert run("apply", "-d", folder, "--corrections", given) == 0
    assert (folder / "labels" / "0.txt").read_text() == GOOD
    assert run("check", "-d", folder) == 0
    assert run("apply", "-d", folder, "--corrections", given) == 0
    assert "1 have these corrections already" in capsys.readouterr().out
    (folder / "labels" / "0.txt").write_text("")
    assert run("apply", "-d", folder, "--corrections", given) == 1
    assert "has changed since it was checked" in capsys.readouterr().err


@pytest.fixture
def rejected(folder, tmp_path):
    """The data set with one double box, which a person has rejected; the finding."""
    (folder / "labels" / "0.txt").write_text(GOOD + GOOD)
    out, given = tmp_path / "a.json", tmp_path / "rejected.json"
    assert run("check", "-d", folder, "--json", out) == 1
    (finding,) = json.loads(out.read_text())["findings"]
    entry = {key: finding[key] for key in ("picture", "code", "line", "xyxy")}
    given.write_text(json.dumps({"format": 1, "files": [], "rejected": [entry]}))
    assert run("apply", "-d", folder, "--corrections", given, "--dry-run") == 0
    assert not (folder / "rejected-findings.csv").exists()
    assert run("apply", "-d", folder, "--corrections", given) == 0
    return finding


def test_what_was_rejected_is_left_out(folder, tmp_path, capsys, rejected):
    out = tmp_path / "b.json"
    capsys.readouterr()
    assert run("check", "-d", folder, "--fail-on", "warning", "--json", out) == 0
    said = capsys.readouterr().out
    assert "0 findings" in said
    assert "1 more were rejected before (rejected-findings.csv); --all shows them" in said
    document = json.loads(out.read_text())
    assert (document["findings"], document["rejected"]) == ([], 1)
    assert run("check", "-d", folder, "--all", "--json", out) == 1
    assert json.loads(out.read_text())["findings"] == [rejected]
    assert run("pack", "-d", folder, "-o", tmp_path / "shards") == 0
    assert run("check", "-d", tmp_path / "shards") == 1
    (tmp_path / "shards" / "rejected-findings.csv").write_bytes((folder / "rejected-findings.csv").read_bytes())
    assert run("check", "-d", tmp_path / "shards") == 0


def test_it_is_back_when_the_label_or_the_picture_has_changed(folder, rejected):
    label, picture = folder / "labels" / "0.txt", folder / "images" / "0.png"
    for text, code in (
        (2 * GOOD.replace("100 50 140 100", "100.2 49.9 140.00 100"), 0),  # rounded
        (2 * GOOD + GOOD.replace("100 50 140 100", "200 50 240 100"), 0),  # a face elsewhere
        (2 * GOOD.replace("100 50 140 100", "102 50 142 100"), 1),  # moved
        (2 * GOOD.replace("face 0 0", "face 0 3"), 1),
    ):
        label.write_text(text)
        assert run("check", "-d", folder) == code, text
    label.write_text(GOOD + GOOD)
    cv2.imwrite(str(picture), np.full((240, 384), 41, np.uint8))
    assert run("check", "-d", folder) == 1


def test_rejections_of_an_older_page_are_counted(folder, tmp_path, capsys):
    given = tmp_path / "c.json"
    given.write_text('{"format": 1, "files": [], "rejected": [{"picture": "images/0.png", "code": "box-size"}]}')
    assert run("apply", "-d", folder, "--corrections", given) == 0
    assert "1 rejected findings name no box and are not kept" in capsys.readouterr().out
    assert not (folder / "rejected-findings.csv").exists()


def test_a_broken_file_of_rejections_is_one_line(folder, capsys):
    (folder / "rejected-findings.csv").write_text("picture,rule,box,sha256\nimages/0.png,box-size,1 2 3,\n")
    assert run("check", "-d", folder) == 1
    error = capsys.readouterr().err
    assert "rejected-findings.csv:2" in error
    assert len(error.strip().splitlines()) == 1
    assert run("check", "-d", folder, "--all") == 0


@pytest.fixture
def faulty(folder):
    """A manifest, two sets, faults of many kinds, the same picture in both splits."""
    (folder.parent / "all").mkdir()
    folder = folder.rename(folder.parent / "all" / "a")
    (folder / "labels" / "0.txt").write_text(GOOD + GOOD + "FACE 0 12 0 300 50 390 100" + TAIL + "nonsense\n")
    (folder / "labels" / "1.txt").unlink()
    cut = (folder / "images" / "2.png").read_bytes()
    other = folder.parent / "b"
    for name in ("images", "labels"):
        (other / name).mkdir(parents=True)
    (other / "images" / "2.png").write_bytes(cut)
    (other / "labels" / "2.txt").write_text("cat 0 0 0 10 10 12 60" + TAIL)
    rng = np.random.default_rng(0)
    cv2.imwrite(str(other / "images" / "3.jpg"), rng.integers(0, 255, (120, 160, 3), np.uint8))
    (other / "images" / "3.jpg").write_bytes((other / "images" / "3.jpg").read_bytes() + bytes(5000))
    (other / "labels" / "3.txt").write_text("face 0.7 -1 0 0 5 30 60" + TAIL)
    rows = [f"a/images/{n}.png,a,free,train" for n in range(3)] + [
        f"b/images/{n},b,free,val" for n in ("2.png", "3.jpg")
    ]
    (folder.parent / "manifest.csv").write_text("\n".join(["picture,set,terms,split", *rows]) + "\n")
    return folder.parent


def test_shards_are_checked_like_their_folder(faulty, tmp_path, square_model):
    """Equal reports and equal pages; the corrections are for the folder, as nothing is written into shards."""
    shards = tmp_path / "shards" / "all"
    assert run("pack", "-d", faulty, "-o", shards, "--per-shard", "2") == 0
    made = []
    for where in (faulty, shards):
        out, page = where.with_suffix(".json"), where.with_suffix(".html")
        options = ("--duplicates", "--detector", square_model, "--workers", "1", "--json", out, "--html", page)
        assert run("check", "-d", where, *options) == 1
        made.append((json.loads(out.read_text()), page.read_text()))
    assert made[0] == made[1]
    codes = {finding["code"] for finding in made[0][0]["findings"]}
    assert codes >= {"label-missing", "label-unreadable", "picture-across-splits", "picture-cut-short", "class-unknown"}
    assert made[1][1].count("data:image/jpeg") == 5
    assert run("check", "-d", shards, "--split", "val", "--source", "b", "--rules", "class-unknown") == 0


def test_corrections_are_not_written_into_shards(faulty, tmp_path, capsys):
    assert run("pack", "-d", faulty, "-o", tmp_path / "shards") == 0
    (tmp_path / "c.json").write_text('{"format": 1, "files": []}')
    assert run("apply", "-d", tmp_path / "shards", "--corrections", tmp_path / "c.json") == 1
    assert "wanted the folder that was packed" in capsys.readouterr().err


def test_mistakes_are_one_line(folder, tmp_path, capsys):
    for arguments, part in (
        (("check", "-d", folder, "--fail-on", "x"), "error, warning, never"),
        (("check", "-d", folder, "--rules", "x"), "is no rule"),
        (("check", "-d", folder, "--source", "x"), "no picture is of x"),
        (("check", "-d", folder, "--source", "data", "--source", "x"), "no picture is of x; wanted of data"),
        (("check", "-d", folder, "--rules", "box-size,face-unseen"), "add --detector default"),
        (("check", "-d", folder, "--rules", "picture-alike"), "add --duplicates"),
        (("check", "-d", folder, "--detector", tmp_path), "KITTI"),
        (("check", "-d", tmp_path / "none"), "is not a folder"),
        (("apply", "-d", folder, "--corrections", tmp_path / "none.json"), "does not exist"),
    ):
        assert run(*arguments) == 1
        error = capsys.readouterr().err
        assert part in error
        assert len(error.strip().splitlines()) == 1
