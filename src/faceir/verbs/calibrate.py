"""`faceir calibrate`: an INT8 model from pictures, with a table of what each layer costs and a gate on accuracy."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from faceir.errors import GateError, InputError, ModelError, need, need_file
from faceir.registry import resolve
from faceir.verbs.gate import Gate, GateMaxDrop, GateMinHeight, GateSource, GateSplit, GateTerms
from faceir.verbs.key import KeyOption, read_key
from faceir.verbs.terminal import progress_bar

if TYPE_CHECKING:
    from rich.console import Console

    from faceir.contract import Contract
    from faceir.flow import Image
    from faceir.train.quantise import Range
    from faceir.train.quantise.sensitivity import Sensitivity

__all__ = ["calibrate"]

_T = TypeVar("_T")
_PROBED = 16
"""Pictures that outputs are compared on."""


@dataclass(frozen=True)
class _Source:
    """The float net to quantise."""

    path: Path
    """Its ONNX file, the stem's filters equal for the three channels of gray."""
    contract: Contract
    ranges: dict[str, Range] | None
    """Learnt in quantisation-aware training, where the checkpoint has them."""


def calibrate(
    model: Annotated[Path, typer.Option("-m", "--model", help="Checkpoint (.safetensors) or float ONNX file.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="INT8 ONNX file to write.")],
    cal_image_dir: Annotated[
        Path | None,
        typer.Option(
            "--cal-image-dir", "--cal_image_dir", help="Folder of pictures to calibrate on, also in folders below."
        ),
    ] = None,
    cal_images: Annotated[int, typer.Option(min=1, help="How many of them, evenly chosen.")] = 400,
    method: Annotated[str, typer.Option(help="percentile, entropy or minmax.")] = "percentile",
    percentile: Annotated[float, typer.Option(help="For percentile: share of values inside the range, %.")] = 99.99,
    scheme: Annotated[
        str, typer.Option(help="u8 for ONNX Runtime, OpenVINO and faceir; s8 for TensorRT and OpenVINO.")
    ] = "u8",
    float_layers: Annotated[
        str, typer.Option(help="Layers that stay in float, by commas: conv1,block_1a.conv_1.")
    ] = "",
    max_float_layers: Annotated[
        int, typer.Option(min=0, help="With -d: so many layers may go back to float, most sensitive first.")
    ] = 8,
    cal_cache_file: Annotated[
        Path | None,
        typer.Option("--cal-cache-file", "--cal_cache_file", help="Write TensorRT's calibration cache here."),
    ] = None,
    cal_json_file: Annotated[
        Path | None, typer.Option("--cal-json-file", "--cal_json_file", help="Write the ranges here as TAO's JSON.")
    ] = None,
    trt_version: Annotated[int, typer.Option(help="TensorRT's version in the cache's header.")] = 8517,
    sensitivity: Annotated[
        Path | None, typer.Option(help="Print what each layer costs alone, with -d in accuracy too; JSON goes here.")
    ] = None,
    force_ptq: Annotated[
        bool,
        typer.Option(
            "--force-ptq", "--force_ptq", help="Calibrate anew where the checkpoint has ranges from training."
        ),
    ] = False,
    dataset: Annotated[
        Path | None, typer.Option("-d", "--dataset", help="Gate: judge float and INT8 on these labelled pictures.")
    ] = None,
    split: GateSplit = "",
    terms: GateTerms = None,
    source: GateSource = None,
    min_height: GateMinHeight = 16.0,
    max_drop: GateMaxDrop = 0.5,
    key: KeyOption = None,
) -> None:
    """Quantise a net to INT8 by what its tensors hold on pictures like those to be seen later."""
    need("train")
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    if out.suffix != ".onnx":
        raise InputError("-o", f"is {out.name}", "a name that ends with .onnx")
    gate = Gate(dataset, split, tuple(terms or ()), tuple(source or ()), min_height, max_drop) if dataset else None
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".calibrate-") as folder:
        plain = _float_file(model, Path(folder), out.stem, read_key(key))
        pictures = _pictures(cal_image_dir, cal_images, needed=plain.ranges is None or force_ptq)
        ranges = _ranges(plain, pictures, method, percentile, force_ptq, console)
        kept = tuple(name for name in float_layers.split(",") if name)
        work = _Work(plain, ranges, scheme, _canvases(plain.contract, pictures, _PROBED), gate, console)
        if sensitivity:
            work.measure(sensitivity)
        made, kept = work.quantise(Path(folder) / out.name, kept, max_float_layers)
        work.say_noise(made)
        os.replace(made, out)
    console.print(
        f"wrote {out}, {out.stat().st_size / 1e6:.1f} MB, int8 ({scheme})"
        + (f", in float: {', '.join(kept)}" if kept else "")
    )
    _write_scales(ranges, cal_cache_file, trt_version, cal_json_file, console)
    if not gate:
        console.print("no gate: nobody has judged what INT8 cost; -d DATASET does")


def _float_file(model: Path, folder: Path, name: str, key: str | None) -> _Source:
    """The net of a checkpoint or a float ONNX file as a file in `folder`."""
    from faceir.train import checkpoint
    from faceir.train.export import export
    from faceir.train.export.fused import equal_channels
    from faceir.train.quantise import Range

    model, ranges = resolve(model), None
    if model.suffix == ".safetensors":
        loaded = checkpoint.load(model, key)
        contract = replace(loaded.contract, name=name)
        whole = export(loaded.net, contract, folder / "whole.onnx").path
        stated = loaded.data.get("activation_ranges")
        ranges = (
            {tensor: Range(float(high), bool(signed)) for tensor, (high, signed) in stated.items()} if stated else None
        )
    else:
        whole, contract = need_file(model, "a checkpoint or a float ONNX file", ModelError), _contract(model)
    return _Source(equal_channels(whole, folder / "float.onnx"), contract, ranges)


def _contract(path: Path) -> Contract:
    """That of a float ONNX file; raises `ModelError` for a file that is none, or quantised, or fused."""
    from faceir.runtime import net as nets
    from faceir.train.quantise import layers

    read = nets.read(path)
    contract = nets.read_contract(read, path)
    nets.check_tensors(read, contract, path)
    if contract.fused:
        raise ModelError(path, "takes one channel of bytes", "a file of faceir export without --fused")
    layers(path)
    return contract


def _pictures(folder: Path | None, wanted: int, needed: bool) -> list[Path]:
    """The pictures to calibrate on; none when none are given and needed."""
    from faceir.train.quantise.pictures import pictures

    if folder is None:
        if needed:
            raise InputError("--cal-image-dir", "is not given", "a folder of pictures like those to be seen later")
        return []
    return pictures(folder, wanted)


def _canvases(contract: Contract, pictures: list[Path], wanted: int) -> list[Image]:
    """A few pictures fitted for the net."""
    from faceir.data.kitti import read_image

    some = pictures[:: max(1, -(-len(pictures) // wanted))]
    return [contract.fit.apply(read_image(p, colour=False))[0] for p in some]


def _ranges(
    plain: _Source, pictures: list[Path], method: str, percentile: float, force_ptq: bool, console: Console
) -> dict[str, Range]:
    """Ranges from training where there are some, else by calibration."""
    from faceir.data.kitti import read_image
    from faceir.train import quantise

    if plain.ranges is not None and not force_ptq:
        console.print(
            f"ranges of {len(plain.ranges)} tensors as learnt in quantisation-aware training; --force-ptq calibrates "
            "anew, for every tensor, as DLA needs"
        )
        return plain.ranges
    fitted = (plain.contract.fit.apply(read_image(p, colour=False))[0] for p in pictures)
    ranges = quantise.calibrate(plain.path, _shown(fitted, len(pictures), "calibrating", console), method, percentile)
    how = f"{method} {percentile:g}" if method == "percentile" else method
    console.print(f"ranges of {len(ranges)} tensors by {how} of {len(pictures)} pictures")
    return ranges


def _shown(things: Iterable[_T], total: int, text: str, console: Console) -> Iterator[_T]:
    with progress_bar(console) as bar:
        task = bar.add_task(text, total=total, rate="")
        for thing in things:
            yield thing
            bar.advance(task)


@dataclass
class _Work:
    """What quantising and looking at the result have in common."""

    plain: _Source
    ranges: dict[str, Range]
    scheme: str
    canvases: list[Image]
    gate: Gate | None
    console: Console
    table: list[Sensitivity] | None = None

    def quantise(self, target: Path, kept: tuple[str, ...], max_more: int) -> tuple[Path, tuple[str, ...]]:
        """The file that the gate lets pass, and its layers in float: `kept`, and up to `max_more` that it took."""
        from faceir.train import quantise

        order: list[str] | None = None
        more: tuple[str, ...] = ()
        while True:
            chosen = (*kept, *more)
            quantise.quantise(self.plain.path, target, self.ranges, self.scheme, chosen)
            if not self.gate:
                return target, chosen
            before, after = self._detector(self.plain.path), self._detector(target)
            try:
                self.gate.check(before, after, self.plain.contract, "float to int8", self.console)
                return target, chosen
            except GateError:
                if order is None:
                    order = [name for name in self._order() if name not in kept]
                if len(more) >= min(max_more, len(order)):
                    raise
            more = tuple(order[: len(more) + 1])
            self.console.print(f"{more[-1]} goes back to float and the gate is asked again")

    def _order(self) -> list[str]:
        from faceir.train.quantise.sensitivity import most_sensitive

        if not self.canvases:
            raise InputError("--cal-image-dir", "is not given", "pictures, to find the layers that INT8 hurts most")
        return most_sensitive(self.table or self._measured(judged=False))

    def measure(self, path: Path) -> None:
        """Print the table of layers and write it to `path`."""
        from rich.table import Table

        from faceir.train.quantise.sensitivity import write_json

        if not self.canvases:
            raise InputError("--cal-image-dir", "is not given", "pictures, for --sensitivity")
        self.table = self._measured(judged=self.gate is not None)
        shown = Table(box=None, pad_edge=False)
        for heading in ("quantised alone", "coverage dB", "boxes dB", *(["accuracy %"] if self.gate else [])):
            shown.add_column(heading, justify="left" if heading == "quantised alone" else "right")
        for one in self.table:
            accuracy = [] if one.accuracy is None else [f"{100 * one.accuracy:.2f}"]
            shown.add_row(one.layer, f"{one.cov_db:.1f}", f"{one.bbox_db:.1f}", *accuracy)
        self.console.print(shown)
        write_json(path, self.table)
        self.console.print(f"wrote {path}, {len(self.table)} layers on {len(self.canvases)} pictures")

    def _measured(self, judged: bool) -> list[Sensitivity]:
        from faceir.train.quantise import layers
        from faceir.train.quantise.sensitivity import measure

        def accuracy(path: Path) -> float:
            assert self.gate
            return self.gate.accuracy(self._detector(path), self.plain.contract)

        rows = measure(
            self.plain.path, self.ranges, self.canvases, self.scheme, accuracy if judged and self.gate else None
        )
        return list(_shown(rows, len(layers(self.plain.path)), "layer by layer", self.console))

    def _detector(self, path: Path) -> Any:
        from faceir.runtime.detector import Detector

        return Detector(path, precision="f32", favour="throughput")  # nothing but INT8 shall differ

    def say_noise(self, made: Path) -> None:
        """Print how far INT8 is from float."""
        from faceir.train.quantise.sensitivity import signal_to_noise

        if self.canvases:
            cov, bbox = signal_to_noise(self.plain.path, made, self.canvases)
            self.console.print(
                f"signal to quantisation noise: coverage {cov:.1f} dB, boxes {bbox:.1f} dB, "
                f"on {len(self.canvases)} pictures"
            )


def _write_scales(
    ranges: dict[str, Range], cache_path: Path | None, version: int, json_path: Path | None, console: Console
) -> None:
    from faceir.train.quantise import cache

    if cache_path:
        cache.write(cache_path, ranges, version)
        console.print(f"wrote {cache_path}, TensorRT's scales of {len(ranges)} tensors")
    if json_path:
        cache.write_json(json_path, ranges)
        console.print(f"wrote {json_path}, ranges of {len(ranges)} tensors")
