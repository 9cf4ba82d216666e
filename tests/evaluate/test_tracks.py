from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.evaluate import Judged
from faceir.evaluate.tracks import Track, films, link, tracks, video


def film(found: str, ids: list[int] | None = None, name: str = "f", at: float = 0.0) -> list[Judged]:
    """One face that moves slowly; h = found, m = missed, - = it is not there."""
    frames = []
    for n, letter in enumerate(found):
        box = [[at + n, 0, at + n + 40, 40]]
        seen = Detections(box, track_ids=[ids[n]] if ids else None) if letter == "h" else Detections()
        frames.append(Judged(Detections(box) if letter != "-" else Detections(), seen, sequence=name, frame=n))
    return frames


def only(frames: list[Judged]) -> Track:
    (track,) = tracks("f", frames, 0.5)
    return track


@pytest.mark.parametrize(
    ("found", "flips", "first"),
    [("hhhh", 0, 0), ("mmmm", 0, None), ("mmhh", 1, 2), ("hmhm", 3, 0), ("hhmh", 2, 0), ("h", 0, 0)],
)
def test_by_hand(found: str, flips: int, first: int | None) -> None:
    track = only(film(found))
    assert (track.flips, track.first_found) == (flips, first)
    assert track.found == tuple(letter == "h" for letter in found)


def test_switches_of_track_ids() -> None:
    assert only(film("hhhhh", [1, 1, 2, 2, 1])).switches == 2
    assert only(film("hhmhh", [1, 1, 0, 1, 1])).switches == 0  # a gap is no switch
    assert only(film("hhmhh", [1, 1, 0, 3, 3])).switches == 1
    assert only(film("hhh")).switches == 0


def test_faces_are_followed_by_overlap() -> None:
    a, b = film("h" * 5), film("h" * 5, at=200)
    linked = link(
        [
            Detections.concat([x.truth, y.truth][:: 1 if n % 2 else -1])
            for n, (x, y) in enumerate(zip(a, b, strict=True))
        ]
    )
    left = {int(faces.track_ids[faces.xyxy[:, 0].argmin()]) for faces in linked}
    right = {int(faces.track_ids[faces.xyxy[:, 0].argmax()]) for faces in linked}
    assert len(left) == len(right) == 1
    assert left != right
    gone = link([p.truth for p in film("hh-hh")])
    assert gone[1].track_ids != gone[3].track_ids  # after a gap it is another one
    known = [replace(p.truth, track_ids=np.array([7])) for p in a]
    assert [faces.track_ids.tolist() for faces in link(known)] == [[7]] * 5


def test_a_whole_evaluation() -> None:
    pictures = [*film("mhhh", [0, 1, 1, 1]), *film("hmhm", [4, 4, 5, 5], "g")]
    got = video(reversed(pictures), 0.5)
    assert got is not None
    assert (got.films, got.tracks, got.frames, got.switches) == (2, 2, 8, 1)
    assert got.flicker.value == pytest.approx(4 / 6)
    assert (got.first_found_median, got.first_found_worst, got.found_ever.value) == (0.5, 1, 1)
    assert got.worst == (("g", 0, 3), ("f", 0, 1))


def test_no_film_no_numbers() -> None:
    assert video([], 0.5) is None
    assert video([replace(p, sequence="") for p in film("hh")], 0.5) is None
    assert video(film("--"), 0.5) is None
    assert films(film("h")) == {}  # one frame is no film
    untracked = video(film("hmm"), 0.5)
    assert untracked is not None
    assert untracked.switches is None


def test_the_threshold_and_faces_that_do_not_count() -> None:
    frames = film("hhh")
    low = [replace(p, found=replace(p.found, scores=np.array([0.4]))) for p in frames]
    assert video(low, 0.5).found_ever.value == 0  # type: ignore[union-attr]
    ignored = [replace(p, counted=np.zeros(1, bool)) for p in frames]
    assert video(ignored, 0.5) is None
