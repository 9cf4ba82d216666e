"""Batches: repeatable by step, whole in every pass, masked where nobody knows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from faceir.data.augment import Augmentation, ViewKind
from faceir.train.loader import Mixture, Phase, batches
from faceir.train.mask import LabelFilter, LossMask
from faceir.train.prepare import Preparation
from tests.train.conftest import SIZE, make_samples


def test_a_step_can_be_repeated(disc_set):
    samples = make_samples(disc_set)
    first, again = samples[5], samples[5]
    assert torch.equal(first.pictures, again.pictures)
    assert torch.equal(first.targets.bbox, again.targets.bbox)
    assert first.pictures.shape == (4, 1, SIZE[1], SIZE[0])
    assert first.targets.cov.shape == (4, 1, 4, 6)


@pytest.mark.slow
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


def test_sources_are_mixed_as_told():
    sizes = (30, 10, 4)
    source_of = [n for n, size in enumerate(sizes) for _ in range(size)]
    even = Mixture(source_of, (1.0, 1.0, 1.0))
    passes = [even.order(44, 7, epoch) for epoch in range(6)]
    counts = np.bincount(np.asarray(source_of)[np.concatenate(passes)])
    assert counts.tolist() == [90, 84, 90] or max(counts) - min(counts) <= 6
    assert all(len(order) == 44 for order in passes)
    assert passes[0].tolist() == even.order(44, 7, 0).tolist() != passes[1].tolist()


def test_a_source_without_pictures_is_no_trouble():
    mixed = Mixture([0, 0, 2], (1.0, 0.0, 1.0))
    assert set(mixed.order(3, 0, 0).tolist()) <= {0, 1, 2}


def test_every_picture_of_a_source_comes_equally_often():
    source_of = [0] * 6 + [1] * 3
    mixed = Mixture(source_of, (1.0, 2.0))
    drawn = np.concatenate([mixed.order(9, 1, epoch) for epoch in range(4)])
    times = np.bincount(drawn, minlength=9)
    assert times[:6].tolist() == [2] * 6
    assert times[6:].tolist() == [8] * 3


def test_small_boxes_are_dropped_and_masked_boxes_are_not(disc_set):
    everything = make_samples(disc_set)
    assert everything[0].targets.cov.amax(dim=(1, 2, 3)).min() > 0
    none = replace(everything, least_wh=(90.0, 0.0))
    assert none[0].targets.cov.sum() == 0
    assert none[0].targets.mask.min() == 1  # dropped, so the place counts as empty


def test_a_filter_by_source_class_finds_labels_that_are_not_trained(disc_set):
    for path in (disc_set / "labels").iterdir():
        path.write_text("Doll 0 0 0 16 16 48 48 0 0 0 0 0 0 0\n")
    still = replace(make_samples(disc_set), augmentation=Augmentation(hflip_probability=0))
    masked = replace(
        still, loss_mask=LossMask((LabelFilter(objectives=("cov",), source_classes=("doll",)),), multiplier=0.25)
    )
    plain, changed = still[0].targets, masked[0].targets
    assert plain.mask.min() == 1
    assert plain.bbox_mask is None
    wanted = torch.ones(4, 6)
    wanted[1:3, 1:3] = 0.25
    assert torch.equal(changed.mask[0, 0], wanted)
    assert changed.bbox_mask.min() == 1
    assert changed.cov.sum() == 0


def test_a_crop_comes_before_augmentation(disc_set):
    samples = make_samples(disc_set)
    cropped = replace(samples, preparation=Preparation((192.0, 128.0), (0, 0, 96, 64)))
    assert cropped[0].pictures.shape == samples[0].pictures.shape
    assert not torch.equal(cropped[0].pictures, samples[0].pictures)
