"""`faceir redact` as a user types it: what is written, what is not, and what is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.cli import main
from faceir.flow import Image
from faceir.runtime.sources import open_source
from tests.conftest import SQUARE, SQUARE_AT
from tests.runtime.conftest import write_video
from tests.runtime.test_redact_film import packets, write_sound_film

Run = Callable[..., tuple[int, str, str]]
X, Y = SQUARE_AT


@pytest.fixture
def redact(square_model: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Exit code, stdout without folding, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["redact", *map(str, arguments), "-m", str(square_model)])
        told = capfd.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return run


def squares(path: Path, found: list[bool], make: Callable[..., Image]) -> Path:
    """A film with a face in the frames that are true."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 384, 240, "yuv420p"
        for n, there in enumerate(found):
            frame = av.VideoFrame.from_ndarray(make() if there else make(high=20), format="gray")
            frame.pts = n
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def row(out: str, name: str) -> list[str]:
    return next(line.split() for line in out.splitlines() if name in line)


def with_exif(path: Path, image: Image, word: bytes) -> Path:
    """A JPEG with an APP1 segment, where cameras put a small picture of what they took."""
    done, data = cv2.imencode(".jpg", image)
    assert done
    body = b"Exif\x00\x00" + word
    segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    path.write_bytes(data.tobytes()[:2] + segment + data.tobytes()[2:])
    return path


