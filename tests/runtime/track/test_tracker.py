from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir.cluster import ClusterParams
from faceir.contract import Contract
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from faceir.flow import FAILED, UNSEEN, Frame
from faceir.runtime.track import Tracker, TrackSettings, two_stage

PICTURE = np.zeros((480, 640), np.uint8)
AT_ONCE = TrackSettings(confirm_hits=1)
HELD = TrackSettings(confirm_hits=1, emit_held=True)


def frame(
    n: float, boxes: Sequence[Sequence[float]] = (), scores: float | Sequence[float] = 0.9, *events: str, **rest: object
) -> Frame:
    """Frame `n` of 25 a second."""
    scores = np.broadcast_to(scores, len(boxes))
    faces = Detections(np.array(boxes, np.float32).reshape(-1, 4), scores, **rest)  # type: ignore[arg-type]
    return Frame.of(PICTURE, detections=faces, time_s=n / 25, index=int(n), events=events)


def at(x: float, y: float = 100, size: float = 40) -> list[float]:
    return [x, y, x + size, y + 1.25 * size]


def ids(given: Frame) -> list[int]:
    return given.detections.track_ids.tolist()


def test_first_empty_and_confirmed() -> None:
    tracker = Tracker()
    assert ids(tracker(frame(0))) == []
    assert ids(tracker(frame(1, [at(10)]))) == [-1]
    assert ids(tracker(frame(2, [at(11)]))) == [1]
    assert ids(tracker(frame(3, [at(12), at(200)]))) == [1, -1]
    assert ids(tracker(frame(4, [at(201), at(13)]))) == [2, 1]


def test_one_hit_wonders_get_no_number() -> None:
    tracker = Tracker(TrackSettings(confirm_hits=3))
    assert [ids(tracker(frame(n, boxes))) for n, boxes in enumerate([[at(10)], [at(10)], [], [at(10)], [at(10)]])] == [
        [-1], [-1], [], [-1], [-1],
    ]  # fmt: skip
    assert ids(tracker(frame(5, [at(10)]))) == [1]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_order_of_detections_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = Tracker(replace(HELD, high=0.6)), Tracker(replace(HELD, high=0.6))
    x, speed = rng.uniform(0, 500, 6), rng.uniform(-6, 6, 6)
    for n in range(12):
        x = x + speed
        there = rng.uniform(size=6) < 0.8
        boxes = np.array([at(v + 200, 30.0 * i, 30 + 5 * i) for i, v in enumerate(x)], np.float32)[there]
        scores = rng.uniform(0.3, 1, len(boxes)).astype(np.float32)
        order = rng.permutation(len(boxes))
        a = one(frame(n, boxes, scores)).detections
        b = other(frame(n, boxes[order], scores[order])).detections
        assert sorted(map(str, zip(a.track_ids, a.xyxy, strict=True))) == sorted(
            map(str, zip(b.track_ids, b.xyxy, strict=True))
        )


@given(st.integers(0, 2**32 - 1), st.floats(-200, 200), st.floats(-60, 60), st.floats(0, 0.02))
@settings(max_examples=20)
def test_straight_motion_with_misses_is_one_track(seed: int, vx: float, vy: float, noise: float) -> None:
    """Pixels a second; 30 % of the frames find nothing, and 20 % are not there at all."""
    rng = np.random.default_rng(seed)
    tracker, seen, n = Tracker(AT_ONCE), set[int](), 0.0
    for step in range(60):
        n += 1 + rng.binomial(1, 0.2)
        box = np.array(at(320 + vx * n / 25, 240 + vy * n / 25, 60)) + rng.normal(0, 60 * noise, 4)
        missed = step > 1 and rng.uniform() < 0.3
        seen |= set(ids(tracker(frame(n, [] if missed else [box.tolist()]))))
    assert seen == {1}


