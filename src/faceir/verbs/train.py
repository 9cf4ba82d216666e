"""`faceir train`: a net from an experiment spec and labelled pictures."""

from __future__ import annotations

import shutil
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceir import sealed
from faceir.errors import FaceirError, InputError, SpecError, need
from faceir.verbs.key import KeyOption, read_key
from faceir.verbs.terminal import interruptible, progress_bar

if TYPE_CHECKING:
    from collections.abc import Generator

    import torch
    from rich.console import Console

    from faceir.spec import Experiment
    from faceir.train.loop import Progress, Training
    from faceir.train.setup import Data
    from faceir.train.status import Status

__all__ = ["train"]

PROBLEMS_NAME = "label_problems.txt"


def train(
    spec: Annotated[Path, typer.Option("-e", "--spec", help="Experiment spec, TAO's text format.")],
    results: Annotated[Path, typer.Option("-r", "--results", help="Folder for checkpoints and metrics.")],
    name: Annotated[str, typer.Option("-n", "--name", help="Name of the model.")] = "model",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the spec.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    overfit: Annotated[
        bool, typer.Option("--overfit", help="Only check that the net can learn one batch by heart.")
    ] = False,
    skip_bad_labels: Annotated[
        bool, typer.Option("--skip-bad-labels", help="Leave pictures with faulty labels out instead of stopping.")
    ] = False,
    key: KeyOption = None,
) -> None:
    """Train; the same command continues a run that was stopped or killed. `torchrun -m faceir train` uses many."""
    need("train")
    from rich.console import Console

    from faceir import spec as specs
    from faceir.train import distributed, status

    experiment = specs.load(spec, overrides or [])
    specs.check(experiment)
    _refuse_closed_model(experiment)
    chosen, why = _device(device)
    with distributed.joined(chosen):
        console = Console(highlight=False, markup=False, soft_wrap=True, quiet=not distributed.leads())
        secret = read_key(key, confirm=True) if distributed.leads() else None
        if overfit:
            _overfit(_prepared(experiment, results, chosen, why, skip_bad_labels, console), console)
            return
        with status.kept(results, experiment.training_config.num_epochs) as told:
            training = _prepared(experiment, results, chosen, why, skip_bad_labels, console)
            _run(training, results, told, console)
            if distributed.leads():
                _finish(results, name, secret, console)


def _refuse_closed_model(experiment: Experiment) -> None:
    """Say that a model that TAO encrypts is not read, before anything else is done."""
    from faceir.train.pretrained import CLOSED

    model = experiment.model_config
    if not model.pretrained_model_file.lower().endswith(CLOSED):
        return
    without = " --set model_config.load_graph=false" if model.load_graph else ""
    raise SpecError(
        "model_config.pretrained_model_file", f"is {model.pretrained_model_file}, which only TAO reads",
        "a .safetensors checkpoint, an .onnx file or a .hdf5 file of TAO 5",
        f"add --set model_config.pretrained_model_file=FILE, or start afresh: "
        f'--set model_config.pretrained_model_file=""{without}',
    )  # fmt: skip


def _prepared(
    experiment: Experiment, results: Path, device: torch.device, why: str, skip_bad_labels: bool, console: Console
) -> Training:
    """The training, its plan printed."""
    from faceir.train import setup
    from faceir.train.sources import tell_unlabelled

    data = _checked(setup.find_data(experiment), experiment, results, skip_bad_labels, console)
    training = setup.make_training(experiment, data, device)
    _print_plan(training, data, why, console)
    for told in tell_unlabelled(data, experiment):
        console.print(f"{'beware':>10}: {told}")
    _print_unread(experiment, data, console)
    return training


def _run(training: Training, results: Path, told: Status, console: Console) -> None:
    """Train to the end, and draw the curves."""
    from faceir.train import distributed, loop

    results.mkdir(parents=True, exist_ok=True)
    if distributed.leads():
        (results / "experiment_spec.txt").write_text(training.spec, encoding="utf-8")
    try:
        _watch(loop.run(training, results), training, results, told, console)
    finally:
        _draw(results)


