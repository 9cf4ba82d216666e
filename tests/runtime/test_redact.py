"""Regions are unreadable at every size, nothing else is touched, and no frame passes that nobody looked at."""

from __future__ import annotations

import doctest
import itertools
import threading
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir import Detector
from faceir.boxes import intersection
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import DARK, FAILED, UNSEEN, Frame, Image
from faceir.runtime import redact
from faceir.runtime.live.engine import Engine, Stream
from faceir.runtime.redact import WHOLE, Mode, Redactor, RedactParams, Shape, cover, cover_whole, pair
from faceir.testing import FakeDetector, ListSink, ListSource, demo_portraits

MODES, SHAPES = get_args(Mode), get_args(Shape)
RATE = 25.0


def noise(height: int = 90, width: int = 121, seed: int = 0, colour: bool = True) -> Image:
    shape = (height, width, 3) if colour else (height, width)
    return np.random.default_rng(seed).integers(1, 256, shape, np.uint8)


def boxes(*xyxy: tuple[float, float, float, float]) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array(xyxy, np.float32).reshape(-1, 4)


def frame(
    index: int, found: Detections | None = None, *events: str, picture: Image | None = None, rate: float = RATE
) -> Frame:
    picture = noise() if picture is None else picture
    return Frame.of(
        picture, detections=found or Detections(), index=index, time_s=index / rate, events=events, source="camera"
    )


def changed(before: Image, after: Image) -> np.ndarray[Any, np.dtype[np.bool_]]:
    different = before != after
    return different.any(axis=2) if different.ndim == 3 else different


