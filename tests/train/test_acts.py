"""No field of a spec is silently ignored: each acts somewhere, is refused, or is idle for a reason that is written."""

import ast
import json
from pathlib import Path

import pytest

import faceir
from faceir.spec.experiment_pb2 import Experiment
from faceir.spec.rules import IDLE, REFUSED
from faceir.spec.schema import describe
from faceir.train import acts

SOURCE = Path(faceir.__file__).parent
STATED: dict[str, str] = json.loads(acts.TARGET.read_text(encoding="utf-8"))


def test_the_table_names_every_field():
    named = [path for path, _ in acts.paths(describe(Experiment))]
    assert named == list(STATED), "type: python -m faceir.train.acts && python -m faceir.spec.doc"


@pytest.mark.slow
def test_the_table_is_true(tmp_path):
    found = acts.find(tmp_path)
    wrong = {path: (STATED.get(path), place) for path, place in found.items() if STATED.get(path) != place}
    assert not wrong, "type: python -m faceir.train.acts && python -m faceir.spec.doc"


def test_what_is_idle_has_a_reason_and_nothing_else_has_one():
    idle = {path for path, place in STATED.items() if not place}
    reasoned = {path for path in STATED if path.startswith(tuple(IDLE))}
    assert idle == reasoned


def test_what_the_rules_refuse_is_refused():
    for path in REFUSED:
        fields = [one for one in STATED if one == path or one.startswith(f"{path}.")]
        assert fields
        assert {STATED[one] for one in fields} == {acts.REFUSED}


def test_what_a_field_changes_is_used_by_the_code():
    """The attributes that the table names are read somewhere: reaching a value that nobody reads is no acting."""
    read = set()
    for path in SOURCE.rglob("*.py"):
        if path.name in ("acts.py", "experiment_pb2.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                read.add(node.attr)
    for path, places in STATED.items():
        for place in places.replace("`", "").split(", ") if places not in ("", acts.REFUSED) else ():
            *module, owner, attribute = place.split(".")
            assert attribute in read, f"{path}: nobody reads {place}"
            assert SOURCE.joinpath(*module).with_suffix(".py").exists() or SOURCE.joinpath(*module).is_dir()
            assert owner[0].isupper()
