"""`faceir export`: a checkpoint as files that run elsewhere, in float or INT8, compared with the checkpoint first."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceir.errors import InputError, ModelError, need
from faceir.registry import resolve
from faceir.verbs.export_deepstream import command_line, write_deepstream
from faceir.verbs.gate import Gate, GateMaxDrop, GateMinHeight, GateSource, GateSplit, GateTerms
from faceir.verbs.key import KeyOption, read_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.console import Console

    from faceir.contract import Contract
    from faceir.flow import Image
    from faceir.train.checkpoint import Checkpoint
    from faceir.train.quantise import Range

__all__ = ["export"]

_SUFFIXES = {
    "onnx": ".onnx",
    "openvino": ".xml",
    "torchscript": ".pt",
    "exported-program": ".pt2",
    "tensorrt": ".onnx",
    "checkpoint": ".safetensors",
}
"""Of the file that `-o` names; the engine gets the name that DeepStream looks for, beside it."""
_DATA_TYPES = ("fp32", "fp16", "int8")
_INT8_LIMIT = 0.05
"""Largest mean difference of the coverage grid, 0..1, between float and INT8: a sound net has a tenth of it."""
_COMPARED = 32
"""Pictures that float and INT8 are compared on."""


@dataclass(frozen=True)
class _Int8:
    """What `--data-type int8` goes by."""

    pictures: list[Path]
    method: str
    scheme: str
    float_layers: tuple[str, ...]
    cache: Path | None
    json: Path | None


def export(
    model: Annotated[Path, typer.Option("-m", "--model", help="Checkpoint (.safetensors), or TAO's .hdf5.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="File to write: .onnx, .xml, .pt, .pt2 or .safetensors, as --format.")
    ],
    spec: Annotated[
        Path | None, typer.Option("-e", "--spec", help="For TAO's .hdf5: the spec that the model was trained by.")
    ] = None,
    name: Annotated[str, typer.Option("-n", "--name", help="Name stated in the file; default: the file's.")] = "",
    key: KeyOption = None,
    threshold: Annotated[
        float | None, typer.Option(help="Least score of a face stated in the file, 0..1; default: the checkpoint's.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help=", ".join(_SUFFIXES) + ".")] = "onnx",
    data_type: Annotated[
        str, typer.Option("--data-type", "--data_type", help="fp32, int8, or fp16 for TensorRT, DeepStream, OpenVINO.")
    ] = "fp32",
    fused: Annotated[
        bool, typer.Option("--fused", help="For faceir's own runtime: input of one channel of bytes; the fastest.")
    ] = False,
    cal_image_dir: Annotated[
        Path | None,
        typer.Option("--cal-image-dir", "--cal_image_dir", help="int8: a folder of pictures to calibrate on."),
    ] = None,
    cal_images: Annotated[int, typer.Option(min=1, help="int8: how many of them, evenly chosen.")] = 400,
    cal_method: Annotated[str, typer.Option(help="int8: percentile, entropy or minmax.")] = "percentile",
    scheme: Annotated[
        str, typer.Option(help="int8: u8 for CPUs, s8 for TensorRT; default: what the files are for.")
    ] = "",
    float_layers: Annotated[str, typer.Option(help="int8: layers that stay in float, by commas.")] = "",
    cal_cache_file: Annotated[
        Path | None, typer.Option("--cal-cache-file", "--cal_cache_file", help="int8: write TensorRT's cache here.")
    ] = None,
    cal_json_file: Annotated[
        Path | None, typer.Option("--cal-json-file", "--cal_json_file", help="int8: write the scales here as JSON.")
    ] = None,
    gen_ds_config: Annotated[
        bool, typer.Option("--gen-ds-config", "--gen_ds_config", help="Write DeepStream's three files beside it.")
    ] = False,
    ds_threshold: Annotated[
        float | None,
        typer.Option(
            help="DeepStream: least coverage for its NMS, which has no vote; default: the best on -d, or 0.7."
        ),
    ] = None,
    min_batch_size: Annotated[int, typer.Option("--min-batch-size", "--min_batch_size", min=1, help="Engine.")] = 1,
    opt_batch_size: Annotated[int, typer.Option("--opt-batch-size", "--opt_batch_size", min=1, help="Engine.")] = 1,
    max_batch_size: Annotated[
        int, typer.Option("--max-batch-size", "--max_batch_size", min=1, help="Engine, and DeepStream's streams.")
    ] = 1,
    dataset: Annotated[
        Path | None, typer.Option("-d", "--dataset", help="Gate: judge checkpoint and file on these labelled pictures.")
    ] = None,
    split: GateSplit = "",
    terms: GateTerms = None,
    source: GateSource = None,
    min_height: GateMinHeight = 16.0,
    max_drop: GateMaxDrop = 0.5,
) -> None:
    """Write a checkpoint as a file for DeepStream, TensorRT, ONNX Runtime, OpenVINO, torch or faceir itself."""
    need("train")
    from rich.console import Console

    from faceir.train import checkpoint
    from faceir.train.export import deepstream, tensorrt
    from faceir.train.quantise.pictures import pictures

    console = Console(highlight=False, markup=False, soft_wrap=True)
    for_nvidia = gen_ds_config or form == "tensorrt"
    scheme = scheme or ("s8" if for_nvidia else "u8")
    _check(form, data_type, out, fused, scheme, gen_ds_config, sealed=key is not None)
    int8 = None
    if (data_type == "int8") != (cal_image_dir is not None):
        raise InputError("--cal-image-dir", "goes with --data-type int8", "both or neither")
    if cal_image_dir is not None:
        if cal_cache_file is None and for_nvidia:  # without one DeepStream falls back to FP16
            cal_cache_file = out.with_name(f"{out.stem}_int8.txt")
        layers = tuple(layer for layer in float_layers.split(",") if layer)
        int8 = _Int8(pictures(cal_image_dir, cal_images), cal_method, scheme, layers, cal_cache_file, cal_json_file)
    if gen_ds_config and cal_cache_file is not None and cal_cache_file.resolve().parent != out.resolve().parent:
        raise InputError("--cal-cache-file", "lies in another folder", f"a file beside {out}, for --gen-ds-config")
    batches = tensorrt.Batches(min_batch_size, opt_batch_size, max_batch_size)
    if not batches.least <= batches.usual <= batches.most:
        raise InputError(
            "batch sizes", f"are {min_batch_size}, {opt_batch_size}, {max_batch_size}", "min <= opt <= max"
        )
    secret = read_key(key)
    loaded = _opened(resolve(model), spec, secret, console)
    if int8 and "activation_ranges" in loaded.data:
        console.print("calibrates anew; `faceir calibrate` takes the ranges that this net learnt with its weights")
    contract = replace(loaded.contract, name=name or out.stem)
    if threshold is not None:
        contract = contract.with_threshold(threshold)
    loaded = replace(loaded, contract=contract)
    gate = Gate(dataset, split, tuple(terms or ()), tuple(source or ()), min_height, max_drop) if dataset else None
    out.parent.mkdir(parents=True, exist_ok=True)
    if form == "checkpoint":
        checkpoint.save(out, loaded, key=secret)
        console.print(f"wrote {out}, {out.stat().st_size / 1e6:.1f} MB")
        return
    if form in ("torchscript", "exported-program"):
        _write_torch(loaded, form, out, console)
        return
    _write(loaded, out, data_type, fused, int8, gate, secret, console)
    if gen_ds_config:
        typed = {
            "-m": model, "-o": out, "-n": name, "--threshold": threshold, "--data-type": data_type,
            "--cal-image-dir": cal_image_dir, "--max-batch-size": max_batch_size if max_batch_size > 1 else None,
            "-d": dataset, "--split": split, "--ds-threshold": ds_threshold,
        }  # fmt: skip
        cache = cal_cache_file if int8 else None
        deployment = deepstream.Deployment(out, data_type, max_batch_size, cache, command_line(typed))
        write_deepstream(contract, deployment, ds_threshold, gate, console)
    if form == "tensorrt":
        engine = out.with_name(tensorrt.engine_name(out, max_batch_size, data_type))
        by = tensorrt.build(out, engine, contract, data_type, batches, cal_cache_file if int8 else None)
        console.print(f"wrote {engine} by {by}")
    elif int8 and gate is None:
        console.print(f"next: faceir evaluate -m {out} -d FOLDER, and the same for the float model")


def _opened(path: Path, spec: Path | None, key: str | None, console: Console) -> Checkpoint:
    """The checkpoint at `path`, or TAO's net under the contract of `spec`; raises `InputError` where one lacks."""
    from faceir import spec as specs
    from faceir.train import hdf5, pretrained, setup
    from faceir.train.provenance import inherited

    loaded = pretrained.open_net(path, key)
    if (path.suffix.lower() in hdf5.SUFFIXES) != (spec is not None):
        raise InputError(
            "-e", "goes with TAO's .hdf5, which states neither classes nor thresholds", "both or neither",
            "type: -e SPEC, the one that the model was trained by",
        )  # fmt: skip
    if spec is None:
        return loaded
    experiment = specs.load(spec)
    contract = setup.contract(experiment)
    if (count := loaded.net.architecture.num_classes) != len(contract.classes):
        raise ModelError(
            path, f"has outputs for {count} classes", f"{len(contract.classes)}, the target_classes of {spec}"
        )
    was, will = hdf5.read_hdf5(path).size_wh, contract.fit.size_wh
    if was not in (None, will):
        console.print(f"beware: made for pictures of {was[0]}x{was[1]}, here {will[0]}x{will[1]} as {spec} says")
    return replace(loaded, contract=contract, spec=specs.to_text(experiment), data=inherited([str(path)]))


