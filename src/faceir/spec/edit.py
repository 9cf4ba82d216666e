"""One change to a spec, as typed on a command line: `training_config.num_epochs=5`."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from google.protobuf import text_encoding, text_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from faceir.errors import SpecError
from faceir.spec.schema import describe, homes, is_map, is_repeated, listed, nearest, wanted

__all__ = ["override"]

M = TypeVar("M", bound=Message)

_ITEM = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^,"])+')
"""One item of a list: up to a comma that is not within quotes."""


def override(spec: M, assignment: str) -> M:
    """A copy of `spec` with one value changed; `spec` itself stays as it is.

    `assignment` is PATH=VALUE. PATH is dotted: names, list indices (`target_classes.0`; the index after the
    last appends) and map keys (`target_class_config.face`). VALUE is a number, true or false, an enum's name,
    text with or without quotes, a list `[a, b]` for a repeated field, or a block `{...}`.
    Raises `SpecError` for an unknown path, with the nearest name, or a value of the wrong kind.
    """
    path, equals, value = assignment.partition("=")
    path, value = path.strip(), value.strip()
    if not equals or not path:
        raise SpecError(f"override {assignment!r}", "is not PATH=VALUE", "such as training_config.num_epochs=5")
    changed = type(spec)()
    changed.CopyFrom(spec)
    _set(changed, path.split("."), value, f"override {assignment!r}", changed)
    return changed


def _set(message: Message, steps: list[str], value: str, where: str, root: Message) -> None:
    """Follow `steps` from `message` and put `value` there (changed in place)."""
    name, rest = steps[0], steps[1:]
    field = describe(message).fields_by_name.get(name)
    if field is None:
        raise _unknown(name, rest, describe(message), where, root)
    if is_map(field) and rest:
        _set_in_map(message, field, rest, value, where, root)
    elif is_repeated(field) and rest:
        _set_in_list(message, field, rest, value, where, root)
    elif rest and field.message_type is None:
        raise SpecError(where, f"`{name}` is a single value, it has no `{rest[0]}`", f"`...{name}=VALUE`")
    elif rest:
        _choose(message, field)
        _set(getattr(message, name), rest, value, where, root)
    else:
        message.ClearField(name)
        _choose(message, field)
        _merge(message, field, value, where)


def _choose(message: Message, field: FieldDescriptor) -> None:
    """Make room for `field`: drop the other member of its `oneof`; a block is present even when it holds nothing."""
    group = field.containing_oneof
    if group is not None and (taken := message.WhichOneof(group.name)) not in (None, field.name):
        message.ClearField(str(taken))
    if field.message_type is not None and not is_repeated(field):
        getattr(message, field.name).SetInParent()


def _set_in_list(
    message: Message, field: FieldDescriptor, steps: list[str], value: str, where: str, root: Message
) -> None:
    items: Any = getattr(message, field.name)
    count = len(items)
    valid = f"an index from 0 to {count}, where {count} adds one" if count else "the index 0, which adds the first"
    if not re.fullmatch(r"\d+", steps[0]) or int(steps[0]) > count:
        raise SpecError(where, f"`{field.name}` is a list of {count} and has no `{steps[0]}`", valid)
    index = int(steps[0])
    if field.message_type is not None:
        item = items.add() if index == count else items[index]
        if steps[1:]:
            _set(item, steps[1:], value, where, root)
        else:
            item.Clear()
            _parse_block(item, value, where, field)
        return
    if steps[1:]:
        raise SpecError(where, f"`{field.name}.{index}` is a single value, it has no `{steps[1]}`", "its VALUE")
    kept = list(items)
    holder = type(message)()
    _merge(holder, field, value, where)
    kept[index : index + 1] = list(getattr(holder, field.name))
    message.ClearField(field.name)
    getattr(message, field.name).extend(kept)


def _set_in_map(
    message: Message, field: FieldDescriptor, steps: list[str], value: str, where: str, root: Message
) -> None:
    entry = field.message_type
    assert entry is not None
    kind = entry.fields_by_name["value"]
    table: Any = getattr(message, field.name)
    if kind.message_type is None:
        # A file or class name may hold dots, so that what is left of the path is the key.
        holder = type(message)()
        one = f'{field.name} {{ key: "{_escape(".".join(steps))}" value: '
        _parse(holder, f"{one}{_literal(kind, value)} }}", value, where, kind, ".".join([field.name, *steps]))
        for key, given in getattr(holder, field.name).items():
            table[key] = given
        return
    key = steps[0]
    if key not in table and (near := nearest(key, _known_keys(table, root))) and near != key:
        raise SpecError(where, f"`{field.name}` has no class `{key}`", listed(sorted(table)), f"did you mean `{near}`?")
    if steps[1:]:
        _set(table[key], steps[1:], value, where, root)
    else:
        table[key].Clear()
        _parse_block(table[key], value, where, field)


def _known_keys(table: Any, root: Message) -> list[str]:
    """Classes that `table` may have: those it has and those of the cost function."""
    cost: Any = getattr(root, "cost_function_config", None)
    return [*sorted(table), *(one.name for one in (cost.target_classes if cost is not None else ()))]


def _escape(text: str) -> str:
    return text_encoding.CEscape(text.encode(), False)


def _literal(field: FieldDescriptor, value: str) -> str:
    """`value` as protobuf text: a shell eats quotes, so text without them is text too."""
    is_text = field.cpp_type == FieldDescriptor.CPPTYPE_STRING
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
    if is_text and not quoted:
        return f'"{_escape(value)}"'
    return value


def _merge(message: Message, field: FieldDescriptor, value: str, where: str) -> None:
    """Parse `value` into `field` of `message`."""
    if value.startswith("[") and is_repeated(field) and not is_map(field):
        items = [one.strip() for one in _ITEM.findall(value.removeprefix("[").removesuffix("]"))]
        if field.message_type is None:
            value = f"[{', '.join(_literal(field, one) for one in items if one)}]"
        _parse(message, f"{field.name}: {value}", value, where, field, field.name)
    elif field.message_type is not None:
        if not value.startswith("{"):
            raise SpecError(where, f"`{field.name}` is {value or 'nothing'}", wanted(field), _deeper(field))
        _parse(message, f"{field.name} {value}", value, where, field, field.name)
    else:
        _parse(message, f"{field.name}: {_literal(field, value)}", value, where, field, field.name)


def _parse_block(message: Message, value: str, where: str, field: FieldDescriptor) -> None:
    if not (value.startswith("{") and value.endswith("}")):
        raise SpecError(where, f"`{field.name}` is {value or 'nothing'}", wanted(field), _deeper(field))
    _parse(message, value[1:-1], value, where, field, field.name)


def _deeper(field: FieldDescriptor) -> str:
    kind = field.message_type
    assert kind is not None
    if is_map(field):
        return f"name a key and a field in it, such as `{field.name}.face. ...=VALUE`"
    step = f"{field.name}.0" if is_repeated(field) else field.name
    return f"name a field in it, such as `{step}.{kind.fields[0].name}=VALUE`"


def _parse(message: Message, text: str, value: str, where: str, field: FieldDescriptor, path: str) -> None:
    given = type(message)()
    try:
        text_format.Merge(text, given)
        # More than the one field has been given where VALUE goes on: `num_epochs=5 batch_size_per_gpu: 3`.
        if text.startswith(f"{field.name}:") and [one.name for one, _ in given.ListFields()] not in ([field.name], []):
            raise text_format.ParseError("more than one value")
        message.MergeFrom(given)
    except text_format.ParseError as error:
        do = ""
        if field.enum_type is not None:
            do = (near := nearest(value, [one.name for one in field.enum_type.values])) and f"did you mean {near}?"
        elif value.startswith(("{", "[")):
            do = re.sub(r"^\d+:\d+ : ", "", str(error))
        raise SpecError(where, f"`{path}` is {value or 'nothing'}", wanted(field), do) from error


def _unknown(name: str, rest: list[str], message: Descriptor, where: str, root: Message) -> SpecError:
    valid = [field.name for field in message.fields]
    came = f"`{name}` is no key of {message.name}"
    if close := nearest(name, valid):
        return SpecError(where, came, do=f"did you mean `{close}`?")
    last = rest[-1] if rest else name
    if found := homes(last, describe(root)):
        return SpecError(where, came, do=f"did you mean `{found[0]}`?")
    return SpecError(where, came, f"one of {listed(valid)}", "see docs/spec.md for all keys")
