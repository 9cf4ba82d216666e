"""`faceir export` as it is typed: every format, what does not go together, the gate, and nothing half done."""

import re

import cv2
import numpy as np
import onnx
import pytest
import torch

from faceir.cli import main
from faceir.cluster import ClusterParams
from faceir.contract import METADATA_KEY, Contract
from faceir.fit import Fit, to_blob
from faceir.runtime.detector import Detector
from faceir.train import checkpoint
from faceir.train.export import onnx_file, parity, torch_files
from faceir.train.model import Architecture, GridBoxNet

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # warnings of torch.onnx's own making
SIZE = (96, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint of a tiny net, and pictures with one labelled face each."""
    folder = tmp_path_factory.mktemp("verb")
    torch.manual_seed(0)
    net = GridBoxNet(Architecture.resnet18(width_multiplier=0.125))
    pictures = [np.random.default_rng(n).integers(0, 256, (SIZE[1], SIZE[0])).astype(np.uint8) for n in range(6)]
    net.train()
    with torch.no_grad():
        for _ in range(50):
            net(torch.from_numpy(to_blob(np.stack(pictures))))
    params = ClusterParams(coverage_threshold=0.05, confidence_threshold=0.5, nms_vote=True)
    contract = Contract(fit=Fit(SIZE), cluster=(params,))
    checkpoint.save(folder / "tiny.safetensors", checkpoint.Checkpoint(net.eval(), contract))
    for name in ("images", "labels"):
        (folder / "set" / name).mkdir(parents=True)
    for n, picture in enumerate(pictures):
        cv2.imwrite(str(folder / "set" / "images" / f"{n}.png"), picture)
        (folder / "set" / "labels" / f"{n}.txt").write_text("face 0 0 0 20 10 60 50 0 0 0 0 0 0 0\n")
    return folder


@pytest.fixture(scope="module", autouse=True)
def one_torch_export():
    """torch.onnx takes seconds for the same graph each time."""
    original, made = onnx_file._to_onnx, []

    def cached(net, contract):
        if not made:
            made.append(original(net, contract).SerializeToString())
        model = onnx.ModelProto.FromString(made[0])
        onnx_file.state_contract(model, contract)
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_file, "_to_onnx", cached)
        yield


@pytest.fixture
def run(folder, tmp_path, capsys):
    """Types `faceir export` with `-o NAME` in an empty folder; its exit code and what it said."""

    def type_it(name, *rest):
        code = 0
        try:
            main([str(a) for a in ("export", "-m", folder / "tiny.safetensors", "-o", tmp_path / name, *rest)])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out + said.err

    return type_it


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def int8(folder):
    return ("--data-type", "int8", "--cal-image-dir", folder / "set")


def test_onnx(run, tmp_path):
    code, said = run("m.onnx", "-n", "mine", "--threshold", "0.3")
    assert code == 0
    assert re.search(r"wrote .*m\.onnx, .* within \de-\d\d of torch in OpenVINO and ONNX Runtime", said)
    assert names(tmp_path) == ["m.onnx"]
    contract = Detector(tmp_path / "m.onnx").contract
    assert (contract.name, contract.cluster[0].confidence_threshold, contract.fused) == ("mine", 0.3, False)


def test_fused_int8_with_its_scales(run, tmp_path, int8):
    code, said = run("m.onnx", *int8, "--fused", "--cal-cache-file", tmp_path / "c.txt", "--cal-json-file",
                     tmp_path / "c.json", "--cal-method", "minmax", "--float-layers", "block_1a.conv_1")  # fmt: skip
    assert code == 0, said
    assert "coverage in INT8 differs from float by 0.0" in said
    assert names(tmp_path) == ["c.json", "c.txt", "m.onnx"]
    assert (tmp_path / "c.txt").read_text().startswith("TRT-")
    assert Detector(tmp_path / "m.onnx").contract.fused
    assert "int8" in Detector(tmp_path / "m.onnx").describe().precision
    stated = {p.key for p in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert METADATA_KEY in stated


@pytest.mark.parametrize("data_type", ["fp32", "fp16"])
def test_openvino(run, tmp_path, data_type):
    code, said = run("m.xml", "--format", "openvino", "--data-type", data_type)
    assert code == 0
    assert "of torch in OpenVINO" in said
    assert names(tmp_path) == ["m.bin", "m.xml"]
    assert Detector(tmp_path / "m.xml").contract.name == "m"


@pytest.mark.parametrize(
    ("form", "name"),
    [("torchscript", "m.pt"), ("exported-program", "m.pt2")],
)
def test_torch_formats(run, tmp_path, form, name):
    assert run(name, "--format", form)[0] == 0
    assert names(tmp_path) == [name]
    read = torch_files.read_torchscript if form == "torchscript" else torch_files.read_exported_program
    assert read(tmp_path / name)[1].name == "m"


def test_tensorrt_that_is_not_here_is_not_pretended(run, tmp_path, int8, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = run("m.onnx", "--format", "tensorrt", *int8, "--max-batch-size", "4")
    assert code == 1
    assert "m.onnx_b4_gpu0_int8.engine: was not built" in said
    assert f"trtexec --onnx={tmp_path / 'm.onnx'}" in said
    assert f"--calib={tmp_path / 'm_int8.txt'}" in said
    assert names(tmp_path) == ["m.onnx", "m_int8.txt"]  # what trtexec is to be given
    kinds = {i.name: i.data_type for i in onnx.load(tmp_path / "m.onnx").graph.initializer if i.name.endswith("/zero")}
    assert set(kinds.values()) == {onnx.TensorProto.INT8}


@pytest.mark.parametrize("spelling", ["--gen-ds-config", "--gen_ds_config"])
def test_deepstream(run, tmp_path, int8, folder, spelling):
    code, said = run("m.onnx", *int8, spelling, "-d", folder / "set", "--max-drop", "100")
    assert code == 0, said
    assert "DeepStream's NMS does best on" in said
    chosen = re.search(r"from coverage ([\d.]+) up", said)[1]
    text = (tmp_path / "config_infer_primary_faceir.txt").read_text()
    assert f"pre-cluster-threshold={float(chosen)}\n" in text
    assert "int8-calib-file=m_int8.txt\n" in text
    assert (tmp_path / "m_int8.txt").exists()
    assert "network-mode=1\n" in text
    assert re.search(rf"faceir export -m .* --cal-image-dir {folder / 'set'} -d .* --gen-ds-config\n", text)


def test_a_gate_that_does_not_hold_leaves_the_old_file(run, tmp_path, int8, folder):
    (tmp_path / "m.onnx").write_bytes(b"old")
    cache = tmp_path / "c.txt"
    code, said = run("m.onnx", *int8, "-d", folder / "set", "--max-drop", "-200", "--cal-cache-file", cache)
    assert code == 1
    assert "accuracy" in said
    assert (tmp_path / "m.onnx").read_bytes() == b"old"
    assert names(tmp_path) == ["m.onnx"]


def test_int8_far_from_float_is_refused(run, tmp_path, int8, monkeypatch):
    monkeypatch.setattr(parity, "coverage_change", lambda *_: parity.Coverage(0.3, 1.0))
    code, said = run("m.onnx", *int8, "--cal-cache-file", tmp_path / "c.txt")
    assert code == 1
    assert "changes the coverage by 0.300 in the mean; wanted at most 0.05" in said
    assert names(tmp_path) == []


def test_sealed(run, tmp_path):
    pytest.importorskip("cryptography")
    assert run("m.onnx", "-k", "tlt_encode")[0] == 0
    assert Detector(tmp_path / "m.onnx", key="tlt_encode").contract.name == "m"
    assert b"input_1" not in (tmp_path / "m.onnx").read_bytes()


@pytest.mark.parametrize(
    ("name", "rest", "says"),
    [
        ("m.onnx", ("--format", "caffe"), "--format: is 'caffe'; wanted onnx, openvino"),
        ("m.onnx", ("--format", "openvino"), "-o: is m.onnx; wanted a name that ends with .xml"),
        ("m.onnx", ("--data-type", "int4"), "--data-type: is 'int4'; wanted fp32, fp16, int8"),
        ("m.onnx", ("--data-type", "int8"), "--cal-image-dir: goes with --data-type int8"),
        ("m.onnx", ("--data-type", "fp16"), "fp16 is for TensorRT"),
        ("m.onnx", ("--fused", "--gen-ds-config"), "--fused: is for faceir's own runtime"),
        ("m.onnx", ("--data-type", "int8", "--scheme", "u8", "--gen-ds-config"), "--scheme: u8 is nothing"),
        ("m.xml", ("--format", "openvino", "--gen-ds-config"), "DeepStream reads ONNX"),
        ("m.pt", ("--format", "torchscript", "--fused"), "torchscript is written in fp32 only"),
        ("m.onnx", ("--gen-ds-config", "-k", "secret"), "-k: seals ONNX files for faceir alone"),
        ("m.onnx", ("--min-batch-size", "4"), "batch sizes: are 4, 1, 1; wanted min <= opt <= max"),
        ("m.onnx", ("--format", "tensorrt", "--opt-batch-size", "2"), "batch sizes: are 1, 2, 1"),
    ],
)
def test_what_does_not_go_together(run, tmp_path, name, rest, says):
    code, said = run(name, *rest)
    assert code == 1
    assert says in said
    assert "secret" not in said
    assert names(tmp_path) == []