def _draw(results: Path) -> None:
    from faceir.train import curves, distributed

    if distributed.leads() and find_spec("matplotlib"):
        with suppress(OSError):  # the picture is drawn again; it must not hide what ended the run
            curves.draw(results)


def _finish(results: Path, name: str, secret: str | None, console: Console) -> None:
    """The last checkpoint under the model's name, sealed when there is a key."""
    last = max(results.glob("model.epoch-*.safetensors"), key=lambda p: int(p.stem.rpartition("-")[2]))
    final = results / "weights" / f"{name}.safetensors"
    final.parent.mkdir(exist_ok=True)
    if secret is not None:
        sealed.seal_file(last, final, secret)
        console.print(f"{final} is sealed with the key; the other checkpoints in {results} are not")
    else:
        shutil.copyfile(last, final.with_suffix(".part"))
        final.with_suffix(".part").replace(final)
    console.print(f"wrote {final}; next: faceir export -m {final} -o {name}.onnx")


def _device(wanted: str) -> tuple[torch.device, str]:
    """The torch device of this process and the reason for it."""
    import torch

    from faceir.train import distributed

    if wanted not in ("auto", "cpu", "cuda"):
        raise InputError("--device", f"is {wanted!r}", "auto, cpu or cuda")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise InputError("--device", "no CUDA device is to be seen", "one", "use --device cpu")
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
        return distributed.place(wanted), f"{wanted} (the fastest here)"
    return distributed.place(wanted), f"{wanted} (asked for)"


def _checked(data: Data, experiment: Experiment, results: Path, skip: bool, console: Console) -> Data:
    """The data without faulty labels; stops when there are some and they are not to be skipped."""
    from faceir.train import distributed, setup

    console.print(f"checking the labels of {len(data.training) + len(data.validation)} pictures")
    sound, problems = setup.check_labels(data, experiment)
    if not problems:
        return sound
    results.mkdir(parents=True, exist_ok=True)
    listed = results / PROBLEMS_NAME
    if distributed.leads():
        listed.write_text("\n".join(str(error) for error in problems.values()) + "\n", encoding="utf-8")
    for error in list(problems.values())[:10]:
        console.print(f"  {error}")
    if not skip:
        raise InputError(
            listed, f"{len(problems)} pictures have faulty labels", "none", "mend them, or add --skip-bad-labels"
        )
    console.print(f"leaving out {len(problems)} pictures with faulty labels, listed in {listed}")
    return sound


def _print_plan(training: Training, data: Data, device: str, console: Console) -> None:
    """What will be done, before it is done."""
    from faceir.train.model import count_macs, count_params
    from faceir.train.sources import tell_terms

    size_wh = training.contract.fit.size_wh
    net, batches = training.net, f" in {training.accumulate} batches" if training.accumulate > 1 else ""
    pictures = training.samples.batch_size * training.accumulate
    macs = count_macs(net, size_wh) / 1e9
    processes = training.samples.part[1]
    if processes > 1:
        batches += f" on each of {processes} processes"
    for label, text in (
        ("net", f"{count_params(net) / 1e6:.2f} M parameters, {macs:.2f} GMAC at {size_wh[0]}x{size_wh[1]}"),
        ("data", f"{len(data.training)} pictures to train on, {len(data.validation)} to validate on"),
        ("device", device),
        ("precision", f"{training.precision} ({training.precision_reason})"),
        ("steps", f"{training.total_steps} of {pictures} pictures{batches}, {training.steps_per_epoch} an epoch"),
    ):  # fmt: skip
        console.print(f"{label:>10}: {text}")
    for told in tell_terms(data, training.data):
        console.print(f"{'terms':>10}: {told}")
    if training.teacher:
        console.print(f"{'teacher':>10}: {count_params(training.teacher.net) / 1e6:.2f} M parameters")
    if caution := training.data.get("caution"):
        console.print(f"{'beware':>10}: {caution}")
    if loaded := training.data.get("pretrained"):
        _print_loaded(loaded, console)


