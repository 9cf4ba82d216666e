"""Times of layers: measured once, kept, and of the right order."""

import json

import pytest

from faceir.errors import InputError
from faceir.train.model import Architecture
from faceir.train.prune import LayerTimes, layers
from faceir.train.prune.latency import cache_folder
from tests.train.prune.nets import ODD_BLOCKS

pytestmark = pytest.mark.slow

TINY, SIZE = Architecture.resnet18(width_multiplier=0.125), (96, 64)


@pytest.mark.parametrize("precision", ["f32", "int8"])
def test_layers_are_measured_once_and_kept(tmp_path, precision, monkeypatch):
    times = LayerTimes(SIZE, precision, folder=tmp_path)
    found = times.layers_ms(TINY)
    assert len(found) == len(layers(TINY, SIZE))
    assert all(ms > 0 for ms in found)
    assert times.net_ms(TINY) == pytest.approx(sum(found))
    stated = json.loads(times.path.read_text())
    assert (stated["precision"], stated["threads"], stated["machine"]) == (precision, 1, times.machine)
    assert "7x7/2 1>8 96x64" in stated["layers_ms"]  # the picture is one channel to the runtime
    monkeypatch.setattr("faceir.train.prune.latency._measure_layer", lambda *_: pytest.fail("measured again"))
    assert LayerTimes(SIZE, precision, folder=tmp_path).layers_ms(TINY) == found
    assert [p.name for p in tmp_path.iterdir()] == [times.path.name]


@pytest.mark.parametrize("precision", ["f32", "int8"])
@pytest.mark.parametrize("architecture", [TINY, ODD_BLOCKS])
def test_a_whole_net_is_built_and_run(tmp_path, architecture, precision):
    assert 0 < LayerTimes(SIZE, precision, folder=tmp_path).measured_ms(architecture) < 1e3


def test_more_work_takes_more_time(tmp_path):
    times = LayerTimes((192, 128), folder=tmp_path)
    narrow, wide = Architecture(16, ((16, 16),) * 8), Architecture(16, ((128, 128),) * 8)
    assert times.net_ms(wide) > 3 * times.net_ms(narrow)
    assert times.measured_ms(wide) > 3 * times.measured_ms(narrow)


def test_a_broken_table_is_measured_again(tmp_path, monkeypatch):
    monkeypatch.setattr("faceir.train.prune.latency._measure_layer", lambda *_: 0.25)
    path = LayerTimes(SIZE, folder=tmp_path).path
    for text in ("", "[]", '{"layers_ms": 3}', '{"layers_ms": {"7x7/2 1>8 96x64": "fast"}}'):
        path.write_text(text)
        assert LayerTimes(SIZE, folder=tmp_path).layers_ms(TINY) == [0.25] * len(layers(TINY, SIZE))


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("faceir.train.prune.latency._measure_layer", lambda *_: 0.25)
    (tmp_path / "file").write_text("")
    assert LayerTimes(SIZE, folder=tmp_path / "file" / "folder").net_ms(TINY) > 0


def test_where_it_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "faceir"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder().parts[-2:] == (".cache", "faceir")


@pytest.mark.parametrize(
    ("options", "message"), [({"precision": "f16"}, "precision: is 'f16'"), ({"threads": 0}, "threads: is 0")]
)
def test_wrong_choices_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        LayerTimes(SIZE, **options)
