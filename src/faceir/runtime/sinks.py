"""Where frames end: videos, pictures, JSON lines, KITTI labels.

Files are written under another name and renamed when whole, so that what carries its final name is
complete; after an exception nothing half-written is left.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import cv2

from faceir.data import kitti
from faceir.errors import InputError
from faceir.flow import Frame, Image, Sink
from faceir.runtime.draw import draw

if TYPE_CHECKING:
    from io import TextIOWrapper
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["AnnotatedPictures", "AnnotatedVideo", "JsonLines", "KittiLabels", "Many", "Names", "record"]

_Kind = type[BaseException] | None
_TIME_BASE = Fraction(1, 90_000)  # holds 24, 25, 29.97, 30, 60 and most camera clocks exactly
_MUXERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
_DRAWN_AS = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"))


def _part(path: Path) -> Path:
    """The name that `path` has while it grows; its folder is made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(path.parent, f"cannot be made ({error.strerror})", "a folder to write to") from error
    return path.with_name(f".{path.name}.part")


def _write_whole(path: Path, data: bytes) -> None:
    part = _part(path)
    try:
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(path, f"cannot be written ({error.strerror})", "a writable folder with space") from error


def _refuse_source(path: Path, source: str) -> None:
    if path.exists() and os.path.exists(source) and path.samefile(source):
        raise InputError(path, "is the input itself", "another place to write to", "choose another folder")


class Names:
    """File names for sources: their stem, numbered where two sources would share one ("a", "a-2")."""

    def __init__(self) -> None:
        self._stems: dict[str, str] = {}
        self._taken: set[str] = set()  # without case, as some file systems see them

    def stem(self, source: str) -> str:
        """The stem of `source`, the same at every call."""
        if source not in self._stems:
            wanted = stem = self._plain(source)
            count = 1
            while stem.casefold() in self._taken:
                count += 1
                stem = f"{wanted}-{count}"
            self._taken.add(stem.casefold())
            self._stems[source] = stem
        return self._stems[source]

    @staticmethod
    def _plain(source: str) -> str:
        if "://" not in source:
            return Path(source).stem or "input"
        parts = urlsplit(source)
        text = f"{parts.netloc}{parts.path}".strip("/")
        return "".join(c if c.isalnum() or c in ".-" else "_" for c in text) or "stream"


class AnnotatedVideo:
    """One H.264 video (.mp4, .mov, .mkv) of the frames with their faces drawn, at the frames' own times.

    `rate` frames per second is what the file states; None states 25. Odd sizes gain a pixel column
    or row, which H.264's 4:2:0 needs. Without frames no file is made.
    """

    def __init__(self, path: str | Path, rate: Fraction | None = None, classes: Sequence[str] = ("face",)) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in _MUXERS:
            raise InputError(path, f"has ending {self.path.suffix!r}", " ".join(_MUXERS))
        self._rate, self._classes = rate or Fraction(25), classes
        self._container: Any = None
        self._last_pts = -1
        self._start_s = 0.0

    def _open(self, image: Image, frame: Frame) -> None:
        import av

        _refuse_source(self.path, frame.source)
        self._part = _part(self.path)
        try:
            self._container = av.open(str(self._part), "w", format=_MUXERS[self.path.suffix.lower()])
        except OSError as error:
            raise InputError(self.path, f"cannot be written ({error.strerror})", "a writable folder") from error
        height, width = image.shape[:2]
        self._size_wh = (width + width % 2, height + height % 2)
        self._stream = self._container.add_stream("libx264", rate=self._rate)
        self._stream.width, self._stream.height = self._size_wh
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = _TIME_BASE
        self._stream.options = {"preset": "veryfast", "crf": "23"}
        self._from_ndarray = av.VideoFrame.from_ndarray
        self._start_s = frame.time_s if frame.time_s > 1e8 else 0.0  # wall time starts at the first frame

    def write(self, frame: Frame) -> None:
        """Add one frame; one of another size than the first is scaled to it."""
        image = draw(frame.rgb, frame.detections, self._classes)
        if self._container is None:
            self._open(image, frame)
        # OpenCV's conversion (BT.601, limited range) takes a fifth of the time of FFmpeg's from RGB.
        picture = self._from_ndarray(cv2.cvtColor(self._sized(image), cv2.COLOR_RGB2YUV_I420), format="yuv420p")
        # Two frames at one time, as bad cameras send, would end the encoder.
        pts = max(round((frame.time_s - self._start_s) / _TIME_BASE), self._last_pts + 1)
        picture.pts, picture.time_base, self._last_pts = pts, _TIME_BASE, pts
        for packet in self._stream.encode(picture):
            self._container.mux(packet)

    def _sized(self, image: Image) -> Image:
        height, width = image.shape[:2]
        to_w, to_h = self._size_wh
        if 0 <= to_w - width <= 1 and 0 <= to_h - height <= 1:
            if (to_w, to_h) == (width, height):
                return image
            padded: Image = cv2.copyMakeBorder(image, 0, to_h - height, 0, to_w - width, cv2.BORDER_REPLICATE)
            return padded
        resized: Image = cv2.resize(image, self._size_wh, interpolation=cv2.INTER_AREA)
        return resized

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: _Kind, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._container is None:
            return
        try:
            if kind is None:
                for packet in self._stream.encode():
                    self._container.mux(packet)
            self._container.close()
            if kind is None:
                os.replace(self._part, self.path)
        finally:
            self._part.unlink(missing_ok=True)


