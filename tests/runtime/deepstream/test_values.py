from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.runtime.deepstream.values import KINDS, Kind, Value, meant


@pytest.mark.parametrize(
    ("text", "kind", "wanted"),
    [
        ("3", "int", 3),
        ("-1 # words after white space are not looked at", "int", -1),
        ("010", "int", 10),
        ("1", "flag", True),
        ("0 ", "flag", False),
        ("true", "flag", True),
        ("0.0039215697906911373", "float", 0.0039215697906911373),
        ("1e-3 # comment", "float", 1e-3),
        (".5", "float", 0.5),
        ("a\\sb\\\\", "text", "a b\\"),
        ("3;240;384;", "ints", (3, 240, 384)),
        ("3; 240 ;384", "ints", (3, 240, 384)),
        ("0;0;0", "floats", (0.0, 0.0, 0.0)),
        ("a\\;b;c", "texts", ("a;b", "c")),
        ("", "texts", ()),
        ("1;0;0;1", "colour", (1.0, 0.0, 0.0, 1.0)),
    ],
)
def test_what_texts_mean(text: str, kind: Kind, wanted: Value) -> None:
    assert meant(text, kind) == wanted


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "int"),
        ("3.0", "int"),
        ("0x10", "int"),
        ("99999999999", "int"),
        ("3x", "int"),
        ("yes", "flag"),
        ("", "flag"),
        ("nan", "float"),
        ("1e999", "float"),
        ("0.5#", "float"),
        ("1;;3", "ints"),
        ("1;0;0", "colour"),
        ("255;0;0;1", "colour"),
        ("a\\q", "text"),
    ],
)
def test_what_means_nothing(text: str, kind: Kind) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        meant(text, kind)


@given(st.text(max_size=20), st.sampled_from(sorted(KINDS)))
def test_any_text_is_read_or_refused(text: str, kind: Kind) -> None:
    try:
        meant(text, kind)
    except ValueError as error:
        assert str(error)  # noqa: PT017  # either is right


def test_a_long_text_is_refused_at_once() -> None:
    for kind in KINDS:
        if kind not in ("text", "path", "texts"):
            with pytest.raises(ValueError, match=r"\w"):
                meant("1" * 200_000 + "x", kind)
