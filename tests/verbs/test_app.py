from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceir import cli
from tests.runtime.deepstream import samples
from tests.runtime.deepstream.test_launch import APP, PRIMARY, folder, read_film
from tests.runtime.sinks.test_messages import wait_for

__all__ = ["folder"]

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


def test_what_is_ours_is_shown_by_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = "[redact]\ngrow=0.5\n[line0]\nname=door\npoints=0;0;1;1\n"
    path = samples.write(folder, app=APP + places, primary_text=PRIMARY)
    assert faceir("app", "-c", path, "--check", "--redact", "solid", "--dark-gate") == 0
    out = capsys.readouterr().out
    for words in ("redact", "solid, held for 0.5 s", "dark gate", "count", "door"):
        assert words in out
    assert "unknown" not in out


def test_what_matters_comes_first_and_a_run_tells_it_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = APP.replace("[osd]", "[osd]\nfont=Serif\nborder-widht=1")
    path = samples.write(folder, app=app, primary_text=PRIMARY)
    assert faceir("app", "-c", path, "--check") == 0
    out = capsys.readouterr().out
    assert out.index("border-widht is unknown") < out.index("font has no meaning")
    assert faceir("app", "-c", path, "--threads", "1") == 0
    err = capsys.readouterr().err
    assert "border-widht is unknown" in err
    assert "font" not in err
    assert "1 keys and groups have no meaning here; --check tells which" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--web", "nowhere"), "[HOST:]PORT"),
        (("--web", "0.0.0.0:0"), "a token, or 127.0.0.1"),
        (("--redact", "paint"), "'paint' is not one of"),
    ],
)
def test_wrong_options(
    folder: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.delenv("FACEIR_TOKEN", raising=False)
    path = samples.write(folder, app=APP, primary_text=PRIMARY)
    assert faceir("app", "-c", path, *arguments) in (1, 2)
    assert said in capsys.readouterr().err
    assert not (folder / "out.mp4").exists()


def test_totals_are_told_at_the_end(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = samples.write(folder, app=APP + "[zone0]\nname=seat\npoints=0;0;1;0;1;1;0;1\n", primary_text=PRIMARY)
    assert faceir("app", "-c", path, "--redact", "blur", "--threads", "1") == 0
    assert "source0: seat: 1 entered, 0 left" in capsys.readouterr().out


def test_stages_without_a_terminal_are_lines_beside_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = samples.write(folder, app=APP, primary_text=PRIMARY)
    assert faceir("app", "-c", path, "--stages", "--dark-gate", "--threads", "1") == 0
    said = capsys.readouterr()
    assert "**PERF:" in said.out
    assert "decoded" not in said.out
    for line in ("decoded: frame 11, ", "dark: no; 0 in all", "detector: asked; 0 not asked", "faces: 1: ",
                 "tracked: #1", "sent: 12 of 12 frames", "sinks: 0 failed"):  # fmt: skip
        assert f"source0: {line}" in said.err
    assert faceir("app", "-c", path, "--threads", "1") == 0
    assert "decoded" not in capsys.readouterr().err


Started = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Started]:
    """Starts `faceir` with arguments as a process of its own."""
    processes = []

    def run(*arguments: str | Path, **given: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "faceir", *map(str, arguments)]
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **given}
        processes.append(subprocess.Popen(command, **given))
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def ask(url: str, method: str = "GET", token: str = "T", body: Any = None) -> tuple[int, bytes]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def served(process: subprocess.Popen[str]) -> str:
    """The address that it tells."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("serving "):
            return line.split()[1]
    raise AssertionError("it ended")


@pytest.mark.slow
def test_the_web_of_a_real_process(folder: Path, start: Started) -> None:
    app = APP.replace("[osd]\nenable=1", "[osd]\nenable=0") + "[redact]\nmode=solid\n[tests]\nfile-loop=1\n"
    path = samples.write(folder, app=app, primary_text=PRIMARY)
    process = start("app", "-c", path, "--web", "0", "--token", "T", "--threads", "1")
    url = served(process)
    assert ask(f"{url}/streams", token="wrong")[0] == 401
    wait_for(lambda: b'faceir_frames_sent_total{stream="source0"} 0' not in ask(f"{url}/metrics")[1], 20)
    status, data = ask(f"{url}/streams/source0/picture.jpg")
    assert status == 200
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    assert image[70:105, 100:140].max() < 60, "the bright square is covered"
    film = {"name": "more", "uri": str(folder / "film.mp4")}
    status, said = ask(f"{url}/streams", "POST", body=film)
    assert (status, b"is not a camera" in said) == (400, True)
    away = {"name": "away", "uri": "rtsp://user:secret@127.0.0.1:1/cam"}
    assert ask(f"{url}/streams", "POST", body=away)[0] == 201
    wait_for(lambda: b"reconnecting" in ask(f"{url}/streams")[1])
    assert b"secret" not in ask(f"{url}/streams")[1]
    assert ask(f"{url}/streams/away", "DELETE")[0] == 204
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert re.search(r"source0: playing|source0: ended", out)
    assert max(picture.max() for picture in read_film(folder / "out.mp4")[:50]) < 60


@pytest.mark.slow
def test_files_are_added_when_they_may_be(folder: Path, start: Started) -> None:
    path = samples.write(folder, app=APP, primary_text=PRIMARY)
    process = start("app", "-c", path, "--web", "127.0.0.1:0", "--allow-files", "--token", "T", "--threads", "1")
    url = served(process)
    assert ask(f"{url}/streams", "POST", body={"name": "more", "uri": str(folder / "film.mp4")})[0] == 201
    wait_for(lambda: [s["condition"] for s in json.loads(ask(f"{url}/streams")[1])] == ["ended", "ended"], 20)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "more: ended, 12 frames, 12 faces" in out


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--watch",), ("--stages",), ("--watch", "--stages")])
def test_the_tables_at_a_terminal(folder: Path, start: Started, options: tuple[str, ...]) -> None:
    path = samples.write(folder, app=APP + "[tests]\nfile-loop=1\n", primary_text=PRIMARY)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "160", "LINES": "40"}
    process = start("app", "-c", path, *options, "--threads", "1", stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown, until_s = b"", time.monotonic() + 20
    while b"playing" not in shown and time.monotonic() < until_s:
        if select.select([ours], [], [], 0.2)[0]:
            shown += os.read(ours, 65536)
    process.send_signal(signal.SIGTERM)
    while select.select([ours], [], [], 5)[0]:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # it has ended
            break
    os.close(ours)
    assert process.wait(20) == 0
    assert (b"fps out" in shown) == ("--watch" in options)
    assert (b"tracked" in shown) == ("--stages" in options)
    assert b"**PERF" not in shown
    assert read_film(folder / "out.mp4")
