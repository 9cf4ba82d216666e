"""Real RTSP cameras: one that works, one that goes away, one that is silent."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from faceir.runtime.doctor import examine
from faceir.runtime.sources import open_source

Camera = Callable[..., tuple[str, subprocess.Popen[str]]]


@pytest.mark.slow
def test_a_camera_that_works_and_one_that_goes_away(camera: Camera) -> None:
    address, _ = camera("4")
    with open_source(f"{address}/cam") as source:
        report = examine(source, 2.0, settle_s=0.5)
    facts = report.facts()
    assert report.look.live
    assert facts["frames"] > 20
    assert facts["measured_fps"] == pytest.approx(30, rel=0.15)
    assert not {f.name for f in report.findings} & {"broke-off", "no-frames", "slow", "black", "emitter-off"}
    with open_source(f"{address}/cam") as source:
        report = examine(source, 20.0)
    assert report.findings[0].name == "broke-off"
    assert report.facts()["frames"] > 20
