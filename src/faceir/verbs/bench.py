"""`faceir bench`: how long a model takes here, alone or against another, and what that was measured on."""

from __future__ import annotations

import json as jsons
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from faceir.errors import InputError, ModelError, need, need_file
from faceir.verbs.key import KeyOption, read_key
from faceir.verbs.terminal import progress_bar

if TYPE_CHECKING:
    from rich.console import Console

    from faceir.flow import Image
    from faceir.runtime.bench.targets import Setting, Target
    from faceir.runtime.bench.timing import Load, Ratio, Step

__all__ = ["bench"]

_BLOCKS = 20
_WHATS = ("infer", "detect")


def bench(
    model: Annotated[
        Path | None, typer.Option("-m", "--model", "--onnx", help="Model or name; default: the packaged one.")
    ] = None,
    backend: Annotated[
        str,
        typer.Option(help="openvino, onnxruntime or torch, comma between; default: openvino, torch for .safetensors."),
    ] = "",
    precision: Annotated[str, typer.Option(help="auto, f32, bf16 or f16, comma between.")] = "auto",
    threads: Annotated[str, typer.Option(help="CPU threads of all streams, 0 = all cores; comma between.")] = "1",
    streams: Annotated[str, typer.Option("--streams", "--infStreams", help="Steps side by side; comma between.")] = "1",
    batch: Annotated[str, typer.Option(help="Pictures a step; comma between.")] = "1",
    what: Annotated[str, typer.Option(help="infer (the net alone), detect (picture to faces) or both.")] = "both",
    picture: Annotated[Path | None, typer.Option(help="Picture to work on; default: a synthetic one.")] = None,
    size: Annotated[str, typer.Option(help="Size of the synthetic picture.")] = "384x240",
    warm_up: Annotated[
        float, typer.Option("--warm-up", "--warmUp", min=0, metavar="MS", help="Run so long untimed.")
    ] = 500,
    duration: Annotated[float, typer.Option(min=0, metavar="S", help="Time each line for so long.")] = 3,
    iterations: Annotated[int, typer.Option(min=1, help="Time at least so many steps.")] = 10,
    vs: Annotated[
        str | None,
        typer.Option(metavar="[MODEL][:BACKEND[:PRECISION]]", help="Compare with this in alternation."),
    ] = None,
    scaling: Annotated[bool, typer.Option("--scaling", help="What each further core adds, a stream a core.")] = False,
    json: Annotated[Path | None, typer.Option("--json", "--exportTimes", help="Write all of it here.")] = None,
    key: KeyOption = None,
) -> None:
    """Latency and throughput; --vs tells a ratio with its 95 % interval, and no difference that is not shown."""
    from rich.console import Console

    from faceir.registry import resolve
    from faceir.runtime.bench.machine import Watch, look
    from faceir.runtime.bench.targets import Setting, default_backend
    from faceir.runtime.detector import default_model

    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 126)
    errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if what not in (*_WHATS, "both"):
        raise InputError("--what", f"is {what!r}", "infer, detect or both")
    path = default_model() if model is None else need_file(resolve(model), "a model", ModelError)
    settings = [
        Setting(path, name, precise, *counts)  # type: ignore[arg-type]  # precisions are checked in _words
        for name, precise, *counts in product(
            _words("--backend", backend or default_backend(path), ("openvino", "onnxruntime", "torch")),
            _words("--precision", precision, _precisions()),
            _numbers("--threads", threads, 0), _numbers("--streams", streams, 1), _numbers("--batch", batch, 1),
        )
    ]  # fmt: skip
    image, stated = _picture(picture, size)
    way = _Way(image, read_key(key), _WHATS if what == "both" else (what,), warm_up / 1e3, duration, iterations)
    machine, before = look(), Watch()
    time.sleep(0.5)
    _warn(before.others(), machine.cores, "before the first step", errors)
    console.print(f"{machine}\n{stated}; {warm_up:g} ms of warm-up, {duration:g} s a line", soft_wrap=True)
    during = Watch()
    result = _Result()
    try:
        if vs is not None:
            result.comparisons = _against(settings, vs, way, console, errors)
        elif scaling:
            result.scaling = _scaling(settings[0], machine.cores, way, console, errors)
        else:
            result.runs = _alone(settings, way, console, errors)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    others = during.others()
    _warn(others, machine.cores, "meanwhile", errors)
    if json:
        about = {"machine": asdict(machine), "other_programs_cores": round(others, 3), "picture": stated}
        times = {"warm_up_ms": warm_up, "duration_s": duration}
        _write(json, {"format": 1, **about, **times, **asdict(result)})


