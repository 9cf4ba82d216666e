"""Rates by TAO's formulas, and endings that wait for validations."""

import json
import math

import pytest

from faceir.train.schedule import Patience, SoftStart, UntilPlateau


def test_the_schedule_is_tao_s():
    schedule = SoftStart(5e-6, 5e-4, 0.1, 0.7)
    assert schedule.rate(0) == pytest.approx(5e-6)
    assert schedule.rate(0.05) == pytest.approx(math.sqrt(5e-6 * 5e-4))
    assert schedule.rate(0.1) == schedule.rate(0.5) == schedule.rate(0.7) == pytest.approx(5e-4)
    assert schedule.rate(0.85) == pytest.approx(math.sqrt(5e-6 * 5e-4))
    assert schedule.rate(1) == pytest.approx(5e-6)
    assert SoftStart(1e-5, 1e-3, 0, 1).rate(0) == pytest.approx(1e-3)


def test_the_cosine_falls_from_the_rise_to_the_end():
    schedule = SoftStart(1e-5, 1e-3, 0.2, 0.2, cosine=True)
    assert schedule.rate(0) == pytest.approx(1e-5)
    assert schedule.rate(0.1) == pytest.approx(1e-4)
    assert schedule.rate(0.2) == pytest.approx(1e-3)
    assert schedule.rate(0.6) == pytest.approx((1e-3 + 1e-5) / 2)
    assert schedule.rate(1) == pytest.approx(1e-5)
    rates = [schedule.rate(0.2 + n / 100) for n in range(81)]
    assert rates == sorted(rates, reverse=True)


def test_patience_counts_epochs_since_the_best():
    patience = Patience(3)
    for epoch, score in ((2, 0.5), (4, 0.6), (6, 0.6)):
        patience.observe(epoch, score)
        assert not patience.finished
    patience.observe(7, 0.1)
    assert patience.finished
    never = Patience(0)
    never.observe(1, 0.5)
    never.observe(900, 0.4)
    assert not never.finished


def plateau() -> UntilPlateau:
    return UntilPlateau(1e-5, 1e-3, soft_start_epochs=2, annealing_epochs=4, patience_epochs=3, num_epochs=100)


def test_until_plateau_climbs_waits_falls_and_ends():
    schedule, rates, ended = plateau(), {}, None
    scores = [0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4]  # best after epoch 4, patience over after 7
    for epoch in range(1, 101):
        rates[epoch] = schedule.rate((epoch - 1) / 100)
        schedule.observe(epoch, scores[min(epoch, 7) - 1])
        if schedule.finished:
            ended = epoch
            break
    assert rates[1] == pytest.approx(1e-5)
    assert rates[2] == pytest.approx(1e-4)
    assert [rates[n] for n in (3, 7, 8)] == pytest.approx([1e-3] * 3)
    assert schedule.falls_from == 7
    assert rates[10] == pytest.approx(1e-4)  # half of the fall, in log space
    assert rates[12] == pytest.approx(1e-5)
    assert ended == 13  # last worn in the fall at epoch 10, three more


def test_until_plateau_goes_on_while_it_gets_better():
    schedule = plateau()
    for epoch in range(1, 101):
        schedule.observe(epoch, epoch / 100)
    assert schedule.falls_from is None
    assert not schedule.finished


def test_a_state_survives_json():
    schedule, again = plateau(), plateau()
    for epoch in range(1, 10):
        schedule.observe(epoch, 0.5)
    again.restore(json.loads(json.dumps(schedule.state())))
    assert again == schedule
    assert again.falls_from is not None
