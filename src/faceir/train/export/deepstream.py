"""Key files with which NVIDIA's deepstream-app runs an exported model, and what of our clustering it can do."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from faceir.cluster import ClusterParams
from faceir.contract import BBOX_NAME, COV_NAME, Contract
from faceir.train.export.tensorrt import engine_name

__all__ = ["APP", "LABELS", "PRIMARY", "STOCK_THRESHOLD", "Deployment", "files", "stock", "write"]

PRIMARY = "config_infer_primary_faceir.txt"
LABELS = "labels_faceir.txt"
APP = "deepstream_app_source1_faceir.txt"
STOCK_THRESHOLD = 0.7
"""Least coverage of a cell for a net whose score is a vote, when nothing chose a better one: of the first packaged
model's faces on 149 infrared validation pictures plain NMS finds 67 % there, and 99.5 % of what it finds are faces."""
_FRAME_WH = (1920, 1080)
"""What the app file's streammux makes of every stream; sizes in class-attrs are in its pixels."""
_CLUSTER_MODES = {"group_rectangles": 0, "dbscan": 1, "nms": 2, "hybrid": 3, "none": 4}
_NETWORK_MODES = {"fp32": 0, "int8": 1, "fp16": 2}
_SAMPLES = "/opt/nvidia/deepstream/deepstream"


@dataclass(frozen=True)
class Deployment:
    """Everything that the files say beside the contract."""

    model: Path
    """The ONNX file; the files are written beside it."""
    data_type: str = "fp32"
    """fp32, fp16 or int8."""
    batch: int = 1
    int8_cache: Path | None = None
    """TensorRT's calibration cache beside the model."""
    made_by: str = "faceir export --gen-ds-config"
    """The command line, for people."""


def stock(contract: Contract, threshold: float | None = None) -> Contract:
    """What of `contract` DeepStream's own clustering can do: `threshold` is the least coverage of a cell for NMS.

    DeepStream's NMS has no vote, so that a face's score there is its best cell's coverage, which is less. Its
    groupRectangles gives every face the score -0.1, so that a threshold can only be applied to cells.
    """
    return replace(contract, cluster=tuple(_stock(p, threshold) for p in contract.cluster))


def _stock(p: ClusterParams, threshold: float | None) -> ClusterParams:
    if p.algorithm == "nms":
        stated = max(p.confidence_threshold, p.coverage_threshold)
        least = min(STOCK_THRESHOLD, stated) if p.nms_vote else stated
        least = least if threshold is None else threshold
        return replace(
            p, nms_vote=False, vote_weight=1.0, vote_share=1.0, nested_factor=1.0,
            coverage_threshold=least, confidence_threshold=least,
        )  # fmt: skip
    if p.algorithm == "group_rectangles":
        least = max(p.coverage_threshold, p.confidence_threshold) if threshold is None else threshold
        return replace(p, coverage_threshold=least, confidence_threshold=0.0)
    return p


def write(contract: Contract, deployment: Deployment, threshold: float | None = None) -> list[Path]:
    """Write the three files beside the model, each whole or not at all; `threshold` as in `stock`."""
    written = []
    for name, text in files(contract, deployment, threshold).items():
        path = deployment.model.parent / name
        part = path.with_name(path.name + ".part")
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
        written.append(path)
    return written


def files(contract: Contract, deployment: Deployment, threshold: float | None = None) -> dict[str, str]:
    """Text of each file by its name."""
    return {
        PRIMARY: _primary(contract, deployment, threshold),
        LABELS: "\n".join(contract.classes) + "\n",
        APP: _app(contract, deployment),
    }


def _primary(contract: Contract, d: Deployment, threshold: float | None) -> str:
    width, height = contract.fit.size_wh
    cache = {"int8-calib-file": d.int8_cache.name} if d.data_type == "int8" and d.int8_cache else {}
    done = stock(contract, threshold)
    keys = {
        "gpu-id": 0,
        "net-scale-factor": "0.0039215697906911373",  # 1 / 255 as the FaceDetect-IR card writes it
        "model-color-format": 0,
        "onnx-file": d.model.name,
        "model-engine-file": engine_name(d.model, d.batch, d.data_type),
        "labelfile-path": LABELS,
        **cache,
        "infer-dims": f"3;{height};{width}",
        "batch-size": d.batch,
        "process-mode": 1,
        "network-mode": _NETWORK_MODES[d.data_type],
        "network-type": 0,
        "num-detected-classes": len(contract.classes),
        "interval": 0,
        "gie-unique-id": 1,
        "output-blob-names": f"{BBOX_NAME};{COV_NAME}",
        "cluster-mode": _CLUSTER_MODES[contract.cluster[0].algorithm],
    }
    fit = {
        "maintain-aspect-ratio": int(contract.fit.keep_aspect),
        "symmetric-padding": 0,
        "scaling-filter": 3,
    }
    parts = [
        f"# {contract.name or d.model.stem}: gray infrared faces, written by\n#   {d.made_by}\n"
        "# Paths are relative to this file. Where FaceDetect-IR's file has tlt-encoded-model, tlt-model-key,\n"
        "# uff-input-blob-name and input-dims, an ONNX model has onnx-file and infer-dims.\n",
        "[property]\n",
        _lines(keys),
        "# The picture keeps its aspect at the top left, the rest is black; shrunk by area, as in training.\n"
        if contract.fit.keep_aspect
        else "# Width and height are fitted apart, as in training; shrunk by area.\n",
        _lines(fit),
    ]
    for number, (ours, theirs) in enumerate(zip(contract.cluster, done.cluster, strict=True)):
        group = "all" if len(done.cluster) == 1 else str(number)
        parts += [f"\n[class-attrs-{group}]\n", _remark(ours, theirs), _lines(_class_attrs(theirs, contract))]
    return "".join(parts)


