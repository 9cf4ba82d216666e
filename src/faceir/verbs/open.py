"""`open_detector`: whatever finds faces, by one word, ready for a judge that wants every score."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceir.errors import FaceirError, InputError, ModelError, need, need_file

if TYPE_CHECKING:
    from faceir.contract import Contract
    from faceir.data import kitti
    from faceir.detections import Detections
    from faceir.flow import Detector, Image

__all__ = ["Opened", "open_detector"]

_PYTHON = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_WANTED = (
    "a checkpoint (.safetensors), an ONNX file, an OpenVINO model (.xml), a folder of KITTI detections, "
    "COCO detections (.json), package.module:attribute, or default"
)


@dataclass(frozen=True)
class Opened:
    """Something that finds faces, and what is known of it."""

    detector: Detector
    """Gives every face down to `LEAST_SCORE`."""
    contract: Contract
    """As stated; of stored and Python detectors without one the default, with their name."""
    threshold: float | None
    """The least score, 0..1, that the model itself states; None = it states none."""
    name: str
    sha256: str | None
    """Of the model's file; None for what is not one file."""
    size: int = 0
    """Bytes of that file; 0 = it is not one."""

    @property
    def stored(self) -> bool:
        """Whether it only knows pictures by name, and so cannot be shown others."""
        return hasattr(self.detector, "detect_items")

    def check(self, items: Sequence[kitti.Item]) -> None:
        """Raise `InputError`, with counts, when stored detections are not of these pictures."""
        check = getattr(self.detector, "check", None)
        if check is not None:
            check(items)


def open_detector(model: str | Path, key: str | None = None, stand_in: Contract | None = None) -> Opened:
    """Open `model`: see `_WANTED`; a sealed file with `key`. The packaged model is "default" or an empty string.

    COCO results that name their pictures by numbers alone are given as `detections.json@labels.json`, the latter
    being a COCO file with the images. A Python attribute is a `Detector` (a callable from pictures to `Detections`),
    or a class or function without arguments that makes one; it may have a `contract`, or a `threshold`.
    An ONNX or OpenVINO file that states no contract, as of another program, is taken to keep `stand_in`.
    Raises `ModelError` or `InputError`.
    """
    text = str(model)
    if text in ("", "default"):
        return _runtime(None, key)
    path = Path(text)
    if path.is_dir():
        return _stored(path)
    results, _, images = text.partition("@")
    if Path(results).suffix.lower() == ".json":
        return _stored(need_file(results, "COCO detections", InputError), images)
    if _PYTHON.fullmatch(text) and not path.exists():
        return _python(text)
    from faceir import registry

    path = need_file(registry.resolve(model), _WANTED, ModelError)
    return _checkpoint(path, key) if _is_checkpoint(path) else _runtime(path, key, stand_in)


def _is_checkpoint(path: Path) -> bool:
    from faceir import sealed

    if sealed.is_sealed(path):
        return sealed.read_header(path.read_bytes(), path).kind == "safetensors"
    return path.suffix.lower() == ".safetensors"


def _checkpoint(path: Path, key: str | None) -> Opened:
    need("train")
    from faceir.train import checkpoint
    from faceir.train.detector import TorchDetector

    loaded = checkpoint.load(path, key)
    return _every_score(TorchDetector(loaded.net, loaded.contract), path.name, path)


def _runtime(path: Path | None, key: str | None, stand_in: Contract | None = None) -> Opened:
    from faceir.runtime.detector import Detector

    try:
        detector = Detector(path, favour="throughput", key=key)
    except ModelError as error:
        if stand_in is None or not error.came.startswith("carries no contract"):
            raise
        detector = Detector(path, favour="throughput", key=key, contract=stand_in)
    return _every_score(detector, detector.path.name, detector.path)


def _every_score(detector: Any, name: str, file: Path | None) -> Opened:
    """`detector` with its threshold lowered, and the one that it states."""
    from faceir.evaluate import LEAST_SCORE

    stated: Contract = detector.contract
    detector.contract = stated.with_threshold(LEAST_SCORE)
    return Opened(detector, stated, stated.cluster[0].confidence_threshold, name, *_weighed(file))


def _weighed(file: Path | None) -> tuple[str | None, int]:
    """SHA-256 and bytes of a file."""
    if file is None:
        return None, 0
    data = file.read_bytes()
    return hashlib.sha256(data).hexdigest(), len(data)


def _stored(path: Path, images: str = "") -> Opened:
    from faceir.contract import Contract
    from faceir.data import stored

    contract = Contract(name=path.name)
    mapping = {name: name for name in contract.classes}
    if path.is_dir():
        return Opened(stored.read_kitti(path, mapping, contract.classes), contract, None, path.name, None)
    detector = stored.read_coco(path, mapping, contract.classes, images or None)
    return Opened(detector, contract, None, path.name, *_weighed(path))


def _python(text: str) -> Opened:
    """The detector `package.module:attribute`, from the working folder too."""
    from faceir.contract import Contract

    made = _made(text, _attribute(text))
    if isinstance(getattr(made, "contract", None), Contract):
        opened = _every_score(made, text, None)
        return Opened(_Checked(made, text), opened.contract, opened.threshold, text, None)
    threshold = getattr(made, "threshold", None)
    if threshold is not None and not (isinstance(threshold, int | float) and 0 <= threshold <= 1):
        raise ModelError(text, f"its threshold is {threshold!r}", "a number 0..1, or none")
    return Opened(_Checked(made, text), Contract(name=text), threshold, text, None)


def _attribute(text: str) -> Any:
    module, attribute = text.split(":")
    if "" not in sys.path:  # an installed script does not look into the working folder, python -m does
        sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:  # somebody else's module may raise anything
        raise ModelError(
            text, f"cannot be imported ({type(error).__name__}: {error})", "package.module:attribute"
        ) from error
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise ModelError(text, f"{module} has no {attribute!r}", "package.module:attribute")
        found = getattr(found, name)
    return found


def _made(text: str, found: Any) -> Any:
    """The detector itself, made where `found` is a class or a function without arguments."""
    if not callable(found):
        raise ModelError(text, f"is a {type(found).__name__}, which cannot be called", "a detector or what makes one")
    if not inspect.isclass(found) and _takes_pictures(found):
        return found
    try:
        made = found()
    except FaceirError:
        raise
    except Exception as error:  # as above
        raise ModelError(
            text, f"cannot be made ({type(error).__name__}: {error})", "a class or function without arguments"
        ) from error
    if not callable(made):
        raise ModelError(text, f"makes a {type(made).__name__}, which cannot be called", "a detector")
    return made


def _takes_pictures(found: Any) -> bool:
    """Whether it must be given something: a detector is given pictures, what makes one is given nothing."""
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):  # compiled code need not say
        return True
    return any(p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


class _Checked:
    """Somebody's detector, its answers checked, so that a mistake is told as theirs."""

    def __init__(self, detector: Any, name: str) -> None:
        self._detector, self._name = detector, name

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        from faceir.detections import Detections

        answers = self._detector(images)
        if not isinstance(answers, list | tuple) or not all(isinstance(found, Detections) for found in answers):
            kinds = {type(found).__name__ for found in answers} if isinstance(answers, list | tuple) else set()
            came = f"a {type(answers).__name__}" + (f" of {', '.join(sorted(kinds))}" if kinds else "")
            raise ModelError(self._name, f"gives {came}", "a list with one Detections a picture")
        if len(answers) != len(images):
            raise ModelError(self._name, f"gives {len(answers)} answers for {len(images)} pictures", "one a picture")
        return list(answers)
