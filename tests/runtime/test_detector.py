from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceir.cluster import ClusterParams
from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME, Contract
from faceir.errors import InputError, ModelError
from faceir.fit import Fit, to_blob
from faceir.flow import Image
from faceir.runtime import detector as module
from faceir.runtime.detector import Detector
from tests.conftest import SQUARE, SQUARE_AT

Make = Callable[..., Image]


@pytest.fixture(scope="module")
def detector(square_model: Path) -> Detector:
    return Detector(square_model, precision="f32")


@pytest.mark.parametrize(("scale", "cell_xy"), [(1, (0, 0)), (2, (3, -1)), (5, (-2, 4))])
def test_finds_the_square_where_it_is(
    detector: Detector, square_picture: Make, scale: int, cell_xy: tuple[int, int]
) -> None:
    found = detector.detect(square_picture(scale, cell_xy))
    x, y = ((at + 16 * cell) * scale for at, cell in zip(SQUARE_AT, cell_xy, strict=True))
    np.testing.assert_allclose(found.xyxy, [[x, y, x + SQUARE * scale, y + SQUARE * scale]], atol=1e-3 * scale)
    assert found.scores[0] > 0.99


def test_default_is_the_packaged_model() -> None:
    assert Detector("default", threads=1).path == Detector(threads=1).path == module.default_model()


def test_nothing_found_is_empty(detector: Detector) -> None:
    assert len(detector.detect(np.zeros((100, 200), np.uint8))) == 0


def test_rgb_equals_its_gray(detector: Detector, square_picture: Make) -> None:
    gray = square_picture(1)
    assert detector.detect(np.repeat(gray[:, :, None], 3, axis=2)) == detector.detect(gray)


def test_list_equals_single(detector: Detector, square_picture: Make) -> None:
    pictures = [square_picture(1 + n % 3, (n % 5, -(n % 3))) for n in range(20)] + [np.zeros((3, 2), np.uint8)]
    singles = [detector.detect(picture) for picture in pictures]
    assert detector.detect(pictures) == singles
    assert detector(tuple(pictures)) == singles
    assert detector.detect([]) == []


def test_submitted_together_come_back_in_any_order(detector: Detector, square_picture: Make) -> None:
    pictures = [square_picture(1, (n, 0)) for n in range(9)]
    pending = [detector.submit(picture) for picture in pictures]
    backwards = [p.result() for p in reversed(pending)]
    assert backwards[::-1] == detector.detect(pictures)
    assert all(p.done() for p in pending)


