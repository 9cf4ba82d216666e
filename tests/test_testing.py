from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceir import boxes, demo, errors, testing
from faceir.detections import Detections
from faceir.errors import InputError, MissingExtra, ModelError
from faceir.flow import Frame, Image
from faceir.testing import FakeDetector, ListSink, ListSource, Portrait, demo_portraits, night_clip, visible_share

FACE = Detections([[10, 20, 30, 50]], scores=[0.9])
PICTURE = np.zeros((60, 80), np.uint8)


def test_a_fake_detector_gives_its_answers_in_turn() -> None:
    detector = FakeDetector([FACE, Detections()])
    assert detector([]) == []
    assert detector([PICTURE, PICTURE, PICTURE]) == [FACE, Detections(), FACE]
    assert detector([PICTURE]) == [Detections()]
    assert len(detector.pictures) == 4


def test_a_fake_detector_can_look_at_the_picture() -> None:
    detector = FakeDetector(lambda image: FACE if image.max() else Detections())
    assert detector([PICTURE, PICTURE + 1]) == [Detections(), FACE]


def test_a_fake_detector_refuses_what_a_real_one_does() -> None:
    with pytest.raises(InputError, match="float32"):
        FakeDetector([FACE])([PICTURE.astype(np.float32)])  # type: ignore[list-item]
    with pytest.raises(InputError, match="no answers"):
        FakeDetector([])


def test_list_source_and_sink() -> None:
    source = ListSource([PICTURE, PICTURE + 9], rate=10, name="two")
    for _ in range(2):
        with ListSink() as sink:
            for frame in source:
                sink.write(frame)
            assert not sink.closed
        assert sink.closed
        assert [(f.source, f.index, f.time_s, int(f.gray[0, 0])) for f in sink.frames] == [
            ("two", 0, 0.0, 0),
            ("two", 1, 0.1, 9),
        ]


@pytest.fixture(scope="module")
def people() -> list[Portrait]:
    """Gray squares with a white face, so that where the face is can be measured in the film."""
    rgb = np.full((200, 160, 3), 60, np.uint8)
    rgb[50:110, 60:105] = 255
    return [Portrait(str(n), rgb, (60, 50, 105, 110)) for n in range(3)]


def test_the_same_seed_gives_the_same_film(people: list[Portrait]) -> None:
    first, again, other = (
        [(f.gray.copy(), f.detections) for f in night_clip(people, 5, (160, 120), seed)] for seed in (3, 3, 4)
    )
    assert all(np.array_equal(a, b) and c == d for (a, c), (b, d) in zip(first, again, strict=True))
    assert not np.array_equal(first[0][0], other[0][0])


def test_frames_of_a_film(people: list[Portrait]) -> None:
    frames = list(night_clip(people, 9, (160, 120), rate=10))
    assert [f.index for f in frames] == list(range(9))
    assert frames[4].time_s == pytest.approx(0.4)
    for frame in frames:
        assert frame.gray.shape == (120, 160)
        assert frame.gray.dtype == np.uint8
        xyxy = frame.detections.xyxy
        assert np.array_equal(xyxy, boxes.clip(xyxy, (160, 120)))
        assert (boxes.area(xyxy) > 0).all()
        assert (np.diff(frame.detections.track_ids) > 0).all()
        share = visible_share(frame.detections)
        assert ((share >= 0) & (share <= 1)).all()


@pytest.mark.parametrize("seed", range(4))
def test_truth_lies_on_the_face(people: list[Portrait], seed: int) -> None:
    """Above the threshold between face and rest, the bright pixels of each lone face fill its true box."""
    checked = 0
    for frame in night_clip(people[:1], 6, (320, 240), seed):
        gray = frame.gray.astype(np.float32)
        (x1, y1, x2, y2) = frame.detections.xyxy[0].tolist()
        inside = gray[round(y1) + 5 : round(y2) - 5, round(x1) + 5 : round(x2) - 5]
        bright = gray > np.median(inside) * 0.6
        ys, xs = np.nonzero(bright)
        measured = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], np.float32)
        assert boxes.iou(measured, frame.detections.xyxy)[0, 0] > 0.75  # a turned square is wider than its ellipse
        checked += 1
    assert checked == 6


def test_people_come_and_go(people: list[Portrait]) -> None:
    """One of three enters and leaves: it is cut by the edge in some frames and known to be so."""
    present = [f.detections for f in night_clip(people, 60, (160, 120), seed=1)]
    counts = [len(d) for d in present]
    assert min(counts) < 3
    assert max(counts) == 3
    cut = [d for d in present if ((d.truncation > 0.2) & (d.truncation < 0.9)).any()]
    assert cut
    for d in cut:
        n = int(np.argmax(d.truncation))
        assert min(d.xyxy[n, 0], 160 - d.xyxy[n, 2]) == 0
        assert visible_share(d)[n] < 1 - d.truncation[n] + 1e-6


