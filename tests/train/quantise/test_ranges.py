"""Ranges: each method against an outside oracle, and the order of pictures must not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from onnxruntime.quantization.calibrate import (
    CalibrationDataReader,
    CalibrationMethod,
    HistogramCollector,
    create_calibrator,
)

from faceir.contract import BBOX_NAME, COV_NAME, INPUT_NAME
from faceir.errors import InputError
from faceir.fit import to_blob
from faceir.train.quantise import ranges as r
from tests.train.quantise.conftest import Exported

pytestmark = pytest.mark.filterwarnings("ignore")  # of torch.onnx's and onnxruntime's own making


def filled(*parts: npt.NDArray[np.float64]) -> r.Histogram:
    made = r.Histogram()
    for part in parts:
        made.add(part.astype(np.float32))
    return made


def drawn(kind: str, count: int = 200_000) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(0)
    match kind:
        case "normal":
            return rng.normal(0, 1, count)
        case "laplace":
            return rng.laplace(0, 2, count)
        case "relu":
            return np.maximum(rng.normal(-0.5, 1, count), 0)
        case _:
            return np.concatenate([rng.normal(0, 1, count), rng.normal(0, 1, 20) * 12])


@pytest.mark.parametrize("percentile", [90, 99, 99.9, 100])
def test_a_range_holds_its_percentile(percentile: float) -> None:
    values = np.random.default_rng(0).exponential(1, 200_000).astype(np.float32)
    found = filled(*np.array_split(values, 7)).percentile(percentile)
    assert found == pytest.approx(np.percentile(values, percentile), rel=0.002)
    assert found <= values.max()


@given(
    st.lists(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=20), min_size=1, max_size=8), st.randoms()
)
@settings(max_examples=60, deadline=None)
def test_the_order_of_pictures_does_not_matter(parts: list[list[float]], random: Any) -> None:
    one = filled(*(np.array(p) for p in parts))
    random.shuffle(parts)
    other = filled(*(np.array(p) for p in parts))
    assert (one.high, one.top, one.signed, one.total) == (other.high, other.top, other.signed, other.total)
    np.testing.assert_array_equal(one.counts, other.counts)
    assert one.counts.sum() == one.total


def test_a_value_on_the_edge_of_the_histogram_is_counted() -> None:
    """A coverage below 1 in one picture and of exactly 1, as float32 rounds it, in the next."""
    made = filled(np.array([0.9]), np.array([1.0]), np.array([0.0]))
    assert made.total == made.counts.sum() == 3
    assert made.percentile(100) == made.top == 1


def test_a_sign_is_seen_and_zeros_have_a_range() -> None:
    assert not filled(np.array([0.0, 20.0])).signed
    assert filled(np.array([1.0]), np.array([-20.0])).signed
    zeros = filled(np.zeros(100))
    for method in r.METHODS:
        assert r.choose({"t": zeros}, method)["t"].high == pytest.approx(1e-6)


def published_entropy(counts: npt.NDArray[np.float64]) -> int:
    """How many of the 2048 bins are kept, by the loop of NVIDIA's pytorch-quantization, step by step."""
    counts = counts.copy()
    counts[0] = counts[1]
    divergences = []
    for n in range(128, 2049):
        space = np.linspace(0, n, num=129)
        digitized = np.digitize(np.arange(n), space) - 1
        digitized[counts[:n] == 0] = -1
        filled_bins = digitized != -1
        merged = np.bincount(digitized[filled_bins], counts[:n][filled_bins], 128)
        bins = np.bincount(digitized[filled_bins], minlength=128)
        spread = np.where(digitized == -1, 0, (merged / np.maximum(bins, 1))[digitized])
        reference = counts[:n].copy()
        reference[-1] += counts[n:].sum()
        divergences.append(scipy.stats.entropy(reference, spread) if spread.any() else np.inf)
    lowest = np.flatnonzero(np.isclose(divergences, np.min(divergences), rtol=1e-9, atol=0))
    return 128 + int(lowest[-1])


@pytest.mark.parametrize("kind", ["normal", "relu", "outliers"])
def test_entropy_is_the_published_one(kind: str) -> None:
    values = np.abs(drawn(kind, 5_000)).astype(np.float32)
    values[0] = 2.0 ** np.floor(np.log2(values.max()) + 1) * (1 - 2**-20)  # so that our bins and numpy's are the same
    counts = np.histogram(values, 2048, (0, values.max()))[0].astype(np.float64)
    wanted = published_entropy(counts) / 2048 * values.max()
    assert filled(values).entropy() == pytest.approx(wanted, rel=0.002)


def onnxruntime_entropy(values: npt.NDArray[np.float64], bins: int, levels: int) -> float:
    """ONNX Runtime's histogram has a negative half: `bins` and `levels` are of both halves."""
    collector = HistogramCollector("entropy", True, bins, levels, None, None)
    collector.collect_value({"t": values.astype(np.float32)})
    return float(collector.compute_entropy()["t"][1])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["normal", "laplace"])
