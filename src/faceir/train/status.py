"""`status.json`: how a run goes, a JSON object a line, as TAO writes it for those who watch many runs."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from faceir.train import distributed
from faceir.train.records import Progress

__all__ = ["STATUS_NAME", "Status", "kept"]

STATUS_NAME = "status.json"
log = logging.getLogger(__name__)


@dataclass
class Status:
    """Appends to `path`; TAO's keys, its order of month and day, its words for times."""

    path: Path
    max_epoch: int
    ended: bool = False
    _epoch_began_s: float = field(default_factory=time.monotonic)

    def write(self, status: str, message: str = "", verbosity: str = "INFO", **rest: Any) -> None:
        """A line with `status` STARTED, RUNNING, SUCCESS or FAILURE, by the first of the processes.

        A line that cannot be written is given up: it must not hide what it was to tell, nor end a run.
        """
        if not distributed.leads():
            return
        now = datetime.now()
        row = rest | {
            "date": f"{now.month}/{now.day}/{now.year}",
            "time": f"{now.hour}:{now.minute}:{now.second}",
            "status": status,
            "verbosity": verbosity,
        }
        if message:
            row["message"] = message
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        except OSError as error:
            log.warning("%s could not be written (%s)", self.path, error)

    def follow(self, report: Progress, steps_per_epoch: int) -> None:
        """Tell of each epoch that ends, with costs and the scores of its validation; `kpi` has the numbers alone."""
        if report.step % steps_per_epoch and report.step != report.total_steps:
            return
        now = time.monotonic()
        seconds, self._epoch_began_s = now - self._epoch_began_s, now
        scores = {key: value for key, value in (report.scores or {}).items() if isinstance(value, int | float)}
        rest: dict[str, Any] = {"kpi": scores} if scores else {}
        self.write(
            "RUNNING",
            epoch=report.epoch + 1,
            max_epoch=self.max_epoch,
            time_per_epoch=str(timedelta(seconds=seconds)),
            eta=str(timedelta(seconds=seconds * (self.max_epoch - report.epoch - 1))),
            graphical={
                "loss": report.loss,
                "cov_cost": report.cov_cost,
                "bbox_cost": report.bbox_cost,
                "learning_rate": report.rate,
            },
            **rest,
        )

    def stopped(self, message: str) -> None:
        """The run was interrupted, which TAO counts as a failure."""
        self.ended = True
        self.write("FAILURE", message)


@contextmanager
def kept(results: Path, max_epoch: int) -> Iterator[Status]:
    """A run's status from its start to its end, however it ends: an error is told as FAILURE, and goes on its way."""
    status = Status(results / STATUS_NAME, max_epoch)
    status.write("STARTED", "Starting DetectNet_v2 training.")
    try:
        yield status
    except BaseException as error:
        if not status.ended:
            interrupted = isinstance(error, KeyboardInterrupt | SystemExit)
            status.write("FAILURE", "interrupted" if interrupted else str(error) or type(error).__name__, "ERROR")
        raise
    status.write("SUCCESS", "DetectNet_v2 training finished successfully.")
