"""Pruning: TAO's count by hand-made examples, and a cut net against the whole one with the same channels silenced."""

import copy
import json

import numpy as np
import pytest
import torch
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from faceir.contract import Contract
from faceir.errors import FaceirError, InputError, ModelError
from faceir.fit import Fit
from faceir.train import checkpoint
from faceir.train.checkpoint import Checkpoint
from faceir.train.model import UNIT_NAMES, Architecture, GridBoxNet, count_macs, count_params
from faceir.train.prune import Plan, apply, cost, describe, groups, make_plan, plan_for, shares
from faceir.verbs.prune import prune

# Widths that differ wherever they may, so that a mixed-up slice does not fit.
ODD = Architecture(5, ((3, 4), (6, 4), (2, 7), (5, 7), (4, 3), (3, 3), (6, 5), (2, 5)), num_classes=2)
ODDER = Architecture(5, ((3, 4), (6, 2), (2, 7), (5, 3), (4, 8), (3, 6), (6, 5), (2, 9)))
ODD_BLOCKS = Architecture(ODD.stem, ODD.units, all_projections=False)
SMALL = Architecture.resnet18(width_multiplier=0.25)
SIZE = (64, 48)


def make_net(architecture: Architecture, seed: int = 0) -> GridBoxNet:
    """A net with random weights, biases and BN statistics, as after a training."""
    torch.manual_seed(seed)
    net = GridBoxNet(architecture).eval()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.normal_(1, 0.5)
                module.bias.normal_(0, 0.3)
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.5, 2)
                module.num_batches_tracked.fill_(7)
            elif isinstance(module, torch.nn.Conv2d):
                module.bias.normal_(0, 0.1)
    return net


def set_norms(net: GridBoxNet, layer: str, norms: list[float]) -> None:
    """Give the filters of a convolution (a path of the net) these L2 norms."""
    weight = net.get_submodule(layer).weight
    with torch.no_grad():
        weight.zero_()
        weight[:, 0, 0, 0] = torch.tensor(norms)


