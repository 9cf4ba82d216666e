"""`FaceFilter`: DeepStream's filters after clustering, by size, place and class, in the streammux's pixels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from faceir import boxes
from faceir.flow import Frame
from faceir.runtime.deepstream.infer import ClassAttrs

__all__ = ["FaceFilter", "MuxFrame"]


@dataclass(frozen=True)
class MuxFrame:
    """The size to which DeepStream's streammux brings every stream; here only a unit, frames keep their own."""

    size_wh: tuple[int, int] | None = None
    """None = each stream's own."""
    padded: bool = False
    """The picture keeps its aspect in it, at the top left."""

    def scale_xy(self, image_wh: tuple[int, int]) -> tuple[float, float]:
        """Pixels of this frame per pixel of a picture."""
        if self.size_wh is None:
            return 1.0, 1.0
        x, y = self.size_wh[0] / image_wh[0], self.size_wh[1] / image_wh[1]
        return (min(x, y),) * 2 if self.padded else (x, y)


class FaceFilter:
    """A stage that keeps the faces which every class's `attrs` allow; a class of `left_out` keeps none."""

    def __init__(
        self, attrs: Sequence[ClassAttrs], left_out: Collection[int] = (), mux: MuxFrame | None = None
    ) -> None:
        self._mux = mux or MuxFrame()
        self._left_out = np.array([number in left_out for number in range(len(attrs))], np.bool_)
        self._min_wh = np.array([a.min_wh for a in attrs], np.float64).reshape(-1, 2)
        self._max_wh = np.array([[m or np.inf for m in a.max_wh] for a in attrs], np.float64).reshape(-1, 2)
        self._top = np.array([a.roi_top or -np.inf for a in attrs], np.float64)
        self._bottom = np.array([a.roi_bottom or -np.inf for a in attrs], np.float64)
        self.idle = not self._left_out.any() and not any(
            (*a.min_wh, *a.max_wh, a.roi_top, a.roi_bottom) != (0,) * 6 for a in attrs
        )
        """Whether it keeps all faces whatever they are."""

    def __call__(self, frame: Frame) -> Frame:
        """The frame with the faces that are wanted."""
        found = frame.detections
        if self.idle or len(found) == 0:
            return frame
        height, width = frame.gray.shape
        scale_x, scale_y = self._mux.scale_xy((width, height))
        bottom = height * scale_y if self._mux.size_wh is None else self._mux.size_wh[1]
        x1, y1, x2, y2 = boxes.scale(found.xyxy, (scale_x, scale_y)).T
        label = found.labels
        size = np.stack([x2 - x1, y2 - y1], axis=1)
        keep = ~self._left_out[label]
        keep &= (size >= self._min_wh[label]).all(axis=1) & (size <= self._max_wh[label]).all(axis=1)
        keep &= (y1 >= self._top[label]) & (y2 <= bottom - self._bottom[label])
        return frame if keep.all() else frame.with_detections(found[keep])
