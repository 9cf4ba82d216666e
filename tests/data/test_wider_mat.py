"""The .mat files of WIDER FACE: what scipy writes in their layout tells the same as the text; a crash is an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from faceir.data.entry import Entry
from faceir.errors import InputError
from tests.data.test_wider import listing, read


def cell(rows: list[object]) -> np.ndarray:
    """MATLAB's column of cells."""
    column = np.empty((len(rows), 1), object)
    for n, row in enumerate(rows):
        column[n, 0] = row
    return column


def test_the_mat_file_tells_the_same(tmp_path: Path) -> None:
    """Written by scipy in the layout of the data set: cells of events, in them cells of pictures."""
    from_text = read(listing(tmp_path))
    faces = [[[[10, 20, 30, 40], [50, 60, 7, 8]], [[0, 0, 0, 0]]], [[[1, 2, 3, 4]]]]
    columns = {"blur": [[[1, 0], [0]], [[0]]], "invalid": [[[0, 1], [0]], [[0]]]}
    columns |= {"occlusion": [[[2, 0], [0]], [[1]]], "pose": [[[1, 0], [0]], [[0]]]}
    tables = {f"{k}_label_list": cell([cell([np.array([v]).T for v in e]) for e in c]) for k, c in columns.items()}
    path = tmp_path / "wider_face_val.mat"
    savemat(
        path,
        tables
        | {
            "event_list": cell(["0--Parade", "1--Run"]),
            "file_list": cell([cell(["a", "b"]), cell(["c"])]),
            "face_bbx_list": cell([cell([np.array(p) for p in event]) for event in faces]),
        },
    )
    from_mat = read(path)
    for one, other in zip(from_text, from_mat, strict=True):
        assert isinstance(one, Entry)
        assert isinstance(other, Entry)
        assert one.faces == other.faces
        assert one.unsaid == other.unsaid
        assert (one.item.picture.name, one.item.source) == (other.item.picture.name, other.item.source)


def test_broken_mat_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "wider_face_val.mat"
    for data in (b"\0", b"MATLAB 5.0 MAT-file" + bytes(200)):
        path.write_bytes(data)
        with pytest.raises(InputError, match="cannot be read"):
            read(path)
    savemat(path, {"event_list": cell(["a"])})
    with pytest.raises(InputError, match="file_list"):
        read(path)


def test_a_crash_of_the_mat_reader_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As scipy does on some broken files."""
    path = tmp_path / "wider_face_val.mat"
    path.write_bytes(b"x")
    crashing = tmp_path / "python"
    crashing.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crashing.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(crashing))
    with pytest.raises(InputError, match="signal 11"):
        read(path)
