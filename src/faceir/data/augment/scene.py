"""A view while things are pasted into it: which thing lies before which, and how much of each face is hidden."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from faceir.boxes import FloatArray
from faceir.detections import Detections
from faceir.flow import Image

__all__ = ["Layer", "Scene", "hidden_share"]


@dataclass(frozen=True)
class Layer:
    """A thing to paste: opacity `alpha` and brightness `light`, uint8 `[h,w]`, its top-left pixel at `xy`."""

    xy: tuple[int, int]
    alpha: Image
    light: Image
    brim: float | None = None
    """Of a cap: the y down to which it hides the face that it sits on."""


class Scene:
    """The picture `canvas` uint8 `[H,W]`, its faces, and for every pixel the number of the layer on top."""

    def __init__(self, canvas: Image, truth: Detections) -> None:
        self.canvas = canvas.copy()
        self._top = np.zeros(canvas.shape, np.uint8)  # 0 is the picture itself
        self._layers = 0
        self._parts = [truth]
        self._births = [0] * len(truth)
        self._brims: dict[int, float] = {}
        self._reach = np.array([*canvas.shape[::-1], 0, 0])  # box around all layers

    def paste(self, layer: Layer, faces: Detections | None = None) -> None:
        """Put `layer`, wholly inside the canvas, on top; `faces` are seen in it and become true faces."""
        (x, y), (h, w) = layer.xy, layer.alpha.shape
        region = self.canvas[y : y + h, x : x + w]
        alpha = layer.alpha * np.float32(1 / 255)
        region[:] = region + (layer.light - region.astype(np.float32)) * alpha + np.float32(0.5)
        self._reach = np.concatenate([np.minimum(self._reach[:2], (x, y)), np.maximum(self._reach[2:], (x + w, y + h))])
        self._layers += 1
        self._top[y : y + h, x : x + w][layer.alpha > 127] = self._layers
        if faces is not None:
            self._parts.append(faces)
            self._births += [self._layers] * len(faces)

    def put_on(self, index: int, brim: float) -> None:
        """Face `index` of `truth` wears a cap down to `brim`, below which its box starts from now on."""
        self._brims[index] = max(brim, self._brims.get(index, brim))

    def truth(self) -> Detections:
        """All faces; the occlusion level of those that a layer covers is at least the tenths that it hides.

        The box of a face under a cap is the one that people and detectors draw, from the brim to the chin.
        """
        faces = Detections.concat(self._parts) if len(self._parts) > 1 else self._parts[0]
        hidden = np.zeros(len(faces))
        for n in np.flatnonzero(
            (faces.xyxy[:, :2] < self._reach[2:]).all(1) & (faces.xyxy[:, 2:] > self._reach[:2]).all(1)
        ):
            hidden[n] = hidden_share(self._top, self._births[n], faces.xyxy[n])
        if self._brims:
            xyxy = faces.xyxy.copy()
            for index, brim in self._brims.items():
                xyxy[index, 1] = np.clip(brim, xyxy[index, 1], xyxy[index, 3])
            faces = replace(faces, xyxy=xyxy)
        if not hidden.any():
            return faces
        level = np.minimum(np.floor(hidden * 10 + 1e-6), 9).astype(np.int8)
        return replace(faces, occlusion=np.where(level > 0, np.maximum(faces.occlusion, level), faces.occlusion))


def hidden_share(top: Image, birth: int, box: FloatArray) -> float:
    """Share of the ellipse inside `box` `[4]` where `top` `[H,W]` is above `birth`; 0 for a box without a pixel."""
    x1, y1, x2, y2 = box.tolist()
    left, above = max(int(x1), 0), max(int(y1), 0)
    hidden = top[above : math.ceil(y2), left : math.ceil(x2)] > birth
    if not hidden.any():
        return 0.0
    xs = (np.arange(hidden.shape[1]) + left + 0.5 - (x1 + x2) / 2) / max((x2 - x1) / 2, 1e-6)
    ys = (np.arange(hidden.shape[0]) + above + 0.5 - (y1 + y2) / 2) / max((y2 - y1) / 2, 1e-6)
    inside = xs[None, :] ** 2 + ys[:, None] ** 2 <= 1
    return float(hidden[inside].mean()) if inside.any() else float(hidden.mean())
