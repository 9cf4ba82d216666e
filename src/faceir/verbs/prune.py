"""`faceir prune`: a checkpoint with fewer channels, and before that the plan of what is to go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceir.errors import InputError, need, need_file

if TYPE_CHECKING:
    from faceir.train.checkpoint import Checkpoint
    from faceir.train.prune import Plan

__all__ = ["prune"]


def prune(
    model: Annotated[Path, typer.Option("-m", "--model", help="Checkpoint (.safetensors).")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Checkpoint to write; without it nothing is cut.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("-pth", "--threshold", help="TAO's rule: keep filters of a larger normalised norm; default 0.1."),
    ] = None,
    normalizer: Annotated[
        str | None, typer.Option("-n", "--normalizer", help="With --threshold: max or L2; default max.")
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
        typer.Option("-nf", "--min-filters", min=1, help="Keep at least so many; default 16, with --keep-* 8."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("-el", "--exclude", help="Leave this layer whole (conv1, ...); repeatable.")
    ] = None,
    keep_macs: Annotated[
        float | None, typer.Option(help="Instead of a threshold: share of the multiply-accumulates to keep, 0..1.")
    ] = None,
    keep_params: Annotated[
        float | None, typer.Option(help="Instead of a threshold: share of the parameters to keep, 0..1.")
    ] = None,
    importance: Annotated[
        str | None, typer.Option(help="With --keep-*: l2 (kernel norms) or bn (BN gammas); default l2.")
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(help="JSON of the plan: without -o it is written, or shown when it exists; with -o applied."),
    ] = None,
) -> None:
    """Cut channels out of a checkpoint by TAO's rule, down to a share, or by an edited plan; then train it again."""
    need("train")
    from rich.console import Console

    from faceir.train import checkpoint
    from faceir.train import prune as pruning

    console = Console(highlight=False, markup=False, width=110)
    chosen = {
        "--threshold": threshold, "--normalizer": normalizer, "--equalization": equalization,
        "--granularity": granularity, "--min-filters": min_filters, "--exclude": exclude or None,
        "--keep-macs": keep_macs, "--keep-params": keep_params, "--importance": importance,
    }  # fmt: skip
    chosen = {option: value for option, value in chosen.items() if value is not None}
    _check_options(chosen)
    if out is not None:
        _check_out(out, model)
    loaded = checkpoint.load(model)
    if plan is not None and (out is not None or plan.exists()):
        if chosen:
            raise InputError(
                "--plan", f"{plan} says what to keep, and so does {next(iter(chosen))}", "one of them",
                "leave out -o and name a new file to write a plan",
            )  # fmt: skip
        text = need_file(plan, "a pruning plan").read_text(encoding="utf-8", errors="replace")
        made = pruning.Plan.from_json(text, plan)
        if made.before != loaded.net.architecture:
            raise InputError(plan, f"was made for a net of other widths than {model}", "a plan of this net")
    else:
        made = _make(loaded, chosen)
        if plan is not None:
            part = plan.with_name(plan.name + ".part")
            part.write_text(made.to_json(), encoding="utf-8")
            os.replace(part, plan)
    size_wh = loaded.contract.fit.size_wh
    params, macs = pruning.shares(made, size_wh)
    _print(made, size_wh, console)
    console.print(f"pruning ratio (pruned/original): {params:.4f} of the parameters, {macs:.4f} of the MACs")
    if out is None:
        console.print(
            f"nothing is cut; next: faceir prune -m {model} -o OUT.safetensors {f'--plan {plan}' if plan else ''}"
        )
        return
    checkpoint.save(out, _pruned(loaded, made, params, macs))
    console.print(
        f"wrote {out}; next: train it again, faceir train with --set model_config.pretrained_model_file={out} "
        "--set model_config.load_graph=true --set training_config.regularizer.type=NO_REG",
        soft_wrap=True,
    )


def _check_options(chosen: dict[str, Any]) -> None:
    """Raise `InputError` for options of the two rules together."""
    by_share = [option for option in ("--keep-macs", "--keep-params") if option in chosen]
    if len(by_share) == 2:
        raise InputError("--keep-macs, --keep-params", "are both given", "one of them")
    for option in ("--threshold", "--normalizer", "--equalization"):
        if by_share and option in chosen:
            raise InputError(option, f"goes not with {by_share[0]}, which finds its own threshold", "one of them")
    if "--importance" in chosen and not by_share:
        raise InputError("--importance", "goes with --keep-macs or --keep-params", "one of them")


def _check_out(out: Path, model: Path) -> None:
    if out.suffix != ".safetensors":
        raise InputError("--out", f"is {out.name}", "a name that ends in .safetensors")
    if out.resolve() == model.resolve():
        raise InputError("--out", "is the model itself", "another file: what is cut does not come back")


def _make(loaded: Checkpoint, chosen: dict[str, Any]) -> Plan:
    """A plan by the options that were given."""
    from faceir.train import prune as pruning

    options = {option.removeprefix("--").replace("-", "_"): value for option, value in chosen.items()}
    if "exclude" in options:
        options["excluded"] = options.pop("exclude")
    if "keep_macs" in options or "keep_params" in options:
        return pruning.plan_for(loaded.net, loaded.contract.fit.size_wh, **options)
    return pruning.make_plan(loaded.net, **options)


def _pruned(loaded: Checkpoint, plan: Plan, params: float, macs: float) -> Checkpoint:
    """The checkpoint after the cut: its scores are those of another net, so they go."""
    from dataclasses import replace

    from faceir.train import prune as pruning

    note = {"params": round(params, 6), "macs": round(macs, 6), "rule": plan.rule}
    if "pruned" in loaded.data:  # shares are of the net that was cut, so the cut before it is kept too
        note["earlier"] = loaded.data["pruned"]
    net = pruning.apply(loaded.net, plan)
    return replace(loaded, net=net, step=0, scores={}, data={**loaded.data, "pruned": note})


def _print(plan: Plan, size_wh: tuple[int, int], console: Any) -> None:
    from rich.table import Table

    from faceir.train import prune as pruning

    rows = pruning.describe(plan, size_wh)
    table = Table(box=None, pad_edge=False)
    table.add_column("layer")
    for heading in ("channels", "kept", "parameters", "kept", f"MMAC at {size_wh[0]}x{size_wh[1]}", "kept"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(row.name, *map(str, row.channels), *(f"{n:,}" for n in row.params), *_millions(row.macs))
    before, after = pruning.cost(plan.before, size_wh), pruning.cost(plan.after, size_wh)
    table.add_row(
        "all", "", "", f"{before.params:,}", f"{after.params:,}", *_millions((before.macs, after.macs)), style="bold"
    )
    console.print(table)


def _millions(macs: tuple[int, int]) -> list[str]:
    return [f"{n / 1e6:,.1f}" for n in macs]