def _check(form: str, data_type: str, out: Path, fused: bool, scheme: str, gen_ds_config: bool, sealed: bool) -> None:
    """Raise `InputError` for options that do not go together."""
    if form not in _SUFFIXES:
        raise InputError("--format", f"is {form!r}", ", ".join(_SUFFIXES))
    if data_type not in _DATA_TYPES:
        raise InputError("--data-type", f"is {data_type!r}", ", ".join(_DATA_TYPES))
    if out.suffix != _SUFFIXES[form]:
        raise InputError("-o", f"is {out.name}", f"a name that ends with {_SUFFIXES[form]}, for --format {form}")
    for_nvidia = gen_ds_config or form == "tensorrt"
    if gen_ds_config and form not in ("onnx", "tensorrt"):
        raise InputError("--gen-ds-config", f"comes with --format {form}", "onnx or tensorrt: DeepStream reads ONNX")
    if data_type == "fp16" and not (for_nvidia or form == "openvino"):
        raise InputError("--data-type", "fp16 is for TensorRT, DeepStream and OpenVINO", "fp32: ONNX stays in float32")
    if form in ("torchscript", "exported-program") and (fused or sealed or data_type != "fp32"):
        raise InputError("--format", f"{form} is written in fp32 only", "neither --fused nor --data-type nor -k")
    if form == "checkpoint" and (fused or data_type != "fp32"):
        raise InputError("--format", "checkpoint is written in fp32 only", "neither --fused nor --data-type")
    if fused and (for_nvidia or scheme == "s8"):
        raise InputError("--fused", "is for faceir's own runtime", "no TensorRT, DeepStream or --scheme s8 beside it")
    if data_type == "int8" and for_nvidia and scheme == "u8":
        raise InputError("--scheme", "u8 is nothing that TensorRT reads", "s8 for TensorRT and DeepStream")
    if sealed and (for_nvidia or form == "openvino"):
        raise InputError(
            "-k",
            "seals ONNX files for faceir alone",
            "neither --format openvino or tensorrt nor --gen-ds-config",
            "to read a sealed checkpoint set FACEIR_KEY instead",
        )


