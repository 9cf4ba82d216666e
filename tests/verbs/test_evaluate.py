"""`faceir evaluate` as a user types it, on a folder whose faces are bright squares."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.cli import main
from faceir.contract import Contract
from faceir.data import kitti
from faceir.data.pack import Limit, pack
from faceir.detections import Detections
from faceir.evaluate.document import Evaluation
from tests.conftest import SQUARE, SQUARE_AT, write_square_model

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two films of 12 frames with a square that moves, and 6 pictures of an empty room with a bright square on it."""
    folder = tmp_path_factory.mktemp("data") / "night"
    rows = []
    for film, faces in (("cabin", True), ("hall", True), ("empty", False)):
        for part in ("images", "labels"):
            (folder / film / part).mkdir(parents=True)
        for n in range(12 if faces else 6):
            image = np.full((240, 384), 20, np.uint8)
            x, y = SQUARE_AT[0] + 16 * (n % 2), SQUARE_AT[1]
            bright = 240 if film == "cabin" or n % 3 else 60  # every third face of the hall is in the dark
            if faces or n == 0:
                image[y : y + SQUARE, x : x + SQUARE] = bright if faces else 240
            name = f"{film}_{n:04d}"
            cv2.imwrite(str(folder / film / "images" / f"{name}.png"), image)
            truth = Detections([[x, y, x + SQUARE, y + SQUARE]], occlusion=[n % 3]) if faces else Detections()
            (folder / film / "labels" / f"{name}.txt").write_text(
                kitti.format_lines(truth, ("face",), with_scores=False)
            )
            rows.append({"picture": f"{film}/images/{name}.png", "set": film, "terms": "free", "split": "val",
                         "modality": "nir", "sequence": film if faces else ""})  # fmt: skip
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    contract = Contract(name="square").with_threshold(0.5)
    return write_square_model(tmp_path_factory.mktemp("m") / "square.onnx", contract)


@pytest.fixture
def faceir(model: Path, night: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["evaluate", "-m", str(model), "-d", str(night), "--rounds", "200", *map(str, arguments)])
        told = capfd.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return run


def test_the_compact_print_and_the_document(faceir: Run, tmp_path: Path, model: Path) -> None:
    code, out, err = faceir("--json", tmp_path / "e.json")
    assert (code, err) == (0, "")
    assert "square.onnx: 30 pictures, 24 faces, threshold 0.5 (the model's own)" in out
    assert re.search(r"all\s+24\s+20\s+1\s+4\s+95\.2 \[.*\]\s+83\.3 \[.*\]\s+80\.0 \[", out)
    assert re.search(r"hall\*\s+12\s+8\s+0\s+4", out)
    assert "2 films, 2 faces followed" in out
    assert "brightness" not in out
    e = Evaluation.read(tmp_path / "e.json")
    assert (e.scores.tp, e.scores.fp, e.scores.fn) == (20, 1, 4)
    assert (e.model.name, e.model.size) == ("square.onnx", model.stat().st_size)
    assert re.fullmatch("[0-9a-f]{64}", e.model.sha256)
    assert e.model.contract is not None
    assert e.model.contract["name"] == "square"
    assert (e.dataset.name, e.dataset.sources) == ("night", {"cabin": 12, "empty": 6, "hall": 12})
    assert {m.picture for m in e.misses} == {f"hall/images/hall_{n:04d}.png" for n in (0, 3, 6, 9)}
    assert [a.picture for a in e.false_alarms] == ["empty/images/empty_0000.png"]
    assert e.video is not None
    assert e.video.flicker.value == pytest.approx(7 / 22)
    assert str(tmp_path) not in (tmp_path / "e.json").read_text()


def test_slices_and_filters(faceir: Run, tmp_path: Path) -> None:
    code, out, _ = faceir("--slices", "--max-occlusion", 1, "--source", "hall", "--split", "val", "--terms", "free")
    assert code == 0
    assert "12 pictures, 8 faces" in out
    for heading in ("brightness (gray values)", "occlusion (level)", "position", "modality", "sharpness", "noise"):
        assert heading in out
    assert faceir("--min-height", 65)[1].count(" 0 faces") == 1
    assert "No true face counts" in faceir("--min-height", 65)[1]


