"""`faceir export`: a checkpoint as ONNX, in float32 or INT8."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from faceir.errors import InputError, need

__all__ = ["export"]


def export(
    model: Annotated[Path, typer.Option("-m", "--model", help="Checkpoint (.safetensors).")],
    out: Annotated[Path, typer.Option("-o", "--out", help="ONNX file to write.")],
    name: Annotated[str, typer.Option("-n", "--name", help="Name stated in the file; default: the file's.")] = "",
    threshold: Annotated[
        float | None, typer.Option(help="Least score of a face stated in the file, 0..1; default: the checkpoint's.")
    ] = None,
    data_type: Annotated[str, typer.Option(help="fp32 or int8.")] = "fp32",
    cal_image_dir: Annotated[
        Path | None, typer.Option(help="For int8: a folder of pictures, also in folders below it, to calibrate on.")
    ] = None,
    cal_images: Annotated[int, typer.Option(min=1, help="For int8: how many of them, evenly chosen.")] = 400,
) -> None:
    """Write a checkpoint as an ONNX file that DeepStream, TensorRT, ONNX Runtime and OpenVINO read."""
    need("train")
    from dataclasses import replace

    from rich.console import Console
    from rich.progress import track

    from faceir.data.kitti import read_image
    from faceir.train import checkpoint, quantise
    from faceir.train import export as exporting

    console = Console(highlight=False, markup=False, soft_wrap=True)
    if data_type not in ("fp32", "int8"):
        raise InputError("--data-type", f"is {data_type!r}", "fp32 or int8")
    if (data_type == "int8") != (cal_image_dir is not None):
        raise InputError("--cal-image-dir", "goes with --data-type int8", "both or neither")
    loaded = checkpoint.load(model)
    contract = replace(loaded.contract, name=name or out.stem)
    if threshold is not None:
        contract = contract.with_threshold(threshold)
    if cal_image_dir is None:
        written = exporting.export(loaded.net, contract, out)
        console.print(f"wrote {out}, {written.bytes / 1e6:.1f} MB, within {written.parity:.0e} of torch")
        return
    pictures = _pictures(cal_image_dir, cal_images)
    with tempfile.TemporaryDirectory() as folder:
        plain = exporting.export(loaded.net, contract, Path(folder) / "float.onnx").path
        shown = track(pictures, "calibrating", console=console)
        ranges = quantise.calibrate(plain, (contract.fit.apply(read_image(p, colour=False))[0] for p in shown))
        quantise.quantise(plain, out, ranges)
    console.print(f"wrote {out}, {out.stat().st_size / 1e6:.1f} MB, int8, calibrated on {len(pictures)} pictures")
    console.print(f"next: faceir evaluate -m {out} -d FOLDER, and the same for the float model")


def _pictures(folder: Path, wanted: int) -> list[Path]:
    """So many pictures of a folder, evenly chosen from all below it."""
    from faceir.data.kitti import PICTURE_SUFFIXES

    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise InputError(folder, "holds no picture", "some hundred pictures like those to be seen later")
    return [found[len(found) * n // wanted] for n in range(wanted)] if len(found) > wanted else found
