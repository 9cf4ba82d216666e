"""What a run says of itself, line by line."""

import json
import re
from dataclasses import replace

import pytest

from faceir.errors import ModelError
from faceir.train import status
from faceir.train.records import Progress

STEP = Progress(3, 12, 0, loss=1.5, cov_cost=0.5, bbox_cost=1.0, rate=1e-3, step_s=0.1, wait_s=0.0)


def lines(folder):
    return [json.loads(line) for line in (folder / "status.json").read_text().splitlines()]


def test_a_run_from_start_to_end(tmp_path):
    with status.kept(tmp_path / "new", 3) as told:
        for step in range(1, 13):
            scores = {"ap": 0.5, "threshold": None} if step == 8 else None
            told.follow(replace(STEP, step=step, epoch=(step - 1) // 4, scores=scores), 4)
    said = lines(tmp_path / "new")
    assert [row["status"] for row in said] == ["STARTED", "RUNNING", "RUNNING", "RUNNING", "SUCCESS"]
    assert [row.get("epoch") for row in said] == [None, 1, 2, 3, None]
    assert [row.get("kpi") for row in said] == [None, None, {"ap": 0.5}, None, None]
    assert said[3]["max_epoch"] == 3
    assert said[3]["eta"] == "0:00:00"
    for row in said:
        assert re.fullmatch(r"\d+/\d+/\d{4} \d+:\d+:\d+ INFO", f"{row['date']} {row['time']} {row['verbosity']}")


@pytest.mark.parametrize("error", [ModelError("step 3", "the loss is nan"), KeyboardInterrupt(), MemoryError()])
def test_a_run_that_fails_says_why_and_the_error_goes_on(tmp_path, error):
    with pytest.raises(type(error)), status.kept(tmp_path, 3):
        raise error
    said = lines(tmp_path)
    assert [row["status"] for row in said] == ["STARTED", "FAILURE"]
    assert said[1]["message"] == {"ModelError": "step 3: the loss is nan", "KeyboardInterrupt": "interrupted"}.get(
        type(error).__name__, "MemoryError"
    )


def test_an_interruption_is_said_once(tmp_path):
    def interrupted():
        with status.kept(tmp_path, 3) as told:
            told.stopped("stopped at step 3 of 12")
            raise SystemExit(130)

    with pytest.raises(SystemExit):
        interrupted()
    assert [row.get("message") for row in lines(tmp_path)][1:] == ["stopped at step 3 of 12"]


def test_a_status_that_cannot_be_written_does_not_end_the_run(tmp_path):
    (tmp_path / "file").write_text("")
    with status.kept(tmp_path / "file" / "results", 3) as told:
        told.follow(STEP, 3)
