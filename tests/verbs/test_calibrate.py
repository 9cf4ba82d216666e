"""`faceir calibrate`: files and what is said; layers that go back to float until the gate holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import torch
import typer
from typer.testing import CliRunner

from faceir.contract import Contract
from faceir.errors import FaceirError, GateError, InputError, ModelError
from faceir.fit import Fit, to_blob
from faceir.runtime.detector import Detector
from faceir.train import checkpoint, quantise
from faceir.train.checkpoint import Checkpoint
from faceir.train.export import export
from faceir.train.model import GridBoxNet
from faceir.train.quantise import cache
from faceir.verbs.calibrate import calibrate
from faceir.verbs.gate import Gate
from tests.train.conftest import TINY

SIZE = (96, 64)
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # warnings of torch.onnx's own making


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`m.safetensors`, the same as `float.onnx`, and `pictures/`, labelled."""
    made = tmp_path_factory.mktemp("calibrate")
    torch.manual_seed(0)
    pictures = [np.random.default_rng(n).integers(0, 256, (SIZE[1], SIZE[0])).astype(np.uint8) for n in range(5)]
    net = GridBoxNet(TINY).train()
    with torch.no_grad():  # statistics as after a training
        for _ in range(100):
            net(torch.from_numpy(to_blob(np.stack(pictures))))
    contract = Contract(name="tiny", fit=Fit(SIZE))
    checkpoint.save(made / "m.safetensors", Checkpoint(net.eval(), contract))
    export(net, contract, made / "float.onnx")
    for name in ("images", "labels"):
        (made / "pictures" / name).mkdir(parents=True)
    for n, picture in enumerate(pictures):
        cv2.imwrite(str(made / "pictures" / "images" / f"{n}.png"), picture)
        (made / "pictures" / "labels" / f"{n}.txt").write_text("face 0 0 0 20 10 60 60 0 0 0 0 0 0 0\n")
    return made


def run(*arguments: object) -> str:
    """What the verb prints; its errors are raised."""
    app = typer.Typer()
    app.command()(calibrate)
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if isinstance(result.exception, FaceirError):
        raise result.exception
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def float_layers(path: Path) -> list[str]:
    stated = {p.key: p.value for p in onnx.load(path).metadata_props}
    return list(json.loads(stated.get("float_layers", "[]")))


