"""The net of a configuration: which file, and what its contract becomes under the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faceir.contract import Contract
from faceir.errors import ModelError, need_file
from faceir.fit import Fit
from faceir.registry import resolve
from faceir.runtime import net as nets
from faceir.runtime.deepstream.infer import InferConfig
from faceir.runtime.detector import Detector, default_model

__all__ = ["Net", "find_net"]


@dataclass(frozen=True)
class Net:
    """A file and how to use it; not compiled yet."""

    path: Path
    contract: Contract

    def open(self, config: InferConfig, threads: int = 0, key: str | None = None) -> Detector:
        """Compile it."""
        return Detector(
            self.path,
            threads=threads,
            precision=config.precision,
            favour="throughput",
            contract=self.contract,
            key=key,
        )


def find_net(config: InferConfig, given: str | Path | None = None, key: str | None = None) -> Net:
    """The net that `config` names, or `given` in its place ("default" = the packaged one); raises `ModelError`.

    A file without a contract is one of another house: then the configuration has to state its size (infer-dims).
    """
    wanted = config.need_model(given)
    path = default_model() if wanted is None else need_file(resolve(wanted), "an ONNX model", ModelError)
    net = nets.read(path, key)
    try:
        stated = nets.read_contract(net, path)
    except ModelError:
        if config.size_wh is None:
            raise
        classes = config.classes or tuple(f"class{n}" for n in range(len(config.attrs)))
        stated = Contract(classes, Fit(config.size_wh, keep_aspect=False), name=path.stem)
    contract = config.contract(stated, stand_in=given is not None)
    nets.check_tensors(net, contract, path)
    return Net(path, contract)
