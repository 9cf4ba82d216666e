"""`faceir prune --rounds`: cut a little, train again, judge; until the target is reached or the gate fails."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceir.errors import GateError, InputError

if TYPE_CHECKING:
    from rich.console import Console

    from faceir.train.checkpoint import Checkpoint
    from faceir.train.prune import LayerTimes
    from faceir.verbs.prune_options import Choice, Rounds

__all__ = ["run_rounds"]

_COMMAND_NAME, _CUT_NAME = "prune.json", "pruned.safetensors"
_CHANGES = (
    ("model_config.pretrained_model_file={cut}", "the net that was cut"),
    ("model_config.load_graph=true", "and its widths"),
    ("training_config.regularizer.type=NO_REG", "no penalty while it recovers"),
)


def run_rounds(asked: Rounds, console: Console) -> None:
    """Reach the target in steps of equal ratio; OUT is the last round's net that passed the gate.

    Each round works in RESULTS/round-N, and what is finished there is not done again. Raises `GateError`, and writes
    nothing, when the first round fails already; `typer.Exit` when the training is interrupted.
    """
    from faceir.train import checkpoint

    out, results = _check(asked)
    whole = checkpoint.load(asked.model, asked.key)
    clock = asked.choice.clock(whole) if asked.choice.target == "--latency-ms" else None
    _claim(results / _COMMAND_NAME, asked)
    if asked.gate is None:
        console.print("no gate: nobody judges what the rounds cost; -d DATASET does")
    current = whole
    for n, step in enumerate(_steps(asked, whole, clock), start=1):
        console.print(f"round {n} of {asked.rounds}: down to {step:.4g} ({asked.choice.target})", style="bold")
        trained = _round(asked, current, whole, step, clock, results / f"round-{n}", console)
        current = checkpoint.load(trained)
        try:
            _judge(asked, whole, current, f"round {n} of {asked.rounds}", console)
        except GateError as error:
            if n == 1:
                raise
            console.print(f"{error}", soft_wrap=True)
            console.print(f"stopped: {out} is the net of round {n - 1} of {asked.rounds}, which held", soft_wrap=True)
            return
        part = out.with_name(out.name + ".part")
        shutil.copyfile(trained, part)
        os.replace(part, out)
        console.print(f"wrote {out}, the net of round {n}", soft_wrap=True)
    console.print(f"next: faceir export -m {out} -o {out.with_suffix('.onnx').name}", soft_wrap=True)


def _check(asked: Rounds) -> tuple[Path, Path]:
    """Where to write; raises `InputError` for what rounds need and did not get."""
    for option, value in (("-o", asked.out), ("--retrain", asked.retrain), ("--results", asked.results)):
        if value is None:
            raise InputError("--rounds", f"needs {option}", "-o OUT, --retrain SPEC and -r RESULTS")
    if asked.choice.target is None:
        raise InputError("--rounds", "has no target", "--keep-macs, --keep-params or --latency-ms")
    if asked.key is not None:
        raise InputError(
            "--rounds", "would leave plain checkpoints in the results folder, and -k is given", "one of them"
        )
    assert asked.out is not None
    assert asked.results is not None
    return asked.out, asked.results


def _claim(path: Path, asked: Rounds) -> None:
    """Say in the folder whose it is; raises `InputError` when it is another command's."""
    choice = asked.choice
    ours: dict[str, Any] = {
        "model_sha256": hashlib.sha256(asked.model.read_bytes()).hexdigest(),
        "rounds": asked.rounds,
        "options": choice.options,
        "latency": [choice.precision, choice.threads] if choice.target == "--latency-ms" else None,
    }
    if path.exists():
        theirs = json.loads(path.read_text(encoding="utf-8"))
        changed = [name for name in ours if ours[name] != theirs.get(name)]
        if changed:
            raise InputError(
                path, f"belongs to rounds with other {', '.join(changed)}", "the same command", "name an empty folder"
            )
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(ours, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)


def _steps(asked: Rounds, whole: Checkpoint, clock: LayerTimes | None) -> list[float]:
    """What each round goes down to, in the target's unit, by equal ratios from the whole net to the target."""
    assert asked.choice.target is not None
    target = float(asked.choice.options[asked.choice.target])
    start = clock.measured_ms(whole.net.architecture) if clock else 1.0
    return [start * (target / start) ** (n / asked.rounds) for n in range(1, asked.rounds)] + [target]


def _round(
    asked: Rounds,
    current: Checkpoint,
    whole: Checkpoint,
    step: float,
    clock: LayerTimes | None,
    folder: Path,
    console: Console,
) -> Path:
    """Cut `current` and train it again, both unless `folder` has it done; the trained checkpoint."""
    from faceir.train import checkpoint
    from faceir.verbs.prune_cut import cut, show
    from faceir.verbs.train import train

    trained, pruned = folder / "weights" / "model.safetensors", folder / _CUT_NAME
    if trained.exists():
        console.print(f"{trained} is there: not cut and trained again", soft_wrap=True)
        return trained
    if not pruned.exists():
        target = step if clock else min(1.0, step * _shrunk(asked.choice, whole, current))
        plan = asked.choice.plan(current, clock, console, target)
        show(plan, current, clock, None, console)
        checkpoint.save(pruned, cut(current, plan, asked.choice, console))
    changes = [(change.format(cut=json.dumps(str(pruned))), why) for change, why in _CHANGES]
    for change, why in changes:
        console.print(f"{asked.retrain}, changed: {change} ({why})", soft_wrap=True)
    assert asked.retrain is not None
    train(asked.retrain, folder, overrides=[change for change, _ in changes])
    return trained


def _shrunk(choice: Choice, whole: Checkpoint, current: Checkpoint) -> float:
    """How many times `current`'s cost is in the whole net's: shares are stated of the latter, cut of the former."""
    from faceir.train.prune import cost

    size_wh = whole.contract.fit.size_wh
    before, now = (cost(one.net.architecture, size_wh) for one in (whole, current))
    return before.macs / now.macs if choice.target == "--keep-macs" else before.params / now.params


def _judge(asked: Rounds, whole: Checkpoint, current: Checkpoint, what: str, console: Console) -> None:
    """The gate, against the unpruned net."""
    if asked.gate is None:
        return
    from faceir.train.detector import TorchDetector

    detectors = [TorchDetector(one.net, one.contract) for one in (whole, current)]
    asked.gate.check(detectors[0], detectors[1], replace(whole.contract, fit=current.contract.fit), what, console)
