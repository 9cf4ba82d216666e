"""Batches of a training, spread, and its loss."""

import pytest
import torch

from faceir.errors import InputError
from faceir.train.model import GridBoxNet
from faceir.train.prune import loss_of, spread, taylor
from tests.train.conftest import TINY, make_samples, make_training
from tests.train.prune.nets import ODD


def test_batches_lie_at_even_distances(disc_set):
    samples = make_samples(disc_set, steps=12)
    found = list(spread(samples, 4))
    assert len(found) == 4
    for batch, step in zip(found, (0, 3, 6, 9), strict=True):
        assert torch.equal(batch.pictures, samples[step].pictures)
    assert len(list(spread(samples, 30))) == 30  # more than there are steps: some twice


def test_the_loss_is_the_training_s(disc_set):
    training = make_training(disc_set)
    loss = loss_of(training, training.net)
    found = taylor(training.net, spread(training.samples, 2), loss)
    assert len(found["conv1"][0]) == TINY.stem
    assert any(stat.any() for (stat,) in found.values())
    with pytest.raises(InputError, match="trains 1 classes; wanted 2"):
        loss_of(training, GridBoxNet(ODD))
