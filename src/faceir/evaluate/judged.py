"""What the judge looks at: one picture's true faces beside those that a detector found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from faceir.data import kitti
from faceir.data.guidelines import Rules, ignore_by_rules
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from faceir.evaluate.measures import Look, look_of
from faceir.fit import Fit
from faceir.flow import Detector, Image

__all__ = ["LEAST_SCORE", "Judged", "counted_of", "judge", "key_of"]

LEAST_SCORE = 0.02
"""Threshold to run a detector at for a judge that wants every score; below it lie only guesses."""

_T = TypeVar("_T")
_FRAME_NAME = re.compile(r"(.*?)[_\-.]?(\d+)")


@dataclass(frozen=True)
class Judged:
    """One picture for the judge."""

    truth: Detections
    found: Detections
    """Of every score: the judge applies the threshold. Same pixels as `truth`."""
    counted: npt.NDArray[np.bool_] | None = None
    """`[N]` of `truth`; False = a region to ignore: may be found or missed at no cost. None: all but `DONT_CARE`."""
    scale: float = 1.0
    """Network pixels per pixel of `truth`, vertical: makes heights those that the network saw."""
    source: str = ""
    """Part of `Scores.by_source`: data set, camera, condition."""
    name: str = ""
    """The picture's path, for messages and galleries."""
    group: str = ""
    """What this picture shares its luck with (person, camera, film): resampled as one. "" = it stands alone."""
    size_wh: tuple[int, int] | None = None
    """Pixels; None = unknown, and shares of the picture and places in it cannot be given."""
    scale_x: float | None = None
    """As `scale`, horizontal; None = the same."""
    look: Look | None = None
    about: tuple[tuple[str, str], ...] = ()
    """What else is known, name and value: ("modality", "nir"), ("pose", "profile")."""
    sequence: str = ""
    """The film that this picture is a frame of; "" = none."""
    frame: int = 0
    """Its place in the film."""
    least_height: float = 0.0
    """Network pixels; a found face that is lower and takes no true one is neither right nor wrong."""


def judge(
    items: Iterable[kitti.Item],
    detector: Detector,
    fit: Fit,
    rules: Rules,
    classes: Sequence[str] = ("face",),
    class_mapping: Mapping[str, str] | None = None,
    on_problem: Callable[[InputError], None] | None = None,
    batch: int = 16,
    group: str = "",
) -> Iterator[Judged]:
    """What `detector` finds in labelled pictures, beside the truth; pictures load a `batch` at a time.

    `fit` is the detector's, and tells the network pixels in which `rules` are stated. `group` names the
    column of `manifest.csv` whose values are `Judged.group`; "set" is the source, and "sequence", where
    there is no such column, the file's name without its frame number. A picture or label that cannot be
    read, or that do not belong together, goes to `on_problem` and is left out; without `on_problem` it is
    raised. Found faces that cannot be of their picture raise `InputError` in any case.
    """
    mapping = class_mapping if class_mapping is not None else {name.lower(): name for name in classes}
    for some in _batched(items, batch):
        frames = []
        for item in some:
            try:
                frame = kitti.read_frame(item, mapping, classes)
                gray, truth = frame.gray, frame.detections
                _check_inside(truth, (gray.shape[1], gray.shape[0]), item.label, "the label file of this picture")
                frames.append((item, truth, gray))
            except InputError as error:
                if on_problem is None:
                    raise
                on_problem(error)
        for (item, truth, gray), found in zip(frames, _find(detector, frames), strict=True):
            size_wh = (gray.shape[1], gray.shape[0])
            _check_found(found, size_wh, item, classes)
            scale_x, scale_y = fit.placement(size_wh).scale_xy
            film, index = film_of(item, group == "sequence")
            yield Judged(
                ignore_by_rules(truth, rules, scale_y),
                found,
                scale=scale_y,
                source=item.source,
                name=str(item.picture),
                group=group_of(item, group),
                size_wh=size_wh,
                scale_x=scale_x,
                look=look_of(gray),
                about=tuple((name, item.about[name]) for name in ("modality", "pose") if item.about.get(name)),
                sequence=film,
                frame=index,
                least_height=rules.min_height,
            )