def _remark(ours: ClusterParams, theirs: ClusterParams) -> str:
    if ours.nms_vote:
        return (
            "# In faceir the boxes that NMS drops vote on box and score, and faces count from "
            f"{ours.confidence_threshold:g} up.\n# DeepStream has no such vote: a face scores its best cell's "
            f"coverage here, and counts from {theirs.coverage_threshold:g} up.\n"
        )
    if ours.algorithm == "group_rectangles":
        return "# groupRectangles gives every face the score -0.1: only cells can be held against a threshold.\n"
    return ""


def _class_attrs(p: ClusterParams, contract: Contract) -> dict[str, object]:
    """One class's clustering in DeepStream's words; `p` is as `stock` makes it."""
    keys: dict[str, object] = {"topk": p.top_k, "pre-cluster-threshold": _number(p.coverage_threshold)}
    if p.algorithm != "group_rectangles":
        keys["post-cluster-threshold"] = _number(p.confidence_threshold)
    if p.algorithm in ("nms", "hybrid"):
        keys["nms-iou-threshold"] = _number(p.nms_iou_threshold)
    if p.algorithm in ("dbscan", "hybrid"):  # minBoxes: DBSCAN runs only when it is above 0
        keys |= {"eps": _number(p.eps), "minBoxes": max(p.min_boxes, 1), "dbscan-min-score": _number(p.min_samples)}
    if p.algorithm == "group_rectangles":
        keys |= {"eps": _number(p.eps), "group-threshold": p.group_threshold}
    if p.min_height > 0:
        keys["detected-min-h"] = math.floor(p.min_height * _frame_scale(contract)) + 1
    return keys


def _frame_scale(contract: Contract) -> float:
    """Pixels of the streammux's frame per network pixel, vertical."""
    return 1 / contract.fit.placement(_FRAME_WH).scale_xy[1]


def _number(value: float) -> str:
    return repr(round(float(value), 6))


def _lines(keys: Mapping[str, object]) -> str:
    return "".join(f"{key}={value}\n" for key, value in keys.items())


def _app(contract: Contract, d: Deployment) -> str:
    """The card's app file: one source, shown, kept as a film or served, with the tracker."""
    frame_w, frame_h = _FRAME_WH
    groups: dict[str, dict[str, object]] = {
        "application": {"enable-perf-measurement": 1, "perf-measurement-interval-sec": 1},
        "tiled-display": {"enable": 1, "rows": 1, "columns": 1, "width": 1280, "height": 720, "gpu-id": 0},
        "source0": {
            "enable": 1, "type": 3, "num-sources": 1, "gpu-id": 0,
            "uri": f"file://{_SAMPLES}/samples/streams/sample_1080p_h265.mp4",
        },
        "streammux": {
            "gpu-id": 0, "batch-size": d.batch, "batched-push-timeout": 40000, "width": frame_w, "height": frame_h,
        },
        "sink0": {"enable": 1, "type": 2, "sync": 1, "source-id": 0, "gpu-id": 0},
        "sink1": {
            "enable": 0, "type": 3, "container": 1, "codec": 1, "sync": 0, "bitrate": 2000000,
            "output-file": "out.mp4", "source-id": 0,
        },
        "sink2": {
            "enable": 0, "type": 4, "codec": 1, "sync": 0, "bitrate": 4000000, "rtsp-port": 8554, "udp-port": 5400,
            "source-id": 0,
        },
        "osd": {
            "enable": 1, "gpu-id": 0, "border-width": 3, "text-size": 15, "text-color": "1;1;1;1",
            "text-bg-color": "0.3;0.3;0.3;1", "font": "Arial",
        },
        "primary-gie": {
            "enable": 1, "gpu-id": 0, "batch-size": d.batch,
            **{f"bbox-border-color{n}": _COLOURS[n % len(_COLOURS)] for n in range(max(4, len(contract.classes)))},
            "interval": 0, "gie-unique-id": 1, "nvbuf-memory-type": 0, "config-file": PRIMARY,
        },
        "tracker": {
            "enable": 1, "tracker-width": 640, "tracker-height": 384, "gpu-id": 0, "display-tracking-id": 1,
            "ll-lib-file": f"{_SAMPLES}/lib/libnvds_nvmultiobjecttracker.so",
            "ll-config-file": f"{_SAMPLES}/samples/configs/deepstream-app/config_tracker_NvDCF_perf.yml",
        },
        "tests": {"file-loop": 0},
    }  # fmt: skip
    head = (
        f"# One camera or film through {contract.name or d.model.stem}; run: deepstream-app -c {APP}\n"
        "# A camera: source0 type=4, uri=rtsp://...; a film of the result: sink1 enable=1; a server: sink2 enable=1.\n"
    )
    return head + "".join(f"\n[{name}]\n{_lines(keys)}" for name, keys in groups.items())


_COLOURS = ("1;0;0;1", "0;1;1;1", "0;0;1;1", "0;1;0;1")
