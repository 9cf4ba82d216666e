"""The picture that goes with a report."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.errors import InputError
from faceir.flow import Image
from faceir.runtime.doctor import examine
from faceir.runtime.doctor.poster import draw_report, write_report
from faceir.testing import FakeDetector
from tests.runtime.doctor.camera import Camera


def _red(page: Image) -> int:
    return int(((page[:, :, 0] > 200) & (page[:, :, 1] < 90) & (page[:, :, 2] < 90)).sum())


def test_it_marks_faces_and_what_is_burnt_out(good: list[Image], knowing: FakeDetector) -> None:
    plain = draw_report(examine(Camera(good)))
    faces = draw_report(examine(Camera(good), detector=knowing))
    assert plain.shape == faces.shape
    assert (plain != faces).any()
    burnt = [g.copy() for g in good]
    for g in burnt:
        g[:120] = 255
    assert _red(draw_report(examine(Camera(burnt)))) > _red(plain) + 100_000


def test_it_grows_with_the_words(good: list[Image]) -> None:
    awful = [np.roll(g, 3 * n, 1) // 8 * 8 for n, g in enumerate(good)]
    report = examine(Camera(awful[:12], 25, [0.04 * n + (n > 6) for n in range(12)]))
    many = type(report)(report.look, report.findings * 8)
    assert draw_report(many).shape[0] > draw_report(report).shape[0]


@pytest.mark.parametrize("size", [(2, 3), (17, 900), (900, 17)])
def test_pictures_of_any_shape(size: tuple[int, int]) -> None:
    assert draw_report(examine(Camera([np.full(size, 90, np.uint8)]))).ndim == 3


def test_without_a_frame_and_written(tmp_path: Path) -> None:
    report = examine(Camera([]))
    write_report(report, tmp_path / "new" / "a.png")
    written = cv2.imread(str(tmp_path / "new" / "a.png"))
    assert written is not None
    assert np.array_equal(written[:, :, ::-1], draw_report(report))
    with pytest.raises(InputError, match="ending"):
        write_report(report, tmp_path / "a.doc")
    assert [p.name for p in tmp_path.iterdir()] == ["new"]
