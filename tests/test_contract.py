from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir import gridbox
from faceir.cluster import ClusterParams
from faceir.contract import Contract
from faceir.detections import Detections
from faceir.errors import ModelError
from faceir.fit import Fit

unit = st.floats(0, 1)
cluster_params = st.builds(
    ClusterParams,
    algorithm=st.sampled_from(["group_rectangles", "dbscan", "nms", "hybrid", "none"]),
    coverage_threshold=unit,
    confidence_threshold=st.floats(0, 5),
    nms_iou_threshold=unit,
    nms_vote=st.booleans(),
    vote_weight=st.floats(0.1, 2),
    vote_share=unit,
    nested_factor=unit,
    eps=unit,
    min_samples=st.floats(0, 5),
    min_boxes=st.integers(0, 9),
    group_threshold=st.integers(0, 4),
    min_height=st.floats(0, 40),
    top_k=st.integers(-1, 20),
)


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    clusters = draw(st.lists(cluster_params, min_size=1, max_size=3))
    classes = tuple(f"class{n}" for n in range(len(clusters)))
    fit = Fit((draw(st.integers(1, 2000)), draw(st.integers(1, 2000))), draw(st.booleans()))
    return Contract(classes, fit, tuple(clusters), draw(st.text(max_size=20)), draw(st.booleans()))


@given(contracts())
def test_json_there_and_back(contract: Contract) -> None:
    text = contract.to_json()
    assert "\n" not in text
    assert Contract.from_json(text) == contract


def test_json_states_the_grid_for_other_readers() -> None:
    stated = json.loads(Contract().to_json())
    assert stated["grid"] == {"stride": 16, "scale": 35.0, "offset": 0.5}
    assert stated["format"] == 1
    assert "255" in stated["input"]


def test_fields_of_a_later_version_are_left_out() -> None:
    stated = json.loads(Contract().to_json())
    stated["cluster"][0]["new_knob"] = 3
    stated["new_part"] = {}
    assert Contract.from_json(json.dumps(stated)) == Contract()


def changed(**changes: Any) -> str:
    stated = json.loads(Contract().to_json()) | changes
    return json.dumps({key: value for key, value in stated.items() if value != "gone"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "3",
        "[]",
        "{}",
        "null",
        changed(classes="gone"),
        changed(fit="gone"),
        changed(cluster="gone"),
        changed(format="gone"),
        changed(classes=None),
        changed(fit={"size_wh": [384], "keep_aspect": True}),
        changed(fit={"size_wh": ["wide", 240], "keep_aspect": True}),
        changed(fit=[384, 240]),
        changed(cluster=[3]),
        changed(cluster=[]),
        changed(cluster=[{"algorithm": "kmeans"}]),
        changed(cluster=[{"eps": "0.3"}]),
        changed(classes=["face", "plate"]),
    ],
)
def test_bad_json_is_a_model_error_that_names_the_file(text: str) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx: its contract cannot be read"):
        Contract.from_json(text, "model.onnx")


def test_another_format_is_told() -> None:
    with pytest.raises(ModelError, match=r"model\.onnx: has contract format 2; wanted 1; use a newer faceir"):
        Contract.from_json(changed(format=2), "model.onnx")


def test_with_threshold() -> None:
    contract = Contract(("face", "eye"), cluster=(ClusterParams(), ClusterParams(coverage_threshold=0.05)))
    high, low = contract.with_threshold(0.6), contract.with_threshold(0.01)
    assert [p.confidence_threshold for p in high.cluster] == [0.6, 0.6]
    assert [p.coverage_threshold for p in high.cluster] == [0.2, 0.05]
    assert [p.coverage_threshold for p in low.cluster] == [0.01, 0.01]  # else weak cells would never be seen
    assert replace(high, cluster=contract.cluster) == contract


def test_read_turns_grids_into_faces_of_the_picture() -> None:
    contract = Contract()
    truth = np.array([[320, 200, 520, 500], [900, 100, 1060, 330]], np.float32)
    place = contract.fit.placement((1280, 800))
    grids = gridbox.rasterise(place.to_canvas(truth), np.zeros(2, np.int64), contract.fit.size_wh)
    found = contract.read(grids.cov, grids.bbox, place)
    np.testing.assert_allclose(np.sort(found.xyxy, axis=0), np.sort(truth, axis=0), atol=1e-2)
    assert contract.read(np.zeros_like(grids.cov), grids.bbox, place) == Detections()


def test_read_applies_each_classes_own_thresholds() -> None:
    contract = Contract(("face", "eye"), cluster=(ClusterParams(), ClusterParams(coverage_threshold=0.9)))
    place = contract.fit.placement((384, 240))
    cov, bbox = np.zeros((2, 15, 24), np.float32), np.ones((8, 15, 24), np.float32)
    cov[:, 5, 5] = 0.6
    found = contract.read(cov, bbox, place)
    assert found.labels.tolist() == [0]
    np.testing.assert_allclose(found.scores, [0.6])


def test_a_face_in_the_black_margin_is_left_out() -> None:
    contract = Contract()
    place = contract.fit.placement((100, 100))  # the right 144 columns of the canvas are black
    cov, bbox = np.zeros((1, 15, 24), np.float32), np.full((4, 15, 24), 0.5, np.float32)
    cov[0, 5, 20] = cov[0, 5, 5] = 0.9
    assert len(contract.read(cov, bbox, place)) == 1
