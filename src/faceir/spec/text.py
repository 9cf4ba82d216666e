"""Spec files: read with errors that say line, key and remedy; written so that reading gives them back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from faceir.errors import SpecError, need_file
from faceir.spec.edit import override
from faceir.spec.experiment_pb2 import DatasetExportConfig, Experiment, Inference
from faceir.spec.schema import describe, homes, listed, nearest, wanted

__all__ = ["load", "load_dataset_export", "load_inference", "to_text"]

M = TypeVar("M", bound=Message)

_KINDS: tuple[tuple[type[Message], str, str], ...] = (
    (Experiment, "an experiment spec", "type faceir train -e FILE"),
    (Inference, "an inference spec", "type faceir detect -e FILE"),
    (
        DatasetExportConfig,
        "a conversion spec",
        "no conversion is needed: name the folder of images/ and labels/ in dataset_config.data_sources",
    ),
)
"""Each kind of file, its name, and what to do where it stands in place of another."""


def load(path: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """The experiment spec in `path`, protobuf text format, then changed by `overrides` ("a.b=1") in order.

    Reads any part of a spec, a lone `model_config { ... }` as well; `check` says what is missing.
    Raises `SpecError` with FILE:LINE for everything that cannot be read.
    """
    spec = _read(path, Experiment, "an experiment spec in protobuf text format")
    for assignment in overrides:
        spec = override(spec, assignment)
    return spec


def load_inference(path: str | Path) -> Inference:
    """The inference spec (`inferencer_config`, `bbox_handler_config`) in `path`; raises as `load` does."""
    return _read(path, Inference, "an inference spec in protobuf text format")


def load_dataset_export(path: str | Path) -> DatasetExportConfig:
    """The conversion spec (`kitti_config` or `coco_config`) in `path`, TAO's `dataset_convert -d`."""
    return _read(path, DatasetExportConfig, "a dataset conversion spec in protobuf text format")


def to_text(spec: Message) -> str:
    """`spec` in protobuf text format: fields in the schema's order, maps by key; `load` reads it back equal."""
    body = text_format.MessageToString(spec, as_utf8=True)
    return f"# {spec.DESCRIPTOR.full_name} spec, protobuf text format\n{body}"


def _read(path: str | Path, kind: type[M], what: str) -> M:
    """Parse `path` as a `kind`."""
    path = need_file(path, what, SpecError)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SpecError(path, f"cannot be read ({error.strerror})", what) from error
    line_of = 1 + data.count(b"\n", 0, max(data.find(b"\0"), 0))
    if b"\0" in data:
        raise SpecError(f"{path}:{line_of}", "is a binary file", what, "give the spec's text file, not a model")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        came = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise SpecError(f"{path}:{line}", came, "UTF-8 text", "save the file as UTF-8") from error
    if not text.strip():
        raise SpecError(path, "is empty (only blank lines)", what)
    spec = kind()
    try:
        text_format.Parse(text, spec)
    except text_format.ParseError as error:
        raise _explain(path, text, describe(kind), error) from error
    except RecursionError as error:
        raise SpecError(path, "is nested too deeply", what) from error
    _refuse_twin_keys(path, text)
    return spec


# ------------------------------------------------------------------------------------------- errors

