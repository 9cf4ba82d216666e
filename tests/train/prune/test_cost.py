"""Costs from widths alone, against the net that is counted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir.train.model import Architecture, GridBoxNet, count_macs, count_params
from faceir.train.prune import Plan, cost, describe
from tests.train.prune.nets import plans, whole


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
