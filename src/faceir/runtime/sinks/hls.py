"""Live video for browsers and players over plain files: HLS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from faceir.errors import InputError
from faceir.flow import Frame
from faceir.runtime.draw import Osd, draw
from faceir.runtime.sinks.encode import Coding, Film, GuardedFile, steady_s
from faceir.runtime.sinks.places import Names, make_folder, writing

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Hls"]

_WRITE = 2  # FFmpeg's AVIO_FLAG_WRITE


class Hls:
    """`folder/NAME/index.m3u8` and its segments for each source, for any web server to hand out.

    Segments last about `segment_s`, and the last `keep` are listed; those before are deleted. A failed write ends
    the stream's playlist, and the next frame goes on with it.
    """

    reopens = True

    def __init__(
        self,
        folder: str | Path,
        classes: Sequence[str] = ("face",),
        *,
        rate: Fraction | None = None,
        coding: Coding | None = None,
        segment_s: float = 2.0,
        keep: int = 6,
        osd: Osd | None = None,
        names: Names | None = None,
    ) -> None:
        if segment_s <= 0 or keep < 2:
            raise InputError("HLS", f"has segment_s {segment_s}, keep {keep}", "above 0, and at least 2")
        self.folder, self._names = Path(folder), names or Names()
        self._classes, self._osd, self._rate = classes, osd or Osd(), rate or Fraction(25)
        self._coding = replace(coding or Coding(), keyframe_s=segment_s, low_delay=True)
        self._options = {
            "hls_time": f"{segment_s * 0.9:g}",  # it cuts at the first key frame after
            "hls_list_size": str(keep),
            "hls_flags": "delete_segments+temp_file+program_date_time",
        }
        if self._coding.codec == "h265":  # players take H.265 only so
            self._options["hls_segment_type"] = "fmp4"
        self._films: dict[str, Film] = {}
        self._files: list[GuardedFile] = []

    def playlist(self, source: str) -> Path:
        """Where the stream of `source` begins."""
        return self.folder / self._names.stem(source) / "index.m3u8"

    def write(self, frame: Frame) -> None:
        """Add one frame to its stream."""
        image = draw(frame.rgb, frame.detections, self._classes, self._osd, frame.time_s)
        path = self.playlist(frame.source)
        try:
            with writing(path):
                if frame.source not in self._films:
                    make_folder(path.parent)
                    self._films[frame.source] = self._film(path, (image.shape[1], image.shape[0]))
                self._films[frame.source].add(image, steady_s(frame))
                self._check()
        except InputError:
            if frame.source in self._films:
                self._films.pop(frame.source).abandon()
            self._files = [file for file in self._files if not file.closed]  # closing has failed as well
            raise

    def _film(self, path: Path, size_wh: tuple[int, int]) -> Film:
        options = dict(self._options)
        if path.exists():  # go on with what an earlier run left
            options["hls_flags"] += "+append_list"
        return Film(str(path), "hls", size_wh, self._rate, self._coding, options, live=True, io_open=self._open)

    def _open(self, path: str, flags: int, _options: object) -> GuardedFile | BinaryIO:
        """Open a segment or a playlist for the muxer, which itself would not tell of a full disk."""
        if not flags & _WRITE:
            return Path(path).open("rb")
        self._files.append(GuardedFile(Path(path)))
        return self._files[-1]

    def _check(self) -> None:
        """Raise the `OSError` of a write that failed since the last time."""
        files = self._files
        self._files = [file for file in files if not file.closed]
        for file in files:
            if file.error is not None:
                error, file.error = file.error, None
                raise error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        problems = []
        for source, film in self._films.items():
            try:
                with writing(self.playlist(source)):
                    film.finish()
                    self._check()
            except InputError as error:  # the others are finished all the same
                problems.append(error)
        self._films.clear()
        if problems:
            raise problems[0]
