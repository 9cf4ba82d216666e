"""Batches: repeatable by step, whole in every pass, masked where nobody knows."""

import numpy as np
import torch

from faceir.data.augment import ViewKind
from faceir.detections import DONT_CARE, Detections
from faceir.train.loader import Phase, batches, loss_mask
from tests.train.conftest import SIZE, make_samples


def test_a_step_can_be_repeated(disc_set):
    samples = make_samples(disc_set)
    first, again = samples[5], samples[5]
    assert torch.equal(first.pictures, again.pictures)
    assert torch.equal(first.targets.bbox, again.targets.bbox)
    assert first.pictures.shape == (4, 1, SIZE[1], SIZE[0])
    assert first.targets.cov.shape == (4, 1, 4, 6)


def test_workers_change_nothing(disc_set):
    samples = make_samples(disc_set, steps=5)
    alone = [b.pictures for b in batches(samples, 2, 0)]
    with_workers = [b.pictures for b in batches(samples, 2, 2)]
    assert len(alone) == 3
    assert all(torch.equal(a, b) for a, b in zip(alone, with_workers, strict=True))


def test_every_pass_shows_every_picture_once(disc_set):
    samples = make_samples(disc_set)
    for epoch in range(3):
        assert sorted(samples.order(epoch)) == list(range(6))
    assert samples.order(0).tolist() != samples.order(1).tolist()


def test_phases_choose_the_kind_of_view(disc_set):
    crop, whole = ViewKind((48, 48), (10, 30)), ViewKind(SIZE)
    samples = make_samples(disc_set, 40, (Phase(0.0, (crop, whole), (0.8, 0.2)), Phase(0.75, (whole,), (1.0,))))
    kinds = [samples.kind(step) for step in range(40)]
    assert set(kinds[30:]) == {whole}
    assert 15 < kinds[:30].count(crop) < 30
    assert samples[0].pictures.shape[2:] in {(48, 48), (64, 96)}


def test_an_unreadable_picture_is_skipped_and_named(disc_set):
    (disc_set / "images" / "3.png").write_bytes(b"")
    samples = make_samples(disc_set)
    skipped = [line for step in range(3) for line in samples[step].skipped]
    assert len(skipped) == 2
    assert all("3.png: is empty" in line for line in skipped)


def test_ignored_regions_are_masked_unless_a_face_is_there():
    truth = Detections([[16, 16, 40, 30], [0, 0, 5, 5]], labels=np.array([DONT_CARE, 0]))
    cov = np.zeros((1, 4, 6), np.float32)
    assert loss_mask(truth, cov)[0].sum() == 24 - 2
    cov[0, 1, 1] = 0.5
    mask = loss_mask(truth, cov)
    assert mask[0, 1].tolist() == [1, 1, 0, 1, 1, 1]
