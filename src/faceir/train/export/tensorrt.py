"""A TensorRT engine from an exported ONNX file, by trtexec or TensorRT's Python package where one of them is."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from faceir.contract import INPUT_NAME, Contract
from faceir.errors import ModelError

__all__ = ["Batches", "build", "command", "engine_name"]


@dataclass(frozen=True)
class Batches:
    """Pictures at a time that an engine takes, and for how many it is made fast."""

    least: int = 1
    usual: int = 1
    most: int = 1


def engine_name(model: Path, batch: int, data_type: str, gpu: int = 0) -> str:
    """File name that DeepStream's nvinfer looks for, and gives to an engine that it builds itself."""
    return f"{model.name}_b{batch}_gpu{gpu}_{data_type}.engine"


def command(
    model: Path,
    engine: Path,
    contract: Contract,
    data_type: str,
    batches: Batches = Batches(),
    int8_cache: Path | None = None,
    trtexec: str = "trtexec",
) -> list[str]:
    """The words of the trtexec command line that builds `engine` from `model`.

    INT8 allows FP16 for the layers that are not quantised, as TAO and DeepStream do.
    """
    width, height = contract.fit.size_wh
    shapes = {"min": batches.least, "opt": batches.usual, "max": batches.most}
    flags = {"fp32": [], "fp16": ["--fp16"], "int8": ["--int8", "--fp16"]}[data_type]
    return [
        trtexec,
        f"--onnx={model}",
        *(f"--{name}Shapes={INPUT_NAME}:{batch}x3x{height}x{width}" for name, batch in shapes.items()),
        *flags,
        *([f"--calib={int8_cache}"] if data_type == "int8" and int8_cache else []),
        f"--saveEngine={engine}",
    ]


def build(
    model: Path,
    engine: Path,
    contract: Contract,
    data_type: str,
    batches: Batches = Batches(),
    int8_cache: Path | None = None,
) -> str:
    """Build `engine`, whole or not at all; what built it.

    Raises `ModelError` when the build fails, or with the command line to type when nothing here can build one.
    """
    trtexec = shutil.which("trtexec")
    if trtexec is None and find_spec("tensorrt") is None:
        line = shlex.join(command(model, engine, contract, data_type, batches, int8_cache))
        raise ModelError(
            engine, "was not built: neither trtexec nor TensorRT's Python package is here", do=f"where one is: {line}"
        )
    with tempfile.TemporaryDirectory(dir=engine.parent, prefix=".engine-") as folder:
        part = Path(folder) / engine.name
        if trtexec is not None:
            words = command(model, part, contract, data_type, batches, int8_cache, trtexec)
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode or not part.exists():
                said = [line for line in (done.stdout + done.stderr).splitlines() if "[E]" in line] or [
                    "no reason given"
                ]
                raise ModelError(engine, f"was not built: trtexec ended with {done.returncode} ({said[0].strip()})")
        else:
            part.write_bytes(_by_python(model, engine, contract, data_type, batches))
        os.replace(part, engine)
    return "trtexec" if trtexec is not None else "TensorRT's Python package"


def _by_python(model: Path, engine: Path, contract: Contract, data_type: str, batches: Batches) -> bytes:
    """The engine by TensorRT 8.5 or later; INT8 by the pairs in the file, which need no calibration cache."""
    api: Any = import_module("tensorrt")
    logger = api.Logger(api.Logger.WARNING)
    builder = api.Builder(logger)
    explicit = getattr(api.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)  # always so from TensorRT 10 on
    network = builder.create_network(0 if explicit is None else 1 << int(explicit))
    parser = api.OnnxParser(network, logger)
    if not parser.parse(model.read_bytes()):
        raise ModelError(engine, f"was not built: TensorRT cannot read {model.name} ({parser.get_error(0)})")
    config = builder.create_builder_config()
    for flag in {"fp32": (), "fp16": ("FP16",), "int8": ("INT8", "FP16")}[data_type]:
        config.set_flag(getattr(api.BuilderFlag, flag))
    width, height = contract.fit.size_wh
    profile = builder.create_optimization_profile()
    profile.set_shape(INPUT_NAME, *((n, 3, height, width) for n in (batches.least, batches.usual, batches.most)))
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ModelError(engine, "was not built: TensorRT gave no engine and says why above")
    return bytes(plan)
