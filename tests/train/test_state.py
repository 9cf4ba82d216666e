"""What a run continues from; that it does so bit for bit is tested in test_loop.py."""

import math

import pytest

from faceir.errors import ModelError
from faceir.train import checkpoint, loop
from faceir.train.model import Architecture, GridBoxNet
from faceir.train.schedule import Patience
from tests.train.conftest import make_training


def test_a_state_of_another_net_is_refused(disc_set, tmp_path):
    list(loop.run(make_training(disc_set, steps=4), tmp_path))
    other = make_training(disc_set)
    other.net = GridBoxNet(Architecture.resnet18(width_multiplier=0.25))
    with pytest.raises(ModelError, match="other widths"):
        list(loop.run(other, tmp_path))


def test_a_state_of_other_switches_is_refused(disc_set, tmp_path):
    list(loop.run(make_training(disc_set, steps=4), tmp_path))
    other = make_training(disc_set)
    other.net.conv1.requires_grad_(False)
    with pytest.raises(ModelError, match="another net or spec"):
        list(loop.run(other, tmp_path))


def test_a_state_from_before_averages_and_patience_is_continued(disc_set, tmp_path):
    """Files of 0.1 have no best score, no watchers and no average: the average then starts from the net."""
    list(loop.run(make_training(disc_set, steps=4), tmp_path))
    path = tmp_path / loop.RESUME_NAME
    tensors, header = checkpoint.read_tensors(path)
    old = {key: value for key, value in header.items() if key not in ("best", "watchers")}
    checkpoint.write_tensors(path, tensors, old)
    state = make_training(disc_set, ema_decay=0.9, watchers=(Patience(3),)).start()
    state.resume(tmp_path)
    assert (state.step, state.best) == (4, -math.inf)
    assert state.averaged.net.conv1.weight.equal(state.net.conv1.weight)