_TOKEN = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*)|(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
    r"""|(?P<open>[{<])|(?P<close>[}>])|(?P<name>[A-Za-z_]\w*)|(?P<other>[^\s#"'{}<>A-Za-z_]+|.)""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int
    """From 1."""
    start: int
    """In the file, characters."""


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skip":
            yield _Token(str(match.lastgroup), match.group(), line, match.start())
        line += match.group().count("\n")


@dataclass(frozen=True)
class _Block:
    name: str
    line: int


def _blocks(text: str, stop: int | None = None) -> tuple[list[_Block], str, int]:
    """Blocks still open at character `stop` (None: the end), the last key before it, and the line of a stray `}`."""
    blocks: list[_Block] = []
    key, stray = "", 0
    previous = ""
    for token in _tokens(text):
        if stop is not None and token.start >= stop:
            break
        if token.kind == "open":
            blocks.append(_Block(key, token.line))
        elif token.kind == "close":
            if blocks:
                blocks.pop()
            else:
                stray = stray or token.line
        elif token.kind == "name" and previous not in (":", "[", ","):  # after these a name is a value
            key = token.text
        previous = token.text
    return blocks, key, stray


def _message_at(root: Descriptor, blocks: Sequence[_Block]) -> Descriptor:
    """The message that the innermost of `blocks` is written in; `root` when one of them is unknown."""
    here = root
    for block in blocks:
        field = here.fields_by_name.get(block.name)
        if field is None or field.message_type is None:
            return root
        here = field.message_type
    return here


def _dotted(blocks: Sequence[_Block], key: str = "") -> str:
    return ".".join([*(block.name for block in blocks), *([key] if key else [])])


def _explain(path: Path, text: str, root: Descriptor, error: text_format.ParseError) -> SpecError:
    """What the parser said, in terms of the file."""
    line, column = error.GetLine() or 1, error.GetColumn() or 1
    lines = text.split("\n")
    where = f"{path}:{line}"
    said = re.sub(r"^\d+:\d+ : ", "", str(error)).removeprefix(f"'{lines[line - 1]}': ").rstrip(".")
    stop = sum(len(one) + 1 for one in lines[: line - 1]) + column - 1
    blocks, key, _ = _blocks(text, stop)
    left_open, _, stray = _blocks(text)

    if found := re.search(r'has no field named "(.*)"', said):
        return _unknown_key(where, found.group(1), blocks, root, (bool(left_open), stray))
    if found := re.search(r'should not have multiple "(.*)" fields', said):
        name = found.group(1)
        return SpecError(
            where, f"`{_dotted(blocks, name)}` is written a second time", "once", "take one of the two out"
        )
    if found := re.search(r'"(\w+)" is specified along with field "(\w+)"', said):
        both = f"`{found.group(1)}` and `{found.group(2)}`"
        return SpecError(where, f"{both} are both written", "one of them", "take one of the two out")
    if re.search(r'Expected "?[}>]', said) and left_open:
        inner = left_open[-1]
        came = f"the file ends, but `{inner.name} {{` of line {inner.line} is still open"
        return SpecError(where, came, "a `}` for every `{`", "add the missing `}`")
    if stray == line and not blocks:
        return SpecError(where, "a `}` that closes nothing", "a `}` for every `{`", "take it out")
    field = _message_at(root, blocks).fields_by_name.get(key)
    rest = lines[line - 1][column - 1 :].split("#")[0].strip()
    if field is not None:
        return _wrong_value(where, said, rest, blocks, field)
    came = f"`{rest[:40]}` where a key was expected" if said.startswith("Expected identifier") else said
    return SpecError(where, came, "`key: value` or `key { ... }`")


def _unknown_key(
    where: str, name: str, blocks: Sequence[_Block], root: Descriptor, balance: tuple[bool, int]
) -> SpecError:
    """`balance`: whether a block is still open at the end of the file, and the line of a `}` too many, or 0."""
    message = _message_at(root, blocks)
    valid = [field.name for field in message.fields]
    inside = f"`{_dotted(blocks)}`" if blocks else f"an {message.name} spec"
    came = f"`{name}` is no key of {inside}"
    left_open, stray = balance
    if left_open and blocks:
        for depth in range(len(blocks) - 1, -1, -1):
            if name in _message_at(root, blocks[:depth]).fields_by_name:
                left = blocks[depth]
                do = f"close `{left.name} {{` of line {left.line} with a `}}` before it"
                return SpecError(where, came, "a `}` for every `{`", do)
    if not blocks and name not in valid:
        asked = next((what for kind, what, _ in _KINDS if describe(kind) is root), "")
        for kind, what, use in _KINDS:
            if name in describe(kind).fields_by_name:
                return SpecError(where, f"`{name}` begins {what}", asked, use)
    close, elsewhere = nearest(name, valid), homes(name, root)
    if stray and elsewhere:
        do = f"take out the `}}` before it that is one too many; it belongs in `{elsewhere[0].rpartition('.')[0]}`"
        return SpecError(where, came, "a `}` for every `{`", do)
    hints = [f"did you mean `{close}`?"] if close else []
    hints += [f"it belongs in `{elsewhere[0].rpartition('.')[0]}`"] if elsewhere else []
    if hints:
        return SpecError(where, came, do=" or ".join(hints))
    return SpecError(where, came, f"one of {listed(valid)}", "take it out or correct its name")


def _wrong_value(where: str, said: str, rest: str, blocks: Sequence[_Block], field: FieldDescriptor) -> SpecError:
    path = _dotted(blocks, field.name)
    want, do = wanted(field), ""
    if field.message_type is None and rest.startswith("{"):
        return SpecError(where, f"`{path}` is a block here", want, f"write `{field.name}: ...`")
    value = re.match(r""""[^"]*"?|'[^']*'?|[^\s{}]+""", rest)
    came = f"`{path}` is {value.group()}" if value else f"`{path}` has no value"
    if said.startswith('Expected ":"'):
        came, want, do = (
            f"`{path}` has no colon",
            f"`{field.name}: ` and {want}",
            f"write `{field.name}: {rest.lstrip('= ')}`",
        )
    elif said.startswith("String missing ending quote"):
        came, do = f"`{path}` is text that does not end on its line", 'add the closing "'
    elif field.enum_type is not None and value:
        close = nearest(value.group().strip("\"'"), [one.name for one in field.enum_type.values])
        do = f"did you mean {close}? write it without quotes" if close else ""
    elif want.startswith("text") and value:
        do = f'write `{field.name}: "{value.group()}"`'
    return SpecError(where, came, want, do)


def _refuse_twin_keys(path: Path, text: str) -> None:
    """Raise when a map holds a key twice: protobuf would silently keep the last, which hides a copying mistake."""
    open_ids: list[tuple[int, str]] = [(0, "")]
    seen: dict[tuple[int, str, str], int] = {}
    last: list[str] = ["", ""]
    opened = 0
    for token in _tokens(text):
        if token.kind == "open":
            opened += 1
            name = last[-1] if last[-1] != ":" else last[-2]
            open_ids.append((opened, name))
        elif token.kind == "close" and len(open_ids) > 1:
            open_ids.pop()
        elif token.kind == "text" and last[-2:] == ["key", ":"] and len(open_ids) > 1:
            twin = (open_ids[-2][0], open_ids[-1][1], token.text[1:-1])
            if twin in seen:
                raise SpecError(
                    f"{path}:{token.line}",
                    f"`{twin[1]}` has the key {token.text} a second time (first in line {seen[twin]})",
                    "every key once",
                    "take one out or rename it",
                )
            seen[twin] = token.line
        last = [last[-1], token.text]
