"""TAO's count by hand-made examples, and targets that are hit from below."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from faceir.errors import InputError, ModelError
from faceir.train.model import Architecture, GridBoxNet
from faceir.train.prune import SCALES, Plan, apply, cost, make_plan, plan_for, shares
from tests.train.prune.nets import ODD, SIZE, SMALL, make_net, set_norms, silenced, whole

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
        ({}, "target: none is given; wanted one of keep_macs, keep_params, latency_ms"),
        ({"keep_macs": 0.5, "keep_params": 0.5}, "keep_macs, keep_params: are given together"),
        ({"latency_ms": 0.0}, r"latency_ms: is 0\.0; wanted milliseconds above 0"),
        ({"keep_macs": 0.5, "scale": "mean"}, "scale: is 'mean'"),
        ({"keep_macs": 0.5, "importance": "taylor"}, "importance: is taylor; wanted by_data"),
        ({"keep_macs": 0.5, "by_data": {}}, "importance: is l2; wanted by_data"),
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


@dataclass
class FakeClock:
    """A machine on which a net needs `factor` times what is predicted, and a little more for each picture."""

    factor: float = 1.0
    overhead_ms: float = 0.0
    measured: int = 0

    def net_ms(self, architecture: Architecture) -> float:
        return cost(architecture, SIZE).macs / 1e6

    def measured_ms(self, architecture: Architecture) -> float:
        self.measured += 1
        return self.factor * self.net_ms(architecture) + self.overhead_ms


@pytest.mark.parametrize("clock", [FakeClock(), FakeClock(1.7), FakeClock(0.6), FakeClock(1.2, 0.3)])
def test_a_time_is_held_by_the_built_net_and_not_by_the_prediction(clock):
    net = make_net(SMALL)
    target = 0.5 * clock.measured_ms(SMALL)
    plan = plan_for(net, SIZE, latency_ms=target, clock=clock, granularity=1, min_filters=1)
    assert 0.95 * target <= clock.measured_ms(plan.after) <= target
    assert plan.rule["measured_ms"] == pytest.approx(clock.measured_ms(plan.after), abs=1e-4)
    assert plan.rule["predicted_ms"] == pytest.approx(clock.net_ms(plan.after), abs=1e-4)
    assert clock.measured <= 9


def test_a_time_that_the_whole_net_holds_cuts_nothing():
    plan = plan_for(make_net(SMALL), SIZE, latency_ms=1e3, clock=FakeClock())
    assert plan.kept == whole(SMALL)


def test_a_time_out_of_reach_is_refused():
    with pytest.raises(InputError, match=r"latency_ms: is 1e-06; wanted at least"):
        plan_for(make_net(SMALL), SIZE, latency_ms=1e-6, clock=FakeClock())
    with pytest.raises(InputError, match=r"is 0\.15; wanted at least 0\.18"):  # as corrected by what was measured
        plan_for(make_net(SMALL), SIZE, latency_ms=0.15, clock=FakeClock(1e-3, 0.2), granularity=1, min_filters=1)
    stubborn = FakeClock(0.0, 1.01)
    with pytest.raises(InputError, match=r"is 1; the built nets took 1\.010 ms and more"):
        plan_for(make_net(SMALL), SIZE, latency_ms=1.0, clock=stubborn, granularity=1, min_filters=1)
    with pytest.raises(InputError, match="goes with a clock"):
        plan_for(make_net(SMALL), SIZE, latency_ms=1.0)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("importance", ["l2", "bn"])
def test_every_scale_keeps_the_strongest_of_each_layer(scale, importance):
    net = make_net(SMALL)
    plan = plan_for(net, SIZE, keep_macs=0.5, importance=importance, scale=scale, min_filters=1, granularity=1)
    assert shares(plan, SIZE)[1] <= 0.5
    weight, gamma = net.conv1.weight.flatten(1).norm(dim=1), net.bn_conv1.weight.abs()
    stat = (weight if importance == "l2" else gamma).detach().numpy()
    kept = list(plan.kept["conv1"])
    gone = sorted(set(range(16)) - set(kept))
    assert not gone or stat[kept].min() >= stat[gone].max()


def test_by_energy_no_layer_loses_more_than_the_same_share_of_its_squares():
    net = make_net(SMALL)
    plan = plan_for(net, SIZE, keep_params=0.4, scale="energy", min_filters=1, granularity=1)
    for group in ("conv1", *(f"{unit}_conv_1" for unit in ("block_1a", "block_3b", "block_4b"))):
        path = group.replace("_conv_1", ".conv_1")
        squares = net.get_submodule(path).weight.flatten(1).norm(dim=1).double() ** 2
        lost = 1 - squares[list(plan.kept[group])].sum() / squares.sum()
        assert lost <= plan.rule["threshold"] + 1e-12
