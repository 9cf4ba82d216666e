"""Several sinks as one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from faceir.flow import Frame, Sink

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Many"]


class Many:
    """Several sinks as one; leaving it leaves all of them, also when one fails."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks, self._stack = list(sinks), ExitStack()

    def write(self, frame: Frame) -> None:
        """Give the frame to each in turn."""
        for sink in self._sinks:
            sink.write(frame)

    def __enter__(self) -> Self:
        with ExitStack() as opening:  # when the second cannot be entered, the first is left again
            for sink in self._sinks:
                opening.enter_context(sink)
            self._stack = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
