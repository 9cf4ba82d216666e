"""Faces are covered before they are first seen, the sound survives, and nothing else of the original does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import FAILED, Frame, Image
from faceir.runtime.redact import WHOLE, RedactParams
from faceir.runtime.redact_film import Plan, RedactedFilm, look
from faceir.runtime.sources import open_source
from faceir.testing import FakeDetector, ListSource

FACE = (40.0, 30.0, 70.0, 66.0)
SOLID = RedactParams("solid", grow=0.0)
PICTURE = np.random.default_rng(0).integers(1, 256, (90, 121, 3), np.uint8)


def seen(*xyxy: tuple[float, ...], score: float = 0.9) -> Detections:
    return Detections(np.array(xyxy, np.float32).reshape(-1, 4), scores=np.full(len(xyxy), score, np.float32))


def film(found: Sequence[Detections | None], rate: float = 25.0) -> list[Frame]:
    """Frames as `look` gives them; None = the detector failed."""
    return [
        Frame.of(
            PICTURE,
            detections=f or Detections(),
            index=n,
            time_s=n / rate,
            events=() if f is not None else (FAILED,),
        )
        for n, f in enumerate(found)
    ]


def raw(frames: Sequence[Frame]) -> list[Frame]:
    """The same frames as a second reading gives them, when nobody has looked at them yet."""
    return [Frame.of(PICTURE, index=f.index, time_s=f.time_s) for f in frames]


def covered(frame: Frame, xyxy: tuple[float, ...] = FACE) -> bool:
    x1, y1, x2, y2 = (int(v) for v in xyxy)
    return not frame.rgb[y1:y2, x1:x2].any()


# --- the plan ---


def test_a_face_is_covered_before_it_is_first_seen_and_after_it_is_last_seen() -> None:
    frames = film([seen(FACE) if n == 20 else seen() for n in range(40)])
    plan = Plan(frames, SOLID)
    outs = [plan(f) for f in raw(frames)]
    assert [covered(f) for f in outs] == [abs(n - 20) / 25 <= 0.5 for n in range(40)]
    sizes = [int((f.rgb == 0).all(axis=2).sum()) for f in outs[8:33]]
    assert sizes == sizes[::-1]  # as much before as after
    assert sizes[0] > sizes[6] > sizes[12] == 30 * 36
    assert [len(f.detections) for f in outs] == [int(n == 20) for n in range(40)]


@pytest.mark.parametrize("gap", [2, 10, 24])
def test_across_a_gap_it_goes_straight(gap: int) -> None:
    def at(n: int) -> tuple[float, ...]:
        return (10.0 + n, 20.0 + n, 40.0 + n, 56.0 + n)

    frames = film([seen(at(n)) if n in (0, gap) else seen() for n in range(gap + 1)])
    plan = Plan(frames, SOLID)
    for n in range(gap + 1):
        xyxy, extra = plan.regions(n)
        np.testing.assert_allclose(xyxy, [at(n)], atol=1e-3)
        assert extra == pytest.approx([min(n, gap - n) / 25])
    assert all(covered(plan(f), at(n)) for n, f in enumerate(raw(frames)))


def test_a_gap_longer_than_both_holds_is_not_bridged() -> None:
    frames = film([seen(FACE) if n in (0, 60) else seen() for n in range(61)])
    plan = Plan(frames, SOLID)
    assert not covered(plan(raw(frames)[30]))


@given(
    fates=st.lists(st.sampled_from(["a", "b", "ab", "", "fail"]), min_size=1, max_size=50),
    rate=st.sampled_from([5.0, 25.0, 120.0]),
)
def test_every_sighting_is_covered_and_its_neighbours_in_time(fates: list[str], rate: float) -> None:
    """Against the words of the docs, face by face: each sighting covers its place for `hold_s` both ways."""
    places = {"a": (10.0, 30.0, 30.0, 54.0), "b": (80.0, 30.0, 100.0, 54.0)}
    frames = film([None if f == "fail" else seen(*(places[c] for c in f)) for f in fates], rate)
    plan = Plan(frames, SOLID)
    for n, frame in enumerate(raw(frames)):
        out = plan(frame)
        assert (WHOLE in out.events) == (fates[n] == "fail") == (FAILED in out.events)
        for name, place in places.items():
            near = any(name in fate and fate != "fail" and abs(m - n) / rate <= 0.5 for m, fate in enumerate(fates))
            assert covered(out, place) or not near


def test_candidates_lengthen_a_face_but_make_none() -> None:
    params = RedactParams("solid", grow=0.0, sure=0.6)
    weak = seen(FACE, score=0.4)
    alone = film([weak if n == 20 else seen() for n in range(40)])
    plan = Plan(alone, params)
    assert [covered(plan(f)) for f in raw(alone)] == [n == 20 for n in range(40)]
    assert len(plan(raw(alone)[20]).detections) == 0
    led = film([weak if n < 20 else seen(FACE) for n in range(40)])
    plan = Plan(led, params)
    assert all(len(plan.regions(n)[0]) == 1 for n in range(40))


def test_frames_beyond_the_first_pass_and_an_empty_film() -> None:
    plan = Plan([], SOLID)
    assert len(plan) == 0
    out = plan(Frame.of(PICTURE))
    assert out.events == (FAILED, WHOLE)
    assert not out.rgb.any()


def test_memory_is_boxes_only() -> None:
    frames = (f.with_detections(seen(FACE)) for f in film([seen()] * 50))
    plan = Plan(frames, SOLID)
    held = [v for v in vars(plan).values() if isinstance(v, np.ndarray)] + plan._seen
    assert sum(a.nbytes for a in held) < 100 * 50


# --- looking ---


def pictures(count: int) -> list[Image]:
    return [np.full((32, 32), n, np.uint8) for n in range(count)]


def test_looking_gives_what_the_detector_finds_in_order() -> None:
    detector = FakeDetector(lambda image: seen(*[FACE] * int(image[0, 0] % 3)))
    frames = list(look(ListSource(pictures(21)), detector))
    assert [f.index for f in frames] == list(range(21))
    assert [len(f.detections) for f in frames] == [n % 3 for n in range(21)]


def test_frames_that_the_detector_fails_on_are_known_by_it(caplog: pytest.LogCaptureFixture) -> None:
    def answer(image: Image) -> Detections:
        if image[0, 0] in (3, 9):
            raise RuntimeError("out of memory")
        return seen(FACE)

    frames = list(look(ListSource(pictures(12)), FakeDetector(answer)))
    assert [n for n, f in enumerate(frames) if FAILED in f.events] == [3, 9]
    assert all(len(f.detections) == (n not in (3, 9)) for n, f in enumerate(frames))
    assert "frame 3: the detector failed (out of memory)" in caplog.text
    with pytest.raises(RuntimeError):
        list(look(ListSource(pictures(12)), FakeDetector(answer), fail_safe=False))


def test_what_came_before_a_broken_source_is_not_lost() -> None:
    def source() -> Iterator[Frame]:
        yield from ListSource(pictures(11))
        raise InputError("film", "breaks off")

    coming = look(source(), FakeDetector([seen()]))
    assert [next(coming).index for _ in range(11)] == list(range(11))
    with pytest.raises(InputError, match="breaks off"):
        next(coming)


# --- the film ---


def write_sound_film(
    path: Path, codec: str = "aac", seconds: float = 2.0, size_wh: tuple[int, int] = (96, 64), late_s: float = 0.0
) -> Path:
    """25 frames a second, a tone, a title, and a picture that begins `late_s` after the sound."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "the name of the person"
        video = container.add_stream("libx264" if path.suffix != ".avi" else "mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = *size_wh, "yuv420p"
        sound = container.add_stream(codec, rate=48_000)
        sound.layout = "mono"
        for n in range(round(seconds * 25)):
            image = av.VideoFrame.from_ndarray(np.full((size_wh[1], size_wh[0]), 40 + 4 * n, np.uint8), format="gray")
            image.pts, image.time_base = n + round(late_s * 25), Fraction(1, 25)
            container.mux(video.encode(image))
        wave = (8000 * np.sin(np.arange(round(seconds * 48_000)) * 0.05)).astype(np.int16)
        for at in range(0, len(wave), 1024):
            block = av.AudioFrame.from_ndarray(wave[None, at : at + 1024], format="s16", layout="mono")
            block.pts, block.sample_rate, block.time_base = at, 48_000, Fraction(1, 48_000)
            container.mux(sound.encode(block))
        container.mux(video.encode())
        container.mux(sound.encode())
    return path


def packets(path: Path, kind: str) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as container:
        return [
            (float(p.dts * p.time_base), bytes(p)) for p in container.demux(**{kind: 0}) if p.dts is not None and p.size
        ]


def redact(original: Path, out: Path) -> Path:
    with open_source(original) as source:
        return write_film(out, original, source, source.rate)


def write_film(out: Path, original: Path, frames: Iterable[Frame], rate: Fraction | None = None) -> Path:
    with RedactedFilm(out, original, rate) as sink:
        for frame in frames:
            sink.write(frame)
            assert not out.exists()
    return out


@pytest.mark.parametrize("late_s", [0.0, 0.4])
@pytest.mark.parametrize(
    ("ending", "codec", "out"), [(".mp4", "aac", ".mp4"), (".mkv", "libopus", ".mkv"), (".avi", "mp2", ".mp4")]
)
def test_the_sound_survives_as_it_was(tmp_path: Path, ending: str, codec: str, out: str, late_s: float) -> None:
    if ending == ".avi" and late_s:
        pytest.skip("AVI has no times")
    original = write_sound_film(tmp_path / f"in{ending}", codec, late_s=late_s)
    made = redact(original, tmp_path / f"out{out}")
    before, after = packets(original, "audio"), packets(made, "audio")
    assert [data for _, data in after] == [data for _, data in before]
    with av.open(str(original)) as a, av.open(str(made)) as b:
        leads = [c.streams.video[0].start_time * c.streams.video[0].time_base for c in (a, b)]
        sounds = [c.streams.audio[0].start_time * c.streams.audio[0].time_base for c in (a, b)]
        assert float(leads[0] - sounds[0]) == pytest.approx(float(leads[1] - sounds[1]), abs=0.03)
        assert [s.type for s in b.streams] == ["video", "audio"]
        assert sum(1 for _ in b.decode(video=0)) == 50
    with open_source(original) as a, open_source(made) as b:
        np.testing.assert_allclose([f.time_s for f in a], [f.time_s for f in b], atol=0.002)


def test_a_film_without_sound_keeps_its_times(tmp_path: Path, make_video: Callable[..., Path]) -> None:
    original = make_video(tmp_path / "in.mp4", frames=12, rate=Fraction(30_000, 1001))
    made = redact(original, tmp_path / "deep" / "out.mov")
    with open_source(original) as a, open_source(made) as b:
        np.testing.assert_allclose([f.time_s for f in a], [f.time_s for f in b], atol=1e-4)


def test_odd_sizes(tmp_path: Path) -> None:
    frames = [Frame.of(PICTURE[:89], index=n, time_s=n / 25) for n in range(5)]
    original = write_sound_film(tmp_path / "in.mp4", seconds=0.2)
    write_film(tmp_path / "out.mp4", original, frames)
    with open_source(tmp_path / "out.mp4") as source:
        assert [f.gray.shape for f in source] == [(90, 122)] * 5


def test_nothing_else_of_the_original_is_in_it(tmp_path: Path) -> None:
    original = write_sound_film(tmp_path / "in.mp4")
    made = redact(original, tmp_path / "out.mp4")
    assert b"the name of the person" in original.read_bytes()
    assert b"the name of the person" not in made.read_bytes()
    with av.open(str(made)) as container:
        assert set(container.metadata) <= {"major_brand", "minor_version", "compatible_brands", "encoder"}


def test_the_film_has_its_name_only_when_whole(tmp_path: Path) -> None:
    original = write_sound_film(tmp_path / "in.mp4")
    out = tmp_path / "out.mp4"
    frames = [Frame.of(PICTURE, index=n, time_s=n / 25) for n in range(5)]
    assert write_film(out, original, frames).exists()
    out.unlink()
    with pytest.raises(ZeroDivisionError):
        write_film(out, original, (f if f.index < 4 else 1 / 0 for f in frames))  # type: ignore[misc]
    with RedactedFilm(out, original):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_places_that_will_not_do(tmp_path: Path) -> None:
    original = write_sound_film(tmp_path / "in.mp4", seconds=0.2)
    with pytest.raises(InputError, match="is the input itself"):
        RedactedFilm(original, original)
    with pytest.raises(InputError, match=r"\.mp4 \.mov \.mkv"):
        RedactedFilm(tmp_path / "out.avi", original)


def test_sound_that_the_file_cannot_hold_is_told(tmp_path: Path) -> None:
    original = write_sound_film(tmp_path / "in.mkv", "wavpack", seconds=0.4)
    with pytest.raises(InputError, match=r"sound, wavpack .*write \.mkv instead of \.mp4"):
        redact(original, tmp_path / "out.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["in.mkv"]
    assert redact(original, tmp_path / "out.mkv").exists()
