"""Corrections are written once, whole, with the file as it was kept; or not at all."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.data.check.corrections import BACKUPS, changed, plan, read_corrections, write
from faceir.data.check.finding import Change
from faceir.errors import InputError
from tests.data.check.samples import line

TEXT = f"{line((1, 2, 30, 40))}\n{line((5, 6, 70, 80))}\n"
NEW = line((9, 9, 20, 20))


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def document(*files):
    return json.dumps({"format": 1, "files": files})


def entry(changes, label="set/labels/0.txt", sha256=sha(TEXT)):  # noqa: B008
    return {"label": label, "sha256": sha256, "changes": [{"line": n, "text": text} for n, text in changes]}


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data" / "set" / "labels" / "0.txt"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT)
    return tmp_path / "data"


def corrections(tmp_path, *files):
    path = tmp_path / "corrections.json"
    path.write_text(document(*files))
    return read_corrections(path)


def run(data, given):
    planned = plan(data, given)
    write(data, given, planned)
    return planned


def test_written_once_and_kept(data, tmp_path):
    given = corrections(tmp_path, entry([(1, None), (2, NEW), (0, NEW)]))
    planned = run(data, given)
    assert list(planned.texts) == ["set/labels/0.txt"]
    path = data / "set/labels/0.txt"
    assert path.read_text() == f"{NEW}\n{NEW}\n"
    kept = list((data / BACKUPS).rglob("*.txt.*"))
    assert [p.read_text() for p in kept] == [TEXT]
    again = run(data, given)
    assert again.texts == {}
    assert again.done == ("set/labels/0.txt",)
    assert path.read_text() == f"{NEW}\n{NEW}\n"
    assert not list(data.rglob("*.part"))


def test_a_file_that_was_not_there(data, tmp_path):
    given = corrections(tmp_path, entry([(0, NEW)], "set/labels/1.txt", None))
    run(data, given)
    assert (data / "set/labels/1.txt").read_text() == f"{NEW}\n"
    assert run(data, given).done == ("set/labels/1.txt",)


def test_nothing_is_written_when_one_file_has_changed(data, tmp_path):
    other = data / "set/labels/1.txt"
    other.write_text(TEXT)
    given = corrections(tmp_path, entry([(1, None)]), entry([(1, None)], "set/labels/1.txt"))
    other.write_text(TEXT + NEW)
    with pytest.raises(InputError, match="has changed since"):
        plan(data, given)
    assert (data / "set/labels/0.txt").read_text() == TEXT
    other.unlink()
    with pytest.raises(InputError, match="has changed since"):
        plan(data, given)


@pytest.mark.parametrize(
    ("files", "part"),
    [
        ([entry([(1, None)], "../0.txt")], "below the data set"),
        ([entry([(1, None)], "/etc/0.txt")], "below the data set"),
        ([entry([(1, None)], "set/images/0.png")], "below the data set"),
        ([entry([(1, None), (1, NEW)])], "in two ways"),
        ([entry([(0, None)])], "removes line 0"),
        ([entry([(-1, None)])], "whole number"),
        ([entry([(True, None)])], "whole number"),
        ([entry([(1, f"{NEW}\n{NEW}")])], "one line"),
        ([entry([(1, "nonsense")])], "fields"),
        ([entry([(1, None)]), entry([(2, None)])], "twice"),
        ([entry([(1, None)], sha256=5)], "sha256"),
        ([{"label": "a.txt"}], "cannot be read"),
        (["x"], "cannot be read"),
    ],
)
def test_what_is_refused(tmp_path, files, part):
    with pytest.raises(InputError, match=part):
        corrections(tmp_path, *files)


def test_other_files_and_places(data, tmp_path):
    for text in ("", "{}", "[]", "no json", '{"format": 2, "files": []}', '{"format": 1}'):
        path = tmp_path / "a.json"
        path.write_text(text)
        with pytest.raises(InputError):
            read_corrections(path)
    with pytest.raises(InputError, match="is not a folder"):
        plan(tmp_path / "none", [])
    with pytest.raises(InputError, match="fewer lines"):
        plan(data, corrections(tmp_path, entry([(7, None)])))
    (tmp_path / "outside").mkdir()
    (data / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(InputError, match="lies outside"):
        plan(data, corrections(tmp_path, entry([(0, NEW)], "link/a.txt", None)))


lines_of = st.lists(st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1), max_size=5)


@given(lines_of, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_lines_without_a_change_stay_to_the_byte(lines, end, ended):
    text = end.join(lines) + (end if lines and ended else "")
    assert changed(text, []) == text
    assert changed(text, [Change(0, "x")]).startswith(text)
    assert changed(text, [Change(0, "x")]).splitlines() == [*lines, "x"]
    assert changed(text, [Change(n + 1, None) for n in range(len(lines))]) == ""
