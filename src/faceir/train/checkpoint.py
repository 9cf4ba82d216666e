"""Checkpoints: safetensors files that explain themselves; a net is rebuilt from the path alone."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from safetensors.torch import save_file
from torch import Tensor

from faceir import sealed
from faceir.contract import METADATA_KEY, Contract
from faceir.errors import ModelError, need_file
from faceir.train.model import Architecture, GridBoxNet

__all__ = ["Checkpoint", "load", "read_tensors", "save", "write_tensors"]


@dataclass(frozen=True)
class Checkpoint:
    """A net and what is known of it."""

    net: GridBoxNet
    contract: Contract
    spec: str = ""
    """The experiment spec it was trained by, as text."""
    step: int = 0
    scores: dict[str, Any] = field(default_factory=dict)
    """Of the evaluation at this step; empty when there was none."""
    data: dict[str, Any] = field(default_factory=dict)
    """Sets, pictures, faces and terms it learned from."""


def save(path: str | Path, checkpoint: Checkpoint, half: bool = False, key: str | None = None) -> None:
    """Write a checkpoint whole or not at all; `half` stores float16, for release; `key` seals it."""
    tensors = {
        name: t.half() if half and t.is_floating_point() else t for name, t in checkpoint.net.state_dict().items()
    }
    header = {
        "format": 1,
        "kind": "checkpoint",
        "architecture": checkpoint.net.architecture.to_dict(),
        "contract": json.loads(checkpoint.contract.to_json()),
        "spec": checkpoint.spec,
        "step": checkpoint.step,
        "scores": checkpoint.scores,
        "data": checkpoint.data,
    }
    write_tensors(path, tensors, header, key)


def load(path: str | Path, key: str | None = None) -> Checkpoint:
    """The checkpoint at `path`, its net in float32 and evaluation mode; raises `ModelError` when it is not one.

    `key` opens a sealed one; without it, the environment variable FACEIR_KEY does.
    """
    tensors, header = read_tensors(path, key)
    if header.get("kind") != "checkpoint" or header.get("format") != 1:
        raise ModelError(
            path,
            f"is a {header.get('kind', 'file without kind')}, format {header.get('format')}",
            "a checkpoint of format 1",
        )
    net = GridBoxNet(Architecture.from_dict(header["architecture"]))
    try:
        net.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in tensors.items()})
    except RuntimeError as error:
        raise ModelError(
            path, f"its tensors do not fit its own architecture ({str(error).splitlines()[-1].strip()})"
        ) from None
    contract = Contract.from_json(json.dumps(header["contract"]), path)
    return Checkpoint(net.eval(), contract, header["spec"], header["step"], header["scores"], header["data"])


def write_tensors(
    path: str | Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any], key: str | None = None
) -> None:
    """A safetensors file with a JSON `header`, written beside `path`, synced, then renamed over it.

    The header also gets the tensors' `sha256`, which `read_tensors` compares.
    """
    path = Path(path)
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    metadata = {METADATA_KEY: json.dumps({**header, "sha256": _digest(plain)})}
    if key is not None:
        sealed.write(path, sealed.seal(to_bytes(plain, metadata), key, name=path.stem))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        save_file(plain, part, metadata)
        part.chmod(0o644)  # safetensors makes it readable by its owner alone
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except (OSError, SafetensorError) as error:  # the latter is a full disk's, from safetensors' own writer
        part.unlink(missing_ok=True)
        raise ModelError(path, f"cannot be written ({error})", do="free some disk or choose another folder") from error


def read_tensors(path: str | Path, key: str | None = None) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and header of a safetensors file that `write_tensors` wrote."""
    need_file(path, "a .safetensors checkpoint", ModelError)
    try:
        if sealed.is_sealed(path):
            data = sealed.open_model(path, key)
            tensors = from_bytes(data)
            metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
        else:
            with safe_open(str(path), framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
    except (SafetensorError, OSError) as error:
        raise ModelError(
            path, f"is cut off or no safetensors file ({error})", "a whole checkpoint", "copy it again"
        ) from None
    if METADATA_KEY not in metadata:
        raise ModelError(path, "is a safetensors file of another program", "a checkpoint that faceir wrote")
    header: dict[str, Any] = json.loads(metadata[METADATA_KEY])
    if header.pop("sha256", None) not in (None, _digest(tensors)):  # files of 0.1 have none
        raise ModelError(path, "its tensors are not those that were written", "an undamaged file", "copy it again")
    return tensors, header


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, kinds, shapes and bytes of all tensors, by name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()