def _write(
    loaded: Checkpoint,
    out: Path,
    data_type: str,
    fused: bool,
    int8: _Int8 | None,
    gate: Gate | None,
    key: str | None,
    console: Console,
) -> None:
    """Write ONNX or OpenVINO IR; it takes the place of `out` when it agrees with the checkpoint and the gate holds."""
    from faceir import sealed
    from faceir.train.export import export as export_onnx
    from faceir.train.export import openvino_ir
    from faceir.train.export.fused import fuse
    from faceir.train.export.onnx_file import PARITY_LIMIT, check_parity
    from faceir.train.quantise import cache

    net, contract = loaded.net, loaded.contract
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as folder:
        plain = Path(folder) / "float.onnx"
        written = export_onnx(net, contract, plain)
        agrees = dict.fromkeys(written.runtimes, written.parity)
        made, ranges = _quantise(plain, contract, int8, console) if int8 else (plain, {})
        if fused:
            made = fuse(made, Path(folder) / "fused.onnx")
            contract = replace(contract, fused=True)
        if out.suffix == ".xml":
            made = openvino_ir.write(made, Path(folder) / "made.xml", half=data_type == "fp16")
        if int8:
            _compare(plain, made, contract, int8, console)
        elif made != plain:
            limit = 100 * PARITY_LIMIT if data_type == "fp16" else PARITY_LIMIT
            agrees = check_parity(net, contract, made, out, limit)
        if gate:
            _judge(loaded, made, gate, console)
        if key is not None:
            sealed.seal_file(made, made, key)
        if out.suffix == ".xml":
            os.replace(openvino_ir.weights_path(made), openvino_ir.weights_path(out))
        os.replace(made, out)
    for path, write in ((int8.cache, cache.write), (int8.json, cache.write_json)) if int8 else ():
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, ranges)
            console.print(f"wrote {path}, scales of {len(ranges)} tensors")
    size = out.stat().st_size + (openvino_ir.weights_path(out).stat().st_size if out.suffix == ".xml" else 0)
    if int8:
        how = f"int8 ({int8.scheme}), calibrated on {len(int8.pictures)} pictures"
    else:
        how = f"within {max(agrees.values()):.0e} of torch in {' and '.join(agrees)}"
    console.print(f"wrote {out}, {size / 1e6:.1f} MB, {'one channel of bytes, ' if fused else ''}{how}")