def test_shards_are_judged_as_the_folder(faceir: Run, night: Path, tmp_path: Path) -> None:
    pack(kitti.walk(night), night, tmp_path / "packed", Limit(7))
    assert faceir("--json", tmp_path / "folder.json")[0] == 0
    assert faceir("-d", tmp_path / "packed", "--json", tmp_path / "shards.json")[0] == 0
    folder, shards = (Evaluation.read(tmp_path / f"{name}.json") for name in ("folder", "shards"))
    assert folder.scores == shards.scores
    assert [(m.picture.split("/", 1)[1], m.xyxy) for m in shards.misses] == [(m.picture, m.xyxy) for m in folder.misses]
    assert folder.dataset.sources == shards.dataset.sources


def test_groups_widen_and_the_seed_repeats(faceir: Run, tmp_path: Path) -> None:
    for name, options in (("a", ("--seed", 0)), ("b", ()), ("c", ("--group", "set")), ("d", ("--rounds", 0))):
        assert faceir("--json", tmp_path / name, *options)[0] == 0
    a, b, c, d = (Evaluation.read(tmp_path / name) for name in "abcd")
    assert a.scores == b.scores
    assert (a.dataset.groups, c.dataset.groups) == (30, 3)
    assert c.scores.recall.value == a.scores.recall.value
    assert c.scores.recall != a.scores.recall
    assert d.scores.recall.low is None


def test_against_a_second_model(faceir: Run, tmp_path: Path, model: Path) -> None:
    blind = write_square_model(tmp_path / "blind.onnx", Contract(name="blind").with_threshold(1.0))
    code, out, _ = faceir("--vs", blind, "--json", tmp_path / "e.json")
    assert code == 0
    assert re.search(r"accuracy\s+80\.0\s+0\.0\s+\+\d+\.\d \[\+.*\]\s+better", out)
    assert "against blind.onnx" in out
    paired = Evaluation.read(tmp_path / "e.json").paired
    assert paired is not None
    assert (paired.verdict, paired.other_threshold) == ("better", 1)
    assert "cannot tell at this size" in faceir("--vs", model)[1]


def test_at_the_networks_own_size_nothing_changes_and_a_smaller_one_hides_faces(
    faceir: Run, tmp_path: Path, model: Path
) -> None:
    for name, more in (("own", ()), ("at", ("--at", "384x240")), ("small", ("--at", "96x60"))):
        assert faceir(*more, "--min-height", 1, "--json", tmp_path / f"{name}.json")[0] == 0
    own, at, small = (Evaluation.read(tmp_path / f"{name}.json") for name in ("own", "at", "small"))
    assert at.scores.recall == own.scores.recall
    assert at.scores.precision == own.scores.precision
    assert (own.settings.at, at.settings.at) == ("", "384x240")
    assert small.scores.faces == own.scores.faces
    code, _, err = faceir("--at", "96x60", "--min-height", 1, "--baseline", tmp_path / "own.json")
    assert code == 1
    assert "was made otherwise: at" in err


def test_in_tiles_against_the_whole_picture(faceir: Run, tmp_path: Path, model: Path) -> None:
    code, out, _ = faceir("--tiles", "1x1", "--vs", model, "--json", tmp_path / "e.json")
    assert code == 0
    assert f"{model.name}, tiles 1x1" in out
    document = json.loads((tmp_path / "e.json").read_text())
    assert document["model"]["name"] == f"{model.name}, tiles 1x1"
    assert re.search(r"accuracy +[\d.]+ +[\d.]+ +\+0\.0", out)


