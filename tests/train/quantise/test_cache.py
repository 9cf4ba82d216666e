"""Scale files: there and back, the bits as TensorRT reads them, and what is no such file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.errors import InputError
from faceir.train.quantise import cache, calibrate
from faceir.train.quantise.ranges import Range
from tests.train.quantise.conftest import Exported

pytestmark = pytest.mark.slow

NAMES = st.text(st.characters(codec="ascii", exclude_categories=("C", "Z")), min_size=1, max_size=20)


@given(st.dictionaries(NAMES, st.floats(1e-6, 1e6), min_size=1, max_size=10))
def test_there_and_back(tmp_path_factory: pytest.TempPathFactory, highs: dict[str, float]) -> None:
    folder = tmp_path_factory.mktemp("scales")
    ranges = {name: Range(high, False) for name, high in highs.items()}
    cache.write(folder / "cal.bin", ranges)
    assert cache.read(folder / "cal.bin") == {name: float(np.float32(high / 127)) for name, high in highs.items()}
    cache.write_json(folder / "cal.json", ranges)
    assert cache.read_json(folder / "cal.json") == highs


def test_the_text_is_tensorrts(tmp_path: Path) -> None:
    """1 / 127 is 0x3c010204 in float32, as in the caches that TensorRT writes for pictures of 0..1."""
    cache.write(tmp_path / "cal.bin", {"input_1": Range(1, False), "output_bbox/BiasAdd": Range(127, True)}, 8001)
    assert (tmp_path / "cal.bin").read_text() == (
        "TRT-8001-EntropyCalibration2\ninput_1: 3c010204\noutput_bbox/BiasAdd: 3f800000\n"
    )


def test_every_tensor_of_a_net_is_in_it(exported: Exported, tmp_path: Path) -> None:
    ranges = calibrate(exported.path, exported.pictures[:2])
    cache.write(tmp_path / "cal.bin", ranges)
    scales = cache.read(tmp_path / "cal.bin")
    assert len(scales) == 1 + 25 + 17 + 8 + 3  # input, body convolutions, ReLUs, sums, heads and sigmoid
    assert {"input_1", "output_bbox/BiasAdd", "output_cov/Sigmoid"} <= set(scales)
    assert all(scale > 0 for scale in scales.values())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cal:1: reads ''; wanted TRT-8517"),
        ("relu: 3c010204\n", "cal:1"),
        ("TRT-8517-EntropyCalibration2\nrelu: 3c0102\n", "cal:2: reads 'relu: 3c0102'; wanted TENSOR: 8 hex"),
        ("TRT-8517-EntropyCalibration2\nrelu 3c010204\n", "cal:2"),
    ],
)
def test_what_is_no_cache(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "cal").write_text(text)
    with pytest.raises(InputError, match=told):
        cache.read(tmp_path / "cal")


@pytest.mark.parametrize("stated", ["", "[]", "{}", json.dumps({"tensor_scales": 3}), '{"tensor_scales": {"a": "b"}}'])
def test_what_is_no_json_of_scales(tmp_path: Path, stated: str) -> None:
    (tmp_path / "cal.json").write_text(stated)
    with pytest.raises(InputError, match=r"cal.json: cannot be read"):
        cache.read_json(tmp_path / "cal.json")
    with pytest.raises(InputError, match="nowhere"):
        cache.read_json(tmp_path / "nowhere")
