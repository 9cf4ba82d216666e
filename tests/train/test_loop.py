"""The loop: it learns, and a run that was cut off goes on as if it had not been."""

import json
import math

import pytest
import torch

from faceir.errors import ModelError
from faceir.train import checkpoint, loop
from faceir.train.loop import Schedule
from tests.train.conftest import make_training


def test_the_schedule_is_tao_s():
    schedule = Schedule(5e-6, 5e-4, 0.1, 0.7)
    assert schedule.rate(0) == pytest.approx(5e-6)
    assert schedule.rate(0.05) == pytest.approx(math.sqrt(5e-6 * 5e-4))
    assert schedule.rate(0.1) == schedule.rate(0.5) == schedule.rate(0.7) == pytest.approx(5e-4)
    assert schedule.rate(0.85) == pytest.approx(math.sqrt(5e-6 * 5e-4))
    assert schedule.rate(1) == pytest.approx(5e-6)
    assert Schedule(1e-5, 1e-3, 0, 1).rate(0) == pytest.approx(1e-3)


def test_it_overfits_one_batch(disc_set):
    reports = list(loop.overfit(make_training(disc_set), 60))
    assert reports[-1].bbox_cost < 0.1 * reports[0].bbox_cost
    assert reports[-1].cov_cost < 0.5 * reports[0].cov_cost


@pytest.mark.parametrize("killed", [False, True])
def test_a_broken_run_equals_an_unbroken_one_bit_for_bit(disc_set, tmp_path, killed):
    list(loop.run(make_training(disc_set), tmp_path / "whole"))
    state = tmp_path / "broken" / loop.RESUME_NAME
    for report in loop.run(make_training(disc_set), tmp_path / "broken"):
        saved = state.read_bytes() if state.exists() else b""
        if report.step == 7:  # one step after the last saved state
            break
    if killed:  # kill -9 leaves no time to save
        state.write_bytes(saved)
    rest = list(loop.run(make_training(disc_set), tmp_path / "broken"))
    assert rest[0].step == (7 if killed else 8)
    whole, broken = (checkpoint.load(tmp_path / run / "model.epoch-3.safetensors") for run in ("whole", "broken"))
    assert whole.step == broken.step == 12
    for a, b in zip(whole.net.state_dict().values(), broken.net.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_what_a_run_leaves(disc_set, tmp_path):
    scored = make_training(
        disc_set, keep_checkpoints=2, validate=lambda net: {"ap": 0.25}, validation_epochs=frozenset([1])
    )
    reports = list(loop.run(scored, tmp_path))
    assert [r.step for r in reports if r.scores] == [8, 12]  # the epoch asked for, and the end
    names = sorted(p.name for p in tmp_path.glob("*.safetensors"))
    assert names == ["model.epoch-2.safetensors", "model.epoch-3.safetensors", "resume.safetensors"]
    assert checkpoint.load(tmp_path / "model.epoch-2.safetensors").scores == {"ap": 0.25}
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["scores"] == {"ap": 0.25}
    assert any((tmp_path / "events").iterdir())


def test_a_finished_run_has_nothing_to_do(disc_set, tmp_path):
    list(loop.run(make_training(disc_set), tmp_path))
    assert list(loop.run(make_training(disc_set), tmp_path)) == []


def test_a_loss_that_is_no_number_stops_the_run_before_it_is_saved(disc_set, tmp_path):
    training = make_training(disc_set)
    with torch.no_grad():
        training.net.output_bbox.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="step 1: the loss is nan"):
        list(loop.run(training, tmp_path))
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_state_of_another_net_is_refused(disc_set, tmp_path):
    list(loop.run(make_training(disc_set, steps=4), tmp_path))
    other = make_training(disc_set)
    from faceir.train.model import Architecture, GridBoxNet

    other.net = GridBoxNet(Architecture.resnet18(width_multiplier=0.25))
    with pytest.raises(ModelError, match="other widths"):
        list(loop.run(other, tmp_path))


def test_precision_is_stated_with_its_reason():
    assert loop.choose_precision("FP32", torch.device("cpu")) == ("FP32", "the spec asks for it")
    assert "CPU" in loop.choose_precision("AUTO", torch.device("cpu"))[1]
