"""Key files as GLib reads them, and DeepStream's YAML form of the same: both become groups of keys with their text.

A later key of a name replaces an earlier one and a group that comes twice is one group, as in GLib. More is forgiven
than there: a byte order mark, and words after a number. Text stays as it is written, escapes too; `unescape` and
`split` read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceir.errors import SpecError, need_file
from faceir.runtime.sources import public_text

__all__ = ["Entry", "Group", "KeyFile", "escape", "parse", "parse_yaml", "read", "split", "to_text", "unescape"]

_MOST_BYTES = 4 << 20
"""Anything longer was not typed by people; a film given by mistake is not read into memory."""
_SPACE = " \t\n\v\f\r"
_GROUP = re.compile(r"\[([^\[\]\x00-\x1f\x7f]+)\][ \t]*")
_HEADING = re.compile(r"\A((?:[ \t]*(?:#.*)?\n)*)(?=%YAML:)")
"""Of OpenCV's files, which NVIDIA's trackers have, with or without a licence above it; YAML has another."""
_ESCAPES = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\", ";": ";"}
_ESCAPED = {character: "\\" + letter for letter, character in _ESCAPES.items()}
_WANTED = "a [group], key=value, or a comment that starts with #"


@dataclass(frozen=True)
class Entry:
    """One key."""

    key: str
    text: str
    """As written after the `=`, without white space before it."""
    line: int
    """In its file, from 1."""


@dataclass(frozen=True)
class Group:
    """One group and its keys, each once, in the order in which they came first."""

    name: str
    line: int
    entries: tuple[Entry, ...] = ()

    def get(self, key: str) -> Entry | None:
        """The key, if it is there."""
        return next((entry for entry in self.entries if entry.key == key), None)


@dataclass(frozen=True)
class KeyFile:
    """A file's groups, each once, in order."""

    path: str
    """Of the file, for messages and for the paths in it."""
    groups: tuple[Group, ...] = ()

    def get(self, name: str) -> Group | None:
        """The group, if it is there."""
        return next((group for group in self.groups if group.name == name), None)


def read(path: str | Path) -> KeyFile:
    """The file at `path`: YAML when it ends in .yml or .yaml, else a key file; raises `SpecError`."""
    try:
        path = need_file(path, "a configuration file of DeepStream", SpecError)
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SpecError(path, f"cannot be read ({error.strerror})", "a readable file") from error
    if len(data) > _MOST_BYTES:
        raise SpecError(path, "is larger than 4 MiB", "a configuration file of DeepStream", "check the path")
    return (parse_yaml if path.suffix.lower() in (".yml", ".yaml") else parse)(data, str(path))


def parse(data: bytes, path: str) -> KeyFile:
    """A key file's bytes; `path` is for messages. Raises `SpecError` with the line."""
    made = _Builder(path)
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        where = f"{path}:{number}"
        line = raw.removesuffix(b"\r").lstrip(_SPACE.encode())
        if not line or line.startswith(b"#"):
            continue
        text = _decoded(line, where)
        if text.startswith("["):
            group = _GROUP.fullmatch(text)
            if group is None:
                raise SpecError(where, f"is {_short(text)}", "a group such as [property], alone on its line")
            made.begin(group[1], number)
            continue
        key, equals, value = text.partition("=")
        key = key.rstrip(_SPACE)
        if not equals or not key:
            raise SpecError(where, f"is {_short(text)}", _WANTED, "put # before what is meant for people")
        made.add(key, value.lstrip(_SPACE), number)
    return made.file()


def parse_yaml(data: bytes, path: str) -> KeyFile:
    """The YAML form: a mapping of groups, each a mapping of keys; lists may be lists or `;` texts."""
    yaml = _yaml()
    text = _decoded(data.removeprefix(b"\xef\xbb\xbf"), path)
    text = _HEADING.sub(r"\1#", text)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)  # nodes know their line, and make no objects
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise SpecError(
            f"{path}:{mark.line + 1}" if mark else path, f"is not YAML ({reason})", "groups of `key: value`"
        ) from error
    except (RecursionError, ValueError) as error:  # nested a thousand deep; a date of month 13
        raise SpecError(path, f"is not YAML ({type(error).__name__})", "groups of `key: value`") from error
    made = _Builder(path)
    for name, line, node in _pairs(root, path, "groups of keys") if root is not None else ():
        if not name or not _GROUP.fullmatch(f"[{name}]"):
            raise SpecError(f"{path}:{line}", f"names a group {_short(name)}", "a name such as property")
        made.begin(name, line)
        if not (isinstance(node, yaml.ScalarNode) and node.value == ""):  # a group without keys
            for key, at, value in _pairs(node, path, f"keys of {name}"):
                made.add(key, _node_text(value, f"{path}:{at}", key), at)
    return made.file()


