"""The shapes of what flows: a `Frame`, and the four things that touch one.

A labelled data set is a recorded pipeline, so a dataset reader is a `Source`, an augmentation a
`Stage`, a label writer a `Sink`. All are plain callables or protocols; nothing registers anywhere.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from faceir.detections import Detections
from faceir.errors import InputError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["DARK", "FAILED", "UNSEEN", "Detector", "Drop", "Frame", "Image", "Sink", "Source", "Stage", "check_image"]

UNSEEN = "unseen"
"""Event: the detector was not asked about this frame, as it lies between two that are looked at or is dark."""
FAILED = "failed"
"""Event: the detector was asked about this frame and failed or took too long, so nothing is known of its faces."""
DARK = "dark"
"""Event: too dark to see a face in, as with a strobed emitter that was off."""

Image: TypeAlias = npt.NDArray[np.uint8]
"""uint8 gray `[H,W]` or RGB `[H,W,3]`."""


def check_image(image: Any, where: str = "image") -> Image:
    """`image` itself when it is uint8 gray `[H,W]` or RGB `[H,W,3]` with at least one pixel, else `InputError`."""
    wanted = "uint8 gray [H,W] or RGB [H,W,3]"
    if not isinstance(image, np.ndarray):
        raise InputError(where, f"is a {type(image).__name__}", f"a numpy array, {wanted}")
    if image.dtype != np.uint8:
        raise InputError(where, f"has dtype {image.dtype}", wanted, "scale it to 0..255 and use .astype(np.uint8)")
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[2] == 3):
        raise InputError(where, f"has shape {list(image.shape)}", wanted)
    if image.size == 0:
        raise InputError(where, f"has no pixels, shape {list(image.shape)}", wanted)
    return image


@dataclass(frozen=True)
class Frame:
    """One picture on its way: where it came from, when, and the faces known of it so far.

    `luma` and `colour` are called once, when first asked for: a decoded video frame hands out its
    Y plane without conversion, and colour is made only when something draws.
    `time_s` is media time for files and wall time for cameras, in seconds; `arrived_s` is when the picture was there,
    on `time.monotonic()`'s clock, 0.0 = not stated. `events` says what happened to it, see `UNSEEN` and its fellows.
    """

    luma: Callable[[], Image]
    colour: Callable[[], Image]
    detections: Detections = field(default_factory=Detections)
    source: str = ""
    index: int = 0
    time_s: float = 0.0
    events: tuple[str, ...] = ()
    arrived_s: float = 0.0
    _made: dict[str, Image] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    @staticmethod
    def of(image: Image, **rest: Any) -> Frame:
        """A frame of a picture in memory, uint8 gray `[H,W]` or RGB `[H,W,3]`."""
        import cv2

        image = check_image(image, str(rest.get("source") or "image"))
        if image.ndim == 2:
            return Frame(lambda: image, lambda: np.repeat(image[:, :, None], 3, axis=2), **rest)
        return Frame(lambda: np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8), lambda: image, **rest)

    @property
    def gray(self) -> Image:
        """Luminance, uint8 `[H,W]`."""
        return self._once("luma", self.luma)

    @property
    def rgb(self) -> Image:
        """Colour, uint8 `[H,W,3]`."""
        return self._once("colour", self.colour)

    def _once(self, name: str, make: Callable[[], Image]) -> Image:
        """What `make` gives, made by the first who asks; a frame's sinks may ask from several threads at once."""
        if name not in self._made:
            with self._lock:
                if name not in self._made:
                    self._made[name] = make()
        return self._made[name]

    def with_detections(self, detections: Detections) -> Frame:
        """The same picture with other faces; what was decoded already is kept."""
        return replace(self, luma=lambda: self.gray, colour=lambda: self.rgb, detections=detections)

    def with_event(self, event: str) -> Frame:
        """The same picture, and `event` told of it."""
        return replace(self, luma=lambda: self.gray, colour=lambda: self.rgb, events=(*self.events, event))

    def with_picture(self, rgb: Image) -> Frame:
        """Another picture, RGB `[H,W,3]`, of which the same is known; its luminance is made of its colour."""
        other = Frame.of(rgb)
        return replace(self, luma=other.luma, colour=other.colour)


Source: TypeAlias = Iterable[Frame]
Detector: TypeAlias = Callable[[Sequence[Image]], list[Detections]]
Stage: TypeAlias = Callable[[Frame], Frame]


class Drop(Exception):  # noqa: N818  # a signal to the pipeline, not an error
    """Raised by a stage: this frame goes no further."""


class Sink(Protocol):
    """Takes frames; used in `with`, so that what it writes is finished or, after an error, not left half-written."""

    def write(self, frame: Frame) -> None:
        """Take one frame."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
