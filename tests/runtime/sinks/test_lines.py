from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import Frame
from faceir.runtime.sinks import Csv, JsonLines, record

MAKE: dict[str, Callable[..., JsonLines | Csv]] = {"json": JsonLines, "csv": Csv}


def frame(index: int, faces: int = 1) -> Frame:
    found = Detections([[1, 2, 3.456, 4]] * faces, [0.5] * faces, track_ids=list(range(faces)))
    return Frame.of(np.zeros((4, 4), np.uint8), source='a, "b"', index=index, time_s=index / 25, detections=found)


def test_a_table_says_what_the_lines_say(tmp_path: Path) -> None:
    with Csv(tmp_path / "a.csv") as sink:
        for n in range(4):
            sink.write(frame(n, faces=n % 3))
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    stated = [(r, f) for n in range(4) for r in [record(frame(n, n % 3))] for f in r["faces"]]
    assert len(rows) == len(stated) == 3
    for row, (of_frame, face) in zip(rows, stated, strict=True):
        assert (row["source"], int(row["index"]), float(row["time_s"])) == (
            of_frame["source"],
            of_frame["index"],
            of_frame["time_s"],
        )
        assert [float(row[k]) for k in ("x1", "y1", "x2", "y2")] == face["xyxy"]
        assert (float(row["score"]), row["label"], int(row["track_id"])) == (
            face["score"],
            face["label"],
            face["track_id"],
        )


@pytest.mark.parametrize("kind", MAKE)
def test_live_lines_are_there_at_once_and_stay(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    for run in range(2):
        with pytest.raises(RuntimeError), MAKE[kind](path, live=True) as sink:  # noqa: PT012
            sink.write(frame(0))
            assert len(path.read_text().splitlines()) == run + 1 + (kind == "csv")
            raise RuntimeError
    lines = path.read_text().splitlines()
    assert len(lines) == 2 + (kind == "csv")
    assert lines[-1] == lines[-2]  # no second head


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_says_so(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").symlink_to("/dev/full")
    with (
        pytest.raises(InputError, match="a: cannot be written: the disk is full"),
        MAKE[kind](tmp_path / "a", live=True) as sink,
    ):
        sink.write(frame(0))


@pytest.mark.parametrize("kind", MAKE)
def test_not_live_nothing_is_left_of_a_failure(tmp_path: Path, kind: str) -> None:
    with pytest.raises(RuntimeError), MAKE[kind](tmp_path / "a") as sink:  # noqa: PT012
        sink.write(frame(0))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