def test_entropy_is_near_onnxruntimes(kind: str) -> None:
    """Our 2048 bins and 128 levels for |x| are 4096 and 256 of both halves there; each half of a mirrored sample
    is the same. (It counts ReLU's zeros, and smooths empty bins, so elsewhere it clips more, or less.)"""
    values = drawn(kind)
    oracle = onnxruntime_entropy(np.concatenate([values, -values]), 4096, 256)
    assert filled(values).entropy() == pytest.approx(oracle, rel=0.05)


@pytest.mark.parametrize("kind", ["normal", "laplace", "relu", "outliers"])
def test_entropy_clips_less_than_it_keeps(kind: str) -> None:
    values = drawn(kind)
    found = filled(values).entropy()
    assert found <= np.abs(values).max()
    assert (np.abs(values) > found).mean() < 0.01
    if kind == "outliers":
        assert found < 0.5 * np.abs(values).max()


class Reader(CalibrationDataReader):  # type: ignore[misc]  # untyped
    def __init__(self, pictures: list[Any]) -> None:
        self.blobs = iter([{INPUT_NAME: to_blob(p[None])} for p in pictures])

    def get_next(self) -> Any:
        return next(self.blobs, None)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["minmax", "percentile"])
def test_ranges_of_a_net_are_onnxruntimes(exported: Exported, method: str) -> None:
    """Every tensor, also those before ReLU and both outputs, so that a TensorRT cache can be complete."""
    kinds = {"minmax": CalibrationMethod.MinMax, "percentile": CalibrationMethod.Percentile}
    extra = {"percentile": 99.9, "symmetric": method == "percentile"}
    oracle = create_calibrator(exported.path, augmented_model_path=str(exported.path.parent / f"{method}.onnx"),
                               calibrate_method=kinds[method], extra_options=extra)  # fmt: skip
    oracle.collect_data(Reader(exported.pictures))
    wanted = oracle.compute_data()
    found = r.calibrate(exported.path, exported.pictures, method, 99.9)
    assert set(found) == {INPUT_NAME} | {o for n in onnx.load(exported.path).graph.node for o in n.output}
    for name, known in found.items():
        if name not in (INPUT_NAME, COV_NAME, BBOX_NAME):
            low, high = (np.asarray(v).item() for v in wanted[name].range_value)
            assert known.high == pytest.approx(max(high, -low), rel=1e-4 if method == "minmax" else 0.03), name
            assert known.signed == (low < 0) or method == "percentile", name


@pytest.mark.slow
def test_entropy_of_a_net_is_near_onnxruntimes(exported: Exported) -> None:
    """Its 2048 bins and 128 levels are of both halves, half of ours, and few values make a flat minimum: a fifth."""
    names = ("bn_conv1", "block_1a.bn_1", "block_4a.bn_shortcut")  # before ReLU, so that zeros do not count
    values = list(r.run(exported.path, exported.pictures, names))
    seen = r.observe(exported.path, exported.pictures)
    for name in names:
        oracle = onnxruntime_entropy(np.concatenate([v[name].ravel() for v in values]), 2048, 128)
        assert seen[name].entropy() == pytest.approx(oracle, rel=0.2), name


@pytest.mark.slow
def test_outputs_are_not_clipped(exported: Exported) -> None:
    """A coverage that cannot pass a half reaches no threshold."""
    seen = {name: h for name, h in r.observe(exported.path, exported.pictures).items() if name in (COV_NAME, BBOX_NAME)}
    for method in r.METHODS:
        made = r.choose(seen, method, 50)
        assert made[COV_NAME] == r.Range(1.0, False)
        assert made[BBOX_NAME].high == seen[BBOX_NAME].top


@pytest.mark.slow
def test_methods_share_one_pass_and_the_picture_spans_0_to_1(exported: Exported) -> None:
    seen = r.observe(exported.path, exported.pictures[:3])
    few = dict(list(seen.items())[:6])
    chosen = {method: r.choose(few, method) for method in r.METHODS}
    for made in chosen.values():
        assert made[INPUT_NAME] == r.Range(1.0, False)
    for name, known in chosen["minmax"].items():
        assert chosen["percentile"][name].high <= known.high
        assert chosen["entropy"][name].high <= known.high
    assert r.calibrate(exported.path, exported.pictures[:3]) == r.choose(seen)


@pytest.mark.slow
def test_what_cannot_be_done_is_said(exported: Exported) -> None:
    with pytest.raises(InputError, match="got no picture"):
        r.calibrate(exported.path, [])
    with pytest.raises(InputError, match="--method: is 'guess'; wanted entropy, percentile, minmax"):
        r.choose({}, "guess")
    with pytest.raises(InputError, match="--percentile"):
        r.choose({}, "percentile", 0)
