"""Broken shards: whatever is cut, flipped, put in or wrongly stated is told, and nothing is left out in silence."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceir.data import kitti, shards
from faceir.data.entry import Classes, Entry
from faceir.data.formats import FORMATS
from faceir.data.pack import Limit, pack
from faceir.detections import Detections
from faceir.errors import FaceirError, InputError
from tests.data.label_files import write_kitti
from tests.data.test_formats import mutated

COUNT = 5
NAMES = (
    "../../a.png", "/etc/passwd", "a\0.png", "\ud800.png", "", "a/../b.png", ".", None, 3, [], {}, "x" * 5000,
    "a\nb.png",
)  # fmt: skip
BIG = (0, 1, 511, 2**31, 2**32 - 1)


@pytest.fixture(scope="module")
def whole() -> Iterator[Path]:
    """Five pictures in three shards."""
    with tempfile.TemporaryDirectory() as name:
        folder = write_kitti(Path(name, "set"), [Detections([[1, 2, 30, 40]] * n) for n in range(COUNT)])
        pack(kitti.walk(folder), folder, Path(name, "shards"), Limit(2))
        yield Path(name, "shards")


def read(folder: Path) -> int:
    """Reads everything in every way; returns how many pictures were read or told, fails where that is too few."""
    came = list(FORMATS["shards"].read(folder, Classes(), None))
    assert all(isinstance(one, Entry | FaceirError) for one in came)
    items = shards.find(folder)
    assert len(came) == len(items)
    for one in came:
        if isinstance(one, Entry):
            assert ".." not in one.item.picture.parts
            assert one.item.picture.is_relative_to(folder)
            with suppress(InputError):
                one.item.picture_data()
    return len(came)


def told_of(folder: Path) -> list[FaceirError]:
    """What reading and verifying tell; nothing else may leave either."""
    told = list[FaceirError]()
    try:
        told += shards.verify(folder)
    except FaceirError as error:
        told.append(error)
    for use in (
        read, lambda where: shards.Shards(where).sets(), lambda where: len(shards.find(where, kitti.Filter("val"))),
        lambda where: [item.check() for item in shards.find(where)],
    ):  # fmt: skip
        try:
            use(folder)
        except FaceirError as error:
            told.append(error)
    return told


@settings(max_examples=120, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    name=st.sampled_from(["index.json", "samples.npy", "faceir-000000.tar", "faceir-000001.tar", "faceir-000002.tar"]),
    breaking=st.one_of(st.binary(max_size=60), st.integers(0, 2**32), st.just(None)),
)
def test_what_is_broken_is_told(whole: Path, name: str, breaking: bytes | int | None) -> None:
    """Bytes changed, cut, put in or appended, or the file missing: no checksum is right any more."""
    path = whole / name
    before = path.read_bytes()
    after = breaking if isinstance(breaking, bytes) else None if breaking is None else mutated(before, breaking)
    try:
        path.unlink()
        if after is not None:
            path.write_bytes(after)
        told = told_of(whole)
        assert told or after == before or name == "index.json"  # in which nothing says what its own bytes should be
    finally:
        path.write_bytes(before)
    if after == before:
        assert [str(error) for error in told if "holds no labelled picture" not in str(error)] == []


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    number=st.integers(0, COUNT - 1),
    field=st.sampled_from(shards.ROW.names),
    value=st.sampled_from(BIG) | st.integers(0, 9000),
)
def test_a_wrong_place_or_size_in_a_row_is_told(whole: Path, number: int, field: str, value: int) -> None:
    path = whole / "samples.npy"
    before = path.read_bytes()
    rows = np.load(path)
    kept = rows[number][field].item()
    rows[number][field] = value & (2 ** (8 * shards.ROW[field].itemsize) - 1)
    try:
        np.save(path, rows)
        assert told_of(whole) or rows[number][field].item() == kept
        assert len(shards.find(whole)) == COUNT
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", ["picture", "set", "row", "split"])
def test_odd_names_in_a_member_cost_their_picture(tmp_path: Path, key: str, name: Any) -> None:
    """The tar is whole by its checksums, but one of its JSON files states what cannot be."""
    folder = write_kitti(tmp_path / "set", [Detections()] * 3)
    pack(kitti.walk(folder), folder, tmp_path / "out", Limit(9))
    tar, rows = tmp_path / "out" / "faceir-000000.tar", np.load(tmp_path / "out" / "samples.npy")
    data, at = bytearray(tar.read_bytes()), int(rows[1]["picture"]) + int(rows[1]["about"])
    size = int(rows[1]["about_size"])
    stated = json.loads(data[at : at + size])
    stated = stated | ({"row": {"split": name}} if key == "split" else {key: name})
    text = json.dumps(stated).encode()
    data += text
    rows[1]["about"], rows[1]["about_size"] = len(data) - len(text) - int(rows[1]["picture"]), len(text)
    tar.write_bytes(data)
    np.save(tmp_path / "out" / "samples.npy", rows)
    came = list(FORMATS["shards"].read(tmp_path / "out", Classes(), None))
    assert [isinstance(one, Entry) for one in (came[0], came[2])] == [True, True]
    text_is_fine = isinstance(name, str) and (key in ("set", "split") or name in ("x" * 5000, "a\nb.png"))
    if key == "row":
        assert isinstance(came[1], Entry) == (name == {})
    else:
        assert isinstance(came[1], Entry) == text_is_fine


CHANGES: tuple[dict[str, Any], ...] = (
    {"shards": [{"name": "a\0", "pictures": COUNT}]}, {"shards": [{"name": "\ud800", "pictures": COUNT}]},
    {"shards": [{"name": "..", "pictures": COUNT}]}, {"shards": [{"name": "", "pictures": COUNT}]},
    {"shards": [{"name": 3, "pictures": COUNT}]}, {"shards": [{"name": "a", "pictures": str(COUNT)}]},
    {"shards": [{"name": "a", "pictures": -1}, {"name": "b", "pictures": COUNT + 1}]}, {"shards": "a"},
    {"shards": [{"name": "a", "pictures": 10**400}], "pictures": 10**400}, {"shards": {}}, {"pictures": True},
    {"shards": [{"name": "a", "pictures": float(COUNT)}]}, {"format": [1]}, {"format": "\ud800"},
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_an_index_that_cannot_be_is_refused(whole: Path, change: dict[str, Any]) -> None:
    path = whole / "index.json"
    before = path.read_text()
    try:
        path.write_text(json.dumps(json.loads(before) | change))
        for use in (shards.find, shards.verify):
            with pytest.raises(InputError) as told:
                use(whole)
            str(told.value).encode()  # can be printed
    finally:
        path.write_text(before)


@pytest.mark.parametrize("change", [{"groups": []}, {"rows_sha256": None}, {"rows_sha256": "\ud800"}])
def test_an_index_that_lacks_something_is_told(whole: Path, change: dict[str, Any]) -> None:
    path = whole / "index.json"
    before = path.read_text()
    try:
        path.write_text(json.dumps(json.loads(before) | change))
        assert any("has sha256" in str(error) or "names groups" in str(error) for error in told_of(whole))
    finally:
        path.write_text(before)
