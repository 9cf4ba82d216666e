"""A thread that looks every so often for what does not return, and says so in the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from faceir.runtime.live.state import Hang

__all__ = ["Watchdog"]

_log = logging.getLogger(__name__)

_LOOK_S = 0.25


class Watchdog:
    """Calls `look`, which gives pairs of a stream's name and what of it hangs, until `ended`; logs what is new."""

    def __init__(self, look: Callable[[], Sequence[tuple[str, Hang]]], ended: threading.Event) -> None:
        self._look, self._ended = look, ended
        self._told: set[tuple[str, str]] = set()

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="faceir watchdog", daemon=True).start()

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_S):
            now = {(hang.part, name): hang.for_s for name, hang in self._look()}
            for part, names in _by_part(now.keys() - self._told).items():
                for_s = max(now[part, name] for name in names)
                _log.warning("%s of %s has not returned for %.1f s", part, ", ".join(names), for_s)
            for part, names in _by_part(self._told - now.keys()).items():
                _log.warning("%s of %s hangs no more", part, ", ".join(names))
            self._told = set(now)


def _by_part(pairs: set[tuple[str, str]]) -> dict[str, list[str]]:
    """Pairs of a part and a stream, so that a detector of many streams is told once."""
    told: dict[str, list[str]] = {}
    for part, name in sorted(pairs):
        told.setdefault(part, []).append(name)
    return told
