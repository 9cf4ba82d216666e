"""Where each format's files lie, and that the label of a picture lies where the reader looks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceir.data.formats import FORMATS
from faceir.data.targets import TARGETS
from faceir.detections import Detections
from tests.data.label_files import convert, read_all, write_kitti


def test_what_is_written_can_be_read() -> None:
    assert set(TARGETS) < set(FORMATS)


@pytest.mark.parametrize("target", list(TARGETS))
def test_labels_lie_where_they_are_said_to(tmp_path: Path, target: str) -> None:
    folder = write_kitti(tmp_path / "set", [Detections([[1, 2, 30, 40]])])
    convert(folder, tmp_path / "out", target, splits=lambda number, entry: "val")
    (entry,) = read_all(tmp_path / "out")[0].values()
    place = entry.item.picture.relative_to(tmp_path / "out").as_posix()
    label = TARGETS[target].label(place)
    assert place == TARGETS[target].place("cam", "val", "p0.png")
    assert entry.split == "val"
    if label is not None:
        assert (tmp_path / "out" / label).is_file()
        assert entry.item.label == tmp_path / "out" / label
