from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.errors import FaceirError, SpecError
from faceir.runtime.deepstream.app_config import AppConfig, read_app
from faceir.runtime.deepstream.filter import MuxFrame
from tests.runtime.deepstream import samples

CONFIGS = Path(__file__).parents[3] / "configs"
PRIMARY = "[primary-gie]\nenable=1\nconfig-file=config_infer_primary_facedetectir.txt\n"
SOURCE = "[source0]\nenable=1\ntype=3\nuri=file:///film.mp4\n"


def read(tmp_path: Path, app: str, edition: str = "b") -> AppConfig:
    return read_app(samples.write(tmp_path, edition, app))


@pytest.mark.parametrize("edition", ["a", "b", "c"])
def test_the_sample(tmp_path: Path, edition: str) -> None:
    folder = tmp_path / "x" / "y"
    config = read(folder, samples.APP, edition)
    assert [s.where for s in config.sources] == [str(folder / "../../streams/sample_1080p_h265.mp4")]
    assert config.mux.frame == MuxFrame((1920, 1080))
    assert (config.mux.batch_size, config.mux.push_timeout_s, config.perf_interval_s) == (1, 0.04, 1)
    assert config.infer.classes == ("Face",)
    assert config.tiles is not None
    assert (config.tiles.rows, config.tiles.columns, config.tiles.size_wh) == (1, 1, (1280, 720))
    assert config.tracker
    assert config.show_ids
    assert not config.loop
    assert config.osd is not None
    assert (config.osd.border_width, config.osd.text_size, config.osd.text_background) == (3, 15, (0.3, 0.3, 0.3, 1))
    assert [(s.name, s.kind, s.window) for s in config.sinks] == [("sink0", "fake", True)]
    assert [n for n in config.notes if n.kind == "unknown"] == []
    names = [(n.name, n.text) for n in config.notes]
    assert len(names) == len(set(names))


def test_the_yaml_form(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="pip install pyyaml")
    samples.write(tmp_path)
    (tmp_path / "sources.csv").write_text("enable,type,uri,num-sources,gpu-id\n1,3,file://film.mp4,2,0\n")
    path = tmp_path / "app.yml"
    path.write_text(
        "application:\n  enable-perf-measurement: 1\nsource:\n  csv-file-path: sources.csv\nosd:\n  enable: true\n"
        "  text-color: 1;0;0;1\nprimary-gie:\n  enable: 1\n  config-file: config_infer_primary_facedetectir.txt\n"
        "sink0:\n  enable: 1\n  typ: 1\n"
    )
    config = read_app(path)
    assert [s.name for s in config.sources] == ["source0-0", "source0-1"]
    assert config.osd is not None
    assert config.osd.text == (1, 0, 0, 1)
    assert config.perf_interval_s == 5
    assert [str(n) for n in config.notes if n.kind == "unknown"] == [f"{path}:13: typ is unknown; did you mean type?"]


def test_sinks_that_are_switched_on(tmp_path: Path) -> None:
    app = samples.APP.replace("enable=0\ntype=3", "enable=1\ntype=3").replace("enable=0\n#Type", "enable=1\n#Type")
    _, film, server = read(tmp_path, app).sinks
    assert (film.kind, film.path, film.codec, film.bitrate) == ("file", tmp_path / "out.mp4", "h264", 2_000_000)
    assert film.source is None, "source-id has no meaning in tiled display"
    assert (server.kind, server.rtsp_port) == ("rtsp", 8554)
    untiled = read(tmp_path, app.replace("[tiled-display]\nenable=1", "[tiled-display]\nenable=0"))
    assert [s.source for s in untiled.sinks] == [0, 0, 0]
    linked = read(tmp_path, app.replace("output-file", "link-to-demux=1\ncontainer=2\ncodec=2\noutput-file"))
    assert (linked.sinks[1].source, linked.sinks[1].codec) == (0, "h265")


@pytest.mark.parametrize(
    ("written", "container", "name"),
    [
        ("a.mp4", 1, "a.mp4"),
        ("a.mkv", 1, "a.mkv"),
        ("a", 1, "a.mp4"),
        ("a.264", 2, "a.mkv"),
        ("/x/a.mp4", 2, "/x/a.mp4"),
    ],
)
def test_a_film_s_name(tmp_path: Path, written: str, container: int, name: str) -> None:
    sink = f"[sink0]\nenable=1\ntype=3\ncontainer={container}\noutput-file={written}\n"
    assert read(tmp_path, SOURCE + PRIMARY + sink).sinks[0].path == tmp_path / name