def region(xyxy: tuple[float, float, float, float], grow: float, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels that a box covers once grown, by the words of the docs."""
    x1, y1, x2, y2 = xyxy
    w, h = x2 - x1, y2 - y1
    left, top = int(np.floor(x1 - grow * w)), int(np.floor(y1 - grow * h))
    right, bottom = int(np.ceil(x2 + grow * w)), int(np.ceil(y2 + grow * h))
    return max(left, 0), max(top, 0), min(right, size_wh[0]), min(bottom, size_wh[1])


def distinct(patch: Image) -> int:
    return len(np.unique(patch if patch.ndim == 2 else patch.astype(int) @ (1, 256, 65536)))


# --- covering a region ---


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("mode", MODES)
@given(
    xyxy=st.tuples(st.floats(-60, 150), st.floats(-60, 120), st.floats(0, 120), st.floats(0, 120)).map(
        lambda t: (t[0], t[1], t[0] + t[2], t[1] + t[3])
    ),
    grow=st.sampled_from([0.0, 0.25, 1.0]),
    shape=st.sampled_from(SHAPES),
)
def test_nothing_outside_the_grown_box_changes_a_bit(
    mode: Mode, colour: bool, xyxy: tuple[float, float, float, float], grow: float, shape: Shape
) -> None:
    picture = noise(colour=colour)
    before = picture.copy()
    out = cover(picture, boxes(xyxy), RedactParams(mode, grow=grow, shape=shape))
    np.testing.assert_array_equal(picture, before)
    x1, y1, x2, y2 = region(xyxy, grow, (121, 90))
    outside = np.ones((90, 121), bool)
    outside[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)] = False  # an empty box covers a pixel
    assert not changed(before, out)[outside].any()


@given(
    x=st.floats(-30, 120), y=st.floats(-30, 89), w=st.floats(0, 90), h=st.floats(0, 90), shape=st.sampled_from(SHAPES)
)
def test_every_pixel_of_the_face_box_is_covered(x: float, y: float, w: float, h: float, shape: Shape) -> None:
    box = boxes((x, y, x + w, y + h))
    out = cover(noise(), box, RedactParams("solid", grow=0.21, shape=shape))
    x1, y1, x2, y2 = region(tuple(box[0].tolist()), 0, (121, 90))
    assert not out[y1 : max(y2, 0), x1 : max(x2, 0)].any()


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize(("mode", "most"), [("pixelate", 8 * 8), ("solid", 1)])
@pytest.mark.parametrize("side", [20, 50, 200, 411])
def test_few_values_are_left_of_a_face(mode: Mode, most: int, side: int, colour: bool) -> None:
    picture = noise(3 * side, 3 * side, colour=colour)
    out = cover(picture, boxes((side, side, 2 * side, 2 * side)), RedactParams(mode, 0.2, shape="box"))
    low, high = int(np.floor(0.75 * side)), int(np.ceil(2.25 * side))
    assert distinct(out[low:high, low:high]) <= most  # (1 + 2 x 0.25) / 0.2 = 7.5 blocks each way


def test_blur_leaves_no_more_than_pixelate_does() -> None:
    """Two pictures with the same means of their blocks look the same, whatever else is in them."""
    first = noise(100, 100, colour=False).astype(np.float32)
    mean = cv2.resize(first, (10, 10), interpolation=cv2.INTER_AREA)
    second = np.repeat(np.repeat(mean, 10, axis=0), 10, axis=1)
    params = RedactParams("blur", strength=0.2, grow=0.5, shape="box")
    outs = [cover(np.round(p).astype(np.uint8), boxes((25, 25, 75, 75)), params).astype(int) for p in (first, second)]
    assert np.abs(outs[0] - outs[1]).max() <= 1
    assert np.abs(first - second).mean() > 40


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("times", [2, 3, 8])
def test_a_larger_face_is_as_unreadable(mode: Mode, shape: Shape, times: int) -> None:
    small = cv2.normalize(cv2.GaussianBlur(noise(120, 160), (0, 0), 2), np.empty(0), 0, 255, cv2.NORM_MINMAX)
    large = cv2.resize(small, None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)
    box = boxes((40, 30, 88, 86))
    params = RedactParams(mode, 0.2, grow=0.25, shape=shape)
    halved = cv2.resize(cover(large, box * times, params), (160, 120), interpolation=cv2.INTER_AREA)
    apart = np.abs(halved.astype(int) - cover(small, box, params).astype(int)).max(axis=2)
    most = 0 if mode == "solid" else small.std() / 4  # of a large face fewer of the pixels are read
    assert apart[30:86, 40:88].max() <= most
    assert np.mean(apart > most) <= (0 if shape == "box" else 0.02)  # an ellipse's rim is finer in the larger picture


def test_stronger_leaves_less() -> None:
    picture = noise(300, 300)
    left = [
        distinct(cover(picture, boxes((60, 60, 240, 240)), RedactParams("pixelate", s, shape="box"))[60:240, 60:240])
        for s in (0.05, 0.1, 0.2, 0.5, 1.0)
    ]
    assert left == sorted(left, reverse=True)
    assert left[-1] == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_picture_covered_whole_has_no_detail(mode: Mode) -> None:
    for size in ((1, 1), (3, 201), (90, 121), (361, 640)):
        picture = noise(*size)
        out = cover_whole(picture, RedactParams(mode))
        assert out.shape == picture.shape
        assert out is not picture
        if min(size) >= 90:  # noise that keeps its blocks' means alone has nearly no contrast
            assert out.std() < 0.25 * picture.std()


def test_no_boxes_is_a_copy() -> None:
    picture = noise()
    out = cover(picture, np.zeros((0, 4), np.float32), RedactParams())
    np.testing.assert_array_equal(out, picture)
    assert not np.shares_memory(out, picture)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"mode": "fog"}, "blur, pixelate, solid"),
        ({"shape": "star"}, "ellipse, box"),
        ({"strength": 0.0}, "strength"),
        ({"strength": 1.5}, "strength"),
        ({"grow": -0.1}, "grow"),
        ({"hold_s": float("nan")}, "hold_s"),
        ({"drift": float("inf")}, "drift"),
        ({"sure": 2.0}, "sure"),
    ],
)
def test_values_out_of_range_are_named(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        RedactParams(**wrong)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_a_detector_no_longer_finds_the_face(mode: Mode) -> None:
    detector = Detector(threads=1)
    before = after = 0
    for portrait in demo_portraits():
        found = detector.detect(portrait.rgb)
        before += len(found)
        again = detector.detect(cover(portrait.rgb, found.xyxy, RedactParams(mode)))
        after += int((intersection(again.xyxy, found.xyxy) > 0).sum())  # elsewhere it may be mistaken as ever
    assert before >= 2
    assert after == 0


def test_the_example_in_a_docstring() -> None:
    assert doctest.testmod(redact, extraglobs={"np": np}).failed == 0


# --- which box is which ---


def test_pairs_are_one_to_one_and_the_nearest_first() -> None:
    before = boxes((0, 0, 10, 10), (6, 0, 16, 10))
    after = boxes((6, 0, 16, 10), (7, 0, 17, 10))
    assert pair(before, after, np.full(2, 0.9, np.float32)) == [(1, 0), (0, 1)]
    assert pair(before, after, np.full(2, 0.5, np.float32)) == [(1, 0)]
    assert pair(before, after[:0], np.full(2, 0.5, np.float32)) == []
    assert pair(before[:0], after, np.zeros(0, np.float32)) == []
    assert pair(boxes((0, 0, 10, 10)), boxes((-10, -10, 20, 20)), np.ones(1, np.float32)) == []  # another size


# --- the stage ---


def reachable(thing: object, seen: set[int] | None = None) -> Iterator[Image]:
    """Every array that can be got at from `thing` through fields, closures and views."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, str | int | float | type | ModuleType | None):
        return
    seen.add(id(thing))
    inner: list[object] = []
    if isinstance(thing, np.ndarray):
        yield thing
        inner = [thing.base]
    elif isinstance(thing, partial):
        inner = [thing.func, *thing.args, *thing.keywords.values()]
    elif isinstance(thing, list | tuple | set):
        inner = list(thing)
    elif isinstance(thing, dict):
        inner = list(thing.values())
    elif callable(thing) and hasattr(thing, "__closure__"):
        inner = [cell.cell_contents for cell in thing.__closure__ or ()]
        inner += [getattr(thing, "__self__", None), *(getattr(thing, "__defaults__", None) or ())]
    elif hasattr(thing, "__dict__"):
        inner = list(vars(thing).values())
    for part in inner:
        yield from reachable(part, seen)


FACE = (40.0, 30.0, 70.0, 66.0)
ONE = Detections(boxes(FACE), scores=np.array([0.9], np.float32))


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("events", [(), (FAILED,), (UNSEEN,)])
def test_nothing_of_the_picture_can_be_reached_from_the_frame_that_leaves(
    events: tuple[str, ...], colour: bool
) -> None:
    picture = noise(colour=colour)
    came = frame(0, ONE, *events, picture=picture)
    originals = [picture, came.rgb, came.gray]
    assert any(np.shares_memory(a, b) for a in reachable(came) for b in originals)  # the search does find it
    left = Redactor(RedactParams("solid", shape="box"))(came)
    rgb, gray = left.rgb, left.gray
    assert not any(np.shares_memory(a, b) for a in reachable(left) for b in originals)
    assert not rgb[30:66, 40:70].any()
    assert not gray[30:66, 40:70].any()
    np.testing.assert_array_equal(gray, cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))


