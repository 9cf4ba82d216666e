from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.flow import Frame
from faceir.runtime.sinks import KittiDump
from faceir.runtime.sinks.labels import UNTRACKED_ID, dump_lines

FOUND = Detections(
    [[10.5, 20, 30.25, 50.123456], [0, 1 / 3, 2000, 1080]], [0.91234, 1.0], labels=[0, 1], track_ids=[7, -1]
)
CLASSES = ("face", "bag")


def frame(index: int, source: str, found: Detections = FOUND) -> Frame:
    return Frame.of(np.zeros((4, 4), np.uint8), source=source, index=index, detections=found)


def printed(tracks: bool) -> bytes:
    """The lines as DeepStream's C prints them."""
    libc, lines = ctypes.CDLL(None), b""
    for n, (name, track) in enumerate([(b"face", 7), (b"bag", UNTRACKED_ID)]):
        ident = [ctypes.c_ulong(track)] if tracks else []
        numbers = [ctypes.c_double(float(v)) for v in (*FOUND.xyxy[n], FOUND.scores[n])]
        out = ctypes.create_string_buffer(500)
        form = b"%s " + (b"%lu " if tracks else b"") + b"0.0 0 0.0 %f %f %f %f" + b" 0.0" * 7 + b" %f\n"
        libc.snprintf(out, ctypes.c_size_t(500), form, name, *ident, *numbers)
        lines += out.value
    return lines


@pytest.mark.parametrize("tracks", [False, True])
def test_byte_for_byte_what_c_prints(tmp_path: Path, tracks: bool) -> None:
    with KittiDump(tmp_path, CLASSES, tracks, streams=("front", "rear"), app_index=3) as sink:
        sink.write(frame(0, "rear"))
        sink.write(frame(1234567, "front", Detections()))
        sink.write(frame(5, "new"))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "03_000_1234567.txt",
        "03_001_000000.txt",
        "03_002_000005.txt",
    ]
    assert (tmp_path / "03_001_000000.txt").read_bytes() == printed(tracks)
    assert (tmp_path / "03_000_1234567.txt").read_bytes() == b""


def test_one_line_in_full() -> None:
    box = "10.500000 20.000000 30.250000 50.123455"
    assert dump_lines(FOUND, CLASSES).splitlines()[0] == (f"face 0.0 0 0.0 {box} 0.0 0.0 0.0 0.0 0.0 0.0 0.0 0.912340")
    assert dump_lines(FOUND, CLASSES, tracks=True).startswith(f"face 7 0.0 0 0.0 {box} 0.0")
