"""Random messages of the schema, and random paths into them."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from faceir.spec.schema import describe, is_map, is_repeated

# Names as people give them, and what they paste by accident.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def scalars(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return {
        FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
        FieldDescriptor.CPPTYPE_DOUBLE: st.floats(allow_nan=False),
        FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
        FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
        FieldDescriptor.CPPTYPE_STRING: TEXT,
    }[field.cpp_type]


@st.composite
def messages(draw: st.DrawFn, kind: type[Message]) -> Any:
    message = kind()
    fill(draw, message)
    return message


def fill(draw: st.DrawFn, message: Any) -> None:
    """Set a few fields of `message`, at every depth."""
    fields = list(describe(message).fields)
    chosen = draw(st.lists(st.sampled_from(fields), max_size=3, unique_by=lambda one: one.name))
    for field in chosen:
        if field.containing_oneof is not None and message.WhichOneof(field.containing_oneof.name):
            continue
        target = getattr(message, field.name)
        if is_map(field):
            assert field.message_type is not None
            value = field.message_type.fields_by_name["value"]
            for key in draw(st.lists(TEXT, max_size=2)):
                if value.message_type is not None:
                    fill(draw, target[key])
                else:
                    target[key] = draw(scalars(value))
        elif is_repeated(field):
            for _ in range(draw(st.integers(1, 2))):
                if field.message_type is not None:
                    fill(draw, target.add())
                else:
                    target.append(draw(scalars(field)))
        elif field.message_type is not None:
            target.SetInParent()
            fill(draw, target)
        else:
            setattr(message, field.name, draw(scalars(field)))


def scalar_paths(kind: type[Message]) -> list[tuple[str, FieldDescriptor]]:
    """Every dotted path to a scalar below `kind`, with index 0 for lists and key `face` for maps."""
    found: list[tuple[str, FieldDescriptor]] = []

    def walk(here: Any, path: str) -> None:
        for field in here.fields:
            step, value = f"{path}{field.name}", field
            if is_map(field):
                step, value = f"{step}.face", field.message_type.fields_by_name["value"]
            elif is_repeated(field):
                step += ".0"
            if value.message_type is None:
                found.append((step, value))
            else:
                walk(value.message_type, f"{step}.")

    walk(describe(kind), "")
    return found
