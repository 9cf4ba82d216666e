"""Faces as KITTI label files: ours with scores, and the dumps of DeepStream, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from faceir.data import kitti
from faceir.detections import Detections
from faceir.flow import Frame
from faceir.runtime.sinks.places import Names, write_whole

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["UNTRACKED_ID", "KittiDump", "KittiLabels", "dump_lines", "unsigned_id"]

UNTRACKED_ID = 2**64 - 1
"""DeepStream's object id of what is not tracked."""


class KittiLabels:
    """KITTI text with scores for each frame: `folder/labels/NAME.txt`, or `NAME_000123.txt` for frames of a video."""

    def __init__(
        self,
        folder: str | Path,
        names: Names | None = None,
        classes: Sequence[str] = ("face",),
        numbered: bool = False,
    ) -> None:
        self.folder, self._names, self._classes, self._numbered = Path(folder), names or Names(), classes, numbered

    def write(self, frame: Frame) -> None:
        """Write one label file."""
        stem = self._names.stem(frame.source) + (f"_{frame.index:06d}" if self._numbered else "")
        text = kitti.format_lines(frame.detections, self._classes, with_scores=True)
        write_whole(self.folder / "labels" / f"{stem}.txt", text.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass  # every file was finished when it was written


class KittiDump:
    """The files of `gie-kitti-output-dir`, or with `tracks` of `kitti-track-output-dir`: one for each frame.

    `folder/AA_SSS_FFFFFF.txt` of the application's number, the stream's and the frame's. Streams are numbered
    as they stand in `streams`, names of sources, and others after them as they come.
    """

    reopens = True

    def __init__(
        self,
        folder: str | Path,
        classes: Sequence[str] = ("face",),
        tracks: bool = False,
        streams: Sequence[str] = (),
        app_index: int = 0,
    ) -> None:
        self.folder, self._classes, self._tracks, self._app_index = Path(folder), classes, tracks, app_index
        self._numbers = {name: number for number, name in enumerate(streams)}

    def write(self, frame: Frame) -> None:
        """Write one file, empty when there is no face."""
        stream = self._numbers.setdefault(frame.source, len(self._numbers))
        name = f"{self._app_index:02d}_{stream:03d}_{frame.index:06d}.txt"
        write_whole(self.folder / name, dump_lines(frame.detections, self._classes, self._tracks).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass  # every file was finished when it was written


def dump_lines(found: Detections, classes: Sequence[str], tracks: bool = False) -> str:
    """DeepStream's line for each face: label, with `tracks` its id, left, top, right, bottom in pixels, confidence."""
    lines = []
    for xyxy, score, label, track in zip(
        found.xyxy.tolist(), found.scores.tolist(), found.labels.tolist(), found.track_ids.tolist(), strict=True
    ):
        name = classes[label] if 0 <= label < len(classes) else "DontCare"
        box = " ".join(f"{v:f}" for v in xyxy)
        lines.append(f"{name}{f' {unsigned_id(track)}' if tracks else ''} 0.0 0 0.0 {box}{' 0.0' * 7} {score:f}\n")
    return "".join(lines)


def unsigned_id(track: int) -> int:
    """A track's id as DeepStream writes it, where -1 becomes `UNTRACKED_ID`."""
    return track if track >= 0 else UNTRACKED_ID
