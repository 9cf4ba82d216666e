"""What a trained net promises: classes, input, and how its grids become faces.

Every model file carries its `Contract`; a checkpoint, an ONNX file and every runtime read the same
one, so that a picture gives the same faces wherever the net runs.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property

import numpy as np

from faceir import boxes, gridbox
from faceir.boxes import FloatArray
from faceir.cluster import ClusterParams, cluster
from faceir.detections import Detections
from faceir.errors import ModelError, SpecError
from faceir.fit import Fit, Placement

__all__ = ["BBOX_NAME", "COV_NAME", "INPUT_NAME", "METADATA_KEY", "Contract"]

INPUT_NAME = "input_1"
BBOX_NAME = "output_bbox/BiasAdd"
COV_NAME = "output_cov/Sigmoid"
METADATA_KEY = "faceir"
"""Key of the contract's JSON in an ONNX file's metadata and in a checkpoint's header."""

_INPUTS = {False: "gray as 3 equal channels, 8-bit value / 255", True: "gray as 1 channel, 8-bit value"}


@dataclass(frozen=True)
class Contract:
    """Input and output of a GridBox net: `fit` makes its input, `read` turns its grids into faces."""

    classes: tuple[str, ...] = ("face",)
    fit: Fit = Fit()
    cluster: tuple[ClusterParams, ...] = (ClusterParams(),)
    """One a class."""
    name: str = ""
    """Of the model, for people."""
    fused: bool = False
    """The file takes the canvas as it is, uint8 `[N,1,H,W]`; else float32 `[N,3,H,W]`, as `fit.to_blob` makes it."""

    def read(self, cov: FloatArray, bbox: FloatArray, place: Placement) -> Detections:
        """Faces in the picture's pixels from `cov` `[K,h,w]` and `bbox` `[4K,h,w]` of one picture."""
        candidates = gridbox.decode(cov, bbox, self.fit.size_wh, self._thresholds)
        found = cluster(*candidates, self.cluster)
        found = found._replace(xyxy=place.to_image(found.xyxy))
        seen = ~(boxes.area(found.xyxy) <= 0)  # a box in the black margin has no place here; NaN is reported
        return Detections(*(found if seen.all() else (column[seen] for column in found)))

    @cached_property
    def _thresholds(self) -> FloatArray:
        return np.array([params.coverage_threshold for params in self.cluster], np.float32)

    def with_threshold(self, confidence_threshold: float) -> Contract:
        """The same contract that keeps faces scoring at least `confidence_threshold`, 0..1.

        With DBSCAN it is compared with the sum of a face's coverage, not with its score (`cluster`).
        """
        params = tuple(
            replace(
                p,
                confidence_threshold=confidence_threshold,
                coverage_threshold=min(p.coverage_threshold, confidence_threshold),
            )
            for p in self.cluster
        )
        return replace(self, cluster=params)

    def to_json(self) -> str:
        """One line of JSON that `from_json` reads back; it also states the grid's constants for other readers."""
        stated = {
            "format": 1,
            **asdict(self),
            "input": f"{INPUT_NAME}: {_INPUTS[self.fused]}",
            "grid": {"stride": gridbox.STRIDE, "scale": gridbox.SCALE, "offset": gridbox.OFFSET},
        }
        return json.dumps(stated)

    @staticmethod
    def from_json(text: str, where: object = "contract") -> Contract:
        """The contract in `text`; raises `ModelError` when it is not one that this version reads."""
        try:
            stated = json.loads(text)
            if stated["format"] != 1:
                raise ModelError(where, f"has contract format {stated['format']}", "1", "use a newer faceir")
            size_w, size_h = stated["fit"]["size_wh"]
            known = {f.name for f in fields(ClusterParams)}
            contract = Contract(
                classes=tuple(stated["classes"]),
                fit=Fit((int(size_w), int(size_h)), bool(stated["fit"]["keep_aspect"])),
                cluster=tuple(
                    ClusterParams(**{k: v for k, v in params.items() if k in known}) for params in stated["cluster"]
                ),
                name=stated.get("name", ""),
                fused=bool(stated.get("fused", False)),
            )
            if len(contract.cluster) != len(contract.classes):
                raise ValueError(f"{len(contract.classes)} classes, but {len(contract.cluster)} clusterings")
            return contract
        except (KeyError, TypeError, ValueError, AttributeError, SpecError) as error:
            raise ModelError(where, f"its contract cannot be read ({error})", "one that faceir wrote") from error
