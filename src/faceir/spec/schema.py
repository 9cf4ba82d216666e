"""Questions about the schema that errors and overrides ask: which keys, which values, which is nearest."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

__all__ = ["describe", "homes", "is_map", "is_repeated", "listed", "nearest", "wanted"]


_LABEL_REPEATED = 3
"""As in protobuf's descriptor.proto."""


def describe(message: Message | type[Message]) -> Descriptor:
    """The schema of `message`."""
    return cast("Descriptor", message.DESCRIPTOR)  # the stubs also name the C++ twin of this class


def is_map(field: FieldDescriptor) -> bool:
    """Whether `field` is a map, written as repeated blocks with `key` and `value`."""
    kind = field.message_type
    return kind is not None and bool(kind.GetOptions().map_entry)


def is_repeated(field: FieldDescriptor) -> bool:
    """Whether `field` may come more than once; maps as well."""
    if hasattr(field, "is_repeated"):
        return bool(field.is_repeated)
    label: int = getattr(field, "label", 0)  # its forerunner, until protobuf 6.30
    return label == _LABEL_REPEATED


def nearest(name: str, valid: Iterable[str]) -> str:
    """The name in `valid` that a typist of `name` most likely meant, "" when none is near."""
    by_lower = {one.lower(): one for one in valid}
    close = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else ""


def listed(names: Iterable[str]) -> str:
    """Names for people: `a`, `b`."""
    return ", ".join(f"`{name}`" for name in names)


def homes(name: str, root: Descriptor, path: str = "") -> list[str]:
    """Dotted paths below `root` whose last name is `name`, shortest first."""
    found = []
    for field in root.fields:
        here = f"{path}.{field.name}" if path else field.name
        if field.name == name:
            found.append(here)
        kind = field.message_type
        if kind is None:
            continue
        if is_map(field):
            here, kind = f"{here}.<key>", kind.fields_by_name["value"].message_type
        if kind is not None:
            found += homes(name, kind, here)
    return sorted(found, key=lambda one: one.count("."))


def wanted(field: FieldDescriptor) -> str:
    """What may be written as one value of `field`."""
    if field.message_type is not None:
        return f"a block, `{field.name} {{ ... }}`"
    if field.enum_type is not None:
        return f"one of {', '.join(value.name for value in field.enum_type.values)}"
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_BOOL:
            return "true or false"
        case FieldDescriptor.CPPTYPE_STRING:
            return 'text in quotes, "..."'
        case FieldDescriptor.CPPTYPE_UINT32:
            return "a whole number from 0 to 4294967295"
        case FieldDescriptor.CPPTYPE_INT32:
            return "a whole number"
        case _:
            return "a number"
