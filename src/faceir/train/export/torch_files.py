"""TorchScript and torch.export files, for programs that have torch; the contract is an extra file named `faceir`."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch

from faceir.contract import METADATA_KEY, Contract
from faceir.errors import ModelError
from faceir.train.model import GridBoxNet

__all__ = ["read_exported_program", "read_torchscript", "write_exported_program", "write_torchscript"]


def write_torchscript(net: GridBoxNet, contract: Contract, path: Path) -> float:
    """Write `net` as TorchScript, for `torch.jit.load` and C++; how far it is from the net."""

    def save(sample: torch.Tensor, part: Path) -> Any:
        traced = torch.jit.trace(net, sample)  # type: ignore[no-untyped-call]
        torch.jit.save(traced, part, _extra_files={METADATA_KEY: contract.to_json()})
        return read_torchscript(part)[0]

    return _write(net, contract, path, save)


def write_exported_program(net: GridBoxNet, contract: Contract, path: Path) -> float:
    """Write `net` as an ExportedProgram (.pt2), for `torch.export.load` and AOTInductor; how far it is from the net."""

    def save(sample: torch.Tensor, part: Path) -> Any:
        program = torch.export.export(net, (sample,), dynamic_shapes={"x": {0: torch.export.Dim("N")}})
        torch.export.save(program, part, extra_files={METADATA_KEY: contract.to_json()})
        return read_exported_program(part)[0]

    return _write(net, contract, path, save)


def read_torchscript(path: Path) -> tuple[Any, Contract]:
    """The function that `write_torchscript` wrote, `[N,3,H,W]` to coverage and boxes, and its contract."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch advises against its own format
        extra = {METADATA_KEY: ""}
        loaded = torch.jit.load(path, map_location="cpu", _extra_files=extra)  # type: ignore[no-untyped-call]
    return loaded, _contract(extra, path)


def read_exported_program(path: Path) -> tuple[Any, Contract]:
    """The function that `write_exported_program` wrote, and its contract."""
    extra = {METADATA_KEY: ""}
    program = torch.export.load(path, extra_files=extra)
    return program.module(), _contract(extra, path)


def _contract(extra: dict[str, Any], path: Path) -> Contract:
    text = extra[METADATA_KEY]
    return Contract.from_json(text.decode() if isinstance(text, bytes) else text, path)


def _write(net: GridBoxNet, contract: Contract, path: Path, save: Any) -> float:
    """Save, load and compare before the file takes the place of `path`."""
    from faceir.train.export.onnx_file import PARITY_LIMIT

    width, height = contract.fit.size_wh
    sample = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    net = net.eval()
    with (
        tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder,
        warnings.catch_warnings(),
        torch.no_grad(),
    ):
        warnings.simplefilter("ignore")
        part = Path(folder) / path.name
        loaded = save(sample, part)
        pairs = [(loaded(x), net(x)) for x in (sample, sample[:1])]
        far = max(float((got - grid).abs().max()) for ours in pairs for got, grid in zip(*ours, strict=True))
        if not far <= PARITY_LIMIT:
            raise ModelError(path, f"differs from the net by {far:.1e}", f"at most {PARITY_LIMIT:.0e}")
        os.replace(part, path)
    return far
