from __future__ import annotations

from pathlib import Path

import pytest

from faceir.data.sources import Source, Sources, Terms, read_sources
from faceir.errors import InputError

OURS = Path(__file__).parents[2] / "docs" / "sources.toml"
GOOD = """
[notes]
bias = "none known"
[terms.free]
means = "any use"
business = true
[sets.a]
origin = "somewhere"
terms = "free"
pictures = 3
"""


def read(tmp_path: Path, text: str) -> Sources:
    (tmp_path / "s.toml").write_text(text)
    return read_sources(tmp_path / "s.toml")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    stated = Sources(
        {"a": Source("somewhere", "free", pictures=3)}, {"free": Terms("any use", True)}, {"bias": "none known"}
    )
    assert read(tmp_path, GOOD) == stated
    assert read(tmp_path, " ") == Sources()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("origin =", "orgin ="), r"sets\.a states orgin; wanted origin, terms"),
        (('origin = "somewhere"', ""), r"sets\.a lacks a field"),
        (("pictures = 3", 'pictures = "3"'), r"sets\.a\.pictures is '3'; wanted int"),
        (('terms = "free"', 'terms = "freee"'), r"sets\.a\.terms is 'freee'; wanted free"),
        (("pictures = 3", 'use = "test"'), "wanted training or validation"),
        (("business = true", "business = 1"), r"terms\.free\.business is 1; wanted bool"),
        (("[notes]\nbias", "[notes]\nbiass"), "notes states biass; wanted training, labels"),
        (('"none known"', "3"), "notes hold something that is no text"),
        (("[sets.a]", "[set.a]"), "the file states set; wanted sets, terms, notes"),
        (("[sets.a]", "[sets.a"), "cannot be read"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    assert change[0] in GOOD
    with pytest.raises(InputError, match=says):
        read(tmp_path, GOOD.replace(*change))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_sources(tmp_path / "none.toml")


def test_our_own() -> None:
    ours = read_sources(OURS)
    assert {name for name, s in ours.sets.items() if s.use == "validation"} == {
        "ir_val",
        "ir_val_driver",
        "ir_val_room",
    }
    assert {name for name, s in ours.sets.items() if s.terms == "internal"} == {
        "ir_val",
        "ir_val_driver",
        "ir_val_room",
    }
    assert {name for name, t in ours.terms.items() if t.business} == {"free", "free-cc"}
    assert all(s.origin and s.labels and s.modality and s.shows and s.pictures for s in ours.sets.values())
