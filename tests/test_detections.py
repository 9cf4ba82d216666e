from __future__ import annotations

import copy
import dataclasses
import doctest
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir import detections
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError

FIELDS = {
    "xyxy": np.float32,
    "scores": np.float32,
    "labels": np.int64,
    "track_ids": np.int64,
    "occlusion": np.int8,
    "truncation": np.float32,
}


def some(count: int, seed: int = 0) -> Detections:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 300, (count, 2))
    return Detections(
        xyxy=np.concatenate([corner, corner + rng.uniform(0, 80, (count, 2))], axis=1),
        scores=rng.uniform(0, 1, count),
        labels=rng.integers(-1, 3, count),
        track_ids=rng.integers(-1, 99, count),
        occlusion=rng.integers(-1, 10, count),
        truncation=rng.uniform(0, 1, count),
    )


@pytest.mark.parametrize("nothing", [Detections(), Detections([]), Detections(np.zeros((0, 4))), some(0)])
def test_nothing_found_is_n_0(nothing: Detections) -> None:
    assert len(nothing) == 0
    assert nothing == Detections()
    for name, dtype in FIELDS.items():
        assert getattr(nothing, name).dtype == dtype
        assert getattr(nothing, name).shape == ((0, 4) if name == "xyxy" else (0,))


def test_defaults_are_those_of_ground_truth() -> None:
    one = Detections([[1, 2, 3, 4]])
    assert (one.scores, one.labels, one.track_ids, one.occlusion, one.truncation) == (1, 0, -1, -1, -1)
    assert [f.name for f in dataclasses.fields(Detections)] == list(FIELDS)


def test_types_are_fixed_whatever_comes() -> None:
    for found in (some(3), Detections([[1, 2, 3, 4]], scores=[1], labels=np.array([2], np.int8), occlusion=[3.0])):
        for name, dtype in FIELDS.items():
            assert getattr(found, name).dtype == dtype
            assert getattr(found, name).flags.c_contiguous
    assert Detections(np.asfortranarray(some(3).xyxy)).xyxy.flags.c_contiguous


BOX = [[1.0, 2.0, 3.0, 4.0]]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"xyxy": [1, 2, 3, 4]}, "xyxy: has shape [4]; wanted [N,4]"),
        ({"xyxy": [[1, 2, 3]]}, "xyxy: has shape [1, 3]; wanted [N,4]"),
        ({"xyxy": [[1, 2, np.nan, 4]]}, "xyxy: holds NaN or infinity"),
        ({"xyxy": [[1, 2, np.inf, 4]]}, "xyxy: holds NaN or infinity"),
        ({"xyxy": [[3, 2, 1, 4]]}, "xyxy: holds an inverted box [3.0, 2.0, 1.0, 4.0]; wanted x1 <= x2"),
        ({"xyxy": [[1, 4, 3, 2]]}, "inverted box"),
        ({"xyxy": BOX, "scores": [1.01]}, "scores: holds 1.01; wanted 0..1"),
        ({"xyxy": BOX, "scores": [-0.5]}, "scores: holds -0.5"),
        ({"xyxy": BOX, "scores": [np.nan]}, "scores: holds nan"),
        ({"xyxy": BOX, "scores": [0.5, 0.5]}, "scores: has shape [2]; wanted [1]"),
        ({"xyxy": BOX, "scores": [[0.5]]}, "scores: has shape [1, 1]; wanted [1]"),
        ({"xyxy": BOX, "scores": 0.5}, "scores: has shape []; wanted [1]"),
        ({"xyxy": BOX, "labels": []}, "labels: has shape [0]"),
        ({"xyxy": BOX, "track_ids": [1, 2]}, "track_ids: has shape [2]"),
        ({"xyxy": BOX, "occlusion": [10]}, "occlusion: holds 10; wanted -1..9"),
        ({"xyxy": BOX, "occlusion": [260]}, "occlusion: holds 260"),  # would wrap to 4 in an int8
        ({"xyxy": BOX, "truncation": [1.5]}, "truncation: holds 1.5; wanted -1..1"),
        ({"scores": [0.5]}, "scores: has shape [1]; wanted [0]"),
    ],
)
def test_bad_input_is_told(bad: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        Detections(**bad)
    assert told in str(caught.value)


def test_an_empty_box_is_no_error() -> None:
    assert len(Detections([[5, 5, 5, 5]])) == 1


def test_frozen_and_read_only() -> None:
    found = some(3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.scores = np.zeros(3)  # type: ignore[misc, assignment]
    for name in FIELDS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(found, name)[0] = 0
    with pytest.raises(TypeError):
        hash(found)


def test_the_givers_arrays_stay_the_givers() -> None:
    xyxy = np.array(BOX, np.float32)
    found = Detections(xyxy)
    xyxy[0, 0] = -9
    assert found.xyxy[0, 0] == 1


@given(st.integers(0, 8), st.data())
def test_indexing_takes_all_columns(count: int, data: st.DataObject) -> None:
    found = some(count)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)), np.bool_)
    order = np.flatnonzero(mask)[::-1]
    for index in (mask, order, order.tolist(), slice(None, None, 2)):
        index = np.array(index, np.int64) if isinstance(index, list) else index
        part = found[index]
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(part, name), getattr(found, name)[index])


def test_one_integer_gives_one_face() -> None:
    found = some(3)
    assert found[1] == found[[1]] == found[np.int64(1)] == found[-2]
    with pytest.raises(IndexError):
        found[3]
    assert [len(face) for face in found] == [1, 1, 1]  # so that a loop ends


def test_an_empty_list_chooses_nothing() -> None:
    assert some(3)[[]] == Detections()


@given(st.lists(st.integers(0, 4), max_size=5))
def test_concat_there_and_back(counts: list[int]) -> None:
    parts = [some(count, seed) for seed, count in enumerate(counts)]
    whole = Detections.concat(parts)
    assert len(whole) == sum(counts)
    ends = np.cumsum([0, *counts])
    for part, start, end in zip(parts, ends[:-1], ends[1:], strict=True):
        assert whole[start:end] == part


def test_with_boxes_keeps_the_rest() -> None:
    found = some(3)
    moved = found.with_boxes(found.xyxy + 10)
    np.testing.assert_array_equal(moved.xyxy, found.xyxy + 10)
    assert moved.with_boxes(found.xyxy) == found
    with pytest.raises(InputError):
        found.with_boxes(found.xyxy[:2])


def test_equality_is_by_value() -> None:
    assert some(3) == some(3)
    assert some(3) != some(3, seed=1)
    assert some(3) != some(2)
    assert some(3) != "faces"


def test_copies_and_pickles() -> None:
    found = some(3)
    assert copy.deepcopy(found) == pickle.loads(pickle.dumps(found)) == found


def test_dont_care_is_a_label() -> None:
    assert Detections(BOX, labels=[DONT_CARE]).labels.tolist() == [-1]


def test_examples_in_the_docstring() -> None:
    assert doctest.testmod(detections).failed == 0