def _quantise(plain: Path, contract: Contract, int8: _Int8, console: Console) -> tuple[Path, Mapping[str, Range]]:
    """The INT8 file beside the float one `plain`, and the range of every tensor."""
    from rich.progress import track

    from faceir.train import quantise
    from faceir.train.export.fused import equal_channels

    equal = equal_channels(plain, plain.with_name("equal.onnx"))
    shown = track(int8.pictures, "calibrating", console=console)
    ranges = quantise.calibrate(equal, _canvases(shown, contract), method=int8.method)
    made = quantise.quantise(
        equal, plain.with_name("int8.onnx"), ranges, scheme=int8.scheme, float_layers=int8.float_layers
    )
    return made, ranges


def _compare(plain: Path, made: Path, contract: Contract, int8: _Int8, console: Console) -> None:
    """Say how far the coverage of the finished INT8 file is from float; raises `ModelError` when that is too far."""
    from faceir.train.export import parity

    some = int8.pictures[:: -(-len(int8.pictures) // _COMPARED)]
    change = parity.coverage_change(plain, made, _canvases(some, contract))
    console.print(
        f"coverage in INT8 differs from float by {change.mean:.4f} in the mean, {change.greatest:.2f} at most, "
        f"on {len(some)} pictures"
    )
    if not change.mean <= _INT8_LIMIT:
        raise ModelError("int8", f"changes the coverage by {change.mean:.3f} in the mean", f"at most {_INT8_LIMIT:g}")


def _canvases(pictures: Iterable[Path], contract: Contract) -> Iterator[Image]:
    from faceir.data.kitti import read_image

    return (contract.fit.apply(read_image(path, colour=False))[0] for path in pictures)


def _judge(loaded: Checkpoint, made: Path, gate: Gate, console: Console) -> None:
    """Raise `GateError` when the file `made` finds less than the checkpoint."""
    from faceir.runtime.detector import Detector
    from faceir.train.detector import TorchDetector

    before, after = TorchDetector(loaded.net, loaded.contract), Detector(made, favour="throughput")
    gate.check(before, after, loaded.contract, "export", console)


def _write_torch(loaded: Checkpoint, form: str, out: Path, console: Console) -> None:
    from faceir.train.export import torch_files

    write = torch_files.write_torchscript if form == "torchscript" else torch_files.write_exported_program
    far = write(loaded.net, loaded.contract, out)
    console.print(f"wrote {out}, {out.stat().st_size / 1e6:.1f} MB, within {far:.0e} of the net")
