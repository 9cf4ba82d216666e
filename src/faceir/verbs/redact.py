"""`faceir redact`: pictures and films with their faces made unreadable."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from faceir.errors import FaceirError, InputError
from faceir.verbs.key import KeyOption, read_key
from faceir.verbs.terminal import interruptible, progress_bar, say_error
from faceir.verbs.tiles import TilesOption, tiled

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from faceir import flow
    from faceir.boxes import FloatArray
    from faceir.flow import Frame, Sink
    from faceir.runtime.detector import Detector
    from faceir.runtime.redact import Redactor, RedactParams
    from faceir.runtime.redact_film import Plan, RedactedFilm

__all__ = ["redact"]

_JPEG_QUALITY = 95


def redact(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Pictures, folders, globs, video files.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder to write to; for one picture or video also a file's name.")
    ],
    model: Annotated[Path | None, typer.Option("-m", "--model", help="ONNX model; default: the packaged one.")] = None,
    mode: Annotated[Literal["blur", "pixelate", "solid"], typer.Option(help="What covers a face.")] = "blur",
    strength: Annotated[
        float, typer.Option(help="Share of a face in one block, above 0 to 1: 0.5 leaves 2 blocks along it.")
    ] = 0.5,
    grow: Annotated[float, typer.Option(help="Covered beyond the face on each side, share of its size.")] = 0.25,
    shape: Annotated[Literal["box", "ellipse"], typer.Option(help="All of the box, or the ellipse in it.")] = "box",
    hold: Annotated[float, typer.Option(metavar="S", help="Seconds a face stays covered where it is missed.")] = 0.5,
    two_pass: Annotated[
        bool, typer.Option("--two-pass/--one-pass", help="Look at a whole video before a frame of it is written.")
    ] = True,
    fail_safe: Annotated[bool, typer.Option(help="Cover frames as a whole that the detector failed on.")] = True,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Least score of a face; default: the model's own.")
    ] = None,
    unsure: Annotated[
        float | None, typer.Option(min=0, max=1, help="Least score that is covered too; default: half the threshold.")
    ] = None,
    sidecar: Annotated[
        Path | None, typer.Option(metavar="JSONL", help="Write the faces' boxes, a frame a line.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Look for faces in what was written.")] = False,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads for inference; 0 = all cores.")] = 0,
    tiles: TilesOption = None,
    key: KeyOption = None,
) -> None:
    """Make the faces in pictures and videos unreadable; the sound is kept, metadata are not."""
    from contextlib import nullcontext

    from rich.console import Console

    from faceir.runtime.detector import Detector
    from faceir.runtime.redact import RedactParams
    from faceir.runtime.sinks import JsonLines

    console = Console(stderr=True, highlight=False)
    params = RedactParams(mode, strength, grow, shape, hold, fail_safe=fail_safe)  # its mistakes before the model's
    detector = Detector(model, threads=threads, favour="throughput", key=read_key(key))
    params = _open_wider(detector, params, threshold, unsure)
    console.print(f"{detector.path.name} on {detector.describe()}", markup=False, soft_wrap=True)
    jobs = _jobs(inputs, out)
    lines = JsonLines(sidecar, detector.contract.classes) if sidecar else None
    with interruptible() as interrupt, lines or nullcontext(), progress_bar(console) as progress:
        work = _Work(tiled(detector, tiles), params, two_pass, verify, [lines] if lines else [], interrupt, progress)
        for job in jobs:
            work.do(job)
    _print_summary(jobs, verify)
    if any(job.problems for job in jobs):
        raise typer.Exit(1)
    if interrupt.is_set():
        raise typer.Exit(130)


def _open_wider(
    detector: Detector, params: RedactParams, threshold: float | None, unsure: float | None
) -> RedactParams:
    """Let `detector` give candidates down to `unsure`; the params that tell them from faces."""
    from dataclasses import replace

    clusters = detector.contract.cluster
    if threshold is None and any(p.algorithm in ("dbscan", "hybrid") for p in clusters):
        sure = 0.0  # its own threshold is for a sum of scores, so that no score tells a candidate from a face
    else:
        own = min(max(p.confidence_threshold, p.coverage_threshold) for p in clusters)
        sure = own if threshold is None else threshold
        detector.contract = detector.contract.with_threshold(sure / 2)
    if unsure is not None:
        if unsure > sure:
            raise InputError("--unsure", f"is {unsure}", f"at most the threshold, {sure:g}")
        detector.contract = detector.contract.with_threshold(unsure)
    return replace(params, sure=sure)


@dataclass
class _Job:
    """One row of the summary: a video, or the pictures of one argument."""

    name: str
    files: list[tuple[Path, Path]] = field(default_factory=list)
    """From and to."""
    film: bool = False
    frames: int = 0
    faces: int = 0
    whole: int = 0
    """Frames that were covered as a whole."""
    again: int = 0
    """Faces that are found in what was written, where something was covered."""
    uncovered: int = 0
    """Faces that are found elsewhere in it."""
    duration_s: float = 0.0
    status: str = "done"
    problems: list[FaceirError] = field(default_factory=list)

    def blame(self, error: FaceirError) -> None:
        """Say at once what is wrong; the others go on. A video that breaks off does so in both passes."""
        if str(error) not in [str(e) for e in self.problems]:
            self.problems.append(error)
            say_error(error)


def _jobs(inputs: Sequence[str], out: Path) -> list[_Job]:
    """What to work on, each file once; an argument that stands for nothing is a job with a problem."""
    from faceir.runtime.pictures import PICTURES
    from faceir.runtime.redact_film import ENDINGS
    from faceir.runtime.sinks import Names
    from faceir.runtime.sources import expand, is_url, public_name

    names, jobs, seen = Names(), [], set[str]()
    one = out if len(inputs) == 1 and Path(inputs[0]).is_file() and out.suffix and not out.is_dir() else None
    for given in inputs:
        pictures = _Job(given)
        try:
            if is_url(given):
                raise InputError(public_name(given), "is a stream", "pictures and video files")
            for found in expand(given):
                ending = Path(found).suffix.lower()
                film = ending not in PICTURES
                if found in seen:
                    continue
                seen.add(found)
                written = ENDINGS if film else PICTURES
                ending = ending if ending in written else ".mp4" if film else ".png"
                target = one or out / f"{names.stem(found)}{ending}"
                if target.suffix.lower() not in written:
                    raise InputError(target, f"has ending {target.suffix!r}", " ".join(sorted(written)))
                if film:
                    jobs.append(_Job(found, [(Path(found), target)], film=True))
                else:
                    pictures.files.append((Path(found), target))
        except FaceirError as error:
            jobs.append(_Job(public_name(given), status="failed"))
            jobs[-1].blame(error)
        if pictures.files:
            jobs.append(pictures)
    return jobs


class _Stopped(Exception):  # noqa: N818  # a signal, not an error
    """The user asked to stop, so that what is half-written has to go."""


@dataclass(frozen=True)
class _Work:
    """How `redact` does a job."""

    detector: flow.Detector
    params: RedactParams
    two_pass: bool
    verify: bool
    sinks: Sequence[Sink]
    interrupt: threading.Event
    progress: Progress

    def do(self, job: _Job) -> None:
        """Work through one job; its problems go into it."""
        start_s = time.perf_counter()
        total = None if job.film else len(job.files) * (1 + self.verify)
        task = self.progress.add_task(Path(job.name).name or job.name, total=total, rate="")
        try:
            for source, target in job.files:
                try:
                    (self._film if job.film else self._picture)(job, source, target, task)
                except FaceirError as error:
                    job.blame(error)
        except _Stopped:
            job.status = "interrupted"
        if job.problems:
            job.status = f"{len(job.problems)} failed" if job.frames and not job.film else "failed"
        job.duration_s = time.perf_counter() - start_s

    def _watched(self, frames: Iterable[Frame], task: TaskID) -> Iterator[Frame]:
        """The same frames, shown on the bar; raises `_Stopped` after Ctrl-C."""
        for frame in frames:
            if self.interrupt.is_set():
                raise _Stopped
            self.progress.advance(task)
            yield frame

    def _picture(self, job: _Job, source: Path, target: Path, task: TaskID) -> None:
        import cv2

        from faceir.flow import Frame
        from faceir.runtime.pictures import read_picture
        from faceir.runtime.redact import Redactor
        from faceir.runtime.redact_film import look
        from faceir.runtime.sinks.places import refuse_source, write_whole

        refuse_source(target, str(source))
        image, events = read_picture(source)
        coming = Frame.of(image, source=str(source), events=events)
        (frame,) = look(self._watched([coming], task), self.detector, self.params.fail_safe)
        stage = Redactor(self.params)
        left = self._count(job, stage(frame))
        picture = left.gray if image.ndim == 2 else cv2.cvtColor(left.rgb, cv2.COLOR_RGB2BGR)
        # Pixels and nothing else: no EXIF, so no small picture of the face as it was.
        done, data = cv2.imencode(target.suffix.lower(), picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        if not done:
            raise InputError(
                target, f"a picture of {image.shape[1]} x {image.shape[0]} cannot be written in this format"
            )
        write_whole(target, data.tobytes())
        if self.verify:
            written = Frame.of(read_picture(target)[0], source=str(target))
            self._check(job, self._watched([written], task), [stage.covered])

    def _film(self, job: _Job, source: Path, target: Path, task: TaskID) -> None:
        from faceir.runtime.redact import Redactor
        from faceir.runtime.redact_film import Plan, RedactedFilm, look
        from faceir.runtime.sources import open_source

        covered: list[FloatArray] = []
        stage: Plan | Redactor
        with open_source(source) as coming:
            film = RedactedFilm(target, source, coming.rate)  # before the long first pass, as it may be refused
            passes = 1 + self.two_pass + self.verify
            self.progress.update(task, total=coming.frames and coming.frames * passes)
            looked = look(self._watched(_to_its_end(job, coming), task), self.detector, self.params.fail_safe)
            if not self.two_pass:
                stage = Redactor(self.params)
                self._write(job, looked, stage, film, covered)
            else:
                stage = Plan(looked, self.params)
        if isinstance(stage, Plan):
            with open_source(source) as again:
                frames = self._watched(_to_its_end(job, again), task)
                self._write(job, frames, stage, film, covered)
        if self.verify and job.frames:
            with open_source(target) as written:
                self._check(job, self._watched(written, task), covered)

    def _write(
        self,
        job: _Job,
        frames: Iterable[Frame],
        stage: Plan | Redactor,
        film: RedactedFilm,
        covered: list[FloatArray],
    ) -> None:
        with film:
            for frame in frames:
                film.write(self._count(job, stage(frame)))
                if self.verify:
                    covered.append(stage.covered)
        if film.about:
            self.progress.console.print(f"{film.path}: {film.about}", markup=False, soft_wrap=True)

    def _count(self, job: _Job, left: Frame) -> Frame:
        from faceir.runtime.redact import WHOLE

        job.frames, job.faces = job.frames + 1, job.faces + len(left.detections)
        job.whole += WHOLE in left.events
        for sink in self.sinks:
            sink.write(left)
        return left

    def _check(self, job: _Job, frames: Iterable[Frame], covered: Sequence[FloatArray]) -> None:
        """Count the faces in what was written, by whether their middle lies where something was covered."""
        import numpy as np

        from faceir.runtime.redact_film import look

        for frame, regions in zip(look(frames, self.detector), covered, strict=True):
            found = frame.detections[frame.detections.scores >= self.params.sure].xyxy
            middles = (found[:, None, :2] + found[:, None, 2:]) / 2
            inside = np.all((middles >= regions[:, :2]) & (middles <= regions[:, 2:]), axis=2).any(axis=1)
            job.again += int(inside.sum())
            job.uncovered += int((~inside).sum())


def _to_its_end(job: _Job, frames: Iterable[Frame]) -> Iterator[Frame]:
    """The same frames; a video that breaks off is blamed on the job, and what came before goes all the way."""
    try:
        yield from frames
    except FaceirError as error:
        job.blame(error)


def _print_summary(jobs: Sequence[_Job], verify: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("input", box=None)
    for heading in ("frames", "faces", "covered whole", *(["found again", "uncovered"] if verify else []), "fps"):
        table.add_column(heading, justify="right")
    table.add_column("status")
    for job in jobs:
        fps = f"{job.frames / job.duration_s:.1f}" if job.frames and job.duration_s else "-"
        again = [str(job.again), str(job.uncovered)] if verify else []
        table.add_row(job.name, str(job.frames), str(job.faces), str(job.whole), *again, fps, job.status)
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 1000  # nothing is folded on the way to a file
    console.print(table)
