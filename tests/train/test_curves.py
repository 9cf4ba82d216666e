"""The picture of a run."""

import json

import cv2
import numpy as np

from faceir.train import curves


def record(step: int, **rest) -> str:
    row = {"step": step, "total_steps": 9, "cov_cost": 1 / step, "bbox_cost": 2 / step, "rate": 0.1 * step}
    return json.dumps(row | rest)


def test_of_a_step_trained_twice_the_later_counts_and_broken_lines_are_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("\n".join([record(1), record(2, rate=5), '{"step": 3, "ra', "7", record(2, rate=6)]) + "\n")
    assert [(row["step"], row["rate"]) for row in curves.rows(path)] == [(1, 0.1), (2, 6)]
    assert curves.rows(tmp_path / "none") == []


def test_the_curves_show_what_was_recorded(tmp_path):
    """Costs first; the validation's points come with the scores."""
    curves.draw(tmp_path)
    assert not (tmp_path / "curves.png").exists()
    path = tmp_path / "metrics.jsonl"
    shown = []
    for scores in (None, {"ap": 0.5, "recall": None}):
        rest = {"scores": scores} if scores else {}
        path.write_text("\n".join(record(step, **rest) for step in range(1, 10)) + "\n")
        curves.draw(tmp_path)
        shown.append(cv2.imread(str(tmp_path / "curves.png")))
    assert shown[0].shape == (750, 1000, 3)
    blue = [(np.abs(picture.astype(int) - (178, 114, 0)).sum(axis=2) < 30).sum() for picture in shown]  # BGR
    assert blue[0] > 200  # the coverage's line
    assert blue[1] > blue[0] + 500  # and the validation's AP
    assert sorted(p.name for p in tmp_path.iterdir()) == ["curves.png", "metrics.jsonl"]