def _yaml() -> Any:
    try:
        import yaml
    except ImportError as error:
        from faceir.errors import MissingExtra

        raise MissingExtra("pyyaml", "not installed here", do="type: pip install pyyaml") from error
    return yaml


def _pairs(node: Any, path: str, wanted: str) -> Iterator[tuple[str, int, Any]]:
    """Name, line and value node of each pair of a mapping node."""
    if node.id != "mapping":
        raise SpecError(f"{path}:{node.start_mark.line + 1}", f"is a {node.id}", f"a mapping, {wanted}")
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.id != "scalar":
            raise SpecError(f"{path}:{line}", f"has a {key.id} as a name", wanted)
        yield key.value, line, value


def _node_text(node: Any, where: str, key: str) -> str:
    if node.id == "sequence" and all(item.id == "scalar" for item in node.value):
        return ";".join(escape(item.value) for item in node.value)
    if node.id != "scalar":
        raise SpecError(where, f"{key} is a {node.id}", "one value, or a list of values")
    if node.tag.endswith(":null") and node.value in ("~", "null", "Null", "NULL"):
        return ""
    return escape(node.value, ";")


class _Builder:
    """Groups and keys as they come, each kept once."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._groups: dict[str, tuple[int, dict[str, Entry]]] = {}
        self._keys: dict[str, Entry] | None = None

    def begin(self, name: str, line: int) -> None:
        self._keys = self._groups.setdefault(name, (line, {}))[1]

    def add(self, key: str, text: str, line: int) -> None:
        where = f"{self._path}:{line}"
        if self._keys is None:
            raise SpecError(where, f"{_short(key)} stands before the first group", "a [group] first")
        if not key or any(c in "[]=\n\r\0" for c in key) or key != key.strip(_SPACE) or key.startswith("#"):
            raise SpecError(where, f"has a key {_short(key)}", "a name of letters, digits and -")
        if "\0" in text:
            raise SpecError(where, f"{key} holds a zero byte", "text", "save the file as UTF-8")
        self._keys[key] = Entry(key, text, line)

    def file(self) -> KeyFile:
        groups = (Group(name, line, tuple(keys.values())) for name, (line, keys) in self._groups.items())
        return KeyFile(self._path, tuple(groups))


def to_text(file: KeyFile) -> str:
    """A key file that `parse` reads as the same groups, keys and texts."""
    groups = (f"[{g.name}]\n" + "".join(f"{e.key}={e.text}\n" for e in g.entries) for g in file.groups)
    return "\n".join(groups)


def escape(text: str, but: str = "") -> str:
    """`text` as it is written in a key file, so that `unescape` gives it back; characters of `but` stay."""
    lead = len(text) - len(text.lstrip(" "))
    tail = len(text.rstrip(" ")) if lead < len(text) else len(text)
    return "".join(
        c if c in but or c not in _ESCAPED or (c == " " and lead <= at < tail) else _ESCAPED[c]
        for at, c in enumerate(text)
    )


def unescape(text: str) -> str:
    r"""The text that is meant: `\s \n \t \r \\ \;` stand for one character each; raises `ValueError`."""
    pieces = re.split(r"\\(.?)", text, flags=re.DOTALL)
    try:
        return "".join(_ESCAPES[piece] if n % 2 else piece for n, piece in enumerate(pieces))
    except KeyError as error:
        raise ValueError(f"\\{error.args[0]} means nothing; a backslash is \\\\") from error


def split(text: str) -> list[str]:
    r"""The items of a list, escapes still in them; the last `;` may be left out, and `\;` parts nothing."""
    items = re.findall(r"((?:\\.|[^\\;]|\\$)*)(?:;|$)", text, flags=re.DOTALL)
    while items and not items[-1].strip(_SPACE):
        items.pop()
    return items


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(where, f"is not UTF-8 at byte {error.start}", "text", "save the file as UTF-8") from error


def _short(text: str) -> str:
    text = public_text(text)
    return repr(text if len(text) <= 60 else text[:57] + "...")
