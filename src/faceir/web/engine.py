"""What the web needs of an engine; `runtime.live.engine.Engine` is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from faceir.flow import Frame
    from faceir.runtime.live.state import StreamState

__all__ = ["EngineLike", "MakeStream", "as_json", "find"]

MakeStream: TypeAlias = Callable[[str, str], Any]
"""Name and address of a new stream to what the engine's `add` takes; raises `FaceirError` for what it will not have."""


class EngineLike(Protocol):
    """Streams that run, come and go."""

    def states(self) -> Sequence[StreamState]:
        """Each stream as it is now."""

    def last(self, name: str) -> Frame | None:
        """The last frame of a stream after its stages."""

    def add(self, stream: Any) -> None:
        """Take in a stream."""

    def remove(self, name: str) -> None:
        """Let go of a stream."""


def as_json(state: StreamState) -> dict[str, Any]:
    """A state for the outside."""
    return asdict(state)


def find(engine: EngineLike, name: str) -> StreamState | None:
    """The stream called `name`; None when there is none, or no more."""
    return next((s for s in engine.states() if s.name == name and s.condition != "removed"), None)
