"""Films redacted off line: faces joined over time before anything is written, and a film with its sound kept.

What is kept of the first pass is boxes alone. `look` gives the frames that were looked at, `Plan` and
`redact.Redactor` are the stages that cover them with and without knowledge of what comes later, `RedactedFilm` is where
they end.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import numpy.typing as npt

from faceir.boxes import FloatArray
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import FAILED, Detector, Frame, Source
from faceir.runtime.redact import RedactParams, cover, grown, pair, redact_whole
from faceir.runtime.sinks.encode import Coding, Encoder
from faceir.runtime.sinks.places import part_of, refuse_source, writing

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["CRF", "ENDINGS", "Plan", "RedactedFilm", "look"]

_log = logging.getLogger(__name__)

CRF = "18"
"""Quality of x264 that films are written in, hardly to be told from the original by eye."""
ENDINGS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""File name endings of films that can be written, and FFmpeg's names for them."""
_KEYFRAME_S = 10.0
_BT601, _LIMITED = 6, 1  # FFmpeg's numbers for the colours that OpenCV makes
_BATCH = 8


def look(source: Source, detector: Detector, fail_safe: bool = True) -> Iterator[Frame]:
    """The frames of `source` with their faces; those that `detector` raised on have the event FAILED and none.

    Without `fail_safe` its exception is raised. When the source fails, the frames before come first.
    """
    level = logging.WARNING  # for the first failure; a film may have a hundred thousand
    for batch in _batches(source):
        try:
            answers: list[Detections | None] = list(detector([frame.gray for frame in batch]))
        except Exception:  # of one of them: which?
            answers = [None] * len(batch)
        for frame, found in zip(batch, answers, strict=True):
            try:
                seen = frame.with_detections(detector([frame.gray])[0] if found is None else found)
            except Exception as error:
                if not fail_safe:
                    raise
                _log.log(level, "%s, frame %d: the detector failed (%s)", frame.source, frame.index, error)
                seen, level = frame.with_event(FAILED), logging.DEBUG
            yield seen


def _batches(source: Source) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    try:
        for frame in source:
            batch.append(frame)
            if len(batch) == _BATCH:
                yield batch
                batch = []
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


