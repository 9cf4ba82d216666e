from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from faceir import __version__, cli
from faceir.flow import Image
from tests.conftest import SQUARE, SQUARE_AT
from tests.runtime.conftest import camera, rtsp_server, write_video  # noqa: F401  # fixtures

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def faceir(square_model: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process: exit code, stdout, stderr. `detect` gets the test's model."""

    def run(*arguments: object) -> tuple[int, str, str]:
        given = [str(a) for a in arguments]
        if given[:1] == ["detect"] and "-m" not in given:
            given += ["-m", str(square_model)]
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main(given)
        told = capfd.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return run


def write_picture(path: Path, image: Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


def lines(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "detections.jsonl").read_text().splitlines()]


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def errors(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith("error: ")]


def frame_count(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_version_and_help(faceir: Run) -> None:
    assert faceir("--version") == (0, f"faceir {__version__}\n", "")
    code, out, _ = faceir("detect", "--help")
    assert code == 0
    assert "--threshold" in out


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("detect",), ("detect", "a.png"), ("detect", "a.png", "-o", "x", "--threads", "-1")]
)
def test_wrong_usage_is_2(faceir: Run, arguments: tuple[str, ...]) -> None:
    code, _, err = faceir(*arguments)
    assert code == 2
    assert "Traceback" not in err


def test_a_picture(faceir: Run, tmp_path: Path, square_picture: Callable[..., Image]) -> None:
    path = write_picture(tmp_path / "in" / "a.png", square_picture(2))
    code, out, err = faceir("detect", path, "-o", tmp_path / "out")
    assert (code, errors(err)) == (0, [])
    assert "square.onnx on CPU" in err
    assert re.search(r"a\.png\s+1\s+1\s+1\.00\s+[\d.]+\s+done", out)
    assert files(tmp_path / "out") == ["a.png", "detections.jsonl", "labels/a.txt"]
    (line,) = lines(tmp_path / "out")
    x, y = SQUARE_AT
    (face,) = line["faces"]  # type: ignore[misc]
    assert face["xyxy"] == pytest.approx([2 * x, 2 * y, 2 * (x + SQUARE), 2 * (y + SQUARE)], abs=1)
    assert (line["width"], line["height"]) == (768, 480)
    drawn = cv2.imread(str(tmp_path / "out" / "a.png"))
    assert drawn is not None
    assert drawn.shape == (480, 768, 3)
    assert (drawn[..., 1] > drawn[..., 2].astype(int) + 50).sum() > 100


