"""What `faceir train` prints before it begins."""

import io
import shutil

import pytest

pytest.importorskip("torch", reason="trains")

from rich.console import Console

from faceir.data.items import Runs
from faceir.errors import SpecError
from faceir.spec import Experiment
from faceir.train.sources import Data, find_data
from faceir.verbs.train import _device, _prepared, _print_unread, _refuse_closed_model
from tests.train.conftest import TINY, disc_set  # noqa: F401  # a fixture
from tests.train.keras_files import keras_graph, keras_layers, random_net, write
from tests.train.test_setup import load
from tests.train.test_sources import STATED, with_class


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


@pytest.mark.parametrize(
    ("learnt", "judged", "both"),
    [("discs", "others", 0), ("discs", "discs-2", 0), ("discs", ".", 6), (".", "discs", 6), (".", "others", 6)],
)
def test_pictures_on_both_sides_are_told_of_folders_that_hold_each_other_alone(
    tmp_path, disc_set, learnt, judged, both, capsys  # noqa: F811
):  # fmt: skip
    """Of unrelated folders, whose names may begin alike, not a picture is compared."""

    class Unread:
        def __iter__(self):
            raise AssertionError("looked at")

    for name in ("others", "discs-2"):
        shutil.copytree(disc_set, tmp_path / name)
    spec = load(tmp_path, tmp_path / learnt)
    spec.dataset_config.validation_data_source.image_directory_path = str(tmp_path / judged)
    data = find_data(spec) if both else Data(Unread(), Runs((), ()), Unread(), Runs((), ()))
    _print_unread(spec, data, Console(highlight=False, markup=False, soft_wrap=True))
    told = [line for line in capsys.readouterr().out.splitlines() if "beware:" in line]
    assert [line.split(" pictures")[0] for line in told] == (
        [f"    beware: 6 of {len(data.validation)}"] if both else []
    )


def test_a_class_without_label_is_told(tmp_path, disc_set):  # noqa: F811
    spec = with_class(load(tmp_path, disc_set), "hand")
    out = io.StringIO()
    console = Console(file=out, highlight=False, markup=False, soft_wrap=True)
    _prepared(spec, tmp_path / "r", *_device("cpu"), False, console)
    assert "beware: no label speaks of class hand (written hand)" in out.getvalue()


@pytest.mark.parametrize("name", ["resnet18.etlt", "/models/Model.TLT"])
def test_a_model_that_tao_encrypts_is_refused_at_once(tmp_path, name):
    spec = Experiment()
    spec.model_config.pretrained_model_file = name
    spec.model_config.load_graph = True
    with pytest.raises(SpecError, match="which only TAO reads") as error:
        _refuse_closed_model(spec)
    assert error.value.do.endswith('model_config.pretrained_model_file="" --set model_config.load_graph=false')
    for name in ("mine.safetensors", "resnet18.hdf5"):
        spec.model_config.pretrained_model_file = name
        _refuse_closed_model(spec)


def test_what_differs_from_taos_net_is_told(tmp_path, disc_set):  # noqa: F811
    net = random_net(TINY)
    graph = [*keras_graph(net), {"class_name": "QDQ", "config": {"name": "conv1_qdq"}}]
    path = write(tmp_path / "a.hdf5", keras_layers(net), graph)
    spec = load(tmp_path, disc_set, f"model_config.pretrained_model_file={path}", "model_config.load_graph=true")
    out = io.StringIO()
    console = Console(file=out, highlight=False, markup=False, soft_wrap=True)
    _prepared(spec, tmp_path / "r", *_device("cpu"), False, console)
    assert "beware: a.hdf5 was trained by TAO with enable_qat: its ReLUs stopped at 6" in out.getvalue()
    assert "from a.hdf5" in out.getvalue()
    assert "184,981 of 184,981 parameters came from the file" in out.getvalue()