def test_a_checkpoint_becomes_int8_with_its_scales(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "int8.onnx"
    told = run(
        "-m", folder / "m.safetensors", "-o", out, "--cal_image_dir", folder / "pictures", "--cal-images", 3,
        "--cal-cache-file", tmp_path / "cal.bin", "--cal-json-file", tmp_path / "cal.json", "--trt-version", 8001,
    )  # fmt: skip
    assert "by percentile 99.99 of 3 pictures" in told
    assert "signal to quantisation noise" in told
    assert "int8 (u8)" in told
    detector = Detector(out)
    assert detector.contract.name == "int8"
    assert str(detector.describe()).count("int8") == 1
    assert len(detector(list(np.zeros((2, 64, 96), np.uint8)))) == 2
    scales, ranges = cache.read(tmp_path / "cal.bin"), cache.read_json(tmp_path / "cal.json")
    assert (tmp_path / "cal.bin").read_text().startswith("TRT-8001-EntropyCalibration2\n")
    names = {name for node in onnx.load(folder / "float.onnx").graph.node for name in node.output}
    assert set(scales) == set(ranges) == names | {"input_1"}
    for name, scale in scales.items():
        assert scale == pytest.approx(ranges[name] / 127)
    assert [p.name for p in out.parent.iterdir()] == ["int8.onnx"]


def test_a_float_onnx_file_does_as_well(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "s8.onnx"
    told = run("-m", folder / "float.onnx", "-o", out, "--cal-image-dir", folder / "pictures", "--scheme", "s8",
               "--method", "minmax", "--float-layers", "conv1,block_2a.conv_1")  # fmt: skip
    assert "in float: conv1, block_2a.conv_1" in told
    assert float_layers(out) == ["conv1", "block_2a.conv_1"]
    with pytest.raises(ModelError, match="is quantised already"):
        run("-m", out, "-o", tmp_path / "again.onnx", "--cal-image-dir", folder / "pictures")
    assert not (tmp_path / "again.onnx").exists()


def test_ranges_from_training_are_used(folder: Path, tmp_path: Path) -> None:
    found = quantise.calibrate(folder / "float.onnx", [np.full((SIZE[1], SIZE[0]), 99, np.uint8)])
    loaded = checkpoint.load(folder / "m.safetensors")
    learnt = {name: [2 * known.high, known.signed] for name, known in found.items()}
    trained = Checkpoint(loaded.net, loaded.contract, data={"activation_ranges": learnt})
    checkpoint.save(tmp_path / "qat.safetensors", trained)
    told = run("-m", tmp_path / "qat.safetensors", "-o", tmp_path / "a.onnx", "--cal-json-file", tmp_path / "a.json")
    assert "as learnt in quantisation-aware training" in told
    assert cache.read_json(tmp_path / "a.json") == {name: pytest.approx(high) for name, (high, _) in learnt.items()}
    with pytest.raises(InputError, match="--cal-image-dir: is not given"):
        run("-m", tmp_path / "qat.safetensors", "-o", tmp_path / "b.onnx", "--force-ptq")


class Stub:
    """A gate that holds once `wanted` layers are in float."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.asked = wanted, list[list[str]]()

    def check(self, before: Any, after: Any, *_: Any) -> None:
        self.asked.append(float_layers(after.path))
        assert float_layers(before.path) == []
        if len(self.asked[-1]) < self.wanted:
            raise GateError("int8", "accuracy fell")


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    made = Stub(3)
    monkeypatch.setattr(Gate, "check", lambda _, *rest: made.check(*rest))
    return made


def test_layers_go_back_to_float_until_the_gate_holds(folder: Path, tmp_path: Path, stub: Stub) -> None:
    out = tmp_path / "int8.onnx"
    options = ("-m", folder / "float.onnx", "-o", out, "--cal-image-dir", folder / "pictures", "-d", folder)
    told = run(*options, "--float-layers", "block_4b.conv_2")
    table = float_layers(out)
    assert stub.asked == [table[:1], table[:2], table[:3]]
    assert table[0] == "block_4b.conv_2"
    assert f"{table[2]} goes back to float" in told
    assert f"in float: {', '.join(table)}" in told
    before = out.read_bytes()
    stub.wanted = 9
    with pytest.raises(GateError, match="accuracy fell"):
        run(*options, "--max-float-layers", 2)
    assert out.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["int8.onnx"]


def test_sensitivity_and_gate_on_pictures(folder: Path, tmp_path: Path) -> None:
    """An untrained net finds nothing in float nor in INT8: the gate holds at no drop, and says so."""
    told = run("-m", folder / "float.onnx", "-o", tmp_path / "a.onnx", "--cal-image-dir", folder / "pictures",
               "--sensitivity", tmp_path / "table.json", "-d", folder / "pictures", "--max-drop", 0)  # fmt: skip
    table = json.loads((tmp_path / "table.json").read_text())
    assert [row["layer"] for row in table] == list(quantise.layers(folder / "float.onnx"))
    assert all(row["accuracy"] == 0 and 5 < row["cov_db"] < 200 for row in table)
    assert "allowed drop of accuracy 0: held" in told
    assert "block_3a.conv_1" in told


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"-o": "out.bin"}, "-o: is out.bin; wanted a name that ends with .onnx"),
        ({"--cal-image-dir": "nowhere"}, "nowhere: is not a folder"),
        ({"--method": "guess"}, "--method: is 'guess'"),
        ({"--scheme": "s4"}, "--scheme: is 's4'"),
        ({"--float-layers": "conv9"}, "the net has no layer conv9"),
        ({"-m": "nothing.onnx"}, "nothing.onnx: does not exist"),
    ],
)
def test_mistakes_leave_nothing_behind(folder: Path, tmp_path: Path, changed: dict[str, str], told: str) -> None:
    options = {"-m": folder / "float.onnx", "-o": "out.onnx", "--cal-image-dir": folder / "pictures"} | changed
    options["-o"] = tmp_path / options["-o"]
    with pytest.raises(FaceirError, match=told):
        run(*(part for pair in options.items() for part in pair))
    assert list(tmp_path.iterdir()) == []
