"""Which filters go together."""

import pytest
from torch import nn

from faceir.errors import ModelError
from faceir.train.model import Architecture, GridBoxNet
from faceir.train.prune import groups
from faceir.train.prune.wiring import wiring
from tests.train.prune.nets import ODD_BLOCKS, ODDER, SMALL


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


@pytest.mark.parametrize("architecture", [SMALL, ODD_BLOCKS])
def test_the_table_names_every_convolution_of_the_net_as_it_is(architecture):
    net = GridBoxNet(architecture)
    convs = {name: m for name, m in net.named_modules() if isinstance(m, nn.Conv2d)}
    table = {conv.path: conv for conv in wiring(architecture.all_projections)}
    assert table.keys() == convs.keys()
    for path, conv in table.items():
        assert (conv.kernel, conv.step) == (convs[path].kernel_size[0], convs[path].stride[0])
        assert not conv.bn or net.get_submodule(conv.bn).num_features == convs[path].out_channels
