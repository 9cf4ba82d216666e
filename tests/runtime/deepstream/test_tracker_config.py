from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceir.contract import Contract
from faceir.errors import SpecError
from faceir.runtime.deepstream.app_config import AppConfig, read_app
from faceir.runtime.deepstream.launch import _tracking
from faceir.runtime.deepstream.plan import plan
from faceir.runtime.track import TrackSettings
from tests.runtime.deepstream import samples
from tests.runtime.deepstream.test_launch import APP, FRAMES, config, folder, run

__all__ = ["folder"]  # a fixture

NVDCF = """%YAML:1.0
# as NVIDIA's own
BaseConfig:
  minDetectorConfidence: 0.19   # a comment
TargetManagement:
  enableBboxUnClipping: 1
  maxTargetsPerStream: 150
  minIouDiff4NewTarget: 0.3686
  probationAge: 2
  maxShadowTrackingAge: 42
  earlyTerminationAge: 1
DataAssociator:
  associationMatcherType: 1
  checkClassMatch: 1
  minMatchingScore4Overall: 0.0222
  minMatchingScore4Iou: 0.0548
  tentativeDetectorConfidence: 0.5
  minMatchingScore4TentativeIou: 0.2852
StateEstimator:
  stateEstimatorType: 1
  processNoiseVar4Loc: 6810.8668
ReID:
  offsets: [123.675, 116.28, 103.53]
"""


def read(folder: Path, keys: str = "", file: str | None = None, name: str = "tracker.yml") -> AppConfig:
    folder.mkdir(exist_ok=True)
    lines = samples.APP.replace("ll-config-file=../deepstream-app/config_tracker_NvDCF_perf.yml\n", keys)
    if file is not None:
        pytest.importorskip("yaml", reason="pip install pyyaml")
        (folder / name).write_text(file)
        lines = lines.replace("[tracker]\nenable=1\n", f"[tracker]\nenable=1\nll-config-file={name}\n")
    return read_app(samples.write(folder, app=lines))


def test_own_keys(tmp_path: Path) -> None:
    assert read(tmp_path).tracker == TrackSettings()
    assert read(tmp_path, "hold-s=2.5\nsmooth=0.4\n").tracker == TrackSettings(hold_s=2.5, smooth=0.4)
    assert read(tmp_path, "enable=0\nhold-s=2\n").tracker is None
    notes = read(tmp_path, "hold=2\n").notes
    assert [(n.name, n.text) for n in notes if n.kind == "unknown"] == [("hold", "did you mean hold-s?")]
    with pytest.raises(SpecError, match=r"smooth=1; wanted 0\.\.0\.99"):
        read(tmp_path, "smooth=1\n")


def test_nvidia_s_file(tmp_path: Path) -> None:
    wanted = TrackSettings(
        high=0.5, low=0.19, min_iou=0.0548, min_iou_low=0.2852, confirm_hits=3, hold_frames=42, smooth=0.5
    )
    made = read(tmp_path, "smooth=0.5\n", NVDCF)
    assert made.tracker == wanted
    told = [(note.kind, note.name) for note in made.notes if "tracker.yml" in note.where]
    assert told == [("no meaning", name) for name in (
        "enableBboxUnClipping", "maxTargetsPerStream", "minIouDiff4NewTarget", "earlyTerminationAge", "checkClassMatch",
        "minMatchingScore4Overall", "[StateEstimator]", "[ReID]")]  # fmt: skip
    (track,) = [step for step in plan(made, "net", None).line if step.title == "track"]
    assert track.lines[1:] == (
        "held for 42 frames, an id when found 3 times", "overlap from 0.0548, of weak faces from 0.2852",
        "faces from 0.19 up", "those below 0.5 start no track", "smoothed by 0.5",
    )  # fmt: skip
    over = read(tmp_path, "hold-s=3\n", NVDCF)
    assert over.tracker == replace(wanted, hold_s=3.0, hold_frames=None, smooth=0.0), "[tracker] goes over it"
    one = read(tmp_path, "", NVDCF.replace("MatcherType: 1", "MatcherType: 0")).tracker
    assert one is not None
    assert (one.high, one.min_iou_low) == (0.19, TrackSettings.min_iou_low), "one stage has no tentative faces"