@pytest.mark.parametrize("arguments", [("-m", "default"), ()])
def test_the_packaged_model_by_name_or_by_none(
    arguments: tuple[str, ...], square_model: Path, square_picture: Callable[..., Image], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("faceir.runtime.detector.default_model", lambda: square_model)
    path = write_picture(tmp_path / "a.png", square_picture(1))
    (tmp_path / "default").write_text("not a model")  # a file of that name is not meant
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        cli.main(["detect", str(path), "-o", str(tmp_path / "out"), *arguments])
    assert not left.value.code
    assert capfd.readouterr().err.startswith("square.onnx on ")
    (line,) = lines(tmp_path / "out")
    assert len(line["faces"]) == 1  # type: ignore[arg-type]


def test_options(faceir: Run, tmp_path: Path, square_picture: Callable[..., Image]) -> None:
    path = write_picture(tmp_path / "a.png", square_picture(1, high=156))  # scores about 0.59
    assert faceir("detect", path, "-o", tmp_path / "o1", "--no-draw", "--no-kitti", "--threads", 1)[0] == 0
    assert files(tmp_path / "o1") == ["detections.jsonl"]
    assert len(lines(tmp_path / "o1")[0]["faces"]) == 1  # type: ignore[arg-type]
    assert faceir("detect", path, "-o", tmp_path / "o2", "--threshold", 0.9)[0] == 0
    assert lines(tmp_path / "o2")[0]["faces"] == []


def test_tiles_find_a_face_too_small_for_the_whole_picture(
    faceir: Run, tmp_path: Path, square_picture: Callable[..., Image]
) -> None:
    canvas = np.full((420, 672), 20, np.uint8)  # of which 2 x 2 pieces have the network's size
    canvas[:240, :384] = square_picture()
    path = write_picture(tmp_path / "a.png", canvas)
    assert faceir("detect", path, "-o", tmp_path / "whole")[0] == 0
    assert lines(tmp_path / "whole")[0]["faces"] == []
    assert faceir("detect", path, "-o", tmp_path / "tiles", "--tiles", "2x2")[0] == 0
    (face,) = lines(tmp_path / "tiles")[0]["faces"]  # type: ignore[misc]
    x, y = SQUARE_AT
    assert face["xyxy"] == pytest.approx([x, y, x + SQUARE, y + SQUARE], abs=1)
    for wrong in ("2", "2x", "axb", "0x2"):
        code, _, err = faceir("detect", path, "-o", tmp_path / "out", "--tiles", wrong)
        assert code == 1
        assert len(errors(err)) == 1
        assert "columns x rows" in err


def test_a_video(faceir: Run, tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mkv", frames=30)
    code, out, _ = faceir("detect", path, "-o", tmp_path / "out")
    assert code == 0
    assert re.search(r"film\.mkv\s+30\s+\d+\s+[\d.]+\s+[\d.]+\s+done", out)
    assert files(tmp_path / "out") == ["detections.jsonl", "film.mp4"]
    assert frame_count(tmp_path / "out" / "film.mp4") == 30
    assert [line["index"] for line in lines(tmp_path / "out")] == list(range(30))


def test_faces_of_a_film_are_numbered(faceir: Run, tmp_path: Path, square_picture: Callable[..., Image]) -> None:
    for n in range(4):  # of the third one the detector would say nothing: it scores below its own threshold
        write_picture(tmp_path / "in" / f"{n}.png", square_picture(1, high=150 if n == 2 else 240))
    given = ("detect", tmp_path / "in", "--threshold", 0.6, "-o")
    assert faceir(*given, tmp_path / "plain")[0] == faceir(*given, tmp_path / "out", "--track")[0] == 0
    plain, tracked = ([line["faces"] for line in lines(tmp_path / out)] for out in ("plain", "out"))
    assert [[face["track_id"] for face in faces] for faces in plain] == [[-1], [-1], [], [-1]]  # type: ignore[attr-defined]
    assert [[face["track_id"] for face in faces] for faces in tracked] == [[-1], [1], [1], [1]]  # type: ignore[attr-defined]
    drawn = [cv2.imread(str(tmp_path / out / "3.png")) for out in ("plain", "out")]
    assert (drawn[0] != drawn[1]).any()  # the number stands beside the face


def test_labels_of_video_frames_when_asked(faceir: Run, tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", frames=3)
    faceir("detect", path, "-o", tmp_path / "out", "--kitti", "--no-draw")
    assert files(tmp_path / "out") == ["detections.jsonl", *(f"labels/film_00000{n}.txt" for n in range(3))]


def test_duration_ends_a_video_early(faceir: Run, tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", frames=50)
    assert faceir("detect", path, "-o", tmp_path / "out", "--duration", 0.8)[0] == 0
    assert frame_count(tmp_path / "out" / "film.mp4") == len(lines(tmp_path / "out")) == 20


def test_folders_globs_and_same_names(faceir: Run, tmp_path: Path, square_picture: Callable[..., Image]) -> None:
    for name in ("a/x.png", "a/y.png", "b/x.png"):
        write_picture(tmp_path / name, square_picture(1))
    write_video(tmp_path / "a" / "x.mp4", frames=2)
    code, out, _ = faceir(
        "detect", tmp_path / "a", f"{tmp_path}/b/*.png", tmp_path / "a" / "y.png", "-o", tmp_path / "o"
    )
    assert code == 0
    assert files(tmp_path / "o") == sorted(
        ["detections.jsonl", "x.png", "y.png", "x-2.mp4", "x-3.png", "labels/x.txt", "labels/y.txt", "labels/x-3.txt"]
    )
    assert [Path(str(line["source"])).name for line in lines(tmp_path / "o")] == [
        "x.png", "y.png", "x.mp4", "x.mp4", "x.png",
    ]  # fmt: skip
    assert out.count("done") == 3  # the pictures of a, its video, the glob; y.png was there already


def test_bad_inputs_are_named_and_the_others_done(
    faceir: Run, tmp_path: Path, square_picture: Callable[..., Image]
) -> None:
    good = write_picture(tmp_path / "good.png", square_picture(1))
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.mp4").write_text("no video " * 100)
    whole = write_video(tmp_path / "whole.mp4", frames=100, options={"movflags": "faststart"}).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    bad = [tmp_path / n for n in ("missing.png", "empty.jpg", "text.mp4", "cut.mp4")]
    code, out, err = faceir("detect", *bad, good, "rtsp://u:secret@127.0.0.1:9/cam", "-o", tmp_path / "out")
    assert code == 1
    assert "Traceback" not in err
    said = errors(err)
    assert len(said) == 5
    for path, words in zip(bad, ("does not exist", "is empty", "is not a video", "is cut short"), strict=True):
        assert any(str(path) in line and words in line for line in said)
    assert any("rtsp://127.0.0.1:9/cam: no stream" in line for line in said)
    assert "secret" not in out + err
    assert re.search(r"good\.png\s+1\s+1\s+1\.00\s+[\d.]+\s+done", out)
    assert out.count("failed") == 5
    assert files(tmp_path / "out") == ["cut.mp4", "detections.jsonl", "good.png", "labels/good.txt"]
    assert 20 < frame_count(tmp_path / "out" / "cut.mp4") == len(lines(tmp_path / "out")) - 1


def test_bad_pictures_in_a_folder(faceir: Run, tmp_path: Path, square_picture: Callable[..., Image]) -> None:
    for name in "abc":
        write_picture(tmp_path / "in" / f"{name}.png", square_picture(1))
    (tmp_path / "in" / "b.png").write_bytes((tmp_path / "in" / "b.png").read_bytes()[:200])
    code, out, err = faceir("detect", tmp_path / "in", "-o", tmp_path / "out")
    assert code == 1
    assert len(errors(err)) == 1
    assert "b.png: is cut short" in errors(err)[0]
    assert "1 failed" in out
    assert [Path(str(line["source"])).name for line in lines(tmp_path / "out")] == ["a.png", "c.png"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-m", "none.onnx"), "error: none.onnx: does not exist"),
        (("-m", __file__), "is not an ONNX model"),
        (("--threshold", "7"), "error: threshold: is 7.0; wanted 0..1"),
    ],
)
def test_bad_arguments_are_one_line(faceir: Run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = faceir("detect", tmp_path, "-o", tmp_path / "out", *arguments)
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert said in err


def test_the_inputs_own_folder_is_no_place_to_write(
    faceir: Run, tmp_path: Path, square_picture: Callable[..., Image]
) -> None:
    path = write_picture(tmp_path / "a.png", square_picture(1))
    before = path.read_bytes()
    code, _, err = faceir("detect", path, "-o", tmp_path)
    assert code == 1
    assert "is the input itself" in errors(err)[0]
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_to(faceir: Run, tmp_path: Path, square_picture: Callable[..., Image]) -> None:
    path = write_picture(tmp_path / "a.png", square_picture(1))
    code, _, err = faceir("detect", path, "-o", path / "out")
    assert code == 1
    assert len(errors(err)) == 1
    assert "cannot be made" in err


def test_unknown_exceptions_are_one_line_and_debug_shows_them(
    faceir: Run, tmp_path: Path, square_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("something\nwith lines")

    monkeypatch.setattr("faceir.verbs.detect._jobs", broken)
    code, _, err = faceir("detect", "a.png", "-o", tmp_path)
    assert code == 1
    assert errors(err) == ["error: RuntimeError: something; this is a bug or a broken machine; --debug shows where"]
    with pytest.raises(RuntimeError, match="something"):
        cli.main(["detect", "a.png", "-o", str(tmp_path), "-m", str(square_model), "--debug"])


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("long") / "long.mp4", frames=5000, size_wh=(160, 120))


def started(square_model: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "faceir", *map(str, arguments), "-m", str(square_model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )


def wait_for(sign: Callable[[], bool], timeout_s: float = 20) -> None:
    end_s = time.monotonic() + timeout_s
    while not sign():
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_files(
    square_model: Path, long_video: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    other = write_video(tmp_path / "other.mp4", frames=3)
    with started(square_model, "detect", long_video, other, "-o", tmp_path / "out") as process:
        part = tmp_path / "out" / ".long.mp4.part"
        wait_for(lambda: part.exists() and part.stat().st_size > 0)
        process.send_signal(sent)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted" in out
    assert "not started" in out
    assert files(tmp_path / "out") == ["detections.jsonl", "long.mp4"]
    assert 0 < frame_count(tmp_path / "out" / "long.mp4") == len(lines(tmp_path / "out")) < 5000


@pytest.mark.slow
def test_kill_leaves_nothing_under_a_final_name(square_model: Path, long_video: Path, tmp_path: Path) -> None:
    with started(square_model, "detect", long_video, "-o", tmp_path / "out") as process:
        part = tmp_path / "out" / ".long.mp4.part"
        wait_for(lambda: part.exists() and part.stat().st_size > 0)
        process.kill()
        process.communicate(timeout=20)
    assert all(name.startswith(".") and name.endswith(".part") for name in files(tmp_path / "out"))


@pytest.mark.slow
def test_a_camera_for_a_while(faceir: Run, tmp_path: Path, camera: Callable[..., tuple[str, object]]) -> None:  # noqa: F811
    address, _ = camera()
    code, out, err = faceir("detect", f"{address}/cam", "-o", tmp_path / "out", "--duration", 1)
    assert (code, errors(err)) == (0, [])
    assert "done" in out
    host = address.rpartition("/")[2].replace(":", "_")
    assert files(tmp_path / "out") == [f"{host}_cam.mp4", "detections.jsonl"]
    found = lines(tmp_path / "out")
    assert (
        20 <= len(found) == frame_count(tmp_path / "out" / f"{host}_cam.mp4") <= 70
    )  # a second is buffered while it is opened
    times = np.array([line["time_s"] for line in found], float)
    assert times[-1] - times[0] < 1


@pytest.mark.slow
def test_ctrl_c_ends_a_camera_well(
    square_model: Path,
    tmp_path: Path,
    camera: Callable[..., tuple[str, object]],  # noqa: F811
) -> None:
    address, _ = camera()
    with started(square_model, "detect", f"{address}/cam", "-o", tmp_path / "out") as process:
        wait_for(lambda: (tmp_path / "out").exists() and any((tmp_path / "out").glob(".*.mp4.part")))
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "stopped" in out
    assert errors(err) == []
    assert len(lines(tmp_path / "out")) > 5
    assert files(tmp_path / "out")[-1] == "detections.jsonl"
