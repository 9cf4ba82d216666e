"""[tracker] and the ll-config-file that it names, as settings of our tracker."""

from __future__ import annotations

from typing import Any

from faceir.runtime.deepstream import keyfile
from faceir.runtime.deepstream.keys import find_group
from faceir.runtime.deepstream.section import Note, Section, notes
from faceir.runtime.deepstream.tables import TRACKER_FILE
from faceir.runtime.track import TrackSettings

__all__ = ["read_tracking"]


def read_tracking(tracker: Section) -> tuple[TrackSettings | None, tuple[Note, ...]]:
    """What [tracker] asks for, None when it is not enabled, and what of its file does nothing.

    The file is YAML as NvDCF, IOU and NvSORT have it; [tracker] goes over it. One that is not there changes nothing,
    as configurations name NVIDIA's own by its place on another machine. Raises `SpecError` with the line.
    """
    if not tracker.flag("enable"):
        return None, ()
    given: dict[str, Any] = {}
    told: tuple[Note, ...] = ()
    path = tracker.path("ll-config-file")
    if path is not None and path.is_file():
        file = keyfile.read(path)
        given, told = _settings(file), notes(file, TRACKER_FILE)
    elif path is not None:
        text = f"{path} is not here, so that our own settings count"
        told = (Note("changed", tracker.where("ll-config-file"), "ll-config-file", text),)
    if tracker.written("hold-s"):
        given |= {"hold_s": tracker.number("hold-s"), "hold_frames": None}
    return TrackSettings(**given, smooth=tracker.number("smooth")), told


def _settings(file: keyfile.KeyFile) -> dict[str, Any]:
    """The fields of `TrackSettings` that the file speaks of."""
    base, targets, association = (_section(file, name) for name in ("BaseConfig", "TargetManagement", "DataAssociator"))
    given: dict[str, Any] = {}
    if base.written("minDetectorConfidence"):
        sure = max(base.number("minDetectorConfidence"), 0.0)  # -1 means none
        given |= {"high": sure, "low": sure}
    if targets.written("probationAge"):
        given["confirm_hits"] = targets.integer("probationAge") + 1  # the face that starts a track is of age 0
    if targets.written("maxShadowTrackingAge"):
        given["hold_frames"] = targets.integer("maxShadowTrackingAge")
    if association.written("minMatchingScore4Iou"):
        given["min_iou"] = association.number("minMatchingScore4Iou")
    if association.integer("associationMatcherType") == 1:
        if association.written("tentativeDetectorConfidence"):
            given["high"] = max(given.get("high", 0.0), association.number("tentativeDetectorConfidence"))
        if association.written("minMatchingScore4TentativeIou"):
            given["min_iou_low"] = association.number("minMatchingScore4TentativeIou")
    return given


def _section(file: keyfile.KeyFile, name: str) -> Section:
    known = find_group(TRACKER_FILE, name)
    assert known is not None, f"no group {name} in the table"
    return Section(file.path, known, file.get(name))