def test_luma_and_colour_are_both_made_of_the_covered_picture_of_a_decoded_frame() -> None:
    """As a video's: its Y plane is not made of its colour."""
    luma, colour = noise(colour=False), noise(seed=1)
    left = Redactor(RedactParams("solid"))(Frame(lambda: luma, lambda: colour, ONE, time_s=1.0))
    assert not left.gray[30:66, 40:70].any()
    assert not left.rgb[30:66, 40:70].any()


def test_what_is_known_of_the_frame_stays() -> None:
    left = Redactor()(frame(7, ONE))
    assert (left.source, left.index, left.time_s, left.events) == ("camera", 7, 7 / RATE, ())
    assert left.detections == ONE


def test_a_frame_without_faces_passes_as_it_is() -> None:
    came = frame(0)
    assert Redactor()(came) is came


SOLID = RedactParams("solid", shape="box", grow=0.0)


def is_covered(left: Frame, xyxy: tuple[float, float, float, float] = FACE) -> bool:
    x1, y1, x2, y2 = (int(v) for v in xyxy)
    return not left.rgb[y1:y2, x1:x2].any()


def test_a_missed_face_stays_covered_for_the_hold_in_a_growing_region() -> None:
    stage = Redactor(SOLID)
    assert is_covered(stage(frame(0, ONE)))
    sizes = []
    for index in range(1, 20):
        left = stage(frame(index))
        held = index / RATE <= 0.5
        assert is_covered(left) == held
        assert left.detections == Detections()
        sizes.append(int((left.rgb == 0).all(axis=2).sum()))
    assert sizes[:12] == sorted(sizes[:12])
    assert sizes[11] > 1.5 * sizes[0]