def whole(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    return {group.name: tuple(range(group.channels)) for group in groups(architecture)}


@st.composite
def plans(draw, architectures=(ODD, ODDER, ODD_BLOCKS)):
    architecture = draw(st.sampled_from(architectures))
    kept = {
        group.name: tuple(sorted(draw(st.sets(st.integers(0, group.channels - 1), min_size=1))))
        for group in groups(architecture)
    }
    return Plan(architecture, kept, {"by": "chance"})


def silenced(net: GridBoxNet, plan: Plan) -> GridBoxNet:
    """The whole net with gamma and beta of all channels that go set to zero. Written without the table under test."""
    net = copy.deepcopy(net)

    def silence(path: str, group: str) -> None:
        bn = net.get_submodule(path)
        for gone in set(range(len(bn.weight))) - set(plan.kept[group]):
            bn.weight.data[gone] = bn.bias.data[gone] = 0

    silence("bn_conv1", "conv1")
    for unit in UNIT_NAMES:
        silence(f"{unit}.bn_1", f"{unit}_conv_1")
        out = unit if plan.before.all_projections else unit[:-1]
        silence(f"{unit}.bn_2", out)
        if net.get_submodule(unit).bn_shortcut is not None:
            silence(f"{unit}.bn_shortcut", out)
    return net


@settings(max_examples=60, deadline=None)
@given(plans(), st.integers(0, 2**16))
def test_a_pruned_net_is_the_whole_net_with_those_channels_silenced(plan, seed):
    net = make_net(plan.before, seed).double()
    x = torch.rand(2, 3, 32, 48, dtype=torch.float64)
    with torch.inference_mode():
        pruned, quiet = apply(net, plan), silenced(net, plan)
        assert pruned.architecture == plan.after
        last = "block_4b" if plan.before.all_projections else "block_4"
        wanted = quiet.features(x)
        assert torch.allclose(pruned.features(x), wanted[:, list(plan.kept[last])], rtol=0, atol=1e-9)
        for got, expected in zip(pruned(x), quiet(x), strict=True):
            assert torch.allclose(got, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("architecture", [ODDER, ODD_BLOCKS])
def test_keeping_everything_changes_no_bit_and_shares_no_memory(architecture):
    net = make_net(architecture)
    before = copy.deepcopy(net.state_dict())
    random = torch.random.get_rng_state()
    same = apply(net, Plan(architecture, whole(architecture)))
    assert torch.equal(random, torch.random.get_rng_state())
    assert same.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in same.state_dict().items())
    assert not same.training
    assert all(p.requires_grad for p in same.parameters())
    with torch.no_grad():
        for p in (*same.parameters(), *same.buffers()):
            p.zero_()
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_pruned_net_can_be_trained():
    net = make_net(SMALL).train()
    pruned = apply(net, make_plan(net, threshold=0.9, min_filters=8))
    assert pruned.training
    cov, bbox = pruned(torch.rand(2, 3, 32, 32))
    (cov.sum() + bbox.sum()).backward()
    assert all(p.grad is not None for p in pruned.parameters())


def test_a_plan_fits_its_own_net_only():
    with pytest.raises(ModelError, match="other widths"):
        apply(make_net(ODD), Plan(ODDER, whole(ODDER)))


def test_groups_with_and_without_all_projections():
    assert [(g.name, g.layers, g.channels) for g in groups(ODDER)][:3] == [
        ("conv1", ("conv1",), 5),
        ("block_1a_conv_1", ("block_1a_conv_1",), 3),
        ("block_1a", ("block_1a_conv_2", "block_1a_conv_shortcut"), 4),
    ]
    assert len(groups(ODDER)) == 17
    block_wide = {g.name: g.layers for g in groups(ODD_BLOCKS)}
    assert len(block_wide) == 13
    assert block_wide["block_4"] == ("block_4a_conv_2", "block_4a_conv_shortcut", "block_4b_conv_2")
    with pytest.raises(ModelError, match="identity shortcut adds 4 channels to 2"):
        groups(Architecture(ODDER.stem, ODDER.units, all_projections=False))


RISING = [n / 20 for n in range(1, 21)]  # 0.05 ... 1.0


@pytest.mark.parametrize(
    ("threshold", "granularity", "min_filters", "count"),
    [
        (0.0, 1, 1, 20),  # all are above
        (0.52, 1, 1, 10),  # 0.55 and above
        (0.5, 1, 1, 10),  # above means above: 0.5 itself goes
        (0.52, 8, 1, 16),  # up to a multiple of 8
        (0.62, 8, 1, 8),  # 0.65 ... 1.0 are eight
        (0.1, 8, 1, 20),  # 18, up to 24, but there are 20 only
        (2.0, 1, 1, 1),  # none is above: the minimum stays
        (2.0, 8, 1, 8),  # ... in multiples
        (2.0, 8, 16, 16),
        (2.0, 1, 16, 16),
        (2.0, 1, 64, 20),  # a layer of fewer filters than the minimum stays whole
        (2.0, 6, 16, 18),
        (0.52, 8, 16, 16),
    ],
)
def test_the_count_of_tao(threshold, granularity, min_filters, count):
    net = GridBoxNet(Architecture(20, ((8, 8),) * 8))
    order = np.random.default_rng(0).permutation(20)
    set_norms(net, "conv1", [3 * RISING[n] for n in order])  # times 3: norms are divided by the layer's largest
    kept = make_plan(net, threshold=threshold, granularity=granularity, min_filters=min_filters).kept["conv1"]
    assert kept == tuple(sorted(np.argsort(-order)[:count].tolist()))


def test_the_l2_normaliser_gives_equal_filters_the_root_of_their_number():
    net = GridBoxNet(Architecture(16, ((8, 8),) * 8))
    set_norms(net, "conv1", [0.3] * 16)  # 0.3 / (0.3 * 4) * 16 = 4
    wanted = {3.99: 16, 4.01: 1}
    for threshold, count in wanted.items():
        plan = make_plan(net, threshold=threshold, normalizer="L2", granularity=1, min_filters=1)
        assert len(plan.kept["conv1"]) == count


def test_biases_and_bn_have_no_say_and_a_dead_layer_keeps_the_least():
    one, other = make_net(SMALL), make_net(SMALL)
    with torch.no_grad():
        for name, p in other.named_parameters():
            if name.endswith("bias") or "bn_" in name:
                p.normal_(0, 9)
    assert make_plan(one, threshold=0.9) == make_plan(other, threshold=0.9)
    set_norms(one, "conv1", [0.0] * 16)
    assert len(make_plan(one, threshold=0.0, min_filters=3, granularity=2).kept["conv1"]) == 4


@pytest.mark.parametrize(
    ("equalization", "kept"),
    [
        # of (1, .8, .1, .2) and (.1, .9, 1, .2), above 0.5
        ("union", (0, 1, 2)),
        ("intersection", (1,)),
        ("arithmetic_mean", (0, 1, 2)),  # .55 .85 .55 .2
        ("geometric_mean", (1,)),  # .32 .85 .32 .2
    ],
)
def test_the_layers_of_a_sum_are_merged(equalization, kept):
    net = GridBoxNet(Architecture(4, ((4, 4),) * 8))
    set_norms(net, "block_2a.conv_2", [10, 8, 1, 2])
    set_norms(net, "block_2a.conv_shortcut", [0.1, 0.9, 1, 0.2])
    plan = make_plan(net, threshold=0.5, equalization=equalization, granularity=1, min_filters=1)
    assert plan.kept["block_2a"] == kept


def test_means_are_of_all_layers_of_a_block():
    net = GridBoxNet(Architecture(4, ((4, 4),) * 8, all_projections=False))
    set_norms(net, "block_3a.conv_2", [1, 1, 1, 0.5])
    set_norms(net, "block_3a.conv_shortcut", [1, 0.2, 0.5, 0.5])
    set_norms(net, "block_3b.conv_2", [1, 0.2, 0.2, 0.5])

    def kept(equalization: str, threshold: float) -> tuple[int, ...]:
        plan = make_plan(net, threshold=threshold, equalization=equalization, granularity=1, min_filters=1)
        return plan.kept["block_3"]

    assert kept("arithmetic_mean", 0.51) == (0, 2)  # 1, 1.4/3, 1.7/3, 0.5
    assert kept("geometric_mean", 0.45) == (0, 2, 3)  # 1, 0.04^(1/3) = 0.34, 0.1^(1/3) = 0.46, 0.5
    assert kept("intersection", 0.3) == (0, 3)
    assert kept("union", 0.6) == (0, 1, 2)


@pytest.mark.parametrize("architecture", [SMALL, Architecture.resnet18(1, 0.25, all_projections=False)])
def test_an_excluded_layer_keeps_its_whole_group(architecture):
    net = make_net(architecture)
    options = {"threshold": 2.0, "min_filters": 8}
    plan = make_plan(net, **options, excluded=["block_3a_conv_shortcut", "conv1", "output_cov"])
    changed = {group for group, kept in make_plan(net, **options).kept.items() if kept != plan.kept[group]}
    assert changed == {"conv1", "block_3a" if architecture.all_projections else "block_3"}
    assert all(plan.kept[group] == whole(architecture)[group] for group in changed)
    plan = plan_for(net, SIZE, keep_macs=0.6, excluded=["conv1"])
    assert plan.kept["conv1"] == whole(architecture)["conv1"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalizer": "min"}, "normalizer: is 'min'; wanted max or L2"),
        ({"equalization": "mean"}, "equalization: is 'mean'"),
        ({"threshold": float("nan")}, "threshold: is nan"),
        ({"granularity": 0}, "granularity: is 0; wanted 1 or more"),
        ({"min_filters": 0}, "min_filters: is 0"),
        ({"excluded": ["block_2a_conv2"]}, "no layer 'block_2a_conv2'; wanted block_2a_conv_2"),
    ],
)
def test_wrong_rules_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        make_plan(GridBoxNet(ODD), **options)


