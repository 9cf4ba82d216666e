"""`Tiled`: pictures looked at whole and in pieces, so that faces too small for one look are found as well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np

from faceir import boxes
from faceir.boxes import FloatArray
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import Detector, Image, check_image
from faceir.runtime.pipeline import Pending, as_submitter, stream

__all__ = ["Tiled", "starts"]

_OVERLAP = 0.25  # of a piece's side; faces up to this size are whole in one piece or another
_CUT_PX = 2.0  # a box that ends so near to where a piece was cut is of a face that was cut
_LARGE_SHARES = (1 / 10, 1 / 6)  # of the picture's width and height; the whole shows higher faces as well
_SAME_IOU = 0.4
_SAME_SHARE = 0.75  # of the smaller box


class Tiled:
    """Looks with `detector` at each picture whole and at `tiles` columns and rows of it, a quarter over each other.

    Each piece is fitted to the network's input by itself, so that 2 x 2 find faces 1.75 times smaller than the picture
    alone lets, 3 x 3 2.5 times, at 5 and 10 times the work, and with more false alarms. A piece counts for faces that
    its border does not cut and that are lower than a sixth of the picture, as parts of larger ones look like faces;
    of boxes that several looks give one face the surest stays. It is a `faceir.flow.Detector` that works in the
    background where `detector` does.

    Raises `InputError` for less than one column or row.
    """

    def __init__(self, detector: Detector, tiles: tuple[int, int]) -> None:
        if min(tiles) < 1:
            raise InputError("tiles", f"is {tiles[0]} x {tiles[1]}", "columns x rows, each 1 or more")
        self._detector, self._tiles = as_submitter(detector), tiles
        self.concurrency = math.ceil(self._detector.concurrency / (1 + tiles[0] * tiles[1]))

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Faces of each picture."""
        return list(stream(self, images))

    def submit(self, image: Image) -> Pending:
        """Start on one picture, uint8 gray `[H,W]` or RGB `[H,W,3]`, and all of its pieces."""
        height, width = check_image(image).shape[:2]
        columns, rows = self._tiles
        if columns * rows == 1:
            return self._detector.submit(image)
        grid = product(_cuts(height, rows), _cuts(width, columns))
        pieces = [(0, 0, width, height), *((x1, y1, x2, y2) for (y1, y2), (x1, x2) in grid)]
        looks = [self._detector.submit(np.ascontiguousarray(image[y1:y2, x1:x2])) for x1, y1, x2, y2 in pieces]
        return _Together(looks, np.array(pieces, np.float32))


class _Together:
    """Detection under way on one picture and its pieces."""

    def __init__(self, looks: Sequence[Pending], pieces: FloatArray) -> None:
        self._looks, self._pieces = looks, pieces  # [N,4] in the picture's pixels, the first one is all of it

    def done(self) -> bool:
        return all(look.done() for look in self._looks)

    def result(self) -> Detections:
        looks = zip(self._looks, self._pieces, strict=True)
        return _merge([_own(look.result(), piece, self._pieces[0]) for look, piece in looks])


def starts(length: int, piece: int) -> list[int]:
    """Where pieces of `piece` pixels begin that cover `length`, a quarter or more over each other."""
    if length <= piece:
        return [0]
    number = math.ceil((length - piece) / (piece * (1 - _OVERLAP))) + 1
    return [round(n) for n in np.linspace(0, length - piece, number)]


def _cuts(length: int, number: int) -> list[tuple[int, int]]:
    """`length` pixels in `number` pieces, from and to; in fewer where there are hardly more pixels than pieces."""
    piece = math.ceil(length / (number - (number - 1) * _OVERLAP))
    return [(start, start + piece) for start in starts(length, piece)]


def _own(found: Detections, piece: FloatArray, picture: FloatArray) -> Detections:
    """Faces found in `piece` `[4]`, in the pixels of `picture` `[4]`, without those for another one to see."""
    if (piece == picture).all():
        return found
    xyxy = found.xyxy + np.tile(piece[:2], 2)
    cut = ((np.abs(xyxy - piece) < _CUT_PX) & (piece != picture)).any(axis=1)
    large = xyxy[:, 3] - xyxy[:, 1] > max(_LARGE_SHARES * picture[2:])
    return found.with_boxes(xyxy)[~cut & ~large]


def _merge(parts: Sequence[Detections]) -> Detections:
    """All faces, best first, those of several looks once; what one look tells apart stays apart."""
    found, look = Detections.concat(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = np.argsort(-found.scores, kind="stable")
    found, look = found[order], look[order]
    shared = boxes.intersection(found.xyxy, found.xyxy)
    area = boxes.area(found.xyxy)
    least = np.minimum(area[:, None], area[None, :])
    same = (shared > _SAME_IOU * (area[:, None] + area[None, :] - shared)) | (shared > _SAME_SHARE * least)
    same &= (found.labels[:, None] == found.labels[None, :]) & (look[:, None] != look[None, :])
    kept = np.zeros(len(found), bool)
    for n in range(len(found)):
        kept[n] = not (same[n] & kept).any()
    return found[kept]
