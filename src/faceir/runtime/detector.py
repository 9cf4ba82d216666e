"""`Detector`: an ONNX file and its contract, run by OpenVINO; a picture in, faces out."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, overload

from faceir.boxes import FloatArray
from faceir.contract import Contract
from faceir.detections import Detections
from faceir.errors import InputError, ModelError, need_file
from faceir.fit import Placement
from faceir.flow import Image
from faceir.registry import resolve
from faceir.runtime import net as nets
from faceir.runtime.pipeline import stream

__all__ = ["DEFAULT_MODEL", "Detector", "Pending", "Plan", "Precision", "default_model", "plan_for"]

DEFAULT_MODEL = "pruned_v1.onnx"
"""File name of the packaged model, in `faceir/models`."""

Precision = Literal["auto", "f32", "bf16", "f16"]
Favour = Literal["latency", "throughput"]
_CAPABILITY = {"f32": "FP32", "bf16": "BF16", "f16": "FP16"}  # OpenVINO's names for what a device computes in


@dataclass(frozen=True)
class Plan:
    """What a detector runs on and why; prints as one line."""

    device: str
    precision: str
    threads: int
    """0 = all cores."""
    reason: str

    def __str__(self) -> str:
        cores = "all cores" if self.threads == 0 else f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"{self.device}, {cores}, {self.precision} ({self.reason})"


def default_model() -> Path:
    """Path of the packaged model; raises `ModelError` when this installation has none."""
    path = Path(str(files("faceir") / "models" / DEFAULT_MODEL))
    if not path.exists():
        raise ModelError(path, "the packaged model is not installed", do="name one: Detector('model.onnx') or -m MODEL")
    return path


class Detector:
    """Finds faces in pictures of any size with a GridBox ONNX model; its preprocessing is inside.

    `model` is a path, or a name that `faceir models list` shows; None and "default" are the packaged model. `key`
    opens a sealed one (without it, the environment variable FACEIR_KEY). `threads` caps the CPU threads, 0 = all cores.
    `precision` "auto" takes the fastest one that the CPU computes in; "f32" is for comparing runtimes.
    `favour` "latency" puts all threads on one picture; "throughput" a picture on each thread, which
    costs 5 to 10 % less time when many are in flight. `threshold` replaces the contract's least
    score, 0..1. `contract` stands in for files without one.

    Raises `ModelError` for a file that is not such a model. All methods may be called from many
    threads at once: every call works on inference requests of its own.

    >>> detector = Detector("model.onnx")                      # doctest: +SKIP
    >>> detector.detect(cv2.imread("ir.png", cv2.IMREAD_GRAYSCALE)).xyxy   # doctest: +SKIP
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        threads: int = 0,
        precision: Precision = "auto",
        favour: Favour = "latency",
        threshold: float | None = None,
        contract: Contract | None = None,
        key: str | None = None,
    ) -> None:
        if model is None or str(model) == "default":
            self.path = default_model()
        else:
            self.path = need_file(resolve(model), "an ONNX model", ModelError)
        net = nets.read(self.path, key)
        contract = contract or nets.read_contract(net, self.path)
        nets.check_tensors(net, contract, self.path)
        if threshold is not None:
            contract = contract.with_threshold(_check_threshold(threshold))
        self.contract = contract
        self._plan, config = plan_for(net, precision, threads)
        config["PERFORMANCE_HINT"] = favour.upper()
        self._compiled = nets.compile_net(nets.on_gray(net, contract.fit.size_wh), self.path, config)
        self.concurrency = 1 + int(self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        """Pictures in flight that keep it busy: one for each stream and one waiting."""
        self._made = 0
        self._idle: deque[_Request] = deque()  # append and pop are atomic, which makes it the pool of all threads

    def describe(self) -> Plan:
        """Device, precision and the reason for both."""
        return self._plan

    @overload
    def detect(self, image: Image) -> Detections: ...
    @overload
    def detect(self, image: Sequence[Image]) -> list[Detections]: ...
    def detect(self, image: Image | Sequence[Image]) -> Detections | list[Detections]:
        """Faces of one picture, or of each of a list; uint8 gray `[H,W]` or RGB `[H,W,3]` of any size.

        A list gives exactly what its pictures give one by one, only sooner. Raises `InputError`.
        """
        if isinstance(image, list | tuple):
            return self(image)
        return self._begin(image, here=True).result()  # type: ignore[arg-type]

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Faces of each picture: the shape `faceir.flow.Detector`."""
        return list(stream(self, images))

    def submit(self, image: Image) -> Pending:
        """Fit one picture and start inference on it in the background; `.result()` waits for its faces.

        As many run at once as are submitted and not yet asked for, each with memory of its own, so
        the caller bounds them. Raises `InputError` for a picture that is not one.
        """
        return self._begin(image)

    def _begin(self, image: Image, here: bool = False) -> Pending:
        """What `submit` does; `here` infers in the caller's thread when no other picture is under way.

        Waking another thread and being woken by it is 5 to 10 % of a small net's time; callers side by side would
        only wait for each other.
        """
        canvas, place = self.contract.fit.apply(image)
        alone = len(self._idle) >= self._made  # a guess when callers race, and either way is right
        try:
            request = self._idle.pop()
        except IndexError:
            request = _Request(self._compiled.create_infer_request())
            self._made += 1
        request.start(canvas, wait=here and alone)
        return Pending(self, request, place)


class Pending:
    """Inference under way on one picture."""

    def __init__(self, detector: Detector, request: _Request, place: Placement) -> None:
        self._detector, self._request, self._place = detector, request, place
        self._result: Detections | None = None

    def done(self) -> bool:
        """Whether `result` would return at once."""
        return self._result is not None or self._request.done()

    def result(self) -> Detections:
        """The faces, in the picture's pixels; waits until they are there. Call it from one thread."""
        if self._result is None:
            cov, bbox = self._request.wait()
            self._result = self._detector.contract.read(cov, bbox, self._place)
            self._detector._idle.append(self._request)  # only now: the grids are views of its memory
        return self._result


class _Request:
    """An OpenVINO request, with its input and output memory at hand."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._input: Image = request.get_input_tensor().data[0]
        self._grids: tuple[FloatArray, FloatArray] | None = None

    def start(self, canvas: Image, wait: bool = False) -> None:
        """Infer in the background, or in this thread."""
        nets.put(canvas, self._input)
        if wait:
            self._request.infer(share_outputs=True)
        else:
            self._request.start_async()

    def done(self) -> bool:
        return bool(self._request.wait_for(0))

    def wait(self) -> tuple[FloatArray, FloatArray]:
        """Coverage `[K,h,w]` and boxes `[4K,h,w]`, views that the next `start` overwrites."""
        self._request.wait()
        if self._grids is None:
            self._grids = self._request.get_output_tensor(0).data[0], self._request.get_output_tensor(1).data[0]
        return self._grids


def plan_for(net: Any, precision: Precision, threads: int) -> tuple[Plan, dict[str, Any]]:
    """What to run on, and OpenVINO's settings for it; raises `InputError` for what this CPU cannot do."""
    core = nets.core()
    able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    device = f"CPU {core.get_property('CPU', 'FULL_DEVICE_NAME')}".strip()
    if precision not in ("auto", *_CAPABILITY):
        raise InputError("precision", f"is {precision!r}", f"auto, {', '.join(_CAPABILITY)}")
    if threads < 0:
        raise InputError("threads", f"is {threads}", "0 (all cores) or more")
    if precision == "auto":
        fastest = "bf16" if "BF16" in able else "f32"
        reason = "the fastest that this CPU computes in"
    elif _CAPABILITY[precision] in able:
        fastest, reason = precision, "asked for"
    else:
        can = ", ".join(p for p, name in _CAPABILITY.items() if name in able)
        raise InputError(
            "precision", f"{precision} is not computed by this CPU", can, f"use precision={can.split(',')[0]!r}"
        )
    stated = fastest
    if any(op.get_type_name() == "FakeQuantize" for op in net.get_ops()):
        stated, reason = f"int8 and {fastest}", f"a quantised model; {fastest} is {reason}"
    config: dict[str, Any] = {"INFERENCE_PRECISION_HINT": fastest}
    if threads:
        config["INFERENCE_NUM_THREADS"] = threads
    return Plan(device, stated, threads, reason), config


def _check_threshold(threshold: float) -> float:
    if not 0 <= threshold <= 1:
        raise InputError("threshold", f"is {threshold}", "0..1")
    return threshold
