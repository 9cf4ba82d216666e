"""What is timed: a model on a backend, as steps of inference alone and of the whole `detect()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceir import sealed
from faceir.contract import BBOX_NAME, COV_NAME, METADATA_KEY, Contract
from faceir.errors import InputError, ModelError
from faceir.fit import to_blob
from faceir.flow import Image
from faceir.runtime import net as nets
from faceir.runtime.bench.timing import Step
from faceir.runtime.detector import Detector, Precision, plan_for

__all__ = ["BACKENDS", "Setting", "Target", "default_backend", "open_target", "synthetic"]

DEFAULT_WH = (384, 240)


@dataclass(frozen=True)
class Setting:
    """One way to run one model."""

    model: Path
    backend: str = "openvino"
    precision: Precision = "auto"
    threads: int = 1
    """Of the CPU, for all streams together; 0 = all cores."""
    streams: int = 1
    """Steps that run side by side."""
    batch: int = 1
    """Pictures a step."""
    contract: Contract | None = None
    """Of a file that carries none."""

    def threads_each(self, cores: int) -> int:
        """Threads of one stream, where a backend divides them itself."""
        return max(1, (self.threads or cores) // self.streams)


@dataclass(frozen=True)
class Target:
    """A model that is ready to be timed; each call of `infer` or `detect` makes the step of one stream."""

    setting: Setting
    precision: str
    """As it turned out."""
    infer: Callable[[], Step]
    detect: Callable[[], Step] | None
    """None for a file without a contract: nobody knows how its outputs become faces."""

    def __str__(self) -> str:
        s = self.setting
        return (
            f"{s.model.name} on {s.backend}, {self.precision}, threads {s.threads or 'all'}, "
            f"streams {s.streams}, batch {s.batch}"
        )


def synthetic(size_wh: tuple[int, int]) -> Image:
    """A gray picture uint8 `[H,W]`, smooth with noise of 4 levels, always the same."""
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.random((size_wh[1], size_wh[0]), np.float32), (0, 0), size_wh[1] / 20)
    stretched = cv2.normalize(smooth, np.empty(0), 20, 220, cv2.NORM_MINMAX)
    return np.asarray(np.clip(stretched + rng.normal(0, 4, stretched.shape), 0, 255), np.uint8)


def default_backend(path: Path) -> str:
    """The backend that runs a file of this kind, sealed or not."""
    kind = sealed.read_header(path.read_bytes(), path).kind if sealed.is_sealed(path) else path.suffix[1:]
    return "torch" if kind == "safetensors" else "openvino"


def open_target(setting: Setting, picture: Image, key: str | None = None) -> Target:
    """`setting` made ready to run on `picture`; `key` opens a sealed model. Raises `ModelError` or `InputError`."""
    if setting.backend not in BACKENDS:
        raise InputError("--backend", f"is {setting.backend!r}", f"{', '.join(BACKENDS)} or torch")
    return BACKENDS[setting.backend](setting, picture, key)


def _openvino(setting: Setting, picture: Image, key: str | None) -> Target:
    net = nets.read(setting.model, key)
    beside = setting.model.suffix.lower() == ".xml" and setting.model.with_suffix(".json").is_file()
    has_contract = setting.contract is not None or beside or net.has_rt_info(["framework", METADATA_KEY])
    plan, config = plan_for(net, setting.precision, setting.threads)
    config |= {"NUM_STREAMS": setting.streams}
    if not has_contract:
        return Target(setting, plan.precision, _plain_openvino(net, setting, picture, config), None)
    favour: Any = "latency" if setting.streams == 1 else "throughput"
    detector = Detector(
        setting.model, threads=setting.threads, precision=setting.precision, favour=favour,
        contract=setting.contract, key=key,
    )  # fmt: skip
    canvas, _ = detector.contract.fit.apply(picture)
    gray = nets.on_gray(net, detector.contract.fit.size_wh)
    try:
        gray.reshape([setting.batch, *list(gray.inputs[0].shape)[1:]])
    except RuntimeError as error:
        raise ModelError(setting.model, f"takes no batch of {setting.batch}", "a dynamic batch") from error
    compiled = nets.compile_net(gray, setting.model, config)

    def infer() -> Step:
        request = compiled.create_infer_request()
        for data in request.get_input_tensor().data:
            nets.put(canvas, data)
        return _step(request)

    pictures = [picture] * setting.batch
    return Target(setting, plan.precision, infer, lambda: lambda: detector(pictures))


def _plain_openvino(net: Any, setting: Setting, picture: Image, config: dict[str, Any]) -> Callable[[], Step]:
    shapes = {}
    for port in net.inputs:
        dims = [d.get_length() if d.is_static else None for d in port.get_partial_shape()]
        shapes[port.get_any_name()] = _filled(dims, setting.batch, picture)
    try:
        net.reshape(shapes)
    except RuntimeError as error:
        raise ModelError(setting.model, f"takes no input of {list(shapes.values())}", "another --size") from error
    compiled = nets.compile_net(net, setting.model, config)

    def infer() -> Step:
        request = compiled.create_infer_request()
        for n in range(len(shapes)):
            data = request.get_input_tensor(n).data
            data[:] = _noise(data.shape, data.dtype)
        return _step(request)

    return infer


def _step(request: Any) -> Step:
    """Inference as `Detector` does it; `request.infer()` would copy its outputs."""

    def step() -> None:
        request.start_async()
        request.wait()

    return step


def _onnxruntime(setting: Setting, picture: Image, key: str | None) -> Target:
    ort = _need_onnxruntime()
    if setting.precision not in ("auto", "f32"):
        raise InputError("--precision", f"is {setting.precision}", "auto or f32 with onnxruntime")
    model = sealed.open_model(setting.model, key)

    def session() -> Any:
        options = ort.SessionOptions()
        options.intra_op_num_threads = setting.threads_each(_cores())
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # an error is raised as well
        try:
            return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of many kinds
            first = str(error).splitlines()[0][:200]
            raise ModelError(setting.model, f"ONNX Runtime cannot load it ({first})") from error

    first = session()
    text = first.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    contract = setting.contract or (Contract.from_json(text, setting.model) if text else None)
    quantised = "int8 and f32" if b"QuantizeLinear" in model else "f32"
    feeds = {i.name: _feed(i, contract, setting.batch, picture) for i in first.get_inputs()}

    def infer() -> Step:
        own = session()
        try:
            own.run(None, feeds)
        except Exception as error:  # of many kinds
            reason = str(error).splitlines()[0][:200]
            shapes = ", ".join(str(list(x.shape)) for x in feeds.values())
            raise ModelError(setting.model, f"does not run on {shapes} ({reason})", "another --size") from error
        return lambda: own.run(None, feeds)

    if contract is None:
        return Target(setting, quantised, infer, None)
    stated, (port,) = contract, first.get_inputs()

    def detect() -> Step:
        own = session()

        def step() -> object:
            canvases, places = stated.fit.batch([picture] * setting.batch)
            x = canvases[:, None] if port.type == "tensor(uint8)" else to_blob(canvases)
            cov, bbox = own.run([COV_NAME, BBOX_NAME], {port.name: x})
            return [stated.read(*grids) for grids in zip(cov, bbox, places, strict=True)]

        return step

    return Target(setting, quantised, infer, detect)


def _feed(port: Any, contract: Contract | None, batch: int, picture: Image) -> npt.NDArray[Any]:
    """What one input of an ONNX Runtime session is fed with."""
    if contract is not None:
        canvases, _ = contract.fit.batch([picture] * batch)
        return canvases[:, None] if port.type == "tensor(uint8)" else to_blob(canvases)
    dims = [d if isinstance(d, int) else None for d in port.shape]
    return _noise(tuple(_filled(dims, batch, picture)), np.uint8 if port.type == "tensor(uint8)" else np.float32)


def _filled(dims: list[int | None], batch: int, picture: Image) -> list[int]:
    """An input's sides; open ones become the batch, the picture's height and width, or 1."""
    wanted = [batch, *[1] * (len(dims) - 3), *picture.shape[:2]] if len(dims) >= 3 else [batch] * len(dims)
    return [n if d is None else d for d, n in zip(dims, wanted, strict=True)]


def _noise(shape: tuple[int, ...], kind: Any) -> npt.NDArray[Any]:
    return (np.random.default_rng(0).random(shape) * 255).astype(kind)


def _need_onnxruntime() -> Any:
    if find_spec("onnxruntime") is None:
        raise InputError("--backend", "onnxruntime is not installed here", do="type: pip install onnxruntime")
    return import_module("onnxruntime")


def _cores() -> int:
    from faceir.runtime.bench.machine import look

    return look().cores


BACKENDS: dict[str, Callable[[Setting, Image, str | None], Target]] = {
    "openvino": _openvino,
    "onnxruntime": _onnxruntime,
}
