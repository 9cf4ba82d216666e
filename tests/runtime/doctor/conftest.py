"""A film of a healthy camera, whose faces are known."""

from __future__ import annotations

import pytest

from faceir.flow import Frame, Image
from faceir.testing import FakeDetector, demo_portraits, night_clip

FRAMES = 24


@pytest.fixture(scope="session")
def film() -> list[Frame]:
    """24 frames of 384 x 240, two people."""
    pytest.importorskip("skimage", reason="the film's portraits come with it")
    pytest.importorskip("matplotlib", reason="the film's portraits come with it")
    return list(night_clip(demo_portraits(), FRAMES, (384, 240), seed=3))


@pytest.fixture
def good(film: list[Frame]) -> list[Image]:
    """Its pictures."""
    return [frame.gray for frame in film]


@pytest.fixture
def knowing(film: list[Frame]) -> FakeDetector:
    """Finds the two faces of the film's middle in every picture that is as large as it."""
    truth = film[12].detections
    return FakeDetector([truth])
