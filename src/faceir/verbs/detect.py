"""`faceir detect`: faces in pictures, videos and streams."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceir.errors import FaceirError
from faceir.verbs.key import KeyOption, read_key
from faceir.verbs.terminal import interruptible, progress_bar, say_error
from faceir.verbs.tiles import TilesOption, tiled

if TYPE_CHECKING:
    from rich.progress import Progress

    from faceir.flow import Detector, Frame, Sink, Stage
    from faceir.runtime.draw import Osd
    from faceir.runtime.sinks import Many, Names
    from faceir.runtime.sources import Source
    from faceir.runtime.track import TrackSettings

__all__ = ["detect"]


def detect(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Pictures, folders, globs, video files, rtsp:// or http:// streams."),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write to.")],
    model: Annotated[
        Path | None, typer.Option("-m", "--model", help="ONNX model; default: --spec's, else the packaged one.")
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option("-e", "--spec", help="TAO's inference spec: model, clustering, classes, what is written."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Least score of a face, 0..1; default: the model's own.")
    ] = None,
    draw: Annotated[bool, typer.Option(help="Write pictures and videos with the faces drawn.")] = True,
    kitti: Annotated[
        bool | None, typer.Option(help="Write KITTI labels; default: for pictures, not for every video frame.")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads for inference; 0 = all cores.")] = 0,
    duration: Annotated[
        float | None, typer.Option(min=0, metavar="S", help="Stop each video or stream after S seconds of it.")
    ] = None,
    track: Annotated[
        bool,
        typer.Option("--track", help="Number the faces and follow them; pictures of one folder count as a film."),
    ] = False,
    tiles: TilesOption = None,
    key: KeyOption = None,
) -> None:
    """Find faces; write OUT/detections.jsonl, OUT/NAME with faces drawn, OUT/labels/NAME.txt."""
    from rich.console import Console

    from faceir.runtime.detector import Detector
    from faceir.runtime.sinks import JsonLines, Names
    from faceir.runtime.track import TrackSettings, two_stage
    from faceir.verbs.inference_spec import OnlyClasses, open_detector, read_wishes

    console = Console(stderr=True, highlight=False)
    secret, osd = read_key(key), None
    stages: list[Stage] = []
    if spec is None:
        detector = Detector(model, threads=threads, threshold=threshold, favour="throughput", key=secret)
    else:
        wishes = read_wishes(spec)
        detector = open_detector(wishes, model, threads, threshold, secret)
        draw, kitti, osd = draw and wishes.draw, wishes.kitti if kitti is None else kitti, wishes.osd
        stages.append(OnlyClasses(wishes.shown))
    console.print(f"{detector.path.name} on {detector.describe()}", markup=False, soft_wrap=True)
    tracking: TrackSettings | None = None
    if track:
        detector.contract, tracking = two_stage(detector.contract, TrackSettings())
    finder, classes = tiled(detector, tiles), detector.contract.classes
    jobs = _jobs(inputs)
    names = Names()
    with (
        interruptible() as interrupt,
        JsonLines(out / "detections.jsonl", classes) as lines,
        progress_bar(console) as progress,
    ):
        for job in jobs:
            if interrupt.is_set():
                job.status = "not started"
            elif not job.problems:
                _Work(
                    finder, classes, out, names, draw, kitti, osd, duration, stages, tracking, interrupt, progress
                ).do(job, [lines])
    _print_summary(jobs)
    if any(job.problems for job in jobs):
        raise typer.Exit(1)
    if any(job.status in ("interrupted", "not started") for job in jobs):
        raise typer.Exit(130)


@dataclass
class _Job:
    """One row of the summary: a video, a stream, or the pictures of one argument."""

    name: str
    where: str | list[str]
    frames: int = 0
    faces: int = 0
    duration_s: float = 0.0
    status: str = "done"
    problems: list[FaceirError] = field(default_factory=list)

    def blame(self, error: FaceirError) -> None:
        """Say at once what is wrong; the others go on."""
        self.problems.append(error)
        say_error(error)


def _jobs(inputs: Sequence[str]) -> list[_Job]:
    """What to work on, each thing once; an argument that stands for nothing is a job with a problem."""
    from faceir.runtime.pictures import PICTURES
    from faceir.runtime.sources import expand, is_url, public_name

    jobs: list[_Job] = []
    seen: set[str] = set()
    for given in inputs:
        try:
            found = [f for f in expand(given) if f not in seen]
        except FaceirError as error:
            jobs.append(_Job(public_name(given), given, status="failed"))
            jobs[-1].blame(error)
            continue
        seen.update(found)
        pictures = [f for f in found if Path(f).suffix.lower() in PICTURES and not is_url(f)]
        if pictures:
            jobs.append(_Job(given, pictures))
        jobs.extend(_Job(public_name(f), f) for f in found if f not in pictures)
    return jobs


@dataclass(frozen=True)
class _Work:
    """How `detect` does a job."""

    detector: Detector
    classes: Sequence[str]
    out: Path
    names: Names
    draw: bool
    kitti: bool | None
    osd: Osd | None
    duration: float | None
    stages: Sequence[Stage]
    tracking: TrackSettings | None
    interrupt: threading.Event
    progress: Progress

    def do(self, job: _Job, sinks: Sequence[Sink]) -> None:
        """Work through one job; its problems go into it."""
        from faceir.runtime.pipeline import run
        from faceir.runtime.sources import open_source
        from faceir.runtime.track import Tracker

        stages: list[Stage] = [*self.stages]
        if self.tracking:
            stages.append(Tracker(self.tracking))
        start_s, shown_s = time.perf_counter(), 0.0
        task = self.progress.add_task(Path(job.name).name or job.name, total=None, rate="")

        def count(frame: Frame) -> None:
            nonlocal shown_s
            job.frames, job.faces = job.frames + 1, job.faces + len(frame.detections)
            now_s = time.perf_counter()
            if now_s - shown_s > 0.1:
                shown_s = now_s
                self.progress.update(task, completed=job.frames, rate=f"{job.frames / (now_s - start_s):.0f} fps")

        try:
            with open_source(job.where, job.blame) as source:
                self.progress.update(task, total=source.frames)
                with self._own_sinks(source, video=isinstance(job.where, str)) as own:
                    try:
                        run(takewhile(self._go_on(), source), self.detector, stages, [*sinks, own], count)
                    except FaceirError as error:  # in here, so that the sinks keep what came before it
                        job.blame(error)
                if self.interrupt.is_set():
                    job.status = "stopped" if source.live else "interrupted"
        except FaceirError as error:
            job.blame(error)
        if job.problems:
            job.status = f"{len(job.problems)} failed" if job.frames and isinstance(job.where, list) else "failed"
        job.duration_s = time.perf_counter() - start_s
        self.progress.update(task, completed=job.frames, total=job.frames)

    def _own_sinks(self, source: Source, video: bool) -> Many:
        """The sinks of this source alone."""
        from faceir.runtime.sinks import AnnotatedPictures, AnnotatedVideo, KittiLabels, Many

        sinks: list[Sink] = []
        if self.draw and video:
            path = self.out / f"{self.names.stem(source.name)}.mp4"
            sinks.append(AnnotatedVideo(path, source.rate, self.classes, osd=self.osd))
        elif self.draw:
            sinks.append(AnnotatedPictures(self.out, self.names, self.classes, self.osd))
        if self.kitti or (self.kitti is None and not video):
            sinks.append(KittiLabels(self.out, self.names, self.classes, numbered=video))
        return Many(sinks)

    def _go_on(self) -> Callable[[Frame], bool]:
        """True until Ctrl-C or the end of `--duration`."""
        start_s: float | None = None

        def go_on(frame: Frame) -> bool:
            nonlocal start_s
            start_s = frame.time_s if start_s is None else start_s
            in_time = self.duration is None or frame.time_s - start_s < self.duration
            return in_time and not self.interrupt.is_set()

        return go_on


def _print_summary(jobs: Sequence[_Job]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("input", box=None)
    for heading in ("frames", "faces", "faces/frame", "fps"):
        table.add_column(heading, justify="right")
    table.add_column("status")
    for job in jobs:
        mean = f"{job.faces / job.frames:.2f}" if job.frames else "-"
        fps = f"{job.frames / job.duration_s:.1f}" if job.frames and job.duration_s else "-"
        table.add_row(job.name, str(job.frames), str(job.faces), mean, fps, job.status)
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 1000  # nothing is folded on the way to a file
    console.print(table)