def test_crossing_faces_keep_their_ids() -> None:
    tracker = Tracker(AT_ONCE)
    for n in range(40):
        left, right = at(100 + 8 * n), at(420 - 8 * n, 110)
        both = [left, right] if n % 2 else [right, left]
        if abs(left[0] - right[0]) < 10:  # one hides the other
            both = both[:1]
        found = tracker(frame(n, both)).detections
        if n == 0:
            first = dict(zip(found.track_ids.tolist(), found.xyxy[:, 1].tolist(), strict=True))
    assert dict(zip(found.track_ids.tolist(), found.xyxy[:, 1].tolist(), strict=True)) == first


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_faces_far_apart_are_tracked_as_if_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    together, alone = Tracker(replace(HELD, smooth=0.5)), [Tracker(replace(HELD, smooth=0.5)) for _ in range(3)]
    for n in range(15):
        boxes = [at(200 + 3 * n + rng.normal(), 30 + 150 * i) for i in range(3)]
        there = [n == 0 or rng.uniform() < 0.7 for _ in range(3)]
        found = together(frame(n, [box for box, seen in zip(boxes, there, strict=True) if seen])).detections
        single = [
            tracker(frame(n, [box] if seen else [])).detections.xyxy[0].tolist()
            for tracker, box, seen in zip(alone, boxes, there, strict=True)
        ]
        assert sorted(found.xyxy.tolist(), key=lambda xyxy: xyxy[1]) == single


def test_weak_faces_carry_tracks_on_but_start_none() -> None:
    tracker = Tracker(replace(AT_ONCE, high=0.6))
    tracker(frame(0, [at(10)], 0.9))
    found = tracker(frame(1, [at(11), at(300)], [0.2, 0.5])).detections
    assert found.track_ids.tolist() == [1]
    assert found.scores.tolist() == pytest.approx([0.2])
    assert ids(tracker(frame(2, [at(11)], 0.05))) == []  # below `low`
    assert ids(tracker(frame(3, [at(40)], 0.5))) == []  # too little overlap for a weak one
    assert ids(tracker(frame(4, [at(12), at(12, 102)], [0.5, 0.7]))) == [1]  # the strong one goes first


def test_classes_do_not_mix_and_have_their_own_thresholds() -> None:
    tracker = Tracker(replace(AT_ONCE, high=(0.5, 0.8)))
    assert ids(tracker(frame(0, [at(10)] * 3, [0.9, 0.9, 0.6], labels=[0, 1, 1]))) == [1, 2]
    found = tracker(frame(1, [at(12)], labels=[1])).detections
    assert found.track_ids.tolist() == [2]
    assert ids(tracker(frame(2, [at(13)], 0.6, labels=[0]))) == [1]


def test_regions_to_ignore_pass_untouched() -> None:
    given_ = frame(0, [[-5, 0, 900, 20], at(10)], [0.0, 0.9], labels=[DONT_CARE, 0], track_ids=[7, 7], occlusion=[3, 2])
    tracker = Tracker(TrackSettings(confirm_hits=1, high=0.5, smooth=0.5))
    for _ in range(3):
        found = tracker(given_).detections
        assert found[0] == given_.detections[0]
        assert (found.track_ids.tolist(), found.occlusion.tolist()) == ([7, 1], [3, 2])


def test_faces_come_out_as_they_went_in() -> None:
    boxes = [at(10.25), at(200.5, 60, 33), at(400)]
    tracker = Tracker(AT_ONCE)
    for n in range(4):
        given_ = frame(n, boxes, [0.5, 0.7, 0.6])
        assert replace(tracker(given_).detections, track_ids=None) == given_.detections


