from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.errors import FaceirError, SpecError
from faceir.runtime.deepstream import keyfile
from faceir.runtime.deepstream.keyfile import Entry, Group, KeyFile, escape, parse, parse_yaml, split, to_text, unescape

NAMES = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9 _-]{0,8}[a-zA-Z0-9]", fullmatch=True)
# GLib has no escape for a vertical tab or form feed at a text's start.
TEXTS = st.text(st.characters(exclude_characters="\0\v\f", exclude_categories=["Cs"]), max_size=12)
GROUPS = st.dictionaries(NAMES, st.dictionaries(NAMES, TEXTS, max_size=4), max_size=4)


def plain(file: KeyFile) -> dict[str, dict[str, str]]:
    """Without lines."""
    return {group.name: {entry.key: entry.text for entry in group.entries} for group in file.groups}


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", {}),
        (b"\n# only a comment\n", {}),
        (b"[a]\nb=1\n", {"a": {"b": "1"}}),
        (b"[a]\r\nb = 1\r\n", {"a": {"b": "1"}}),
        (b"\xef\xbb\xbf[a]\nb=1", {"a": {"b": "1"}}),
        (b"  [a] \n  b c\t=\t1 # x\n #d=2\n", {"a": {"b c": "1 # x"}}),
        (b"[a]\nb=1\n[c]\nd=2\n[a]\nb=3\ne=4\n", {"a": {"b": "3", "e": "4"}, "c": {"d": "2"}}),
        (b"[a]\nb=\n", {"a": {"b": ""}}),
        (b"[a]\nb=c=d\n", {"a": {"b": "c=d"}}),
        (b"# \xff is no UTF-8, but nobody reads it\n[a]\n", {"a": {}}),
        ("[a]\nü=ß\n".encode(), {"a": {"ü": "ß"}}),
    ],
)
def test_reads_as_glib_does(data: bytes, wanted: dict[str, dict[str, str]]) -> None:
    assert plain(parse(data, "x")) == wanted


def test_knows_its_lines() -> None:
    file = parse(b"# c\n[a]\n\nb=1\n[c]\n[a]\nb=2\n", "x")
    assert file == KeyFile("x", (Group("a", 2, (Entry("b", "2", 7),)), Group("c", 5)))


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"b=1", 1, "before the first group"),
        (b"[a]\nb", 2, "'b'"),
        (b"[a]\n=1", 2, "'=1'"),
        (b"[a", 1, "a group such as"),
        (b"[a]x", 1, "alone on its line"),
        (b"[]", 1, "a group such as"),
        (b"[a]\nb]=1", 2, "b]"),
        (b"[a]\n\nb=\xff", 3, "UTF-8"),
        (b"[a]\nb=\0", 2, "zero byte"),
    ],
)
def test_says_what_is_wrong_and_where(data: bytes, line: int, words: str) -> None:
    with pytest.raises(SpecError) as error:
        parse(data, "x.txt")
    assert error.value.where == f"x.txt:{line}"
    assert words in str(error.value)


GLIB = """
import json, sys
from gi.repository import GLib
answers = []
for text in json.load(sys.stdin):
    file = GLib.KeyFile()
    try:
        file.load_from_data(text, len(text.encode()), 0)
        answers.append({g: {k: file.get_value(g, k) for k in file.get_keys(g)[0]} for g in file.get_groups()[0]})
    except Exception:
        answers.append(None)
print(json.dumps(answers))
"""


def test_agrees_with_glib_itself() -> None:
    """On made-up files of the characters that matter."""
    python = "/usr/bin/python3"
    if not shutil.which(python) or subprocess.run([python, "-c", "import gi"], capture_output=True).returncode:
        pytest.skip("no GLib for Python here: apt-get install python3-gi")
    draw = random.Random(5)
    pieces = ["[a]", "[b]", "[", "]", "k", "l", "=", " ", "\t", "#", ";", "\n", "\n", "\r\n", "1", "\\", "[a]\nk=1\n"]
    texts = [("[c]\n" if n % 2 else "") + "".join(draw.choices(pieces, k=draw.randint(1, 14))) for n in range(2000)]
    translated = re.compile(r"[^\s=\[][^\n=]*\[")  # k[de]=..., which no file of DeepStream has
    texts = [text for text in texts if not translated.search(text)]
    asked = subprocess.run([python, "-c", GLIB], input=json.dumps(texts), capture_output=True, text=True, check=True)
    read = 0
    for text, theirs in zip(texts, json.loads(asked.stdout), strict=True):
        try:
            ours = plain(parse(text.encode(), "x"))
        except SpecError:
            ours = None
        assert ours == theirs, repr(text)
        read += ours is not None
    assert read > 100


