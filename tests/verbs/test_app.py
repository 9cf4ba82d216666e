from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from faceir import cli
from tests.runtime.deepstream import samples

CONFIGS = Path(__file__).parents[2] / "configs"


def faceir(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as done:
        cli.main([str(a) for a in arguments])
    return int(done.value.code or 0)


def test_check_prints_the_pipeline_and_what_does_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = samples.APP.replace("border-width", "border-widht").replace("file://", "rtsp://me:secret@cam/")
    path = samples.write(tmp_path, "c", app)
    assert faceir("app", "-c", path, "--check", "--model", "default") == 0
    out = capsys.readouterr().out
    for words in ("source0", "dbscan of cells from coverage 0.05 up", "aspect kept", "from 4 x 4 up", "IoU and Kalman",
                  "sink0", "border-widht is unknown; did you mean border-width?",
                  "RTSP by TCP"):  # fmt: skip
        assert words in out
    assert out.count("gpu-id") == 1
    assert "secret" not in out


def test_check_of_an_etlt_says_what_to_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert faceir("app", "-c", samples.write(tmp_path), "--check") == 1
    said = capsys.readouterr()
    assert "cluster Face" in said.out, "the rest is shown all the same"
    assert "--model default" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_the_picture(tmp_path: Path, ending: str) -> None:
    many = samples.APP.replace("num-sources=1", "num-sources=20")
    picture = tmp_path / f"plan{ending}"
    assert faceir("app", "-c", samples.write(tmp_path, app=many), "--check", "-m", "default", "--picture", picture) == 0
    if ending == ".png":
        image = cv2.imread(str(picture))
        assert image is not None
        assert image.shape[1] > image.shape[0] > 200
    else:
        assert "and 15 more" in picture.read_text()
    assert not list(tmp_path.glob(".*.part"))


def test_a_picture_of_an_unknown_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = samples.write(tmp_path)
    assert faceir("app", "-c", path, "--check", "-m", "default", "--picture", tmp_path / "plan.txt") == 1
    assert "wanted .png .svg .pdf" in capsys.readouterr().err


def test_the_configs_of_this_project(capsys: pytest.CaptureFixture[str]) -> None:
    path = CONFIGS / "deepstream_app_source1_faceir.txt"
    assert faceir("app", "-c", path, "--check", "--model", "default") == 0
    assert "unknown" not in capsys.readouterr().out


def test_a_film_runs(tmp_path: Path, square_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.runtime.conftest import write_video

    write_video(tmp_path / "film.mp4", frames=8)
    app = samples.APP.replace("file://../../streams/sample_1080p_h265.mp4", "file://film.mp4")
    app = app.replace("[application]", "[application]\ngie-kitti-output-dir=dumps")
    path = samples.write(tmp_path, app=app.replace("enable=0\ntype=3", "enable=1\ntype=3"))
    assert faceir("app", "-c", path, "-m", square_model, "--threads", "1") == 0
    out = capsys.readouterr().out
    assert "**PERF:" in out
    assert "source0: ended, 8 frames, 0 faces, 0 dropped, 0 failed" in out
    assert (tmp_path / "out.mp4").exists()
    assert len(list((tmp_path / "dumps").iterdir())) == 8


def test_a_film_that_is_not_there(tmp_path: Path, square_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert faceir("app", "-c", samples.write(tmp_path), "-m", square_model) == 1
    assert "does not exist" in capsys.readouterr().err