@dataclass(frozen=True)
class _Way:
    """How everything of one call is timed."""

    image: Image
    key: str | None = field(repr=False)
    whats: tuple[str, ...]
    warm_up_s: float
    duration_s: float
    iterations: int

    def open(self, setting: Setting) -> Target:
        from faceir.runtime.bench.targets import open_target

        if setting.backend == "torch":
            return _torch(setting, self.image, self.key)
        return open_target(setting, self.image, self.key)

    def loads(self, target: Target) -> dict[str, Load]:
        """What is to be timed of a target, by name, warm."""
        from faceir.runtime.bench.timing import Load, warm_up

        found = {}
        for what in self.whats:
            make: Callable[[], Step] | None = getattr(target, what)
            if make is not None:
                found[what] = Load(tuple(make() for _ in range(target.setting.streams)), target.setting.batch)
                warm_up(found[what], self.warm_up_s)
        if not found:
            raise ModelError(
                target.setting.model, "carries no contract, so that no faces come of it", do="--what infer"
            )
        return found


@dataclass
class _Result:
    runs: list[dict[str, Any]] = field(default_factory=list)
    comparisons: list[dict[str, Any]] = field(default_factory=list)
    scaling: list[dict[str, Any]] = field(default_factory=list)


def _alone(settings: Sequence[Setting], way: _Way, console: Console, errors: Console) -> list[dict[str, Any]]:
    """Time each setting by itself."""
    from rich.table import Table

    from faceir.runtime.bench.timing import measure

    rows = []
    with progress_bar(errors) as bar:
        for setting in _counted(bar, settings):
            target = way.open(setting)
            for what, load in way.loads(target).items():
                timing = measure(load, way.duration_s, way.iterations)
                rows.append({**_stated(target), "what": what, **timing.to_dict()})
    table = Table("", "backend", "precision", box=None, pad_edge=False)
    for heading in ("threads", "streams", "batch", "min ms", "mean", "p50", "p90", "p99", "CPU ms", "pictures/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        times = (f"{row[f'{name}_ms']:.2f}" for name in ("min", "mean", "p50", "p90", "p99", "cpu"))
        counts = (str(row[name]) for name in ("threads", "streams", "batch"))
        table.add_row(row["what"], row["backend"], row["precision"], *counts, *times, f"{row['per_second']:.1f}")
    console.print(settings[0].model.name)
    console.print(table)
    return rows


def _against(
    settings: Sequence[Setting], vs: str, way: _Way, console: Console, errors: Console
) -> list[dict[str, Any]]:
    """Time each setting against the other model or backend."""
    rows = []
    for setting in settings:
        a, b = way.open(setting), way.open(_other(setting, vs))
        console.print(f"A {a}\nB {b}", soft_wrap=True)
        loads_a, loads_b = way.loads(a), way.loads(b)
        for what in [w for w in loads_a if w in loads_b]:
            pair = _compared(loads_a[what], loads_b[what], way, errors)
            verdict = pair.wall.verdict("A", "B")
            console.print(
                f"{what}: A {pair.a_ms:.3f} ms, B {pair.b_ms:.3f} ms a picture, A/B {pair.wall} "
                f"(CPU time {pair.cpu}); {verdict}",
                soft_wrap=True,
            )
            rows.append({"a": _stated(a), "b": _stated(b), "what": what, **pair.to_dict(), "verdict": verdict})
        for what in [w for w in way.whats if w not in loads_a or w not in loads_b]:
            console.print(f"{what}: not compared, as one of them carries no contract")
    return rows


def _scaling(setting: Setting, cores: int, way: _Way, console: Console, errors: Console) -> list[dict[str, Any]]:
    """Throughput of n cores with n streams against one core with one, in alternation."""
    from rich.table import Table

    if cores < 2:
        raise InputError("--scaling", "there is one core", "two or more")
    one = way.open(replace(setting, threads=1, streams=1))
    loads_one = way.loads(one)
    table = Table("", "cores", "pictures/s", "of one core", "95 % interval", box=None, pad_edge=False)
    rows = []
    for count in range(2, cores + 1):
        loads = way.loads(way.open(replace(setting, threads=count, streams=count)))
        for what, load in loads.items():
            pair = _compared(loads_one[what], load, way, errors)
            table.add_row(what, "1", f"{1e3 / pair.a_ms:.1f}", "1.00", "")
            interval = f"{pair.wall.low:.2f} to {pair.wall.high:.2f}"
            table.add_row(what, str(count), f"{1e3 / pair.b_ms:.1f}", f"{pair.wall.value:.2f}", interval)
            rows.append({"what": what, "cores": count, **pair.to_dict()})
    console.print(one.setting.model.name, f"on {setting.backend}, {one.precision}")
    console.print(table)
    return rows


@dataclass(frozen=True)
class _Pair:
    """A comparison: median times, ms a picture, and the ratios A/B of wall and CPU time."""

    a_ms: float
    b_ms: float
    wall: Ratio
    cpu: Ratio

    def to_dict(self) -> dict[str, Any]:
        return {
            "a_ms": round(self.a_ms, 4),
            "b_ms": round(self.b_ms, 4),
            "ratio": round(self.wall.value, 4),
            "interval_95": [round(self.wall.low, 4), round(self.wall.high, 4)],
            "real": self.wall.real,
            "cpu_ratio": round(self.cpu.value, 4),
            "cpu_interval_95": [round(self.cpu.low, 4), round(self.cpu.high, 4)],
        }


def _compared(a: Load, b: Load, way: _Way, errors: Console) -> _Pair:
    """Both in alternation, with a bar."""
    from statistics import median

    from faceir.runtime.bench.timing import compare, ratio

    with progress_bar(errors) as bar:
        blocks = list(_counted(bar, compare(a, b, 2 * way.duration_s, _BLOCKS), _BLOCKS))
    a_ms = median(segment.wall_ms for block in blocks for segment in block.a)
    b_ms = median(segment.wall_ms for block in blocks for segment in block.b)
    return _Pair(a_ms, b_ms, ratio(blocks), ratio(blocks, lambda segment: segment.cpu_ms))


def _other(setting: Setting, vs: str) -> Setting:
    """The setting that `--vs` names: a part that it leaves out is that of `setting`."""
    from faceir.registry import resolve
    from faceir.runtime.bench.targets import default_backend

    parts = vs.split(":")
    precision = parts.pop() if len(parts) > 1 and parts[-1] in _precisions() else None
    backend = parts.pop() if len(parts) > 1 else ""
    model = ":".join(parts)
    path = need_file(resolve(model), "a model", ModelError) if model else setting.model
    backend = backend or (setting.backend if path.suffix == setting.model.suffix else default_backend(path))
    _words("--vs", backend, ("openvino", "onnxruntime", "torch"))
    chosen: Any = precision or setting.precision
    return replace(setting, model=path, backend=backend, precision=chosen)


def _torch(setting: Setting, picture: Image, key: str | None) -> Target:
    """A checkpoint in torch; it is here, as the runtime may not know the training."""
    need("train")
    import torch

    from faceir.fit import to_blob
    from faceir.runtime.bench.machine import look
    from faceir.runtime.bench.targets import Target
    from faceir.train import checkpoint
    from faceir.train.detector import TorchDetector

    if setting.precision not in ("auto", "f32", "bf16"):
        raise InputError("--precision", f"is {setting.precision}", "auto, f32 or bf16 with torch")
    stated = "bf16" if setting.precision == "bf16" else "f32"
    loaded = checkpoint.load(setting.model, key)
    net = loaded.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    detector = TorchDetector(net, loaded.contract, stated.replace("f32", "FP32").replace("bf16", "BF16"))
    pictures, threads = [picture] * setting.batch, setting.threads_each(look().cores)
    x = torch.from_numpy(to_blob(loaded.contract.fit.batch(pictures)[0])).contiguous(memory_format=torch.channels_last)

    def infer() -> object:
        torch.set_num_threads(threads)  # one setting for all of torch: another target may have changed it
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, stated == "bf16"):
            return net(x)

    def detect() -> object:
        torch.set_num_threads(threads)
        return detector(pictures)

    return Target(setting, stated, lambda: infer, lambda: detect)