def _print_unread(experiment: Experiment, data: Data, console: Console) -> None:
    """Which keys of the spec are not read, and where TAO would have used their TFRecords to tell pictures apart."""
    from faceir import spec as specs

    for name, reason in specs.unread(experiment).items():
        console.print(f"{'not read':>10}: {name}, as {reason}")
    config = experiment.dataset_config
    judged = Path(config.validation_data_source.image_directory_path).resolve()
    learnt = [Path(source.image_directory_path).resolve() for source in config.data_sources]
    if not config.HasField("validation_data_source") or not any(
        judged.is_relative_to(one) or one.is_relative_to(judged) for one in learnt
    ):
        return  # and millions of pictures need not be compared
    seen = {item.picture.absolute() for item in data.training}
    if both := sum(item.picture.absolute() in seen for item in data.validation):
        text = f"{both} of {len(data.validation)} pictures to validate on are trained on as well"
        console.print(f"{'beware':>10}: {text}: name another folder, give `split`, or write `validation_fold: 0`")


def _print_loaded(loaded: dict[str, Any], console: Console) -> None:
    """Which layers came from the file, and why the others did not."""
    from rich.table import Table

    table = Table("layer", "parameters", "", title=f"from {loaded['file']}", box=None, pad_edge=False)
    for layer, parameters, fate in loaded["layers"]:
        table.add_row(layer, f"{parameters:,}", fate, style="" if fate == "loaded" else "yellow")
    console.print(table)
    taken = sum(parameters for _, parameters, fate in loaded["layers"] if fate == "loaded")
    console.print(f"{taken:,} of {sum(row[1] for row in loaded['layers']):,} parameters came from the file")


def _overfit(training: Training, console: Console) -> None:
    """Say whether one batch can be learnt by heart."""
    from faceir.train.loop import overfit

    first = last = None
    for last in overfit(training):
        first = first or last
        if last.step % 20 == 0:
            console.print(f"step {last.step:>4}  coverage {last.cov_cost:.5f}  boxes {last.bbox_cost:.5f}")
    if not first or not last or last.bbox_cost > 0.2 * first.bbox_cost:
        raise FaceirError(
            "--overfit", "the net did not learn one batch by heart", do="look at the labels, the mapping and the rates"
        )
    console.print("one batch was learnt by heart: net, labels and loss belong together")


def _watch(steps: Generator[Progress], training: Training, results: Path, told: Status, console: Console) -> None:
    """Show the run as it goes, to its end or to Ctrl-C."""
    from faceir.train import distributed

    last, stopped = None, False
    with closing(steps), interruptible() as stop, progress_bar(console) as bar:  # closing saves where it stopped
        task = bar.add_task("starting", total=training.total_steps, rate="")
        for last in steps:
            line = f"epoch {last.epoch + 1}: coverage {last.cov_cost:.4f}, boxes {last.bbox_cost:.5f}"
            bar.update(task, completed=last.step, description=line, rate=f"rate {last.rate:.1e}")
            for skipped in last.skipped:
                console.print(f"skipped: {skipped}")
            told.follow(last, training.steps_per_epoch)
            if last.scores:
                _draw(results)
                console.print(f"epoch {last.epoch + 1}: {_percent(last.scores)}")
            elif not console.is_terminal and last.step % 200 == 0:
                console.print(f"step {last.step} of {last.total_steps}, {line}")
            if stopped := distributed.any_of(stop.is_set()):
                break
    if last and last.step < last.total_steps and stopped:
        console.print(f"stopped at step {last.step} of {last.total_steps}; the same command goes on from there")
        told.stopped(f"stopped at step {last.step} of {last.total_steps}")
        raise typer.Exit(130)
    if last and last.step < last.total_steps:
        console.print(f"ended at step {last.step} of {last.total_steps}: validation gets no better")


def _percent(scores: dict[str, Any]) -> str:
    return ", ".join(
        f"{key} {value:.2f}" if key == "threshold" else f"{key} {100 * value:.2f} %"
        for key, value in scores.items()
        if value is not None
    )