def test_a_folder_of_pictures_and_a_film(tmp_path: Path, redact: Run, square_picture: Callable[..., Image]) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    gray = square_picture()
    colour = np.stack([gray, gray // 2, gray], axis=2)
    cv2.imwrite(str(folder / "gray.png"), gray)
    cv2.imwrite(str(folder / "colour.bmp"), colour)
    with_exif(folder / "photo.jpg", gray, b"a thumbnail of the face")
    squares(folder / "film.mp4", [True] * 6, square_picture)
    out = tmp_path / "out"
    code, told, _ = redact(folder, "-o", out, "--mode", "solid", "--sidecar", tmp_path / "b.jsonl", "--verify")
    assert code == 0
    assert sorted(p.name for p in out.iterdir()) == ["colour.bmp", "film.mp4", "gray.png", "photo.jpg"]
    written = cv2.imread(str(out / "gray.png"), cv2.IMREAD_UNCHANGED)
    assert written.shape == gray.shape
    assert not written[Y : Y + SQUARE, X : X + SQUARE].any()
    far = np.ones(gray.shape, bool)
    far[Y - SQUARE // 4 : Y + SQUARE * 5 // 4, X - SQUARE // 4 : X + SQUARE * 5 // 4] = False
    np.testing.assert_array_equal(written[far], gray[far])
    assert not cv2.imread(str(out / "colour.bmp"))[Y : Y + SQUARE, X : X + SQUARE].any()
    assert b"a thumbnail of the face" not in (out / "photo.jpg").read_bytes()
    assert row(told, "film.mp4")[1:6] == ["6", "6", "0", "0", "0"]
    assert row(told, f"{folder} ")[1:6] == ["3", "3", "0", "0", "0"]
    lines = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert len(lines) == 9
    assert all(len(line["faces"]) == 1 for line in lines)
    np.testing.assert_allclose(lines[0]["faces"][0]["xyxy"], [X, Y, X + SQUARE, Y + SQUARE], atol=2)


@pytest.mark.parametrize("passes", ["--two-pass", "--one-pass"])
def test_two_passes_cover_what_comes_before(
    passes: str, tmp_path: Path, redact: Run, square_picture: Callable[..., Image]
) -> None:
    """The face is there in all frames but seen only in some: here, dimmer ones are not."""
    film = squares(tmp_path / "in.mp4", [n in range(15, 20) for n in range(40)], square_picture)
    code, told, err = redact(film, "-o", tmp_path / "out.mp4", "--mode", "solid", passes)
    assert code == 0
    assert "h264 384 x 240" in err
    assert "sound: none" in err
    assert row(told, "in.mp4")[1:4] == ["40", "5", "0"]
    with open_source(tmp_path / "out.mp4") as source:
        dark = [bool(f.gray[Y + 16 : Y + 48, X + 16 : X + 48].mean() < 18) for f in source]
    assert dark == [(n >= 3 if passes == "--two-pass" else n >= 15) and n <= 31 for n in range(40)]


def test_the_sound_is_copied(tmp_path: Path, redact: Run) -> None:
    film = write_sound_film(tmp_path / "in.mp4", seconds=0.5)
    code, _, err = redact(film, "-o", tmp_path / "out")
    assert code == 0
    assert "sound: aac as it was" in err
    assert [d for _, d in packets(tmp_path / "out" / "in.mp4", "audio")] == [d for _, d in packets(film, "audio")]


@pytest.mark.parametrize("threshold", ["0.2", "0.9"])
def test_candidates_are_covered_but_not_counted(
    threshold: str, tmp_path: Path, redact: Run, square_picture: Callable[..., Image]
) -> None:
    """A square of this brightness scores about 0.5."""
    dim = square_picture(high=153)
    cv2.imwrite(str(tmp_path / "dim.png"), dim)
    code, told, _ = redact(
        tmp_path / "dim.png", "-o", tmp_path / "out.png", "--mode", "solid", "--threshold", threshold, "--unsure", 0.1
    )
    assert code == 0
    assert row(told, "dim.png")[1:3] == ["1", str(int(threshold == "0.2"))]
    assert not cv2.imread(str(tmp_path / "out.png"))[Y : Y + SQUARE, X : X + SQUARE].any()


def test_tiles_cover_a_face_too_small_for_the_whole_picture(
    tmp_path: Path, redact: Run, square_picture: Callable[..., Image]
) -> None:
    canvas = np.full((420, 672), 20, np.uint8)  # of which 2 x 2 pieces have the network's size
    canvas[:240, :384] = square_picture()
    cv2.imwrite(str(tmp_path / "in.png"), canvas)
    for tiles, faces in (("1x1", "0"), ("2x2", "1")):
        code, told, _ = redact(
            tmp_path / "in.png", "-o", tmp_path / "out.png", "--mode", "solid", "--tiles", tiles, "--verify"
        )
        assert code == 0
        assert row(told, "in.png")[1:3] == ["1", faces]
        assert cv2.imread(str(tmp_path / "out.png"))[Y : Y + SQUARE, X : X + SQUARE].any() == (faces == "0")


def test_a_glob_never_ends_in_one_file(tmp_path: Path, redact: Run, square_picture: Callable[..., Image]) -> None:
    for name in ("a.png", "b.png", "a.jpg"):
        cv2.imwrite(str(tmp_path / name), square_picture())
    code, told, _ = redact(tmp_path / "*.*g", "-o", tmp_path / "out.png")
    assert code == 0
    assert sorted(p.name for p in (tmp_path / "out.png").iterdir()) == ["a-2.png", "a.jpg", "b.png"]
    assert row(told, "*.*g")[1:3] == ["3", "3"]


def test_a_film_that_breaks_off_is_told_and_kept_as_far_as_it_goes(tmp_path: Path, redact: Run) -> None:
    whole = write_video(tmp_path / "whole.mp4", frames=80, options={"movflags": "faststart"})
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    code, told, err = redact(cut, "-o", tmp_path / "out.mp4")
    assert code == 1
    assert err.count("error: ") == 1
    assert "cut.mp4" in err
    assert row(told, "cut.mp4")[-1] == "failed"
    with open_source(tmp_path / "out.mp4") as source:
        assert 10 < sum(1 for _ in source) < 80


def test_a_detector_that_dies_leaves_pictures_and_films_covered(
    tmp_path: Path,
    redact: Run,
    square_picture: Callable[..., Image],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def die(*_: object) -> None:
        raise RuntimeError("the device is lost")

    monkeypatch.setattr("faceir.runtime.detector.Detector.submit", die)
    cv2.imwrite(str(tmp_path / "a.png"), square_picture())
    film = squares(tmp_path / "film.mp4", [True] * 5, square_picture)
    code, told, _ = redact(tmp_path / "a.png", film, "-o", tmp_path / "out", "--mode", "solid")
    assert code == 0
    assert row(told, "a.png")[1:4] == ["1", "0", "1"]
    assert row(told, "film.mp4")[1:4] == ["5", "0", "5"]
    told_of = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert [t.endswith("frame 0: the detector failed (the device is lost)") for t in told_of] == [True, True]
    assert not cv2.imread(str(tmp_path / "out" / "a.png")).any()
    with open_source(tmp_path / "out" / "film.mp4") as source:
        assert all(f.gray.max() < 20 for f in source)
    code, _, _ = redact(tmp_path / "a.png", film, "-o", tmp_path / "bare", "--no-fail-safe")
    assert code == 1
    assert not (tmp_path / "bare").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["rtsp://camera/1", "-o", "out"], "is a stream"),
        (["none.png", "-o", "out"], "does not exist"),
        (["a.png", "-o", "out.mp4"], "has ending '.mp4'"),
        (["a.png", "-o", "a.png"], "is the input itself"),
        (["a.png", "-o", "out", "--strength", "0"], "strength"),
        (["a.png", "-o", "out", "--threshold", "0.3", "--unsure", "0.5"], "--unsure"),
    ],
)
def test_mistakes(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    redact: Run,
    square_picture: Callable[..., Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("a.png", square_picture())
    before = Path("a.png").read_bytes()
    code, _, err = redact(*arguments)
    assert code == 1
    assert told in err
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert Path("a.png").read_bytes() == before
