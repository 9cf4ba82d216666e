"""What following faces costs a frame, and what it is worth: `python benchmarks/bench_track.py [--film]`.

Times are of the stage alone, on faces that tremble, flicker and meet, with two stages. `--film` runs the packaged model
over night films whose faces are known, and counts changes of id with and without the second stage.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from faceir.detections import Detections
from faceir.evaluate import Judged, match
from faceir.evaluate.tracks import video
from faceir.flow import UNSEEN, Frame
from faceir.runtime.count import Line, LineCounter, Zone, ZoneCounter
from faceir.runtime.dark import DarkGate
from faceir.runtime.track import Tracker, TrackSettings, two_stage
from faceir.testing import demo_portraits, night_clip, visible_share

SIZE_WH = (1920, 1080)
FRAMES = 1500


def crowd(faces: int, seed: int = 0) -> Iterator[Frame]:
    """Faces that walk about a 1080p picture, 10 % of them missed and 20 % weak in each frame."""
    rng = np.random.default_rng(seed)
    picture = np.zeros(SIZE_WH[::-1], np.uint8)
    height = rng.uniform(40, 120, faces)
    place = rng.uniform(0, 1, (faces, 2)) * SIZE_WH
    speed = rng.normal(0, 3, (faces, 2))
    for n in range(FRAMES):
        place += speed
        speed = np.where((place < 0) | (place > SIZE_WH), -speed, speed)
        seen = rng.uniform(size=faces) > 0.1
        half = np.stack([0.4 * height, 0.5 * height], axis=1)
        at = place + rng.normal(0, 0.02, (faces, 2)) * height[:, None]
        xyxy = np.concatenate([at - half, at + half], axis=1)[seen].astype(np.float32)
        scores = np.where(rng.uniform(size=len(xyxy)) < 0.2, 0.3, 0.9)
        yield Frame.of(picture, detections=Detections(xyxy, scores), time_s=n / 25, index=n)


def report(name: str, took_ms: list[float]) -> None:
    median_ms, p99_ms = np.percentile(took_ms, [50, 99])
    print(f"{name:34} median {median_ms:6.3f} ms  p99 {p99_ms:6.3f} ms")


def cost() -> None:
    settings = {
        "": TrackSettings(high=0.6),
        " held, smooth": TrackSettings(high=0.6, emit_held=True, smooth=0.5),
    }
    for faces in (0, 1, 4, 16, 50):
        frames = list(crowd(faces))
        for name, one in settings.items():
            tracker, tracked = Tracker(one), []
            took_ms = []
            for frame in frames:
                start = time.perf_counter()
                tracked.append(tracker(frame))
                took_ms.append((time.perf_counter() - start) * 1e3)
            report(f"track {faces:2} faces{name}", took_ms)
        lines = LineCounter([Line("a", (0.5, 0), (0.5, 1)), Line("b", (0, 0.5), (1, 0.5))])
        zones = ZoneCounter([Zone("c", ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5), (0.1, 0.5)))])
        took_ms = []
        for frame in tracked:
            start = time.perf_counter()
            zones(lines(frame))
            took_ms.append((time.perf_counter() - start) * 1e3)
        report(f"count {faces:2} faces, 2 lines, 1 zone", took_ms)
    picture = np.random.default_rng(0).integers(0, 255, SIZE_WH[::-1], dtype=np.uint8)
    gate, took_ms = DarkGate(), []
    for _ in range(FRAMES):
        start = time.perf_counter()
        gate.is_dark(picture)
        took_ms.append((time.perf_counter() - start) * 1e3)
    report("dark gate 1080p", took_ms)


@dataclass(frozen=True)
class Film:
    name: str
    truth: list[Detections]
    found: list[Detections]
    """From the least score up that the tracker looks at."""


def mota(films: list[Film], given: list[list[Detections]], switches: int) -> tuple[float, int, int]:
    """1 - (misses + false alarms + switches) / true faces (Bernardin, Stiefelhagen 2008), false alarms, misses."""
    true = missed = false = 0
    for film, faces in zip(films, given, strict=True):
        for truth, seen in zip(film.truth, faces, strict=True):
            counted = visible_share(truth) >= 0.5
            verdict = match(truth, seen, counted)
            hit = int((verdict.truth_of >= 0).sum())
            true, missed = true + int(counted.sum()), missed + int(counted.sum()) - hit
            false += len(seen) - hit - int(verdict.ignored.sum())
    return 1 - (missed + false + switches) / true, false, missed


def night_films(films: int, frames: int) -> tuple[list[Film], TrackSettings]:
    """Films of a weak lamp, whose noise makes scores flicker about the threshold, as the packaged model sees them."""
    from faceir.runtime.detector import Detector

    detector = Detector(threads=1)
    detector.contract, settings = two_stage(detector.contract, TrackSettings())
    portraits = demo_portraits()
    portraits.append(portraits[0].mirrored("mirrored"))
    made = []
    for seed in range(films):
        rng = np.random.default_rng(seed)
        clip = list(night_clip(portraits, frames, seed=seed))
        noisy = [np.clip(f.gray * 0.35 + rng.normal(0, 9, f.gray.shape), 0, 255).astype(np.uint8) for f in clip]
        made.append(Film(str(seed), [f.detections for f in clip], detector(noisy)))
    return made, settings


def follow(film: Film, settings: TrackSettings, least: float, look: int) -> list[Detections]:
    """What the tracker gives when it is shown faces from `least` up, in `look` frames of 5."""
    tracker, out = Tracker(settings), []
    picture = np.zeros((480, 640), np.uint8)
    for n, faces in enumerate(film.found):
        seen = n % 5 < look
        shown = faces[faces.scores >= np.float32(least)] if seen else Detections()
        frame = Frame.of(picture, detections=shown, time_s=n / 25, index=n, events=() if seen else (UNSEEN,))
        out.append(tracker(frame).detections)
    return out


def worth(films: int, frames: int) -> None:
    made, settings = night_films(films, frames)
    (high,) = settings.high if isinstance(settings.high, tuple) else (settings.high,)
    brief = replace(settings, hold_s=0.1)
    ways = {
        "one stage, held 0.1 s": (brief, high),
        "two stages, held 0.1 s": (brief, 0.0),
        "one stage, held 1 s": (settings, high),
        "two stages, held 1 s": (settings, 0.0),
        "the like, unseen ones given": (replace(settings, emit_unseen=True), 0.0),
        "the like, held ones given": (replace(settings, emit_held=True), 0.0),
    }
    for look in (5, 4):
        print(f"{look} of 5 frames looked at")
        for name, (one, least) in ways.items():
            given = [follow(film, one, least, look) for film in made]
            judged = [
                Judged(t, f, visible_share(t) >= 0.5, sequence=film.name, frame=n)
                for film, out in zip(made, given, strict=True)
                for n, (t, f) in enumerate(zip(film.truth, out, strict=True))
            ]
            scores = video(judged, 0.0)
            assert scores is not None
            switches = scores.switches or 0
            share, false, missed = mota(made, given, switches)
            numbers = sum(len({int(i) for f in out for i in f.track_ids if i >= 0}) for out in given)
            print(
                f"  {name:28} MOTA {100 * share:5.1f}  switches {switches:3}  ids {numbers:3} of {scores.tracks}"
                f"  misses {missed:4}  false {false:3}  flicker {100 * (scores.flicker.value or 0):4.1f} %"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--film", action="store_true", help="run the packaged model over night films")
    parser.add_argument("--films", type=int, default=3)
    parser.add_argument("--frames", type=int, default=50)
    given = parser.parse_args(sys.argv[1:])
    if given.film:
        worth(given.films, given.frames)
    else:
        cost()


if __name__ == "__main__":
    main()
