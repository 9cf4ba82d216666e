"""Lines of label files, against the reader of training; whatever stands in them, no rule fails."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faceir.data import kitti
from faceir.data.check.label_rules import LABEL_RULES
from faceir.data.check.labelled import array, read, rows_of
from faceir.errors import InputError
from tests.data.check.samples import folder, labelled, line

edges = st.one_of(st.integers(-50, 500), st.floats(-1e7, 1e7, width=32), st.sampled_from(["nan", "inf", "1e400", "x"]))
names = st.sampled_from(["face", "Face", "DontCare", "cat", "\u00e9"])
lines_ = st.builds(
    lambda box, *rest: line(box, *rest), st.tuples(edges, edges, edges, edges), names, st.sampled_from([0, 0.5, -1, 3]),
    st.sampled_from([-1, 0, 5, 9, 10, 2.5, "x"]),
)  # fmt: skip
texts = st.lists(st.one_of(lines_, st.text(max_size=20)), max_size=4).map("\n".join)


@given(texts)
def test_no_line_is_lost_and_no_rule_fails(text):
    rows, bad = rows_of(text)
    filled = [n for n, content in enumerate(text.splitlines(), 1) if content.split()]
    assert sorted([row.line for row in rows] + [one.line for one in bad]) == filled
    for rule in LABEL_RULES.values():
        assert all(0 <= finding.score <= 1 for finding in rule(labelled(*text.splitlines())))


@given(texts)
def test_rows_are_what_training_reads(text):
    try:
        truth = kitti.parse_lines(text, {"face": "face"}, ("face",))
    except InputError:
        return
    rows = [row for row in rows_of(text)[0] if row.name.lower() in ("face", "dontcare")]
    near = np.abs(truth.xyxy).max(axis=1, initial=0) <= 1e6
    np.testing.assert_array_equal(array(rows), truth.xyxy[near])


def test_a_line_written_anew_keeps_the_rest():
    (row,), _ = rows_of("face 0.10 2 0.5 1 2 30 40 1 2 3 4 5 6 7 0.9")
    assert row.written() == "face 0.10 2 0.5 1 2 30 40 1 2 3 4 5 6 7 0.9"
    assert row.written("cat", (1, 2, 3, 4.5)) == "cat 0.10 2 0.5 1.000 2.000 3.000 4.500 1 2 3 4 5 6 7 0.9"


def test_what_cannot_be_read_is_stated(tmp_path):
    items = folder(tmp_path, ["", None])
    items[0].label.write_bytes(b"\xff\xfe")
    items[1].picture.unlink()
    one, two = (read(item, tmp_path, ("face",)) for item in items)
    assert "no text" in one.label_error
    assert one.size_wh == (80, 60)
    assert two.picture_error
    assert two.sha256 is None
    assert two.picture == "set/images/1.png"