def test_a_broken_net_is_refused():
    net = GridBoxNet(ODD)
    net.get_submodule("block_2a.conv_1").weight.data[0] = float("nan")
    with pytest.raises(ModelError, match="block_2a_conv_1: its weights are not finite"):
        make_plan(net)


@settings(max_examples=30, deadline=None)
@given(plans())
def test_json_there_and_back(plan):
    assert Plan.from_json(plan.to_json()) == plan


def test_plans_by_rule_there_and_back():
    net = make_net(SMALL)
    for plan in (make_plan(net, threshold=0.7, excluded=("conv1",)), plan_for(net, SIZE, keep_macs=0.5)):
        assert Plan.from_json(plan.to_json()) == plan
    assert json.loads(plan.to_json())["kept"]["conv1"] == list(plan.kept["conv1"])
    assert plan.to_json().count("\n") == 8 + 17  # a group a line


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ({"conv1": [0, 5]}, r"my\.json: group conv1 has index 5; wanted indices 0\.\.4"),
        ({"conv1": [-1, 2]}, "index -1"),
        ({"conv1": [0, 1.0]}, r"index 1\.0"),
        ({"conv1": [True]}, "index True"),
        ({"conv1": ["0"]}, "index '0'"),
        ({"conv1": [1, 1]}, "index 1 behind 1"),
        ({"conv1": [2, 1]}, "index 1 behind 2"),
        ({"conv1": []}, "keeps no channel"),
        ({"conv1": 3}, "cannot be read"),
        ({"conv2": [1]}, "has a group conv2, which"),
        ({"conv1": None}, "has no group conv1"),
    ],
)
def test_a_plan_that_was_edited_wrongly_is_refused(kept, message):
    stated = json.loads(Plan(ODDER, whole(ODDER)).to_json())
    stated["kept"] = {group: indices for group, indices in (stated["kept"] | kept).items() if indices is not None}
    with pytest.raises(InputError, match=message):
        Plan.from_json(json.dumps(stated), "my.json")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"format": 2, "kind": "pruning plan"}', '{"kind": "pruning plan", "format": 1}']
)
def test_other_text_is_no_plan(text):
    with pytest.raises(InputError, match=r"my\.json: cannot be read .* wanted a pruning plan"):
        Plan.from_json(text, "my.json")
    unreadable = Plan(ODD, whole(ODD)).to_json().replace('"stem": 5', '"stem": "many"')
    with pytest.raises(InputError, match=r"my\.json: cannot be read"):
        Plan.from_json(unreadable, "my.json")


