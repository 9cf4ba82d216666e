"""`faceir report` and `faceir evaluate --report` as a user types them."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

import faceir.errors
from faceir.cli import main
from faceir.contract import Contract
from faceir.data import kitti
from faceir.detections import Detections
from faceir.flow import Image
from tests.conftest import SQUARE, SQUARE_AT, write_square_model


@pytest.fixture
def folder(tmp_path: Path, square_picture) -> Path:
    """Four pictures: two squares in the light, one in the dark (a miss), and one that is no face (a false alarm)."""
    for part in ("images", "labels"):
        (tmp_path / "room" / part).mkdir(parents=True)
    x, y = SQUARE_AT
    pictures: list[Image] = [square_picture(), square_picture(), square_picture(high=60), square_picture()]
    for n, picture in enumerate(pictures):
        cv2.imwrite(str(tmp_path / "room" / "images" / f"{n}.png"), picture)
        truth = Detections([[x, y, x + SQUARE, y + SQUARE]]) if n < 3 else Detections()
        text = kitti.format_lines(truth, ("face",), with_scores=False)
        (tmp_path / "room" / "labels" / f"{n}.txt").write_text(text)
    return tmp_path / "room"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return int(left.value.code or 0)


@pytest.fixture
def judged(folder: Path, tmp_path: Path) -> list[object]:
    model = write_square_model(tmp_path / "m.onnx", Contract(name="square").with_threshold(0.5))
    return ["evaluate", "-m", model, "-d", folder, "--rounds", 20]


def test_the_page_with_and_without_pictures(
    judged: list[object], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*judged, "--report", tmp_path / "a.html", "--json", tmp_path / "e.json") == 0
    assert "a.html: 0.0 MB, 2 pictures of the data set" in capsys.readouterr().out.replace("\n", "")
    page = (tmp_path / "a.html").read_text("utf-8")
    assert "2 of the 3 faces that count were found, 1 were missed." in page
    assert page.count("data:image/jpeg") == 4
    assert 'class="box found"' in page
    assert str(folder) not in page

    assert run(*judged, "--report", tmp_path / "b.html", "--no-pictures") == 0
    assert "data:image" not in (tmp_path / "b.html").read_text("utf-8")

    assert run("report", tmp_path / "e.json", "-d", folder, "-o", tmp_path / "c.html") == 0
    later = (tmp_path / "c.html").read_text("utf-8")
    assert later.count("data:image/jpeg") == 4
    assert 'class="box found"' not in later
    assert run("report", tmp_path / "e.json", "-o", tmp_path / "d.html") == 0
    assert (tmp_path / "d.html").read_text("utf-8") == (tmp_path / "b.html").read_text("utf-8")


def test_a_missing_extra_is_told_before_the_work(
    judged: list[object], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faceir.errors, "find_spec", lambda name: None if name == "jinja2" else name)
    assert run(*judged, "--report", tmp_path / "a.html") == 1
    told = capsys.readouterr()
    assert "pip install 'faceir[report]'" in told.err.replace("\n", " ")
    assert "pictures" not in told.out
    assert not (tmp_path / "a.html").exists()


def test_what_is_no_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text("{}")
    assert run("report", tmp_path / "x.json", "-o", tmp_path / "a.html") == 1
    assert "is no evaluation" in capsys.readouterr().err