def _picture(path: Path | None, size: str) -> tuple[Image, str]:
    """The picture to work on, and its description."""
    from faceir.runtime.bench.targets import synthetic

    if path is not None:
        from faceir.data.kitti import read_image

        image = read_image(path, colour=False)
        return image, f"{path.name}, {image.shape[1]}x{image.shape[0]} gray"
    try:
        width, height = (int(n) for n in size.lower().split("x"))
    except ValueError:
        width = height = 0
    if not (0 < width <= 16384 and 0 < height <= 16384):
        raise InputError("--size", f"is {size!r}", "width x height, such as 384x240")
    return synthetic((width, height)), f"synthetic picture, {width}x{height} gray"


def _precisions() -> tuple[str, ...]:
    from faceir.runtime.detector import Precision

    return get_args(Precision)


def _words(option: str, given: str, known: Sequence[str]) -> list[str]:
    """The words of a comma-separated option."""
    words = [word.strip() for word in given.split(",")]
    for word in words:
        if word not in known:
            raise InputError(option, f"is {word!r}", ", ".join(known))
    return words


def _numbers(option: str, given: str, least: int) -> list[int]:
    """The numbers of a comma-separated option."""
    words = [word.strip() for word in given.split(",")]
    if not all(word.isdecimal() and least <= int(word) <= 4096 for word in words):
        raise InputError(option, f"is {given!r}", f"numbers from {least}, comma between, such as 1,2,4")
    return [int(word) for word in words]


def _counted(bar: Any, things: Any, total: int | None = None) -> Iterator[Any]:
    """`things`, shown on the bar as they go."""
    task = bar.add_task("timing", total=total or len(things), rate="")
    for thing in things:
        yield thing
        bar.advance(task)


def _stated(target: Target) -> dict[str, Any]:
    s = target.setting
    counts = {"threads": s.threads, "streams": s.streams, "batch": s.batch}
    return {"model": s.model.name, "backend": s.backend, "precision": target.precision, **counts}


def _warn(others: float, cores: int, when: str, errors: Console) -> None:
    from faceir.runtime.bench.machine import BUSY_SHARE

    if others > BUSY_SHARE * cores:
        errors.print(f"warning: other programs kept {others:.1f} of {cores} cores busy {when}: trust ratios, not times")


def _write(path: Path, stated: dict[str, Any]) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(jsons.dumps(stated, indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)
