"""DeepStream's files: read back as GLib reads them, they say what the contract says, and find faces in our runtime."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from faceir import boxes
from faceir.cluster import Algorithm, ClusterParams
from faceir.contract import Contract
from faceir.fit import Fit
from faceir.runtime.detector import Detector
from faceir.testing import demo_portraits, night_clip, visible_share
from faceir.train.export import deepstream
from faceir.train.export.deepstream import APP, LABELS, PRIMARY, Deployment

CONFIGS = Path(__file__).parents[3] / "configs"
CARD_KEYS = {
    PRIMARY: {
        "property": "gpu-id net-scale-factor tlt-model-key tlt-encoded-model labelfile-path model-engine-file "
        "int8-calib-file input-dims infer-dims uff-input-blob-name batch-size process-mode model-color-format "
        "network-mode num-detected-classes interval gie-unique-id output-blob-names cluster-mode",
        "class-attrs-all": "topk nms-iou-threshold pre-cluster-threshold",
    },
    APP: {
        "application": "enable-perf-measurement perf-measurement-interval-sec",
        "tiled-display": "enable rows columns width height",
        "source0": "enable type num-sources uri",
        "streammux": "batch-size batched-push-timeout width height",
        "sink0": "enable type sync",
        "sink1": "enable type container codec bitrate output-file",
        "sink2": "enable type rtsp-port udp-port",
        "osd": "enable border-width text-size font",
        "primary-gie": "enable batch-size bbox-border-color0 bbox-border-color3 interval gie-unique-id config-file",
        "tracker": "enable tracker-width tracker-height ll-lib-file ll-config-file",
        "tests": "file-loop",
    },
}
"""Of FaceDetect-IR's own files; those for encrypted UFF models need only be spoken of."""


def read_key_file(text: str) -> dict[str, dict[str, str]]:
    """Groups of a GLib key file: whole-line comments, `[group]`, `key=value`; nothing else is allowed."""
    groups: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            assert line.endswith("]")
            group = groups.setdefault(line[1:-1], {})
            continue
        key, equals, value = line.partition("=")
        assert equals
        assert key.strip()
        assert key not in group, f"{key} twice"
        assert "#" not in value, "GLib takes a comment behind a value for a part of it"
        group[key.strip()] = value.strip()
    return groups


def read_cluster(groups: dict[str, dict[str, str]]) -> tuple[ClusterParams, ...]:
    """What DeepStream would do by this file, in our words."""
    whole = groups["property"]
    algorithm = ("group_rectangles", "dbscan", "nms", "hybrid", "none")[int(whole["cluster-mode"])]
    made = []
    for number in range(int(whole["num-detected-classes"])):
        keys = groups.get("class-attrs-all", {}) | groups.get(f"class-attrs-{number}", {})
        assert algorithm != "group_rectangles" or "post-cluster-threshold" not in keys
        assert algorithm not in ("dbscan", "hybrid") or int(keys["minBoxes"]) > 0  # runs only then
        known = ClusterParams()
        made.append(
            ClusterParams(
                algorithm=algorithm,
                coverage_threshold=float(keys["pre-cluster-threshold"]),
                confidence_threshold=float(keys.get("post-cluster-threshold", 0)),
                nms_iou_threshold=float(keys.get("nms-iou-threshold", known.nms_iou_threshold)),
                eps=float(keys.get("eps", known.eps)),
                min_samples=float(keys.get("dbscan-min-score", known.min_samples)),
                min_boxes=int(keys.get("minBoxes", known.min_boxes)),
                group_threshold=int(keys.get("group-threshold", known.group_threshold)),
                min_height=float(keys.get("detected-min-h", 0)),
                top_k=int(keys["topk"]),
            )
        )
    return tuple(made)


def made(contract: Contract, **rest) -> dict[str, str]:
    return deepstream.files(contract, Deployment(Path("folder/m.onnx"), **rest))


@pytest.mark.parametrize("algorithm", get_args(Algorithm))
@pytest.mark.parametrize("classes", [("face",), ("face", "hand")])
def test_contract_to_file_and_back(algorithm, classes):
    params = ClusterParams(algorithm, 0.15, 0.4, top_k=20)
    if algorithm in ("nms", "hybrid"):
        params = replace(params, nms_iou_threshold=0.55)
    if algorithm in ("dbscan", "hybrid"):
        params = replace(params, eps=0.35, min_samples=0.7, min_boxes=3)
    if algorithm == "group_rectangles":
        params = replace(params, eps=0.2, group_threshold=2)
    contract = Contract(classes, cluster=(params,) * len(classes))
    texts = made(contract)
    groups = read_key_file(texts[PRIMARY])
    wanted = deepstream.stock(contract).cluster
    assert read_cluster(groups) == wanted
    if algorithm not in ("nms", "group_rectangles"):  # of these DeepStream does all that we do
        assert wanted == contract.cluster
    if algorithm == "nms":  # weak boxes are left out before or after: the same
        assert wanted[0] == replace(params, coverage_threshold=0.4)
    assert texts[LABELS].split() == list(classes)


