"""A plan shown and carried out: what one cut and a round of many have in common."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from faceir.train.checkpoint import Checkpoint
    from faceir.train.prune import LayerTimes, Plan
    from faceir.verbs.prune_options import Choice

__all__ = ["cut", "show"]


def cut(loaded: Checkpoint, plan: Plan, choice: Choice, console: Console) -> Checkpoint:
    """The checkpoint after the cut: its scores are those of another net, so they go."""
    from faceir.train import prune as pruning

    params, macs = pruning.shares(plan, loaded.contract.fit.size_wh)
    note = {"params": round(params, 6), "macs": round(macs, 6), "rule": plan.rule}
    if "pruned" in loaded.data:  # shares are of the net that was cut, so the cut before it is kept too
        note["earlier"] = loaded.data["pruned"]
    net = pruning.apply(loaded.net, plan)
    if choice.restate_bn:
        pruning.restate(net, choice.evidence(console, "BN's statistics"))
    data = {key: value for key, value in loaded.data.items() if key != "activation_ranges"}  # of the uncut net
    return replace(loaded, net=net, step=0, scores={}, data={**data, "pruned": note})


def show(plan: Plan, loaded: Checkpoint, clock: LayerTimes | None, picture: Path | None, console: Console) -> None:
    """Print and draw every layer before and after, with its expected time when there is a clock to tell it."""
    from rich.table import Table

    from faceir.train import prune as pruning

    size_wh = loaded.contract.fit.size_wh
    rows = pruning.describe(plan, size_wh)
    times = (clock.layers_ms(plan.before), clock.layers_ms(plan.after)) if clock else None
    figures = [(*map(str, row.channels), *(f"{n:,}" for n in row.params), *_millions(row.macs)) for row in rows]
    before, after = (pruning.cost(a, size_wh) for a in (plan.before, plan.after))
    total = ["", "", f"{before.params:,}", f"{after.params:,}", *_millions((before.macs, after.macs))]
    headings = ["channels", "kept", "parameters", "kept", f"MMAC at {size_wh[0]}x{size_wh[1]}", "kept"]
    if times:
        pairs = zip(*times, strict=True)
        figures = [(*cells, *(f"{ms:.3f}" for ms in pair)) for cells, pair in zip(figures, pairs, strict=True)]
        total += [f"{sum(some):.3f}" for some in times]
        headings += ["expected ms", "kept"]
    table = Table(box=None, pad_edge=False)
    table.add_column("layer")
    for heading in headings:
        table.add_column(heading, justify="right")
    for row, cells in zip(rows, figures, strict=True):
        table.add_row(row.name, *cells)
    table.add_row("all", *total, style="bold")
    console.print(table)
    params, macs = pruning.shares(plan, size_wh)
    console.print(f"pruning ratio (pruned/original): {params:.4f} of the parameters, {macs:.4f} of the MACs")
    if clock:
        console.print(f"expected ms: {clock.precision}, {clock.threads} thread(s), {clock.machine}", soft_wrap=True)
    if clock and "measured_ms" in plan.rule:
        measured, predicted = plan.rule["measured_ms"], plan.rule["predicted_ms"]
        target = plan.rule["latency_ms"]
        console.print(f"latency: {measured:.3f} ms measured, {predicted:.3f} ms predicted, target {target:g} ms")
        if not 0.6 < measured / predicted < 1.6:
            console.print(f"these are far apart: delete {clock.path} to measure the layers again", soft_wrap=True)
    if picture:
        console.print(f"drew {pruning.draw(plan, size_wh, picture, times)}", soft_wrap=True)


def _millions(macs: tuple[int, int]) -> list[str]:
    return [f"{n / 1e6:,.1f}" for n in macs]