def test_the_files_that_export_writes() -> None:
    config = read_app(CONFIGS / "deepstream_app_source1_faceir.txt")
    assert {n.kind for n in config.notes} == {"no meaning", "changed"}
    assert config.infer.model == CONFIGS / "pruned_v1.onnx"


def test_the_app_file_overrides_the_detector_s(tmp_path: Path) -> None:
    app = SOURCE + PRIMARY + "interval=3\nbatch-size=4\nbbox-border-color0=0;0;1;1\nlabelfile-path=own.txt\n"
    (tmp_path / "own.txt").write_text("head\n")
    infer = read(tmp_path, app).infer
    assert (infer.interval, infer.batch_size, infer.classes, infer.attrs[0].border) == (3, 4, ("head",), (0, 0, 1, 1))


def test_messages(tmp_path: Path) -> None:
    sink = "[sink0]\nenable=1\ntype=6\nmsg-broker-proto-lib=/x/libnvds_{}_proto.so\nmsg-broker-conn-str={}\n"
    made = [
        read(tmp_path, SOURCE + PRIMARY + sink.format(*words) + "msg-conv-payload-type=1\n").sinks[0]
        for words in (("mqtt", "host;1883"), ("kafka", "host;9092;faces"))
    ]
    assert [(s.broker, s.address, s.topic, s.minimal, s.message_every) for s in made] == [
        ("mqtt", ("host", 1883), "faceir", True, 30), ("kafka", ("host", 9092), "faces", True, 30)]  # fmt: skip
    custom = SOURCE + PRIMARY + sink.format("mqtt", "host;1883") + "msg-conv-payload-type=257\n"
    assert not read(tmp_path, custom).sinks[0].minimal, "a schema of one's own is ours here"
    with pytest.raises(SpecError, match=r"\[sink0\] names no broker"):
        read(tmp_path, SOURCE + PRIMARY + sink.format("mqtt", ""))
    for words in (("azure", "host;1"), ("mqtt", "host"), ("mqtt", ";1883"), ("mqtt", "host;x")):
        with pytest.raises(SpecError, match=r"msg-broker|broker|is '"):
            read(tmp_path, SOURCE + PRIMARY + sink.format(*words))


@pytest.mark.parametrize(
    ("app", "words"),
    [
        (PRIMARY, "has no enabled source"),
        (PRIMARY + SOURCE.replace("enable=1", "enable=0"), "has no enabled source"),
        (SOURCE, "has no detector"),
        (SOURCE + "[primary-gie]\nenable=0\n", "has no detector"),
        (SOURCE + "[primary-gie]\nenable=1\n", "names no config-file"),
        (SOURCE + PRIMARY.replace("facedetectir", "none"), "does not exist"),
        (SOURCE + PRIMARY + "plugin-type=1\n", "Triton"),
        (SOURCE + PRIMARY + "[streammux]\nwidth=5\n", "both width and height"),
        (SOURCE + PRIMARY + "[sink0]\nenable=1\ntype=3\n", "a file without a name"),
    ],
)
def test_what_is_missing_is_told(tmp_path: Path, app: str, words: str) -> None:
    with pytest.raises(SpecError) as error:
        read(tmp_path, app)
    assert words in str(error.value)


KEYS = [line.split("=")[0] for line in samples.APP.splitlines() if "=" in line]
VALUES = st.sampled_from(["", "-1", "1", "3", "6", "1;0;0;1", "file://%d", "rtsp://", "x" * 300]) | st.text(max_size=10)
LINES = st.one_of(st.sampled_from(samples.APP.splitlines()), st.builds("{}={}".format, st.sampled_from(KEYS), VALUES))


@given(st.lists(LINES, max_size=15).map("\n".join))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = samples.write(tmp_path_factory.getbasetemp() / "any", app=f"{SOURCE}{PRIMARY}{text}")
    try:
        read_app(path)
    except FaceirError:
        return
