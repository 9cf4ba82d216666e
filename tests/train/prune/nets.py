"""Nets to be pruned, and plans for them."""

import copy

import torch
from hypothesis import strategies as st

from faceir.train.model import UNIT_NAMES, Architecture, GridBoxNet
from faceir.train.prune import Plan, groups

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
