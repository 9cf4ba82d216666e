"""Any manifest is read whole or refused: a row an item, in order, and nothing else leaves the reader."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceir.data import kitti
from faceir.data.entry import Classes, Entry
from faceir.data.formats import FORMATS
from faceir.errors import FaceirError, InputError
from tests.data.test_formats import mutated

COLUMNS = ("picture", "set", "terms", "split", "identity")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
names = texts.filter(bool) | st.sampled_from(["../a.png", "/abs/a.png", "a" * 400, "a/b/c.png", ".", "..", "a\nb", '"'])


def lines(rows: list[tuple[str, ...]], head: tuple[str, ...] = COLUMNS) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([head, *rows])
    return file.getvalue().encode()


def use(folder: Path) -> list[kitti.Item]:
    """All that reads a manifest; every item is looked at, too."""
    items = kitti.find(folder)
    came = list(FORMATS["kitti"].read(folder, Classes(), None))
    assert len(came) == len(items) == FORMATS["kitti"].count(folder)
    assert all(isinstance(one, Entry | FaceirError) for one in came)
    for item in items:
        for look in (item.check, item.picture_data, item.label_data):
            with suppress(InputError):
                look()
    return items


@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
@given(rows=st.lists(st.tuples(names, texts, texts, texts, texts), min_size=1, max_size=5))
def test_whatever_csv_can_say_comes_back(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    (tmp_path / "manifest.csv").write_bytes(lines(rows))
    items = use(tmp_path)
    assert [tuple(item.about[name] for name in COLUMNS) for item in items] == rows
    assert [(item.picture, item.source) for item in items] == [(tmp_path / row[0], row[1]) for row in rows]


@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
@given(seed=st.integers(0, 2**32), appended=st.binary(max_size=40))
def test_a_broken_one_is_refused_or_read_row_by_row(tmp_path: Path, seed: int, appended: bytes) -> None:
    rows = [(f"cam/images/{n}.png", "cam", "free", "train", f"p{n}") for n in range(5)]
    data = mutated(lines(rows), seed) + appended
    (tmp_path / "manifest.csv").write_bytes(data)
    try:
        items = use(tmp_path)
    except FaceirError as error:
        str(error).encode()
        return
    stated = [row for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) if row]
    assert len(items) == len(stated) - 1


@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.binary(max_size=100))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "manifest.csv").write_bytes(data)
    with pytest.raises(InputError):
        kitti.find(tmp_path)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "lacks the column picture, set, split, terms"),
        (lines([], (*COLUMNS, "set")), "names a column twice"),
        (lines([("",) * 5]), "line 2 names no picture"),
        (lines([("a", "b")]), "line 2 has other columns"),
        (lines([("a" * 200_000, *("",) * 4)]), "field larger than field limit"),
        (lines([]), "holds no labelled picture"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "manifest.csv").write_bytes(data)
    with pytest.raises(InputError, match=says):
        kitti.find(tmp_path)


def test_a_folder_of_that_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").mkdir()
    with pytest.raises(InputError, match=r"manifest\.csv: Is a directory"):
        kitti.find(tmp_path)
