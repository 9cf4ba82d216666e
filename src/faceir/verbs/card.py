"""`faceir card`: the model card of model files, from their own metadata, evaluations and sources."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceir.errors import ModelError, need, need_file
from faceir.verbs.key import KeyOption, read_key

if TYPE_CHECKING:
    from faceir.report.card import ModelFile

__all__ = ["card"]


def card(
    model: Annotated[
        list[str],
        typer.Option(
            "-m", "--model", help="Checkpoint, ONNX or OpenVINO file, or default; repeatable, the main one first."
        ),
    ],
    evaluation: Annotated[
        list[Path] | None,
        typer.Option("-e", "--evaluation", help="JSON of `faceir evaluate --json`; repeatable."),
    ] = None,
    sources: Annotated[
        Path | None,
        typer.Option(
            "--sources",
            help="sources.toml, origin and terms of each set; it wins over what checkpoints hold (docs/report.md).",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="The card to write.")] = Path("MODEL_CARD.md"),
    key: KeyOption = None,
) -> None:
    """Write a model card in Markdown; what nobody stated is named as such."""
    from faceir import __version__
    from faceir.data.sources import Sources, read_sources
    from faceir.evaluate.document import Evaluation
    from faceir.report.card import render, stated_of, trained
    from faceir.report.files import write_text
    from faceir.verbs.terminal import say_error

    need("report")
    given = read_sources(sources) if sources else Sources()
    evaluations = [Evaluation.read(path) for path in evaluation or ()]
    files = [_known(name, read_key(key)) for name in model]
    stated = stated_of(files, given)  # checkpoints know, too; what is given wins
    write_text(render(files, evaluations, stated, f"faceir {__version__}"), out)
    sets = trained(files, stated)
    print(f"{out}: {len(files)} files, {len(evaluations)} evaluations, {len(sets)} sets of pictures")
    unstated = [one.name for one in sets if one.source is None]
    if unstated:
        say_error(f"nobody states the terms of {', '.join(unstated)}; add them to sources.toml")
    forbidden = [one.name for one in sets if one.source and one.source.use == "validation"]
    if forbidden:
        say_error(f"these weights learnt from {', '.join(forbidden)}, which sources.toml keeps for validation")


def _known(model: str, key: str | None) -> ModelFile:
    """What a model's file says of itself; `default` is the packaged one. Raises `ModelError`."""
    from faceir import registry, sealed
    from faceir.report.card import ModelFile

    if model in ("", "default"):
        from faceir.runtime.detector import default_model

        path = default_model()
    else:
        path = need_file(registry.resolve(model), "a checkpoint, an ONNX or an OpenVINO file", ModelError)
    data = path.read_bytes()
    kind = sealed.read_header(data, path).kind if sealed.is_sealed(path) else path.suffix.lower().lstrip(".")
    about: dict[str, Any] = _of_checkpoint(path, key) if kind == "safetensors" else _of_graph(path, key)
    return ModelFile(name=path.name, size=len(data), sha256=hashlib.sha256(data).hexdigest(), **about)


def _of_checkpoint(path: Path, key: str | None) -> dict[str, Any]:
    need("train")
    from faceir.train import checkpoint
    from faceir.train.prune.cost import cost

    loaded = checkpoint.load(path, key)
    costs = cost(loaded.net.architecture, loaded.contract.fit.size_wh)
    return {
        "kind": "checkpoint", "contract": loaded.contract, "params": costs.params, "macs": costs.macs,
        "data": loaded.data, "step": loaded.step,
    }  # fmt: skip


def _of_graph(path: Path, key: str | None) -> dict[str, Any]:
    """Weights and multiply-accumulates are those of the convolutions: norms and biases are folded into others."""
    from faceir.runtime import net as nets

    graph = nets.read(path, key)
    params = macs = 0
    for node in graph.get_ops():
        if node.get_type_name() == "Convolution":
            weights = math.prod(node.input(1).get_shape())
            height, width = (side.get_length() for side in list(node.output(0).get_partial_shape())[2:])
            params, macs = params + weights, macs + weights * height * width
    quantised = any(node.get_type_name() == "FakeQuantize" for node in graph.get_ops())
    form = "OpenVINO" if path.suffix.lower() == ".xml" else "ONNX"
    return {
        "kind": f"{form}, INT8" if quantised else form, "contract": nets.read_contract(graph, path), "params": params,
        "macs": macs,
    }  # fmt: skip
