"""The loop: it learns, and a run that was cut off goes on as if it had not been."""

import json
import os
import subprocess
from contextlib import suppress
from dataclasses import replace

import pytest
import torch

from faceir.errors import ModelError, SpecError
from faceir.train import checkpoint, freeze, loop
from faceir.train.distil import Distillation, Teacher
from faceir.train.model import Architecture, GridBoxNet
from faceir.train.schedule import Patience
from tests.train.conftest import make_samples, make_training


def test_it_overfits_one_batch(disc_set):
    reports = list(loop.overfit(make_training(disc_set), 60))
    assert reports[-1].bbox_cost < 0.1 * reports[0].bbox_cost
    assert reports[-1].cov_cost < 0.5 * reports[0].cov_cost


def switched_on(folder, steps=12):
    """Everything beyond TAO that has a state of its own."""
    torch.manual_seed(3)
    training = make_training(folder, steps)
    teacher = GridBoxNet(Architecture.resnet18(width_multiplier=0.25))
    how = Distillation(feature_weight=0.5, feature_layer="block_2b")
    torch.manual_seed(4)
    return replace(
        training,
        ema_decay=0.9,
        clip_norm=0.05,
        accumulate=2,
        samples=make_samples(folder, 2 * steps),
        focal_gamma=1.5,
        giou_weight=0.5,
        teacher=Teacher(teacher, training.net, how),
        watchers=(Patience(50),),
        validate=lambda net: {"ap": float(net.output_bbox.weight.abs().mean())},
        validation_epochs=frozenset(range(9)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("make", [make_training, switched_on], ids=["plain", "everything on"])
@pytest.mark.parametrize("killed", [False, True])
def test_a_broken_run_equals_an_unbroken_one_bit_for_bit(disc_set, tmp_path, killed, make):
    list(loop.run(make(disc_set), tmp_path / "whole"))
    state = tmp_path / "broken" / loop.RESUME_NAME
    for report in loop.run(make(disc_set), tmp_path / "broken"):
        saved = state.read_bytes() if state.exists() else b""
        if report.step == 7:  # one step after the last saved state
            break
    if killed:  # kill -9 leaves no time to save
        state.write_bytes(saved)
    rest = list(loop.run(make(disc_set), tmp_path / "broken"))
    assert rest[0].step == (7 if killed else 8)
    for name in ("model.epoch-3.safetensors", loop.RESUME_NAME):
        whole, broken = (checkpoint.read_tensors(tmp_path / run / name) for run in ("whole", "broken"))
        assert whole[0].keys() == broken[0].keys()
        assert whole[1] == broken[1]
        for key, value in whole[0].items():
            assert torch.equal(value, broken[0][key]), key


def test_accumulating_batches_is_one_larger_batch(disc_set, tmp_path):
    """With BN's statistics frozen, as each batch else has its own."""
    nets = []
    for batch, accumulate in ((4, 1), (2, 2)):
        training = make_training(disc_set, 3)
        frozen = freeze.choose(training.net, bn=True)
        samples = replace(make_samples(disc_set, 3 * accumulate), batch_size=batch)
        training = replace(training, frozen=frozen, accumulate=accumulate, samples=samples, steps_per_epoch=3)
        list(loop.run(training, tmp_path / str(batch)))
        nets.append(training.net)
    for a, b in zip(*(net.parameters() for net in nets), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_clipping_shortens_gradients_and_says_how_long_they_were(disc_set, tmp_path):
    training = make_training(disc_set, 2, clip_norm=1e-3)
    for report in loop.run(training, tmp_path):
        assert report.grad_norm > 1e-3
        norm = torch.cat([p.grad.flatten() for p in training.net.parameters()]).norm()
        assert norm.item() == pytest.approx(1e-3, rel=1e-2)


def test_what_is_frozen_stays(disc_set, tmp_path):
    training = make_training(disc_set, 3)
    training.frozen = freeze.choose(training.net, blocks=(0, 2), bn=True)
    before = {name: t.clone() for name, t in training.net.state_dict().items()}
    list(loop.run(training, tmp_path))
    changed = {name for name, t in training.net.state_dict().items() if not torch.equal(t, before[name])}
    assert not [name for name in changed if name.startswith("conv1.") or name.endswith(("running_mean", "running_var"))]
    assert not [name for name in changed if name.startswith("block_2") and ".conv_" in name]
    assert {"block_2a.bn_1.weight", "block_1a.conv_1.weight", "output_cov.weight"} <= changed


def test_the_average_is_what_is_judged_and_saved(disc_set, tmp_path):
    judged = []
    training = make_training(
        disc_set, 4, ema_decay=0.5, validate=lambda net: judged.append(net.conv1.weight.clone()) or {"ap": 1.0}
    )
    list(loop.run(training, tmp_path))
    saved = checkpoint.load(tmp_path / "model.epoch-1.safetensors").net
    assert torch.equal(judged[-1], saved.conv1.weight)
    assert not torch.equal(training.net.conv1.weight, saved.conv1.weight)


def test_the_best_is_kept_although_later_ones_are_worse(disc_set, tmp_path):
    scores = iter([0.3, 0.9, 0.5])
    training = make_training(
        disc_set, keep_checkpoints=1, validate=lambda net: {"ap": next(scores)}, validation_epochs=frozenset(range(3))
    )
    list(loop.run(training, tmp_path))
    best = checkpoint.load(tmp_path / loop.BEST_NAME)
    assert (best.step, best.scores) == (8, {"ap": 0.9})
    assert [p.name for p in tmp_path.glob("model.epoch-*")] == ["model.epoch-3.safetensors"]


def test_out_of_patience_the_run_ends_with_a_checkpoint(disc_set, tmp_path):
    def make():
        return make_training(
            disc_set, 40, watchers=(Patience(2),), checkpoint_interval=100,
            validate=lambda net: {"ap": 0.5}, validation_epochs=frozenset(range(10)),
        )  # fmt: skip

    reports = list(loop.run(make(), tmp_path))
    assert reports[-1].step == 12  # best after epoch 1, none better after 2 and 3
    assert (tmp_path / "model.epoch-3.safetensors").exists()
    assert list(loop.run(make(), tmp_path)) == []


def test_what_a_run_leaves(disc_set, tmp_path):
    scored = make_training(
        disc_set, keep_checkpoints=2, validate=lambda net: {"ap": 0.25}, validation_epochs=frozenset([1])
    )
    reports = list(loop.run(scored, tmp_path))
    assert [r.step for r in reports if r.scores] == [8, 12]  # the epoch asked for, and the end
    names = sorted(p.name for p in tmp_path.glob("*.safetensors"))
    assert names == [
        "model.best.safetensors", "model.epoch-2.safetensors", "model.epoch-3.safetensors", "resume.safetensors"
    ]  # fmt: skip
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


def test_precision_is_stated_with_its_reason():
    assert loop.choose_precision("FP32", torch.device("cpu")) == ("FP32", "the spec asks for it")
    assert "CPU" in loop.choose_precision("AUTO", torch.device("cpu"))[1]


def test_fp16_is_refused_on_a_cpu_with_the_reason():
    with pytest.raises(SpecError, match=r"training_config.precision: is FP16, which a CPU computes slower"):
        loop.choose_precision("FP16", torch.device("cpu"))
    assert loop.choose_precision("FP16", torch.device("cuda")) == ("FP16", "the spec asks for it")


@pytest.mark.slow
def test_fp16_takes_its_scale_down_after_an_overflow_and_goes_on_from_where_it_was(disc_set, tmp_path):
    """A scale of 2**40 overflows; each such step changes nothing but the scale, until one fits."""

    def make():
        return make_training(disc_set, 12, precision="FP16", cost_scaling=(40.0, 0.005, 8.0))

    list(loop.run(make(), tmp_path / "whole"))
    for report in loop.run(make(), tmp_path / "broken"):
        if report.step == 7:
            break
    list(loop.run(make(), tmp_path / "broken"))
    whole, broken = (checkpoint.read_tensors(tmp_path / run / loop.RESUME_NAME) for run in ("whole", "broken"))
    assert 2**15 < whole[1]["scaler"]["scale"] < 2**33
    assert whole[1] == broken[1]
    assert all(torch.equal(value, broken[0][name]) for name, value in whole[0].items())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may make a small disk")
def test_a_full_disk_stops_the_run_with_the_last_files_whole_and_it_goes_on(disc_set, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(small)], check=False).returncode:
        pytest.skip("no small disk can be made here")
    try:
        steps = loop.run(make_training(disc_set, keep_checkpoints=1), small)
        while next(steps).step < 4:  # the first epoch is saved
            pass
        before = (small / loop.RESUME_NAME).read_bytes()
        with (small / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while filler.write(bytes(4096)):
                pass
        with pytest.raises(ModelError, match=r"cannot be written .*free some disk"):
            list(steps)
        assert (small / loop.RESUME_NAME).read_bytes() == before
        assert not list(small.glob("*.part"))
        (small / "filler").unlink()
        assert next(loop.run(make_training(disc_set, keep_checkpoints=1), small)).step == 5
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
