"""TAO's inference spec as what `faceir detect -e` does by it: model, clustering, names, and what is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from faceir.errors import ModelError, SpecError

if TYPE_CHECKING:
    from faceir.contract import Contract
    from faceir.flow import Frame
    from faceir.runtime.detector import Detector
    from faceir.runtime.draw import Osd
    from faceir.spec import Inference

__all__ = ["OnlyClasses", "Wishes", "open_detector", "read_wishes"]

_READABLE = (".onnx", ".xml")
_INSTEAD = "type -m MODEL.onnx, or -m default for the packaged model"


@dataclass(frozen=True)
class Wishes:
    """What an inference spec asks for; nothing is opened yet."""

    path: Path
    """Of the spec."""
    spec: Inference
    model: Path | None
    """The model that it names, None where it names one that only TAO opens, or none."""
    names: tuple[str, ...]
    """What each class is called in what is written (`output_map`)."""
    draw: bool
    kitti: bool
    osd: Osd
    shown: frozenset[int]
    """Classes that are written and drawn (`postproc_classes`)."""

    def need_model(self) -> Path:
        """The model; raises `ModelError` with what to type where it cannot be used."""
        if self.model is None:
            key, named = _model(self.spec)
            came = f"{key}={named} cannot be used: only TAO and TensorRT open it" if named else "names no model"
            raise ModelError(self.path, came, "an ONNX model", _INSTEAD)
        return self.model

    def contract(self, of: Contract | None, name: str, stand_in: bool) -> Contract:
        """The contract `of` the model, None for a file of another house, as the spec changes it; raises `ModelError`.

        A `stand_in` for the model that the spec was written for has its own size.
        """
        from faceir import spec as specs
        from faceir.contract import Contract
        from faceir.fit import Fit

        config = self.spec.inferencer_config
        size_wh = (config.image_width, config.image_height)
        of = of or Contract(self.names, Fit(size_wh, keep_aspect=False), name=name)
        if len(of.classes) != len(self.names):
            raise ModelError(self.path, f"target_classes are {len(self.names)}, the model has {len(of.classes)}",
                             "as many, in the model's order")  # fmt: skip
        if of.fit.size_wh != size_wh and not stand_in:
            came, wanted = (f"{w} x {h}" for w, h in (size_wh, of.fit.size_wh))
            raise ModelError(self.path, f"image_width and image_height are {came}, the model takes {wanted}",
                             "the model's size")  # fmt: skip
        return replace(of, classes=self.names, cluster=specs.inference_cluster_params(self.spec))


def open_detector(
    wishes: Wishes, given: Path | None, threads: int, threshold: float | None, key: str | None
) -> Detector:
    """The detector that a spec asks for, with the model `given` in place of its own ("default" = the packaged one)."""
    from faceir.errors import need_file
    from faceir.registry import resolve
    from faceir.runtime import net as nets
    from faceir.runtime.detector import Detector, default_model

    if str(given) == "default":
        path = default_model()
    else:
        path = need_file(resolve(given or wishes.need_model()), "an ONNX model", ModelError)
    net = nets.read(path, key)
    try:
        stated = nets.read_contract(net, path)
    except ModelError:
        stated = None
    contract = wishes.contract(stated, path.stem, stand_in=given is not None)
    return Detector(path, threads=threads, threshold=threshold, favour="throughput", contract=contract, key=key)


class OnlyClasses:
    """A stage that keeps faces of some classes."""

    def __init__(self, wanted: frozenset[int]) -> None:
        self._wanted = list(wanted)

    def __call__(self, frame: Frame) -> Frame:
        """The frame with those faces."""
        import numpy as np

        return replace(frame, detections=frame.detections[np.isin(frame.detections.labels, self._wanted)])


def read_wishes(path: Path) -> Wishes:
    """The inference spec at `path`; raises `SpecError`."""
    from faceir import spec as specs
    from faceir.runtime.draw import Osd

    spec = specs.load_inference(path)
    try:
        specs.check_inference(spec)
    except SpecError as error:
        raise SpecError(f"{path}: {error.where}", error.came, error.wanted, error.do) from error
    handler, classes = spec.bbox_handler_config, list(spec.inferencer_config.target_classes)
    table = handler.classwise_bbox_handler_config
    first = table[classes[0] if classes[0] in table else "default"]
    _, named = _model(spec)
    for name in handler.postproc_classes:
        if name not in classes:
            raise SpecError(f"{path}: bbox_handler_config.postproc_classes", f'has "{name}"', ", ".join(classes))
    return Wishes(
        path=path,
        spec=spec,
        model=Path(named) if Path(named).suffix.lower() in _READABLE else None,
        names=tuple((table[name].output_map if name in table else "") or name for name in classes),
        draw=not handler.disable_overlay,
        kitti=handler.kitti_dump,
        osd=Osd(
            border_px=max(handler.overlay_linewidth, 1),
            box_rgb=(first.bbox_color.R, first.bbox_color.G, first.bbox_color.B)
            if first.HasField("bbox_color")
            else None,
        ),
        shown=frozenset(classes.index(name) for name in handler.postproc_classes or classes),
    )


def _model(spec: Inference) -> tuple[str, str]:
    """Key and path of the model that the spec names, "" where it names none."""
    config = spec.inferencer_config
    kind = config.WhichOneof("model_config_type")
    keys = {"tlt_config": ("model",), "tensorrt_config": ("etlt_model", "uff_model", "caffemodel", "trt_engine")}
    part = getattr(config, kind) if kind else None
    found = ((f"{kind}.{key}", str(getattr(part, key))) for key in keys.get(kind or "", ()))
    return next(((key, named) for key, named in found if named), ("", ""))
