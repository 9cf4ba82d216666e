"""Makes docs/spec.md from the comments of `experiment.proto`: `python -m faceir.spec.doc`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

from faceir.spec.experiment_pb2 import DatasetExportConfig, Experiment, Inference
from faceir.spec.generate import descriptor
from faceir.spec.rules import IDLE, REFUSED
from faceir.spec.schema import describe, is_map, is_repeated

__all__ = ["render"]

_HEAD = """\
# The experiment spec

<!-- Made from src/faceir/spec/experiment.proto by `python -m faceir.spec.doc`; do not edit. -->

A spec is a text file in protobuf text format, with the names of NVIDIA TAO's DetectNet_v2, so that TAO's own
files work unchanged: an experiment spec with `faceir train -e`, an inference spec with `faceir detect -e`. A
conversion spec is read, but no command needs one, as pictures and labels are read from their folder. Everything
may be left out; then the default holds. Keys and enum values marked **+** are
beyond TAO. `name[]` may come more than once; `name<key>` is a map, written as

```
target_class_config {
  key: "face"
  value { ... }
}
```

Any key can be changed without editing the file, by its path: `training_config.num_epochs=5`, a list item by its
index, `cost_function_config.target_classes.0.class_weight=2`, a map's by its key,
`postprocessing_config.target_class_config.face.clustering_config.dbscan_eps=0.2`.

"Acts in" names what changes with a key, as the module, class and attribute that hold it; it was found by changing
every key and looking (`python -m faceir.train.acts`), so no key is silently ignored.

From Python: `faceir.spec.load(path, overrides)`, `check(spec)`, `override(spec, "path=value")`, `to_text(spec)`.
"""

_TYPES = {
    FieldDescriptor.CPPTYPE_BOOL: "bool",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
    FieldDescriptor.CPPTYPE_INT32: "int",
    FieldDescriptor.CPPTYPE_STRING: "text",
    FieldDescriptor.CPPTYPE_UINT32: "int >= 0",
}

_BEYOND = 1000
"""Numbers from here up are beyond TAO."""


@dataclass(frozen=True)
class _Comment:
    unit: str
    text: str


def render() -> str:
    """The text of docs/spec.md; needs grpcio-tools. Raises `ValueError` for a field whose comment has no [unit]."""
    (file,) = FileDescriptorSet.FromString(descriptor(source_info=True)).file
    comments = _comments(file)
    parts = [_HEAD]
    seen: dict[str, str] = {}
    for title, kind in (
        ("Experiment spec", Experiment),
        ("Inference spec", Inference),
        ("Dataset conversion spec", DatasetExportConfig),
    ):
        parts.append(f"\n## {title}\n")
        parts += _tables(describe(kind), "", comments, seen, kind)
    return "".join(parts)


def _comments(file: FileDescriptorProto) -> dict[str, str]:
    """Comment of every message and field on one line, by its full name."""
    names: dict[tuple[int, ...], str] = {}
    # In a descriptor's paths, 4 stands for the messages of a file, 3 for those of a message, 2 for its fields.
    queue: list[tuple[tuple[int, ...], str, DescriptorProto]]
    queue = [((4, n), file.package, message) for n, message in enumerate(file.message_type)]
    for place, outer, message in queue:
        name = names[place] = f"{outer}.{message.name}"
        names |= {(*place, 2, n): f"{name}.{field.name}" for n, field in enumerate(message.field)}
        queue += [((*place, 3, n), name, nested) for n, nested in enumerate(message.nested_type)]
    return {
        names[tuple(one.path)]: re.sub(r"\s+", " ", one.leading_comments).strip()
        for one in file.source_code_info.location
        if tuple(one.path) in names
    }


def _comment(field: FieldDescriptor, comments: dict[str, str]) -> _Comment:
    match = re.match(r"\[(?P<unit>.+?)\] (?P<text>.+)", comments.get(field.full_name, ""))
    if match is None:
        raise ValueError(f"{field.full_name}: its comment in experiment.proto does not start with its [unit; range]")
    return _Comment(match.group("unit"), match.group("text"))


def _tables(kind: Descriptor, path: str, comments: dict[str, str], seen: dict[str, str], root: object) -> Iterator[str]:
    """A table of the fields of `kind`, then those of the blocks in it; each message once."""
    seen[kind.full_name] = path or kind.name
    if path:
        yield f"\n### `{path}`\n"
    trained = root is Experiment
    heads = ("key", "type", "default", "unit; range", "meaning", *(["acts in"] if trained else []))
    yield f"\n{comments[kind.full_name]}\n\n{_row(heads)}{_row(['---'] * len(heads))}"
    inner: list[tuple[Descriptor, str]] = []
    for field in kind.fields:
        note, name = _comment(field, comments), field.name
        value = field
        if is_map(field) and field.message_type is not None:
            name, value = f"{name}<key>", field.message_type.fields_by_name["value"]
        elif is_repeated(field):
            name = f"{name}[]"
        here = f"{path}.{name}" if path else name
        block = value.message_type
        text = note.text
        if block is not None:
            if block.full_name in seen:
                text += f" Keys as in `{seen[block.full_name]}`."
            elif all(one.full_name != block.full_name for one, _ in inner):
                inner.append((block, here))
            else:
                first = next(where for one, where in inner if one.full_name == block.full_name)
                text += f" Keys as in `{first}`."
        if field.containing_oneof is not None:
            text += f" One of {_others(field)}."
        mark = " **+**" if field.number >= _BEYOND and not _all_beyond(kind) else ""
        cells = [f"`{name}`{mark}", _type(value), _default(field), note.unit, text]
        yield _row(cells + ([_acts_in(here) if block is None else ""] if trained else []))
    for block, here in inner:
        if block.full_name not in seen:
            yield from _tables(block, here, comments, seen, root)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _acts_in(path: str) -> str:
    """What `acts.json` says of a field; `path` as the tables write it."""
    acts: dict[str, str] = json.loads(Path(__file__).with_name("acts.json").read_text(encoding="utf-8"))
    plain = path.removesuffix("[]").replace("[]", ".0").replace("<key>", ".face")
    match acts.get(plain):
        case None:
            return "not yet looked into"
        case "":
            return f"no effect: {next(why for start, why in IDLE.items() if plain.startswith(start))}"
        case "refused":
            return f"other values are refused{next((f': {why}' for p, (_, why) in REFUSED.items() if plain == p), '')}"
        case places:
            return places


def _all_beyond(kind: Descriptor) -> bool:
    """Whether the whole block is beyond TAO, so that the mark stands at the key that holds it."""
    return all(field.number >= _BEYOND for field in kind.fields)


def _others(field: FieldDescriptor) -> str:
    assert field.containing_oneof is not None
    return " and ".join(f"`{one.name}`" for one in field.containing_oneof.fields)


def _type(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        return "block"
    if field.enum_type is not None:
        return ", ".join(f"{v.name}{' **+**' if v.number >= _BEYOND else ''}" for v in field.enum_type.values)
    return _TYPES[field.cpp_type]


def _default(field: FieldDescriptor) -> str:
    if is_repeated(field) or field.message_type is not None:
        return ""
    if field.enum_type is not None:
        return str(field.enum_type.values_by_number[field.default_value].name)
    value = field.default_value
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/spec.md")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render(), encoding="utf-8")
