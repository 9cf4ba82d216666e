"""The cut against the whole net with the same channels silenced; plans as files."""

import copy
import json

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceir.contract import Contract
from faceir.errors import InputError, ModelError
from faceir.fit import Fit
from faceir.train.export import PARITY_LIMIT, export
from faceir.train.prune import Plan, apply, make_plan, plan_for
from tests.train.prune.nets import ODD, ODD_BLOCKS, ODDER, SIZE, SMALL, make_net, plans, silenced, whole


@pytest.mark.slow
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


@pytest.mark.slow
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans(), st.integers(0, 2**16))
def test_any_plan_gives_a_net_whose_onnx_agrees(tmp_path, plan, seed):
    """OpenVINO runs the file within `export`, whose limit it must hold; ONNX Runtime is asked here."""
    onnxruntime = pytest.importorskip("onnxruntime")
    net = apply(make_net(plan.before, seed), plan)
    classes = plan.before.num_classes
    contract = Contract(classes=tuple("ab"[:classes]), fit=Fit(SIZE), cluster=Contract().cluster * classes)
    exported = export(net, contract, tmp_path / "p.onnx")
    assert exported.parity <= PARITY_LIMIT
    x = torch.rand(2, 3, SIZE[1], SIZE[0])
    found = onnxruntime.InferenceSession(exported.path).run(None, {"input_1": x.numpy()})
    with torch.inference_mode():
        cov, bbox = net(x)
    for got, wanted in zip(found, (bbox, cov), strict=True):
        assert torch.allclose(torch.from_numpy(got), wanted, atol=1e-4)
