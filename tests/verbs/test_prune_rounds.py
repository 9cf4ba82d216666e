"""`faceir prune --rounds` on the tests' discs: steps, what is changed in the spec, resumption, and the gate's stop."""

import io
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from faceir.contract import Contract
from faceir.errors import GateError, InputError
from faceir.fit import Fit
from faceir.train import checkpoint
from faceir.train.checkpoint import Checkpoint
from faceir.train.model import Architecture
from faceir.train.prune import cost
from faceir.verbs.prune_options import Choice, Rounds
from faceir.verbs.prune_rounds import _steps, run_rounds
from tests.train.conftest import SIZE, disc_set, one_thread  # noqa: F401  # fixtures
from tests.train.prune.nets import make_net
from tests.train.specs import disc_spec

NET = Architecture.resnet18(width_multiplier=0.25)


class FakeGate:
    """Fails in the rounds it is told to."""

    def __init__(self, *fails: int) -> None:
        self.fails, self.seen = fails, []

    def check(self, before, after, contract, what, console):
        self.seen.append((what, cost(after.net.architecture, SIZE).macs / cost(before.net.architecture, SIZE).macs))
        if int(what.split()[1]) in self.fails:
            raise GateError(what, "accuracy fell", "less")


@pytest.fixture
def asked(tmp_path, disc_set):  # noqa: F811
    """Makes what `--rounds 2 --keep-macs 0.4` asks for."""
    spec = disc_spec(disc_set).replace("num_epochs: 3", "num_epochs: 1")
    (tmp_path / "spec.txt").write_text(spec)
    checkpoint.save(tmp_path / "m.safetensors", Checkpoint(make_net(NET), Contract(fit=Fit(SIZE))))

    def make(gate=None, target=0.4, **rest) -> Rounds:
        choice = Choice({"--keep-macs": target, "--granularity": 4, "--min-filters": 4})
        given = {
            "model": tmp_path / "m.safetensors", "out": tmp_path / "out.safetensors", "rounds": 2,
            "retrain": tmp_path / "spec.txt", "results": tmp_path / "r", "choice": choice, "gate": gate,
        }  # fmt: skip
        return Rounds(**given | rest)

    return make


def run(asked: Rounds) -> str:
    told = io.StringIO()
    run_rounds(asked, Console(file=told, width=400))
    return told.getvalue()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_rounds_reach_the_target_resume_and_say_what_they_change(asked, tmp_path, monkeypatch):
    gate = FakeGate()
    told = run(asked(gate))
    for line in ("model_config.pretrained_model_file=", "model_config.load_graph=true", "regularizer.type=NO_REG"):
        assert told.count(line) == 2
    (_, first), (_, second) = gate.seen
    assert 0.5 < first <= 0.4**0.5 + 1e-6
    assert 0.3 < second <= 0.4 + 1e-6  # of the unpruned net, though the second cut is of the first round's
    found = checkpoint.load(tmp_path / "out.safetensors")
    assert cost(found.net.architecture, SIZE).macs / cost(NET, SIZE).macs == pytest.approx(second)
    assert found.step == 2
    assert "NO_REG" in found.spec
    assert found.data["pruned"]["earlier"]["rule"]["by"] == "keep_macs"
    cut_net = checkpoint.load(tmp_path / "r" / "round-2" / "pruned.safetensors").net
    assert not torch.equal(cut_net.conv1.weight, found.net.conv1.weight)  # it was trained

    monkeypatch.setattr("faceir.verbs.train.train", lambda *_, **__: pytest.fail("trained again"))
    (tmp_path / "out.safetensors").unlink()
    again = FakeGate()
    assert "is there: not cut and trained again" in run(asked(again))
    assert again.seen == gate.seen
    assert (tmp_path / "out.safetensors").exists()
    with pytest.raises(InputError, match="belongs to rounds with other options"):
        run(asked(again, target=0.3))


def trained_by_copying(spec, results, overrides):
    """In the place of a training: the cut net as it is."""
    (path,) = (o.partition("=")[2].strip('"') for o in overrides if "pretrained" in o)
    checkpoint.save(results / "weights" / "model.safetensors", checkpoint.load(path))


def test_the_last_round_that_held_is_kept(asked, tmp_path, monkeypatch):
    monkeypatch.setattr("faceir.verbs.train.train", trained_by_copying)
    gate = FakeGate(3)
    told = run(asked(gate, rounds=4))
    assert [what for what, _ in gate.seen] == [f"round {n} of 4" for n in (1, 2, 3)]
    assert "is the net of round 2 of 4, which held" in told
    held = tmp_path / "r" / "round-2" / "weights" / "model.safetensors"
    assert (tmp_path / "out.safetensors").read_bytes() == held.read_bytes()
    assert not (tmp_path / "r" / "round-4").exists()


def test_a_first_round_that_fails_writes_nothing(asked, tmp_path, monkeypatch):
    monkeypatch.setattr("faceir.verbs.train.train", trained_by_copying)
    with pytest.raises(GateError):
        run(asked(FakeGate(1)))
    assert not (tmp_path / "out.safetensors").exists()


def test_steps_have_equal_ratios(asked):
    rounds = asked(rounds=3, target=0.125)
    assert _steps(rounds, None, None) == pytest.approx([0.5, 0.25, 0.125])
    timed = asked(rounds=2, choice=Choice({"--latency-ms": 1.0}))
    clock, whole = SimpleNamespace(measured_ms=lambda _: 4.0), SimpleNamespace(net=SimpleNamespace(architecture=None))
    assert _steps(timed, whole, clock) == pytest.approx([2.0, 1.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"out": None}, "--rounds: needs -o"),
        ({"retrain": None}, "--rounds: needs --retrain"),
        ({"results": None}, "--rounds: needs --results"),
        ({"choice": Choice({})}, "--rounds: has no target"),
        ({"key": "secret"}, "plain checkpoints"),
    ],
)
def test_what_rounds_need(asked, change, message):
    with pytest.raises(InputError, match=message):
        run(asked(**change))
