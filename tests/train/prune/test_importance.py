"""What a channel is worth: figures by hand, and Taylor's against what the loss does when a channel falls silent."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from faceir.errors import InputError
from faceir.train.loader import Batch
from faceir.train.loss import Targets
from faceir.train.model import UNIT_NAMES, Architecture
from faceir.train.prune import SCALES, Plan, apply, groups, restate, taylor
from faceir.train.prune.importance import scaled
from tests.train.prune.nets import ODD_BLOCKS, ODDER, SMALL, make_net, silenced, whole

ODD_BLOCKS = replace(ODD_BLOCKS, num_classes=1)


def make_batches(count: int = 2, seed: int = 0) -> list[Batch]:
    """Noise, and targets that a net could have."""
    g = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(count):
        pictures = torch.randint(0, 256, (3, 1, 32, 48), generator=g, dtype=torch.uint8)
        cov, bbox = torch.rand(3, 1, 2, 3, generator=g), torch.rand(3, 4, 2, 3, generator=g)
        made.append(Batch(pictures, Targets(cov, bbox, torch.ones_like(cov), torch.ones_like(cov)), ()))
    return made


def loss(cov, bbox, targets):
    return ((torch.sigmoid(cov) - targets.cov) ** 2).mean() + ((bbox - targets.bbox) ** 2).mean()


def loss_of(net, batches) -> float:
    with torch.no_grad():
        return float(np.mean([loss(*net.logits(b.pictures.float() / 255), b.targets) for b in batches]))


def bns_of(group: str, all_projections: bool) -> list[str]:
    """Paths of the BNs of a group; written without the table under test."""
    if group == "conv1":
        return ["bn_conv1"]
    if group.endswith("_conv_1"):
        return [group.removesuffix("_conv_1") + ".bn_1"]
    units = [group] if all_projections else [u for u in UNIT_NAMES if u[:-1] == group]
    joins = [[f"{u}.bn_2"] + ([f"{u}.bn_shortcut"] if all_projections or u.endswith("a") else []) for u in units]
    return [path for paths in joins for path in paths]


@pytest.mark.parametrize("architecture", [ODDER, ODD_BLOCKS])
def test_a_dead_channel_is_worth_nothing(architecture):
    dead = {group.name: 0 for group in groups(architecture)}
    kept = {name: indices[1:] for name, indices in whole(architecture).items()}
    net = silenced(make_net(architecture), Plan(architecture, kept))
    found = taylor(net, make_batches(), loss)
    assert found.keys() == dead.keys()
    for group, (stat,) in found.items():
        assert stat[0] == 0
        assert (stat >= 0).all()
        assert len(stat) == len(whole(architecture)[group])
    assert sum((stat > 0).sum() for (stat,) in found.values()) >= 5


@pytest.mark.parametrize("all_projections", [True, False])
def test_the_figure_is_the_slope_of_the_loss_over_a_gate(all_projections):
    """A group's channel is scaled by 1 + h and 1 - h in all its BNs; the quotient of differences is the figure."""
    net, batches, h = make_net(ODDER if all_projections else ODD_BLOCKS).double(), make_batches(1), 1e-5
    found = taylor(_Double(net), batches, loss)

    def gated(group: str, channel: int, scale: float) -> float:
        other = copy.deepcopy(net)
        for path in bns_of(group, all_projections):
            bn = other.get_submodule(path)
            bn.weight.data[channel] *= scale
            bn.bias.data[channel] *= scale
        with torch.no_grad():
            return float(loss(*_Double(other).logits(batches[0].pictures / 255), batches[0].targets))

    for group in found:
        for channel in (0, 1):
            slope = (gated(group, channel, 1 + h) - gated(group, channel, 1 - h)) / (2 * h)
            assert found[group][0][channel] == pytest.approx(abs(slope), rel=1e-3, abs=1e-7)


class _Double:
    """`net` with the one float of `taylor` taken out of its way."""

    def __init__(self, net) -> None:
        self._net = net

    def __getattr__(self, name):
        return getattr(self._net, name)

    def logits(self, pictures):
        x = self._net.features(pictures.double())
        return self._net.output_cov(x), self._net.output_bbox(x)


def test_what_is_worth_least_is_missed_least():
    """Rank correlation of the figures with the rise of the loss when each channel alone falls silent."""
    net, batches = make_net(Architecture.resnet18(width_multiplier=0.125)), make_batches(3)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(12):  # Taylor tells of a net that has learnt something
        for b in batches:
            optimiser.zero_grad()
            loss(*net.logits(b.pictures.float() / 255), b.targets).backward()
            optimiser.step()
    net.eval()
    found, base = taylor(net, batches, loss), loss_of(net, batches)
    for group in ("conv1", "block_2a"):
        changes = []
        for channel in range(len(found[group][0])):
            other = copy.deepcopy(net)
            for path in bns_of(group, True):
                other.get_submodule(path).weight.data[channel] = other.get_submodule(path).bias.data[channel] = 0
            changes.append(abs(loss_of(other, batches) - base))
        correlation = spearmanr(found[group][0], changes).statistic
        assert correlation > 0.3, (group, correlation)
        assert changes[int(found[group][0].argmin())] <= np.median(changes)


def test_taylor_leaves_the_net_as_it_was():
    net = make_net(SMALL).train()
    before = copy.deepcopy(net.state_dict())
    taylor(net, make_batches(), loss)
    assert net.training
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_taylor_wants_batches_and_a_loss():
    with pytest.raises(InputError, match="got no batch"):
        taylor(make_net(SMALL), [], loss)
    with pytest.raises(InputError, match="the loss is nan"):
        taylor(make_net(SMALL), make_batches(), lambda cov, bbox, targets: cov.mean() * float("nan"))


def test_restated_statistics_are_the_mean_over_the_batches():
    net, batches = make_net(SMALL), make_batches(3)
    net = apply(net, Plan(SMALL, {**whole(SMALL), "conv1": (1, 4, 5)}))
    momentum = net.bn_conv1.momentum
    restate(net, batches)
    with torch.no_grad():
        first = [net.conv1(b.pictures.float().expand(-1, 3, -1, -1) / 255) for b in batches]
    assert torch.allclose(net.bn_conv1.running_mean, torch.stack([y.mean((0, 2, 3)) for y in first]).mean(0), atol=1e-5)
    assert torch.allclose(net.bn_conv1.running_var, torch.stack([y.var((0, 2, 3)) for y in first]).mean(0), rtol=1e-4)
    assert net.bn_conv1.momentum == momentum
    assert not net.training


@example([5e-324], "L2")
@example([5e-324, 1e-200], "energy")
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20), st.sampled_from(SCALES))
def test_a_scale_keeps_the_order(values, by):
    stat = np.array(values)
    found = scaled(stat, by)
    order = np.argsort(stat, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        ("max", [0.75, 0.25, 1.0, 0.0]),
        ("L2", [12 / 26**0.5, 4 / 26**0.5, 16 / 26**0.5, 0.0]),
        ("energy", [10 / 26, 1 / 26, 1.0, 0.0]),
        ("rank", [0.75, 0.5, 1.0, 0.25]),
        ("none", [3.0, 1.0, 4.0, 0.0]),
    ],
)
def test_scales_by_hand(by, wanted):
    stat = np.array([3.0, 1.0, 4.0, 0.0])
    assert scaled(stat, by) == pytest.approx(wanted)
    assert (scaled(np.zeros(3), by) == 0).all()
