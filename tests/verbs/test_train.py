"""What `faceir train` prints before it begins."""

import io

import pytest

pytest.importorskip("torch", reason="trains")

from rich.console import Console

from faceir.verbs.train import _device, _prepared
from tests.train.conftest import disc_set  # noqa: F401  # a fixture
from tests.train.test_setup import load
from tests.train.test_sources import STATED


def printed(tmp_path, folder):
    out = io.StringIO()
    console = Console(file=out, highlight=False, markup=False, soft_wrap=True)
    _prepared(load(tmp_path, folder), tmp_path / "r", *_device("cpu"), False, console)
    return out.getvalue()


def test_the_plan_names_the_terms_of_the_pictures(tmp_path, disc_set):  # noqa: F811
    told = printed(tmp_path, disc_set)
    assert "data: 6 pictures to train on, 0 to validate on" in told
    assert "    terms: nobody states those of discs: " in told
    (disc_set / "sources.toml").write_text(STATED)
    assert "terms:" not in printed(tmp_path, disc_set)
