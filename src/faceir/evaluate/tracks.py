"""Detection over time: does a face flicker, how soon is it found, does its number change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from faceir import boxes
from faceir.detections import Detections
from faceir.evaluate.interval import Rate, wilson
from faceir.evaluate.judged import Judged, counted_of
from faceir.evaluate.matching import match

__all__ = ["Track", "Video", "films", "link", "tracks", "video"]


@dataclass(frozen=True)
class Track:
    """One true face through a film."""

    film: str
    frames: tuple[int, ...]
    """Numbers of the frames where it counts."""
    found: tuple[bool, ...]
    ids: tuple[int, ...]
    """Track id of the found face, -1 = not found, or not tracked."""

    @property
    def flips(self) -> int:
        """How often it was found in one frame and missed in the next, or the other way round."""
        return sum(a != b for a, b in pairwise(self.found))

    @property
    def first_found(self) -> int | None:
        """Frames until it was found, 0 = at once; None = never."""
        return self.frames[self.found.index(True)] - self.frames[0] if any(self.found) else None

    @property
    def switches(self) -> int:
        """How often its track id changed, frames without one aside."""
        known = [number for number in self.ids if number >= 0]
        return sum(a != b for a, b in pairwise(known))


@dataclass(frozen=True)
class Video:
    """Over all films at the threshold."""

    films: int
    tracks: int
    """True faces followed through a film."""
    frames: int
    flicker: Rate
    """Share of frames, after a track's first, in which found turned to missed or missed to found. No interval:
    frames of one film depend on each other."""
    found_ever: Rate
    """Share of tracks that were found at all."""
    first_found_median: float | None
    """Frames until the first detection, over the tracks that were found."""
    first_found_worst: int | None
    switches: int | None
    """Changes of track id in all; None when the detector gives no track ids."""
    worst: tuple[tuple[str, int, int], ...]
    """Film, first frame and flips of the tracks that flicker most."""


def films(pictures: Iterable[Judged]) -> dict[str, list[Judged]]:
    """Frames of each film (`Judged.sequence`) in order; pictures of none are left out."""
    found: dict[str, list[Judged]] = defaultdict(list)
    for p in pictures:
        if p.sequence:
            found[p.sequence].append(p)
    return {film: sorted(some, key=lambda p: p.frame) for film, some in sorted(found.items()) if len(some) > 1}


def link(frames: Sequence[Detections], iou_threshold: float = 0.3) -> list[Detections]:
    """The same faces with track ids: one that overlaps one of the frame before goes on with its id, best overlap first.

    Faces that have ids keep them.
    """
    linked: list[Detections] = []
    number = 0
    for faces in frames:
        if (faces.track_ids >= 0).any():
            linked.append(faces)
            continue
        ids = np.full(len(faces), -1, np.int64)
        if linked and len(linked[-1]):
            overlap = boxes.iou(faces.xyxy, linked[-1].xyxy)
            now, before = np.nonzero((overlap > iou_threshold) & (faces.labels[:, None] == linked[-1].labels))
            order = np.argsort(-overlap[now, before], kind="stable")
            for f, b in zip(now[order], before[order], strict=True):
                if ids[f] < 0 and linked[-1].track_ids[b] not in ids:
                    ids[f] = linked[-1].track_ids[b]
        new = ids < 0
        ids[new] = np.arange(number, number + new.sum())
        number += int(new.sum())
        linked.append(replace(faces, track_ids=ids))
    return linked


def tracks(film: str, frames: Sequence[Judged], threshold: float, iou_threshold: float = 0.5) -> Iterator[Track]:
    """Each true face of one film, frames in order; true faces without track ids are linked by overlap."""
    seen: dict[int, list[tuple[int, bool, int]]] = defaultdict(list)
    for p, truth in zip(frames, link([p.truth for p in frames]), strict=True):
        counted = counted_of(p, p.name)
        found = p.found[p.found.scores >= np.float32(threshold)]
        taker = np.full(len(truth), -1, np.int64)
        truth_of = match(truth, found, counted, iou_threshold).truth_of
        taker[truth_of[truth_of >= 0]] = np.flatnonzero(truth_of >= 0)
        for n in np.flatnonzero(counted):
            number = int(found.track_ids[taker[n]]) if taker[n] >= 0 else -1
            seen[int(truth.track_ids[n])].append((p.frame, bool(taker[n] >= 0), number))
    for rows in seen.values():
        numbers, hits, ids = zip(*rows, strict=True)
        yield Track(film, numbers, hits, ids)


def video(pictures: Iterable[Judged], threshold: float, iou_threshold: float = 0.5) -> Video | None:
    """All films among `pictures`; None when there is none, or no true face in them."""
    by_film = films(pictures)
    every = [t for film, frames in by_film.items() for t in tracks(film, frames, threshold, iou_threshold)]
    if not every:
        return None
    flips, steps = sum(t.flips for t in every), sum(len(t.frames) - 1 for t in every)
    first = [t.first_found for t in every if t.first_found is not None]
    tracked = any(number >= 0 for t in every for number in t.ids)
    worst = sorted((t for t in every if t.flips), key=lambda t: -t.flips)[:10]
    return Video(
        len(by_film), len(every), sum(map(len, by_film.values())),
        Rate(flips / steps if steps else None),
        Rate(len(first) / len(every), *wilson(len(first), len(every))),
        float(np.median(first)) if first else None, max(first) if first else None,
        sum(t.switches for t in every) if tracked else None,
        tuple((t.film, t.frames[0], t.flips) for t in worst),
    )  # fmt: skip
