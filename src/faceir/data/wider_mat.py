"""Reads a `.mat` file of WIDER FACE in a process of its own: scipy's reader crashes or fails anyhow on broken files.

The child writes a line of JSON a picture: event, name, boxes, attributes by name.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from faceir.errors import InputError, need

__all__ = ["ATTRIBUTES", "Picture", "pictures"]

ATTRIBUTES = ("blur", "expression", "illumination", "invalid", "occlusion", "pose")
Picture: TypeAlias = tuple[str, str, list[list[float]], dict[str, list[int]]]
_TIMEOUT_S = 300.0  # the largest, of 12,880 pictures, takes a few seconds


def pictures(path: Path) -> Iterator[Picture]:
    """Every picture that the file names; raises `InputError` when it cannot be read whole, before the first one."""
    need("data")
    wanted = "a wider_face_SPLIT.mat, version 5 to 7.2"
    try:
        child = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "faceir.data.wider_mat", str(path)],
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(path, f"could not be read in {_TIMEOUT_S:.0f} s", wanted) from None
    if child.returncode:
        said = child.stderr.decode(errors="replace").strip().splitlines() or [f"signal {-child.returncode}"]
        raise InputError(path, f"cannot be read ({said[-1]})", wanted)
    for line in child.stdout.splitlines():
        event, name, boxes, attributes = json.loads(line)
        yield event, name, boxes, attributes


def _stated(path: str) -> Iterator[Picture]:
    """What the cells of events hold, in them cells of pictures."""
    from scipy.io import loadmat  # type: ignore[import-untyped]

    stated: dict[str, Any] = loadmat(path)
    columns = {key: stated[f"{key}_label_list"] for key in ATTRIBUTES if f"{key}_label_list" in stated}
    for e, event in enumerate(stated["event_list"]):
        for n, row in enumerate(stated["file_list"][e][0]):
            cells = {key: column[e][0][n][0] for key, column in columns.items()}
            boxes = stated["face_bbx_list"][e][0][n][0].reshape(-1, 4).astype(float).tolist()
            attributes = {key: cell.reshape(-1).astype(int).tolist() for key, cell in cells.items()}
            if any(len(column) != len(boxes) for column in attributes.values()):
                raise ValueError(f"{event[0].item()}/{row[0].item()} has lists of different lengths")
            yield str(event[0].item()), str(row[0].item()), boxes, attributes


if __name__ == "__main__":
    for one in _stated(sys.argv[1]):
        sys.stdout.write(json.dumps(one) + "\n")
