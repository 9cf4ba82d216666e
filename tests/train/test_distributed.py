"""Two processes are one with the larger batch."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from faceir.errors import InputError
from faceir.train import checkpoint, distributed
from tests.train.specs import disc_spec

SWITCHES = (
    "cost_function_config.enable_autoweighting=true",
    "training_config.clip_gradient_norm=0.5",
    "training_config.ema_decay=0.9",
    "training_config.visualizer.enabled=true",
    "training_config.visualizer.scalar_logging_frequency=99",
)


def torchrun(folder: Path, processes: int, *sets: str, spec: Path, wait: bool = True):
    """`faceir train` by one process, or by `torchrun`; the finished or running process."""
    many = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes > 1 else []
    command = [sys.executable, *many, "-m", "faceir", "train", "-e", str(spec), "-r", str(folder)]
    for change in (*SWITCHES, *sets):
        command += ["--set", change]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    if wait:
        said, _ = started.communicate(timeout=120)
        assert started.returncode == 0, said
    return started


def losses(folder: Path) -> list[tuple[int, float]]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(row["step"], row["loss"]) for row in rows]


@pytest.fixture
def spec(tmp_path, disc_set):
    path = tmp_path / "spec.txt"
    validation = f'dataset_config {{\n  validation_data_source {{ image_directory_path: "{disc_set}" }}'
    path.write_text(disc_spec(disc_set).replace("dataset_config {", validation, 1))
    return path


@pytest.mark.slow
def test_two_processes_train_as_one_with_twice_the_batch(tmp_path, spec):
    """Losses, scores and weights, with batch normalisation in training mode."""
    # Short, and with a large epsilon in Adam, which otherwise turns rounding into steps of full size.
    sets = ("training_config.num_epochs=2", "training_config.optimizer.adam.epsilon=0.01")
    torchrun(tmp_path / "one", 1, *sets, "training_config.batch_size_per_gpu=2", spec=spec)
    torchrun(tmp_path / "two", 2, *sets, "training_config.batch_size_per_gpu=1", spec=spec)
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert [step for step, _ in one] == [step for step, _ in two] == list(range(1, 7))
    assert [loss for _, loss in two] == pytest.approx([loss for _, loss in one], abs=1e-5)
    (a, told), (b, also) = (checkpoint.read_tensors(tmp_path / n / "resume.safetensors") for n in ("one", "two"))
    assert a.keys() == b.keys()
    for name, value in a.items():
        if name.startswith(("net.", "ema.", "weights.")):
            assert torch.allclose(value, b[name], atol=1e-5), name
    assert told["best"] == pytest.approx(also["best"], abs=1e-3)


@pytest.mark.slow
def test_many_processes_stop_together_and_go_on(tmp_path, spec):
    sets = ("training_config.num_epochs=200", "training_config.batch_size_per_gpu=1")
    sets = (*sets, "evaluation_config.validation_period_during_training=200", "training_config.checkpoint_interval=200")
    started = torchrun(tmp_path / "r", 2, *sets, spec=spec, wait=False)
    metrics = tmp_path / "r" / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while not (metrics.exists() and len(metrics.read_text().splitlines()) > 3) and time.monotonic() < deadline:
        time.sleep(0.05)
    started.send_signal(signal.SIGTERM)
    said, _ = started.communicate(timeout=60)
    assert said.count("the same command goes on from there") == 1, said
    _, header = checkpoint.read_tensors(tmp_path / "r" / "resume.safetensors")
    assert header["step"] == losses(tmp_path / "r")[-1][0]
    torchrun(tmp_path / "r", 2, *sets, f"training_config.num_epochs={header['step'] // 3 + 2}", spec=spec)
    steps = [step for step, _ in losses(tmp_path / "r")]
    assert steps == list(range(1, steps[-1] + 1))
    statuses = [json.loads(line)["status"] for line in (tmp_path / "r" / "status.json").read_text().splitlines()]
    assert [s for s in statuses if s != "RUNNING"] == ["STARTED", "FAILURE", "STARTED", "SUCCESS"]


def test_alone_nothing_is_changed():
    tensor = torch.tensor([1.0, 2.0])
    distributed.average([tensor])
    distributed.agree("this", 1)
    net = torch.nn.Sequential(torch.nn.BatchNorm2d(2))
    distributed.sync(net)
    assert tensor.tolist() == [1.0, 2.0]
    assert type(net[0]) is torch.nn.BatchNorm2d
    assert distributed.gathered([1, 2]) == distributed.part([1, 2]) == [1, 2]
    assert (distributed.any_of(True), distributed.any_of(False)) == (True, False)
    assert (distributed.rank(), distributed.processes(), distributed.leads()) == (0, 1, True)


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(InputError, match="nproc-per-node 2"):
        distributed.place("cuda")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert distributed.place("cuda") == torch.device("cuda", 1)