class Plan:
    """A stage that covers the frames of a film by what its first pass, `frames` out of `look`, knows of all of it.

    Detections are joined to faces over time. Each is covered from `hold_s` before it was first seen until `hold_s`
    after it was last seen; between two times, up to twice `hold_s` apart, it goes straight from one place to the
    other. Regions grow with the time to the nearest sighting as `Redactor`'s do. Candidates, see
    `RedactParams.sure`, lengthen a face but make none. A frame that failed, or that was not in the first
    pass, is covered as a whole.
    """

    def __init__(self, frames: Iterable[Frame], params: RedactParams | None = None) -> None:
        self.params = params or RedactParams()
        self.covered = np.zeros((0, 4), np.float32)
        """The boxes `[N,4]` that were covered in the last frame, for those who verify."""
        self._failed: set[int] = set()
        self._seen: list[FloatArray] = []
        times: list[float] = []
        for frame in frames:
            if FAILED in frame.events:
                self._failed.add(len(times))
            found = frame.detections
            self._seen.append(np.concatenate([found.xyxy, found.scores[:, None]], axis=1))
            times.append(frame.time_s)
        self._regions, self._offsets = self._spread(np.maximum.accumulate(np.array(times)) if times else np.zeros(0))

    def __len__(self) -> int:
        """Frames that the first pass saw."""
        return len(self._seen)

    def __call__(self, frame: Frame) -> Frame:
        """The frame with its faces covered; frames are known by their `index`."""
        if frame.index >= len(self) or (frame.index in self._failed and self.params.fail_safe):
            self.covered = np.array([[0, 0, *frame.gray.shape[::-1]]], np.float32)
            return redact_whole(frame.with_event(FAILED), self.params)
        xyxy, extra = self.regions(frame.index)
        seen = self._seen[frame.index]
        seen = seen[seen[:, 4] >= self.params.sure]
        self.covered = grown(xyxy, self.params.grow, extra)
        frame = frame.with_detections(Detections(seen[:, :4], scores=seen[:, 4]))
        return frame.with_picture(cover(frame.rgb, xyxy, self.params, extra)) if len(xyxy) else frame

    def regions(self, index: int) -> tuple[FloatArray, FloatArray]:
        """Of a frame the boxes `[N,4]` to cover, and how much more than usual each is grown, `[N]`."""
        rows = self._regions[self._offsets[index] : self._offsets[index + 1]]
        return rows[:, :4], rows[:, 4]

    def _spread(self, times: npt.NDArray[np.float64]) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        """Rows of x1, y1, x2, y2, extra growth, in the order of their frames, and where each frame's begin."""
        indices, rows = [np.zeros(0, np.int64)], [np.zeros((0, 5), np.float32)]
        for face in _join(self._seen, times, self.params):
            seen_at = np.array(face.frames)
            xyxy = np.array(face.xyxy, np.float32)
            if face.best < self.params.sure:
                at, extra = seen_at, np.zeros(len(seen_at))
            else:
                low = np.searchsorted(times, times[seen_at[0]] - self.params.hold_s)
                high = np.searchsorted(times, times[seen_at[-1]] + self.params.hold_s, side="right")
                at = np.arange(low, high)
                xyxy = np.stack([np.interp(times[at], times[seen_at], xyxy[:, n]) for n in range(4)], axis=1)
                after = np.minimum(np.searchsorted(seen_at, at), len(seen_at) - 1)
                away = [np.abs(times[at] - times[seen_at[n]]) for n in (after, np.maximum(after - 1, 0))]
                extra = np.minimum(*away) * self.params.drift
            indices.append(at)
            rows.append(np.concatenate([xyxy, extra[:, None]], axis=1).astype(np.float32))
        frame_of = np.concatenate(indices)
        order = np.argsort(frame_of, kind="stable")
        offsets = np.searchsorted(frame_of[order], np.arange(len(times) + 1))
        return np.concatenate(rows)[order], offsets


@dataclass(eq=False)
class _Face:
    """One face over time: the frames it was seen in and where, and the best score it had."""

    frames: list[int]
    xyxy: list[FloatArray]
    """Each `[4]`."""
    best: np.float32


def _join(seen: Sequence[FloatArray], times: npt.NDArray[np.float64], params: RedactParams) -> list[_Face]:
    """Faces out of detections `[N,5]` (box, score) of each frame, by the nearest place of about the same size."""
    done: list[_Face] = []
    open_faces: list[_Face] = []
    for index, found in enumerate(seen):
        gone = {n for n, f in enumerate(open_faces) if times[index] - times[f.frames[-1]] > 2 * params.hold_s}
        done += [open_faces[n] for n in sorted(gone)]
        open_faces = [f for n, f in enumerate(open_faces) if n not in gone]
        before = np.array([f.xyxy[-1] for f in open_faces], np.float32).reshape(-1, 4)
        ages = np.array([times[index] - times[f.frames[-1]] for f in open_faces], np.float32)
        pairs = {new: old for old, new in pair(before, found[:, :4], 0.5 + np.float32(params.drift) * ages)}
        for n, (box, score) in enumerate(zip(found[:, :4], found[:, 4], strict=True)):
            if n in pairs:
                face = open_faces[pairs[n]]
                face.frames.append(index)
                face.xyxy.append(box)
                face.best = max(face.best, score)
            else:
                open_faces.append(_Face([index], [box], score))
    return done + open_faces