def test_a_vote_becomes_a_plain_threshold():
    vote = Contract(cluster=(ClusterParams("nms", 0.05, 0.98, nms_vote=True, vote_weight=0.5),))
    done = deepstream.stock(vote).cluster[0]
    assert not done.nms_vote
    assert done == read_cluster(read_key_file(made(vote)[PRIMARY]))[0]
    assert done.coverage_threshold == done.confidence_threshold == deepstream.STOCK_THRESHOLD
    assert deepstream.stock(vote, 0.4).cluster[0].coverage_threshold == 0.4
    low = vote.with_threshold(0.3)  # never above what the contract asks of a vote
    assert deepstream.stock(low).cluster[0].coverage_threshold == 0.3
    assert "has no such vote" in made(vote)[PRIMARY]


def test_sizes_are_in_pixels_of_the_frame():
    contract = Contract(cluster=(ClusterParams(min_height=10),))  # 384 x 240 from 1920 x 1080: by 5
    assert read_key_file(made(contract)[PRIMARY])["class-attrs-all"]["detected-min-h"] == "51"
    stretched = replace(contract, fit=Fit(keep_aspect=False))  # 1080 / 240
    assert read_key_file(made(stretched)[PRIMARY])["class-attrs-all"]["detected-min-h"] == "46"


@pytest.mark.parametrize("keep_aspect", [True, False])
def test_the_picture_is_fitted_as_ours(keep_aspect):
    """DeepStream pads at the right and below unless told to pad symmetrically; so does `Fit`."""
    fit = Fit((480, 272), keep_aspect)
    whole = read_key_file(made(Contract(fit=fit))[PRIMARY])["property"]
    assert whole["infer-dims"] == "3;272;480"
    assert whole["maintain-aspect-ratio"] == str(int(keep_aspect))
    assert whole["symmetric-padding"] == "0"
    assert float(whole["net-scale-factor"]) == pytest.approx(1 / 255, rel=1e-6)
    canvas, _ = fit.apply(np.full((100, 100), 200, np.uint8))
    assert canvas[0, 0] == 200
    assert (canvas[0, -1] == 0) == keep_aspect


@pytest.mark.parametrize(("data_type", "mode"), [("fp32", "0"), ("int8", "1"), ("fp16", "2")])
def test_files_name_each_other(data_type, mode):
    texts = made(Contract(), data_type=data_type, batch=4, int8_cache=Path("folder/m_int8.txt"))
    whole, app = read_key_file(texts[PRIMARY])["property"], read_key_file(texts[APP])
    assert whole["network-mode"] == mode
    assert whole["onnx-file"] == "m.onnx"
    assert whole["model-engine-file"] == f"m.onnx_b4_gpu0_{data_type}.engine"
    assert whole.get("int8-calib-file") == ("m_int8.txt" if data_type == "int8" else None)
    assert whole["labelfile-path"] == LABELS
    assert app["primary-gie"]["config-file"] == PRIMARY
    assert whole["batch-size"] == app["streammux"]["batch-size"] == app["primary-gie"]["batch-size"] == "4"


def test_all_keys_of_the_card_are_there():
    texts = made(Contract(), data_type="int8", int8_cache=Path("c.txt"))
    for name, groups in CARD_KEYS.items():
        found = read_key_file(texts[name])
        comments = "\n".join(line for line in texts[name].splitlines() if line.startswith("#"))
        for group, keys in groups.items():
            for key in keys.split():
                assert key in found[group] or key in comments, f"[{group}] {key}"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of torch.onnx's own making
def test_the_shipped_files_are_what_their_header_makes(tmp_path, monkeypatch):
    from faceir.cli import main

    header = (CONFIGS / PRIMARY).read_text("utf-8").splitlines()[1]
    typed = header.removeprefix("#").split()
    assert typed[0] == "faceir"
    (tmp_path / "models").symlink_to(CONFIGS.parent / "models")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(typed[1:])
    assert not ended.value.code
    for name in (PRIMARY, LABELS, APP):
        assert (tmp_path / "configs" / name).read_text("utf-8") == (CONFIGS / name).read_text("utf-8"), name


def test_the_shipped_files_find_the_faces_of_a_night():
    """Our runtime on the packaged model, clustering by exactly what DeepStream reads."""
    groups = read_key_file((CONFIGS / PRIMARY).read_text("utf-8"))
    packaged = Detector().contract
    width, height = packaged.fit.size_wh
    assert groups["property"]["infer-dims"] == f"3;{height};{width}"
    detector = Detector(threads=1, contract=replace(packaged, cluster=read_cluster(groups)))
    seen, hit, wrong = 0, 0, 0
    for frame in night_clip(demo_portraits(), frames=12, seed=1):
        truth = frame.detections[visible_share(frame.detections) > 0.8]
        found = detector.detect(frame.gray)
        near = boxes.iou(found.xyxy, truth.xyxy) > 0.5
        seen, hit = seen + len(truth), hit + int(near.any(axis=0).sum())
        wrong += int((boxes.iou(found.xyxy, frame.detections.xyxy).max(axis=1, initial=0) < 0.3).sum())
    assert seen >= 12
    assert hit >= 0.8 * seen
    assert wrong <= 0.1 * seen
