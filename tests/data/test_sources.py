from __future__ import annotations

from pathlib import Path

import pytest

from faceir.data.sources import Source, Sources, Terms, find_sources, read_sources
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


def beside(tmp_path: Path, **texts: str) -> list[Path]:
    """A folder of each name with that `sources.toml`."""
    for name, text in texts.items():
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "sources.toml").write_text(text)
    return [tmp_path / name for name in texts]


def test_what_lies_beside_several_data_sets_is_one(tmp_path: Path) -> None:
    other = GOOD.replace("sets.a", "sets.b").replace("none known", "some known")
    one, two = beside(tmp_path, one=GOOD, two=other)
    found = find_sources([one, tmp_path / "none", two, one])
    assert found.sets.keys() == {"a", "b"}
    assert found.notes == {"bias": "none known\n\nsome known"}
    assert find_sources([one, one]) == read_sources(one / "sources.toml")
    assert find_sources([]) == find_sources([tmp_path / "none"]) == Sources()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("somewhere", "elsewhere"), r"sets\.a"),
        (("pictures = 3", "pictures = 4"), r"sets\.a"),
        (("pictures = 3", 'use = "validation"'), r"sets\.a"),
        (("any use", "no use"), r"terms\.free"),
        (("business = true", "business = false"), r"terms\.free"),
    ],
)
def test_two_that_speak_of_one_thing_in_two_ways_are_refused(
    tmp_path: Path, change: tuple[str, str], what: str
) -> None:
    """Whoever comes first, and also when one between them agrees with the first."""
    assert change[0] in GOOD
    one, two, three = beside(tmp_path, one=GOOD, two=GOOD, three=GOOD.replace(*change))
    with pytest.raises(InputError, match=rf"three.sources\.toml: states {what} otherwise than .*two.sources\.toml"):
        find_sources([one, two, three])
    with pytest.raises(InputError, match=rf"one.sources\.toml: states {what} otherwise than .*three.sources\.toml"):
        find_sources([three, one])


def test_terms_of_one_and_sets_of_another_do_not_conflict(tmp_path: Path) -> None:
    other = GOOD.replace("sets.a", "sets.b").replace("free", "research")
    found = find_sources(beside(tmp_path, one=GOOD, two=other))
    assert {name: one.terms for name, one in found.sets.items()} == {"a": "free", "b": "research"}
    assert found.terms.keys() == {"free", "research"}


def test_what_is_kept_for_validation() -> None:
    of = Sources({"a": Source("x", "internal"), "b": Source("x", "free", use="validation"), "c": Source("x", "free")})
    assert [of.for_validation(name) for name in ("a", "b", "c", "d")] == [True, True, False, False]
