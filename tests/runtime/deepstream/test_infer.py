from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.cluster import ClusterParams
from faceir.contract import Contract
from faceir.errors import FaceirError, ModelError, SpecError
from faceir.fit import Fit
from faceir.runtime.deepstream.infer import InferConfig, read_infer
from tests.runtime.deepstream import samples

CONFIGS = Path(__file__).parents[3] / "configs"


def read(tmp_path: Path, text: str) -> InferConfig:
    return read_infer(samples.write(tmp_path, primary_text=text).with_name("config_infer_primary_facedetectir.txt"))


def sample(tmp_path: Path, edition: str) -> InferConfig:
    return read(tmp_path, samples.primary(edition))


LEAST = "[property]\nnet-scale-factor=0.0039215697906911373\nnum-detected-classes=1\n"


@pytest.mark.parametrize(
    ("edition", "params"),
    [
        ("a", ClusterParams("group_rectangles", 0.2, eps=0.2, group_threshold=1, min_samples=0, min_boxes=0)),
        (
            "b",
            ClusterParams(
                "nms", 0.4, nms_iou_threshold=0.5, top_k=20, eps=0, group_threshold=0, min_samples=0, min_boxes=0
            ),
        ),
        ("c", ClusterParams("dbscan", 0.05, eps=0.7, group_threshold=0, min_samples=0, min_boxes=3)),
    ],
)
def test_the_samples(tmp_path: Path, edition: str, params: ClusterParams) -> None:
    config = sample(tmp_path, edition)
    assert (config.classes, config.size_wh, config.batch_size, config.interval) == (("Face",), (384, 240), 1, 0)
    assert config.precision == "auto"
    assert config.attrs[0].params(config.cluster_mode) == params
    assert config.attrs[0].min_wh == ((4, 4) if edition == "c" else (0, 0))
    assert {note.kind for note in config.notes} == {"no meaning"}
    with pytest.raises(ModelError, match="encrypted") as error:
        config.need_model()
    assert "--model default" in error.value.do
    assert error.value.where.endswith(".txt:5")
    assert config.need_model("default") is None
    assert config.need_model("mine.onnx") == "mine.onnx"


def test_the_configs_of_this_project() -> None:
    config = read_infer(CONFIGS / "config_infer_primary_faceir.txt")
    assert config.model == CONFIGS / "pruned_v1.onnx"
    assert not [note for note in config.notes if note.kind != "no meaning"]
    contract = config.contract(Contract())
    assert contract.fit == Fit((384, 240), keep_aspect=True)
    assert contract.classes == ("face",)


