"""Sensitivity: a layer with a ruined range is the one that is found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from faceir.train import quantise as q
from faceir.train.quantise import sensitivity as s
from tests.train.quantise.conftest import Exported

pytestmark = pytest.mark.filterwarnings("ignore")  # of torch.onnx's own making


@pytest.mark.slow
def test_the_ruined_layer_is_found(exported: Exported, tmp_path: Path) -> None:
    """One tensor's range is a tenth of what it should be: the convolution that reads it alone is worst."""
    ranges = dict(q.calibrate(exported.path, exported.pictures))
    graph = onnx.load(exported.path).graph
    victim = next(n for n in graph.node if n.op_type == "Conv" and n.input[1] == "block_2b.conv_2.weight")
    ranges[victim.input[0]] = q.Range(ranges[victim.input[0]].high / 20, False)
    judged = []

    def accuracy(path: Path) -> float:
        judged.append(onnx.load(path))
        return 0.5

    table = list(s.measure(exported.path, ranges, exported.pictures[:2], accuracy=accuracy))
    assert [one.layer for one in table] == list(q.layers(exported.path))
    assert s.most_sensitive(table)[0] == "block_2b.conv_2"
    assert all(one.accuracy == 0.5 for one in table)
    for model in judged:  # one layer: a pair for its input, perhaps one for what is added to it
        assert 1 <= sum(n.op_type == "QuantizeLinear" for n in model.graph.node) <= 2
    s.write_json(tmp_path / "table.json", table)
    assert json.loads((tmp_path / "table.json").read_text())[0]["layer"] == "conv1"


def test_accuracy_outweighs_noise() -> None:
    table = [s.Sensitivity("a", 10, 10, 0.9), s.Sensitivity("b", 30, 30, 0.8), s.Sensitivity("c", 5, 20, 0.9)]
    assert s.most_sensitive(table) == ["b", "c", "a"]


@pytest.mark.slow
def test_decibels(exported: Exported, tmp_path: Path) -> None:
    """All of the net costs more than its stem alone; the net against itself costs nothing."""
    ranges = q.calibrate(exported.path, exported.pictures)
    alone = [name for name in q.layers(exported.path) if name != "conv1"]
    stem = q.quantise(exported.path, tmp_path / "stem.onnx", ranges, "s8", alone)
    whole = q.quantise(exported.path, tmp_path / "whole.onnx", ranges, "s8")
    pictures = exported.pictures[:3]
    assert s.signal_to_noise(exported.path, exported.path, pictures) == (200, 200)
    less, more = (s.signal_to_noise(exported.path, path, pictures) for path in (stem, whole))
    assert 0 < more[0] < less[0] < 200
    assert 0 < more[1] < less[1] < 200
    assert s._decibels(np.array([1.1], np.float32), np.array([1.0], np.float32)) == pytest.approx(20, abs=1e-4)