def test_the_gate(faceir: Run, tmp_path: Path) -> None:
    kept = tmp_path / "scores.json"
    faceir("--json", kept)
    code, out, _ = faceir("--baseline", kept)
    assert code == 0
    assert "the baseline holds" in out
    stated = json.loads(kept.read_text())
    stated["scores"]["accuracy"]["value"] = 0.81
    kept.write_text(json.dumps(stated))
    code, out, _ = faceir("--baseline", kept)
    assert code == 1
    assert re.search(r"accuracy\s+81\.00\s+80\.00\s+-1\.00", out)
    assert "accuracy dropped by 1.00 points, at most 0.5 are allowed" in out
    assert faceir("--baseline", kept, "--max-drop", 1)[0] == 0
    code, _, err = faceir("--baseline", kept, "--min-height", 8)
    assert code == 1
    assert "scores.json: was made otherwise: min_height 16.0 there, 8.0 here" in err
    assert faceir("--baseline", tmp_path / "none.json")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--threshold", 2), "--threshold: is 2.0; wanted 0..1"),
        (("--min-visible", -1), "--min-visible: is -1.0; wanted 0..1"),
        (("--max-occlusion", 10), "--max-occlusion: is 10; wanted 0..9"),
        (("--source", "moon"), "--source: no picture is of moon"),
        (("--group", "person"), "--group: 'person' is not a column"),
        (("--split", "moon"), "holds no labelled picture"),
        (("--baseline", __file__), "cannot be read"),
        (("--at", "384"), "--at: is '384'; wanted width x height in pixels, such as 384x240"),
        (("--tiles", "2"), "--tiles: is '2'; wanted columns x rows, such as 2x2 or 3x2"),
        (("--tiles", "2x2", "--stress", "noise"), "wanted no --tiles; judge them apart"),
    ],
)
def test_mistakes_are_one_line(faceir: Run, arguments: tuple[object, ...], says: str) -> None:
    code, _, err = faceir(*arguments)
    assert code == 1
    assert says in err
    assert err.count("\n") == 1


def test_a_bad_picture_is_left_out_and_told(faceir: Run, night: Path, tmp_path: Path) -> None:
    bad = night / "empty" / "images" / "empty_0005.png"
    whole = bad.read_bytes()
    bad.write_bytes(b"")
    try:
        code, out, err = faceir("--vs", write_square_model(tmp_path / "b.onnx"))
    finally:
        bad.write_bytes(whole)
    assert code == 1
    assert "29 pictures, 1 left out" in out
    assert err.count("error:") == 1


def test_under_camera_faults(faceir: Run, tmp_path: Path) -> None:
    code, out, err = faceir(
        "--stress", "darkness", "--stress", "scale", "--source", "cabin", "--rounds", 20, "--json", tmp_path / "e.json"
    )
    assert (code, err) == (0, "")
    assert re.search(r"darkness \(share of light\)\s+faces\s+AP %", out)
    assert re.search(r"\n0\.12\s+12\s+", out)
    stress = Evaluation.read(tmp_path / "e.json").stress
    assert stress is not None
    assert (stress.pictures, stress.threshold) == (12, 0.5)
    dark, scale = stress.curves
    assert [grade.recall.value for grade in dark.grades] == [1, 0, 0, 0, 0]  # the model wants bright squares
    assert [grade.faces for grade in scale.grades] == [12, 12, 12, 12, 12]
    code, _, err = faceir("--stress", "fog")
    assert code == 1
    assert "are fog; wanted all, darkness, noise" in err


def test_detections_of_another_program(faceir: Run, tmp_path: Path, night: Path, model: Path) -> None:
    from faceir import Detector

    live = Detector(model, threshold=0.02)
    with kitti.Writer(tmp_path / "found", with_scores=True) as writer:
        for frame in kitti.read(kitti.find(night), {"face": "face"}, ("face",)):
            writer.write(frame.with_detections(live.detect(frame.gray)))
    code, out, err = faceir("-m", tmp_path / "found", "--threshold", 0.5)
    assert (code, err) == (0, "")
    assert re.search(r"all\s+24\s+20\s+1\s+4", out)
    assert "found: 30 pictures, 24 faces, threshold 0.5 (given)" in out
    assert "best accuracy on these pictures" in faceir("-m", tmp_path / "found")[1]
    code, _, err = faceir("-m", tmp_path / "found", "--stress", "all")
    assert (code, err.count("\n")) == (1, 1)
    assert "which know no spoilt pictures" in err
    (tmp_path / "found" / "labels" / "hall_0003.txt").unlink()
    assert "lacks 1 of 30 pictures, such as 'hall_0003'" in faceir("-m", tmp_path / "found")[2]
