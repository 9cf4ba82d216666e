"""`config_infer_primary*.txt`: which model, how a picture becomes its input, and how its cells become faces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from faceir.cluster import Algorithm, ClusterParams
from faceir.contract import Contract
from faceir.errors import ModelError, SpecError, need_file
from faceir.fit import INPUT_SCALE, Fit
from faceir.runtime.deepstream import keyfile
from faceir.runtime.deepstream.keys import GroupKeys, find_group
from faceir.runtime.deepstream.section import Note, Section, notes
from faceir.runtime.deepstream.tables import INFER

__all__ = ["ClassAttrs", "InferConfig", "Rgba", "read_infer"]

Rgba = tuple[float, float, float, float]
"""Red, green, blue, alpha, each 0..1."""

_ALGORITHMS: tuple[Algorithm, ...] = ("group_rectangles", "dbscan", "nms", "hybrid", "none")  # by cluster-mode
_NOT_ONNX = {
    "tlt-encoded-model": "an .etlt file is encrypted and only NVIDIA's converter opens it",
    "uff-file": "UFF is a format of TensorRT alone",
    "model-file": "Caffe models are not read",
    "proto-file": "Caffe models are not read",
    "model-engine-file": "an engine runs only on the GPU and TensorRT that it was built for",
}


@dataclass(frozen=True)
class ClassAttrs:
    """What the two [class-attrs] groups say of one class."""

    pre_cluster_threshold: float
    post_cluster_threshold: float
    nms_iou_threshold: float
    topk: int
    eps: float
    group_threshold: int
    min_boxes: int
    min_score: float
    min_wh: tuple[int, int]
    """Pixels of the streammux's frame, as all that follows."""
    max_wh: tuple[int, int]
    """0 = any."""
    roi_top: int
    roi_bottom: int
    border: Rgba

    def params(self, mode: int) -> ClusterParams:
        """The like clustering of `faceir.cluster`; DeepStream groups nothing where its least number of boxes is 0."""
        algorithm = _ALGORITHMS[mode]
        if algorithm in ("dbscan", "hybrid") and self.min_boxes == 0:
            algorithm = "none" if algorithm == "dbscan" else "nms"
        return ClusterParams(
            algorithm=algorithm,
            coverage_threshold=self.pre_cluster_threshold,
            # GroupRectangles' faces score -0.1 in DeepStream, so that no threshold can be held against them there.
            confidence_threshold=0.0 if algorithm == "group_rectangles" else self.post_cluster_threshold,
            nms_iou_threshold=self.nms_iou_threshold,
            eps=self.eps,
            min_samples=self.min_score,
            min_boxes=self.min_boxes,
            group_threshold=self.group_threshold,
            top_k=self.topk,
        )