def test_who_stands_behind_is_occluded() -> None:
    """Two people at one place: the nearer hides the other."""
    near = np.ones((120, 160), np.float32)
    whole = {0: np.array([[40, 40, 80, 90]], np.float32), 1: np.array([[20, 20, 100, 110]], np.float32)}
    truth = testing._truth(whole, {0: near * 0, 1: near}, [0, 1], (160, 120))
    assert truth.occlusion.tolist() == [9, 0]
    assert visible_share(truth).tolist() == pytest.approx([0.1, 1.0])


@pytest.mark.parametrize(
    ("truth", "share"),
    [
        (Detections(), []),
        (Detections([[0, 0, 4, 4]]), [1.0]),
        (Detections([[0, 0, 4, 4]], truncation=[0.25]), [0.75]),
        (Detections([[0, 0, 4, 4]], truncation=[0.5], occlusion=[5]), [0.25]),
    ],
)
def test_visible_share(truth: Detections, share: list[float]) -> None:
    assert visible_share(truth).tolist() == pytest.approx(share)


def test_a_film_needs_people_and_room(people: list[Portrait]) -> None:
    with pytest.raises(InputError, match="portraits"):
        next(night_clip([]))
    with pytest.raises(InputError, match="64"):
        next(night_clip(people, size_wh=(640, 20)))


def test_demo_portraits_ship_with_their_packages() -> None:
    portraits = demo_portraits()
    assert [p.name for p in portraits] == ["astronaut", "admiral"]
    for p in portraits:
        height, width, _ = p.rgb.shape
        x1, y1, x2, y2 = p.face_xyxy
        assert 0 < x1 < x2 < width
        assert 0 < y1 < y2 < height
        assert 1.0 < (y2 - y1) / (x2 - x1) < 1.6
        assert p.outline.min() >= 0
        assert (p.outline.max(axis=0) <= (width, height)).all()


def test_without_their_packages_the_pip_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'faceir\[demo\]'"):
        demo_portraits()


def test_a_mirror_keeps_the_face(people: list[Portrait]) -> None:
    portrait = demo_portraits()[0]
    mirrored = portrait.mirrored("other")
    x1, y1, x2, y2 = (round(v) for v in portrait.face_xyxy)
    a, b, c, d = (round(v) for v in mirrored.face_xyxy)
    assert np.array_equal(portrait.rgb[y1:y2, x1:x2], mirrored.rgb[b:d, a:c][:, ::-1])
    assert mirrored.mirrored("astronaut").face_xyxy == portrait.face_xyxy
    assert np.array_equal(mirrored.mirrored("astronaut").outline, portrait.outline)
    assert people[0].mirrored("no outline").outline.shape == (0, 2)


def test_the_demo_counts() -> None:
    person = [np.array([[10, 10, 30, 40]], np.float32), np.array([[50, 10, 70, 40]], np.float32)]
    both = Detections(np.concatenate(person), track_ids=[0, 1])
    hidden = Detections(np.concatenate(person), track_ids=[0, 1], occlusion=[0, 7])
    elsewhere = np.array([[80, 60, 99, 90]], np.float32)
    outcome = demo.count(
        ["a", "b"],
        [both, hidden, Detections(), both],
        [
            Detections(np.concatenate([*person, elsewhere]), scores=[0.9, 0.8, 0.7]),
            Detections(np.concatenate(person)),  # the hidden one may be found
            Detections(elsewhere),
            Detections(person[1] + 2, labels=[1]),  # any class counts
        ],
    )
    assert [(row.name, row.found, row.present) for row in outcome.rows] == [("a", 2, 3), ("b", 2, 2)]
    assert (outcome.total.found, outcome.total.present) == (4, 5)
    assert outcome.false_alarms == 2
    assert outcome.frames == 4
    assert "80.0 %" in str(outcome)


def test_the_demo_of_nobody_prints() -> None:
    assert "-" in str(demo.count(["a"], [], []))


def test_the_demo_runs(tmp_path: Path, square_model: Path) -> None:
    pytest.importorskip("openvino")
    outcome = demo.run(tmp_path / "demo", square_model, frames=12)
    assert sorted(p.name for p in (tmp_path / "demo").iterdir()) == sorted((demo.CLIP, demo.FACES_CLIP, demo.LINES))
    assert len((tmp_path / "demo" / demo.LINES).read_text().splitlines()) == 12
    assert outcome.frames == 12
    assert outcome.fps > 0
    assert outcome.total.present > 12
    from faceir.runtime.sources import open_source

    with open_source(tmp_path / "demo" / demo.CLIP) as source:
        pictures = [frame.gray for frame in source]
    portraits = demo_portraits()
    portraits.append(portraits[0].mirrored("far"))
    for decoded, filmed in zip(pictures, night_clip(portraits, 12), strict=True):
        assert _likeness(decoded, filmed) > 0.98


def _likeness(picture: Image, frame: Frame) -> float:
    """Correlation of two pictures, as the film's range is not the picture's."""
    return float(np.corrcoef(picture.ravel().astype(np.float32), frame.gray.ravel().astype(np.float32))[0, 1])


def test_the_demo_needs_a_model(tmp_path: Path, make_model: Callable[..., Path]) -> None:
    with pytest.raises(ModelError):
        demo.run(tmp_path, tmp_path / "none.onnx")
    assert not list(tmp_path.iterdir())