def test_a_confidence_below_zero_is_none(tmp_path: Path) -> None:
    made = read(tmp_path, "", "BaseConfig:\n  minDetectorConfidence: -1\n")
    assert made.tracker == TrackSettings(low=0.0)


def test_wrong_and_misspelt_ones_are_told_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"tracker.yml:10: maxShadowTrackingAge=-1; wanted 0..100000"):
        read(tmp_path, "", NVDCF.replace("Age: 42", "Age: -1"))
    notes = read(tmp_path, "", NVDCF.replace("probationAge", "probatonAge")).notes
    assert [(n.where, n.text) for n in notes if n.kind == "unknown"] == [
        (f"{tmp_path / 'tracker.yml'}:9", "did you mean probationAge?")
    ]


def test_one_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    made = read(tmp_path, "ll-config-file=none.yml\n")
    assert made.tracker == TrackSettings()
    (note,) = [note for note in made.notes if note.name == "ll-config-file"]
    assert "none.yml is not here, so that our own settings count" in str(note)


def test_thresholds_of_both_files_meet(tmp_path: Path) -> None:
    """The stricter one decides what starts tracks: the detector's threshold, or the tracker's."""
    made = read(tmp_path, "", NVDCF)
    for threshold, high in ((0.7, 0.7), (0.3, 0.5), (0.1, 0.5)):
        params = replace(Contract().cluster[0], algorithm="nms", confidence_threshold=threshold, coverage_threshold=0.1)
        contract, settings = _tracking(made, Contract(cluster=(params,)))
        assert settings is not None
        assert (float(np.max(settings.high)), settings.low) == (high, 0.19)
        assert contract.cluster[0].confidence_threshold == min(threshold, 0.19)


def test_with_redaction_no_face_is_left_out(folder: Path) -> None:
    """What the tracker left out would be seen, so that the scores of its file do not count."""
    pytest.importorskip("yaml", reason="pip install pyyaml")
    (folder / "t.yml").write_text(NVDCF.replace("0.19", "1.0").replace("Confidence: 0.5", "Confidence: 1.0"))
    app = APP.replace("[tracker]\nenable=1\n", "[tracker]\nenable=1\nll-config-file=t.yml\n")
    made = config(folder, app + "[redact]\nmode=solid\n")
    assert made.tracking == replace(made.tracker or TrackSettings(), high=0.0, low=0.1)
    (state,) = run(made)
    assert state.faces == FRAMES
    (track,) = [step for step in plan(made, "net", None).line if step.title == "track"]
    assert "faces from 0.1 up" in track.lines


def test_a_film_with_them(folder: Path) -> None:
    """An id comes in the frame after `probationAge`, and faces under `minDetectorConfidence` go nowhere."""
    pytest.importorskip("yaml", reason="pip install pyyaml")
    app = APP.replace("[tracker]\nenable=1\n", "[tracker]\nenable=1\nll-config-file=t.yml\n[jsonl0]\noutput-file=o\n")
    (folder / "t.yml").write_text("%YAML:1.0\nTargetManagement:\n  probationAge: 4\n")
    (state,) = run(config(folder, app))
    assert state.faces == FRAMES
    told = [line.split('"track_id": ')[1].split("}")[0] for line in (folder / "o").read_text().splitlines()]
    assert told == ["-1"] * 4 + ["1"] * (FRAMES - 4)
    (folder / "t.yml").write_text("BaseConfig:\n  minDetectorConfidence: 1.0\n")
    (state,) = run(config(folder, app))
    assert state.faces == 0