def test_held_faces_are_given_out_only_when_asked_for() -> None:
    quiet, tracker = Tracker(AT_ONCE), Tracker(HELD)
    for n in range(10):
        boxes = [at(100 + 4 * n)]
        assert ids(tracker(frame(n, boxes))) == ids(quiet(frame(n, boxes))) == [1]
        assert tracker.held == ()
    scores = []
    for n in range(10, 34):  # missed for 1 second
        assert ids(quiet(frame(n))) == []
        face = tracker(frame(n)).detections
        assert (face.track_ids.tolist(), tracker.held) == ([1], (1,))
        assert face.xyxy[0, 0] == pytest.approx(100 + 4 * n, abs=10)
        assert face.xyxy[0, 2] - face.xyxy[0, 0] == pytest.approx(40, abs=1)
        scores.append(face.scores[0])
    assert 0.9 > scores[0] > 0.8
    assert np.all(np.diff(scores) < 0)
    assert scores[-1] < 0.05
    tracker(frame(34))
    assert ids(tracker(frame(35))) == []
    assert ids(tracker(frame(36, [at(100 + 4 * 36)]))) == [2]


def test_held_faces_end_at_the_edge_of_the_picture() -> None:
    tracker = Tracker(replace(HELD, hold_s=10))
    for n in range(10):
        tracker(frame(n, [at(560 + 4 * n)]))
    inside = [tracker(frame(n)).detections for n in range(10, 40)]
    assert all((found.xyxy <= [640, 480, 640, 480]).all() for found in inside)
    assert len(inside[0]) == 1
    assert len(inside[-1]) == 0


def test_no_hold_forgets_at_the_first_miss() -> None:
    tracker = Tracker(replace(HELD, hold_s=0))
    assert [ids(tracker(frame(n, boxes))) for n, boxes in enumerate([[at(10)], [at(10)], [], [at(10)]])] == [
        [1], [1], [], [2],
    ]  # fmt: skip


@pytest.mark.parametrize("event", [UNSEEN, FAILED])
def test_frames_that_were_not_looked_at_are_no_misses(event: str) -> None:
    tracker = Tracker(TrackSettings(confirm_hits=3))
    for n in range(0, 20, 2):
        found = ids(tracker(frame(n, [at(10 + 5 * n)])))
        assert ids(tracker(frame(n + 1, [], 0.9, event))) == []
    assert found == [1]


def test_unseen_frames_show_what_the_last_look_saw() -> None:
    tracker = Tracker(replace(AT_ONCE, emit_unseen=True))
    for n in range(0, 20, 2):
        tracker(frame(n, [at(10 + 5 * n), at(10, 300)]))
        between = tracker(frame(n + 1, [], 0.9, UNSEEN))
        assert sorted(ids(between)) == [1, 2]
    assert min(abs(between.detections.xyxy[:, 0] - (10 + 5 * 19))) < 3
    assert ids(tracker(frame(20, [at(110)]))) != [1, 2]
    assert len(ids(tracker(frame(21, [], 0.9, UNSEEN)))) == 1  # the other one was missed
    held = Tracker(HELD)
    held(frame(0, [at(10)]))
    assert ids(held(frame(1, [], 0.9, FAILED))) == [1]


def test_dropped_frames_do_not_break_the_speed() -> None:
    tracker = Tracker(AT_ONCE)
    for n in (0, 1, 2, 3, 4, 5, 6, 7, 8, 14):  # at 14 the face is more than its own width away
        assert ids(tracker(frame(n, [at(50 + 10 * n)]))) == [1]
    # Without the time it would be another one.
    still = Tracker(AT_ONCE)
    seen = [ids(still(replace(frame(0, [at(50 + 10 * n)]), time_s=i / 25)))[0] for i, n in enumerate((0, 1, 2, 3, 14))]
    assert seen == [1, 1, 1, 1, 2]


@pytest.mark.parametrize("times_s", [[5.0] * 8, [8, 7, 6, 5, 4, 3, 2, 1], [0.0, 0.04, 0.08, 1e9, 1e9 + 0.04]])
def test_a_clock_that_stands_or_runs_back_or_jumps(times_s: list[float]) -> None:
    tracker = Tracker(replace(HELD, smooth=0.5))
    found = [ids(tracker(replace(frame(0, [at(100)]), time_s=t))) for t in times_s]
    jumps = max(np.diff(times_s)) > 2
    assert found == ([[1], [1], [1], [2], [2]] if jumps else [[1]] * 8)