@given(GROUPS)
def test_what_is_written_is_read_back(groups: dict[str, dict[str, str]]) -> None:
    written = KeyFile(
        "x", tuple(Group(n, 0, tuple(Entry(k, escape(t), 0) for k, t in keys.items())) for n, keys in groups.items())
    )
    back = parse(to_text(written).encode(), "x")
    assert plain(back) == plain(written)
    assert {g: {k: unescape(t) for k, t in keys.items()} for g, keys in plain(back).items()} == groups


@given(st.lists(TEXTS, max_size=5))
def test_lists_are_read_back(items: list[str]) -> None:
    text = "".join(escape(item) + ";" for item in items)
    while items and not items[-1].strip(" \t\n\v\f\r"):
        items = items[:-1]  # what is empty at the end cannot be told from no item
    back = [unescape(item) for item in split(text)]
    assert back[: len(items)] == items


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for head in (b"", b"[a]\n"):
        try:
            parse(head + data, "x")
        except FaceirError:
            continue


def test_unescape_refuses_what_means_nothing() -> None:
    with pytest.raises(ValueError, match="means nothing"):
        unescape("a\\q")


def test_a_long_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "film.txt"
    path.write_bytes(b"\0" * (5 << 20))
    with pytest.raises(SpecError, match="4 MiB"):
        keyfile.read(path)
    with pytest.raises(SpecError):
        keyfile.read(tmp_path / ("long" * 100))


class TestYaml:
    """The YAML form."""

    @pytest.fixture(autouse=True)
    def _yaml(self) -> None:
        pytest.importorskip("yaml", reason="pip install pyyaml")

    def test_reads_the_same(self) -> None:
        text = b"\xef\xbb\xbfa:\r\n  b: 1;0;0;1\r\n  c: [1, 2]\r\n  d: file://x y\r\n  e:\r\n\r\ng:\r\na:\n  b: 010\n"
        file = parse_yaml(text, "x.yml")
        assert plain(file) == {"a": {"b": "010", "c": "1;2", "d": "file://x y", "e": ""}, "g": {}}
        assert file.groups[0].entries[1].line == 3
        assert parse_yaml(b"", "x.yml").groups == ()

    @pytest.mark.parametrize("above", ["", "# whose it is\n\n", "\n  # a\n"])
    def test_the_heading_of_opencv_s_files(self, above: str) -> None:
        file = parse_yaml(f"{above}%YAML:1.0\n---\na:\n  b: 1\n".encode(), "x.yml")
        assert plain(file) == {"a": {"b": "1"}}
        assert file.groups[0].line == above.count("\n") + 3

    @pytest.mark.parametrize(
        ("data", "where"),
        [
            (b"a", "x:1"),
            (b"- a", "x:1"),
            (b"&a [*a]", "x:1"),
            (b"a:\n  b: {c: d}", "x:2"),
            (b"a:\n  [b]: c", "x:2"),
            (b"a: 1", "x:1"),
            (b"a:\n\tb: 1", "x:2"),
            (b"[" * 800, "x"),
            (b"\xff", "x"),
            (b"a: {b: !!python/object:os.system x}", ""),
        ],
    )
    def test_says_what_is_wrong_and_where(self, data: bytes, where: str) -> None:
        if not where:  # a tag makes nothing; the text is read
            assert plain(parse_yaml(data, "x")) == {"a": {"b": "x"}}
            return
        with pytest.raises(SpecError) as error:
            parse_yaml(data, "x")
        assert error.value.where == where

    @given(st.binary(max_size=60) | st.text("ab:-[]{}&*!|>'\" \n#?,%@", max_size=30).map(str.encode))
    def test_any_bytes_are_read_or_refused(self, data: bytes) -> None:
        try:
            parse_yaml(data, "x")
        except FaceirError:
            return
