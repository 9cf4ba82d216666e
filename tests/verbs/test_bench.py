from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from faceir import cli, sealed

pytestmark = pytest.mark.slow

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bench(square_model: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `faceir bench` for an instant: exit code, stdout, stderr."""
    monkeypatch.setattr("faceir.verbs.bench._BLOCKS", 3)

    def run(*arguments: object) -> tuple[int, str, str]:
        given = [str(a) for a in arguments]
        if "-m" not in given:
            given += ["-m", str(square_model)]
        with pytest.raises(SystemExit) as left:
            cli.main(["bench", "--duration", "0.02", "--warm-up", "0", "--iterations", "2", *given])
        told = capfd.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return run


def test_a_line_for_every_setting(bench: Run, tmp_path: Path) -> None:
    code, out, err = bench("--batch", "1,2", "--streams", "1,2", "--threads", 2, "--json", tmp_path / "b.json")
    assert code == 0, err
    assert len(re.findall(r"^(infer|detect) +openvino", out, re.M)) == 8
    stated: dict[str, Any] = json.loads((tmp_path / "b.json").read_text())
    assert {(r["what"], r["batch"], r["streams"]) for r in stated["runs"]} == {
        (what, batch, streams) for what in ("infer", "detect") for batch in (1, 2) for streams in (1, 2)
    }
    for row in stated["runs"]:
        assert 0 < row["min_ms"] <= row["p50_ms"] <= row["p90_ms"] <= row["p99_ms"]
        assert row["per_second"] > 0
        assert row["cpu_ms"] > 0
    assert stated["machine"]["cores"] >= 1
    assert "cpu" in stated["machine"]


def test_the_words_of_trtexec(bench: Run, square_model: Path, tmp_path: Path) -> None:
    words = ("--onnx", square_model, "--warmUp", 1, "--infStreams", 1, "--exportTimes", tmp_path / "t.json")
    assert bench(*words, "--what", "infer", "-m", square_model)[0] == 0
    assert len(json.loads((tmp_path / "t.json").read_text())["runs"]) == 1


def test_against_another_backend(bench: Run, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    code, out, err = bench("--vs", ":onnxruntime:f32", "--json", tmp_path / "v.json")
    assert code == 0, err
    assert re.search(r"detect: A [\d.]+ ms, B [\d.]+ ms a picture, A/B [\d.]+ \[[\d.]+, [\d.]+\]", out)
    for row in json.loads((tmp_path / "v.json").read_text())["comparisons"]:
        low, high = row["interval_95"]
        assert low <= row["ratio"] <= high
        assert row["real"] == (not low <= 1 <= high)
        assert ("no difference" in row["verdict"]) == (not row["real"])
        assert (row["a"]["backend"], row["b"]["backend"]) == ("openvino", "onnxruntime")


def test_against_a_file_without_contract(bench: Run, make_model: Callable[..., Path], tmp_path: Path) -> None:
    code, out, err = bench("--vs", make_model(tmp_path / "plain.onnx", metadata=""))
    assert code == 0, err
    assert "detect: not compared" in out
    assert "infer: A " in out


def test_scaling(bench: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from faceir.runtime.bench import machine

    if machine.look().cores < 2:
        assert bench("--scaling")[0] == 1
        return
    code, _, err = bench("--scaling", "--what", "infer", "--json", tmp_path / "s.json")
    assert code == 0, err
    rows = json.loads((tmp_path / "s.json").read_text())["scaling"]
    assert [row["cores"] for row in rows] == list(range(2, machine.look().cores + 1))


def test_a_checkpoint_in_torch(bench: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    from faceir.contract import Contract
    from faceir.fit import Fit
    from faceir.train import checkpoint
    from faceir.train.model import Architecture, GridBoxNet

    path = tmp_path / "tiny.safetensors"
    net = GridBoxNet(Architecture(8, ((8, 8),) * 8))
    checkpoint.save(path, checkpoint.Checkpoint(net, Contract(fit=Fit((96, 64)))), key="key")
    code, out, err = bench("-m", path, "--precision", "f32,bf16", "-k", "key", "--batch", 2)
    assert code == 0, err
    assert re.search(r"detect +torch +bf16", out)


def test_sealed(bench: Run, square_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(sealed.KEY_VARIABLE, raising=False)
    closed = tmp_path / "closed.onnx"
    sealed.seal_file(square_model, closed, "a key to find")
    code, out, err = bench("-m", closed, "-k", "a key to find", "--json", tmp_path / "b.json")
    assert code == 0, err
    assert "a key to find" not in out + err + (tmp_path / "b.json").read_text()
    assert "is sealed" in bench("-m", closed)[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--what", "all"), "--what: is 'all'"),
        (("--backend", "tensorrt"), "--backend: is 'tensorrt'"),
        (("--precision", "int4"), "--precision: is 'int4'"),
        (("--batch", "0"), "--batch: is '0'"),
        (("--threads", "two"), "--threads: is 'two'"),
        (("--size", "big"), "--size: is 'big'"),
        (("--vs", "nowhere.onnx"), "nowhere.onnx: does not exist"),
        (("--vs", ":tensorrt"), "--vs: is 'tensorrt'"),
    ],
)
def test_wrong_options(bench: Run, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = bench(*arguments)
    assert code == 1
    assert said in err


def test_the_load_of_others_is_told(bench: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceir.runtime.bench.machine.Watch.others", lambda self: 64.0)
    assert "warning: other programs kept 64.0 of" in bench("--what", "infer")[2]
    monkeypatch.setattr("faceir.runtime.bench.machine.Watch.others", lambda self: 0.0)
    assert "warning" not in bench("--what", "infer")[2]


def test_the_page_names_options_that_there_are() -> None:
    page = Path(__file__).parents[2] / "docs" / "bench.md"
    command = typer.main.get_command(cli.app).commands["bench"]  # type: ignore[attr-defined]
    known = {word for parameter in command.params for word in parameter.opts}
    assert set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", page.read_text("utf-8"))) <= known
