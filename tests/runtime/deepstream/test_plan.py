from __future__ import annotations

from pathlib import Path

import pytest

from faceir.contract import Contract
from faceir.runtime.deepstream.app_config import read_app
from faceir.runtime.deepstream.plan import Plan, plan
from tests.runtime.deepstream import samples


def planned(tmp_path: Path, edition: str = "b", app: str = samples.APP, lines: str = "") -> Plan:
    config = read_app(samples.write(tmp_path, edition, app, samples.primary(edition) + lines))
    return plan(config, "net.onnx", config.infer.contract(Contract()))


@pytest.mark.parametrize(
    ("edition", "line"),
    [
        ("a", ["mux", "detect", "cluster Face", "track", "draw"]),
        ("b", ["mux", "detect", "cluster Face", "track", "draw"]),
        ("c", ["mux", "detect", "cluster Face", "filter", "track", "draw"]),
    ],
)
def test_the_steps_of_the_samples(tmp_path: Path, edition: str, line: list[str]) -> None:
    made = planned(tmp_path, edition)
    assert [step.title for step in made.line] == line
    assert [step.title for step in made.sources] == ["source0"]
    assert [step.title for step in made.sinks] == ["sink0", "**PERF", "watchdog"]


def words(made: Plan) -> str:
    return "\n".join(line for step in (*made.sources, *made.line, *made.sinks) for line in step.lines)


def test_it_says_what_is_set(tmp_path: Path) -> None:
    app = samples.APP.replace("num-sources=1", "num-sources=2").replace("enable=0\ntype=3", "enable=1\ntype=3")
    app = app.replace("[application]", "[application]\ngie-kitti-output-dir=dumps").replace(
        "file-loop=0", "file-loop=1"
    )
    app = app.replace("enable=0\n#Type", "enable=1\n#Type").replace("interval=0\n", "interval=4\n")
    said = words(planned(tmp_path, "b", app, "detected-max-w=90\nroi-top-offset=7\npost-cluster-threshold=0.3\n"))
    for wanted in ("again at its end", "1 x 1, 1280 x 720 pixels", "out.mp4", "h264, 2 Mbit/s", ":8554/ds-test",
                   "dumps", "one frame, then 4 not", "IoU 0.5", "from coverage 0.4 up", "the best 20", "up to 90 x any",
                   "not in the upper 7 or lower 0 rows", "faces from 0.3 up", "384 x 240, stretched"):  # fmt: skip
        assert wanted in said


def test_it_says_so_without_a_model(tmp_path: Path) -> None:
    config = read_app(samples.write(tmp_path))
    detect = plan(config, "no model", None).line[1]
    assert detect.lines == ("no model", "every frame, auto")


def test_passwords_are_not_told(tmp_path: Path) -> None:
    said = words(planned(tmp_path, app=samples.APP.replace("file://", "rtsp://me:secret@camera/")))
    assert "secret" not in said
    assert "rtsp://camera/" in said
    assert "RTSP by TCP, latency 100 ms, opened again for ever" in said
