"""Shared by all tests: a hand-made model that finds bright squares, and pictures that hold one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME, METADATA_KEY, Contract
from faceir.flow import Image

# The suite draws the same examples every time, so that a failure is caused by the change at hand; new ones are looked
# for with `pytest --hypothesis-profile explore`. No deadline: the machine may be busy.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("suite")

# In network pixels the square that `square_model` takes for a face: it starts 24 left of and above
# a grid cell's corner and is 64 wide. Its box is then exact.
SQUARE = 64
SQUARE_AT = (7 * 16 - 24, 5 * 16 - 24)


def write_square_model(
    path: Path, contract: Contract | None = None, metadata: str | None = None, **tensors: str
) -> Path:
    """An ONNX file whose coverage is high where 64 x 64 pixels are bright, with boxes of 64 x 64."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    contract = contract or Contract(name="square")
    width, height = contract.fit.size_wh
    names = {"input": INPUT_NAME, "cov": COV_NAME, "bbox": BBOX_NAME} | tensors
    mean = np.full((1, 3, SQUARE, SQUARE), 1 / (3 * SQUARE * SQUARE), np.float32)
    distances = np.array([24.5, 24.5, 39.5, 39.5], np.float32) / 35
    constants = {
        "mean_w": mean,
        "level": np.float32(0.6),
        "slope": np.float32(30),
        "zero_w": np.zeros((4, 1, 1, 1), np.float32),
        "distances": distances,
    }
    nodes = [
        helper.make_node(
            "Conv", [names["input"], "mean_w"], ["m"], kernel_shape=[SQUARE] * 2, strides=[16] * 2, pads=[24] * 4
        ),
        helper.make_node("Sub", ["m", "level"], ["above"]),
        helper.make_node("Mul", ["above", "slope"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], [names["cov"]]),
        helper.make_node("Conv", ["m", "zero_w", "distances"], [names["bbox"]], kernel_shape=[1, 1]),
    ]
    grid = [height // 16, width // 16]
    graph = helper.make_graph(
        nodes,
        "square",
        [helper.make_tensor_value_info(names["input"], TensorProto.FLOAT, ["batch", 3, height, width])],
        [
            helper.make_tensor_value_info(names["bbox"], TensorProto.FLOAT, ["batch", 4, *grid]),
            helper.make_tensor_value_info(names["cov"], TensorProto.FLOAT, ["batch", 1, *grid]),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    if metadata != "":
        helper.set_model_props(model, {METADATA_KEY: metadata or contract.to_json(), "author": "tests"})
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def square_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of the model that finds bright squares."""
    return write_square_model(tmp_path_factory.mktemp("model") / "square.onnx")


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Path]:
    """`write_square_model`, for models that are wrong in some way."""
    return write_square_model


@pytest.fixture(scope="session")
def square_picture() -> Callable[..., Image]:
    """Makes gray pictures with one bright square, `scale` times 384 x 240, moved by whole grid cells."""

    def make(scale: int = 1, cell_xy: tuple[int, int] = (0, 0), low: int = 20, high: int = 240) -> Image:
        image = np.full((240 * scale, 384 * scale), low, np.uint8)
        x, y = ((at + 16 * cell) * scale for at, cell in zip(SQUARE_AT, cell_xy, strict=True))
        image[y : y + SQUARE * scale, x : x + SQUARE * scale] = high
        return image

    return make
