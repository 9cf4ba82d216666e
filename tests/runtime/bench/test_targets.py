from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceir import sealed
from faceir.contract import Contract
from faceir.errors import InputError, ModelError
from faceir.flow import Image
from faceir.runtime.bench.targets import Setting, default_backend, open_target, synthetic
from faceir.runtime.detector import Detector

PICTURE = synthetic((384, 240))


def test_the_synthetic_picture_is_always_the_same() -> None:
    assert PICTURE.shape == (240, 384)
    assert PICTURE.dtype == np.uint8
    assert PICTURE.std() > 20
    np.testing.assert_array_equal(PICTURE, synthetic((384, 240)))


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("batch", [1, 3])
def test_what_is_timed_finds_what_the_detector_finds(
    square_model: Path, square_picture: Callable[..., Image], backend: str, batch: int
) -> None:
    if backend == "onnxruntime":
        pytest.importorskip("onnxruntime")
    picture = square_picture(2, (3, 2))
    (wanted,) = Detector(square_model, precision="f32")([picture])
    target = open_target(Setting(square_model, backend, "f32", batch=batch), picture)
    target.infer()()
    assert target.detect is not None
    found = target.detect()()
    assert isinstance(found, list)
    assert len(found) == batch
    assert len(wanted) == 1
    for faces in found:
        np.testing.assert_allclose(faces.xyxy, wanted.xyxy, atol=0.01)
        np.testing.assert_allclose(faces.scores, wanted.scores, atol=1e-3)
    assert target.precision == "f32"
    assert f"on {backend}, f32, threads 1, streams 1, batch {batch}" in str(target)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_a_file_without_a_contract_is_inference_alone(
    make_model: Callable[..., Path], tmp_path: Path, backend: str
) -> None:
    if backend == "onnxruntime":
        pytest.importorskip("onnxruntime")
    path = make_model(tmp_path / "plain.onnx", metadata="")
    setting = Setting(path, backend, batch=2)
    target = open_target(setting, PICTURE)
    target.infer()()
    assert target.detect is None
    assert open_target(replace(setting, contract=Contract()), PICTURE).detect is not None


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_sealed_models(square_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    if backend == "onnxruntime":
        pytest.importorskip("onnxruntime")
    monkeypatch.delenv(sealed.KEY_VARIABLE, raising=False)
    closed = tmp_path / "closed.onnx"
    sealed.seal_file(square_model, closed, "key")
    open_target(Setting(closed, backend), PICTURE, "key").infer()()
    with pytest.raises(ModelError, match="is sealed"):
        open_target(Setting(closed, backend), PICTURE)


def test_what_cannot_be(square_model: Path, make_model: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="wanted openvino, onnxruntime or torch"):
        open_target(Setting(square_model, "tensorrt"), PICTURE)
    pytest.importorskip("onnxruntime")
    with pytest.raises(InputError, match="auto or f32 with onnxruntime"):
        open_target(Setting(square_model, "onnxruntime", "bf16"), PICTURE)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(ModelError, match="ONNX Runtime cannot load it"):
        open_target(Setting(broken, "onnxruntime"), PICTURE)


def test_threads_are_shared_out(square_model: Path) -> None:
    setting = Setting(square_model, threads=4, streams=2)
    assert setting.threads_each(8) == 2
    assert replace(setting, threads=0).threads_each(8) == 4
    assert replace(setting, threads=1).threads_each(8) == 1
    assert [default_backend(Path(name)) for name in ("a.onnx", "a.safetensors", "a.xml")] == [
        "openvino",
        "torch",
        "openvino",
    ]
