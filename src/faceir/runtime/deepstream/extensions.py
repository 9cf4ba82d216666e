"""[redact], [watchdog], [lineN] and [zoneN]: what an application file may ask for that DeepStream does not know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, cast

from faceir.errors import InputError, SpecError
from faceir.flow import Stage
from faceir.runtime.count import Line, LineCounter, Zone, ZoneCounter
from faceir.runtime.deepstream.keyfile import KeyFile
from faceir.runtime.deepstream.keys import GroupKeys, find_group
from faceir.runtime.deepstream.section import Section
from faceir.runtime.deepstream.tables import APP
from faceir.runtime.redact import RedactParams

__all__ = ["Places", "WatchdogConfig", "read_places", "read_redact", "read_watchdog"]


@dataclass(frozen=True)
class Places:
    """Where faces are counted, in shares of the picture."""

    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lines or self.zones)

    def counters(self) -> list[Stage]:
        """A stage for the lines and one for the zones, of one stream; raises `InputError` for places that are none."""
        counters: list[Stage] = [LineCounter(self.lines)] if self.lines else []
        return [*counters, ZoneCounter(self.zones)] if self.zones else counters


@dataclass(frozen=True)
class WatchdogConfig:
    """[watchdog]: how long what does not return is waited for; arguments of `Engine`."""

    stall_s: float
    """Of the detector and stages."""
    patience_s: float
    """Of sinks."""
    leave_s: float
    """Of sinks, when all ends."""


def read_watchdog(file: KeyFile) -> WatchdogConfig:
    """[watchdog], with the engine's own values where it or a key of it is missing."""
    section = Section(file.path, _known("watchdog"), file.get("watchdog"))
    return WatchdogConfig(*(section.number(key) for key in ("stall-s", "patience-s", "leave-s")))


def read_redact(file: KeyFile) -> RedactParams | None:
    """[redact], each key the field of `RedactParams` of that name; None where it is missing or not enabled."""
    group = file.get("redact")
    if group is None:
        return None
    section = Section(file.path, _known("redact"), group)
    if not section.flag("enable"):
        return None
    given: dict[str, Any] = {
        "mode": section.text("mode"),
        "shape": section.text("shape"),
        "fail_safe": section.flag("fail-safe"),
    }
    for field in fields(RedactParams):
        if field.name not in given:
            given[field.name] = section.number(_key(field.name))
    try:
        return RedactParams(**given)
    except InputError as error:
        raise SpecError(section.where(_key(error.where)), f"{_key(error.where)} {error.came}", error.wanted) from error


def _key(field: str) -> str:
    """How the file names a field."""
    return field.replace("_", "-")


def read_places(file: KeyFile) -> Places:
    """Each enabled [lineN] and [zoneN]; raises `SpecError`."""
    lines = tuple(
        Line(name, points[0], points[1]) for name, points in _points(file, "line0", "two points, x1;y1;x2;y2", 2, 2)
    )
    zones = tuple(
        Zone(name, points) for name, points in _points(file, "zone0", "three points or more, x1;y1;x2;y2;x3;y3", 3, 99)
    )
    places = Places(lines, zones)
    try:
        places.counters()
    except InputError as error:
        raise SpecError(file.path, f"{error.where} {error.came}", error.wanted, error.do) from error
    return places


def _points(
    file: KeyFile, like: str, wanted: str, least: int, most: int
) -> Iterator[tuple[str, tuple[tuple[float, float], ...]]]:
    """Name and points of each enabled group of the kind of `like`."""
    known = _known(like)
    for group in file.groups:
        if not known.fits(group.name):
            continue
        section = Section(file.path, known, group)
        if not section.flag("enable"):
            continue
        numbers = cast("tuple[float, ...]", section.items("points"))
        points = tuple(zip(numbers[::2], numbers[1::2], strict=False))
        if len(numbers) % 2 or not least <= len(points) <= most:
            raise SpecError(section.where("points"), f"[{group.name}] has {len(numbers)} numbers", wanted,
                            "each 0..1 of the picture's width or height")  # fmt: skip
        yield section.text("name") or group.name, points


def _known(name: str) -> GroupKeys:
    known = find_group(APP, name)
    assert known is not None, f"no group {name} in the table"
    return known
