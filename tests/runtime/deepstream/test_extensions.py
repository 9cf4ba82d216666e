from __future__ import annotations

import inspect
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from faceir.errors import SpecError
from faceir.runtime.deepstream.app_config import AppConfig, read_app
from faceir.runtime.deepstream.plan import plan
from faceir.runtime.live.engine import Engine
from faceir.runtime.redact import RedactParams
from tests.runtime.deepstream import samples


def read(folder: Path, more: str, app: str = samples.APP) -> AppConfig:
    return read_app(samples.write(folder, app=app + more))


def test_redact_s_defaults_and_names_are_those_of_its_fields(tmp_path: Path) -> None:
    assert read(tmp_path, "").redact is None
    assert read(tmp_path, "[redact]\nenable=0\nmode=solid\n").redact is None
    assert read(tmp_path, "[redact]\n").redact == RedactParams()
    every = RedactParams("solid", 0.3, 0.4, "ellipse", 2.0, 0.5, False, 0.25)
    changed = [
        field.name for field in fields(every) if getattr(every, field.name) == getattr(RedactParams(), field.name)
    ]
    assert changed == [], "each field is put to the test"
    lines = "".join(f"{f.name.replace('_', '-')}={getattr(every, f.name)}\n" for f in fields(every))
    made = read(tmp_path, f"[redact]\n{lines}")
    assert made.redact == every
    assert not [note for note in made.notes if note.kind == "unknown"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("mode=blurr", r":\d+: mode is 'blurr'; wanted blur, pixelate, solid"),
        ("strength=0", "strength is 0.0"),
        ("strength=2", "strength=2; wanted 0..1"),
        ("hold-s=-1", "hold-s=-1"),
    ],
)
def test_wrong_values_are_told_with_their_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        read(tmp_path, f"[redact]\n{line}\n")


def test_the_watchdog_s_defaults_are_those_of_the_engine(tmp_path: Path) -> None:
    of_engine = inspect.signature(Engine).parameters
    assert asdict(read(tmp_path, "").watchdog) == {
        "stall_s": of_engine["stall_s"].default,
        "patience_s": of_engine["patience_s"].default,
        "leave_s": of_engine["leave_s"].default,
    }
    made = read(tmp_path, "[watchdog]\nstall-s=0.5\npatience-s=30\nleave-s=60\n")
    assert (made.watchdog.stall_s, made.watchdog.patience_s, made.watchdog.leave_s) == (0.5, 30.0, 60.0)
    (shown,) = [step for step in plan(made, "net", None).sinks if step.title == "watchdog"]
    assert shown.lines == ("waits 0.5 s for the detector and stages", "and 30 s for sinks, 60 s when all ends")
    assert not [note for note in made.notes if note.kind == "unknown"]
    for key in ("stall-s", "leave-s"):
        with pytest.raises(SpecError, match=rf":\d+: {key}=0; wanted 0.1..3600"):
            read(tmp_path, f"[watchdog]\n{key}=0\n")


def test_misspelt_keys_are_told(tmp_path: Path) -> None:
    notes = read(
        tmp_path, "[redact]\nhold_s=1\n[line0]\npoints=0;0;1;1\nnmae=door\n[watchdog]\nstall=1\n[watchdogs]\n"
    ).notes
    assert [(n.name, n.text) for n in notes if n.kind == "unknown"] == [
        ("hold_s", "did you mean hold-s?"),
        ("nmae", "did you mean name?"),
        ("stall", "did you mean stall-s?"),
        ("[watchdogs]", "did you mean [watchdog]?"),
    ]


def test_lines_and_zones(tmp_path: Path) -> None:
    groups = (
        "[line0]\nname=door\npoints=0.5;0;0.5;1\n[line1]\nenable=0\n[zone3]\npoints=0;0;1;0;1;1\n"
        "[zone4]\nname=seat\npoints=0;0;0.5;0;0.5;0.5;0;0.5\n"
    )
    made = read(tmp_path, groups)
    (line,) = made.places.lines
    assert (line.name, line.start_xy, line.end_xy) == ("door", (0.5, 0.0), (0.5, 1.0))
    assert [(zone.name, len(zone.corners_xy)) for zone in made.places.zones] == [("zone3", 3), ("seat", 4)]
    assert len(made.places.counters()) == 2
    (count,) = [step for step in plan(made, "net", None).line if step.title == "count"]
    assert count.lines == ("door", "zone3", "seat")


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("[line0]\npoints=0;0;1\n", r"\[line0\] has 3 numbers; wanted two points"),
        ("[line0]\n", r"\[line0\] has 0 numbers"),
        ("[zone0]\npoints=0;0;1;1\n", "three points or more"),
        ("[line0]\npoints=0;0;400;240\n", "shares of the picture"),
        ("[line0]\npoints=0;0;0;0\n", "two different points"),
        ("[zone0]\nname=a\npoints=0;0;1;0;1;1\n[zone1]\nname=a\npoints=0;0;1;0;1;1\n", "all different"),
    ],
)
def test_places_that_are_none(tmp_path: Path, group: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        read(tmp_path, group)


def test_counting_needs_a_tracker(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="there is no tracker"):
        read(tmp_path, "[line0]\npoints=0;0;1;1\n", samples.APP.replace("[tracker]\nenable=1", "[tracker]\nenable=0"))
