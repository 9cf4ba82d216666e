"""`faceir prune`: one cut, its plan and its gate."""

import json

import pytest
import torch
import typer
from typer.testing import CliRunner

from faceir.contract import Contract
from faceir.errors import FaceirError, GateError, InputError
from faceir.fit import Fit
from faceir.train import checkpoint
from faceir.train.checkpoint import Checkpoint
from faceir.train.model import count_macs, count_params
from faceir.train.prune import Plan, make_plan
from faceir.verbs.prune import prune
from tests.train.conftest import disc_set, one_thread  # noqa: F401  # fixtures
from tests.train.prune.nets import SIZE, SMALL, make_net
from tests.train.specs import disc_spec


@pytest.fixture
def model(tmp_path):
    net = make_net(SMALL)
    with torch.no_grad():  # filters of very different norms, as after a training with L1
        for module in net.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.weight *= torch.rand(len(module.weight), 1, 1, 1)
    loaded = Checkpoint(net, Contract(name="small", fit=Fit(SIZE)), "spec", 9, {"ap": 0.5}, {"pictures": 3})
    checkpoint.save(tmp_path / "m.safetensors", loaded)
    return tmp_path / "m.safetensors"


@pytest.fixture(autouse=True)
def layer_times(tmp_path, monkeypatch):
    """No table of the user's, and no time spent on one: a layer takes a microsecond and one for each 1,000 MACs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("faceir.train.prune.latency._measure_layer", lambda layer, *_: 1e-3 + layer.cost.macs / 1e6)


def files(folder) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_file())


def run(*arguments: object) -> str:
    """What the verb prints; its errors are raised."""
    app = typer.Typer()
    app.command()(prune)
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if isinstance(result.exception, FaceirError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_pruned_checkpoint_explains_itself(model, tmp_path):
    out = tmp_path / "p.safetensors"
    told = run("-m", model, "-o", out, "-pth", 0.5, "-nf", 8, "-eq", "intersection", "-n", "max", "-pg", 8)
    before, after = checkpoint.load(model), checkpoint.load(out)
    assert (after.contract, after.spec, after.step, after.scores) == (before.contract, "spec", 0, {})
    note = after.data["pruned"]
    assert after.data == {"pictures": 3, "pruned": note}
    assert note["rule"]["threshold"] == 0.5
    assert note["params"] == pytest.approx(count_params(after.net) / count_params(before.net), abs=1e-6)
    assert note["macs"] == pytest.approx(count_macs(after.net, SIZE) / count_macs(before.net, SIZE), abs=1e-6)
    assert 0 < note["params"] < 1
    assert f"pruning ratio (pruned/original): {note['params']:.4f}" in told
    assert "block_3b_conv_shortcut" in told
    a = after.net.architecture
    assert all(width % 8 == 0 for width in (a.stem, *(w for unit in a.units for w in unit)))
    cov, bbox = after.net(torch.rand(1, 3, 48, 64))
    assert (cov.shape, bbox.shape) == ((1, 1, 3, 4), (1, 4, 3, 4))
    assert files(tmp_path) == ["m.safetensors", "p.safetensors"]


def test_cut_again_remembers_the_first_cut(model, tmp_path):
    run("-m", model, "-o", tmp_path / "p.safetensors", "--keep-macs", 0.7)
    run("-m", tmp_path / "p.safetensors", "-o", tmp_path / "q.safetensors", "--keep-params", 0.7, "--importance", "bn")
    note = checkpoint.load(tmp_path / "q.safetensors").data["pruned"]
    assert (note["rule"]["by"], note["earlier"]["rule"]["by"]) == ("keep_params", "keep_macs")


def test_a_plan_is_written_drawn_shown_edited_and_applied(model, tmp_path):
    path, out, png = tmp_path / "plan.json", tmp_path / "p.safetensors", tmp_path / "plan.png"
    rule = ("--keep-macs", 0.6, "-el", "conv1", "-el", "block_1a_conv_1")
    told = run("-m", model, "--plan", path, "--picture", png, *rule)
    assert "nothing is cut" in told
    assert f"--apply {path}" in told
    assert "expected ms: f32, 1 thread(s)" in told
    assert png.read_bytes().startswith(b"\x89PNG")
    assert not out.exists()
    stated = json.loads(path.read_text())
    assert stated["kept"]["conv1"] == list(range(16))
    stated["kept"]["conv1"] = [1, 3, 4]
    path.write_text(json.dumps(stated))
    with pytest.raises(InputError, match="exists, and may have been edited"):
        run("-m", model, "--plan", path, *rule)
    with pytest.raises(InputError, match="says what to keep, and so does --keep-macs"):
        run("-m", model, "--apply", path, "--keep-macs", 0.5)
    run("-m", model, "--apply", path)
    assert json.loads(path.read_text()) == stated
    told = run("-m", model, "--apply", path, "-o", out)
    assert "expected ms" not in told  # a cut by shares needs no clock
    before, after = checkpoint.load(model).net, checkpoint.load(out).net
    assert after.architecture == Plan.from_json(path.read_text()).after
    assert torch.equal(after.conv1.weight, before.conv1.weight[[1, 3, 4]])
    with pytest.raises(InputError, match="other widths"):
        run("-m", out, "--apply", path, "-o", tmp_path / "q.safetensors")


def test_the_columns_of_the_table_add_up(model):
    lines = [line.split() for line in run("-m", model, "--keep-params", 0.5).splitlines()]
    rows = [cells for cells in lines if cells and cells[0].startswith(("conv1", "block_", "output_"))]
    total = next(cells for cells in lines if cells and cells[0] == "all")
    assert len(rows) == 27
    for n in range(6):  # parameters, MACs and ms, before and after
        column = [float(cells[3 + n].replace(",", "")) for cells in rows]
        assert sum(column) == pytest.approx(float(total[1 + n].replace(",", "")), abs=0.06 * len(rows))


def test_a_time_is_a_target(model, tmp_path):
    told = run("-m", model, "-o", tmp_path / "p.safetensors", "--latency-ms", 1000, "--latency-precision", "int8")
    rule = checkpoint.load(tmp_path / "p.safetensors").data["pruned"]["rule"]
    assert 0 < rule["measured_ms"] < 1000
    assert f"{rule['measured_ms']:.3f} ms measured, {rule['predicted_ms']:.3f} ms predicted, target 1000 ms" in told
    assert "expected ms: int8" in told


def test_by_default_it_is_taos_threshold(model, tmp_path):
    run("-m", model, "--plan", tmp_path / "plan.json")
    assert Plan.from_json((tmp_path / "plan.json").read_text()) == make_plan(checkpoint.load(model).net)
    assert files(tmp_path) == ["m.safetensors", "plan.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--keep-macs", 0.5, "-pth", 0.1], "--threshold: goes not with --keep-macs"),
        (["--keep-params", 0.5, "-n", "mean"], "scale: is 'mean'"),
        (["--keep-params", 0.5, "--latency-ms", 1], "--keep-params, --latency-ms: are given together"),
        (["--latency-ms", 1, "--latency-precision", "f16"], "precision: is 'f16'"),
        (["--keep-macs", 0.5, "--importance", "taylor"], "--importance taylor: needs pictures; .* add -e SPEC"),
        (["-d", "{folder}/none"], r"none: is not a folder"),
        (["-d", "{folder}"], r"holds no labelled picture"),
        (["--rounds", 2, "--keep-macs", 0.5, "--picture", "plan.png"], "--picture: goes not with --rounds"),
        (["--restate-bn"], "--restate-bn: needs pictures"),
        (["--retrain", "x"], "--retrain: goes with --rounds"),
        (["--picture", "plan.jpg"], r"--picture: is plan\.jpg"),
        (["--keep-params", 0.5, "-eq", "union"], "--equalization: goes not with"),
        (["--keep-params", 0.5, "--keep-macs", 0.5], "are given together"),
        (["--importance", "bn"], "--importance: goes with --keep-macs"),
        (["-o", "{folder}/m.safetensors"], "--out: is the model itself"),
        (["-o", "{folder}/m.onnx"], r"--out: is m\.onnx; wanted a name in \.safetensors"),
        (["-o", "{folder}/p.safetensors", "--apply", "{folder}/none.json"], r"none\.json: does not exist"),
        (["-o", "{folder}/p.safetensors", "--apply", "{folder}/m.safetensors"], r"m\.safetensors: cannot be read"),
        (["-n", "L1"], "normalizer: is 'L1'"),
        (["-el", "conv9"], "no layer 'conv9'"),
    ],
)
def test_options_that_do_not_belong_together(model, tmp_path, arguments, message):
    with pytest.raises(InputError, match=message):
        run("-m", model, *(str(a).format(folder=tmp_path) for a in arguments))
    assert files(tmp_path) == ["m.safetensors"]


@pytest.fixture
def spec(tmp_path, disc_set):  # noqa: F811
    path = tmp_path / "spec.txt"
    path.write_text(disc_spec(disc_set))
    return path


def test_taylor_and_bn_statistics_come_from_a_spec(model, tmp_path, spec):
    told = run(
        "-m", model, "-o", tmp_path / "p.safetensors", "--keep-macs", 0.6, "--importance", "taylor", "-e", spec,
        "--batches", 2, "--restate-bn",
    )  # fmt: skip
    loaded = checkpoint.load(tmp_path / "p.safetensors")
    assert loaded.data["pruned"]["rule"]["importance"] == "taylor"
    assert loaded.net.bn_conv1.num_batches_tracked == 2
    assert "no gate: nobody has judged" in told


@pytest.mark.parametrize("max_drop", [0.5, 100])
def test_the_gate_keeps_the_file_back(model, tmp_path, disc_set, max_drop, monkeypatch):  # noqa: F811
    """The whole net finds all, the pruned one nothing."""
    from faceir.data import kitti
    from faceir.detections import Detections

    truth = {kitti.read_image(i.picture, colour=False).tobytes(): i.label for i in kitti.find(disc_set)}

    class Detector:
        def __init__(self, net, contract):
            self.whole, self.contract = count_params(net) == count_params(checkpoint.load(model).net), contract

        def __call__(self, images):
            labels = [kitti.read_labels(truth[i.tobytes()], {"face": "face"}, ("face",)) for i in images]
            return labels if self.whole else [Detections()] * len(images)

    monkeypatch.setattr("faceir.train.detector.TorchDetector", Detector)
    out = tmp_path / "p.safetensors"
    command = ("-m", model, "-o", out, "--keep-macs", 0.6, "-d", disc_set, "--max-drop", max_drop)
    if max_drop == 100:
        assert "accuracy" in run(*command)
        assert out.exists()
        return
    with pytest.raises(GateError, match="accuracy fell from 100"):
        run(*command)
    assert not out.exists()