class AnnotatedPictures:
    """Each frame as a picture with its faces drawn: `folder/NAME.jpg`, in its source's format if that has colour."""

    def __init__(self, folder: str | Path, names: Names | None = None, classes: Sequence[str] = ("face",)) -> None:
        self.folder, self._names, self._classes = Path(folder), names or Names(), classes

    def write(self, frame: Frame) -> None:
        """Write one picture."""
        ending = Path(frame.source).suffix.lower()
        ending = ending if ending in _DRAWN_AS else ".png"
        path = self.folder / f"{self._names.stem(frame.source)}{ending}"
        _refuse_source(path, frame.source)
        image = draw(frame.rgb, frame.detections, self._classes)
        done, data = cv2.imencode(ending, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        if not done:
            raise InputError(path, f"a picture of {image.shape[1]} x {image.shape[0]} cannot be written as {ending}")
        _write_whole(path, data.tobytes())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass  # every picture was finished when it was written


def record(frame: Frame, classes: Sequence[str] = ("face",)) -> dict[str, Any]:
    """What is known of a frame, ready for JSON: pixels with 2 decimals, scores with 4; `track_id` -1 = not tracked."""
    height, width = frame.gray.shape
    found = frame.detections
    faces = [
        {
            "xyxy": [round(v, 2) for v in xyxy],
            "score": round(score, 4),
            "label": classes[label] if 0 <= label < len(classes) else "ignore",
            "track_id": track,
        }
        for xyxy, score, label, track in zip(
            found.xyxy.tolist(), found.scores.tolist(), found.labels.tolist(), found.track_ids.tolist(), strict=True
        )
    ]
    stated: dict[str, Any] = {
        "source": frame.source,
        "index": frame.index,
        "time_s": round(frame.time_s, 6),
        "width": width,
        "height": height,
        "faces": faces,
    }
    if frame.events:
        stated["events"] = list(frame.events)
    return stated


class JsonLines:
    """One text file, a line of JSON a frame (see `record`)."""

    def __init__(self, path: str | Path, classes: Sequence[str] = ("face",)) -> None:
        self.path, self._classes = Path(path), classes
        self._file: TextIOWrapper | None = None

    def write(self, frame: Frame) -> None:
        """Add one line; only inside `with`."""
        assert self._file is not None, "JsonLines is used in `with`"
        self._file.write(json.dumps(record(frame, self._classes)) + "\n")

    def __enter__(self) -> Self:
        self._part = _part(self.path)
        try:
            self._file = self._part.open("w", encoding="utf-8")
        except OSError as error:
            raise InputError(self.path, f"cannot be written ({error.strerror})", "a writable folder") from error
        return self

    def __exit__(self, kind: _Kind, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._file is not None
        try:
            self._file.close()
            if kind is None:
                os.replace(self._part, self.path)
        finally:
            self._part.unlink(missing_ok=True)


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
        _write_whole(self.folder / "labels" / f"{stem}.txt", text.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass  # every file was finished when it was written


class Many:
    """Several sinks as one; leaving it leaves all of them, also when one fails."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks, self._stack = list(sinks), ExitStack()

    def write(self, frame: Frame) -> None:
        """Give the frame to each in turn."""
        for sink in self._sinks:
            sink.write(frame)

    def __enter__(self) -> Self:
        with ExitStack() as opening:  # when the second cannot be entered, the first is left again
            for sink in self._sinks:
                opening.enter_context(sink)
            self._stack = opening.pop_all()
        return self

    def __exit__(self, kind: _Kind, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, trace)