@dataclass(frozen=True)
class InferConfig:
    """One detector, as configured; nothing of it is opened yet."""

    path: str
    """Of the file."""
    model: Path | None
    """onnx-file."""
    unreadable: tuple[str, str, str] | None
    """Where, key and path of a model of another kind, when there is no ONNX file."""
    classes: tuple[str, ...]
    """Names; empty = the model's own."""
    size_wh: tuple[int, int] | None
    """infer-dims; None = the model's own."""
    keep_aspect: bool | None
    """maintain-aspect-ratio; None = not written."""
    batch_size: int
    interval: int
    network_mode: int
    cluster_mode: int
    attrs: tuple[ClassAttrs, ...]
    """One a class."""
    left_out: frozenset[int] = frozenset()
    """filter-out-class-ids."""
    notes: tuple[Note, ...] = ()

    @property
    def precision(self) -> Literal["auto", "f32"]:
        """What the net is computed in: network-mode 0 asks for FP32, the others for speed."""
        return "f32" if self.network_mode == 0 else "auto"

    def need_model(self, given: str | Path | None = None) -> str | Path | None:
        """What `Detector` opens: `given` ("default" = the packaged one, None), else onnx-file; raises `ModelError`."""
        if given is not None:
            return None if str(given) in ("", "default") else given
        if self.model is not None:
            return need_file(self.model, "an ONNX model (onnx-file)", ModelError)
        stand_in = "give its ONNX export as onnx-file=, or type --model default for the packaged model"
        if self.unreadable is None:
            raise ModelError(self.path, "names no model", "onnx-file=MODEL.onnx in [property]", stand_in)
        where, key, path = self.unreadable
        raise ModelError(where, f"{key}={path} cannot be used: {_NOT_ONNX[key]}", "an ONNX model", stand_in)

    def contract(self, of: Contract, stand_in: bool = False) -> Contract:
        """The model's contract `of`, as this file changes it; raises `ModelError` where they contradict each other.

        Where the file does not write maintain-aspect-ratio, DeepStream stretches the picture; so do we, unless the
        model is a `stand_in` for the one that the file was written for: then it is fitted as it was trained, and
        has its own size.
        """
        if self.size_wh is not None and self.size_wh != of.fit.size_wh and not stand_in:
            came, wanted = (f"{w} x {h}" for w, h in (self.size_wh, of.fit.size_wh))
            raise ModelError(self.path, f"infer-dims is {came} pixels, the model takes {wanted}", "the model's size",
                             f"type infer-dims=3;{of.fit.size_wh[1]};{of.fit.size_wh[0]}")  # fmt: skip
        if len(self.attrs) != len(of.classes):
            raise ModelError(self.path, f"the file is for {len(self.attrs)} classes, the model has {len(of.classes)}",
                             "as many", f"type num-detected-classes={len(of.classes)}, and name them in "
                             "labelfile-path=")  # fmt: skip
        keep = self.keep_aspect
        if keep is None:
            keep = of.fit.keep_aspect if stand_in else False
        return replace(
            of,
            classes=self.classes or of.classes,
            fit=Fit(of.fit.size_wh, keep),
            cluster=tuple(attrs.params(self.cluster_mode) for attrs in self.attrs),
        )


def read_infer(path: str | Path, gie: Section | None = None) -> InferConfig:
    """The file at `path`; what the app file's [primary-gie] `gie` says overrides it. Raises `SpecError`."""
    file = keyfile.read(path)
    group = file.get("property")
    if group is None:
        raise SpecError(file.path, "has no group [property]", "a config_infer_primary file", "check config-file=")
    section = Section(file.path, _group("property"), group)
    _refuse(section)
    names = _names(section, gie)
    stated = section.integer("num-detected-classes")
    count = min(stated, len(names)) if names else stated
    mode = section.integer("cluster-mode")
    if not section.written("cluster-mode") and section.flag("enable-dbscan"):
        mode = 1
    attrs = tuple(_attrs(file, number, gie) for number in range(count))
    model, unreadable = _model(section)
    overridden = {k: gie.integer(k) for k in ("batch-size", "interval") if gie is not None and gie.written(k)}
    return InferConfig(
        path=file.path,
        model=model,
        unreadable=unreadable,
        classes=names[:count],
        size_wh=_size_wh(section),
        keep_aspect=section.flag("maintain-aspect-ratio") if section.written("maintain-aspect-ratio") else None,
        batch_size=overridden.get("batch-size", section.integer("batch-size")),
        interval=overridden.get("interval", section.integer("interval")),
        network_mode=section.integer("network-mode"),
        cluster_mode=mode,
        attrs=attrs,
        left_out=frozenset(section.items("filter-out-class-ids")),
        notes=(*notes(file, INFER), *_changed(section, mode, attrs, len(names))),
    )


def _group(name: str) -> GroupKeys:
    known = find_group(INFER, name)
    assert known is not None
    return known


def _refuse(section: Section) -> None:
    """Raise `SpecError` for what would feed the net something that it was not trained on."""
    scale = section.number("net-scale-factor")
    if not math.isclose(scale, INPUT_SCALE, rel_tol=1e-3):
        raise SpecError(section.where("net-scale-factor"), f"net-scale-factor={scale:g}", "1/255, which is built in",
                        "type net-scale-factor=0.0039215697906911373")  # fmt: skip
    if any(section.items("offsets")):
        raise SpecError(section.where("offsets"), "takes means off the picture", "offsets=0;0;0", "leave the line out")
    if section.path("mean-file") is not None:
        raise SpecError(section.where("mean-file"), "takes a mean picture off", "no mean-file", "leave the line out")


