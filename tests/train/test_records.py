"""What a run writes to be looked at."""

import json
from dataclasses import replace

import numpy as np
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from faceir.train import loop
from faceir.train.model import GridBoxNet
from faceir.train.records import Visualiser, drawn
from tests.train.conftest import TINY, make_training


def test_a_visualiser_writes_pictures_and_numbers_as_often_as_it_says(disc_set, tmp_path):
    training = make_training(disc_set)  # 3 epochs of 4 steps
    training = replace(training, visualiser=Visualiser(scalars_per_epoch=2, picture_epochs=2, num_images=2))
    list(loop.run(training, tmp_path))
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4, 6, 8, 10, 12]
    board = EventAccumulator(str(tmp_path / "events")).Reload()
    assert board.Tags()["images"] == ["predictions/0", "predictions/1"]
    assert [event.step for event in board.Images("predictions/0")] == [4, 12]  # ends of epochs 0 and 2
    assert [event.step for event in board.Scalars("train/loss")] == [2, 4, 6, 8, 10, 12]


def test_boxes_above_the_threshold_are_drawn():
    torch.manual_seed(0)
    net = GridBoxNet(TINY).eval()
    with torch.no_grad():
        net.output_bbox.bias.fill_(0.5)
    pictures = torch.zeros(2, 1, 64, 96, dtype=torch.uint8)
    plain, full = (drawn(net, pictures, (threshold,)) for threshold in (1.0, 0.0))
    assert [p.shape for p in full] == [(64, 96, 3)] * 2
    assert not np.any(plain)
    assert np.asarray(full)[..., 1].max() > 80
    assert not np.asarray(full)[..., 0].any()
