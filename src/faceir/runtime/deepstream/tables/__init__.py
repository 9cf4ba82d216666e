"""Every key of DeepStream's files and of our own groups, a table for each kind of file."""

from __future__ import annotations

from faceir.runtime.deepstream.tables.app import APP
from faceir.runtime.deepstream.tables.infer import INFER
from faceir.runtime.deepstream.tables.tracker import TRACKER_FILE

__all__ = ["APP", "INFER", "TRACKER_FILE"]
