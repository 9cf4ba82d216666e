"""What can go wrong, as one tree; every message says where, what came, what was wanted, what to type.

FaceirError
├── InputError        a picture, video, label, folder or argument that cannot be used
│   └── StreamError   a live source that cannot be reached or that stopped
├── SpecError         an experiment spec or configuration that cannot be used
├── ModelError        a checkpoint or exported model that cannot be used
├── GateError         a step that cost more accuracy than it may
└── MissingExtra      an optional package that is not installed
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

__all__ = [
    "FaceirError",
    "GateError",
    "InputError",
    "MissingExtra",
    "ModelError",
    "SpecError",
    "StreamError",
    "need",
    "need_file",
]


class FaceirError(Exception):
    """A mistake that a user can mend. The command line prints it as one line and exits with 1.

    `where` is the file, line or argument; `came` what was found there; `wanted` what would have
    been right; `do` the thing to type or change.
    """

    def __init__(self, where: object, came: str, wanted: str = "", do: str = "") -> None:
        self.where, self.came, self.wanted, self.do = str(where), came, wanted, do
        tail = [f"wanted {wanted}"] if wanted else []
        super().__init__("; ".join([f"{where}: {came}", *tail, *([do] if do else [])]))


class InputError(FaceirError):
    """A picture, video, label file, folder or argument that cannot be used."""


class StreamError(InputError):
    """A live source that cannot be reached or that stopped."""


class SpecError(FaceirError):
    """An experiment spec or configuration that cannot be used."""


class ModelError(FaceirError):
    """A checkpoint or exported model that cannot be used."""


class GateError(FaceirError):
    """A step that cost more accuracy than it may; what it made does not replace what there was."""


class MissingExtra(FaceirError):
    """An optional package that is not installed."""


# What each extra of pyproject.toml brings, by import name.
_EXTRAS = {
    "train": ("torch", "safetensors", "onnx", "onnxscript", "h5py", "tensorboard"),
    "demo": ("skimage", "matplotlib"),
    "report": ("jinja2", "matplotlib"),
    "web": ("fastapi", "uvicorn", "prometheus_client"),
    "webrtc": ("aiortc",),
    "mqtt": ("paho",),
    "data": ("scipy",),
    "kafka": ("confluent_kafka",),
    "seal": ("cryptography",),
}


def need(extra: str) -> None:
    """Raise `MissingExtra` with the pip line to type unless all packages of `extra` are installed."""
    missing = [name for name in _EXTRAS[extra] if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"faceir[{extra}]",
            f"not installed here: {', '.join(missing)}",
            do=f"type: pip install 'faceir[{extra}]'",
        )


def need_file(path: str | Path, what: str, error: type[FaceirError] = InputError) -> Path:
    """`path` as a Path when it is a file that holds something, else `error` naming `what` was wanted."""
    path = Path(path)
    if path.is_dir():
        raise error(path, "is a folder", f"{what}")
    if not path.exists():
        raise error(path, "does not exist", f"{what}", "check the path")
    if path.stat().st_size == 0:
        raise error(path, "is empty (0 bytes)", f"{what}")
    return path