def _find(detector: Detector, frames: Sequence[tuple[kitti.Item, Detections, Image]]) -> list[Detections]:
    """Faces by name of the picture where the detector has `detect_items`, as stored detections do."""
    items, images = [item for item, *_ in frames], [gray for *_, gray in frames]
    by_name: Callable[[list[kitti.Item], list[Image]], list[Detections]] | None
    by_name = getattr(detector, "detect_items", None)
    return by_name(items, images) if by_name else detector(images)


def group_of(item: kitti.Item, column: str) -> str:
    """The value of `column` for this picture, "" for no column; raises `InputError` when there is no such column."""
    if column in ("", "source", "set"):
        return item.source if column else ""
    if column in item.about:
        return item.about[column]
    if column == "sequence":
        return film_of(item, by_name=True)[0]
    known = ", ".join(["set", "sequence", *(name for name in item.about if name not in ("set", "picture"))])
    raise InputError("--group", f"{column!r} is not a column of the manifest.csv of {item.picture}", known)


def film_of(item: kitti.Item, by_name: bool) -> tuple[str, int]:
    """Film and frame number: by the manifest's `sequence` or, `by_name`, a name like `cabin_000123.jpg`."""
    parsed = _FRAME_NAME.fullmatch(item.picture.stem)
    index = int(parsed[2]) if parsed else 0
    film = item.about.get("sequence", "")
    if not film and by_name and parsed:
        film = f"{item.source}/{parsed[1]}"
    return film, index


def key_of(p: Judged, n: int) -> str:
    """The picture's name where it lies, the same on every machine: set/folder/file; its number when it has no name."""
    return "/".join(p.name.replace("\\", "/").split("/")[-3:]) or f"picture {n}"


def counted_of(p: Judged, where: str = "truth") -> npt.NDArray[np.bool_]:
    """`[N]`, which of the true faces count; raises `InputError` for a mask of another shape."""
    cared_for: npt.NDArray[np.bool_] = p.truth.labels != DONT_CARE
    if p.counted is None:
        return cared_for
    counted = np.asarray(p.counted)
    if counted.dtype != np.bool_ or counted.shape != (len(p.truth),):
        raise InputError(where, f"counted is {counted.dtype} {list(counted.shape)}", f"bool [{len(p.truth)}]")
    return counted & cared_for


def _check_found(found: Detections, size_wh: tuple[int, int], item: kitti.Item, classes: Sequence[str]) -> None:
    unknown = found.labels[(found.labels < 0) | (found.labels >= len(classes))]
    if len(unknown):
        raise InputError(
            item.picture, f"a found face is of class {unknown[0]}", f"0..{len(classes) - 1} ({', '.join(classes)})"
        )
    _check_inside(found, size_wh, item.picture, "faces in this picture's own pixels")


def _check_inside(faces: Detections, size_wh: tuple[int, int], where: object, wanted: str) -> None:
    """Raise when a box lies wholly beside the picture: labels or detections are of another picture or size."""
    outside = (faces.xyxy[:, :2] >= size_wh).any(axis=1) | (faces.xyxy[:, 2:] <= 0).any(axis=1)
    outside &= faces.labels != DONT_CARE
    if outside.any():
        box = [round(float(edge), 1) for edge in faces.xyxy[outside][0]]
        raise InputError(where, f"a face at {box} lies beside the picture of {size_wh[0]}x{size_wh[1]}", wanted)


def _batched(things: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """`things` in lists of `size`, the last one shorter; itertools has it from Python 3.12 on."""
    iterator = iter(things)
    while part := list(islice(iterator, size)):
        yield part
