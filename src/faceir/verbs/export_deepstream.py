"""DeepStream's part of `faceir export`: the three files, and the threshold for a clustering without a vote."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from faceir.contract import Contract
    from faceir.train.export.deepstream import Deployment
    from faceir.verbs.gate import Gate

__all__ = ["command_line", "write_deepstream"]


def write_deepstream(
    contract: Contract, deployment: Deployment, threshold: float | None, gate: Gate | None, console: Console
) -> None:
    """Write the files beside the model; without a `threshold`, a gate's pictures choose it where one is needed."""
    from faceir.train.export import deepstream

    if threshold is None and gate is not None and any(params.nms_vote for params in contract.cluster):
        threshold = _best_stock_threshold(contract, deployment.model, gate)
        console.print(f"DeepStream's NMS does best on {gate.dataset} from coverage {threshold:g} up")
    for path in deepstream.write(contract, deployment, threshold):
        console.print(f"wrote {path}")


def _best_stock_threshold(contract: Contract, model: Path, gate: Gate) -> float:
    """Least coverage with the best accuracy when faces are found as DeepStream's own NMS finds them."""
    from faceir.data.guidelines import Rules
    from faceir.evaluate import LEAST_SCORE, evaluate, judge
    from faceir.runtime.detector import Detector
    from faceir.train.export import deepstream

    plain = deepstream.stock(contract, LEAST_SCORE)
    detector = Detector(model, favour="throughput", contract=plain)
    judged = judge(gate.items(), detector, plain.fit, Rules(min_height=gate.min_height), plain.classes)
    best = evaluate(judged, rounds=0).threshold
    return deepstream.STOCK_THRESHOLD if best is None else int(100 * best) / 100


def command_line(typed: Mapping[str, object]) -> str:
    """The command that makes the same files again, of the options that are not empty."""
    words = [str(word) for option, value in typed.items() if value not in (None, "") for word in (option, value)]
    return shlex.join(["faceir", "export", *words, "--gen-ds-config"])