def test_the_yaml_twin_is_the_same(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    samples.write(tmp_path)
    groups: dict[str, dict[str, str]] = {}
    for line in samples.primary("b").splitlines():
        if line.startswith("["):
            keys = groups.setdefault(line[1:-1], {})
        elif "=" in line and not line.startswith("#"):
            key, _, text = line.partition("=")
            keys[key] = text
    twin = tmp_path / "config_infer_primary_facedetectir.yml"
    twin.write_text(yaml.safe_dump(groups, sort_keys=False).replace("'", ""))
    config, other = sample(tmp_path, "b"), read_infer(twin)
    assert [getattr(config, name) for name in ("classes", "size_wh", "attrs", "cluster_mode")] == [
        getattr(other, name) for name in ("classes", "size_wh", "attrs", "cluster_mode")
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("net-scale-factor=1", "1/255"),
        ("offsets=104;117;123", "offsets=0;0;0"),
        ("mean-file=mean.ppm", "mean picture"),
        ("network-type=1", "detectors only"),
        ("process-mode=2", "whole frames only"),
        ("infer-dims=3;240", "channels;height;width"),
        ("infer-dims=4;240;384", "channels;height;width"),
        ("num-detected-classes=0", "1..1024"),
        ("cluster-mode=5", "0, 1, 2, 3, 4"),
        ("labelfile-path=none.txt", "does not exist"),
        ("labelfile-path=empty.txt", "is empty"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(SpecError, match=r"\w") as error:
        read(tmp_path, f"{LEAST}labelfile-path=labels_facedetectir.txt\n{line}\n")
    assert words in str(error.value)


def test_there_are_as_many_classes_as_are_named(tmp_path: Path) -> None:
    """Files are copied from NVIDIA's sample of four classes, and their number is forgotten."""
    labels = f"{LEAST}cluster-mode=2\nlabelfile-path=labels.txt\nnum-detected-classes="
    (tmp_path / "labels.txt").write_text("face;of a person\n")
    config = read(tmp_path, f"{labels}4\n")
    assert (config.classes, len(config.attrs)) == (("face",), 1), (
        "of a line with several names DeepStream shows the first"
    )
    assert [str(n).partition(": ")[2] for n in config.notes] == [
        "num-detected-classes=4: the label file names 1, and so many count"
    ]
    (tmp_path / "labels.txt").write_text("face\nhand\ncap\n")
    config = read(tmp_path, f"{labels}2\n")
    assert (config.classes, len(config.attrs), config.notes) == (("face", "hand"), 2, ())


def test_a_missing_scale_is_told(tmp_path: Path) -> None:
    """DeepStream's default is 1."""
    with pytest.raises(SpecError, match="net-scale-factor=1; wanted 1/255"):
        read(tmp_path, "[property]\nnum-detected-classes=1\n")
    with pytest.raises(SpecError, match=r"no group \[property\]"):
        read(tmp_path, "[properties]\n")


@pytest.mark.parametrize(
    ("lines", "size_wh"),
    [("input-dims=3;240;384;0", (384, 240)), ("uff-input-dims=240;384;3;1", (384, 240)), ("", None),
     ("input-dims=3;1;1;0\ninfer-dims=3;544;960", (960, 544))],
)  # fmt: skip
def test_dims(tmp_path: Path, lines: str, size_wh: tuple[int, int] | None) -> None:
    assert read(tmp_path, LEAST + lines).size_wh == size_wh


def test_class_attrs_go_from_all_to_one(tmp_path: Path) -> None:
    text = LEAST.replace("classes=1", "classes=3") + (
        "[class-attrs-1]\ntopk=5\n[class-attrs-all]\ntopk=9\neps=0.5\nborder-color=0;1;0;1\n[class-attrs-2]\nthreshold=0.3\n"
    )
    config = read(tmp_path, text)
    assert [a.topk for a in config.attrs] == [9, 5, 9]
    assert [a.eps for a in config.attrs] == [0.5] * 3
    assert [a.pre_cluster_threshold for a in config.attrs] == [0.2, 0.2, 0.3]
    assert config.attrs[0].border == (0, 1, 0, 1)


def test_ungrouped_cells_are_warned_of(tmp_path: Path) -> None:
    """In DeepStream a DBSCAN without minBoxes does not run."""
    config = read(tmp_path, LEAST + "cluster-mode=1\n[class-attrs-all]\neps=0.5\n")
    assert config.attrs[0].params(1).algorithm == "none"
    assert [n.kind for n in config.notes] == ["changed"]
    assert "write minBoxes=1" in config.notes[0].text
    assert read(tmp_path, LEAST + "enable-dbscan=1\n").cluster_mode == 1
    assert read(tmp_path, LEAST + "enable-dbscan=1\ncluster-mode=2\n").cluster_mode == 2
    assert read(tmp_path, LEAST).attrs[0].params(3).algorithm == "nms"


@pytest.mark.parametrize(("cluster_mode", "algorithm"), [(1, "dbscan"), (3, "hybrid")])
def test_min_boxes_and_min_score_are_conditions_of_their_own(tmp_path: Path, cluster_mode: int, algorithm: str) -> None:
    text = "[class-attrs-all]\npre-cluster-threshold=0.4\nminBoxes=3\ndbscan-min-score=0.7\neps=0.2\n"
    config = read(tmp_path, f"{LEAST}cluster-mode={cluster_mode}\n{text}")
    params = config.attrs[0].params(config.cluster_mode)
    assert (params.algorithm, params.min_boxes, params.min_samples) == (algorithm, 3, 0.7)


def test_contract(tmp_path: Path) -> None:
    letterboxed = Contract()
    assert letterboxed.fit.keep_aspect
    unsaid = read(tmp_path, LEAST)
    assert unsaid.contract(letterboxed).fit.keep_aspect is False
    assert unsaid.contract(letterboxed, stand_in=True).fit.keep_aspect is True
    assert unsaid.contract(letterboxed).classes == letterboxed.classes
    said = read(tmp_path, LEAST + "maintain-aspect-ratio=0\n")
    assert said.contract(letterboxed, stand_in=True).fit.keep_aspect is False
    with pytest.raises(ModelError, match="960 x 544"):
        read(tmp_path, LEAST + "infer-dims=3;544;960\n").contract(letterboxed)
    stand_in = read(tmp_path, LEAST + "infer-dims=3;416;736\n").contract(letterboxed, stand_in=True)
    assert stand_in.fit == letterboxed.fit, "it has its own size"
    with pytest.raises(ModelError, match="num-detected-classes"):
        read(tmp_path, LEAST.replace("classes=1", "classes=2")).contract(letterboxed)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", "names no model"),
        ("model-engine-file=a.engine\n", "an engine runs only"),
        ("model-file=a.caffemodel\nproto-file=a.prototxt\n", "Caffe"),
        ("uff-file=a.uff\n", "UFF"),
        ("onnx-file=a.onnx\n", "does not exist"),
    ],
)
def test_models_that_cannot_be_opened(tmp_path: Path, lines: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        read(tmp_path, LEAST + lines).need_model()


def test_network_mode(tmp_path: Path) -> None:
    assert [read(tmp_path, f"{LEAST}network-mode={n}\n").precision for n in range(3)] == ["f32", "auto", "auto"]


KEYS = st.sampled_from(
    [key.split("=")[0] for key in samples.primary("b").splitlines() if "=" in key and "#" not in key]
)
LINES = st.one_of(
    st.sampled_from(samples.primary("b").splitlines()),
    st.builds(
        "{}={}".format, KEYS, st.text(max_size=12) | st.sampled_from(["", "-1", "1;2;3", "0.5", "/", "~x", "99999"])
    ),
    st.text(max_size=12),
)


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(LEAST.encode() + text.encode("utf-8", "surrogatepass"))
    try:
        read_infer(path).contract(Contract())
    except FaceirError:
        return