def test_many_threads_share_one_detector(detector: Detector, square_picture: Make) -> None:
    pictures = [square_picture(1, (n, 0)) for n in range(8)]
    wanted = detector.detect(pictures)
    wrong = []

    def work(n: int) -> None:
        wrong.extend(n for _ in range(10) if detector.detect(pictures[n]) != wanted[n])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_compiled_graph_equals_the_onnx_on_a_float_blob(detector: Detector, square_model: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    canvas = np.random.default_rng(0).integers(0, 256, (240, 384), dtype=np.uint8)
    session = onnxruntime.InferenceSession(str(square_model), providers=["CPUExecutionProvider"])
    bbox, cov = session.run([BBOX_NAME, COV_NAME], {INPUT_NAME: to_blob(canvas[None])})
    pending = detector.submit(canvas)
    found_cov, found_bbox = pending._request.wait()
    # The logit is 30 times the mean, so 1e-6 of the mean is up to 7.5e-6 of coverage.
    np.testing.assert_allclose(found_cov, cov[0], atol=7.5e-6)
    np.testing.assert_allclose(found_bbox, bbox[0], atol=1e-6)
    pending.result()


def test_threshold_and_contract(square_model: Path, make_model: Callable[..., Path], tmp_path: Path) -> None:
    gray = np.zeros((240, 384), np.uint8)
    x, y = SQUARE_AT
    gray[y : y + SQUARE, x : x + SQUARE] = 156  # mean 0.612, coverage 0.59
    assert len(Detector(square_model, precision="f32").detect(gray)) == 1
    assert len(Detector(square_model, precision="f32", threshold=0.7).detect(gray)) == 0
    bare = make_model(tmp_path / "bare.onnx", metadata="")
    contract = Contract(cluster=(ClusterParams(coverage_threshold=0.9),))
    assert len(Detector(bare, precision="f32", contract=contract).detect(gray)) == 0


def test_input_that_feeds_more_than_one_convolution(
    make_model: Callable[..., Path], tmp_path: Path, square_picture: Make
) -> None:
    onnx = pytest.importorskip("onnx")
    path = make_model(tmp_path / "two.onnx")
    model = onnx.load(path)
    model.graph.node.insert(0, onnx.helper.make_node("Relu", [INPUT_NAME], ["positive"]))  # not a convolution
    model.graph.node[1].input[0] = "positive"
    onnx.save(model, path)
    assert len(Detector(path, precision="f32").detect(square_picture(1))) == 1


def test_describes_itself(square_model: Path) -> None:
    detector = Detector(square_model, threads=1, precision="f32")
    assert str(detector.describe()).endswith("1 thread, f32 (asked for)")
    assert "all cores" in str(Detector(square_model).describe())
    assert detector.contract.name == "square"


BROKEN: dict[str, tuple[Callable[[Callable[..., Path], Path], object], str]] = {
    "missing": (lambda make, path: None, "does not exist"),
    "folder": (lambda make, path: path.mkdir(), "is a folder"),
    "empty": (lambda make, path: path.touch(), "is empty (0 bytes)"),
    "text": (lambda make, path: path.write_text("no model at all " * 99), "is not an ONNX model"),
    "cut short": (lambda make, path: path.write_bytes(make(path).read_bytes()[:-200]), "cut short"),
    "half": (lambda make, path: path.write_bytes(make(path).read_bytes()[:9000]), "cut short"),
    "zeros": (lambda make, path: path.write_bytes(bytes(4000)), "is not an ONNX model"),
    "no graph": (lambda make, path: path.write_bytes(b"\x08\x0a"), "holds no ONNX graph"),
    "garbage graph": (
        lambda make, path: path.write_bytes(b"\x08\x0a\x3a\x04\xff\xff\xff\xff"),
        "cannot be read as ONNX",
    ),
    "no contract": (lambda make, path: make(path, metadata=""), "carries no contract"),
    "contract is no JSON": (lambda make, path: make(path, metadata="{"), "its contract cannot be read"),
    "newer contract": (
        lambda make, path: make(path, metadata=Contract().to_json().replace('"format": 1', '"format": 9')),
        "has contract format 9",
    ),
    "other output": (lambda make, path: make(path, cov="scores"), "has no output 'output_cov/Sigmoid'"),
    "other size": (
        lambda make, path: make(path, metadata=replace(Contract(), fit=Fit((480, 272))).to_json()),
        "'input_1' is f32 [?, 3, 240, 384]",
    ),
    "more classes": (
        lambda make, path: make(
            path, metadata=Contract(classes=("face", "hand"), cluster=(ClusterParams(), ClusterParams())).to_json()
        ),
        "wanted f32 [N, 2, 15, 24]",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_models_say_what_is_wrong(
    make_model: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    make, said = BROKEN[name]
    make(make_model, tmp_path / "model.onnx")
    with pytest.raises(ModelError) as caught:
        Detector(tmp_path / "model.onnx")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "model.onnx") in str(caught.value)
    if name != "garbage graph":  # only OpenVINO can tell that one, and its other readers speak up
        assert capfd.readouterr() == ("", "")


def test_no_packaged_model_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEFAULT_MODEL", "none.onnx")
    with pytest.raises(ModelError, match="-m MODEL"):
        Detector()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"precision": "int4"}, "precision: is 'int4'; wanted auto, f32"),
        ({"threads": -1}, "threads: is -1"),
        ({"threshold": 1.5}, "threshold: is 1.5; wanted 0..1"),
        ({"threshold": float("nan")}, "threshold: is nan"),
    ],
)
def test_wrong_arguments(square_model: Path, given: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        Detector(square_model, **given)  # type: ignore[arg-type]
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "image", [None, np.zeros((0, 5), np.uint8), np.zeros((4, 4), np.float32), np.zeros((2, 4, 4, 3), np.uint8)]
)
def test_not_a_picture(detector: Detector, image: object) -> None:
    with pytest.raises(InputError):
        detector.detect(image)  # type: ignore[call-overload]


def test_openvino_does_not_call_home(square_model: Path, tmp_path: Path) -> None:
    """Imported plainly it leaves an id in ~/intel, for telemetry that nobody who detects faces has agreed to."""
    code = f"from faceir.runtime.detector import Detector; Detector({str(square_model)!r})"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []
