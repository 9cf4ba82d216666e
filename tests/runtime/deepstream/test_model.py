from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from faceir.contract import Contract
from faceir.errors import ModelError
from faceir.fit import Fit
from faceir.flow import Image
from faceir.runtime.deepstream.infer import InferConfig, read_infer
from faceir.runtime.deepstream.model import find_net

LEAST = "[property]\nnet-scale-factor=0.0039215697906911373\nnum-detected-classes=1\ncluster-mode=2\n"


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], InferConfig]:
    def read(lines: str) -> InferConfig:
        path = tmp_path / "infer.txt"
        path.write_text(LEAST + lines)
        return read_infer(path)

    return read


def test_the_file_s_own_model(
    config: Callable[[str], InferConfig], square_model: Path, square_picture: Callable[..., Image]
) -> None:
    infer = config(f"onnx-file={square_model}\n[class-attrs-all]\npre-cluster-threshold=0.6\n")
    net = find_net(infer)
    assert (net.path, net.contract.fit.keep_aspect) == (square_model, False)
    found = net.open(infer, threads=1).detect(square_picture())
    assert [round(v) for v in found.xyxy[0].tolist()] == [88, 56, 152, 120]


def test_a_stand_in(config: Callable[[str], InferConfig], square_model: Path) -> None:
    infer = config("tlt-encoded-model=a.etlt\n")
    with pytest.raises(ModelError, match="encrypted"):
        find_net(infer)
    assert find_net(infer, square_model).contract.fit.keep_aspect
    assert find_net(infer, "default").contract.classes == ("face",)
    with pytest.raises(ModelError, match="does not exist"):
        find_net(infer, "none.onnx")


def test_a_model_of_another_house(
    config: Callable[[str], InferConfig], make_model: Callable[..., Path], tmp_path: Path
) -> None:
    """It carries no contract, so the configuration has to say what it is."""
    path = make_model(tmp_path / "theirs.onnx", metadata="")
    with pytest.raises(ModelError, match="no contract"):
        find_net(config(f"onnx-file={path}\n"))
    contract = find_net(config(f"onnx-file={path}\ninfer-dims=3;240;384\nmaintain-aspect-ratio=1\n")).contract
    assert (contract.classes, contract.fit, contract.name) == (("class0",), Fit((384, 240), True), "theirs")
    with pytest.raises(ModelError):
        find_net(config(f"onnx-file={path}\ninfer-dims=3;544;960\n"))


def test_contradictions(config: Callable[[str], InferConfig], make_model: Callable[..., Path], tmp_path: Path) -> None:
    path = make_model(tmp_path / "m.onnx", contract=Contract())
    with pytest.raises(ModelError, match="960 x 544"):
        find_net(config(f"onnx-file={path}\ninfer-dims=3;544;960\n"))
