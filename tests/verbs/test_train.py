"""What `faceir train` prints before it begins."""

import io

import pytest

pytest.importorskip("torch", reason="trains")

from rich.console import Console

from faceir.errors import SpecError
from faceir.spec import Experiment
from faceir.verbs.train import _device, _prepared, _refuse_tao_model
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


def test_what_is_not_read_is_told(tmp_path, disc_set):  # noqa: F811
    told = printed(tmp_path, disc_set)
    assert "not read: tfrecords_path" not in told
    assert "beware:" not in told
    spec = load(tmp_path, disc_set)
    source = spec.dataset_config.data_sources[0]
    source.tfrecords_path = "records/*"
    spec.dataset_config.validation_data_source.image_directory_path = source.image_directory_path
    out = io.StringIO()
    console = Console(file=out, highlight=False, markup=False, soft_wrap=True)
    _prepared(spec, tmp_path / "r", *_device("cpu"), False, console)
    assert "not read: tfrecords_path, as labels are read from the folder" in out.getvalue()
    assert "beware: 6 of 6 pictures to validate on are trained on as well" in out.getvalue()


@pytest.mark.parametrize("name", ["resnet18.hdf5", "/models/Model.TLT"])
def test_a_model_of_tao_is_refused_at_once(tmp_path, name):
    spec = Experiment()
    spec.model_config.pretrained_model_file = name
    spec.model_config.load_graph = True
    with pytest.raises(SpecError, match="which only TAO reads") as error:
        _refuse_tao_model(spec)
    assert error.value.do.endswith('model_config.pretrained_model_file="" --set model_config.load_graph=false')
    spec.model_config.pretrained_model_file = "mine.safetensors"
    _refuse_tao_model(spec)
