"""The whole way once, as a user types it: labels, training, ONNX, INT8, judgement, faces found."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import cv2
import pytest

from faceir.cli import main
from faceir.data import kitti
from faceir.sealed import is_sealed
from faceir.train import checkpoint
from tests.train.conftest import disc_set, one_thread  # noqa: F401  # fixtures
from tests.train.specs import disc_spec

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def run(*arguments) -> int:
    try:
        main([str(a) for a in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture
def spec(tmp_path, disc_set):  # noqa: F811
    path = tmp_path / "spec.txt"
    path.write_text(disc_spec(disc_set))
    return path


def test_from_labels_to_faces(tmp_path, disc_set, spec, capsys):  # noqa: F811
    results, sets = tmp_path / "results", ("--set", "training_config.num_epochs=300", "--set")
    validation = f"dataset_config.validation_data_source.image_directory_path={disc_set}"
    once = (
        "evaluation_config.validation_period_during_training=300",
        "--set",
        "training_config.checkpoint_interval=300",
    )
    assert run("train", "-e", spec, "-r", results, "-n", "disc", *sets, validation, "--set", *once) == 0
    said = capsys.readouterr().out
    assert "6 pictures to train on, 6 to validate on" in said
    trained = results / "weights" / "disc.safetensors"
    assert checkpoint.load(trained).scores["recall"] > 0.6

    plain, int8 = tmp_path / "disc.onnx", tmp_path / "disc_int8.onnx"
    assert run("export", "-m", trained, "-o", plain, "--threshold", "0.3") == 0
    assert run("export", "-m", trained, "-o", int8, "--data-type", "int8", "--cal-image-dir", disc_set) == 0
    scores = {}
    for model in (trained, plain, int8):
        capsys.readouterr()
        assert run("evaluate", "-m", model, "-d", disc_set, "--json", tmp_path / "s.json", "--threshold", "0.3") == 0
        scores[model] = json.loads((tmp_path / "s.json").read_text())["scores"]
        assert re.search(r"average precision \d+\.\d", capsys.readouterr().out)
    assert scores[plain]["tp"] >= 4
    assert abs(scores[plain]["ap"]["value"] - scores[trained]["ap"]["value"]) < 0.02
    assert abs(scores[int8]["ap"]["value"] - scores[plain]["ap"]["value"]) < 0.2

    assert run("detect", disc_set / "images", "-o", tmp_path / "found", "-m", plain) == 0
    lines = [json.loads(line) for line in (tmp_path / "found" / "detections.jsonl").read_text().splitlines()]
    assert len(lines) == 6
    labels = sorted((tmp_path / "found" / "labels").glob("*.txt"))
    assert len(labels) == 6
    assert sum(len(kitti.read_labels(p, {"face": "face"}, ("face",))) for p in labels) == sum(
        len(r["faces"]) for r in lines
    )
    assert cv2.imread(str(next((tmp_path / "found").glob("*.png")))) is not None


@pytest.mark.parametrize(
    ("change", "arguments", "says"),
    [
        (("num_epochs", "num_epoch"), (), r"spec\.txt:\d+: .*num_epoch.*num_epochs"),
        (("image_directory_path:", "tfrecords_path:"), (), "image_directory_path: is missing"),
        (('key: "face" value: "face"', 'key: "visage" value: "face"'), (), "they hold face"),
        (None, ("--set", "training_config.num_epochs=few"), "num_epochs"),
        (None, ("--device", "tpu"), "--device: is 'tpu'"),
    ],
)
def test_a_mistake_in_a_training_is_one_line(tmp_path, spec, change, arguments, says, capsys):
    if change:
        spec.write_text(spec.read_text().replace(*change))
    assert run("train", "-e", spec, "-r", tmp_path / "r", *arguments) == 1
    err = capsys.readouterr().err
    assert re.search(says, err)
    assert "Traceback" not in err
    assert err.count("\n") == 1


def test_a_training_with_a_key_ends_in_a_sealed_file(tmp_path, disc_set, spec, capsys):  # noqa: F811
    results = tmp_path / "results"
    short = ("--set", "training_config.num_epochs=1")
    assert run("train", "-e", spec, "-r", results, "-n", "night", "-k", "secret", *short) == 0
    assert "is sealed with the key" in capsys.readouterr().out
    final = results / "weights" / "night.safetensors"
    assert is_sealed(final)
    assert not is_sealed(next(results.glob("model.epoch-*.safetensors")))
    judging = ("evaluate", "-m", final, "-d", disc_set, "--rounds", "0")
    assert run(*judging, "-k", "secret") == 0
    assert run(*judging, "-k", "wrong") == 1
    assert "secret" not in (results / "status.json").read_text()


def test_faulty_labels_stop_a_training_unless_they_are_to_be_left_out(tmp_path, disc_set, spec, capsys):  # noqa: F811
    (disc_set / "labels" / "0.txt").write_text("face 0 0 0 nan 2 3 4 0 0 0 0 0 0 0\n")
    command = ("train", "-e", spec, "-r", tmp_path / "r", "--set", "training_config.num_epochs=1")
    assert run(*command) == 1
    said = capsys.readouterr()
    assert "0.txt:1: holds NaN" in said.out
    assert "1 pictures have faulty labels" in said.err
    assert "0.txt:1" in (tmp_path / "r" / "label_problems.txt").read_text()
    assert run(*command, "--skip-bad-labels") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_group_ends_a_training_in_order_and_it_goes_on(tmp_path, spec, number):
    command = [sys.executable, "-m", "faceir", "train", "-e", str(spec), "-r", str(tmp_path / "r")]
    for change in ("num_epochs=400", "num_workers=2", "checkpoint_interval=400"):
        command += ["--set", f"training_config.{change}"]
    metrics, reached = tmp_path / "r" / "metrics.jsonl", []
    for _ in range(2):
        seen = metrics.stat().st_size if metrics.exists() else 0
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        deadline = time.monotonic() + 60
        while not (metrics.exists() and metrics.stat().st_size > seen) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, number)
        said, _ = process.communicate(timeout=30)
        assert process.returncode == 130
        reached += re.findall(r"stopped at step (\d+) of 800; the same command goes on from there", said)
    steps = [json.loads(line)["step"] for line in metrics.read_text().splitlines()]
    assert len(reached) == 2
    assert steps == sorted(set(steps))  # the second run began where the first one stopped


@pytest.mark.parametrize("data", [b"", b"x" * 1000])
@pytest.mark.parametrize("verb", ["export", "evaluate"])
def test_a_broken_checkpoint_is_one_line(tmp_path, disc_set, verb, data, capsys):  # noqa: F811
    (tmp_path / "m.safetensors").write_bytes(data)
    rest = ("-o", tmp_path / "m.onnx") if verb == "export" else ("-d", disc_set)
    assert run(verb, "-m", tmp_path / "m.safetensors", *rest) == 1
    err = capsys.readouterr().err
    assert re.search(r"m\.safetensors: is (empty|cut off)", err)
    assert err.count("\n") == 1
    assert not (tmp_path / "m.onnx").exists()
