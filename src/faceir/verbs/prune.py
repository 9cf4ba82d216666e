"""`faceir prune`: a checkpoint with fewer channels, and before that the plan of what is to go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceir.errors import InputError, need, need_file
from faceir.registry import resolve
from faceir.verbs.gate import Gate, GateMaxDrop, GateMinHeight, GateSource, GateSplit, GateTerms
from faceir.verbs.key import KeyOption, read_key
from faceir.verbs.prune_cut import cut, show
from faceir.verbs.prune_options import Choice, Rounds

if TYPE_CHECKING:
    from faceir.train.checkpoint import Checkpoint
    from faceir.train.prune import Plan

__all__ = ["prune"]


def prune(
    model: Annotated[Path, typer.Option("-m", "--model", help="Checkpoint (.safetensors).")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Checkpoint to write; without it nothing is cut.")
    ] = None,
    key: KeyOption = None,
    threshold: Annotated[
        float | None,
        typer.Option("-pth", "--threshold", help="TAO's rule: keep filters of a larger normalised norm; default 0.1."),
    ] = None,
    normalizer: Annotated[
        str | None,
        typer.Option(
            "-n",
            "--normalizer",
            help="With --threshold: max or L2, default max. With a target also energy, rank, none.",
        ),
    ] = None,
    equalization: Annotated[
        str | None,
        typer.Option(
            "-eq",
            "--equalization",
            help="With --threshold: union, intersection, arithmetic_mean or geometric_mean; default union.",
        ),
    ] = None,
    granularity: Annotated[
        int | None, typer.Option("-pg", "--granularity", min=1, help="Keep multiples of so many; default 8.")
    ] = None,
    min_filters: Annotated[
        int | None,
        typer.Option("-nf", "--min-filters", min=1, help="Keep at least so many; default 16, with a target 8."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("-el", "--exclude", help="Leave this layer whole (conv1, ...); repeatable.")
    ] = None,
    keep_macs: Annotated[
        float | None, typer.Option(help="Target instead of a threshold: share of the multiply-accumulates, 0..1.")
    ] = None,
    keep_params: Annotated[
        float | None, typer.Option(help="Target instead of a threshold: share of the parameters, 0..1.")
    ] = None,
    latency_ms: Annotated[
        float | None, typer.Option(help="Target instead of a threshold: milliseconds a picture on this machine.")
    ] = None,
    latency_precision: Annotated[str, typer.Option(help="What times are measured in: f32 or int8.")] = "f32",
    threads: Annotated[int, typer.Option(min=1, help="Threads that times are measured with.")] = 1,
    importance: Annotated[
        str | None,
        typer.Option(
            help="With a target: l2 (kernel norms), bn (BN gammas) or taylor (the loss, needs -e); default l2."
        ),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option("-e", "--spec", help="Experiment spec whose training pictures taylor and --restate-bn look at."),
    ] = None,
    batches: Annotated[int, typer.Option(min=1, help="So many of its batches.")] = 20,
    restate_bn: Annotated[
        bool, typer.Option("--restate-bn", help="After the cut, take BN's statistics anew from the spec's pictures.")
    ] = False,
    plan: Annotated[Path | None, typer.Option(help="Write the plan here as JSON, to be edited.")] = None,
    apply: Annotated[Path | None, typer.Option(help="Take this plan instead of a rule; without -o show it.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw the plan here (.png).")] = None,
    dataset: Annotated[
        Path | None, typer.Option("-d", "--dataset", help="Gate: judge before and after on these labelled pictures.")
    ] = None,
    split: GateSplit = "",
    terms: GateTerms = None,
    source: GateSource = None,
    min_height: GateMinHeight = 16.0,
    max_drop: GateMaxDrop = 0.5,
    rounds: Annotated[
        int, typer.Option(min=0, help="Reach the target in so many steps, each trained again by --retrain.")
    ] = 0,
    retrain: Annotated[Path | None, typer.Option(help="With --rounds: experiment spec of the retraining.")] = None,
    results: Annotated[
        Path | None, typer.Option("-r", "--results", help="With --rounds: folder that the rounds work in.")
    ] = None,
) -> None:
    """Cut channels out of a checkpoint by TAO's rule, down to a target, or by an edited plan; then train it again."""
    need("train")
    from rich.console import Console

    from faceir.train import checkpoint

    console = Console(highlight=False, markup=False, width=126)
    options = {
        "--threshold": threshold, "--normalizer": normalizer, "--equalization": equalization,
        "--granularity": granularity, "--min-filters": min_filters, "--exclude": exclude or None,
        "--keep-macs": keep_macs, "--keep-params": keep_params, "--latency-ms": latency_ms, "--importance": importance,
    }  # fmt: skip
    choice = Choice(
        {option: value for option, value in options.items() if value is not None}, apply, spec or retrain, batches,
        restate_bn, latency_precision, threads,
    )  # fmt: skip
    choice.check()
    gate = Gate(dataset, split, tuple(terms or ()), tuple(source or ()), min_height, max_drop) if dataset else None
    if gate:
        gate.items()  # a folder that cannot be judged on is told now, not after hours of rounds
    for path, suffix in ((out, ".safetensors"), (picture, ".png")):
        _check_file(path, suffix, model)
    if picture:
        need("report")
    if plan and plan.exists():
        raise InputError(plan, "exists, and may have been edited", "a new file", f"--apply {plan} takes it as it is")
    opened = read_key(key)
    model = resolve(model)
    if rounds:
        from faceir.verbs.prune_rounds import run_rounds

        for option, value in (("--plan", plan), ("--picture", picture)):
            if value:
                raise InputError(option, "goes not with --rounds, which has a plan a round", "one of them")
        run_rounds(Rounds(model, out, rounds, retrain, results, choice, gate, opened), console)
        return
    for option, value in (("--retrain", retrain), ("--results", results)):
        if value:
            raise InputError(option, "goes with --rounds", "--rounds 1 or more")
    if gate and out is None:
        raise InputError("-d", "judges a cut, and without -o nothing is cut", "-o OUT.safetensors")
    loaded = checkpoint.load(model, opened)
    clock = choice.clock(loaded) if out is None or latency_ms else None
    made = _read(apply, loaded, model) if apply else choice.plan(loaded, clock, console)
    if plan:
        _write(plan, made)
    show(made, loaded, clock, picture, console)
    if out is None:
        how = f"--apply {apply or plan}" if apply or plan else "and the same options"
        console.print(f"nothing is cut; next: faceir prune -m {model} -o OUT.safetensors {how}", soft_wrap=True)
        return
    pruned = cut(loaded, made, choice, console)
    if gate:
        from faceir.train.detector import TorchDetector

        before, after = (TorchDetector(one.net, one.contract) for one in (loaded, pruned))
        gate.check(before, after, loaded.contract, f"pruning {model.name}", console)
    else:
        console.print("no gate: nobody has judged what the cut cost; -d DATASET does")
    checkpoint.save(out, pruned, key=opened)
    console.print(
        f"wrote {out}; next: train it again, faceir train with --set model_config.pretrained_model_file={out} "
        "--set model_config.load_graph=true --set training_config.regularizer.type=NO_REG, or prune by --rounds",
        soft_wrap=True,
    )


def _check_file(path: Path | None, suffix: str, model: Path) -> None:
    if path is None:
        return
    if path.suffix != suffix:
        raise InputError("--out" if suffix == ".safetensors" else "--picture", f"is {path.name}", f"a name in {suffix}")
    if path.resolve() == model.resolve():
        raise InputError("--out", "is the model itself", "another file: what is cut does not come back")


def _read(path: Path, loaded: Checkpoint, model: Path) -> Plan:
    """The plan in a file, which must be of this net."""
    from faceir.train.prune import Plan

    made = Plan.from_json(need_file(path, "a pruning plan").read_text(encoding="utf-8", errors="replace"), path)
    if made.before != loaded.net.architecture:
        raise InputError(path, f"was made for a net of other widths than {model}", "a plan of this net")
    return made


def _write(path: Path, plan: Plan) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(plan.to_json(), encoding="utf-8")
    os.replace(part, path)