def _model(section: Section) -> tuple[Path | None, tuple[str, str, str] | None]:
    """The ONNX file; else where, key and path of what stands in its place."""
    model = section.path("onnx-file")
    if model is not None:
        return model, None
    other = next((key for key in _NOT_ONNX if section.path(key) is not None), None)
    return None, (section.where(other), other, str(section.path(other))) if other else None


def _size_wh(section: Section) -> tuple[int, int] | None:
    for key in ("infer-dims", "input-dims", "uff-input-dims"):
        dims = section.items(key)
        if not dims:
            continue
        if key != "infer-dims" and len(dims) == 4:  # the last says in which order the others come
            dims = (dims[2], dims[0], dims[1]) if dims[3] == 1 else dims[:3]
        if len(dims) != 3 or dims[0] not in (1, 3) or min(dims) < 1:
            came = ";".join(map(str, section.items(key)))
            raise SpecError(section.where(key), f"{key}={came}", "channels;height;width", "type infer-dims=3;240;384")
        return dims[2], dims[1]
    return None


def _names(section: Section, gie: Section | None) -> tuple[str, ...]:
    """The classes that the label file names; of several names on a line the first, as in DeepStream."""
    source = gie if gie is not None and gie.written("labelfile-path") else section
    path = source.path("labelfile-path")
    if path is None:
        return ()
    try:
        text = need_file(path, "a file with one class a line", SpecError).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(path, f"cannot be read ({error})", "a file with one class a line") from error
    names = tuple(line.partition(";")[0].strip() for line in text.splitlines() if line.strip())
    if not names:
        raise SpecError(path, "is empty", "a file with one class a line", "or leave labelfile-path= out")
    return names


def _attrs(file: keyfile.KeyFile, number: int, gie: Section | None) -> ClassAttrs:
    """Class `number`: [class-attrs-all], over it [class-attrs-N], over it the app file's colours."""
    groups = (file.get("class-attrs-all"), file.get(f"class-attrs-{number}"))
    s = Section(file.path, _group("class-attrs-all"), *groups)
    old = s.written("threshold") and not s.written("pre-cluster-threshold")
    border = (gie.numbered("bbox-border-color") if gie else {}).get(number, s.colour("border-color"))
    return ClassAttrs(
        pre_cluster_threshold=s.number("threshold" if old else "pre-cluster-threshold"),
        post_cluster_threshold=s.number("post-cluster-threshold"),
        nms_iou_threshold=s.number("nms-iou-threshold"),
        topk=s.integer("topk"),
        eps=s.number("eps"),
        group_threshold=s.integer("group-threshold"),
        min_boxes=s.integer("minBoxes"),
        min_score=s.number("dbscan-min-score"),
        min_wh=(s.integer("detected-min-w"), s.integer("detected-min-h")),
        max_wh=(s.integer("detected-max-w"), s.integer("detected-max-h")),
        roi_top=s.integer("roi-top-offset"),
        roi_bottom=s.integer("roi-bottom-offset"),
        border=cast(Rgba, border),
    )


def _changed(section: Section, mode: int, attrs: Sequence[ClassAttrs], named: int) -> list[Note]:
    """What acts otherwise than its reader might think; `named` classes are in the label file, 0 = there is none."""
    found = []
    if named and named < (stated := section.integer("num-detected-classes")):
        text = f"the label file names {named}, and so many count"
        found.append(Note("changed", section.where("num-detected-classes"), f"num-detected-classes={stated}", text))
    least = {0: ("group-threshold", "group_threshold"), 1: ("minBoxes", "min_boxes"), 3: ("minBoxes", "min_boxes")}
    if mode in least and not all(getattr(a, least[mode][1]) for a in attrs):
        text = f"cells are not grouped, as {least[mode][0]} is 0: a face is found many times; write {least[mode][0]}=1"
        found.append(Note("changed", section.where("cluster-mode"), f"cluster-mode={mode}", text))
    if section.flag("symmetric-padding"):
        text = "the picture lies at the canvas's top left, as in training; boxes come back to the same place"
        found.append(Note("changed", section.where("symmetric-padding"), "symmetric-padding", text))
    return found
