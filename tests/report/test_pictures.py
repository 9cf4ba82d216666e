from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.errors import InputError
from faceir.report import pictures
from faceir.report.pictures import gallery
from tests.report.conftest import Night


def decoded(uri: str) -> np.ndarray:
    kind, data = uri.split(",")
    assert kind == "data:image/jpeg;base64"
    return np.asarray(cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_GRAYSCALE))


def test_the_first_of_each_with_all_boxes(night: Night) -> None:
    made = gallery(night.evaluation, night.folder, night.judged)
    assert [t.example for t in made.misses] == list(night.evaluation.misses[:24])
    assert [t.example for t in made.false_alarms] == list(night.evaluation.false_alarms[:24])
    assert made.with_found
    assert made.notes == ()
    assert len({large.picture for large in made.large}) == len(made.large)
    of = {str(p.name).rsplit("/", 1)[1]: p for p in night.judged}
    for large in made.large:
        p = of[large.picture.rsplit("/", 1)[1]]
        kinds = [b.kind for b in large.boxes]
        assert kinds.count("truth") + kinds.count("ignored") == len(p.truth)
        assert kinds.count("found") == int((p.found.scores >= 0.5).sum())
        assert decoded(large.uri).shape == (250, 250)


def test_a_thumb_is_the_part_around_its_face(night: Night) -> None:
    for thumb in gallery(night.evaluation, night.folder).misses:
        x, y, width, height = thumb.window
        x1, y1, x2, y2 = thumb.example.xyxy
        assert 0 <= x <= max(x1, 0)
        assert 0 <= y <= max(y1, 0)
        assert min(x2, 250) <= x + width <= 250
        assert min(y2, 250) <= y + height <= 250
        assert max(decoded(thumb.uri).shape) <= pictures.THUMB_SIDE


def test_labels_stand_in_for_what_was_judged(night: Night) -> None:
    made = gallery(night.evaluation, night.folder)
    assert not made.with_found
    kinds = {b.kind for large in made.large for b in large.boxes}
    assert kinds == {"truth", "missed", "false"}


def test_pictures_that_are_gone_or_lie_elsewhere_are_told(night: Night, tmp_path: Path) -> None:
    one = night.evaluation.misses[0]
    (tmp_path / "secret.jpg").write_bytes((night.folder / one.picture).read_bytes())
    (tmp_path / "d").mkdir()
    bad = [replace(one, picture=p) for p in ("../secret.jpg", str(tmp_path / "secret.jpg"), "gone.jpg", "a\\b.jpg")]
    made = gallery(replace(night.evaluation, misses=tuple(bad), false_alarms=()), tmp_path / "d")
    assert made.misses == ()
    assert [note.split(" cannot be shown")[0] for note in made.notes] == [e.picture for e in bad]
    assert "leads out of the folder" in made.notes[0]
    with pytest.raises(InputError, match="is not a folder"):
        gallery(night.evaluation, tmp_path / "none")


def test_the_page_stays_small(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "BUDGET_BYTES", 300_000)
    made = gallery(night.evaluation, night.folder)
    assert 0 < len(made.misses) < len(night.evaluation.misses[:24])
    assert made.false_alarms
    assert "would make the page too large" in made.notes[0]