class RedactedFilm:
    """A sink: an H.264 film (.mp4, .mov, .mkv) of the frames, with the sound of `original` copied as it is.

    Nothing else of the original goes into it: no title, no cover picture, no subtitles, no second video. Frames keep
    their times, and the sound its place against them. The file carries its name when it is whole; after an
    exception, or without frames, none is left.
    """

    def __init__(self, path: str | Path, original: str | Path, rate: Fraction | None = None) -> None:
        self.path, self._original, self._rate = Path(path), Path(original), rate or Fraction(25)
        if self.path.suffix.lower() not in ENDINGS:
            raise InputError(path, f"has ending {self.path.suffix!r}", " ".join(ENDINGS))
        refuse_source(self.path, str(original))
        self.about = ""
        """What the film was made of and is, one line, from its first frame on."""
        self._container: Any = None
        self._opened = ExitStack()

    def write(self, frame: Frame) -> None:
        """Add one frame; one of another size than the first is scaled to it."""
        if self._container is None:
            self._open((frame.rgb.shape[1], frame.rgb.shape[0]))
        time_s = frame.time_s + self._video_from_s
        with writing(self.path):
            self._copy_sound(until_s=time_s)
            self._mux(self._encoder.encode(frame.rgb, time_s))

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.stream = self._stream
            self._container.mux(packet)

    def _open(self, size_wh: tuple[int, int]) -> None:
        original = self._opened.enter_context(av.open(str(self._original), metadata_errors="ignore"))
        video, sounds = original.streams.video[0], original.streams.audio
        starts_s = [float(s.start_time * s.time_base) if s.start_time else 0.0 for s in (video, *sounds)]
        self._origin_s = min(starts_s)  # becomes 0 in the new film
        self._video_from_s = starts_s[0] - self._origin_s
        self._grows = part_of(self.path)
        with writing(self.path):
            self._container = av.open(str(self._grows), "w", format=ENDINGS[self.path.suffix.lower()])
        coding = Coding(keyframe_s=_KEYFRAME_S)
        self._stream = self._container.add_stream(coding.encoder, rate=self._rate)
        context = self._stream.codec_context
        self._encoder = Encoder(context, size_wh, self._rate, coding)
        context.options = {**context.options, "crf": CRF}
        context.colorspace, context.color_range = _BT601, _LIMITED
        names = ", ".join(sorted({s.codec_context.name for s in sounds}))
        try:
            self._copies = {s.index: self._container.add_stream_from_template(s) for s in sounds}
            self._container.start_encoding()
        except (av.error.FFmpegError, ValueError) as error:
            ending = self.path.suffix
            came = f"cannot be made with its sound, {names} ({error})"
            raise InputError(self.path, came, do=f"write .mkv instead of {ending}") from error
        rate = f" at {original.bit_rate / 1e6:.1f} Mbit/s" if original.bit_rate else ""
        before = f"{video.codec_context.name} {size_wh[0]} x {size_wh[1]}{rate}"
        self.about = f"{before}, written as H.264 at CRF {CRF}; sound: {names or 'none'}{' as it was' if names else ''}"
        self._packets = original.demux(*sounds) if sounds else iter(())
        self._next = next(self._packets, None)

    def _copy_sound(self, until_s: float) -> None:
        """Hand on the sound up to `until_s` of the new film, so that both lie close together in the file."""
        while (packet := self._next) is not None:
            if packet.dts is not None:  # else it tells the end of one of the streams
                shift = round(self._origin_s / packet.time_base)
                if float((packet.dts - shift) * packet.time_base) > until_s:
                    return
                packet.dts -= shift
                packet.pts = None if packet.pts is None else packet.pts - shift
                packet.stream = self._copies[packet.stream.index]
                self._container.mux(packet)
            try:
                self._next = next(self._packets, None)
            except (av.error.FFmpegError, OSError):  # the film is cut short, which the reader of its frames tells
                self._next = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._opened:
            if self._container is None:
                return
            try:
                with suppress(OSError) if kind else writing(self.path):  # a full disk was told already
                    if kind is None:
                        self._copy_sound(until_s=float("inf"))
                        self._mux(self._encoder.flush())
                    self._container.close()
                    if kind is None:
                        os.replace(self._grows, self.path)
            finally:
                self._grows.unlink(missing_ok=True)
