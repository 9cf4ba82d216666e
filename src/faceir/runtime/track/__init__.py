"""Faces followed through a stream: ids that stay, boxes that hold and do not jitter."""

from faceir.runtime.track.tracker import Tracker, TrackSettings, two_stage

__all__ = ["TrackSettings", "Tracker", "two_stage"]
