"""The command line for trtexec, its engine's name, and that nothing is claimed which was not built."""

import shlex
import sys
import types

import pytest

from faceir.contract import Contract
from faceir.errors import ModelError
from faceir.train.export import tensorrt
from faceir.train.export.tensorrt import Batches, build, command, engine_name

FAKE = """#!/bin/sh
for word in "$@"; do
  echo "$word" >> {log}
  case "$word" in --saveEngine=*) engine="${{word#--saveEngine=}}";; esac
done
{rest}
"""


@pytest.fixture
def trtexec(tmp_path, monkeypatch):
    """A stand-in for trtexec that keeps its words."""

    def make(rest='printf engine > "$engine"'):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "trtexec").write_text(FAKE.format(log=tmp_path / "words", rest=rest))
        (folder / "trtexec").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return tmp_path / "words"

    return make


def test_the_engine_has_the_name_that_deepstream_looks_for(tmp_path):
    assert engine_name(tmp_path / "m.onnx", 4, "int8") == "m.onnx_b4_gpu0_int8.engine"


@pytest.mark.parametrize(
    ("data_type", "flags"), [("fp32", set()), ("fp16", {"--fp16"}), ("int8", {"--int8", "--fp16", "--calib=c.txt"})]
)
def test_the_command_line(tmp_path, data_type, flags):
    model = tmp_path / "m.onnx"
    words = command(model, tmp_path / "m.engine", Contract(), data_type, Batches(1, 2, 8), tmp_path / "c.txt")
    words = [word.replace(f"{tmp_path}/", "") for word in words]
    shapes = {f"--{k}Shapes=input_1:{n}x3x240x384" for k, n in (("min", 1), ("opt", 2), ("max", 8))}
    assert words[0] == "trtexec"
    assert set(words[1:]) == {"--onnx=m.onnx", "--saveEngine=m.engine", *shapes, *flags}


def test_without_tensorrt_it_says_what_to_type_and_that_nothing_was_built(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    engine = tmp_path / "m.engine"
    with pytest.raises(ModelError, match="was not built") as caught:
        build(tmp_path / "a model.onnx", engine, Contract(), "fp16")
    typed = caught.value.do.split(": ", 1)[1]
    assert shlex.split(typed) == command(tmp_path / "a model.onnx", engine, Contract(), "fp16")
    assert list(tmp_path.iterdir()) == []


def test_trtexec_builds_it(tmp_path, trtexec):
    words = trtexec()
    engine = tmp_path / "m.engine"
    assert build(tmp_path / "m.onnx", engine, Contract(), "fp16") == "trtexec"
    assert engine.read_bytes() == b"engine"
    assert f"--onnx={tmp_path / 'm.onnx'}" in words.read_text().splitlines()


@pytest.mark.parametrize("rest", ["echo '[E] no GPU' >&2; exit 1", "exit 0"])
def test_what_trtexec_does_not_build_is_not_there(tmp_path, trtexec, rest):
    trtexec(rest)
    engine = tmp_path / "m.engine"
    engine.write_bytes(b"old")
    with pytest.raises(ModelError, match=r"was not built: trtexec ended with (1 \(\[E\] no GPU\)|0)"):
        build(tmp_path / "m.onnx", engine, Contract(), "fp32")
    assert engine.read_bytes() == b"old"
    assert not list(tmp_path.glob(".engine-*"))


class _Stub:
    """Answers every call and attribute, and keeps the calls; `given` overrides results by name."""

    def __init__(self, calls, given):
        self._calls, self._given = calls, given

    def __getattr__(self, name):
        def call(*words):
            self._calls.append((name, *words))
            return self._given.get(name, self)

        return call


@pytest.mark.parametrize("given", [{"parse": True, "build_serialized_network": b"plan"}, {"parse": False}])
def test_the_python_package_builds_it(tmp_path, monkeypatch, given):
    calls = []
    stub = _Stub(calls, given)
    module = types.ModuleType("tensorrt")
    module.__spec__ = types.SimpleNamespace(name="tensorrt")
    module.Logger = type("Logger", (), {"WARNING": 1, "__init__": lambda self, level: None})
    module.Builder = lambda logger: stub
    module.OnnxParser = lambda network, logger: stub
    module.NetworkDefinitionCreationFlag = type("Flags", (), {"EXPLICIT_BATCH": 0})
    module.BuilderFlag = type("BuilderFlag", (), {"FP16": "FP16", "INT8": "INT8"})
    monkeypatch.setitem(sys.modules, "tensorrt", module)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "m.onnx").write_bytes(b"onnx")
    engine = tmp_path / "m.engine"
    if not given["parse"]:
        with pytest.raises(ModelError, match=r"TensorRT cannot read m\.onnx"):
            build(tmp_path / "m.onnx", engine, Contract(), "int8")
        assert not engine.exists()
        return
    assert build(tmp_path / "m.onnx", engine, Contract(), "int8", Batches(1, 2, 4)) == "TensorRT's Python package"
    assert engine.read_bytes() == b"plan"
    shapes = tuple((n, 3, 240, 384) for n in (1, 2, 4))
    assert {("parse", b"onnx"), ("set_flag", "INT8"), ("set_flag", "FP16"), ("set_shape", "input_1", *shapes)} <= set(
        calls
    )


def test_int8_by_default_has_no_cache_to_name():
    assert not [word for word in tensorrt.command("m", "e", Contract(), "int8") if word.startswith("--calib")]
