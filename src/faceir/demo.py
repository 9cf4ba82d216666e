"""What `faceir demo` does: films a dark cabin whose faces are known, finds them, and counts what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from faceir.detections import Detections
from faceir.evaluate import match
from faceir.testing import ListSink, demo_portraits, night_clip, visible_share

__all__ = ["CLIP", "FACES_CLIP", "LINES", "PRESENT_SHARE", "Outcome", "Row", "count", "run"]

CLIP, FACES_CLIP, LINES = "night_camera.mp4", "night_camera_faces.mp4", "detections.jsonl"
"""Files that `run` writes."""
PRESENT_SHARE = 0.6
"""A face of which less can be seen, 0..1, is not asked for: it may be found or missed."""


@dataclass(frozen=True)
class Row:
    """How often one person's face was found (IoU above 0.5) in the frames in which it is present."""

    name: str
    found: int
    present: int

    def __str__(self) -> str:
        share = f"{100 * self.found / self.present:.1f} %" if self.present else "-"
        return f"{self.name:<24} {self.found:>7} {self.present:>8} {share:>8}"


@dataclass(frozen=True)
class Outcome:
    """What the demo came to; prints as a table."""

    rows: tuple[Row, ...]
    false_alarms: int
    frames: int
    fps: float = 0.0
    """From the film's file to the written one: decoding, finding, drawing, encoding. 0 = not measured."""
    detector: str = ""
    """Model, device and precision."""
    files: tuple[Path, ...] = ()

    @property
    def total(self) -> Row:
        """All people together."""
        return Row("all", sum(row.found for row in self.rows), sum(row.present for row in self.rows))

    def __str__(self) -> str:
        lines = [
            f"{'face':<24} {'found':>7} {'present':>8} {'share':>8}",
            *map(str, (*self.rows, self.total)),
            f"false alarms: {self.false_alarms} in {self.frames} frames",
        ]
        if self.fps:
            lines.append(f"{self.fps:.0f} frames a second, decoded, searched, drawn and encoded; {self.detector}")
        return "\n".join([*lines, *(f"wrote {path}" for path in self.files)])


def count(names: Sequence[str], truths: Sequence[Detections], found: Sequence[Detections]) -> Outcome:
    """Found against true faces, frame by frame; `track_ids` of the truth are indices into `names`.

    True faces of which less than `PRESENT_SHARE` can be seen count neither way.
    """
    present, hit = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    false_alarms = 0
    for true, seen in zip(truths, found, strict=True):
        counted = visible_share(true) >= np.float32(PRESENT_SHARE)
        verdict = match(true, replace(seen, labels=np.zeros(len(seen), np.int64)), counted)
        right = verdict.truth_of >= 0
        np.add.at(present, true.track_ids[counted], 1)
        np.add.at(hit, true.track_ids[verdict.truth_of[right]], 1)
        false_alarms += int(np.count_nonzero(~right & ~verdict.ignored))
    rows = tuple(Row(name, int(h), int(p)) for name, h, p in zip(names, hit, present, strict=True))
    return Outcome(rows, false_alarms, len(truths))


def run(out: Path, model: Path | None = None, frames: int = 250) -> Outcome:
    """Write `out`/night_camera.mp4, night_camera_faces.mp4 and detections.jsonl, and count what was found.

    `model` is an ONNX file, by default the packaged one. Raises `ModelError` when it cannot be used and
    `MissingExtra` without the packages that hold the portraits.
    """
    from faceir.runtime import pipeline
    from faceir.runtime.detector import Detector
    from faceir.runtime.sinks import AnnotatedVideo, JsonLines
    from faceir.runtime.sources import open_source

    detector = Detector(model, favour="throughput")  # first of all, as it is what may be missing
    portraits = demo_portraits()
    portraits.append(portraits[0].mirrored("astronaut, far, mirrored"))
    clip, faces_clip, lines = out / CLIP, out / FACES_CLIP, out / LINES
    truths = []
    with AnnotatedVideo(clip) as film:
        for frame in night_clip(portraits, frames):
            truths.append(frame.detections)
            film.write(frame.with_detections(Detections()))

    classes = detector.contract.classes
    with (
        open_source(clip) as source,
        AnnotatedVideo(faces_clip, source.rate, classes) as drawn,
        JsonLines(lines, classes) as written,
        ListSink() as found,
    ):
        tally = pipeline.run(source, detector, sinks=[drawn, written, found])
    outcome = count([p.name for p in portraits], truths, [frame.detections for frame in found.frames])
    return replace(
        outcome,
        fps=tally.frames / tally.duration_s,
        detector=f"{detector.path.name} on {detector.describe()}",
        files=(clip, faces_clip, lines),
    )