def test_a_face_that_goes_on_being_seen_leaves_no_trail() -> None:
    stage = Redactor(SOLID)
    for index in range(10):
        x = 5.0 + 8 * index
        left = stage(frame(index, Detections(boxes((x, 30, x + 30, 66)))))
    assert (left.rgb == 0).all(axis=2).sum() == 30 * 36


def test_two_faces_of_which_one_is_missed() -> None:
    left_face, right_face = (10.0, 30.0, 30.0, 54.0), (34.0, 30.0, 54.0, 54.0)
    stage = Redactor(SOLID)
    stage(frame(0, Detections(boxes(left_face, right_face))))
    left = stage(frame(1, Detections(boxes(right_face))))
    assert is_covered(left, left_face)
    assert is_covered(left, right_face)


def test_tracks_tell_which_face_is_which_where_places_would_not() -> None:
    far = (80.0, 30.0, 110.0, 66.0)
    stage = Redactor(SOLID)
    stage(frame(0, Detections(boxes(FACE), track_ids=np.array([4]))))
    left = stage(frame(1, Detections(boxes(far), track_ids=np.array([4]))))
    assert is_covered(left, far)
    assert not is_covered(left, FACE)  # the same face, so nobody is left there
    other = Redactor(SOLID)
    other(frame(0, Detections(boxes(FACE))))
    assert is_covered(other(frame(1, Detections(boxes(far)))), FACE)  # perhaps another face


def test_a_tracker_s_guess_is_covered_but_does_not_renew_the_hold() -> None:
    stage = Redactor(SOLID)
    track = np.array([4])
    stage(frame(0, Detections(boxes(FACE), track_ids=track)))
    for index in range(1, 12):
        guess = (40.0 + index, 30.0, 70.0 + index, 66.0)
        left = stage(frame(index, Detections(boxes(guess), track_ids=track), UNSEEN))
        assert is_covered(left, guess)
        assert WHOLE not in left.events
    guess_s = Detections(boxes(FACE), track_ids=track)
    assert WHOLE in stage(frame(14, guess_s, UNSEEN)).events


def test_candidates_are_covered_but_neither_held_nor_handed_on() -> None:
    stage = Redactor(RedactParams("solid", shape="box", grow=0.0, sure=0.6))
    weak = Detections(boxes(FACE), scores=np.array([0.4], np.float32))
    left = stage(frame(0, weak))
    assert is_covered(left)
    assert len(left.detections) == 0
    assert not is_covered(stage(frame(1)))
    tracked = Detections(boxes(FACE), scores=np.array([0.4], np.float32), track_ids=np.array([1]))
    assert len(stage(frame(2, tracked)).detections) == 1


def test_a_candidate_that_continues_a_face_renews_its_hold() -> None:
    stage = Redactor(RedactParams("solid", shape="box", grow=0.0, sure=0.6))
    stage(frame(0, ONE))
    weak = Detections(boxes(FACE), scores=np.array([0.4], np.float32))
    stage(frame(10, weak))
    assert is_covered(stage(frame(20)))


@pytest.mark.parametrize("event", [UNSEEN, DARK])
def test_a_frame_that_nobody_looked_at_leans_on_the_last_one_for_the_hold(event: str) -> None:
    stage = Redactor(SOLID)
    assert WHOLE in stage(frame(0, None, event)).events  # nothing is known yet
    stage(frame(1, ONE))
    for index in range(2, 30):
        left = stage(frame(index, None, event))
        assert is_covered(left)
        assert (WHOLE in left.events) == ((index - 1) / RATE > 0.5)
    assert WHOLE not in stage(frame(30)).events


def test_without_fail_safe_the_hold_is_all_there_is() -> None:
    stage = Redactor(RedactParams("solid", shape="box", grow=0.0, fail_safe=False))
    stage(frame(0, ONE))
    assert is_covered(stage(frame(1, None, FAILED)))
    passed = stage(frame(30, None, FAILED))
    assert WHOLE not in passed.events
    assert not is_covered(passed)


@pytest.mark.parametrize("mode", MODES)
def test_of_a_failed_frame_no_detail_is_left_though_the_last_one_was_looked_at(mode: Mode) -> None:
    stage = Redactor(RedactParams(mode))
    stage(frame(0))
    left = stage(frame(1, None, FAILED))
    assert left.events == (FAILED, WHOLE)
    assert left.rgb.std() < 0.25 * noise().std()
    assert left.gray.std() < 0.35 * noise(colour=False).std()


