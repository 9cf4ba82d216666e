"""`Key` and `GroupKeys`: what a key of DeepStream's files is, and whether it acts here; `tables` has them all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast

from faceir.runtime.deepstream.values import KINDS, Kind

__all__ = ["ANY", "GroupKeys", "Here", "Kept", "Key", "find_group", "mapped", "no", "yes"]

Here = Literal["honoured", "mapped", "no meaning"]
Kept = tuple["GroupKeys", ...]


@dataclass(frozen=True)
class Key:
    """One key of a table; in its name a last N stands for a number and a last * for anything."""

    name: str
    kind: Kind
    default: str
    """As it would be written; "" = none."""
    here: Here
    note: str = ""
    """Mapped to what, limits, or why it has no meaning."""
    low: float | None = None
    high: float | None = None
    choices: tuple[int, ...] = ()

    @property
    def wanted(self) -> str:
        """What may stand there, in words."""
        if self.choices:
            return ", ".join(map(str, self.choices))
        if self.low is not None or self.high is not None:
            return f"{'' if self.low is None else f'{self.low:g}'}..{'' if self.high is None else f'{self.high:g}'}"
        return KINDS[self.kind]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _pattern(self.name)

    def fits(self, name: str) -> bool:
        """Whether `name` is this key."""
        return self._pattern.fullmatch(name) is not None


@dataclass(frozen=True)
class GroupKeys:
    """One group of a table; its name as that of a key, or several with | between."""

    name: str
    keys: tuple[Key, ...]
    why_not: str = ""
    """Not empty: the whole group has no meaning here, for this reason."""
    ours: bool = False
    """An extension, which DeepStream does not know."""

    def fits(self, name: str) -> bool:
        """Whether `name` is such a group."""
        return _pattern(self.name).fullmatch(name) is not None

    def find(self, name: str) -> Key | None:
        """The key of that name, if there is one."""
        return next((key for key in self.keys if key.fits(name)), None)


def _pattern(name: str) -> re.Pattern[str]:
    """The pattern for a name of a table: a last N is a number, a last * anything, a|b one of two."""
    named = re.sub(r"(?<=[a-z-])N(?=$|\|)", "\0", name)
    return re.compile(re.escape(named).replace("\0", r"[0-9]{1,6}").replace(r"\*", ".*").replace(r"\|", "|"))


def find_group(table: Kept, name: str) -> GroupKeys | None:
    """The group of that name, if there is one."""
    return next((group for group in table if group.fits(name)), None)


def yes(spec: str, note: str = "") -> Key:
    """A key that is honoured; `spec` is "name kind default range", with - for no default, range 0..1 or 1,2 or none."""
    return _row(spec, "honoured", note)


def mapped(spec: str, note: str) -> Key:
    """A key that acts as something else, which `note` names; `spec` as of `yes`."""
    return _row(spec, "mapped", note)


def no(why: str, *specs: str) -> Iterator[Key]:
    """Keys that have no meaning here, all for one reason; `specs` as of `yes`."""
    return (_row(spec, "no meaning", why) for spec in specs)


def _row(spec: str, here: Here, note: str) -> Key:
    name, kind, default, *limits = spec.split()
    low, dots, high = (limits[0] if limits else "").partition("..")
    return Key(
        name,
        cast(Kind, kind),
        "" if default == "-" else default,
        here,
        note,
        float(low) if dots and low else None,
        float(high) if dots and high else None,
        tuple(int(choice) for choice in low.split(",")) if low and not dots else (),
    )


ANY = (Key("*", "text", "", "no meaning"),)
"""The keys of a group that has no meaning as a whole."""