def test_slow_films_are_films_too() -> None:
    tracker = Tracker(AT_ONCE)
    assert [ids(tracker(frame(50.0 * n, [at(100 + n)]))) for n in range(5)] == [[1]] * 5


def test_smoothing_calms_and_does_not_lag() -> None:
    rng = np.random.default_rng(0)
    raw, calm = [], []
    plain, tracker = Tracker(AT_ONCE), Tracker(replace(AT_ONCE, smooth=0.5))
    for n in range(120):
        true = np.array(at(20 + 4 * n))
        seen = frame(n, [(true + rng.normal(0, 1, 4)).tolist()])
        raw.append(plain(seen).detections.xyxy[0] - true)
        calm.append(tracker(seen).detections.xyxy[0] - true)
    trembling = np.std(np.diff(calm[20:], axis=0)) / np.std(np.diff(raw[20:], axis=0))
    assert trembling < 0.6
    assert np.abs(np.mean(calm[20:], axis=0)).max() < 0.5  # pixels; an average without the speed would lag by 4


def test_ids_only_grow() -> None:
    tracker, last = Tracker(AT_ONCE, first_id=5), 4
    for n in range(40):
        for number in ids(tracker(frame(100 * n, [at(10), at(300)]))):
            assert number > last
            last = max(last, number) if number % 2 == 0 else last
    assert last == 84


@pytest.mark.parametrize("fps", [4, 25, 100])
def test_frames_are_held_whatever_their_rate(fps: int) -> None:
    """A face comes back after as many misses as are allowed, or after one more; times are uneven by a tenth."""
    for misses, number in ((12, 1), (13, 2)):
        tracker = Tracker(TrackSettings(confirm_hits=1, hold_frames=12))
        rng = np.random.default_rng(misses)
        for n in range(60 + misses + 1):
            seen = [at(10)] if n < 60 or n == 60 + misses else []
            last = tracker(replace(frame(0, seen), time_s=(n + rng.uniform(-0.1, 0.1)) / fps))
        assert ids(last) == [number]


def test_a_long_gap_does_not_change_what_frames_are_worth() -> None:
    tracker = Tracker(TrackSettings(confirm_hits=1, hold_frames=5))
    for n in range(60):
        tracker(frame(n if n < 50 else n + 1000, [at(10)]))
    for n in range(1060, 1066 + 2):
        tracker(frame(n))
    assert ids(tracker(frame(1068, [at(10)]))) == [3], "8 misses: the gap began 2, this began 3"


def test_nothing_grows() -> None:
    rng = np.random.default_rng(0)
    tracker = Tracker(TrackSettings())
    for n in range(200):
        tracker(frame(n, [at(x, 50 * i) for i, x in enumerate(rng.uniform(0, 600, 8))]))
    assert len(tracker._tracks) < 60


def test_two_stages_from_a_contract() -> None:
    contract = Contract(cluster=(ClusterParams(confidence_threshold=0.6, coverage_threshold=0.05),))
    weaker, settings = two_stage(contract, TrackSettings(low=0.1))
    assert settings.high == (0.6,)
    assert weaker.cluster[0] == replace(contract.cluster[0], confidence_threshold=0.1)
    dbscan = Contract(cluster=(ClusterParams("dbscan", confidence_threshold=3.0),))
    assert two_stage(dbscan, TrackSettings(high=0.3)) == (dbscan, TrackSettings(high=0.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"high": 1.5},
        {"high": ()},
        {"low": -0.1},
        {"min_iou": 2},
        {"smooth": 1.0},
        {"confirm_hits": 0},
        {"hold_s": -1},
        {"hold_frames": -1},
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        TrackSettings(**wrong)  # type: ignore[arg-type]