@pytest.mark.parametrize("times", [[0.0] * 900, [5.0, 4.0, 3.0, 0.0] * 225])
def test_a_clock_that_stands_still_or_goes_back_ends_no_hold_early_and_keeps_none_for_ever(times: list[float]) -> None:
    stage = Redactor(SOLID)
    picture = noise()
    outs = [stage(Frame.of(picture, detections=ONE if n == 0 else Detections(), time_s=t)) for n, t in enumerate(times)]
    assert is_covered(outs[1])
    assert not is_covered(outs[-1])


def test_what_is_known_moves_with_the_resolution() -> None:
    stage = Redactor(SOLID)
    stage(frame(0, ONE))
    left = stage(frame(1, picture=noise(180, 242)))
    assert is_covered(left, (80, 60, 140, 132))


def test_memory_does_not_grow() -> None:
    stage = Redactor()
    rng = np.random.default_rng(0)
    picture = noise()
    for index in range(300):
        x, y = rng.uniform(0, 90), rng.uniform(0, 60)
        stage(frame(index, Detections(boxes((x, y, x + 20, y + 20))), picture=picture))
    assert len(stage._known) <= 14


# --- detectors that die and stall ---


@pytest.mark.parametrize("event", [FAILED, UNSEEN])
@given(fates=st.lists(st.sampled_from(["found", "missed", "gone", "unasked"]), min_size=1, max_size=60))
def test_no_frame_passes_unredacted_when_the_detector_stalls_or_dies(event: str, fates: list[str]) -> None:
    """Whatever the detector does in whatever order, the one face that stands there all the time is never shown.

    But where it looked, saw nothing, and had seen nothing for the hold: no stage can know better.
    """
    stage = Redactor(SOLID)
    picture = noise()
    last_found = last_looked = -100
    for index, fate in enumerate(fates):
        events = {"gone": (event,), "unasked": (UNSEEN,)}.get(fate, ())
        left = stage(frame(index, ONE if fate == "found" else None, *events, picture=picture))
        last_found = index if fate == "found" else last_found
        last_looked = index if not events else last_looked
        held = (index - last_found) / RATE <= 0.5
        trusted = (index - last_looked) / RATE <= 0.5 and FAILED not in events
        assert is_covered(left) == (held or not trusted)
        assert (WHOLE in left.events) == (not trusted)
        assert not np.shares_memory(left.rgb, picture) or not is_covered(left)


@pytest.mark.parametrize("interval", [0, 3])
@pytest.mark.parametrize("fate", ["dies", "stalls", "now and then"])
def test_nor_through_the_engine(fate: str, interval: int) -> None:
    """The same with threads: a detector that raises, that sleeps for longer than it may, that does both at times."""
    pictures = [noise(seed=n) for n in range(12)]
    released = threading.Event()
    calls = itertools.count()

    def answer(image: Image) -> Detections:
        call = next(calls)
        if fate == "dies" or (fate == "now and then" and call % 3 == 1):
            raise RuntimeError("the device is lost")
        if fate == "stalls" or (fate == "now and then" and call % 3 == 2):
            released.wait(0.3)
        return ONE

    sink = ListSink()
    engine = Engine(FakeDetector(answer), stall_s=0.05)
    engine.add(Stream("camera", lambda: ListSource(pictures), [Redactor(SOLID)], [sink], interval))
    engine.run()
    released.set()
    assert [f.index for f in sink.frames] == list(range(12))
    assert all(is_covered(f) for f in sink.frames)
    assert sum(WHOLE in f.events for f in sink.frames) >= (12 if fate != "now and then" else 1)
    last = engine.last("camera")
    assert last is not None
    assert is_covered(last)
    shown = [a for f in sink.frames for a in reachable(f)]
    assert not any(np.shares_memory(a, p) for a in shown for p in pictures)


def test_a_frame_whose_redaction_fails_is_shown_to_nobody() -> None:
    class Broken(Redactor):
        def __call__(self, frame: Frame) -> Frame:
            if frame.index == 2:
                raise RuntimeError
            return super().__call__(frame)

    sink = ListSink()
    engine = Engine(FakeDetector([ONE]))
    engine.add(Stream("camera", lambda: ListSource([noise()] * 5), stages=[Broken(SOLID)], sinks=[sink]))
    engine.run()
    assert [f.index for f in sink.frames] == [0, 1, 3, 4]
    assert all(is_covered(f) for f in sink.frames)
