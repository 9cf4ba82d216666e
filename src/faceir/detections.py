"""`Detections`: the one value that everything here speaks, found faces and true ones alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from faceir import boxes
from faceir.errors import InputError

__all__ = ["DONT_CARE", "Detections"]

DONT_CARE = -1
"""Label of a region to ignore in training and scoring, as KITTI's DontCare."""

# name -> (dtype, value when unknown, smallest and largest value); xyxy is checked apart.
_COLUMNS: dict[str, tuple[type[np.generic], float, tuple[float, float] | None]] = {
    "scores": (np.float32, 1.0, (0, 1)),
    "labels": (np.int64, 0, None),
    "track_ids": (np.int64, -1, None),
    "occlusion": (np.int8, -1, (-1, 9)),
    "truncation": (np.float32, -1.0, (-1, 1)),
}


@dataclass(frozen=True, eq=False)
class Detections:
    """Faces of one picture; frozen, its arrays read-only, "nothing found" is N = 0.

    | field | dtype, shape | unit and rule |
    |---|---|---|
    | `xyxy` | float32 `[N,4]` | pixels of the frame's own image, continuous edges, x1 <= x2, y1 <= y2 |
    | `scores` | float32 `[N]` | 0..1; ground truth has 1.0 (the default) |
    | `labels` | int64 `[N]` | index into the model's class list (default 0), -1 = `DONT_CARE` |
    | `track_ids` | int64 `[N]` | -1 = not tracked (the default) |
    | `occlusion` | int8 `[N]` | 0..9 by the labelling guidelines, -1 = unknown (the default) |
    | `truncation` | float32 `[N]` | 0..1 share of the face outside the image, -1 = unknown (the default) |

    Raises `InputError` when a shape, a range, a NaN or an inverted box breaks these rules.

    >>> found = Detections(xyxy=[[10, 20, 30, 50]], scores=[0.9])
    >>> len(found), found.labels
    (1, array([0]))
    """

    xyxy: boxes.FloatArray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    scores: npt.NDArray[np.float32] = None  # type: ignore[assignment]  # filled at birth
    labels: npt.NDArray[np.int64] = None  # type: ignore[assignment]
    track_ids: npt.NDArray[np.int64] = None  # type: ignore[assignment]
    occlusion: npt.NDArray[np.int8] = None  # type: ignore[assignment]
    truncation: npt.NDArray[np.float32] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        xyxy = np.array(self.xyxy, np.float32, order="C")
        if xyxy.size == 0:
            xyxy = xyxy.reshape(0, 4)
        if xyxy.ndim != 2 or xyxy.shape[1] != 4:
            raise InputError("Detections.xyxy", f"has shape {list(xyxy.shape)}", "[N,4]")
        if not np.isfinite(xyxy).all():
            raise InputError("Detections.xyxy", "holds NaN or infinity", "finite pixels")
        inverted = xyxy[:, :2] > xyxy[:, 2:]
        if inverted.any():
            bad = xyxy[inverted.any(axis=1)][0]
            raise InputError("Detections.xyxy", f"holds an inverted box {bad.tolist()}", "x1 <= x2 and y1 <= y2")
        self._put("xyxy", xyxy)
        for name, (dtype, unknown, limits) in _COLUMNS.items():
            given = getattr(self, name)
            if given is None:
                self._put(name, np.full(len(xyxy), unknown, dtype))
                continue
            column = np.asarray(given)
            if column.shape != (len(xyxy),):
                raise InputError(f"Detections.{name}", f"has shape {list(column.shape)}", f"[{len(xyxy)}]")
            if limits:
                _check_range(name, column, *limits)  # before the cast, which would wrap 300 to an int8 44
            self._put(name, np.array(column, dtype))

    def _put(self, name: str, array: npt.NDArray[Any]) -> None:
        array.setflags(write=False)
        object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, index: Any) -> Detections:
        """The chosen faces, by a mask `[N]`, integers `[M]`, a slice or one integer."""
        if isinstance(index, int | np.integer):
            index = [index]
        return Detections(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Detections) and all(
            np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays

    def with_boxes(self, xyxy: boxes.FloatArray) -> Detections:
        """The same faces at other places: `xyxy` float32 `[N,4]`."""
        return replace(self, xyxy=xyxy)

    @staticmethod
    def concat(parts: Sequence[Detections]) -> Detections:
        """All faces of `parts` in order."""
        if not parts:
            return Detections()
        return Detections(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Detections)})


def _check_range(name: str, column: npt.NDArray[Any], low: float, high: float) -> None:
    fits = (column >= low) & (column <= high)  # written so that NaN fails too
    if not fits.all():
        raise InputError(f"Detections.{name}", f"holds {column[~fits][0]}", f"{low}..{high}")