@settings(max_examples=15, deadline=None)
@given(plans(), st.integers(1, 4), st.integers(1, 4), st.integers(0, 15), st.integers(0, 15))
def test_costs_are_those_of_the_counted_net(plan, w, h, more_w, more_h):
    size_wh = (16 * w + more_w, 16 * h + more_h)
    for architecture in (plan.before, plan.after):
        net, stated = GridBoxNet(architecture), cost(architecture, size_wh)
        assert (stated.params, stated.macs) == (count_params(net), count_macs(net, size_wh))
    rows = describe(plan, size_wh)
    for index, architecture in enumerate((plan.before, plan.after)):
        assert sum(row.params[index] for row in rows) == cost(architecture, size_wh).params
        assert sum(row.macs[index] for row in rows) == cost(architecture, size_wh).macs


def test_costs_of_the_reference():
    full = Architecture.resnet18()
    assert cost(full, (384, 240)).params == 11_527_557 + 23_296
    assert cost(full, (384, 240)).macs == pytest.approx(5.786e9, rel=1e-4)
    rows = describe(Plan(full, whole(full)), (384, 240))
    assert (rows[0].name, rows[0].channels, rows[0].params) == ("conv1", (64, 64), (9_472 + 256,) * 2)
    assert [row.name for row in rows[-2:]] == ["output_bbox", "output_cov"]
    assert rows[-2].channels == (4, 4)  # heads are never cut, but their inputs are


@pytest.mark.parametrize("importance", ["l2", "bn"])
@pytest.mark.parametrize("what", ["keep_macs", "keep_params"])
def test_a_target_is_hit_from_below_and_more_keeps_more(what, importance):
    net = make_net(SMALL)
    last = 0.0
    for target in (0.3, 0.4, 0.55, 0.7, 0.85, 1.0):
        plan = plan_for(net, SIZE, **{what: target}, importance=importance, granularity=4)
        params, macs = shares(plan, SIZE)
        share = macs if what == "keep_macs" else params
        assert last <= share <= target
        assert share > target - 0.12
        last = share
    assert plan.kept == whole(SMALL)
    assert shares(plan, SIZE) == (1.0, 1.0)


def test_by_kernel_norms_a_share_is_taos_rule_with_its_threshold_found():
    net = make_net(SMALL)
    plan = plan_for(net, SIZE, keep_params=0.4)
    assert plan.kept == make_plan(net, threshold=plan.rule["threshold"], min_filters=8).kept


def test_by_bn_the_silent_channels_go_first():
    """Channels whose gamma and beta are zero are all that goes, and the net computes the same without them."""
    quiet = {group: kept[1::2] for group, kept in whole(SMALL).items()}
    net = silenced(make_net(SMALL), Plan(SMALL, quiet))
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight[1::2] = module.weight[1::2].abs() + 0.1
    target = shares(Plan(SMALL, quiet), SIZE)[0]
    plan = plan_for(net, SIZE, keep_params=target + 1e-9, importance="bn", granularity=1, min_filters=1)
    assert plan.kept == quiet
    x = torch.rand(1, 3, 48, 64)
    with torch.inference_mode():
        for got, wanted in zip(apply(net, plan)(x), net(x), strict=True):
            assert torch.allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "both or none are given"),
        ({"keep_macs": 0.5, "keep_params": 0.5}, "both or none are given"),
        ({"keep_macs": 0.0}, r"keep_macs: is 0\.0; wanted a share"),
        ({"keep_params": 1.5}, r"keep_params: is 1\.5"),
        ({"keep_params": float("nan")}, "keep_params: is nan"),
        ({"keep_macs": 0.001}, r"keep_macs: is 0\.001; wanted at least 0\.\d+; or lower min_filters"),
        ({"keep_macs": 0.5, "importance": "l1"}, "importance: is 'l1'; wanted l2 or bn"),
    ],
)
def test_wrong_targets_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        plan_for(make_net(SMALL), SIZE, **options)


# The verb


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
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.safetensors", "p.safetensors"]


def test_cut_again_remembers_the_first_cut(model, tmp_path):
    run("-m", model, "-o", tmp_path / "p.safetensors", "--keep-macs", 0.7)
    run("-m", tmp_path / "p.safetensors", "-o", tmp_path / "q.safetensors", "--keep-params", 0.7, "--importance", "bn")
    note = checkpoint.load(tmp_path / "q.safetensors").data["pruned"]
    assert (note["rule"]["by"], note["earlier"]["rule"]["by"]) == ("keep_params", "keep_macs")


def test_a_plan_is_written_shown_edited_and_applied(model, tmp_path):
    path, out = tmp_path / "plan.json", tmp_path / "p.safetensors"
    told = run("-m", model, "--plan", path, "--keep-macs", 0.6, "-el", "conv1", "-el", "block_1a_conv_1")
    assert "nothing is cut" in told
    assert not out.exists()
    stated = json.loads(path.read_text())
    assert stated["kept"]["conv1"] == list(range(16))
    stated["kept"]["conv1"] = [1, 3, 4]
    path.write_text(json.dumps(stated))
    run("-m", model, "--plan", path)
    assert json.loads(path.read_text()) == stated  # an edited plan is never overwritten
    with pytest.raises(InputError, match="says what to keep, and so does --keep-macs"):
        run("-m", model, "--plan", path, "--keep-macs", 0.5)
    run("-m", model, "--plan", path, "-o", out)
    before, after = checkpoint.load(model).net, checkpoint.load(out).net
    assert after.architecture == Plan.from_json(path.read_text()).after
    assert torch.equal(after.conv1.weight, before.conv1.weight[[1, 3, 4]])
    with pytest.raises(InputError, match="other widths"):
        run("-m", out, "--plan", path, "-o", tmp_path / "q.safetensors")


def test_by_default_it_is_taos_threshold(model, tmp_path):
    run("-m", model, "--plan", tmp_path / "plan.json")
    assert Plan.from_json((tmp_path / "plan.json").read_text()) == make_plan(checkpoint.load(model).net)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.safetensors", "plan.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--keep-macs", 0.5, "-pth", 0.1], "--threshold: goes not with --keep-macs"),
        (["--keep-params", 0.5, "-n", "max"], "--normalizer: goes not with --keep-params"),
        (["--keep-params", 0.5, "-eq", "union"], "--equalization: goes not with"),
        (["--keep-params", 0.5, "--keep-macs", 0.5], "are both given"),
        (["--importance", "bn"], "--importance: goes with --keep-macs or --keep-params"),
        (["-o", "{folder}/m.safetensors"], "--out: is the model itself"),
        (["-o", "{folder}/m.onnx"], r"--out: is m\.onnx; wanted a name that ends in \.safetensors"),
        (["-o", "{folder}/p.safetensors", "--plan", "{folder}/none.json"], r"none\.json: does not exist"),
        (["-o", "{folder}/p.safetensors", "--plan", "{folder}/m.safetensors"], r"m\.safetensors: cannot be read"),
        (["-n", "L1"], "normalizer: is 'L1'"),
        (["-el", "conv9"], "no layer 'conv9'"),
    ],
)
def test_options_that_do_not_belong_together(model, tmp_path, arguments, message):
    with pytest.raises(InputError, match=message):
        run("-m", model, *(str(a).format(folder=tmp_path) for a in arguments))
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]
